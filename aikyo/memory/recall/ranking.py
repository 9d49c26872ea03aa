"""How well rows fit a question, from the rows that have its words. Pure.

A turn rarely says by itself what it is about: the answer to "where did you go?" is "To the lake". So
before anything is reckoned, each row is lent a share of its neighbours' words: of the turn before it
most of all, and more still if that one asks. Then BM25 as ever (Robertson and Zaragoza, 2009), with
what was lent counted as said less often. To that comes the talk as a whole as one document, and whether
the row is from the one who is named in the question.

Sharing words before they are weighed, rather than scores after, is what makes the difference: two rows
that hold one half of the question each become one that holds both. The weights were chosen on one half
of the LoCoMo conversations and are flat around their values (`benchmarks/recall.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .postings import Posting
from .spots import asks_of, length_of, place_of, speaker_of, talk_of

__all__ = ["LOOKED_AT", "WEIGHTS", "Field", "Scores", "Weights", "at_sorted", "lay_out"]

LOOKED_AT = 1000
"""Rows with the best words of their own that are looked at, with their neighbours."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Weights:
    """What each way of finding a row counts.

    Attributes:
        near: share of its words that a row is lent, by how many places away (before is negative).
        answer: what is added to the share of the row before if that one asks.
        talk: of the talk as one document.
        speaker: for a row from the one who is named.
        time: for a row of the time that is named.
        vectors: of a row's likeness in sense, above `unlike`.
        unlike: likeness that says nothing yet.
        saturation: BM25's k1.
        length: BM25's b.
    """

    near: tuple[tuple[int, float], ...] = (
        (-1, 0.4),
        (1, 0.3),
        (-2, 0.2),
        (2, 0.1),
        (-3, 0.1),
        (3, 0.05),
    )
    answer: float = 0.3
    talk: float = 0.5
    speaker: float = 4.0
    time: float = 4.0
    vectors: float = 4.0
    unlike: float = 0.2
    saturation: float = 1.2
    length: float = 0.2


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class Scores:
    """What each way gives each row; shapes (rows,)."""

    words: Floats
    neighbours: Floats
    talk: Floats
    speaker: Floats

    @property
    def total(self) -> Floats:
        """All ways together: higher is better."""
        return self.words + self.neighbours + self.talk + self.speaker


@dataclass(frozen=True, slots=True)
class Field:
    """Rows that may fit, each with what it says and what is said around it.

    Attributes:
        spots: their numbers (`recall/spots.py`), growing; shape (rows,).
        said: whether each has each term. Shape (terms, rows).
        lent: how much of each term its neighbours lend it. Shape (terms, rows).
        talk: how well the talk that it is in fits. Shape (rows,).
        rarity: of each term, BM25's idf. Shape (terms, 1).
        mean_length: of rows that have a term, in words.
    """

    spots: Ints
    said: Floats
    lent: Floats
    talk: Floats
    rarity: Floats
    mean_length: float

    def scores(self, speakers: Collection[int], weights: Weights = WEIGHTS) -> Scores:
        """What each way gives each row.

        Args:
            speakers: numbers (`spots.speaker_of`) of who is named.
            weights: what each way counts.
        """
        lengths = length_of(self.spots) / self.mean_length
        scale = weights.saturation * (1 - weights.length + weights.length * lengths)
        words = _weighed(self.said, self.rarity, scale, weights.saturation)
        lent = _weighed(self.said + self.lent, self.rarity, scale, weights.saturation)
        named = np.isin(speaker_of(self.spots), list(speakers))
        return Scores(
            words=words,
            neighbours=lent - words,
            talk=weights.talk * self.talk,
            speaker=np.where(named, weights.speaker, 0.0),
        )


