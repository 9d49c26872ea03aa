"""Recall of the journal: from a question to the rows that fit it, with which way found each."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import msgspec
import numpy as np
from numpy.typing import NDArray

from ..storage.store import Store
from .likeness import Likeness, Senses
from .postings import fetch, numbers
from .ranking import WEIGHTS, Scores, Weights, at_sorted, lay_out
from .speakers import Named, named
from .spots import PLACE, speaker
from .times import When, when
from .words import query_terms

__all__ = ["MOST", "Found", "find"]

MOST = 300
"""Rows that one recall finds at the most."""

_MOST_THEN = 5_000  # rows of the time that is named; of a longer time the newest
_RECENCY = 0.1  # the newest gains this share over the oldest,
_HALF_LIFE = 30 * 86_400.0  # and half of it that many seconds earlier

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Found:
    """A row of the journal, its score (higher is better), and what of that each way gave."""

    row: int
    score: float
    ways: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Question:
    """What a question asks for, and what is found of it by something else than words.

    Attributes:
        terms: what is looked for.
        who: whom it names.
        span: which time it names, if anything was said then.
        like: the rows' likeness to it in sense.
        others: numbers of rows, growing, with what finding them is worth.
        by_speaker: whether it asks for nothing but who spoke.
    """

    terms: tuple[str, ...]
    who: Named
    span: When | None
    like: Likeness | None
    others: list[tuple[Ints, Floats]]
    by_speaker: bool


def find(
    store: Store,
    query: str,
    k: int = MOST,
    *,
    senses: Senses | None = None,
    exclude: Collection[str] = (),
    now: datetime | None = None,
    weights: Weights = WEIGHTS,
) -> list[Found]:
    """The rows that fit a question, best first; of equals the later row.

    A row fits by a word of the question, by what its neighbours say, by its sense, or by the time that
    is named; by who spoke only where nothing else is asked for.

    Args:
        store: the open file.
        query: any text at all.
        k: how many at the most; never more than `MOST`.
        senses: of the same file; None to find without them.
        exclude: uids of entries to leave out.
        now: local time, aware of its zone; None for the time of the newest row.
        weights: what each way counts.
    """
    count, newest = _extent(store)
    if not count:
        return []
    asked = _read(store, query, senses, now or datetime.fromtimestamp(newest).astimezone(), weights)
    postings = fetch(store, asked.terms)
    if not postings and not asked.others:
        return []
    field = lay_out(postings, asked.others, count, partial(_at_places, store), weights)
    scores = field.scores({speaker(ident) for ident in asked.who.ids}, weights)
    best, rows = _best(store, field.spots, scores.total, asked, exclude)
    if not rows:
        return []
    ways = _ways(scores, best, rows, asked, weights)
    reasons = ("words", "neighbours", "vectors", "time", *(("speaker",) if asked.by_speaker else ()))
    fits: NDArray[np.bool_] = np.sum([ways[reason] for reason in reasons], axis=0) > 0
    total: Floats = np.sum(list(ways.values()), axis=0)
    ages = newest - np.array([row["time"] for row in rows])
    ways["recency"] = total * _RECENCY * np.exp2(-np.maximum(ages, 0) / _HALF_LIFE)
    total += ways["recency"]
    order = np.lexsort((-np.array([row["row"] for row in rows]), -total))
    return [
        Found(
            row=rows[i]["row"],
            score=float(total[i]),
            ways={way: float(given[i]) for way, given in ways.items() if given[i]},
        )
        for i in order[fits[order]][: min(k, MOST)]
    ]


def _extent(store: Store) -> tuple[int, float]:
    """About how many rows there are, and when the newest was."""
    # Not at once: only one of either kind is looked up, two are looked for in all rows.
    (count,) = store.rows("SELECT ifnull(max(row), 0) FROM entries")[0]
    (newest,) = store.rows("SELECT ifnull(max(time), 0) FROM entries")[0]
    return count, newest


def _read(store: Store, query: str, senses: Senses | None, now: datetime, weights: Weights) -> _Question:
    others = []
    span = when(query, now)
    then = _rows_then(store, span)
    if not len(then):
        span = None  # nothing was said then, or no time was meant
    else:
        others.append((then, np.full(len(then), weights.time)))
    terms = query_terms(span.rest if span else query)
    who = named(store, query)
    by_speaker = bool(who.ids) and all(term.strip('"*') in who.words for term in terms)
    if by_speaker:
        said = _rows_of(store, who.ids)
        others.append((said, np.zeros(len(said))))
    like = senses.like(query) if senses else None
    if like:
        others.append((like.nearest, _telling(like.likeness, weights)))
    return _Question(
        terms, who, span, like, [(some, worth) for some, worth in others if len(some)], by_speaker
    )


def _best(
    store: Store, spots: Ints, guess: Floats, asked: _Question, exclude: Collection[str]
) -> tuple[NDArray[np.intp], list[sqlite3.Row]]:
    """Where the rows are that may be the best, and what the journal has of them."""
    for some, worth in asked.others:
        index, there = at_sorted(some, spots)
        guess = guess + worth[index] * there
    best = np.lexsort((-spots, -guess))[: MOST + len(exclude)]
    at_spot = _rows_at(store, spots[best])
    kept = [
        (index, row)
        for index, spot in zip(best.tolist(), spots[best].tolist(), strict=True)
        if (row := at_spot.get(spot)) is not None and row["uid"] not in exclude
    ]
    return np.array([index for index, _ in kept], np.intp), [row for _, row in kept]


def _ways(
    scores: Scores,
    best: NDArray[np.intp],
    rows: Sequence[sqlite3.Row],
    asked: _Question,
    weights: Weights,
) -> dict[str, Floats]:
    """What each way gives each of the best rows."""
    ways = {
        "words": scores.words[best],
        "neighbours": scores.neighbours[best],
        "talk": scores.talk[best],
        # Two speakers may have one number.
        "speaker": np.where([row["sender"] in asked.who.ids for row in rows], weights.speaker, 0.0),
        "vectors": np.zeros(len(rows)),
        "time": np.zeros(len(rows)),
    }
    if asked.like:
        likeness = asked.like.of(np.array([row["row"] for row in rows]))
        ways["vectors"] = _telling(likeness, weights)
    if asked.span:
        times = np.array([row["time"] for row in rows])
        inside = (times >= asked.span.start) & (times < asked.span.end)
        ways["time"] = np.where(inside, weights.time, 0.0)
    return ways


def _telling(likeness: Floats, weights: Weights) -> Floats:
    return weights.vectors * np.maximum(likeness - weights.unlike, 0)


def _rows_then(store: Store, span: When | None) -> Ints:
    """The numbers of the newest rows of a time, growing."""
    if span is None:
        return np.zeros(0, np.int64)
    found = numbers(
        store,
        "SELECT spot FROM entries WHERE time >= ? AND time < ? ORDER BY time DESC LIMIT ?",
        span.start,
        span.end,
        _MOST_THEN,
    )
    return np.sort(found)


def _rows_of(store: Store, senders: Collection[str]) -> Ints:
    """The numbers of the newest rows that somebody said, growing."""
    found = [
        numbers(
            store,
            "SELECT spot FROM entries WHERE sender = ? AND kind = ? ORDER BY time DESC LIMIT ?",
            sender,
            kind,
            MOST,
        )
        for sender in sorted(senders)
        for kind in ("heard", "said")
    ]
    return np.sort(np.concatenate(found))


def _at_places(store: Store, places: Ints) -> Ints:
    """The numbers of the rows at these places; both growing."""
    first = places[np.diff(places, prepend=-2) != 1]  # of runs of places: fewer to look up
    past = places[np.diff(places, append=2**62) != 1] + 1
    runs = np.stack([first * PLACE, past * PLACE], axis=1)
    return numbers(
        store,
        "SELECT spot FROM json_each(?) AS run JOIN entries"
        " ON spot >= json_extract(run.value, '$[0]') AND spot < json_extract(run.value, '$[1]')",
        msgspec.json.encode(runs.tolist()).decode(),
    )


def _rows_at(store: Store, spots: Ints) -> dict[int, sqlite3.Row]:
    """What the journal has of the rows with these numbers."""
    rows = store.rows(
        "SELECT row, spot, time, uid, sender FROM json_each(?) AS wanted"
        " JOIN entries ON spot = wanted.value",
        msgspec.json.encode(spots.tolist()).decode(),
    )
    return {row["spot"]: row for row in rows}
