"""The number that a row has in the words' index. Pure.

Ranking looks at thousands of rows that merely share a word with a question. So that nothing need be
read for them, a row's number there tells what ranking has to know of it: in which talk it stands and
at which place, who spoke, whether it asks, and how long it is. A row next to another in a talk has the
next place. Rows of no conversation are talks of their own.
"""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, TypeVar
from zlib import crc32

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = TypeVar("Numbers", int, NDArray[np.int64])

__all__ = [
    "PLACE",
    "PLACES",
    "SPEAKERS",
    "asks_of",
    "length_of",
    "place_of",
    "speaker",
    "speaker_of",
    "spot",
    "talk_of",
]

_LENGTH_BITS = 5
_SPEAKER_BITS = 6
_PLACE_BITS = 12
_ABOUT_BITS = _LENGTH_BITS + 1 + _SPEAKER_BITS  # what does not tell where the row stands
_QUESTION_MARKS = ("?", "？")

PLACES = 1 << _PLACE_BITS
"""Rows of one talk; a conversation that is longer goes on as another talk."""

SPEAKERS = 1 << _SPEAKER_BITS
"""Speakers that are told apart; two of more than these may have the same number."""

PLACE = 1 << _ABOUT_BITS
"""From one place's first number to the next one's."""


def spot(place: int, sender: str, text: str, words: int) -> int:
    """The number of a row.

    Args:
        place: ``talk * PLACES`` and its place in that talk.
        sender: id of who spoke.
        text: what was said.
        words: how many words of it are indexed.
    """
    asks = any(mark in text for mark in _QUESTION_MARKS)
    length = min(round(4 * log2(1 + words)), (1 << _LENGTH_BITS) - 1)
    about = speaker(sender) << 1 | asks
    return (place << _SPEAKER_BITS + 1 | about) << _LENGTH_BITS | length


def speaker(sender: str) -> int:
    """The number of an id, below `SPEAKERS`."""
    return crc32(sender.encode(errors="replace")) % SPEAKERS


def place_of(spot: Numbers) -> Numbers:
    """``talk * PLACES`` and the place in that talk: of two rows in sequence, numbers in sequence."""
    return spot >> _ABOUT_BITS


def talk_of(place: Numbers) -> Numbers:
    """The talk that a place is in."""
    return place >> _PLACE_BITS


def speaker_of(spot: Numbers) -> Numbers:
    """Who spoke, as a number below `SPEAKERS`."""
    return spot >> _LENGTH_BITS + 1 & SPEAKERS - 1


def asks_of(spot: Numbers) -> Numbers:
    """1 where the text holds a question mark, else 0."""
    return spot >> _LENGTH_BITS & 1


def length_of(spot: NDArray[np.int64]) -> NDArray[np.float64]:
    """About how many words were indexed."""
    import numpy as np

    return np.exp2((spot & (1 << _LENGTH_BITS) - 1) / 4) - 1
