"""The digests of one memory file, as they are read: a tree over the journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from typing import Any

from ..base import Row
from ..storage.store import Store
from .model import Digest, DigestLevel

__all__ = ["FIELDS", "MARK", "VERSION", "DigestTree"]

FIELDS = Digest.__struct_fields__
"""Columns of the table."""

MARK, VERSION = "digested", "digests"
"""Marks: the last row that is summed up, and how often anything was changed."""

_COLUMNS = ", ".join(f"[{field}]" for field in FIELDS)

_IN_NO_TALK = (
    "NOT EXISTS (SELECT 1 FROM digests WHERE level = 'talk'"
    " AND digests.conversation IS entries.conversation AND [last] >= entries.row"
    " AND [first] <= entries.row AND entries.time BETWEEN start AND [end])"
)


class DigestTree:
    """What can be asked about the digests of a file.

    Args:
        store: the file.
        rows: finds rows of the journal, by a condition in SQL.
    """

    def __init__(self, store: Store, rows: Callable[..., tuple[Row, ...]]) -> None:
        self._store = store
        self._rows = rows

    def count(self) -> int:
        """How many there are."""
        return int(self._store.rows("SELECT count(*) FROM digests WHERE text != ''")[0][0])

    def upto(self) -> int:
        """Number of the last row that is summed up; all before it are, too."""
        return self._store.mark(MARK)

    def version(self) -> int:
        """Another number after every change: what was made of something older is not to be kept."""
        return self._store.mark(VERSION)

    def all(self, *, places: bool = False) -> tuple[Digest, ...]:
        """Every digest, in order of number.

        Args:
            places: also those that have no text any more, or none yet; an export needs them.
        """
        return self._where("true ORDER BY number" if places else "text != '' ORDER BY number")

    def find(self, ids: Collection[str]) -> tuple[Digest, ...]:
        """The digests that `ids` mean (uids, or numbers as people see them: ``d12``), in order of
        number; what there is not is left out."""
        numbers = [int(one[1:]) for one in ids if one[:1] == "d" and one[1:].isdecimal()]
        marks, uids = ", ".join("?" * len(numbers)), ", ".join("?" * len(ids))
        return self._where(
            f"text != '' AND (number IN ({marks}) OR uid IN ({uids})) ORDER BY number", *numbers, *ids
        )

    def get(self, number: int) -> Digest | None:
        """The digest of this number, also one that has no text."""
        return next(iter(self._where("number = ?", number)), None)

    def latest(self, n: int, level: DigestLevel) -> tuple[Digest, ...]:
        """The newest `n` of a level, oldest first."""
        found = self._where(
            "level = ? AND text != '' ORDER BY [end] DESC, number DESC LIMIT ?", level, n
        )
        return found[::-1]

    def children(self, number: int) -> tuple[Digest, ...]:
        """The digests that this one was made of, oldest first; none of a talk, nor of the past."""
        return self._where("parent = ? AND text != '' ORDER BY start, number", number)

    def rows_of(self, number: int) -> tuple[Row, ...]:
        """All rows that a digest tells of, in the order in which they were appended."""
        digest = self.get(number)
        match digest:
            case None:
                return ()
            case Digest(level="talk"):
                return self._rows(
                    "row BETWEEN ? AND ? AND time BETWEEN ? AND ? AND conversation IS ?",
                    digest.first,
                    digest.last,
                    digest.start,
                    digest.end,
                    digest.conversation,
                )
            case Digest(level="past"):
                return self._rows(f"row BETWEEN ? AND ? AND {_IN_NO_TALK}", digest.first, digest.last)
        parts = self._where("parent = ?", number)
        found = (row for part in parts for row in self.rows_of(part.number))
        return tuple(sorted(found, key=lambda row: row.number))

    def newest_rows_of(self, past: Digest, n: int) -> tuple[Row, ...]:
        """The newest `n` rows of the past, in the order in which they were appended."""
        return self._rows(
            "row IN (SELECT row FROM entries WHERE row BETWEEN ? AND ?"
            f" AND {_IN_NO_TALK} ORDER BY row DESC LIMIT ?)",
            past.first,
            past.last,
            n,
        )

    def over(self, row: Row) -> tuple[Digest, ...]:
        """The digests that tell of a row, from its talk to its month."""
        found = list(self._holding(row.number, row.entry.conversation, row.entry.time))
        while found and found[-1].parent is not None:
            found += self._where("number = ?", found[-1].parent)
        return tuple(digest for digest in found if digest.text)

    def talk(self, day: str, conversation: str | None) -> Digest | None:
        """The digest of a conversation on a day, also one that has no text."""
        found = self._where("level = 'talk' AND day = ? AND conversation IS ?", day, conversation)
        return next(iter(found), None)

    def newest_of(self, conversation: str | None) -> Digest | None:
        """The digest of the newest day of a conversation, also one that has no text."""
        found = self._where(
            "level = 'talk' AND conversation IS ? ORDER BY start DESC LIMIT 1", conversation
        )
        return next(iter(found), None)

    def passed_over(self, before: int) -> Digest | None:
        """A digest, without a text and not kept yet, of the rows between `upto` and this number that
        belong to no talk; None where there are none."""
        found = self._store.rows(
            "SELECT count(*), min(row), max(row), min(time), max(time) FROM entries"
            f" WHERE row > ? AND row < ? AND {_IN_NO_TALK}",
            self.upto(),
            before,
        )[0]
        count, first, last, start, end = found
        if not count:
            return None
        return Digest(
            level="past",
            text="",
            first=first,
            last=last,
            start=start,
            end=end,
            rows=count,
            stale=True,
        )

    def is_told(self, row: Row) -> bool:
        """Whether a row belongs to a digest already."""
        return bool(self._holding(row.number, row.entry.conversation, row.entry.time))

    def stale(self, level: DigestLevel) -> Digest | None:
        """The newest ``talk`` or ``past`` whose text is to be made."""
        found = self._where("stale = 1 AND level = ? ORDER BY [end] DESC, number DESC LIMIT 1", level)
        return next(iter(found), None)

    def loose(self, level: DigestLevel, before: str) -> tuple[Digest, ...]:
        """What the next digest is to be made of: all talks of the oldest day before this one that is not
        summed up, or all days of such a month; oldest first. Those without a text are among them.

        Args:
            level: ``day`` or ``month``: what is to be made.
            before: a day or a month.
        """
        part, size = ("talk", 10) if level == "day" else ("day", 7)
        oldest = self._store.rows(
            "SELECT min(substr(day, 1, ?)) FROM digests"
            " WHERE level = ? AND parent IS NULL AND substr(day, 1, ?) < ?",
            size,
            part,
            size,
            before,
        )[0][0]
        if oldest is None:
            return ()
        return self._where(
            "level = ? AND parent IS NULL AND substr(day, 1, ?) = ? ORDER BY start, number",
            part,
            size,
            oldest,
        )

    def _where(self, condition: str, *values: object) -> tuple[Digest, ...]:
        found = self._store.rows(f"SELECT {_COLUMNS} FROM digests WHERE {condition}", *values)
        return tuple(map(_digest_of, found))

    def _holding(self, row: int, conversation: str | None, time: float) -> tuple[Digest, ...]:
        """The talk that a row belongs to, or the past."""
        return self._where(
            "level = 'talk' AND conversation IS ? AND [last] >= ? AND [first] <= ?"
            " AND ? BETWEEN start AND [end] ORDER BY number LIMIT 1",
            conversation,
            row,
            row,
            time,
        ) or self._where("level = 'past' AND ? BETWEEN [first] AND [last] LIMIT 1", row)

    def _telling_of(self, number: int) -> tuple[Digest, ...]:
        rows = self._rows("row = ?", number)
        if rows:
            return self._holding(number, rows[0].entry.conversation, rows[0].entry.time)
        return self._where("level IN ('talk', 'past') AND ? BETWEEN [first] AND [last]", number)


def _digest_of(row: sqlite3.Row) -> Digest:
    values: dict[str, Any] = {field: row[field] for field in FIELDS}
    return Digest(**values | {"stale": bool(row["stale"])})
