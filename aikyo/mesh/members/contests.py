"""Who keeps an id that one of ours and another peer both claim, when nobody is known by it. Pure.

Two that took it at the same moment: the lower peer id keeps it. A claim that came through others may be
of one that has just left, and counts once it is made again. One that has had it for longer says
again that it is there, and whoever came later yields to it after a moment. When both have had it for
longer, since they ran apart and have only now met, the one with the higher peer id yields after some
seconds; and one that goes on for longer than that has the id pinned, and is yielded to.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Contests"]

_NEW = 10.0
"""Seconds after taking an id for which one may have taken it at the same moment as another."""

_PATIENCE = 1.5
"""Seconds after which a newcomer takes a peer that goes on claiming its id for one who had it before."""

_RAN_APART = 5.0
"""Seconds after which, of two that have had an id for longer, the one with the higher peer id yields."""

_PINNED = 15.0
"""Seconds after which one that still goes on is yielded to: unless pinned, it would have yielded."""

_INSISTS = 20.0
"""Seconds of a contest in which one says again and again whose the id is; later, as often as ever."""

_OVER = 45.0
_MOST = 256


@dataclass(slots=True)
class _Contest:
    began: float
    latest: float


class Contests:
    """The contests of our own nodes; all times are of one clock, in seconds."""

    def __init__(self) -> None:
        self._contests: dict[tuple[str, str], _Contest] = {}

    def claim(self, own: str, other: str, now: float) -> None:
        """The peer `other` claims the id of our peer `own` once more."""
        contest = self._contests.pop((own, other), None)
        if contest is None or now - contest.latest > _OVER:
            contest = _Contest(now, now)
        contest.latest = now
        self._contests[own, other] = contest
        if len(self._contests) > _MOST:
            del self._contests[next(iter(self._contests))]

    def is_contested(self, own: str, now: float) -> bool:
        """Whether somebody claims the id of our peer `own`."""
        return any(
            peer == own and now - contest.latest <= _OVER
            for (peer, _), contest in self._contests.items()
        )

    def worth_insisting(self, own: str, other: str, now: float) -> bool:
        """Whether `own` should say at once, and not only when it is its time, whose the id is."""
        return now - self._contests[own, other].began <= _INSISTS

    def end(self, own: str) -> None:
        """Our peer `own` has let the id go; what it takes next is nobody's yet."""
        self._contests = {pair: contest for pair, contest in self._contests.items() if pair[0] != own}

    def yields(self, own: str, other: str, *, linked: bool, settled: float, now: float) -> bool:
        """Whether `own`, which took the id at `settled` and by which nobody knows it, gives it up.

        Args:
            own: our peer.
            other: who claims its id.
            linked: whether that is a neighbour, and so surely there.
            settled: since when `own` has the id.
            now: the time.
        """
        lasted = now - self._contests[own, other].began
        if now - settled <= _NEW:
            return (other < own and linked) or lasted > _PATIENCE
        return lasted > (_RAN_APART if other < own else _PINNED)
