"""Backups of a memory: copies of one moment, made while it is in use, checked before they count."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

from .checking import check
from .opening import explained, log_of, log_size, open_for_reading, remove

__all__ = [
    "back_up",
    "back_up_before",
    "backup_folder",
    "backups_of",
    "is_due",
    "made_at",
    "prune",
    "stamp",
    "to_keep",
]

WEEKS = 4
"""How many weeks, beyond the newest backups, one is kept of."""

AT = 4
"""The hour of the day, in local time, after which the day's backup is made."""

_PAGES = 256
_KILLED = 3600.0  # seconds; one that is being made is written all the time, and then looked at
_FORM = "%Y-%m-%dT%H%M%SZ"


def backup_folder(path: Path) -> Path:
    """Where the backups of the memory at `path` are: ``HOME/backups/NAME`` for one that lies in
    ``HOME/memories``, else beneath its own folder."""
    root = path.parent.parent if path.parent.name == "memories" else path.parent
    return root / "backups" / path.stem


def backups_of(path: Path) -> tuple[Path, ...]:
    """The backups of the memory at `path`, the newest first."""
    found = [backup for backup in backup_folder(path).glob("*.db") if made_at(backup) is not None]
    return tuple(sorted(found, reverse=True))


def made_at(backup: Path) -> float | None:
    """When a backup was made, in seconds since the epoch, by its name; None for other files."""
    try:
        return datetime.strptime(backup.stem, _FORM).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def stamp(now: float) -> str:
    """A moment (seconds since the epoch) in a file's name, in UTC: ``2026-11-20T190000Z``."""
    return datetime.fromtimestamp(now, UTC).strftime(_FORM)


def back_up(
    path: Path,
    target: Path | None = None,
    *,
    now: float,
    go_on: Callable[[], object] = lambda: None,
) -> Path:
    """Copy the memory at `path`, as it is at one moment, also while a swarm writes it; writers never
    wait for it.

    Args:
        path: where the memory is.
        target: where to; by default among its backups.
        now: seconds since the epoch.
        go_on: called again and again; what it raises ends the copying, and nothing is left of it.

    Returns:
        Where the backup is: for its owner alone, found whole in depth, on the disk.

    Raises:
        MemoryFileError: the memory is damaged or cannot be read, or the backup cannot be written.
    """
    target = target or backup_folder(path) / f"{stamp(now)}.db"
    with explained(path), closing(open_for_reading(path)) as source:
        _copy(source, path, target, go_on)
    return target


def back_up_before(connection: sqlite3.Connection, path: Path) -> None:
    """Keep how a memory was before it is brought up to date.

    Raises:
        MemoryFileError: there is no place for it; then the memory had better stay as it is.
    """
    _copy(connection, path, backup_folder(path) / f"{stamp(time.time())}.db", lambda: None)


def to_keep(times: Iterable[datetime], n: int) -> set[datetime]:
    """Which of the backups made at these `times` are kept: the newest `n`, and of each of the newest
    `WEEKS` calendar weeks the newest."""
    newest = sorted(times, reverse=True)
    weeks = [next(week) for _, week in groupby(newest, key=lambda time: time.isocalendar()[:2])]
    return {*newest[:n], *weeks[:WEEKS]}


def prune(path: Path, n: int) -> tuple[Path, ...]:
    """Remove the backups of the memory at `path` that are not to be kept; gives those that were. What is
    left of backups whose making was killed goes, too.

    Raises:
        MemoryFileError: one cannot be removed.
    """
    times = {backup: made_at(backup) for backup in backups_of(path)}
    moments = {b: datetime.fromtimestamp(at, UTC) for b, at in times.items() if at is not None}
    kept = to_keep(moments.values(), n)
    gone = tuple(backup for backup, moment in moments.items() if moment not in kept)
    with explained(path):
        for backup in gone:
            backup.unlink(missing_ok=True)
        for left in backup_folder(path).glob("*.db.new"):
            with suppress(FileNotFoundError):  # it has just become one
                if left.stat().st_mtime < time.time() - _KILLED:
                    remove(left)
    return gone


def is_due(path: Path, now: datetime) -> bool:
    """Whether it is time to back up the memory at `path`: it was written since its newest backup, and
    a night has come since then; or it holds something, and there is none.

    Args:
        path: where the memory is.
        now: local time, aware.

    Raises:
        MemoryFileError: it cannot be read.
    """
    if not path.exists():
        return False
    # One from tomorrow or later was made when the clock was wrong, and would put off all others
    tomorrow = now.timestamp() + 86_400
    made = (made_at(backup) for backup in backups_of(path))
    newest = next((at for at in made if at is not None and at < tomorrow), None)
    if newest is None:
        with explained(path), closing(open_for_reading(path)) as memory:
            return memory.execute("SELECT 1 FROM entries LIMIT 1").fetchone() is not None
    night = now.replace(hour=AT, minute=0, second=0, microsecond=0)
    if night > now:
        night -= timedelta(days=1)
    log = log_of(path)
    written = path.stat().st_mtime
    if log_size(path):
        written = max(written, log.stat().st_mtime)
    return newest < min(night.timestamp(), written)


def _copy(source: sqlite3.Connection, path: Path, target: Path, go_on: Callable[[], object]) -> None:
    """Copy the memory at `path` beside `target`, look at the copy, and move it there."""
    unborn = target.with_name(target.name + ".new")
    with explained(target):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove(unborn)
        os.close(os.open(unborn, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            with closing(sqlite3.connect(unborn, isolation_level=None)) as copy:
                with _one_moment(source):  # else it would begin anew whenever somebody writes
                    source.backup(copy, pages=_PAGES, progress=lambda *_: go_on())
                copy.execute("PRAGMA journal_mode = DELETE")  # in one file, whoever reads it
                with explained(path):
                    check(copy, path, indexes=True, deep=True)
            _sync(unborn)
            unborn.replace(target)
            _sync(target.parent)
        finally:
            remove(unborn)


@contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Whoever writes meanwhile, this connection sees nothing of it."""
    connection.execute("BEGIN")
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        yield
    finally:
        connection.execute("ROLLBACK")


def _sync(place: Path) -> None:
    """See that a file, or which files are in a folder, is on the disk."""
    if os.name == "nt" and place.is_dir():
        return  # there a folder cannot be opened, and need not be
    opened = os.open(place, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
