"""The tables of a memory file, as a history of migrations.

Imported only where a file is made or brought up to date: sqlite-utils is slow to import.
A migration that was ever released is never changed; a new one is added below it, and
`SCHEMA_VERSION` counts them.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlite_utils import Database, Migrations

from ..recall.index import index_anew
from .store import Store

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


@_migrations()
def knowledge(db: Database) -> None:
    """Version 3: who was there, facts with their evidence, digests, how far each work has come, and
    what is to stay forgotten."""
    db.execute("ALTER TABLE entries ADD COLUMN name TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE entries ADD COLUMN present TEXT NOT NULL DEFAULT '[]'")
    db.execute("ALTER TABLE entries ADD COLUMN echo INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE entries ADD COLUMN spot INTEGER")  # see recall/spots.py
    db.table("entries").create_index(["spot"], unique=True)
    db.table("entries").create_index(["conversation", "spot"])
    db.table("senses").create(
        {"block": int, "records": bytes}, pk="block", not_null={"records"}, strict=True
    )
    index_anew(Store(Path(), db.conn))
    db.execute("ALTER TABLE entries ADD COLUMN edited INTEGER NOT NULL DEFAULT 0")
    db.table("facts").create(
        {
            "number": int,
            "uid": str,
            "text": str,
            "about": str,
            "level": str,
            "kind": str,
            "importance": float,
            "happened": float,
            "slot": str,
            "learned": float,
            "confirmed": float,
            "half_life": float,
            "ended": float,
            "replaced_by": str,
            "edited": int,
            "vector": bytes,
            "embedder": str,
            "concepts": str,
            "gist": str,
        },
        pk="number",
        not_null={
            "uid",
            "text",
            "about",
            "level",
            "kind",
            "importance",
            "slot",
            "learned",
            "confirmed",
            "replaced_by",
            "edited",
            "embedder",
            "concepts",
            "gist",
        },
        strict=True,
    )
    facts = db.table("facts")
    facts.create_index(["uid"], unique=True)
    facts.create_index(["about", "level"])
    facts.create_index(["gist"])
    # `source` is the uid of an entry, or of a fact that a reflection is over; `stance` is 1 or -1.
    db.table("evidence").create(
        {"fact": int, "source": str, "stance": int, "time": float},
        pk=("fact", "source"),
        not_null={"stance", "time"},
        foreign_keys=[("fact", "facts", "number")],
        strict=True,
    )
    db.table("evidence").create_index(["source"])
    db.execute(
        "CREATE VIRTUAL TABLE fact_words USING fts5("
        "text, content='', tokenize='porter unicode61 remove_diacritics 2')"
    )
    db.table("digests").create(
        {
            "number": int,
            "uid": str,
            "level": str,
            "text": str,
            "first": int,
            "last": int,
            "start": float,
            "end": float,
            "rows": int,
            "conversation": str,
            "day": str,
            "parent": int,
            "stale": int,
        },
        pk="number",
        not_null={"uid", "level", "text", "first", "last", "start", "end", "rows", "day", "stale"},
        strict=True,
    )
    digests = db.table("digests")
    digests.create_index(["uid"], unique=True)
    digests.create_index(["parent"])
    digests.create_index(["level", "day"])
    digests.create_index(["level", "end"])
    digests.create_index(["conversation", "last"])
    db.table("marks").create({"name": str, "upto": int}, pk="name", not_null={"upto"}, strict=True)
    _digest_summary(db)
    # Only a hash: nothing of what was forgotten, and yet it does not come back by gossip or import.
    db.table("forgotten").create(
        {"hash": bytes, "time": float}, pk="hash", not_null={"time"}, strict=True
    )
    db.execute("PRAGMA user_version = 3")


def _digest_summary(db: Database) -> None:
    """The summary of all that was said before becomes the first digest."""
    db.execute(
        "INSERT INTO digests ([uid], level, text, [first], [last], start, [end], [rows], day, stale)"
        " SELECT lower(hex(randomblob(16))), 'past', summary.text, 1, upto, ifnull(min(time), 0),"
        " ifnull(max(time), 0), count(entries.[row]), '', 0"
        " FROM summary LEFT JOIN entries ON entries.[row] <= upto GROUP BY summary.[row]"
    )
    db.execute("INSERT INTO marks (name, upto) SELECT 'digested', upto FROM summary")
    db.table("summary").drop()
