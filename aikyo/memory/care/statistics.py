"""What there is in a memory, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..storage.backups import backups_of, made_at
from ..storage.opening import log_size

if TYPE_CHECKING:
    from ..file import MemoryFile

__all__ = ["Statistics", "statistics"]

_WEEK = 7 * 86_400.0


class Statistics(Struct, frozen=True, kw_only=True):
    """A memory in numbers. Times are seconds since the epoch; None where there are none.

    Attributes:
        companion: bare name.
        rows: how many turns and other entries; `kinds`: of which kind.
        people: how many others were heard.
        oldest: when the first of them was,
        newest: and the last.
        week: how many came within the week before the newest.
        edited: how many a person has corrected.
        facts: how many hold, by level.
        ended: how many were replaced or are so no more.
        pending: how many rows are still to be learned from.
        digests: how many, by level.
        forgotten: how many ids are to stay forgotten.
        bytes: on the disk, with the log.
        bytes_per_row: the same, by row; 0 where there are none.
        backups: how many,
        last_backup: and when the newest was made.
    """

    companion: str
    rows: int
    kinds: dict[str, int]
    people: int
    oldest: float | None
    newest: float | None
    week: int
    edited: int
    facts: dict[str, int]
    ended: int
    pending: int
    digests: dict[str, int]
    forgotten: int
    bytes: int
    bytes_per_row: int
    backups: int
    last_backup: float | None


def statistics(file: MemoryFile) -> Statistics:
    """Count what a memory holds."""
    kinds = _counts(file, "SELECT kind, count(*) FROM entries GROUP BY kind ORDER BY kind")
    oldest, newest = file.store.rows("SELECT min(time), max(time) FROM entries")[0]
    rows, size = sum(kinds.values()), file.path.stat().st_size + log_size(file.path)
    backups = backups_of(file.path)
    week = file.store.rows("SELECT count(*) FROM entries WHERE time > ?", (newest or 0.0) - _WEEK)
    return Statistics(
        companion=file.path.stem,
        rows=rows,
        kinds=kinds,
        people=_one(file, "SELECT count(DISTINCT sender) FROM entries WHERE kind = 'heard'"),
        oldest=oldest,
        newest=newest,
        week=week[0][0],
        edited=_one(file, "SELECT count(*) FROM entries WHERE edited"),
        facts=_counts(
            file, "SELECT level, count(*) FROM facts WHERE ended IS NULL GROUP BY level ORDER BY level"
        ),
        ended=_one(file, "SELECT count(*) FROM facts WHERE ended IS NOT NULL"),
        pending=file.facts.pending(),
        digests=_counts(
            file, "SELECT level, count(*) FROM digests WHERE text != '' GROUP BY level ORDER BY level"
        ),
        forgotten=_one(file, "SELECT count(*) FROM forgotten"),
        bytes=size,
        bytes_per_row=round(size / rows) if rows else 0,
        backups=len(backups),
        last_backup=made_at(backups[0]) if backups else None,
    )


def _counts(file: MemoryFile, sql: str) -> dict[str, int]:
    return {str(row[0]): int(row[1]) for row in file.store.rows(sql)}


def _one(file: MemoryFile, sql: str) -> int:
    return int(file.store.rows(sql)[0][0])
