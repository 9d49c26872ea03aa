"""A copy of all facts in RAM, as arrays: what a question is compared with."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from ...embeddings import Embedder
from ..storage.store import Store
from .fading import strength
from .lexicon import lexicon
from .model import Fact
from .rows import FactRows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Shelf"]

_COLUMNS = (
    "number, about, level, kind, importance, happened, confirmed, half_life, ended,"
    " vector, embedder, concepts,"
    " (SELECT count(*) FROM evidence WHERE fact = number AND stance > 0) AS evidence,"
    " (SELECT count(*) FROM evidence WHERE fact = number AND stance < 0) AS against"
)


@dataclass(slots=True)
class Shelf:
    """All facts, in order of number; about 1.3 kB each.

    Attributes:
        numbers: of the facts, rising.
        about: for each whom it is about, as a place in `whom`.
        whom: ids.
        kinds: kinds of facts.
        kind: for each its kind, as a place in `kinds`.
        level: likewise, in `levels`.
        holds: whether it has not ended.
        happened: when, or not a number.
        strengths: of each how strong it is by itself (see `fading.strength`), without fading,
        confirmed: since when it fades,
        half_lives: and how fast; infinite: not at all.
        vectors: of length 1, or 0 where there is none, or one of another embedder.
        concepts: whether it has each of `Lexicon.names`.
        names: folded name → places in `whom`.
    """

    numbers: NDArray[np.int64]
    whom: tuple[str, ...]
    about: NDArray[np.int32]
    kinds: tuple[str, ...]
    kind: NDArray[np.int8]
    levels: tuple[str, ...]
    level: NDArray[np.int8]
    holds: NDArray[np.bool_]
    happened: NDArray[np.float64]
    strengths: NDArray[np.float64]
    confirmed: NDArray[np.float64]
    half_lives: NDArray[np.float64]
    vectors: NDArray[np.float32]
    concepts: NDArray[np.bool_]
    names: dict[str, set[int]]

    @classmethod
    def of(cls, store: Store, facts: FactRows, embedder: Embedder | None) -> Self:
        """A copy of what the file holds now, with the vectors of `embedder`."""
        import numpy as np

        rows = store.rows(f"SELECT {_COLUMNS} FROM facts ORDER BY number")
        whom, about = _coded(rows, "about")
        kinds, kind = _coded(rows, "kind")
        levels, level = _coded(rows, "level")
        names: defaultdict[str, set[int]] = defaultdict(set)
        for place, ident in enumerate(whom):
            for name in facts.names_of(ident):
                names[name].add(place)
        return cls(
            numbers=np.array([row["number"] for row in rows], np.int64),
            whom=whom,
            about=np.array(about, np.int32),
            kinds=kinds,
            kind=np.array(kind, np.int8),
            levels=levels,
            level=np.array(level, np.int8),
            holds=np.array([row["ended"] is None for row in rows], np.bool_),
            happened=np.array([_number(row["happened"], np.nan) for row in rows], np.float64),
            strengths=np.array([_strength(row) for row in rows], np.float64),
            confirmed=np.array(
                [max(row["confirmed"], _number(row["happened"], 0.0)) for row in rows], np.float64
            ),
            half_lives=np.array([_number(row["half_life"], np.inf) for row in rows], np.float64),
            vectors=_vectors(rows, embedder),
            concepts=_concepts(rows),
            names=dict(names),
        )


def _coded(rows: list[sqlite3.Row], column: str) -> tuple[tuple[str, ...], list[int]]:
    """The values of a column, and each row's value as a place among them."""
    places: dict[str, int] = {}
    codes = [places.setdefault(row[column], len(places)) for row in rows]
    return tuple(places), codes


def _number(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value


def _strength(row: sqlite3.Row) -> float:
    """Without fading; by the same rule as elsewhere, of a fact that was confirmed just now."""
    fact = Fact(
        number=0,
        uid="",
        text="",
        importance=row["importance"],
        sources=("",) * row["evidence"],
        against=("",) * row["against"],
    )
    return strength(fact, 0.0)


def _vectors(rows: list[sqlite3.Row], embedder: Embedder | None) -> NDArray[np.float32]:
    import numpy as np

    if embedder is None:
        return np.zeros((len(rows), 0), np.float32)
    size = embedder.dimensions * 2
    none = bytes(size)
    kept = [
        row["vector"] if row["embedder"] == embedder.name and len(row["vector"] or b"") == size else none
        for row in rows
    ]
    halves = np.frombuffer(b"".join(kept), np.float16).reshape(len(rows), embedder.dimensions)
    return halves.astype(np.float32)


def _concepts(rows: list[sqlite3.Row]) -> NDArray[np.bool_]:
    import numpy as np

    place = {name: number for number, name in enumerate(lexicon().names)}
    table = np.zeros((len(rows), len(place)), np.bool_)
    for number, row in enumerate(rows):
        # Those of another version of the lexicon too, as far as it still has them.
        table[number, [place[name] for name in row["concepts"].split() if name in place]] = True
    return table
