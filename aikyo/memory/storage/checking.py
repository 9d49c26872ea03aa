"""Looks at a memory file for damage."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..base import MemoryDamagedError

__all__ = ["check", "damaged"]

_INDEXES = "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL %USING fts5%'"
_NAMES = "SELECT name FROM sqlite_master"
_NEEDED = {"entries", "words"}
_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL %'"


def check(
    connection: sqlite3.Connection, path: Path, *, indexes: bool = False, deep: bool = False
) -> None:
    """Raises `MemoryDamagedError` where the file is broken.

    Args:
        connection: of the file; one that may write it, if `indexes` are to be looked at.
        path: where the file is, for what people are told.
        indexes: look into the indexes of words too, which takes twice as long as all the rest.
        deep: compare the tables with their indexes, which takes three times as long.
    """
    # Table by table: asked about a whole file, SQLite 3.44 and 3.45 have FTS5 examine itself too, which
    # takes a file that is open to read alone for a broken one.
    how = "integrity_check" if deep else "quick_check"
    tables = [table for (table,) in connection.execute(_TABLES)]
    begun = connection.execute("PRAGMA user_version").fetchone()[0] > 0
    if begun and not _NEEDED.issubset(name for (name,) in connection.execute(_NAMES)):
        raise damaged(path, "a table is missing")
    for table in tables:
        verdict: str = connection.execute(f'PRAGMA {how}("{table}")').fetchone()[0]
        if verdict != "ok":
            raise damaged(path, verdict.splitlines()[-1])
    if indexes:
        for (name,) in connection.execute(_INDEXES).fetchall():
            connection.execute(f"INSERT INTO [{name}] ([{name}]) VALUES ('integrity-check')")


def damaged(path: Path, detail: str) -> MemoryDamagedError:
    """The error that says so."""
    return MemoryDamagedError(
        f"the memory {path} is damaged ({detail}); when `aikyo up` or `aikyo restart` starts its "
        "companion, it is set aside and the newest backup restored",
        detail,
    )
