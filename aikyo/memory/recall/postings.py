"""Which rows have a word, for each word of a question: what ranking is reckoned from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..storage.store import Store

__all__ = ["BUDGET", "Posting", "fetch", "numbers"]

BUDGET = 60_000
"""Rows that are looked at for one question, all its words together (about 6 ms). Of words that more
rows have than fit, the newest rows are looked at."""


@dataclass(frozen=True, slots=True)
class Posting:
    """The rows that have a term.

    Attributes:
        spots: their numbers (`recall/spots.py`), growing; shape (rows,).
        whole: whether these are all, or only the newest.
    """

    spots: NDArray[np.int64]
    whole: bool


def fetch(store: Store, terms: Sequence[str]) -> list[Posting]:
    """The rows that have each of `terms`, within the budget; terms that no row has are left out."""
    share = BUDGET // max(len(terms), 1)
    found = {term: _newest(store, term, share) for term in terms}
    common = [term for term in terms if len(found[term]) == share]
    # What the rare words leave is for the common ones.
    more = (BUDGET - sum(map(len, found.values()))) // max(len(common), 1)
    for term in common if more else ():
        older = _newest(store, term, more, before=int(found[term][0]))
        found[term] = np.concatenate([older, found[term]])
    limits = dict.fromkeys(common, share + more)
    return [
        Posting(spots, len(spots) < limits.get(term, share + 1))
        for term, spots in found.items()
        if len(spots)
    ]


def numbers(store: Store, sql: str, *values: object) -> NDArray[np.int64]:
    """What a query finds in its only column, called ``spot``, in its order."""
    # As one text: a row of Python's for each number would take four times as long.
    (text,) = store.rows(f"SELECT group_concat(spot) FROM ({sql})", *values)[0]
    return np.fromstring(text or "", dtype=np.int64, sep=",")


def _newest(store: Store, term: str, limit: int, before: int = 2**63 - 1) -> NDArray[np.int64]:
    """The newest rows that have a term, of those with lower numbers than `before`."""
    return numbers(
        store,
        "SELECT rowid AS spot FROM words WHERE words MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
        term,
        before,
        limit,
    )[::-1]
