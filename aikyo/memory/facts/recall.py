"""How facts are found again: by name, words, concepts, kind and sense; what is strong comes first.

The weights are from `benchmarks/facts.py`, from the half of its questions that is for tuning.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import log
from typing import TYPE_CHECKING

from ...embeddings import Embedder
from ..recall.times import When, when
from ..recall.words import folded, query_terms
from ..storage.store import Store
from .lexicon import lexicon
from .model import FactHit, Level
from .rows import CHANGES, FactRows
from .senses import embeddable, names_in, without
from .shelf import Shelf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]

__all__ = ["WAYS", "FactRecall"]

WAYS = {
    "name": 1.5,  # whether it is about somebody whom the question names,
    "mention": 1.2,  # or only names them
    "words": 0.6,  # share of the question's words that it has, the rarer the more
    "concepts": 0.33,  # sum of what the concepts say that both have (each about 1 to 4)
    "kind": 0.5,  # share of the question's concepts that ask for such a fact
    "sense": 2.0,  # cosine of the two; see also below
    "time": 1.0,  # whether it happened, or was told, in the time that the question names
    "strength": 0.1,  # see `fading.strength`; about 1 at most
}
"""What each way weighs; a hit's score is the sum of its ways."""

_BETTER = {"minilm": 4.0}
"""What sense weighs by better embedders."""

_TRANSLATED = 1.0
"""And by any, of a question whose words had to be looked up in the glossary."""

