"""From what a fact comes, and what comes of a row."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from ..base import Row
from ..facts import Fact
from .choosing import Chosen, in_pieces

if TYPE_CHECKING:
    from ..file import MemoryFile

__all__ = ["followers", "origins"]

_MANY = 1000  # rows whose digests are looked for


def origins(file: MemoryFile, facts: Iterable[Fact]) -> dict[str, tuple[Row, ...]]:
    """The turns that each of these facts rests on, oldest first, by its uid; a reflection rests on
    those of the facts beneath it."""
    facts, known = tuple(facts), dict[str, Fact]()
    beneath = {uid for fact in facts for uid in fact.sources}
    while beneath:  # reflections may rest on reflections
        found = {fact.uid: fact for some in in_pieces(sorted(beneath)) for fact in file.facts.find(some)}
        new = {uid: fact for uid, fact in found.items() if uid not in known}
        known |= new
        beneath = {uid for fact in new.values() for uid in fact.sources}
    entries = {fact.uid: _entries_of(fact, known) for fact in facts}
    wanted = sorted({uid for uids in entries.values() for uid in uids})
    rows: dict[str, list[Row]] = {}
    for some in in_pieces(wanted):
        for row in file.rows_of(uids=some):
            rows.setdefault(row.entry.uid, []).append(row)
    return {
        fact: tuple(sorted((row for uid in uids for row in rows.get(uid, ())), key=_in_time))
        for fact, uids in entries.items()
    }


def followers(file: MemoryFile, chosen: Chosen) -> Chosen:
    """What came of what was chosen, and goes with it: facts that rest on nothing else, reflections on
    them, digests that tell of it. Of very many rows the digests are not looked for."""
    gone = set(chosen.uids)
    left = [fact for fact in file.facts.all() if fact.uid not in gone]
    going: list[Fact] = []
    removed = {fact.uid for fact in chosen.facts}
    while True:
        new = [
            fact
            for fact in left
            if fact.sources and (gone.issuperset(fact.sources) or removed.intersection(fact.sources))
        ]
        if not new:
            break
        going += new
        removed |= {fact.uid for fact in new}
        gone |= removed
        left = [fact for fact in left if fact.uid not in gone]
    told = [digest for row in chosen.rows[:_MANY] for digest in file.digests.over(row)]
    digests = {digest.uid: digest for digest in told if digest.uid not in gone}
    return Chosen(facts=tuple(going), digests=tuple(digests.values()))


def _entries_of(fact: Fact, known: dict[str, Fact]) -> Collection[str]:
    found: dict[str, None] = {}
    below, seen = list(fact.sources), set[str]()
    while below:
        uid = below.pop()
        if uid in seen:
            continue
        seen.add(uid)
        if uid in known:
            below += known[uid].sources
        else:
            found[uid] = None
    return found


def _in_time(row: Row) -> tuple[float, int]:
    return row.entry.time, row.number
