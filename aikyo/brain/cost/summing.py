"""Sums up calls for a report. Pure."""

from __future__ import annotations

import time
from collections.abc import Iterable

from msgspec.structs import replace

from ...errors import UsageError, nearest
from ...wire import UsageBy, UsageReport, UsageRow, bare_name, companion_id
from .prices import Prices
from .records import ModelCall

__all__ = ["sum_up"]


def sum_up(
    calls: Iterable[ModelCall],
    prices: Prices,
    *,
    since: float,
    now: float,
    by: UsageBy = "companion",
    companion: str | None = None,
    known: Iterable[str] = (),
    unreadable: int = 0,
) -> UsageReport:
    """A report without caps.

    Args:
        calls: all there are.
        prices: for calls whose price was not known when they were made.
        since: calls that ended before are left out; in seconds since the epoch.
        now: the time.
        by: what there is a row for.
        companion: only this one, by name or id.
        known: ids of companions that may have spent nothing yet.
        unreadable: what was passed over.

    Raises:
        UsageError: nobody is known by the name `companion`.
    """
    rows: dict[str, UsageRow] = {}
    total = UsageRow(name="")
    unpriced: set[str] = set()
    seen = set(known)
    ident = None if companion is None else companion_id(companion)
    for call in calls:
        seen.add(call.companion)
        if call.time < since or ident not in (None, call.companion):
            continue
        row = _row(call, prices)
        name = _name(call, by)
        rows[name] = _plus(rows.get(name, UsageRow(name=name)), row)
        total = _plus(total, row)
        if row.unpriced:
            unpriced.add(call.model)
    if companion is not None and ident not in seen:
        names = (bare_name(one) for one in seen)
        raise UsageError(f"no companion {companion[:80]!r} here{nearest(bare_name(companion), names)}")
    return UsageReport(
        since=since,
        time=now,
        by=by,
        rows=tuple(sorted(map(_shown, rows.values()), key=_hours if by == "hour" else _cost)),
        total=_shown(total),
        unpriced=tuple(sorted(unpriced)),
        prices=prices.as_of,
        unreadable=unreadable,
    )


def _row(call: ModelCall, prices: Prices) -> UsageRow:
    usage = call.usage
    money = call.money if call.money is not None else prices.money(call.model, usage)
    return UsageRow(
        name="",
        calls=usage.calls,
        input=usage.input,
        cached=usage.cached,
        stored=usage.stored,
        output=usage.output,
        seconds=call.seconds,
        money=(money or 0.0) if call.paid else 0.0,
        unpriced=usage.tokens if call.paid and money is None else 0,
        free=0 if call.paid else usage.tokens,
    )


def _plus(one: UsageRow, other: UsageRow) -> UsageRow:
    return UsageRow(
        name=one.name,
        calls=one.calls + other.calls,
        input=one.input + other.input,
        cached=one.cached + other.cached,
        stored=one.stored + other.stored,
        output=one.output + other.output,
        seconds=round(one.seconds + other.seconds, 3),
        money=round((one.money or 0.0) + (other.money or 0.0), 9),
        unpriced=one.unpriced + other.unpriced,
        free=one.free + other.free,
    )


def _shown(row: UsageRow) -> UsageRow:
    """The same, with no money where nothing is known of it."""
    return replace(row, money=None) if row.unpriced and not row.money else row


def _name(call: ModelCall, by: UsageBy) -> str:
    match by:
        case "companion":
            return call.companion
        case "model":
            return call.model
        case "purpose":
            return call.purpose
        case "hour":
            return time.strftime("%Y-%m-%dT%H:00Z", time.gmtime(call.time))


def _hours(row: UsageRow) -> str:
    return row.name


def _cost(row: UsageRow) -> tuple[float, int, str]:
    return -(row.money or 0.0), -row.tokens, row.name
