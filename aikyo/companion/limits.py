"""How much one companion may say: its turns in a talk and in an hour. Bounded."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass

from ..conversation.openings import Beginnings

__all__ = ["Limits", "TurnsTaken"]

HOUR = 3600.0

_TALKS = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """What a companion is held to; see the settings of the same names.

    Attributes:
        turns_per_talk: turns in one conversation.
        turns_per_hour: turns in an hour.
        beginnings: talks an hour that it begins of its own accord.
        silence: seconds of silence after which it may begin one.
    """

    turns_per_talk: int = 100
    turns_per_hour: int = 240
    beginnings: int = 0
    silence: float = 180.0


class TurnsTaken:
    """Counts the turns of one companion. Lasts longer than the companion: a crash brings it no more.

    Args:
        limits: what it is held to; the defaults if not given.

    Attributes:
        limits: the same.
        begun: the talks it has begun of its own accord.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.begun = Beginnings(self.limits.beginnings)
        self._talks: OrderedDict[str, int] = OrderedDict()
        self._hour: deque[float] = deque()

    def take(self, talk: str, now: float) -> None:
        """A turn was taken in `talk`, at `now` (seconds of one steady clock)."""
        self._talks[talk] = self._talks.get(talk, 0) + 1
        self._talks.move_to_end(talk)
        while len(self._talks) > _TALKS:
            self._talks.popitem(last=False)
        self._hour.append(now)

    def left(self, talk: str, now: float) -> int:
        """How many turns may still be taken in `talk`."""
        while self._hour and now - self._hour[0] >= HOUR:
            self._hour.popleft()
        in_talk = self.limits.turns_per_talk - self._talks.get(talk, 0)
        return max(0, min(in_talk, self.limits.turns_per_hour - len(self._hour)))

    def why_none(self, talk: str, now: float) -> str:
        """Why no further turn may be taken in `talk`, for people; nothing while one may."""
        if self.left(talk, now):
            return ""
        if len(self._hour) >= self.limits.turns_per_hour:
            return f"it has taken {len(self._hour)} turns this hour; turns_per_hour sets how many it may"
        taken = self._talks[talk]
        return f"it has taken {taken} turns in this talk; turns_per_talk sets how many it may"
