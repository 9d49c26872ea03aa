"""Who speaks next in a mesh of the TypeScript aikyo: one recipient judges for all. Pure.

The message elects a leader (`succession`), which publishes an array with a State for every recipient.
The speaker is the one with the highest importance among the selected, whatever else its State says,
else among those who want to speak; of several the first in the array.

There a silent leader or speaker ends the talk. Here the next in succession judges when the leader
leaves or says nothing in time, and the next in the array speaks when the speaker leaves, gives up or
says nothing. TypeScript companions take such an array as well, whoever sends it.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ..wire import Closing, Message, State
from .decisions import Decision, Leader, Outcome, Wait
from .ranking import Spoken
from .turns import COMPOSE_DEADLINE, Turn

__all__ = ["LedTurn"]

LEADER_DEADLINE = 15.0
"""Seconds that the elected leader's array is waited for: there, each State is a call of a model."""

SUCCESSOR_DEADLINE = 8.0
"""Seconds for each that takes over."""

MAX_LEADERS = 8
"""How many are waited for, one after the other."""

SETTLES = 3.0
"""Seconds in which the rest of an array must be heard; longer than an unknown author is held back."""


class LedTurn(Turn):
    """The state machine of one message's turn, in which a leader judges for all.

    Args:
        message: what was said.
        succession: the recipients that are there, the elected leader first; see `succession`.
        now: when it was heard, in seconds of any clock.
        recent: the conversation's latest messages, oldest first, this one last.
    """

    claim_within = COMPOSE_DEADLINE  # nobody claims a turn there: whoever is chosen just speaks
    decided_within = 0.0

    def __init__(
        self, message: Message, succession: Sequence[str], now: float, recent: Sequence[Spoken] = ()
    ) -> None:
        super().__init__(message, succession, now, recent)
        self._waiting = list(succession[:MAX_LEADERS])
        self._leaders = set(self._waiting[:1])
        self._asked = frozenset(message.to)
        self._lead_until = now + LEADER_DEADLINE
        self._settled = 0.0
        self._answered = False

    def leads(self, companion: str, now: float) -> bool | None:
        """Whether `companion` may judge for all: the leader, and those who took over from it. None for
        one whose time may still come."""
        self._succeed(now)
        if companion in self._leaders:
            return True
        return None if companion in self._waiting and self._scores is None else False

    def closing_of(self, companion: str) -> Closing:
        """How far the talk has wound down for `companion`, as the leader sees it."""
        bid = self._bids.get(companion)
        return bid.closing if bid is not None else Closing.NONE

    def expects(self, companion: str, now: float) -> bool:
        """Whether `companion` was given the turn, and its answer may still come, late as it may be."""
        if self._answered or now >= self._until:
            return False
        return self._holder() == companion

    def answered(self, by: str) -> None:
        """A Message that replies to this one was heard: the turn was taken."""
        self._answered = True
        super().answered(by)

    def as_it_stands(self) -> tuple[State, ...]:
        """The array anew, in which those who did not take their turn only listen: for TypeScript
        companions, who know of the next speaker by no other way."""
        out = (self._passed | self._spent) - {self._holder()}
        return tuple(
            replace(bid, state="listen", selected=False)
            if bid.sender in out or not self._is_there(bid.sender)
            else bid
            for bid in self._bids.values()
        )

    def hear(self, state: State, now: float, by: str | None = None) -> None:
        """Take in a State for this message: of the leader for anybody, of others for themselves."""
        by = by or state.sender
        by_leader = self.leads(by, now) is True
        if self._over or not (by_leader or by == state.sender):
            return
        if self._scores is None:
            if by_leader and state.state != "composing" and state.sender in self._asked:
                self._collect(state, now)
        elif self._is_there(state.sender) and state.sender == self._holder():
            if state.state == "composing" and self._claim is None:
                self._claim, self._until = state, now + self.claim_within
                self._spent.add(state.sender)
            elif state.state == "listen":
                self._give_up(state, now)

    def leave(self, companion: str, now: float) -> None:
        """Somebody has left the mesh: it neither judges nor speaks any more."""
        led = self._waiting[:1] == [companion]
        if companion in self._waiting:
            self._waiting.remove(companion)
        if led:
            self._lead_until = now + SUCCESSOR_DEADLINE
            self._leaders.update(self._waiting[:1])
        super().leave(companion, now)

    def decide(self, now: float) -> Decision:
        """Who is to judge, who has the turn, how long to wait, or why it is over."""
        self._succeed(now)
        if self._over is None and self._scores is None:
            if self._bids:
                if now < self._settled:
                    return Wait(self._settled)
                self._rank(self._settled)
            else:
                return Leader(self._waiting[0], self._lead_until)
        return super().decide(now)

    def _succeed(self, now: float) -> None:
        """Let the next judge, once those before it have been silent for too long."""
        if self._over or self._scores is not None or self._bids:
            return
        while self._waiting and now >= self._lead_until:
            self._waiting.pop(0)
            self._leaders.update(self._waiting[:1])
            self._lead_until += SUCCESSOR_DEADLINE
        if not self._waiting:
            self._end(Outcome.NO_QUORUM)

    def _collect(self, state: State, now: float) -> None:
        if not self._bids:
            self._settled = now + SETTLES
        self._bids.setdefault(state.sender, state)
        self._rank_if_due(now)

    def _rank_if_due(self, now: float) -> None:
        if self._scores is None and self._bids and not self._asked - self._bids.keys():
            self._rank(now)

    def _ranked(self) -> dict[str, float]:
        chosen = self._chosen()
        if chosen and chosen[0].closing is Closing.TERMINAL:
            return {}  # all has been said
        return {bid.sender: bid.importance for bid in chosen if bid.closing is not Closing.TERMINAL}

    def _chosen(self) -> list[State]:
        """The States of those who are to speak, best first."""
        there = [bid for bid in self._bids.values() if self._is_there(bid.sender)]
        there.sort(key=lambda bid: -bid.importance)  # stable: of several the first in the array
        chosen = [bid for bid in there if bid.selected]
        return chosen + [bid for bid in there if bid.state == "speak" and not bid.selected]

    def _silence(self) -> Outcome:
        closed = any(bid.closing is Closing.TERMINAL for bid in self._chosen()[:1])
        return Outcome.CLOSED if closed else super()._silence()

    def _is_there(self, who: str) -> bool:
        return who in self.invited and who not in self._gone
