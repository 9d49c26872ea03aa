"""Puts together what a session holds beside the profile, within its share of the budget: mood, roster,
what is known, memories, summary."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice, zip_longest
from typing import NamedTuple

from ...brain import Briefing, Known, Line
from ...memory import MemoryFile
from ..knowing import Told, as_known, tellers
from ..world import World
from .budget import block_room, cut, line_tokens, share_out, someone_tokens, tokens
from .model import Session

__all__ = ["brief", "within"]

_MAX_ROSTER = 32
_THOUGHT_OF = 6
"""People and companions of whom it remembers and knows something, those in talks first."""

_MEMORIES, _OF_EACH, _ITSELF, _THREADS = 6, 12, 12, 12
"""Memories in all; facts about each; beliefs of itself; open threads: as many as there is room for."""

_LONGEST = 75  # tokens of a memory

_SHARES = {"known": 0.35, "threads": 0.1, "itself": 0.1, "roster": 0.25, "memories": 0.2}
"""Of what the summary leaves; what a part does not need goes to the others, in this order."""


class _Facts(NamedTuple):
    itself: tuple[Told, ...]
    threads: tuple[Told, ...]
    known: tuple[Told, ...]


async def brief(
    world: World,
    session: Session,
    *,
    mood: str,
    summary: str,
    present: Iterable[str],
    told: Collection[str],
) -> Briefing:
    """What the next session is to hold.

    Args:
        world: all that the companion is handed.
        session: that session; of it, what it may hold in all, and whose it is.
        mood: the emotion it last spoke with, or nothing.
        summary: what was said before the lines that are told in full.
        present: ids of whom it has heard of late, the latest first; what it knows of them comes first.
        told: uids of the entries that need not be remembered, since they are told anyway.

    Raises:
        MemoryFileError: its memory cannot be read.
    """
    there = [ident for ident in islice(world.roster, _MAX_ROSTER + 1) if ident != world.me]
    roster = [world.someone(ident, met=await world.memory.met(ident)) for ident in there[:_MAX_ROSTER]]
    others = [ident for ident in dict.fromkeys((*present, *there)) if ident != world.me][:_THOUGHT_OF]
    facts = await world.memory.read(partial(_facts, others=others, now=world.clock()))
    itself, threads, known = (as_known(world, part) for part in facts)
    whole = Briefing(
        mood=mood,
        roster=tuple(roster),
        memories=await _memories(world, others, told),
        itself=itself,
        known=known,
        threads=threads,
        summary=summary,
    )
    return within(whole, block_room(session.profile, session.budget))


def within(briefing: Briefing, room: int) -> Briefing:
    """What there is room for of a briefing in whose parts the best is first. Pure.

    Args:
        briefing: all of it; its summary has a bound of its own, and stays.
        room: tokens that it may have.
    """
    costs = {
        "known": [line_tokens(each.text) for each in briefing.known],
        "threads": [line_tokens(each.text) for each in briefing.threads],
        "itself": [line_tokens(each.text) for each in briefing.itself],
        "roster": [someone_tokens(each) for each in briefing.roster],
        "memories": [line_tokens(each.text) for each in briefing.memories],
    }
    kept = share_out(costs, _SHARES, room - tokens(briefing.summary))
    return replace(
        briefing,
        roster=briefing.roster[: kept["roster"]],
        memories=tuple(sorted(briefing.memories[: kept["memories"]], key=lambda line: line.time)),
        itself=briefing.itself[: kept["itself"]],
        known=_by_whom(briefing.known[: kept["known"]]),
        threads=briefing.threads[: kept["threads"]],
    )


def _facts(file: MemoryFile, others: Sequence[str], now: float) -> _Facts:
    """What is known of these, the strongest of each first; nothing of it twice."""
    itself = file.facts.itself(_ITSELF, now)
    threads = file.facts.threads(others, _THREADS, now)
    elsewhere = {fact.number for fact in (*itself, *threads)}
    of_each = [file.facts.about(ident, n=_OF_EACH, now=now) for ident in others]
    in_turn = chain.from_iterable(zip_longest(*of_each))
    known = [fact for fact in in_turn if fact is not None and fact.number not in elsewhere]
    return _Facts(tellers(file, itself), tellers(file, threads), tellers(file, known))


def _by_whom(known: Sequence[Known]) -> tuple[Known, ...]:
    """The same with what is about one of them together."""
    order = list(dict.fromkeys(each.about for each in known))
    return tuple(sorted(known, key=lambda each: order.index(each.about)))


async def _memories(world: World, others: Sequence[str], told: Collection[str]) -> tuple[Line, ...]:
    """What it remembers best of each, in their order, cut to a few lines."""
    found: dict[str, Line] = {}
    for ident in others:
        left = _MEMORIES // len(others)
        exclude = frozenset(told).union(found)
        for hit in await world.memory.recall(world.name_of(ident), left, exclude=exclude):
            line = world.line(hit.entry)
            found[line.id] = replace(line, text=cut(line.text, _LONGEST))
    return tuple(found.values())
