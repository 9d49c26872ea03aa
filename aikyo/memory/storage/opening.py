"""Opens a memory file's connection: made when missing, checked when not, told about when wrong."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from ..base import MemoryFileError

__all__ = ["SCHEMA_VERSION", "explained", "open_for_reading", "open_for_writing", "open_in_ram"]

SCHEMA_VERSION = 3
"""`PRAGMA user_version` of a file that is up to date."""

_APPLICATION_ID = 0x61696B79  # "aiky": what tells our files from any other SQLite file
_BUSY_SECONDS = 1.0


def open_for_writing(path: Path) -> sqlite3.Connection:
    """A connection that writes; the file is made (mode 0600) when missing, and brought up to date.

    Raises:
        MemoryFileError: it cannot be made, is damaged, foreign, or of a newer version. A file that
            is there is never replaced or removed.
    """
    with explained(path):
        if not path.exists():
            _create(path)
        connection = _connect(path, "mode=rw")
        try:
            if _checked_version(connection, path) < SCHEMA_VERSION:
                _migrate(connection)
            # Against the end of the process the log is enough; only against the loss of power would
            # every commit have to wait for the disk.
            connection.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            connection.close()
            raise
        return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """A connection that never writes the memory, with or without a writer beside it.

    Raises:
        MemoryFileError: as in `open_for_writing`; also when there is no such file.
    """
    with explained(path):
        try:
            return _open_to_read(path, "mode=ro")
        except sqlite3.OperationalError:
            # To share a file with a writer, SQLite keeps a file beside it. Where none can be made
            # there can be no writer either, and what the file itself holds is all there is.
            if os.access(path.parent, os.W_OK) or _log_size(path):
                raise
            return _open_to_read(path, "mode=ro&immutable=1")


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
        explanation = _explanation(path, error)
        if explanation is None:
            raise  # a mistake of ours, not of the file
        raise MemoryFileError(explanation) from error


def _open_to_read(path: Path, mode: str) -> sqlite3.Connection:
    connection = _connect(path, mode)
    try:
        if (version := _checked_version(connection, path)) < SCHEMA_VERSION:
            raise MemoryFileError(
                f"the memory {path} is of an older version ({version}); `aikyo up` brings it up to date"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path) -> None:
    """Make it beside its place and move it there whole: no half-made file is ever met."""
    if _log_size(path):
        # SQLite would take the log of a memory that is gone for a part of the new one.
        raise MemoryFileError(
            f"the memory {path} is gone, but its log {_log(path)} is there; "
            "put the memory back, or move its log away to start a new one"
        )
    unborn = path.with_name(path.name + ".new")
    unborn.unlink(missing_ok=True)
    os.close(os.open(unborn, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(_connect(unborn, "mode=rw")) as connection:
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
        _migrate(connection)
    unborn.rename(path)


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
    return connection


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of a file that is ours and whole.

    Raises:
        MemoryFileError: it is not.
    """
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
    _check(connection, path)
    return version


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises `MemoryFileError` where the file's structure is broken.

    Table by table: asked about a whole file, SQLite 3.44 and 3.45 have FTS5 examine itself too, which
    takes a file that is open to read alone for a broken one.
    """
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL %'"
    ).fetchall()
    for (table,) in tables:
        verdict: str = connection.execute(f'PRAGMA quick_check("{table}")').fetchone()[0]
        if verdict != "ok":
            raise MemoryFileError(_damaged(path, verdict.splitlines()[-1]))


def _explanation(path: Path, error: Exception) -> str | None:
    match error:
        case OSError():
            return _unusable(path, (error.strerror or str(error)).lower())
        case sqlite3.Error():
            return _explanation_of_code(path, error)
        case _:  # bytes that are no text, and text that is no list of names
            return _damaged(path, "what it holds cannot be read")


def _explanation_of_code(path: Path, error: sqlite3.Error) -> str | None:
    # What the module itself refuses has no code: text that is not UTF-8, a connection that is closed.
    unreadable = sqlite3.SQLITE_CORRUPT if isinstance(error, sqlite3.OperationalError) else 0
    match getattr(error, "sqlite_errorcode", unreadable) & 0xFF:
        case sqlite3.SQLITE_FULL:
            return f"the disk is full and {path} takes no more; make room (what it holds is unharmed)"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"the memory {path} is held by another program; end that, or try again"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return _unusable(path, str(error))
        case sqlite3.SQLITE_IOERR:
            return f"the memory {path} cannot be read or written ({error}); see to the disk"
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_ERROR:
            return _damaged(path, str(error))
        case _:
            return None


def _unusable(path: Path, reason: str) -> str:
    return f"cannot use the memory {path} ({reason}); see that it is there and yours to read and write"


def _damaged(path: Path, detail: str) -> str:
    return (
        f"the memory {path} is damaged ({detail}); put a backup in its place, "
        "or move it away to begin a new one"
    )


def _log(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _log_size(path: Path) -> int:
    log = _log(path)
    return log.stat().st_size if log.exists() else 0
