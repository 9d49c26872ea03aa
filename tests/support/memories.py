"""Entries to remember, and what tests of memory need again and again."""

from __future__ import annotations

import sqlite3
from itertools import count
from pathlib import Path
from typing import Any

from aikyo.memory import Entry, MemoryFile
from aikyo.memory.recall.words import index_text
from aikyo.wire import bare_name

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


def assert_index_agrees(path: Path) -> None:
    """Every row's words are in the index, and nothing else is."""
    connection = sqlite3.connect(path)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT row, sender, text FROM entries").fetchall()
        # An index made anew from the rows must hold the very same terms at the same places.
        connection.execute(
            "CREATE VIRTUAL TABLE temp.again USING fts5("
            "text, content='', tokenize='porter unicode61 remove_diacritics 2')"
        )
        connection.executemany(
            "INSERT INTO temp.again (rowid, text) VALUES (?, ?)",
            ((row, index_text(f"{bare_name(sender)} {text}")) for row, sender, text in rows),
        )
        connection.execute("CREATE VIRTUAL TABLE temp.here USING fts5vocab('main', 'words', 'instance')")
        connection.execute("CREATE VIRTUAL TABLE temp.anew USING fts5vocab('temp', 'again', 'instance')")
        here = connection.execute("SELECT term, doc, offset FROM here ORDER BY 1, 2, 3").fetchall()
        anew = connection.execute("SELECT term, doc, offset FROM anew ORDER BY 1, 2, 3").fetchall()
        assert here == anew
    finally:
        connection.close()
