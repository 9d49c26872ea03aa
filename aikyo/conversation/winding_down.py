"""When a talk has had enough: budgets, repetition, and the stages of closing in their order. Pure.

A talk that companions began of their own accord winds down after a number of messages, or sooner
when it goes in circles: pre-closing, a farewell from each, the end. Where a person speaks, companions
answer and then rest without farewells, until the person speaks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..wire import Closing

__all__ = ["Utterance", "closing_stage", "may_speak", "similarity", "speaking_time"]

REPETITION = 0.6
"""Similarity from which two messages count as the same thing said again."""

_WINDOW = 6
_LONGEST = 40  # messages before a talk of any size winds down
_FAREWELLS = 8
_WIDE = 0x2E80  # from here on, a character is about a syllable or a word


@dataclass(frozen=True, slots=True)
class Utterance:
    """One message of a conversation: who said it, whether that is a person, and its text."""

    sender: str
    text: str
    by_person: bool


def closing_stage(talk: Sequence[Utterance], companions: int) -> Closing:
    """How far the talk has wound down, before the next message.

    Args:
        talk: the conversation so far, oldest first. The stage never goes back as it grows, unless a
            person speaks.
        companions: how many take part.
    """
    if any(one.by_person for one in talk):
        return Closing.NONE
    start = _enough(talk, companions)
    past = len(talk) - start
    if past < 0:
        return Closing.NONE
    if past == 0:
        return Closing.PRE_CLOSING
    return Closing.CLOSING if past <= min(companions, _FAREWELLS) else Closing.TERMINAL


def may_speak(talk: Sequence[Utterance], companions: int, me: str) -> bool:
    """Whether the companion `me` may speak again: once after each word of a person, and once as a
    farewell when a talk ends."""
    by_person = [index for index, one in enumerate(talk) if one.by_person]
    if by_person:
        return me not in {one.sender for one in talk[by_person[-1] + 1 :]}
    match closing_stage(talk, companions):
        case Closing.TERMINAL:
            return False
        case Closing.CLOSING:
            farewells = talk[_enough(talk, companions) + 1 :]
            return me not in {one.sender for one in farewells}
        case _:
            return True


def _enough(talk: Sequence[Utterance], companions: int) -> int:
    """After how many messages the talk starts to close: its budget, or where it repeats itself."""
    budget = min(5 + 5 * companions, _LONGEST)
    for index in range(2, min(len(talk), budget)):
        earlier = talk[max(0, index - _WINDOW) : index]
        if any(similarity(talk[index].text, one.text) >= REPETITION for one in earlier):
            return max(index + 1, companions + 1)
    return budget


def similarity(one: str, other: str) -> float:
    """How alike two texts are, 0 to 1: shared character trigrams (Jaccard), any language."""
    a, b = _trigrams(one), _trigrams(other)
    return len(a & b) / len(a | b) if a and b else 0.0


def _trigrams(text: str) -> set[str]:
    folded = "".join(character for character in text.casefold() if character.isalnum())
    return {folded[i : i + 3] for i in range(len(folded) - 2)} or ({folded} if folded else set())


def speaking_time(text: str) -> float:
    """Seconds in which a text is said or read: 1 to 6; what the next speaker leaves it."""
    weight = sum(1 / 7 if ord(character) >= _WIDE else 1 / 18 for character in text)
    return min(6.0, 1.0 + weight)
