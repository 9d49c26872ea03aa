"""What one companion may spend, as its brain sees it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from ..base import BrainError
from .records import ModelCall
from .spending import Reached, Spending

__all__ = ["CappedPurse", "Purse"]


class Purse(Protocol):
    """What one companion may spend on thinking. Nobody asks it about what costs nothing: that goes on
    whatever others have spent."""

    @property
    def is_nearly_empty(self) -> bool:
        """Whether so little is left that small decisions should cost nothing."""
        ...

    def check(self) -> None:
        """See that something is left, before a call that costs money.

        Raises:
            BrainError: of the kind ``limit``: which cap is reached, when it is over (`retry_in`), and
                the setting that changes it.
        """
        ...

    def add(self, call: ModelCall) -> None:
        """Take in what was spent. Returns at once, and never fails."""
        ...


class CappedPurse:
    """The `Purse` of a companion that is held to caps of its own and to those of the swarm.

    Args:
        swarm: what all have spent.
        own: what the companion has spent.
        add: takes its calls in, into both.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        swarm: Spending,
        own: Spending,
        add: Callable[[ModelCall], None],
        clock: Callable[[], float],
    ) -> None:
        self._swarm = swarm
        self._own = own
        self._add = add
        self._clock = clock

    @property
    def is_nearly_empty(self) -> bool:
        """As `Purse.is_nearly_empty`."""
        now = self._clock()
        return self._own.is_near(now) or self._swarm.is_near(now)

    def check(self) -> None:
        """As `Purse.check`."""
        now = self._clock()
        found = [
            (who, reached)
            for who, spending in (("the swarm", self._swarm), ("it", self._own))
            if (reached := spending.reached(now))
        ]
        if found:
            who, lasting = max(found, key=lambda one: one[1].until)
            raise BrainError(_told(who, lasting), "limit", retry_in=max(1.0, lasting.until - now))

    def add(self, call: ModelCall) -> None:
        """As `Purse.add`."""
        self._add(call)


def _told(who: str, reached: Reached) -> str:
    """The same words for as long as it lasts, so that they need be told only once."""
    cap = reached.cap
    begun, over = time.localtime(reached.since), time.localtime(reached.until)
    form = "%H:%M" if begun[:3] == over[:3] else "%m-%d %H:%M"
    times = f"{time.strftime(form, begun)} to {time.strftime(form, over)}"
    return f"{who} has spent {cap.told} ({cap.setting} in aikyo.toml) and rests from {times}"