_STRONGEST = 20.0  # the strength of a fact that nobody doubts and that changes a life
_NEAR = 0.3  # a cosine from which a fact is found where nothing else speaks for it
_POSTINGS = 5000  # facts of one word; of words that more have, the newest


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked: without the names of those whom it names (places in `Shelf.whom`)."""

    text: str
    whom: frozenset[int]
    names: tuple[str, ...]
    concepts: frozenset[str]
    span: When | None


class FactRecall:
    """Finds facts; keeps a copy of them, made anew when they have changed.

    Args:
        store: the file.
        rows: its facts.
        embedder: what makes vectors, if anything.
    """

    def __init__(self, store: Store, rows: FactRows, embedder: Embedder | None) -> None:
        self._store = store
        self._rows = rows
        self._embedder = embedder
        self._copy: tuple[int, Shelf] | None = None

    def recall(
        self,
        query: str,
        k: int,
        *,
        now: float | None,
        about: str | None,
        ended: bool,
        level: Level | None,
        ways: Collection[str] = tuple(WAYS),
    ) -> tuple[FactHit, ...]:
        """See `Facts.recall`; `ways` are those that count."""
        shelf = self._shelf()
        if not len(shelf.numbers) or not query.strip():
            return ()
        import numpy as np

        question = _read(query, shelf, now)
        weights = WAYS | {"sense": self._sense_weighs(question)}
        found = {
            way: weights[way] * score
            for way, score in self._scores(question, shelf, now).items()
            if way in ways
        }
        total = np.sum(list(found.values()), axis=0)
        allowed = self._allowed(shelf, about, level, ended) & _is_found(found, weights["sense"] * _NEAR)
        best = _best(total, allowed, k)
        facts = self._rows.numbered([int(shelf.numbers[place]) for place in best])
        return tuple(
            FactHit(
                fact=facts[number],
                score=float(total[place]),
                ways={way: float(score[place]) for way, score in found.items() if score[place]},
            )
            for place in best
            if (number := int(shelf.numbers[place])) in facts  # if it was not removed just now
        )

    def _shelf(self) -> Shelf:
        changes = self._store.mark(CHANGES)
        if self._copy is None or self._copy[0] != changes:
            self._copy = changes, Shelf.of(self._store, self._rows, self._embedder)
        return self._copy[1]

    def _scores(self, question: _Question, shelf: Shelf, now: float | None) -> dict[str, Scores]:
        return {
            "name": _named(question, shelf),
            "mention": self._mentioned(question, shelf),
            "words": self._worded(question, shelf),
            "concepts": _conceived(question, shelf),
            "kind": _asked_for(question, shelf),
            "sense": self._sensed(question, shelf),
            "time": _timely(question, shelf),
            "strength": _strong(shelf, now),
        }

    def _sense_weighs(self, question: _Question) -> float:
        if embeddable(question.text) != question.text:
            return _TRANSLATED
        name = self._embedder.name if self._embedder else ""
        return _BETTER.get(name, WAYS["sense"])

    def _worded(self, question: _Question, shelf: Shelf) -> Scores:
        import numpy as np

        scores = np.zeros(len(shelf.numbers))
        total = 0.0
        for term in query_terms(question.text):
            places = self._having(term, shelf)
            rarity = _rarity(len(places), len(scores))
            scores[places] += rarity
            total += rarity
        return scores / total if total else scores

    def _mentioned(self, question: _Question, shelf: Shelf) -> Scores:
        import numpy as np

        scores = np.zeros(len(shelf.numbers))
        for name in question.names:
            for term in query_terms(name)[:1]:
                scores[self._having(term, shelf)] = 1.0
        scores[_named(question, shelf) > 0] = 0.0
        return scores

    def _sensed(self, question: _Question, shelf: Shelf) -> Scores:
        import numpy as np

        embed = self._embedder.ready() if self._embedder else None
        if embed is None or not question.text.strip():
            return np.zeros(len(shelf.numbers))
        asked = np.asarray(embed(embeddable(question.text)), np.float32)
        # By `einsum`, in this thread alone: `@` would wake a thread for each core, for so little work.
        return np.asarray(np.maximum(np.einsum("ij,j->i", shelf.vectors, asked), 0.0), np.float64)

    def _having(self, term: str, shelf: Shelf) -> NDArray[np.int64]:
        """Places of the facts that have a word."""
        import numpy as np

        rows = self._store.rows(
            "SELECT rowid FROM fact_words WHERE fact_words MATCH ? ORDER BY rowid DESC LIMIT ?",
            term,
            _POSTINGS,
        )
        numbers = np.array([row[0] for row in rows], np.int64)
        # What was written since the copy was made is not in it.
        places = np.minimum(np.searchsorted(shelf.numbers, numbers), len(shelf.numbers) - 1)
        return np.asarray(places[shelf.numbers[places] == numbers], np.int64)

    def _allowed(
        self, shelf: Shelf, about: str | None, level: Level | None, ended: bool
    ) -> NDArray[np.bool_]:
        import numpy as np

        allowed = np.ones(len(shelf.numbers), np.bool_) if ended else shelf.holds.copy()
        if about is not None:
            allowed &= _is_at(shelf.about, shelf.whom, about)
        if level is not None:
            allowed &= _is_at(shelf.level, shelf.levels, level)
        return allowed


def _read(query: str, shelf: Shelf, now: float | None) -> _Question:
    span = None if now is None else when(query, datetime.fromtimestamp(now).astimezone())
    query = query if span is None else span.rest
    names = names_in(folded(query), shelf.names)
    text = without(query, names)
    return _Question(
        text=text,
        whom=frozenset(place for name in names for place in shelf.names[name]),
        names=names,
        concepts=lexicon().concepts(text),
        span=span,
    )


def _named(question: _Question, shelf: Shelf) -> Scores:
    import numpy as np

    return np.isin(shelf.about, list(question.whom)).astype(np.float64)


def _conceived(question: _Question, shelf: Shelf) -> Scores:
    import numpy as np

    places = [place for place, name in enumerate(lexicon().names) if name in question.concepts]
    table = shelf.concepts[:, places]
    count = len(shelf.numbers)
    return np.asarray(table @ np.log(1 + count / (1 + table.sum(axis=0))), np.float64)


def _asked_for(question: _Question, shelf: Shelf) -> Scores:
    import numpy as np

    shares: Mapping[str, float] = dict(lexicon().kinds(question.concepts).items())
    return np.array([shares.get(kind, 0.0) for kind in shelf.kinds])[shelf.kind]


def _timely(question: _Question, shelf: Shelf) -> Scores:
    import numpy as np

    if question.span is None:
        return np.zeros(len(shelf.numbers))
    at = np.where(np.isnan(shelf.happened), shelf.confirmed, shelf.happened)
    return ((question.span.start <= at) & (at < question.span.end)).astype(np.float64)


def _strong(shelf: Shelf, now: float | None) -> Scores:
    import numpy as np

    at = float(shelf.confirmed.max()) if now is None else now
    fading = np.exp2(-np.maximum(at - shelf.confirmed, 0.0) / shelf.half_lives)
    return np.minimum(shelf.strengths * fading / _STRONGEST, 1.0)


def _is_found(found: dict[str, Scores], near: float) -> NDArray[np.bool_]:
    """Whether anything but its own strength speaks for a fact; its sense, from a score of `near` on."""
    import numpy as np

    own = [score > 0 for way, score in found.items() if way not in {"sense", "strength", "kind"}]
    alike = found.get("sense", np.zeros(1)) >= near
    return np.asarray(np.any([*own, np.broadcast_to(alike, own[0].shape)] if own else [alike], axis=0))


def _best(total: Scores, allowed: NDArray[np.bool_], k: int) -> list[int]:
    """Places of the `k` highest, the later one first of equal ones."""
    import numpy as np

    places = np.flatnonzero(allowed)
    if len(places) > 4 * k:  # sorting all of them takes longer than all the rest
        bar = np.partition(total[places], -k)[-k] if k else np.inf
        places = places[total[places] >= bar]
    return sorted(map(int, places), key=lambda place: (-total[place], -place))[:k]


def _is_at(codes: NDArray[np.integer], values: tuple[str, ...], value: str) -> NDArray[np.bool_]:
    import numpy as np

    return np.asarray(codes == (values.index(value) if value in values else -1))


def _rarity(having: int, all_of_them: int) -> float:
    return log(1 + all_of_them / (1 + having))
