"""Puts what full-text search found in order. Pure.

A turn rarely says by itself what it is about: the answer to "where did you go?" is "To the lake".
So a candidate gains from candidates near it in the same conversation. Measured on long chats, that
and the speaker's name among the words is worth far more than any other change
(`benchmarks/memory.py --locomo`); the weights are from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp2

__all__ = ["CANDIDATES", "Candidate", "rank"]

CANDIDATES = 300
"""How many of the best rows of the full-text search are looked at."""

_NEAR = {1: 0.4, 2: 0.2}  # rows away: share of that row's relevance
_RECENCY = 0.1  # the newest gains this share over the oldest,
_HALF_LIFE = 30 * 86_400.0  # and half of it that many seconds earlier


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that matches; `relevance` is its own (higher is better), `time` seconds since the epoch."""

    row: int
    conversation: str | None
    time: float
    relevance: float


def rank(candidates: Sequence[Candidate], newest: float) -> list[tuple[int, float]]:
    """Rows with their scores, best first; of equal scores the later row comes first.

    Args:
        candidates: each row once.
        newest: when the newest row of the whole memory happened: age counts from there, so that the
            same memory gives the same answer on any day.
    """
    by_row = {candidate.row: candidate for candidate in candidates}
    scored = [(one.row, _relevance(one, by_row) * _freshness(newest - one.time)) for one in candidates]
    return sorted(scored, key=lambda pair: (-pair[1], -pair[0]))


def _relevance(one: Candidate, by_row: dict[int, Candidate]) -> float:
    total = one.relevance
    if one.conversation is None:
        return total
    for distance, share in _NEAR.items():
        for row in (one.row - distance, one.row + distance):
            near = by_row.get(row)
            if near is not None and near.conversation == one.conversation:
                total += share * near.relevance
    return total


def _freshness(age: float) -> float:
    return 1 + _RECENCY * exp2(-max(age, 0.0) / _HALF_LIFE)
