"""Mends a damaged memory: sets it aside, restores the newest good backup, saves what can be read."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from .base import Entry, MemoryDamagedError, MemoryFileError
from .file import MemoryFile
from .storage.backups import backups_of, made_at, stamp
from .storage.opening import (
    explained,
    finish_restoring,
    fold_log,
    log_of,
    log_size,
    look_at,
    remove,
    restored_of,
    shm_of,
)

__all__ = ["Mended", "damaged_of", "mend"]

_LISTS, _FLAGS = ("to", "present"), ("echo", "edited")


class Mended(Struct, frozen=True, kw_only=True):
    """What became of a damaged memory.

    Attributes:
        aside: where the damaged one is now.
        backup: when the backup was made that took its place, in seconds since the epoch; None: there
            was none, and a new memory was begun.
        restored: how many entries were in that.
        saved: how many more could be read from the damaged one.
    """

    aside: Path
    backup: float | None
    restored: int
    saved: int

    def told(self, detail: str) -> str:
        """The same in words, for people.

        Args:
            detail: what was wrong with it.
        """
        begun = "there was no backup, so a new one was begun"
        if self.backup is not None:
            when = datetime.fromtimestamp(self.backup).astimezone()
            begun = f"the backup of {when:%Y-%m-%d %H:%M} took its place ({_entries(self.restored)})"
        saved = f"; {_entries(self.saved)} more could be read from it" if self.saved else ""
        return f"its memory was damaged ({detail}) and is now {self.aside}; {begun}{saved}"


def mend(path: Path, *, now: float) -> Mended:
    """Put the newest good backup, or a new memory, in the place of the damaged one at `path`, with all
    entries of the journal that can still be read there. Nobody may have it open to write.

    The damaged one is kept beside it. What was learned and summed up since the backup is not taken from
    it: the entries tell it again. A kill at any point leaves the damaged one or the mended one.

    Args:
        path: where it is.
        now: seconds since the epoch.

    Raises:
        MemoryFileError: there is no room, or no right, to do so; then everything is as it was.
    """
    aside = path.with_name(f"{path.name}.damaged-{stamp(now)}")
    unborn = path.with_name(path.name + ".new")
    with explained(path):
        try:
            _set_aside(path, aside)
            mended = _rebuilt(path, aside, unborn)
        except BaseException:  # it is all still in its place
            remove(aside)
            remove(unborn)
            raise
        finally:  # what reading it has left there
            shm_of(aside).unlink(missing_ok=True)
            if not log_size(aside):
                log_of(aside).unlink(missing_ok=True)
        unborn.replace(restored_of(path))
        finish_restoring(path)
    return mended


def _rebuilt(path: Path, aside: Path, unborn: Path) -> Mended:
    """Make at `unborn` what is to take the place of the memory at `path`."""
    remove(unborn)
    backup = _restore(path, unborn)
    with MemoryFile.open(unborn) as memory:
        restored = memory.count()
        with memory.store.transaction():
            _save_forgotten(aside, memory)
            newest = memory.store.rows("SELECT ifnull(max(row), 0) FROM entries")[0][0]
            saved = sum(memory.append(entry) for entry in _sound_entries(aside, newest))
        fold_log(memory.store.connection)
    made = made_at(backup) if backup else None
    return Mended(aside=aside, backup=made, restored=restored, saved=saved)


def damaged_of(path: Path) -> tuple[Path, ...]:
    """The damaged memories that were set aside from `path`, with their logs."""
    return tuple(sorted(path.parent.glob(path.name + ".damaged-*")))


def _set_aside(path: Path, aside: Path) -> None:
    """Give the file and its log a second name, under which they stay when the first is given away."""
    for source, target in ((log_of(path), log_of(aside)), (path, aside)):
        target.unlink(missing_ok=True)  # of an attempt in this very second
        if not source.exists():
            continue
        try:
            os.link(source, target)
        except OSError:  # a file system without links
            shutil.copy2(source, target)


def _restore(path: Path, target: Path) -> Path | None:
    """Copy the newest backup that is whole to `target`; which, or None if there is none."""
    for backup in backups_of(path):
        try:
            look_at(backup)
        except MemoryFileError:
            continue  # damaged too, or of a newer version
        shutil.copyfile(backup, target)
        target.chmod(0o600)
        try:
            MemoryFile.open(target, suspect=True).close()
        except MemoryDamagedError:
            remove(target)
            continue
        return backup
    return None


def _save_forgotten(aside: Path, memory: MemoryFile) -> None:
    """What was to stay forgotten must not come back by the mending."""
    with closing(_opened(aside)) as damaged:
        for row in _rows(damaged, "SELECT hash, time FROM forgotten"):
            memory.store.change(
                "INSERT OR IGNORE INTO forgotten (hash, time) VALUES (?, ?)", row["hash"], row["time"]
            )


def _sound_entries(aside: Path, after: int) -> Iterator[Entry]:
    """The entries of a damaged file with higher numbers than `after`, as far as they can be read: those
    before the first break, and those behind the last."""
    with closing(_opened(aside)) as damaged:
        last = after
        for row in _rows(damaged, "SELECT * FROM entries WHERE row > ? ORDER BY row", after):
            if row["row"] <= last:
                break  # it leads back into itself
            last = row["row"]
            yield from _sound(row)
        behind: int | None = None
        for row in _rows(damaged, "SELECT row, text FROM entries WHERE row > ? ORDER BY row DESC", last):
            if behind is not None and row["row"] >= behind:
                break
            behind = row["row"]
        if behind is not None:
            for row in _rows(damaged, "SELECT * FROM entries WHERE row >= ? ORDER BY row", behind):
                if row["row"] <= last:
                    break
                last = row["row"]
                yield from _sound(row)


def _opened(aside: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{aside.absolute().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    connection.text_factory = bytes  # one text that is none must not end the reading
    return connection


def _rows(damaged: sqlite3.Connection, sql: str, *values: int) -> Iterator[dict[str, Any]]:
    """What a query finds, up to where the file is broken."""
    try:
        for row in damaged.execute(sql, values):
            yield dict(row)
    except (sqlite3.Error, UnicodeDecodeError):  # the latter where it tells of a name that is garbage
        return


def _sound(row: dict[str, Any]) -> Iterator[Entry]:
    """The entry that a row holds, if it makes sense."""
    try:
        values = {
            field: value.decode() if isinstance(value, bytes) else value
            for field, value in row.items()
            if field in Entry.__struct_fields__
        }
        values |= {field: msgspec.json.decode(values[field]) for field in _LISTS if field in values}
        values |= {field: bool(values[field]) for field in _FLAGS if field in values}
        msgspec.json.decode(values["body"])
        yield msgspec.convert(values, Entry)
    except (UnicodeDecodeError, msgspec.DecodeError, KeyError):
        return  # garbage


def _entries(n: int) -> str:
    return f"{n:,} entr{'y' if n == 1 else 'ies'}"
