"""Puts back into order what one author has published and another path was faster with. Pure; bounded.

Streams keep their order, but two messages of one author can come by different ways. Our authors number
what they publish one by one, on all topics together, so that a gap shows that something is missing;
what comes behind it waits for it, for a moment only: it may be lost, or on a topic that is not ours.
Where a path lags for longer, as under a flood, what comes too late teaches us to wait longer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

__all__ = ["LONGEST", "WAITS", "Arrival", "Order"]

WAITS, LONGEST = 0.15, 2.4
"""Seconds for which something of an author is waited for at first, and at the most: doubled each time
that something has come too late."""

_GAP = 64
_IN_VAIN = 10.0  # seconds for which nothing is waited for of an author of whom it was in vain
_MOST, _MOST_BYTES = 256, 4 << 20
_AUTHORS = 1024


class Arrival(NamedTuple):
    """One message as it came."""

    topic: str
    data: bytes
    author: str
    sequence: bytes


@dataclass(slots=True)
class _Author:
    latest: int
    waiting: dict[int, Arrival] = field(default_factory=dict)
    patience: float = WAITS
    deadline: float = 0.0
    hurried_until: float = 0.0  # until when its gaps are not waited for


class Order:
    """What waits for something of its author. All times are of one clock, in seconds."""

    def __init__(self) -> None:
        self._authors: OrderedDict[str, _Author] = OrderedDict()
        self._count = 0
        self._bytes = 0

    def __bool__(self) -> bool:
        return self._count > 0

    @property
    def deadline(self) -> float:
        """When the first has waited long enough; only while something waits."""
        return min(author.deadline for author in self._authors.values() if author.waiting)

    def put(self, arrival: Arrival, now: float) -> Iterator[Arrival]:
        """Take in what has come; gives what can go on, in order: at once, or nothing yet."""
        number = int.from_bytes(arrival.sequence, "big")
        author = self._authors.get(arrival.author)
        if author is None:
            author = self._authors[arrival.author] = _Author(number)
            self._make_room()
            yield arrival
            return
        self._authors.move_to_end(arrival.author)
        missing = number - author.latest - 1
        if 0 < missing <= _GAP and now >= author.hurried_until and self._has_room(arrival):
            if not author.waiting:
                author.deadline = now + author.patience
            if number not in author.waiting:
                author.waiting[number] = arrival
                self._add(arrival, 1)
            return
        if number < author.latest:
            author.patience = min(author.patience * 2, LONGEST)
            author.hurried_until = 0.0
        if number > author.latest + 1:  # too far ahead to be waited for: a restart, or too much is lost
            yield from self._let_go(author)
        author.latest = max(author.latest, number)
        yield arrival
        yield from self._follow(author)

    def overdue(self, now: float) -> Iterator[Arrival]:
        """Gives, in order, what has waited long enough."""
        for author in list(self._authors.values()):
            if author.waiting and author.deadline <= now:
                author.hurried_until = now + _IN_VAIN
                yield from self._let_go(author)

    def _follow(self, author: _Author) -> Iterator[Arrival]:
        while (arrival := author.waiting.pop(author.latest + 1, None)) is not None:
            author.latest += 1
            self._add(arrival, -1)
            yield arrival

    def _let_go(self, author: _Author) -> Iterator[Arrival]:
        for number in sorted(author.waiting):
            arrival = author.waiting.pop(number)
            author.latest = max(author.latest, number)
            self._add(arrival, -1)
            yield arrival

    def _has_room(self, arrival: Arrival) -> bool:
        return self._count < _MOST and self._bytes + len(arrival.data) <= _MOST_BYTES

    def _add(self, arrival: Arrival, sign: int) -> None:
        self._count += sign
        self._bytes += sign * len(arrival.data)

    def _make_room(self) -> None:
        """Of those of whom nothing waits; there are at most as many of whom something does."""
        while len(self._authors) > _AUTHORS:
            idle = next(name for name, author in self._authors.items() if not author.waiting)
            del self._authors[idle]
