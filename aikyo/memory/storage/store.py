"""A memory's connection as its parts use it: rows, transactions, marks."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .opening import explained

__all__ = ["Store"]


class Store:
    """An open file, for one thread at a time. What SQLite raises becomes a `MemoryFileError`.

    Args:
        path: where the file is, for what people are told.
        connection: in autocommit mode, with rows as `sqlite3.Row`.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self._in_transaction = False

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """All rows that a query finds."""
        with explained(self.path):
            return self.connection.execute(sql, values).fetchall()

    def change(self, sql: str, *values: object) -> int:
        """Carry out a change; returns the number of rows that it touched."""
        with explained(self.path):
            return self.connection.execute(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One commit, or nothing at all. Within another it is a part of that."""
        if self._in_transaction:
            yield
            return
        with explained(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            self._in_transaction = True
            try:
                yield
                self.connection.execute("COMMIT")
            finally:
                self._in_transaction = False
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")

    def mark(self, name: str) -> int:
        """Up to which row (or fact) something has been done: ``learned``, ``reflected``, ``digested``; 0
        where it never was."""
        rows = self.rows("SELECT upto FROM marks WHERE name = ?", name)
        return int(rows[0][0]) if rows else 0

    def set_mark(self, name: str, upto: int) -> None:
        """It has been done up to here; to be called in the transaction that does it."""
        self.change("INSERT OR REPLACE INTO marks (name, upto) VALUES (?, ?)", name, upto)
