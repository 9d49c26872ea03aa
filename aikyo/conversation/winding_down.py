"""When a talk has had enough: budgets, repetition, and the stages of closing in their order. Pure.

A talk that companions began of their own accord winds down after a number of messages, or sooner
when it goes in circles: pre-closing, a farewell from each, the end. Where a person speaks, companions
answer, each once, and then rest without farewells until a person speaks again.
"""

from __future__ import annotations

from collections import deque

from ..wire import Closing

__all__ = ["WindingDown", "similarity", "speaking_time"]

REPETITION = 0.6
"""Similarity from which two messages count as the same thing said again."""

_WINDOW = 6
_COMPARED = 300  # characters of a message; enough to tell, and quick for whatever is sent
_LONGEST = 40  # messages before a talk of any size winds down
_FAREWELLS = 8  # in a crowd, not everybody says goodbye
_WIDE = 0x2E80  # from here on, a character is about a syllable or a word


class WindingDown:
    """How far one talk has wound down, from what is heard of it. Takes the same little time and room
    for each message, however long the talk is."""

    def __init__(self) -> None:
        self._length = 0
        self._circled_at: int | None = None
        self._latest: deque[frozenset[str]] = deque(maxlen=_WINDOW)
        self._person_spoke = False
        self._said_since_person = 0
        self._since_person: set[str] = set()
        self._farewells: set[str] = set()

    def hear(self, sender: str, text: str, *, by_person: bool, companions: int) -> None:
        """Take in the talk's next message, of a talk in which so many companions take part."""
        stage = self.stage(companions)
        if by_person:
            self._person_spoke = True
            self._said_since_person = 0
            self._since_person.clear()
        else:
            self._said_since_person += 1
            self._since_person.add(sender)
        if stage is Closing.CLOSING:
            self._farewells.add(sender)
        trigrams = _trigrams(text[:_COMPARED])
        self._length += 1
        if self._circled_at is None and any(_alike(trigrams, one) >= REPETITION for one in self._latest):
            self._circled_at = self._length
        self._latest.append(trigrams)

    def stage(self, companions: int) -> Closing:
        """The stage of the next message. It never goes back, unless a person speaks."""
        if self._person_spoke:
            return Closing.NONE
        past = self._length - self._enough(companions)
        if past < 0:
            return Closing.NONE
        if past == 0:
            return Closing.PRE_CLOSING
        return Closing.CLOSING if past <= min(companions, _FAREWELLS) else Closing.TERMINAL

    def may_speak(self, me: str, companions: int, *, chosen: bool = False) -> bool:
        """Whether the companion `me` may speak again: once after each word of a person, and once as a
        farewell when a talk ends.

        Args:
            me: who.
            companions: how many take part.
            chosen: another's leader gave it the turn: then it may speak more often after a person's
                word, within the budget of a talk.
        """
        if self._person_spoke and chosen:
            return self._said_since_person < self._enough(companions)
        if self._person_spoke:
            return me not in self._since_person
        match self.stage(companions):
            case Closing.TERMINAL:
                return False
            case Closing.CLOSING:
                return me not in self._farewells
            case _:
                return True

    def _enough(self, companions: int) -> int:
        """After how many messages the talk starts to close: its budget, or where it repeats itself,
        though everybody should have had a word."""
        budget = min(5 + 5 * companions, _LONGEST)
        if self._circled_at is None:
            return budget
        return min(budget, max(self._circled_at, companions + 1))


def similarity(one: str, other: str) -> float:
    """How alike two texts are, 0 to 1: shared character trigrams (Jaccard), any language."""
    return _alike(_trigrams(one), _trigrams(other))


def speaking_time(text: str) -> float:
    """Seconds in which a text is said or read: 1 to 6; what the next speaker leaves it."""
    weight = sum(1 / 7 if ord(character) >= _WIDE else 1 / 18 for character in text[:_COMPARED])
    return min(6.0, 1.0 + weight)


def _alike(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a and b else 0.0


def _trigrams(text: str) -> frozenset[str]:
    folded = "".join(character for character in text.casefold() if character.isalnum())
    found = frozenset(folded[i : i + 3] for i in range(len(folded) - 2))
    return found or frozenset({folded} if folded else ())
