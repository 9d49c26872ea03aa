"""Opens a memory file's connection: made when missing, checked when not, told about when wrong."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from ..base import Durability, MemoryFileError
from .checking import check, damaged

__all__ = [
    "SCHEMA_VERSION",
    "explained",
    "finish_restoring",
    "fold_log",
    "log_of",
    "log_size",
    "look_at",
    "open_for_reading",
    "open_for_writing",
    "open_in_ram",
    "remove",
    "restored_of",
    "shm_of",
]

SCHEMA_VERSION = 3
"""`PRAGMA user_version` of a file that is up to date."""

_APPLICATION_ID = 0x61696B79  # "aiky": what tells our files from any other SQLite file
_BUSY_SECONDS = 1.0
_OF_NO_INDEX = "invalid fts5 file format"
_OF_NO_TABLE = "constraint failed"  # as FTS5 says it of a broken index; our tables are named


def open_for_writing(
    path: Path, durability: Durability = "process", *, suspect: bool = False
) -> sqlite3.Connection:
    """A connection that writes; the file is made (mode 0600) when missing, and brought up to date, with
    a backup of how it was.

    Args:
        path: where it is.
        durability: what a commit is to survive.
        suspect: whether it was found to be damaged: then it is looked at in depth.

    Raises:
        MemoryDamagedError: it is damaged. It stays as it is.
        MemoryFileError: it cannot be made, is foreign, or of a newer version. A file that is there is
            never replaced or removed.
    """
    with explained(path):
        finish_restoring(path)
        if not path.exists():
            _create(path)
        # Who ends as it should folds the log into the file
        unclean = log_size(path) > 0
        connection = _connect(path, "mode=rw")
        try:
            version = _checked_version(connection, path)
            check(connection, path, indexes=unclean or suspect, deep=suspect)
            if version < SCHEMA_VERSION:
                _keep_as_it_was(connection, path, version)
                _migrate(connection)
            # Against the end of the process the log is enough; only against the loss of power does
            # every commit have to wait for the disk.
            level = "FULL" if durability == "power" else "NORMAL"
            connection.execute(f"PRAGMA synchronous = {level}")
        except BaseException:
            connection.close()
            raise
        return connection


def open_for_reading(path: Path, *, is_checked: bool = False) -> sqlite3.Connection:
    """A connection that never writes the memory, with or without a writer beside it.

    Args:
        path: where it is.
        is_checked: whether it was just now opened to write, and found to be whole.

    Raises:
        MemoryFileError: as in `open_for_writing`; also when there is no such file.
    """
    with explained(path):
        try:
            return _open_to_read(path, "mode=ro", is_checked=is_checked)
        except sqlite3.OperationalError:
            # To share a file with a writer, SQLite keeps a file beside it. Where none can be made
            # there can be no writer either, and what the file itself holds is all there is.
            if os.access(path.parent, os.W_OK) or log_size(path):
                raise
            return _open_to_read(path, "mode=ro&immutable=1", is_checked=is_checked)


def open_in_ram() -> sqlite3.Connection:
    """A connection to a memory that is kept nowhere, and ends with it."""
    connection = _connected("file::memory:")
    _migrate(connection)
    return connection


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into a `MemoryFileError` with the way out."""
    try:
        yield
    except (sqlite3.Error, msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
        explained_as = _explanation(path, error)
        if explained_as is None:
            raise  # a mistake of ours, not of the file
        raise explained_as from error


def look_at(path: Path) -> None:
    """Raises `MemoryFileError` unless this is a memory of this version or an older one, and whole."""
    with explained(path), closing(_connect(path, "mode=ro")) as connection:
        _checked_version(connection, path)
        check(connection, path)


def finish_restoring(path: Path) -> None:
    """Put a restored memory that is ready in the place of the damaged one, which is kept elsewhere.

    A file at `restored_of` is whole; from when it is there, the one that it replaces does not count.
    """
    ready = restored_of(path)
    if ready.exists():
        # The log first: SQLite would take it for a part of whatever file has this name.
        for beside in (log_of(path), shm_of(path)):
            beside.unlink(missing_ok=True)
        ready.replace(path)


def restored_of(path: Path) -> Path:
    """Where a memory that was restored lies for a moment, once it is whole."""
    return path.with_name(path.name + ".restored")


def log_of(path: Path) -> Path:
    """SQLite's log, which holds what the file itself does not yet."""
    return path.with_name(path.name + "-wal")


def shm_of(path: Path) -> Path:
    """What those who have it open share; SQLite makes it anew."""
    return path.with_name(path.name + "-shm")


def fold_log(connection: sqlite3.Connection) -> None:
    """See that all is in the file itself, before it is given another name, or raise. Closing does so
    too, but where the disk is full it leaves a part in the log, and says nothing."""
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def remove(path: Path) -> None:
    """Remove a file, if it is there, with all that SQLite keeps beside it."""
    for file in (path, *(path.with_name(path.name + beside) for beside in ("-wal", "-shm", "-journal"))):
        file.unlink(missing_ok=True)


def log_size(path: Path) -> int:
    """How many bytes are in its log."""
    log = log_of(path)
    return log.stat().st_size if log.exists() else 0


def _open_to_read(path: Path, mode: str, *, is_checked: bool) -> sqlite3.Connection:
    connection = _connect(path, mode)
    try:
        version = _checked_version(connection, path)
        if not is_checked:
            check(connection, path)
        if version < SCHEMA_VERSION:
            raise MemoryFileError(
                f"the memory {path} is of an older version ({version}); `aikyo up` brings it up to date"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Make it beside its place and move it there whole: no half-made file is ever met."""
    if log_size(path):
        # SQLite would take the log of a memory that is gone for a part of the new one.
        raise MemoryFileError(
            f"the memory {path} is gone, but its log {log_of(path)} is there; "
            "put the memory back, or move its log away to start a new one"
        )
    unborn = path.with_name(path.name + ".new")
    remove(unborn)
    os.close(os.open(unborn, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(_connect(unborn, "mode=rw")) as connection:
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute("PRAGMA journal_mode = WAL")
            _migrate(connection)
            fold_log(connection)
    except BaseException:
        remove(unborn)
        raise
    unborn.rename(path)


def _keep_as_it_was(connection: sqlite3.Connection, path: Path, version: int) -> None:
    from .backups import back_up_before, made_at  # here: it is seldom needed

    # Nothing is in one of version 0. Backups, and what is restored from one, are copies already.
    if version and path.suffix == ".db" and made_at(path) is None:
        back_up_before(connection, path)


def _migrate(connection: sqlite3.Connection) -> None:
    from .schema import migrate  # here: reading needs none of it

    migrate(connection)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # Used from one thread at a time, though not always the same one.
    return _connected(f"{path.absolute().as_uri()}?{mode}")


def _connected(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
    )
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA cell_size_check = ON")  # tells damage sooner
    connection.execute("PRAGMA temp_store = MEMORY")  # to read needs no room on a disk that is full
    return connection


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of a file that is ours.

    Raises:
        MemoryFileError: it is not.
    """
    if str(path) != ":memory:" and path.stat().st_size == 0:
        raise damaged(path, "it is empty")
    ours: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if ours != _APPLICATION_ID:
        raise MemoryFileError(
            f"{path} is not a memory of aikyo's; move it away, and a new one is begun in its place"
        )
    if version > SCHEMA_VERSION:
        raise MemoryFileError(
            f"the memory {path} was written by a newer aikyo (version {version}, "
            f"this one reads up to {SCHEMA_VERSION}); update aikyo"
        )
    return version


def _explanation(path: Path, error: Exception) -> MemoryFileError | None:
    match error:
        case OSError() if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return _full(path)
        case OSError():
            return _unusable(path, (error.strerror or str(error)).lower())
        case sqlite3.Error():
            return _explanation_of_code(path, error)
        case _:  # bytes that are no text, and text that is no list of names
            return damaged(path, "what it holds cannot be read")


def _explanation_of_code(path: Path, error: sqlite3.Error) -> MemoryFileError | None:
    # What the module itself refuses has no code: text that is not UTF-8, a connection that is closed.
    unreadable = sqlite3.SQLITE_CORRUPT if isinstance(error, sqlite3.OperationalError) else 0
    match getattr(error, "sqlite_errorcode", unreadable) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return _full(path)
        case sqlite3.SQLITE_IOERR if error.sqlite_errorcode == sqlite3.SQLITE_IOERR_SHMSIZE:
            return _full(path)  # there is no room for what those who have it open share
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return MemoryFileError(
                f"the memory {path} is held by another program; end that, or try again",
                "another program holds its file",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return _unusable(path, str(error))
        case sqlite3.SQLITE_IOERR:
            return MemoryFileError(
                f"the memory {path} cannot be read or written ({error}); see to the disk",
                "the disk fails",
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return damaged(path, str(error))
        case sqlite3.SQLITE_CONSTRAINT if str(error) == _OF_NO_TABLE:
            return damaged(path, "an index contradicts itself")
        case sqlite3.SQLITE_ERROR if str(error).startswith(_OF_NO_INDEX):
            return damaged(path, str(error))
        case sqlite3.SQLITE_ERROR:
            # Not told as damage, for which the file would be replaced: it may be a mistake of ours.
            return MemoryFileError(f"the memory {path} cannot be used ({error})")
        case _:
            return None


def _full(path: Path) -> MemoryFileError:
    return MemoryFileError(
        f"the disk is full and {path} takes no more; make room (what it holds is unharmed)",
        "the disk is full",
    )


def _unusable(path: Path, reason: str) -> MemoryFileError:
    return MemoryFileError(
        f"cannot use the memory {path} ({reason}); see that it is there and yours to read and write"
    )
