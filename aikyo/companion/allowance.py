"""What a companion whose brain costs money spends on peers of other homes. Pure, bounded."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import Literal

from ..wire import bare_name

__all__ = ["Allowance", "Spending"]

HOUR = 3600.0

WEIGHED_PER_TURN = 10
"""How many messages are weighed for each turn that may be taken: to weigh costs less than to answer,
and most of what is heard in a talk of several is not answered."""

TOGETHER = 5
"""How many peers' worth there is for all of them together: peer ids cost nothing to make."""

_TALKS = 4096

Spending = Literal["weigh", "turn"]
"""On what: to weigh whether to answer a message, or to answer it."""


class Allowance:
    """Counts the last hour. A talk is on the account of the peer of another home that last spoke in it,
    until somebody of this home does who is no companion.

    All times are seconds of one steady clock.

    Args:
        turns: how many turns an hour each peer of another home gets.
        owns: tells this home's peer ids from others'.
    """

    def __init__(self, turns: int, owns: Callable[[str], bool]) -> None:
        self._turns = turns
        self._owns = owns
        self._spent: dict[Spending, _LastHour] = {
            "turn": _LastHour(turns),
            "weigh": _LastHour(turns * WEIGHED_PER_TURN),
        }
        self._talks: OrderedDict[str, tuple[str, str]] = OrderedDict()  # talk -> peer, who spoke
        self._told: dict[str, float] = {}  # peer, or nothing for all of them -> when it was told last

    def hear(self, talk: str, peer: str, who: str, *, by_person: bool) -> None:
        """`who` has spoken in the conversation `talk`.

        Args:
            talk: the conversation's id.
            peer: the signed author.
            who: the id that `peer` speaks as.
            by_person: whether that is a person's.
        """
        if not self._owns(peer):
            self._talks[talk] = (peer, who)
        elif by_person:
            self._talks.pop(talk, None)
        if talk in self._talks:  # what goes on is not forgotten for what only begins
            self._talks.move_to_end(talk)
        if len(self._talks) > _TALKS:
            self._talks.popitem(last=False)

    def spend(self, spending: Spending, talk: str, now: float) -> bool:
        """Take what something in `talk` costs from whom it is for; whether there was enough left."""
        if talk not in self._talks:
            return True
        peer, _ = self._talks[talk]
        if not self._spent["turn"].has_room(peer, now):
            return False  # what could not be answered need not be weighed
        return self._spent[spending].take(peer, now)

    def is_used_up(self, talk: str, now: float) -> bool:
        """Whether nothing in `talk` can be answered any more."""
        return talk in self._talks and not self._spent["turn"].has_room(self._talks[talk][0], now)

    def why_not(self, talk: str, now: float) -> str:
        """Why nothing was left for `talk`, for people; nothing when that was told within the hour."""
        if talk not in self._talks:
            return ""
        peer, who = self._talks[talk]
        used_up = [kind for kind, spent in self._spent.items() if not spent.has_room(peer, now)]
        if not used_up:
            return ""
        short = used_up[0]
        everybody = self._spent[short].is_used_up(now)
        key = "" if everybody else peer  # few enough can use up what is theirs: this stays small
        if now - self._told.get(key, -HOUR) < HOUR:
            return ""
        self._told = {known: when for known, when in self._told.items() if now - when < HOUR}
        self._told[key] = now
        whom = "peers of other homes" if everybody else f"{bare_name(who)}, who is of another home"
        if self._turns == 0:
            return f"it takes no turns for {whom}; --foreign-turns allows some"
        each = self._spent[short].total if everybody else self._spent[short].each
        what = ("turn" if each == 1 else "turns") if short == "turn" else "messages weighed"
        return f"{each} {what} this hour for {whom}; --foreign-turns sets how many"


class _LastHour:
    """What was spent on whom within the last hour."""

    def __init__(self, each: int) -> None:
        self.each = each
        self.total = each * TOGETHER
        self._spent: deque[tuple[float, str]] = deque()
        self._by_peer = Counter[str]()

    def take(self, peer: str, now: float) -> bool:
        if not self.has_room(peer, now):
            return False
        self._spent.append((now, peer))
        self._by_peer[peer] += 1
        return True

    def has_room(self, peer: str, now: float) -> bool:
        return not self.is_used_up(now) and self._by_peer[peer] < self.each

    def is_used_up(self, now: float) -> bool:
        """Whether nothing is left for anybody."""
        while self._spent and now - self._spent[0][0] >= HOUR:
            _, peer = self._spent.popleft()
            self._by_peer[peer] -= 1
            if not self._by_peer[peer]:
                del self._by_peer[peer]
        return len(self._spent) >= self.total
