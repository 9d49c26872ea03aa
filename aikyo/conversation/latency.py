"""How long to wait for somebody's State: as long as that one has been taking, with room to spare. Pure.

The mean and deviation are those of RFC 6298 (how TCP finds its retransmission time-out), and as there,
who is missed is given twice the time. Who is missed again and again is hardly waited for any more.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["BID_DEADLINE", "Patience"]

BID_DEADLINE = 6.0
"""Seconds that a State is waited for at most, and as long as it is not known how long it takes."""

LEAST = 1.0
"""Seconds that it is waited for at least."""

SILENT = 4
"""Messages in a row to which nothing came, from which on only `LEAST` is waited."""

_MOST = 256


@dataclass(slots=True)
class _Known:
    mean: float = BID_DEADLINE
    deviation: float = 0.0
    is_heard: bool = False
    missed: int = 0


class Patience:
    """How long to wait for each companion. Those of whom nothing was heard for longest are forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def took(self, who: str, seconds: float) -> None:
        """The State of `who` came `seconds` after its message."""
        seconds = min(max(0.0, seconds), 10 * BID_DEADLINE)
        known = self._of(who)
        if known.is_heard:
            known.deviation += (abs(seconds - known.mean) - known.deviation) / 4
            known.mean += (seconds - known.mean) / 8
        else:
            known.mean, known.deviation, known.is_heard = seconds, seconds / 2, True
        known.missed = 0

    def missed(self, who: str) -> None:
        """The State of `who` did not come in time."""
        known = self._of(who)
        known.missed = min(known.missed + 1, SILENT)

    def seconds(self, who: str) -> float:
        """How long to wait for the State of `who`, from `LEAST` to `BID_DEADLINE`."""
        known = self._known.get(who)
        if known is None:
            return BID_DEADLINE
        if known.missed >= SILENT:
            return LEAST
        usual: float = max(LEAST, known.mean + 4 * known.deviation)
        return min(BID_DEADLINE, usual * (1 << known.missed))

    def _of(self, who: str) -> _Known:
        known = self._known.setdefault(who, _Known())
        self._known.move_to_end(who)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return known
