"""Which rows are like a question in sense, whatever their words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...embeddings import DIMENSIONS
from ..storage.store import Store
from .senses import BLOCK, RECORD, embedder, version

__all__ = ["Likeness", "Senses"]

_HELD = 200_000
"""Rows whose senses are held, the newest ones: 10 MB."""

_NEAREST = 50
_WORDS = DIMENSIONS // 64
_RECORD = np.dtype([("row", "<i8"), ("spot", "<i8"), ("signs", "<u8", _WORDS)])  # `senses.RECORD`
_SCALE = float(np.sqrt(np.pi / 2 / DIMENSIONS))  # makes about the cosine of a product with signs


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like rows are to a question.

    Attributes:
        nearest: numbers (`recall/spots.py`) of the rows that are most like it, growing.
        likeness: of each of these, about the cosine. Shape (rows,).
    """

    nearest: NDArray[np.int64]
    likeness: NDArray[np.float64]
    rows: NDArray[np.int64]
    signs: NDArray[np.uint64]
    vector: NDArray[np.float32]

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """About the cosine of each of these rows (`entries.row`); 0 where none is known."""
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        there = self.rows[at] == rows
        return np.where(there, _cosine(self.signs[:, at], self.vector), 0.0)


class Senses:
    """The senses of an open file, held as they are read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version = -1
        self._drop()

    def like(self, query: str) -> Likeness | None:
        """How like the rows are to a question; None where there is no embedder or nothing to compare."""
        self._read()
        if not len(self._rows) or (embed := embedder()) is None:
            return None
        vector = np.asarray(embed(query), np.float32)
        if not vector.any():
            return None
        apart = np.zeros(len(self._rows), np.uint16)
        for column, word in zip(self._signs, _packed(vector), strict=True):
            apart += np.bitwise_count(column ^ word)
        n = min(_NEAREST, len(apart))
        limit = np.partition(apart, n - 1)[n - 1]
        near = np.flatnonzero(apart <= limit)[-2 * n :]  # of equals the newest
        near = near[np.argsort(self._spots[near])]
        likeness = _cosine(self._signs[:, near], vector)
        return Likeness(self._spots[near], likeness, self._rows, self._signs, vector)

    def _drop(self) -> None:
        self._rows = np.zeros(0, np.int64)
        self._spots = np.zeros(0, np.int64)
        self._signs = np.zeros((_WORDS, 0), np.uint64)

    def _read(self) -> None:
        """Read what is new, or all of it where older rows have changed."""
        now = version(self._store)
        if now != self._version:
            self._drop()
            self._version = now
        newest = int(self._rows[-1]) if len(self._rows) else 0
        blocks = self._store.rows(
            "SELECT records FROM senses WHERE block >= ? AND length(records) % ? = 0"
            " ORDER BY block DESC LIMIT ?",
            newest // BLOCK,
            RECORD.size,
            _HELD // BLOCK,
        )
        read = np.frombuffer(b"".join(records for (records,) in reversed(blocks)), _RECORD)
        new = read[(read["row"] > newest) & read["signs"].any(axis=1)]
        if len(new):
            self._rows = np.concatenate([self._rows, new["row"]])[-_HELD:]
            self._spots = np.concatenate([self._spots, new["spot"]])[-_HELD:]
            self._signs = np.concatenate([self._signs, new["signs"].T], axis=1)[:, -_HELD:]


def _packed(vector: NDArray[np.float32]) -> NDArray[np.uint64]:
    return np.packbits(vector > 0).view(np.uint64)


def _cosine(signs: NDArray[np.uint64], vector: NDArray[np.float32]) -> NDArray[np.float64]:
    bits = np.unpackbits(np.ascontiguousarray(signs.T).view(np.uint8), axis=1)
    product: NDArray[np.float64] = np.asarray(bits @ vector * 2 - vector.sum(), np.float64)
    return product * _SCALE