def lay_out(
    postings: Sequence[Posting],
    others: Sequence[tuple[Ints, Floats]],
    rows: int,
    at_places: Callable[[Ints], Ints],
    weights: Weights = WEIGHTS,
) -> Field:
    """The rows that fit best by themselves, and those around them.

    Args:
        postings: of each term that any row has.
        others: rows that were found by something else than words: their numbers, each once, and what
            that gives them.
        rows: how many there are in the whole memory.
        at_places: gives the numbers of the rows that there are at some places (`spots.place_of`), both
            growing.
        weights: what each way counts.
    """
    spots = _union([*(one.spots for one in postings), *(some for some, _ in others)])
    newest = int(spots[-1])
    rarity = np.array([_rarity(_reach(one, newest) * len(one.spots), rows) for one in postings])
    own = np.zeros(len(spots))
    for posting, weight in zip(postings, rarity, strict=True):
        own[np.searchsorted(spots, posting.spots)] += weight
    for some, worth in others:
        own[np.searchsorted(spots, some)] += worth
    best = place_of(spots[np.sort(_best(own, LOOKED_AT))])
    around = _union([best, *(best + distance for distance, _ in weights.near)])
    found = at_places(around[around >= 0])
    said = np.zeros((len(postings), len(found)))
    for having, posting in zip(said, postings, strict=True):
        having[_where(found, posting.spots)] = 1
    return Field(
        spots=found,
        said=said,
        lent=_lent(found, said, weights),
        talk=_talks(postings, newest, talk_of(place_of(found))),
        rarity=rarity[:, None],
        mean_length=float(np.mean(length_of(spots))),
    )


def _weighed(counts: Floats, rarity: Floats, scale: Floats, saturation: float) -> Floats:
    weighed: Floats = rarity * counts * (saturation + 1) / (counts + scale)
    return np.asarray(weighed.sum(axis=0), np.float64)


def _lent(spots: Ints, said: Floats, weights: Weights) -> Floats:
    places, asks = place_of(spots), asks_of(spots)
    talks = talk_of(places)
    lent = np.zeros_like(said)
    for distance, share in weights.near:
        index, there = at_sorted(places, places + distance)
        there &= talks[index] == talks
        shares = there * (share + weights.answer * asks[index] * (distance == -1))
        lent += said[:, index] * shares
    return lent


def _talks(postings: Sequence[Posting], newest: int, talks: Ints) -> Floats:
    """BM25 of each row's whole talk, whose length is left out: a long talk is about more."""
    all_talks = talk_of(place_of(newest)) + 1
    each = _union([talks])
    total = np.zeros(len(each))
    for posting in postings:
        having = talk_of(place_of(posting.spots))
        first, past = np.searchsorted(having, each), np.searchsorted(having, each, side="right")
        count = past - first
        held = np.count_nonzero(np.diff(having, prepend=-1))
        weight = _rarity(_reach(posting, newest) * held, all_talks)
        total += weight * count * 2.2 / (count + 1.2)
    return total[np.searchsorted(each, talks)]


def _rarity(having: float, among: int) -> float:
    having = min(having, among)
    return float(np.log((among - having + 0.5) / (having + 0.5) + 1))


def _reach(posting: Posting, newest: int) -> float:
    """How many times more rows may have the term than are known, if it was always as common."""
    if posting.whole:
        return 1.0
    return newest / max(newest - int(posting.spots[0]), 1)


def _union(arrays: Sequence[Ints]) -> Ints:
    """All values of growing arrays, each once, growing."""
    # Merges what is sorted already, where np.unique would begin anew.
    values = np.sort(np.concatenate(arrays), kind="stable")
    return values[np.diff(values, prepend=-1) != 0] if len(values) else values


def _best(values: Floats, n: int) -> NDArray[np.intp]:
    """Where the `n` highest are; of equals, the last."""
    if len(values) <= n:
        return np.arange(len(values))
    least = np.partition(values, -n)[-n]
    above, equal = np.flatnonzero(values > least), np.flatnonzero(values == least)
    return np.concatenate([above, equal[len(equal) - (n - len(above)) :]])


def _where(values: Ints, wanted: Ints) -> NDArray[np.intp]:
    """Where growing values are that are also among the wanted, which grow too."""
    if len(values) < len(wanted):
        return np.flatnonzero(at_sorted(wanted, values)[1])
    index, there = at_sorted(values, wanted)
    return index[there]


def at_sorted(sorted_values: Ints, wanted: Ints) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where each wanted value is among sorted ones (anywhere if it is not), and whether it is."""
    index = np.minimum(np.searchsorted(sorted_values, wanted), len(sorted_values) - 1)
    return index, sorted_values[index] == wanted
