"""Facts as rows: written, read and removed together with their evidence, words and vectors."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from ...embeddings import Embedder
from ...wire import bare_name
from ..recall.words import folded, index_text
from ..storage.opening import explained
from ..storage.store import Store
from .lexicon import lexicon
from .model import Fact
from .senses import Outdated, Sense, name_of, sense_of

__all__ = ["CHANGES", "FactRows"]

CHANGES = "facts"
"""The mark that counts changes of facts: who holds a copy sees by it when that is out of date."""

_LAST = "fact"  # the mark that holds the last number given
_OWN = tuple(field for field in Fact.__struct_fields__ if field not in {"sources", "against"})
_COLUMNS = ", ".join(_OWN)
_MANY = 500  # values in one statement


class FactRows:
    """The tables of facts. What changes them is to be called within a transaction.

    Args:
        store: the file.
        embedder: what makes vectors, if anything.
    """

    def __init__(self, store: Store, embedder: Embedder | None) -> None:
        self._store = store
        self._embedder = embedder

    def where(self, clause: str, *values: object) -> tuple[Fact, ...]:
        """Facts that fit what may follow WHERE in SQL, with their evidence."""
        rows = self._store.rows(f"SELECT {_COLUMNS} FROM facts WHERE {clause}", *values)
        evidence = self._evidence([row["number"] for row in rows])
        with explained(self._store.path):
            return tuple(_fact_of(row, evidence[row["number"]]) for row in rows)

    def numbered(self, numbers: Collection[int]) -> dict[int, Fact]:
        """The facts with these numbers, where there are such."""
        return {
            fact.number: fact
            for some in _in_pieces(list(numbers))
            for fact in self.where(f"number IN ({_marks(some)})", *some)
        }

    def find(self, ids: Collection[str]) -> dict[str, Fact]:
        """The facts that these ids mean, in the order of `ids`: uids, or numbers as people see them
        (``f12``)."""
        numbers = {name: int(name[1:]) for name in ids if name[:1] == "f" and _is_number(name[1:])}
        uids = [name for name in ids if name not in numbers]
        by_number = self.numbered(set(numbers.values()))
        found = {name: by_number[number] for name, number in numbers.items() if number in by_number}
        for some in _in_pieces(uids):
            found |= {fact.uid: fact for fact in self.where(f"uid IN ({_marks(some)})", *some)}
        return {name: found[name] for name in ids if name in found}

    def add(self, fact: Fact) -> Fact:
        """Write a new fact; its number is given here. Its evidence is written apart from it."""
        from .merging import gist

        # Counted, since SQLite would give the number of a last one that is gone to the next.
        number = self._store.mark(_LAST) + 1
        self._store.set_mark(_LAST, number)
        values = {field: getattr(fact, field) for field in _OWN}
        values |= {"number": number, "edited": int(fact.edited)}
        values |= self._sense(fact.text, fact.about)._asdict() | {"gist": gist(fact.text)}
        self._store.change(
            f"INSERT INTO facts ({', '.join(values)}) VALUES ({_marks(values)})", *values.values()
        )
        self._index(number, fact.text)
        self._changed()
        return msgspec.structs.replace(fact, number=number, sources=(), against=())

    def update(self, fact: Fact, **fields: Any) -> None:
        """Change columns of a fact; of its text see `reword`."""
        columns = ", ".join(f"{field} = ?" for field in fields)
        self._store.change(f"UPDATE facts SET {columns} WHERE number = ?", *fields.values(), fact.number)
        self._changed()

    def reword(self, fact: Fact, text: str) -> None:
        """Give a fact another text: nothing of the one before is left."""
        from .merging import gist

        self._unindex(fact)
        self._index(fact.number, text)
        self._wipe()
        self.update(fact, text=text, gist=gist(text), **self._sense(text, fact.about)._asdict())

    def remove(self, facts: Collection[Fact]) -> None:
        """Remove facts, with all that is theirs."""
        if not facts:
            return
        for fact in facts:
            self._unindex(fact)
            self._store.change("DELETE FROM evidence WHERE fact = ?", fact.number)
            self._store.change("DELETE FROM facts WHERE number = ?", fact.number)
            self._store.change("UPDATE facts SET replaced_by = '' WHERE replaced_by = ?", fact.uid)
        self._wipe()
        self._changed()

    def add_evidence(self, fact: Fact, source: str, stance: int, time: float) -> bool:
        """Add a source for (1) or against (-1) a fact; False where it was there."""
        added = self._store.change(
            "INSERT INTO evidence (fact, source, stance, time) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (fact, source) DO NOTHING",
            fact.number,
            source,
            stance,
            time,
        )
        return added > 0

    def resting_on(self, sources: Collection[str]) -> tuple[Fact, ...]:
        """The facts that have one of these uids as evidence."""
        numbers = {
            int(row[0])
            for some in _in_pieces(list(sources))
            for row in self._store.rows(
                f"SELECT fact FROM evidence WHERE source IN ({_marks(some)})", *some
            )
        }
        return tuple(self.numbered(numbers).values())

    def drop_evidence(self, sources: Collection[str]) -> None:
        """Forget that these uids were evidence of anything."""
        for some in _in_pieces(list(sources)):
            self._store.change(f"DELETE FROM evidence WHERE source IN ({_marks(some)})", *some)
        self._changed()

    def outdated(self, n: int) -> tuple[Outdated, ...]:
        """Up to `n` facts that have another sense than they would have if they were new: a slow embedder
        has not come to them yet, or it is another one now, or another lexicon."""
        rows = self._store.rows(
            "SELECT number, text, about FROM facts WHERE embedder != ? OR concepts NOT GLOB ? LIMIT ?",
            name_of(self._embedder),
            f"{lexicon().version}*",
            n,
        )
        return tuple(Outdated(row["number"], row["text"], self.names_of(row["about"])) for row in rows)

    def renew(self, made: Collection[tuple[Outdated, Sense]]) -> None:
        """Give facts their sense, where they still have the text that it is of."""
        for fact, sense in made:
            self._store.change(
                "UPDATE facts SET vector = ?, embedder = ?, concepts = ? WHERE number = ? AND text = ?",
                *sense,
                fact.number,
                fact.text,
            )
        if made:
            self._changed()

    def names_of(self, about: str) -> tuple[str, ...]:
        """What somebody (or something) is called: by the id, and as the journal has it last."""
        rows = self._store.rows(
            "SELECT name FROM entries WHERE sender = ? AND kind = 'heard' AND name != ''"
            " ORDER BY time DESC LIMIT 1",
            about,
        )
        names = (bare_name(about), *(str(row["name"]) for row in rows))
        return tuple(dict.fromkeys(folded(name) for name in names if len(name) > 1))

    def _sense(self, text: str, about: str) -> Sense:
        # Nothing else can be written meanwhile: what takes long is done later, see `outdated`.
        quick = self._embedder if self._embedder and self._embedder.is_quick else None
        return sense_of(text, self.names_of(about), quick)

    def _evidence(self, numbers: Sequence[int]) -> dict[int, dict[int, list[str]]]:
        found: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for some in _in_pieces(numbers):
            for row in self._store.rows(
                f"SELECT fact, source, stance FROM evidence WHERE fact IN ({_marks(some)})"
                " ORDER BY time, rowid",
                *some,
            ):
                found[row["fact"]][row["stance"]].append(row["source"])
        return found

    def index_anew(self) -> None:
        """Make the index of words from the facts."""
        self._store.change("INSERT INTO fact_words (fact_words) VALUES ('delete-all')")
        for number, text in self._store.rows("SELECT number, text FROM facts"):
            self._index(number, text)

    def _index(self, number: int, text: str) -> None:
        self._store.change(
            "INSERT INTO fact_words (rowid, text) VALUES (?, ?)", number, index_text(text)
        )

    def _unindex(self, fact: Fact) -> None:
        self._store.change(
            "INSERT INTO fact_words (fact_words, rowid, text) VALUES ('delete', ?, ?)",
            fact.number,
            index_text(fact.text),
        )

    def _wipe(self) -> None:
        # What was taken from the index leaves its terms there until its parts are merged.
        self._store.change("INSERT INTO fact_words (fact_words) VALUES ('optimize')")

    def _changed(self) -> None:
        self._store.set_mark(CHANGES, self._store.mark(CHANGES) + 1)


def _fact_of(row: sqlite3.Row, evidence: dict[int, list[str]]) -> Fact:
    values: dict[str, Any] = {field: row[field] for field in _OWN}
    values |= {"edited": bool(row["edited"])}
    return Fact(**values, sources=tuple(evidence[1]), against=tuple(evidence[-1]))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


def _in_pieces(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _MANY):
        yield values[start : start + _MANY]
