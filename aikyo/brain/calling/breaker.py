"""Leaves a model alone for a while after it failed, and lets one call find out whether it is well again.
Pure: the time is handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import trio

from ..base import BrainFault

__all__ = ["LONGEST_ASKED", "MAX_BREAKERS", "Breaker", "Breakers", "Pass", "Resting"]

MAX_BREAKERS = 256
"""Models that a table remembers; past that, those it has not heard of for longest are forgotten."""

_IN_A_ROW = 3
"""Of faults that may well pass, that many open it, each of a call that began after the one before."""

_RATE_SECONDS = 10.0
"""After too many requests, where the server does not say how long."""

LONGEST_ASKED = 900.0
"""A server may ask for no more; some ask for hours, or for nonsense."""

_PROBE_SECONDS = 3.0
"""After which it is worth asking again while another call finds out how the model is."""

_LASTING = (30.0, 600.0)
_PASSING = (5.0, 120.0)
_PAUSES: Mapping[BrainFault, tuple[float, float]] = MappingProxyType(
    {
        "key": _LASTING,
        "credit": _LASTING,
        "model": _LASTING,
        "overload": _PASSING,
        "unreachable": _PASSING,
        "timeout": _PASSING,
        "cut": _PASSING,
    }
)
"""The first pause and the longest, in seconds; each is twice the one before. What is not here, but for
``rate``, is the answer of a model that is well."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to make one call. Handed back once, with what came of it."""

    opened: int
    faults: int
    probe: bool
    who: str


@dataclass(frozen=True, slots=True)
class Resting:
    """No leave.

    Attributes:
        why: what went wrong, in words.
        seconds: after which it is worth asking again.
        probed: whether another call is finding out just now how the model is.
    """

    why: str
    seconds: float
    probed: bool = False


class Breaker:
    """Whether one model may be asked.

    It is closed as long as calls go well. After a fault that lasts, or some in a row that may pass, it
    is open for a while; then one call is let through, and what comes of that one closes it or opens it
    for longer. Where those in a row were all one companion's, whose prompt may be to blame, it is open
    for that companion alone, until the call of another fails too or goes well.
    """

    def __init__(self) -> None:
        self._in_a_row = 0
        self._opened = 0  # how often; what calls of before then tell is no news
        self._pauses = 0  # in a row
        self._until: float | None = None
        self._probing = False
        self._why = ""
        self._whose: str | None = None  # the faults in a row; None: of several, or it is all the same

    def enter(self, now: float, who: str = "", *, insist: bool = False) -> Pass | Resting:
        """Ask for leave to make a call for the companion `who`.

        Args:
            now: the time.
            who: its id.
            insist: whether the call is to find out how the model is, and is let through in any case.
        """
        if self._until is None or self._whose not in (None, who):
            return Pass(self._opened, self._in_a_row, probe=False, who=who)
        if not insist and now < self._until:
            return Resting(self._why, self._until - now)
        if not insist and self._probing:
            return Resting(self._why, _PROBE_SECONDS, probed=True)
        self._probing = True
        return Pass(self._opened, self._in_a_row, probe=True, who=who)

    def seconds_left(self, now: float, who: str = "") -> float | None:
        """For how long nothing of `who` is let through; None while calls are."""
        if self._until is None or self._whose not in (None, who):
            return None
        return max(0.0, self._until - now)

    def succeeded(self, leave: Pass) -> None:
        """The call was answered, of use or not."""
        if self._is_news(leave):
            self._in_a_row = self._pauses = 0
            self._until, self._probing = None, False

    def failed(
        self, leave: Pass, now: float, kind: BrainFault, why: str, wait: float | None = None
    ) -> None:
        """The call came to nothing.

        Args:
            leave: what `enter` gave for it.
            now: the time.
            kind: what went wrong.
            why: the same in words.
            wait: seconds that the server asks us to wait.
        """
        if not self._is_news(leave):
            return
        if kind != "rate" and kind not in _PAUSES:
            self.succeeded(leave)
            return
        if leave.probe and self._until is not None and now < self._until:
            self._why, self._probing = why, False  # nobody waits for longer since it was tried early
            return
        if _PAUSES.get(kind) is not _PASSING:
            self._whose = None
        elif not leave.probe:
            if leave.faults != self._in_a_row:
                return  # several at the same time are one
            self._whose = leave.who if self._whose == leave.who or not self._in_a_row else None
            self._in_a_row += 1
            if self._in_a_row < _IN_A_ROW:
                return
        asked = None if wait is None else min(max(0.0, wait), LONGEST_ASKED)
        self._open(now + self._pause(kind, asked), why)

    def freed(self, leave: Pass) -> None:
        """The call was given up before anything could be told from it."""
        if leave.probe and self._is_news(leave):
            self._probing = False

    def _is_news(self, leave: Pass) -> bool:
        return leave.opened == self._opened

    def _pause(self, kind: BrainFault, asked: float | None) -> float:
        if kind == "rate":
            return _RATE_SECONDS if asked is None else asked
        first, longest = _PAUSES[kind]
        pause: float = min(first * 2 ** min(self._pauses, 16), longest)
        self._pauses += 1
        return max(pause, asked or 0)

    def _open(self, until: float, why: str) -> None:
        self._until, self._why = until, why
        self._opened += 1
        self._probing = False


class Breakers:
    """The breakers of all models that a swarm asks, each by its provider, server and name.

    Args:
        clock: seconds that never go back; trio's clock by default.
    """

    def __init__(self, clock: Callable[[], float] = trio.current_time) -> None:
        self.clock = clock
        self._breakers: dict[tuple[str, str, str], Breaker] = {}

    def of(self, provider: str, server: str, model: str) -> Breaker:
        """The breaker of a model."""
        key = provider, server, model
        breaker = self._breakers.pop(key, None) or Breaker()
        self._breakers[key] = breaker  # the last is the one heard of last
        while len(self._breakers) > MAX_BREAKERS:
            del self._breakers[next(iter(self._breakers))]
        return breaker
