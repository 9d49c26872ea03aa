"""The tables of a memory file, as a history of migrations.

Imported only where a file is made or brought up to date: sqlite-utils is slow to import.
A migration that was ever released is never changed; a new one is added below it, and
`SCHEMA_VERSION` counts them.
"""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database, Migrations

__all__ = ["migrate"]

_migrations = Migrations("aikyo.memory")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file up to date; each migration happens whole or not at all."""
    # Its plugins are for people's own databases; they must not change ours.
    _migrations.apply(Database(connection, execute_plugins=False))


@_migrations()
def journal(db: Database) -> None:
    """Version 1: the journal, and the words of it."""
    db.table("entries").create(
        {
            "row": int,
            "uid": str,
            "kind": str,
            "time": float,
            "topic": str,
            "peer": str,
            "sender": str,
            "to": str,
            "conversation": str,
            "reply_to": str,
            "text": str,
            "body": str,
        },
        pk="row",
        not_null={"uid", "kind", "time", "topic", "peer", "sender", "to", "text", "body"},
        strict=True,
    )
    entries = db.table("entries")
    entries.create_index(["uid", "kind"], unique=True)
    entries.create_index(["time"])
    entries.create_index(["conversation", "time"])
    entries.create_index(["sender", "kind", "time"])
    # sqlite-utils' enable_fts() indexes columns as they stand; these words are made in Python.
    # Contentless: the words are found again from the row's text, so they need not be kept twice.
    db.execute(
        "CREATE VIRTUAL TABLE words USING fts5("
        "text, content='', tokenize='porter unicode61 remove_diacritics 2')"
    )
    db.execute("PRAGMA user_version = 1")


@_migrations()
def summary(db: Database) -> None:
    """Version 2: what was summed up of the journal; one row, or none."""
    db.table("summary").create({"row": int, "text": str, "upto": int}, pk="row", strict=True)
    db.execute("PRAGMA user_version = 2")
