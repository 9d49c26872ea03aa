"""How full a session is: what the journal has taken in since its summary. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from ...memory import Row
from .budget import line_tokens

__all__ = ["Fill"]

MAX_ROWS = 2_000
"""Rows of the journal that a session tells at the most, however much it has room for; older ones are
left to recall."""


class Fill:
    """Counts the tokens of what came after a session's summary.

    Attributes:
        seen: the newest row that was counted.
    """

    def __init__(self) -> None:
        self.seen = 0
        self._costs: deque[tuple[int, int]] = deque(maxlen=MAX_ROWS)  # row, tokens

    @property
    def tokens(self) -> int:
        """How many there are."""
        return sum(cost for _, cost in self._costs)

    @property
    def rows(self) -> int:
        """In how many rows; what came before the newest `MAX_ROWS` is not counted any more."""
        return len(self._costs)

    def add(self, rows: Iterable[Row]) -> None:
        """Count rows of the journal, in order; none twice."""
        for row in rows:
            if row.number > self.seen:
                self.seen = row.number
                self._costs.append((row.number, line_tokens(row.entry.text)))

    def drop(self, upto: int) -> None:
        """Rows up to this one are summed up now."""
        self.seen = max(self.seen, upto)
        while self._costs and self._costs[0][0] <= upto:
            self._costs.popleft()
