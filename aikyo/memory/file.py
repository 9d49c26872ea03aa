"""One companion's memory as a file, for one thread at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from ..wire import bare_name
from .base import Entry, Hit, Kind, Row, Summary
from .digests import Digests
from .facts import Facts
from .recall.ranking import CANDIDATES, Candidate, rank
from .recall.words import index_text, match_expression
from .storage.opening import explained, open_for_reading, open_for_writing, open_in_ram
from .storage.store import Store

__all__ = ["MemoryFile"]

_FIELDS = Entry.__struct_fields__
# In brackets: a name in quotes that is no column would be taken for a text.
_COLUMNS = ", ".join(f"[{field}]" for field in _FIELDS)
_VALUES = ", ".join(f":{field}" for field in _FIELDS)
_NAMES = msgspec.json.Decoder(tuple[str, ...])
_LISTS = ("to", "present")
_PAGE = 500
_BEFORE_ALL = (float("-inf"), -1)


class MemoryFile:
    """A memory file that is open. A context manager that closes it.

    Every method raises `MemoryFileError` when the file cannot be used: damaged, held by another
    program, the disk full. What was written before is unharmed by that.

    Attributes:
        path: where it is.
        store: its connection; what several methods write in `store.transaction()` is one commit.
        facts: what was learned from the journal.
        digests: the journal summed up.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.store = Store(path, connection)
        self.facts = Facts(self.store)
        self.digests = Digests(self.store)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open it to write; it is made, for its owner alone, when it is missing.

        Raises:
            MemoryFileError: it cannot be made, is damaged, foreign, or of a newer version. Nothing
                that is there is ever replaced.
        """
        return cls(path, open_for_writing(path))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Open it to read, also while a running swarm writes it.

        Raises:
            MemoryFileError: there is none, or it is damaged, foreign, or of another version.
        """
        return cls(path, open_for_reading(path))

    @classmethod
    def in_ram(cls) -> Self:
        """One that is no file at all: it ends when it is closed."""
        return cls(Path(":memory:"), open_in_ram())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close it; closing twice is harmless."""
        self.store.connection.close()

    def append(self, entry: Entry) -> bool:
        """Write an entry and its words; both are durable against the end of the process on return.

        Returns:
            False when an entry with this `uid` and `kind` was there; that one stays as it is.
        """
        with self.store.transaction():
            cursor = self.store.connection.execute(
                f"INSERT INTO entries ({_COLUMNS}) VALUES ({_VALUES})"
                " ON CONFLICT (uid, kind) DO NOTHING",
                _values_of(entry),
            )
            if cursor.rowcount == 0:
                return False
            # Who said it is among the words: people ask for "what Mika said about the lake".
            words = index_text(f"{bare_name(entry.sender)} {entry.text}")
            self.store.connection.execute(
                "INSERT INTO words (rowid, text) VALUES (?, ?)", (cursor.lastrowid, words)
            )
            return True

    def recent(self, conversation: str | None, n: int) -> tuple[Entry, ...]:
        """The newest `n` entries of a conversation (None: of everything), oldest first."""
        where, values = ("", ()) if conversation is None else ("WHERE conversation = ?", (conversation,))
        rows = self.store.rows(
            f"SELECT {_COLUMNS} FROM entries {where} ORDER BY time DESC, row DESC LIMIT ?", *values, n
        )
        return tuple(reversed(self._entries(rows)))

    def after(self, row: int, n: int) -> tuple[Row, ...]:
        """The newest `n` entries that were appended after `row`, in the order in which they were."""
        rows = self.store.rows(
            f"SELECT {_COLUMNS}, row FROM entries WHERE row > ? ORDER BY row DESC LIMIT ?",
            row,
            n,
        )[::-1]
        entries = self._entries(rows)
        return tuple(Row(number=r["row"], entry=e) for r, e in zip(rows, entries, strict=True))

    def heard_from(self, sender: str, n: int) -> tuple[Entry, ...]:
        """The newest `n` things that `sender` was heard to say, newest first."""
        rows = self.store.rows(
            f"SELECT {_COLUMNS} FROM entries WHERE sender = ? AND kind = 'heard' "
            "ORDER BY time DESC, row DESC LIMIT ?",
            sender,
            n,
        )
        return tuple(self._entries(rows))

    def recall(self, query: str, k: int = 8, *, exclude: Collection[str] = ()) -> tuple[Hit, ...]:
        """The `k` entries that fit `query` best, best first; each has at least one of its words.

        Deterministic: the same memory and query always give the same.

        Args:
            query: any text at all; nothing in it is an operator.
            k: how many at the most; never more than 300 are found.
            exclude: uids of entries to leave out, such as those of the talk that is going on.
        """
        expression = match_expression(query)
        if expression is None:
            return ()
        ranked = rank(self._candidates(expression, exclude), self._newest())
        return tuple(Hit(entry=self._entry(row), score=score) for row, score in ranked[:k])

    def met(self, sender: str, *, before: float | None = None) -> bool:
        """Whether `sender` was ever heard (or only before a time, in seconds since the epoch)."""
        return bool(
            self.store.rows(
                "SELECT 1 FROM entries WHERE sender = ? AND kind = 'heard' AND time < ? LIMIT 1",
                sender,
                float("inf") if before is None else before,
            )
        )

    def author(self, uid: str, kind: Kind) -> str | None:
        """The peer that the entry with this `uid` and `kind` came from, or None if there is none."""
        rows = self.store.rows("SELECT peer FROM entries WHERE uid = ? AND kind = ?", uid, kind)
        return str(rows[0][0]) if rows else None

    def find(self, uids: Collection[str]) -> tuple[Entry, ...]:
        """The entries with one of these `uids`, oldest first."""
        marks = ", ".join("?" * len(uids))
        rows = self.store.rows(
            f"SELECT {_COLUMNS} FROM entries WHERE uid IN ({marks}) ORDER BY row", *uids
        )
        return tuple(self._entries(rows))

    def summary(self) -> Summary | None:
        """What was summed up last, or None."""
        rows = self.store.rows("SELECT text, upto FROM summary WHERE row = 1")
        if not rows:
            return None
        with explained(self.path):
            return msgspec.convert(dict(rows[0]), Summary)

    def keep_summary(self, summary: Summary) -> None:
        """Keep what was summed up in place of what was before, whole or not at all."""
        with self.store.transaction():
            self.store.connection.execute(
                "INSERT OR REPLACE INTO summary (row, text, upto) VALUES (1, ?, ?)",
                (summary.text, summary.upto),
            )

    def count(self) -> int:
        """How many entries there are."""
        return int(self.store.rows("SELECT count(*) FROM entries")[0][0])

    def dump(self, newest: int | None = None) -> Iterator[Entry]:
        """All entries, or the newest so many, in order of time.

        Reads page by page: however many there are, little is held at once, and a slow reader holds
        up no writer. What is appended meanwhile is not in it.
        """
        last = self.store.rows("SELECT ifnull(max(row), 0) FROM entries")[0][0]
        after = _BEFORE_ALL if newest is None else self._before_newest(newest)
        while page := self.store.rows(
            f"SELECT {_COLUMNS}, row FROM entries WHERE (time, row) > (?, ?) AND row <= ?"
            f" ORDER BY time, row LIMIT {_PAGE}",
            *after,
            last,
        ):
            yield from self._entries(page)
            after = (page[-1]["time"], page[-1]["row"])

    def _candidates(self, expression: str, exclude: Collection[str]) -> list[Candidate]:
        rows = self.store.rows(
            "SELECT row, uid, conversation, time, -found.rank AS relevance FROM"
            " (SELECT rowid, rank FROM words WHERE words MATCH ? ORDER BY rank LIMIT ?) AS found"
            " JOIN entries ON entries.row = found.rowid",
            expression,
            CANDIDATES + len(exclude),
        )
        return [
            Candidate(row["row"], row["conversation"], row["time"], row["relevance"])
            for row in rows
            if row["uid"] not in exclude
        ]

    def _newest(self) -> float:
        return float(self.store.rows("SELECT ifnull(max(time), 0) FROM entries")[0][0])

    def _before_newest(self, n: int) -> tuple[float, int]:
        """The place in the order of time just before the newest `n` entries."""
        rows = self.store.rows(
            "SELECT time, row FROM entries ORDER BY time DESC, row DESC LIMIT 1 OFFSET ?", n
        )
        return (rows[0]["time"], rows[0]["row"]) if rows else _BEFORE_ALL

    def _entry(self, row: int) -> Entry:
        return self._entries(self.store.rows(f"SELECT {_COLUMNS} FROM entries WHERE row = ?", row))[0]

    def _entries(self, rows: Iterable[sqlite3.Row]) -> list[Entry]:
        with explained(self.path):
            return [_entry_of(row) for row in rows]


def _entry_of(row: sqlite3.Row) -> Entry:
    values: dict[str, Any] = {field: row[field] for field in _FIELDS}
    lists = {field: _NAMES.decode(row[field]) for field in _LISTS}
    return Entry(**values | lists | {"echo": bool(row["echo"])})


def _values_of(entry: Entry) -> dict[str, Any]:
    lists = {field: msgspec.json.encode(getattr(entry, field)).decode() for field in _LISTS}
    return msgspec.structs.asdict(entry) | lists
