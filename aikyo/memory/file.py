"""One companion's memory as a file, for one thread at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

import msgspec

from ..embeddings import Choice, Embedder, choose_embedder
from .base import Durability, Entry, Hit, Kind, Row
from .digests import Digests
from .facts import Facts
from .recall.index import index_anew, index_entry
from .recall.senses import make_senses, remove_senses
from .storage.forgotten import UNSCRUBBED, is_forgotten
from .storage.opening import explained, open_for_reading, open_for_writing, open_in_ram
from .storage.store import Store

if TYPE_CHECKING:
    from .recall.likeness import Senses

__all__ = ["MemoryFile"]

_FIELDS = Entry.__struct_fields__
# In brackets: a name in quotes that is no column would be taken for a text.
_COLUMNS = ", ".join(f"[{field}]" for field in _FIELDS)
_VALUES = ", ".join(f":{field}" for field in _FIELDS)
# Not that of a row that was forgotten, up to which something has been done.
_NEXT = (
    "1 + max(ifnull((SELECT max(row) FROM entries), 0), ifnull((SELECT max(upto) FROM marks"
    " WHERE name IN ('learned', 'digested')), 0))"
)
_NAMES = msgspec.json.Decoder(tuple[str, ...])
_LISTS = ("to", "present")
_FLAGS = ("echo", "edited")
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

    def __init__(
        self, path: Path, connection: sqlite3.Connection, embedder: Embedder | Choice = "auto"
    ) -> None:
        self.path = path
        self.store = Store(path, connection)
        self._senses: Senses | None = None
        known_by = embedder if isinstance(embedder, Embedder) else choose_embedder(embedder)
        self.facts = Facts(self.store, known_by)
        self.digests = Digests(self.store, self._rows_where)

    @classmethod
    def open(
        cls,
        path: Path,
        durability: Durability = "process",
        *,
        suspect: bool = False,
        embedder: Embedder | Choice = "auto",
    ) -> Self:
        """Open it to write; it is made, for its owner alone, when it is missing.

        Args:
            path: where it is.
            durability: what must not take from it what it has acknowledged.
            suspect: whether it was found to be damaged: then it is looked at in depth, and its indexes
                are made anew.
            embedder: what makes vectors of facts.

        Raises:
            MemoryDamagedError: it is damaged; `mend` sets it aside and restores a backup.
            MemoryFileError: it cannot be made, is foreign, or of a newer version. Nothing that is there
                is ever replaced.
        """
        file = cls(path, open_for_writing(path, durability, suspect=suspect), embedder)
        if suspect:
            try:
                file.read_through()
                file.index_anew()
            except BaseException:
                file.close()
                raise
        if file.store.mark(UNSCRUBBED):
            from .care.forgetting import scrub  # here: it is seldom needed

            scrub(file)
        return file

    @classmethod
    def read(cls, path: Path, *, is_checked: bool = False, embedder: Embedder | Choice = "auto") -> Self:
        """Open it to read, also while a running swarm writes it.

        Args:
            path: where it is.
            is_checked: whether it was just now opened to write, and found to be whole.
            embedder: what makes vectors of questions; facts with those of another are found by words.

        Raises:
            MemoryFileError: there is none, or it is damaged, foreign, or of another version.
        """
        return cls(path, open_for_reading(path, is_checked=is_checked), embedder)

    @classmethod
    def in_ram(cls, embedder: Embedder | Choice = "auto") -> Self:
        """One that is no file at all: it ends when it is closed."""
        return cls(Path(":memory:"), open_in_ram(), embedder)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def read_through(self) -> None:
        """Read all that it holds, for what a look at its structure does not find.

        Raises:
            MemoryDamagedError: something makes no sense.
        """
        for _ in self.rows():
            pass
        self.facts.all()
        self.digests.all()

    def index_anew(self) -> None:
        """Make the indexes of words from what it holds, whole or not at all."""
        with self.store.transaction():
            index_anew(self.store)
            remove_senses(self.store)
            self.facts.index_anew()

    def close(self) -> None:
        """Close it; closing twice is harmless."""
        self.store.connection.close()

    def append(self, entry: Entry, *, number: int | None = None) -> bool:
        """Write an entry and its words; both are durable against the end of the process on return.

        Args:
            entry: what happened.
            number: its place, one that nothing has; None: after all others.

        Returns:
            False when an entry with this `uid` and `kind` was there; that one stays as it is. Also when
            it is to stay forgotten.
        """
        with self.store.transaction():
            if is_forgotten(self.store, entry.uid):
                return False
            cursor = self.store.connection.execute(
                f"INSERT INTO entries (row, {_COLUMNS}) VALUES (ifnull(:row, {_NEXT}), {_VALUES})"
                " ON CONFLICT (uid, kind) DO NOTHING",
                {"row": number, **_values_of(entry)},
            )
            if cursor.rowcount == 0:
                return False
            index_entry(self.store, cast(int, cursor.lastrowid), entry)
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
        )
        return self._numbered(rows[::-1])

    def next_after(self, row: int, n: int) -> tuple[Row, ...]:
        """The oldest `n` entries that were appended after `row`, in the order in which they were."""
        rows = self.store.rows(
            f"SELECT {_COLUMNS}, row FROM entries WHERE row > ? ORDER BY row LIMIT ?", row, n
        )
        return self._numbered(rows)

    def heard_from(self, sender: str, n: int) -> tuple[Entry, ...]:
        """The newest `n` things that `sender` was heard to say, newest first."""
        rows = self.store.rows(
            f"SELECT {_COLUMNS} FROM entries WHERE sender = ? AND kind = 'heard' "
            "ORDER BY time DESC, row DESC LIMIT ?",
            sender,
            n,
        )
        return tuple(self._entries(rows))

    def recall(
        self,
        query: str,
        k: int = 8,
        *,
        exclude: Collection[str] = (),
        now: datetime | None = None,
    ) -> tuple[Hit, ...]:
        """The `k` entries that fit `query` best, best first.

        Deterministic: the same memory and query always give the same.

        Args:
            query: any text at all; nothing in it is an operator.
            k: how many at the most; never more than 300 are found.
            exclude: uids of entries to leave out, such as those of the talk that is going on.
            now: the local time, aware of its zone, from which "yesterday" counts; the time of the
                newest entry where none is given.
        """
        from .recall.likeness import Senses  # here: numpy takes a while to import
        from .recall.recalling import find

        if self._senses is None:
            self._senses = Senses(self.store)
        found = find(self.store, query, k, senses=self._senses, exclude=exclude, now=now)
        entries = {row.number: row.entry for row in self.rows_of(numbers=[one.row for one in found])}
        return tuple(
            Hit(entry=entries[one.row], score=one.score, number=one.row, ways=one.ways)
            for one in found
            if one.row in entries  # not if it was forgotten just now
        )

    def make_senses(self, n: int = 500) -> bool:
        """Make the next `n` entries known by their sense that are not yet; 0.1 ms each, and 0.3 s the
        first time in a process.

        Returns:
            Whether there were any; never without an embedder.
        """
        return make_senses(self.store, n)

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

    def count(self) -> int:
        """How many entries there are."""
        return int(self.store.rows("SELECT count(*) FROM entries")[0][0])

    def dump(self, newest: int | None = None) -> Iterator[Entry]:
        """All entries, or the newest so many, in order of time: see `rows`."""
        return (row.entry for row in self.rows(newest))

    def rows(self, newest: int | None = None) -> Iterator[Row]:
        """All entries, or the newest so many, in order of time, with their places.

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
            yield from self._numbered(page)
            after = (page[-1]["time"], page[-1]["row"])

    def rows_of(self, *, numbers: Collection[int] = (), uids: Collection[str] = ()) -> tuple[Row, ...]:
        """The entries with one of these numbers or uids, some hundreds at most, in the order in which
        they were appended."""
        # Not by OR, for which all rows would be read.
        return self._rows_where(
            f"row IN (SELECT row FROM entries WHERE row IN ({', '.join('?' * len(numbers))})"
            f" UNION ALL SELECT row FROM entries WHERE uid IN ({', '.join('?' * len(uids))}))",
            *numbers,
            *uids,
        )

    def _before_newest(self, n: int) -> tuple[float, int]:
        """The place in the order of time just before the newest `n` entries."""
        rows = self.store.rows(
            "SELECT time, row FROM entries ORDER BY time DESC, row DESC LIMIT 1 OFFSET ?", n
        )
        return (rows[0]["time"], rows[0]["row"]) if rows else _BEFORE_ALL

    def _rows_where(self, condition: str, *values: object) -> tuple[Row, ...]:
        found = self.store.rows(
            f"SELECT {_COLUMNS}, row FROM entries WHERE {condition} ORDER BY row", *values
        )
        return self._numbered(found)

    def _numbered(self, rows: Sequence[sqlite3.Row]) -> tuple[Row, ...]:
        entries = self._entries(rows)
        return tuple(Row(number=r["row"], entry=e) for r, e in zip(rows, entries, strict=True))

    def _entries(self, rows: Iterable[sqlite3.Row]) -> list[Entry]:
        with explained(self.path):
            return [_entry_of(row) for row in rows]


def _entry_of(row: sqlite3.Row) -> Entry:
    values: dict[str, Any] = {field: row[field] for field in _FIELDS}
    lists = {field: _NAMES.decode(row[field]) for field in _LISTS}
    flags = {flag: bool(row[flag]) for flag in _FLAGS}
    return Entry(**values | lists | flags)


def _values_of(entry: Entry) -> dict[str, Any]:
    lists = {field: msgspec.json.encode(getattr(entry, field)).decode() for field in _LISTS}
    return msgspec.structs.asdict(entry) | lists
