"""Puts together what a session holds beside the profile: mood, roster, memories, summary."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from itertools import islice

from ...brain import Briefing, Line
from ..world import World

__all__ = ["brief"]

_MAX_ROSTER = 32
_MEMORIES, _THOUGHT_OF = 6, 6
"""Memories in all, and of how many people and companions."""

_LONGEST = 300  # characters of a memory


async def brief(
    world: World, *, mood: str, summary: str, present: Iterable[str], told: Collection[str]
) -> Briefing:
    """What the next session is to hold.

    Args:
        world: all that the companion is handed.
        mood: the emotion it last spoke with, or nothing.
        summary: what was said before the lines that are told in full.
        present: ids of whom it has heard of late; memories are of them first.
        told: uids of the entries that need not be remembered, since they are told anyway.

    Raises:
        MemoryFileError: its memory cannot be read.
    """
    there = [ident for ident in islice(world.roster, _MAX_ROSTER + 1) if ident != world.me]
    roster = [world.someone(ident, met=await world.memory.met(ident)) for ident in there[:_MAX_ROSTER]]
    others = [ident for ident in dict.fromkeys((*present, *there)) if ident != world.me]
    memories = await _memories(world, others[:_THOUGHT_OF], told)
    return Briefing(mood=mood, roster=tuple(roster), memories=memories, summary=summary)


async def _memories(world: World, others: Collection[str], told: Collection[str]) -> tuple[Line, ...]:
    """What it remembers best of each, oldest first."""
    found: dict[str, Line] = {}
    for ident in others:
        left = _MEMORIES // len(others)
        exclude = frozenset(told).union(found)
        for hit in await world.memory.recall(world.name_of(ident), left, exclude=exclude):
            line = world.line(hit.entry)
            found[line.id] = replace(line, text=_short(line.text))
    return tuple(sorted(found.values(), key=lambda line: line.time))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
