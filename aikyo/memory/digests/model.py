"""What the journal comes to, summed up: a tree whose leaves are rows."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["Digest", "DigestLevel"]

DigestLevel = Literal["talk", "day", "month", "past"]
"""One conversation on one day (or what belongs to none); all of a day; all of a month; what was summed
up before there were digests, or was too much to be."""


class Digest(Struct, frozen=True, kw_only=True):
    """A summary of a part of the journal.

    Attributes:
        number: its place in the file, 0 before it is kept; people see it as ``d12``.
        uid: the same on every machine that it is taken to.
        level: see `DigestLevel`.
        text: what happened, to its companion; empty in one that only keeps its place: see `stale`.
        first: number of the first row that it tells of,
        last: and of the last.
        start: when the earliest of them was, in seconds since the epoch,
        end: and the latest.
        rows: how many rows it tells of.
        conversation: which, of a talk; None: what belongs to none.
        day: local date, ``2026-11-20``; of a month ``2026-11``; of the past nothing.
        parent: number of the digest that this is a part of; None: of none yet.
        stale: whether a text is to be made: what the old one told of was forgotten or corrected, or, of
            the past, it was too much at once.
    """

    number: int = 0
    uid: str = ""
    level: DigestLevel
    text: str
    first: int
    last: int
    start: float
    end: float
    rows: int
    conversation: str | None = None
    day: str = ""
    parent: int | None = None
    stale: bool = False
