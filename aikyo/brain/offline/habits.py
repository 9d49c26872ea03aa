"""What keeps one from repeating oneself: phrases used, tales told, and how alike two texts are."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

__all__ = ["Habits", "alike"]

_REMEMBERED = 200
_GRAM = 3
_COMPARED = 400


@dataclass(slots=True)
class Habits:
    """What a companion has done lately. Everything here is bounded: the oldest is forgotten.

    Attributes:
        heard: what was said where it was there, its own words included.
        told: its tales.
        mentioned: ids of the lines and facts it has brought up from memory.
        turned_to: the interests it has turned a talk to.
        ways: how it has built its turns.
        unasked: turns since it last asked something.
        gestures: its last ones.
    """

    heard: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    told: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    mentioned: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    turned_to: deque[str] = field(default_factory=lambda: deque(maxlen=4))
    ways: deque[str] = field(default_factory=lambda: deque(maxlen=3))
    unasked: int = 2
    gestures: deque[str] = field(default_factory=lambda: deque(maxlen=3))
    _used: dict[str, set[str]] = field(default_factory=dict)

    def hear(self, texts: Iterable[str]) -> None:
        """Remember what was said; what is remembered already is not counted twice."""
        self.heard.extend(text for text in dict.fromkeys(texts) if text not in self.heard)

    def pick(self, bag: str, choices: Collection[str], random: Random) -> str:
        """One of `choices`, none twice before all have been taken, as from a bag.

        Args:
            bag: which bag; there are as many as the phrase book has entries.
            choices: what is in it now, at least one.
            random: who draws.
        """
        used = self._used.setdefault(bag, set())
        fresh = [choice for choice in choices if choice not in used]
        if not fresh:
            used.clear()
            fresh = list(choices)
        choice = random.choice(fresh)
        used.add(choice)
        return choice


def alike(text: str, others: Iterable[str]) -> float:
    """How much `text` is like the one of `others` that it is most like: 0 to 1 (the same).

    Measured by shared character trigrams, which serves any script; short texts by equality alone.
    """
    own = _grams(text)
    best = 0.0
    for other in others:
        grams = _grams(other)
        if own == grams:
            return 1.0
        if len(own) > 12 and len(grams) > 12:
            best = max(best, len(own & grams) / len(own | grams))
    return best


@lru_cache(maxsize=1024)
def _grams(text: str) -> frozenset[str]:
    folded = "".join(c for c in text[:_COMPARED].casefold() if c.isalnum())
    return frozenset(folded[i : i + _GRAM] for i in range(max(1, len(folded) - _GRAM + 1)))
