"""How many requests may be made again, for all companions of a swarm together. Pure: the time is handed
in."""

from __future__ import annotations

from collections.abc import Callable

import trio

__all__ = ["RETRIES_PER_MINUTE", "RetryBudget"]

RETRIES_PER_MINUTE = 20


class RetryBudget:
    """A bucket that holds a minute's retries, and fills up evenly. When models fail for everybody at
    once, it keeps the retries from making that worse.

    Args:
        per_minute: how many; 0 for none at all.
        clock: seconds that never go back; trio's clock by default.
    """

    def __init__(
        self, per_minute: int = RETRIES_PER_MINUTE, clock: Callable[[], float] = trio.current_time
    ) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._left = float(per_minute)
        self._since: float | None = None

    def take(self) -> bool:
        """Whether one more retry may be made; if so, it is counted."""
        now = self._clock()
        if self._since is not None:
            gained = (now - self._since) * self._per_minute / 60
            self._left = min(self._left + gained, float(self._per_minute))
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
