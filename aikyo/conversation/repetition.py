"""How much a message says again what was just said: by its letters and, with an embedder, by its sense.
Pure, bounded, for any language. The numbers are measured; see docs/decisions/repetition.md.
"""

from __future__ import annotations

import unicodedata
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import mul

__all__ = ["LINGERING", "REPETITION", "WIDE", "Embed", "Repetition", "similarity"]

Embed = Callable[[str], Sequence[float]]
"""Gives a text's sense as a vector of unit length, of zeros for a text without any, or an empty one
while it cannot tell. It is called from the event loop, so it must not take long."""

REPETITION = 0.6
"""From here on, a message says again what was said."""

LINGERING = 0.5
"""From here on, as a mean of some messages, they all say much the same."""

WIDE = 0x2E80
"""From here on, a character is about a syllable or a word: Chinese, Japanese and Korean."""

_WINDOW = 12  # messages that a new one is compared with
_COMPARED = 300  # characters of a message; enough to tell, and quick for whatever is sent
_GRAMMAR = 0.2  # what a pair of hiragana weighs: mostly endings, which many sentences share
_UNRELATED = 0.3, 0.7  # the cosine of sentences with nothing in common: in narrow letters, in wide ones


@dataclass(frozen=True, slots=True)
class _Said:
    """One message as it is compared."""

    content: frozenset[str]
    grammar: frozenset[str]
    wide: float  # the share of its letters that are wide
    sense: Sequence[float]  # empty: not known


class Repetition:
    """Compares each message of one talk with the latest before it. Takes the same little time and room
    for each message.

    Args:
        embed: gives a text's sense, which tells paraphrases; None compares letters alone.
    """

    def __init__(self, embed: Embed | None = None) -> None:
        self._embed = embed
        self._latest: deque[_Said] = deque(maxlen=_WINDOW)

    def hear(self, text: str) -> float:
        """How much the next message repeats one of the latest, 0 to 1."""
        said = _read(text, self._embed)
        repeats = max((_alike(said, earlier) for earlier in self._latest), default=0.0)
        self._latest.append(said)
        return repeats


def similarity(one: str, other: str, embed: Embed | None = None) -> float:
    """How alike two texts are, 0 to 1; see `Repetition`."""
    return _alike(_read(one, embed), _read(other, embed))


def _alike(a: _Said, b: _Said) -> float:
    letters = _shared(a, b)
    if not (len(a.sense) and len(b.sense)):
        return letters
    narrow, wide = _UNRELATED
    unrelated = narrow + (wide - narrow) * (a.wide + b.wide) / 2
    cosine: float = sum(map(mul, a.sense, b.sense))
    return (letters + min(1.0, max(0.0, (cosine - unrelated) / (1 - unrelated)))) / 2


def _shared(a: _Said, b: _Said) -> float:
    """The share of the letters' groups that both have (Dice), those of grammar weighing less."""
    common = len(a.content & b.content) + _GRAMMAR * len(a.grammar & b.grammar)
    every = len(a.content) + len(b.content) + _GRAMMAR * (len(a.grammar) + len(b.grammar))
    return 2 * common / every if every else 0.0


def _read(text: str, embed: Embed | None) -> _Said:
    """A text's groups of letters: three narrow ones; one or two wide ones, of hiragana only two."""
    text = text[:_COMPARED]
    folded = unicodedata.normalize("NFKC", text).casefold()
    letters = "".join(character for character in folded if character.isalnum())
    wide = [character for character in letters if ord(character) >= WIDE]
    grammar = {a + b for a, b in pairwise(letters) if _is_hiragana(a) and _is_hiragana(b)}
    content = {character for character in wide if not _is_hiragana(character)}
    content |= {a + b for a, b in pairwise(letters) if ord(a) >= WIDE} - grammar
    content |= {letters[i : i + 3] for i, first in enumerate(letters[:-2]) if ord(first) < WIDE}
    if letters and not content and not grammar:
        content = {letters}
    share = len(wide) / len(letters) if letters else 0.0
    return _Said(frozenset(content), frozenset(grammar), share, embed(text) if embed else ())


def _is_hiragana(character: str) -> bool:
    return "\u3041" <= character <= "\u309f"
