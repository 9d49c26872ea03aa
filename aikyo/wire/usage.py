"""What thinking has cost, as `GET /usage` answers and `aikyo usage` shows it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["CapUse", "UsageBy", "UsageReport", "UsageRow"]

UsageBy = Literal["companion", "hour", "model", "purpose"]
"""What there is a row for."""


class UsageRow(Struct, frozen=True, kw_only=True):
    """What some calls of models have cost.

    Attributes:
        name: whose: a companion's id, when the hour began (``2026-11-20T15:00Z``), a model, or what for.
        calls: how many requests.
        input: tokens read at the full price.
        cached: tokens read from the provider's cache.
        stored: tokens read and put into that cache.
        output: tokens written.
        seconds: how long the requests took, added up.
        money: US dollars; None where no price is known. With `unpriced` it is more than that.
        unpriced: tokens that cost money, nobody knows how much.
        free: tokens that cost nothing.
    """

    name: str
    calls: int = 0
    input: int = 0
    cached: int = 0
    stored: int = 0
    output: int = 0
    seconds: float = 0
    money: float | None = 0.0
    unpriced: int = 0
    free: int = 0

    @property
    def tokens(self) -> int:
        """All of them, read and written."""
        return self.input + self.cached + self.stored + self.output


class CapUse(Struct, frozen=True, kw_only=True):
    """How much of a cap is used.

    Attributes:
        setting: what sets it.
        limit: tokens or US dollars, as the setting's name says.
        used: of it.
        companion: whose it is; empty: the whole swarm's.
        until: where it is reached, until when, in seconds since the epoch; else 0.
        unpriced: tokens that count against it, nobody knows how much; `used` is without them.
    """

    setting: str
    limit: float
    used: float
    companion: str = ""
    until: float = 0
    unpriced: int = 0


class UsageReport(Struct, frozen=True, kw_only=True):
    """What was spent.

    Attributes:
        since: from when on, in seconds since the epoch. What is older than two days is kept by
            the hour, and than forty by the day.
        time: until when.
        by: what there is a row for.
        rows: those with the highest cost first; hours as they went.
        total: all rows together.
        caps: of the swarm, and of each companion that has spent something.
        unpriced: models whose price is unknown.
        prices: when the prices that come with the program were looked up.
        unreadable: lines of the ledger that were passed over.
    """

    since: float
    time: float
    by: UsageBy
    rows: tuple[UsageRow, ...]
    total: UsageRow
    caps: tuple[CapUse, ...] = ()
    unpriced: tuple[str, ...] = ()
    prices: str = ""
    unreadable: int = 0
