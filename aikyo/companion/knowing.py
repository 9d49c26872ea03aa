"""Facts as a brain is told of them: with from whom the companion has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from ..brain import Known
from ..memory import Entry, Fact, MemoryFile
from .world import World

__all__ = ["Told", "as_known", "in_words", "number_of", "tellers"]

_SOURCES = 8
"""Sources of a fact, the newest, whose tellers are looked up."""


class Told(NamedTuple):
    """A fact, and the ids of those from whom the companion has it."""

    fact: Fact
    by: tuple[str, ...] = ()


def tellers(file: MemoryFile, facts: Iterable[Fact]) -> tuple[Told, ...]:
    """The facts with their tellers, in the same order. For `Memory.read`."""
    facts = tuple(facts)
    uids = {uid for fact in facts if fact.level == "fact" for uid in fact.sources[-_SOURCES:]}
    senders = {entry.uid: entry.sender for entry in file.find(uids)} if uids else {}
    return tuple(
        Told(fact, tuple(dict.fromkeys(senders[u] for u in fact.sources[-_SOURCES:] if u in senders)))
        for fact in facts
    )


def as_known(world: World, told: Sequence[Told]) -> tuple[Known, ...]:
    """The same as a brain is told of them. What the companion said itself, nobody told it."""
    return tuple(
        Known(
            id=f"f{each.fact.number}",
            text=each.fact.text,
            about=each.fact.about,
            level=each.fact.level,
            kind=each.fact.kind,
            importance=each.fact.importance,
            learned=each.fact.learned,
            told_by=tuple(world.name_of(ident) for ident in each.by if ident != world.me),
            times=max(1, len(each.fact.sources)),
            happened=each.fact.happened,
        )
        for each in told
    )


def number_of(known: Known) -> int:
    """The number of the fact; 0 where it names none."""
    digits = known.id.removeprefix("f")
    return int(digits) if digits.isdecimal() else 0


def in_words(world: World, known: Iterable[Known], turns: Iterable[Entry]) -> Iterator[str]:
    """What was recalled, a line each, with from whom and when: ``2026-11-20, you know from Mika: …`` and
    ``2026-11-20, user_mika said: …``."""
    for fact in known:
        told_by = f" from {', '.join(fact.told_by)}" if fact.told_by else ""
        yield f"{_day(world, fact.learned)}, you know{told_by}: {_one_line(fact.text)}"
    for entry in turns:
        who = "you" if entry.sender == world.me else entry.sender
        verb = {"did": "did", "perceived": "showed"}.get(entry.kind, "said")
        yield f"{_day(world, entry.time)}, {who} {verb}: {_one_line(entry.text)}"


def _day(world: World, time: float) -> str:
    return f"{datetime.fromtimestamp(time, world.now().tzinfo):%Y-%m-%d}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
