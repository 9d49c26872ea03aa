"""How much a session may hold: an estimate of tokens, and the shares of its parts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple

import msgspec

from ...brain import Line, Persona, ToolSpec
from .model import Session

__all__ = ["LEAST", "MARK", "fitted", "line_tokens", "older_part", "room_of", "summary_words", "tokens"]

LEAST = 1_000
"""Tokens below which no session's budget goes."""

MARK = 0.75
"""The share of its room at which what is told in full is to be summed up."""

_FRAME = 1_200  # what the prompts say themselves (in Japanese; in English less), and memory brings up
_PERSONALITY = 400  # characters of another's that a model is told
_LEAST_ROOM = 1 / 3  # of the budget, whatever else there is
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
    profile = session.profile
    fixed = sum(map(tokens, (briefing.summary, *_texts(profile.persona()))))
    for each in briefing.roster:
        fixed += line_tokens(f"{each.id}{each.name}{each.personality[:_PERSONALITY]}")
    fixed += sum(line_tokens(line.text) for line in briefing.memories)
    fixed += sum(map(_tool_tokens, profile.toolset.specs))
    return max(budget - _FRAME - fixed, int(budget * _LEAST_ROOM))


def fitted(lines: Sequence[Line], most: int) -> tuple[Line, ...]:
    """The newest of `lines` (oldest first) that fit into `most` tokens; the very newest in any case."""
    for number, line in enumerate(reversed(lines)):
        most -= line_tokens(line.text)
        if most < 0 and number:
            return tuple(lines[len(lines) - number :])
    return tuple(lines)


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


def _tool_tokens(spec: ToolSpec) -> int:
    return tokens(spec.name + spec.description) + tokens(msgspec.json.encode(spec.schema).decode())


def _texts(persona: Persona) -> Iterable[str]:
    for value in astuple(persona):
        yield from (value,) if isinstance(value, str) else value
