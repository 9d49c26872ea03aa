"""What was spent within the last hour and day, and the caps on it. Pure: it is told the time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from ...amounts import money
from ...config import Settings

__all__ = ["DAY", "HOUR", "Cap", "Reached", "Spending", "Spent", "caps_of"]

HOUR = 3600.0
DAY = 86_400.0

NEAR = 0.8
"""Of a cap; from there on small decisions should cost nothing."""

FAR = 0.6
"""Of a cap; below it, coming near is worth a word again."""

RESUMED = 0.9
"""Of a cap that was reached; below it one may spend again. Nobody is to rest and wake by the minute."""

_MINUTE = 60
_NANO = 10**9  # money is added up in whole billionths of a dollar, so that a sum is what it should be


@dataclass(frozen=True, slots=True)
class Cap:
    """How much may be spent.

    Attributes:
        setting: what sets it.
        limit: in `unit`.
        unit: ``tokens`` or ``money`` (US dollars).
        seconds: within which that may be spent, whenever they begin.
    """

    setting: str
    limit: float
    unit: Literal["tokens", "money"]
    seconds: float

    @property
    def told(self) -> str:
        """The limit for people: ``$1.00``, ``5,000 tokens``."""
        return money(self.limit) if self.unit == "money" else f"{self.limit:,.0f} tokens"


def caps_of(settings: Settings, *, companion: bool = False) -> tuple[Cap, ...]:
    """The caps of the whole swarm; or those of each companion by itself."""
    prefix = "companion_" if companion else ""
    found = []
    for unit in ("tokens", "money"):
        for per, seconds in (("hour", HOUR), ("day", DAY)):
            setting = f"{prefix}{unit}_per_{per}"
            limit = getattr(settings, setting)
            if limit != "none":
                found.append(Cap(setting, limit, unit, seconds))
    return tuple(found)


class Reached(NamedTuple):
    """A cap that is reached, since when, and until when (both in seconds since the epoch)."""

    cap: Cap
    since: float
    until: float


class Spent(NamedTuple):
    """What was spent.

    Attributes:
        tokens: all of them, also those that cost nothing.
        money: US dollars; None where a price is unknown.
    """

    tokens: int
    money: float | None


@dataclass(slots=True)
class _Minute:
    number: int  # since the epoch
    tokens: int = 0  # that cost money
    nanos: int = 0  # of a dollar
    free: int = 0
    unpriced: int = 0  # of `tokens`

    @property
    def end(self) -> float:
        return (self.number + 1) * _MINUTE

    def take(self, other: _Minute) -> None:
        self.tokens += other.tokens
        self.nanos += other.nanos
        self.free += other.free
        self.unpriced += other.unpriced


class Spending:
    """What a companion, or all together, spent within a day; told by the minute.

    Args:
        caps: what it is held to.
    """

    def __init__(self, caps: Sequence[Cap] = ()) -> None:
        self.caps = tuple(caps)
        self._minutes: deque[_Minute] = deque()
        self._resting: dict[Cap, float] = {}  # since when
        self._near: set[Cap] = set()  # and told

    def add(self, time: float, tokens: int, money: float | None, *, paid: bool) -> None:
        """Take in what was spent at `time`; `money` None: its price is unknown."""
        number = int(time // _MINUTE)
        self._put_back(number)
        if not self._minutes or self._minutes[-1].number < number:
            self._minutes.append(_Minute(number))
        minute = self._minutes[-1]
        if paid:
            minute.tokens += tokens
            minute.nanos += round((money or 0.0) * _NANO)
            minute.unpriced += tokens if money is None else 0
        else:
            minute.free += tokens
        while self._minutes[0].end <= time - DAY:
            self._minutes.popleft()

    def spent(self, seconds: float, now: float) -> Spent:
        """What was spent within the last `seconds`, at most a day."""
        minutes = list(self._within(seconds, now))
        money = (
            None if any(one.unpriced for one in minutes) else sum(one.nanos for one in minutes) / _NANO
        )
        return Spent(sum(one.tokens + one.free for one in minutes), money)

    def used(self, cap: Cap, now: float) -> float:
        """How much of `cap` is used."""
        return self._units(cap, now) / _unit(cap)

    def unpriced(self, cap: Cap, now: float) -> int:
        """Tokens within the time of a cap in money that have cost nobody knows how much."""
        if cap.unit != "money":
            return 0
        return sum(minute.unpriced for minute in self._within(cap.seconds, now))

    def is_near(self, now: float) -> bool:
        """Whether a cap is nearly reached."""
        return any(self.used(cap, now) >= NEAR * cap.limit for cap in self.caps)

    def nearing(self, now: float) -> list[Cap]:
        """The caps that have come near since this was asked before; not those that are reached and
        last, which is told otherwise."""
        found = []
        for cap in self.caps:
            share = self.used(cap, now) / cap.limit
            if share < FAR:
                self._near.discard(cap)
            elif share >= NEAR and cap not in self._near:
                self._near.add(cap)
                found += [cap] if share < 1 and cap not in self._resting else []
        return found

    def reached(self, now: float) -> Reached | None:
        """The cap that is reached, of several the one that lasts longest."""
        return max(self.all_reached(now), key=lambda one: one.until, default=None)

    def all_reached(self, now: float) -> list[Reached]:
        """The caps that are reached. Once one is, it lasts until clearly less than it was spent within
        its time."""
        found = []
        for cap in self.caps:
            used = self._units(cap, now)
            if used >= _unit(cap) * cap.limit * (RESUMED if cap in self._resting else 1):
                since = self._resting.get(cap, self._last(cap, now))
                since = self._resting[cap] = min(since, now)
                found.append(Reached(cap, since, self._until(cap, used, now)))
            else:
                self._resting.pop(cap, None)
        return found

    def remember(self, now: float) -> None:
        """Find out from what was spent which caps were reached and still last; after a start."""
        for cap in self.caps:
            limit, used, since = _unit(cap) * cap.limit, 0, None
            within = deque[_Minute]()
            for minute in (*self._minutes, _Minute(int(now // _MINUTE))):
                start = minute.end - _MINUTE
                while within and within[0].end <= start - cap.seconds:
                    used -= _amount(within.popleft(), cap)
                    since = since if used >= limit * RESUMED else None
                within.append(minute)
                used += _amount(minute, cap)
                since = min(minute.end, now) if since is None and used >= limit else since
            if since is not None:
                self._resting[cap] = since

    def _units(self, cap: Cap, now: float) -> int:
        return sum(_amount(one, cap) for one in self._within(cap.seconds, now))

    def _until(self, cap: Cap, used: int, now: float) -> float:
        for minute in sorted(self._within(cap.seconds, now), key=lambda one: one.number):
            used -= _amount(minute, cap)
            if used < _unit(cap) * cap.limit * RESUMED:
                return minute.end + cap.seconds
        return now + cap.seconds

    def _last(self, cap: Cap, now: float) -> float:
        """When something was last spent of a cap: nothing is, once it is reached."""
        return next((minute.end for minute in reversed(self._minutes) if _amount(minute, cap)), now)

    def _put_back(self, number: int) -> None:
        """Have what was spent in later minutes than this one, as by a clock that was put back since,
        count as spent in this one. Else it would count until that time comes again."""
        if not self._minutes or self._minutes[-1].number <= number:
            return
        this = _Minute(number)
        while self._minutes and self._minutes[-1].number >= number:
            this.take(self._minutes.pop())
        self._minutes.append(this)

    def _within(self, seconds: float, now: float) -> Iterator[_Minute]:
        """The minutes within the last `seconds`, the newest first; one that has begun before them counts
        as a whole."""
        self._put_back(int(now // _MINUTE))
        for minute in reversed(self._minutes):
            if minute.end <= now - seconds:
                return
            yield minute


def _amount(minute: _Minute, cap: Cap) -> int:
    return minute.nanos if cap.unit == "money" else minute.tokens


def _unit(cap: Cap) -> int:
    return _NANO if cap.unit == "money" else 1
