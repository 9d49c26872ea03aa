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

from collections.abc import Collection, Sequence
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
        places: `spots.place_of` of each, growing; not all of them need be there. Shape (rows,).
        spots: their numbers, -1 where none of a row's own words are looked for, so that nothing is
            known of it. Shape (rows,).
        said: whether each has each term. Shape (terms, rows).
        lent: how much of each term its neighbours lend it. Shape (terms, rows).
        talk: how well the talk that it is in fits. Shape (rows,).
        rarity: of each term, BM25's idf. Shape (terms, 1).
        mean_length: of rows that have a term, in words.
    """

    places: Ints
    spots: Ints
    said: Floats
    lent: Floats
    talk: Floats
    rarity: Floats
    mean_length: float

    def part(self, at: NDArray[np.intp], spots: Ints) -> Field:
        """Only the rows at these indices, of which these numbers are known by now."""
        return Field(
            self.places[at],
            spots,
            self.said[:, at],
            self.lent[:, at],
            self.talk[at],
            self.rarity,
            self.mean_length,
        )

    def scores(self, speakers: Collection[int], weights: Weights = WEIGHTS) -> Scores:
        """What each way gives each row. A row of which nothing is known is taken for one of usual length
        that is from whoever is named.

        Args:
            speakers: numbers (`spots.speaker_of`) of who is named.
            weights: what each way counts.
        """
        unknown = self.spots < 0
        lengths = np.where(unknown, self.mean_length, length_of(self.spots))
        scale = weights.saturation * (1 - weights.length + weights.length * lengths / self.mean_length)
        words = _weighed(self.said, self.rarity, scale, weights.saturation)
        lent = _weighed(self.said + self.lent, self.rarity, scale, weights.saturation)
        named = (unknown | np.isin(speaker_of(self.spots), list(speakers))) & bool(speakers)
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
    weights: Weights = WEIGHTS,
) -> Field:
    """The rows that fit best by themselves, and those around them.

    Args:
        postings: of each term that any row has.
        others: rows that were found by something else than words: their numbers, each once, and what
            that gives them.
        rows: how many there are in the whole memory.
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
    around = around[around >= 0]
    said = np.zeros((len(postings), len(around)))
    for having, posting in zip(said, postings, strict=True):
        having[:] = at_sorted(place_of(posting.spots), around)[1]
    index, known = at_sorted(place_of(spots), around)
    numbers = np.where(known, spots[index], -1)
    return Field(
        places=around,
        spots=numbers,
        said=said,
        lent=_lent(around, numbers, said, weights),
        talk=_talks(postings, newest, around),
        rarity=rarity[:, None],
        mean_length=float(np.mean(length_of(spots))),
    )


def _weighed(counts: Floats, rarity: Floats, scale: Floats, saturation: float) -> Floats:
    weighed: Floats = rarity * counts * (saturation + 1) / (counts + scale)
    return np.asarray(weighed.sum(axis=0), np.float64)


def _lent(places: Ints, spots: Ints, said: Floats, weights: Weights) -> Floats:
    lent = np.zeros_like(said)
    for distance, share in weights.near:
        index, there = at_sorted(places, places + distance)
        there &= talk_of(places[index]) == talk_of(places)
        shares = share * there
        if distance == -1:
            shares += weights.answer * (there & (spots[index] >= 0) & (asks_of(spots[index]) == 1))
        lent += said[:, index] * shares
    return lent


def _talks(postings: Sequence[Posting], newest: int, places: Ints) -> Floats:
    """BM25 of each row's whole talk, whose length is left out: a long talk is about more."""
    talks = talk_of(places)
    all_talks = talk_of(place_of(newest)) + 1
    total = np.zeros(len(places))
    for posting in postings:
        having, counts = np.unique(talk_of(place_of(posting.spots)), return_counts=True)
        index, there = at_sorted(having, talks)
        count = counts[index] * there
        weight = _rarity(_reach(posting, newest) * len(having), all_talks)
        total += weight * count * 2.2 / (count + 1.2)
    return total


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


def at_sorted(sorted_values: Ints, wanted: Ints) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Where each wanted value is among sorted ones (anywhere if it is not), and whether it is."""
    index = np.minimum(np.searchsorted(sorted_values, wanted), len(sorted_values) - 1)
    return index, sorted_values[index] == wanted
