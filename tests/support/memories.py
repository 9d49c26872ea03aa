"""Entries to remember, and what tests of memory need again and again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

from aikyo.memory import Entry, MemoryFile
from aikyo.memory.recall.words import index_text

_numbers = count()


def entry(text: str = "hello", **fields: Any) -> Entry:
    """Something heard from Mika; a new one each time, each a second after the one before."""
    number = next(_numbers)
    given = {
        "uid": f"uid-{number}",
        "time": 1_700_000_000.0 + number,
        "kind": "heard",
        "topic": "messages",
        "sender": "user_mika",
    }
    return Entry(**given | fields, text=text)


def texts(hits: Any) -> list[str]:
    return [hit.entry.text for hit in hits]


def remember(path: Path, *lines: str, **fields: Any) -> None:
    with MemoryFile.open(path) as memory:
        for line in lines:
            memory.append(entry(line, **fields))


def spoil(path: Path) -> None:
    """Put another program's database in the place of a memory: nothing of ours touches it."""
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")


def break_page(path: Path, text: str) -> None:
    """Overwrite with zeros the page of a memory that holds a text."""
    data = bytearray(path.read_bytes())
    page = data.index(text.encode()) // 4096
    data[4096 * page : 4096 * (page + 1)] = bytes(4096)
    path.write_bytes(data)


def assert_index_agrees(path: Path) -> None:
    """Every row's words are in the indexes, of entries and of facts, and nothing else is."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        entries = connection.execute("SELECT spot, text FROM entries").fetchall()
        assert None not in [spot for spot, _ in entries]
        _assert_holds(connection, "words", entries)
        facts = connection.execute("SELECT number, text FROM facts").fetchall()
        _assert_holds(connection, "fact_words", facts)


def _assert_holds(connection: sqlite3.Connection, index: str, rows: list[tuple[int, str]]) -> None:
    """An index made anew from the rows must hold the very same terms at the same places."""
    connection.execute(f"INSERT INTO {index} ({index}) VALUES ('integrity-check')")
    (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (index,)).fetchone()
    connection.execute(made.replace(f"TABLE {index}", f"TABLE temp.{index}_again"))
    connection.executemany(
        f"INSERT INTO temp.{index}_again (rowid, text) VALUES (?, ?)",
        ((number, index_text(text)) for number, text in rows),
    )
    found = []
    for schema, name in (("main", index), ("temp", f"{index}_again")):
        vocabulary = f"temp.{name}_vocabulary"
        connection.execute(
            f"CREATE VIRTUAL TABLE {vocabulary} USING fts5vocab('{schema}', '{name}', 'instance')"
        )
        found.append(
            connection.execute(f"SELECT term, doc, offset FROM {vocabulary} ORDER BY 1, 2, 3").fetchall()
        )
    assert found[0] == found[1]
    connection.rollback()
