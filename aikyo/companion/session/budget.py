"""How much a session may hold: an estimate of tokens, and the shares of its parts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from typing import TypeVar

import msgspec

from ...brain import Line, Persona, Someone, ToolSpec
from ..profile import Profile
from .model import Session

__all__ = [
    "LEAST",
    "MARK",
    "block_room",
    "cut",
    "fitted",
    "line_tokens",
    "older_part",
    "room_of",
    "share_out",
    "someone_tokens",
    "summary_words",
    "tokens",
]

K = TypeVar("K")

LEAST = 1_000
"""Tokens below which no session's budget goes."""

MARK = 0.75
"""The share of its room at which what is told in full is to be summed up."""

_FRAME = 1_200  # what the prompts say themselves (in Japanese; in English less), and memory brings up
_PERSONALITY = 400  # characters of another's that a model is told
_LEAST_ROOM = 1 / 3  # of the budget, whatever else there is
_BLOCK, _LEAST_BLOCK = 0.45, 1 / 6  # of what profile and tools leave; of the budget, whatever they do
_PER_LINE = 20  # who said it to whom
_WIDE = "\u2e80"  # the first of the scripts in which a character is about a word's part of its own
_LATIN_IN_A_TOKEN = 4
_WORDS_IN_BUDGET = 30


def tokens(text: str) -> int:
    """About how many tokens a model makes of `text`: one of four characters, and one of each in
    Japanese, Chinese and Korean."""
    wide = 0 if text.isascii() else sum(char >= _WIDE for char in text)
    return wide + -(-(len(text) - wide) // _LATIN_IN_A_TOKEN)


def line_tokens(text: str) -> int:
    """About how many it makes of an utterance, with who said it to whom."""
    return _PER_LINE + tokens(text)


def room_of(session: Session) -> int:
    """How many tokens of a session's budget are left for what is told in full."""
    budget, briefing = session.budget, session.briefing
    fixed = _profile_tokens(session.profile) + tokens(briefing.summary)
    fixed += sum(map(someone_tokens, briefing.roster))
    known = (*briefing.itself, *briefing.known, *briefing.threads)
    texts = (*(line.text for line in briefing.memories), *(each.text for each in known))
    fixed += sum(map(line_tokens, texts))
    return max(budget - fixed, int(budget * _LEAST_ROOM))


def block_room(profile: Profile, budget: int) -> int:
    """How many tokens of `budget` a briefing may have: less than half of what profile and tools leave,
    and so much that the talk keeps its room, where these do not take more than half of all."""
    free = budget - _profile_tokens(profile)
    return int(max(min(_BLOCK * free, free - budget * _LEAST_ROOM), budget * _LEAST_BLOCK))


def share_out(parts: Mapping[K, Sequence[int]], shares: Mapping[K, float], most: int) -> dict[K, int]:
    """How many of the first of each part may stay: each part has its share, and what one leaves goes to
    the others, in their order.

    Args:
        parts: the tokens of what is in each, what matters most first.
        shares: the share of each part, all together at most 1.
        most: tokens for all together, which are never exceeded.
    """
    kept, left = dict.fromkeys(parts, 0), max(0, most)
    for name, costs in parts.items():
        own = min(left, int(shares[name] * most))
        for cost in costs:
            if cost > own:
                break
            own, left, kept[name] = own - cost, left - cost, kept[name] + 1
    for name, costs in parts.items():
        for cost in costs[kept[name] :]:
            if cost > left:
                break
            left, kept[name] = left - cost, kept[name] + 1
    return kept


def fitted(lines: Sequence[Line], most: int) -> tuple[Line, ...]:
    """The newest of `lines` (oldest first) that fit into `most` tokens; the very newest in any case."""
    for number, line in enumerate(reversed(lines)):
        most -= line_tokens(line.text)
        if most < 0 and number:
            return tuple(lines[len(lines) - number :])
    return tuple(lines)


def someone_tokens(someone: Someone) -> int:
    """About how many it makes of somebody it is told of."""
    return line_tokens(f"{someone.id}{someone.name}{someone.personality[:_PERSONALITY]}")


def older_part(costs: Sequence[int], most: int) -> int:
    """How many of the oldest are to be summed up, so that of `most` tokens, or of all if they are
    fewer, about a third is left in full; the very newest in any case.

    Args:
        costs: the tokens of each, oldest first.
        most: how many tokens there is room for.
    """
    kept, left = 0, min(sum(costs), most) / 3
    for cost in reversed(costs):
        left -= cost
        if left < 0 and kept:
            break
        kept += 1
    return len(costs) - kept


def summary_words(budget: int) -> int:
    """How many words a summary may have in a session of this budget."""
    return min(400, max(60, budget // _WORDS_IN_BUDGET))


def cut(text: str, most: int) -> str:
    """The beginning of `text`, of about `most` tokens."""
    if tokens(text) <= most:
        return text
    low, high = 0, len(text)
    while low < high:  # the most characters that fit
        middle = (low + high + 1) // 2
        low, high = (middle, high) if tokens(text[:middle]) < most else (low, middle - 1)
    return text[:low].rstrip() + "…"


def _profile_tokens(profile: Profile) -> int:
    """What is told at every turn, whatever the briefing holds."""
    fixed = _FRAME + sum(map(tokens, _texts(profile.persona())))
    return fixed + sum(map(_tool_tokens, profile.toolset.specs))


def _tool_tokens(spec: ToolSpec) -> int:
    return tokens(spec.name + spec.description) + tokens(msgspec.json.encode(spec.schema).decode())


def _texts(persona: Persona) -> Iterable[str]:
    for value in astuple(persona):
        yield from (value,) if isinstance(value, str) else value
