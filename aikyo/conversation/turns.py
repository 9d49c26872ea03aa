"""Who speaks next: one `Turn` for each message, the same answer at every companion. Pure.

Everybody whom a message reaches publishes a State. When all have, or the deadline is over, they are
ranked: whom the message turns to first, then by importance, less for who has just spoken, ties by
hash. The first in rank claims the turn (`composing`) before it composes; if no claim comes in time,
or the claimant leaves or gives up, the next in rank claims. So a silent one never stalls a talk.

After Sacks, Schegloff and Jefferson (1974), "A simplest systematics for the organization of
turn-taking for conversation": the current speaker selects the next, else self-selection.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from ..wire import Message, State

__all__ = ["Decision", "Leader", "Outcome", "Over", "Speaker", "Turn", "Wait"]

BID_DEADLINE = 6.0
"""Seconds that a State is waited for."""

CLAIM_DEADLINE = 1.5
"""Seconds that a claim is waited for, before the next in rank may claim."""

COMPOSE_DEADLINE = 60.0
"""Seconds that a claimed turn may take."""

SELECTED_BONUS = 4.0
"""What being turned to is worth, in points of importance: strong, not absolute."""


class Outcome(StrEnum):
    """Why a turn is over."""

    ANSWERED = "answered"
    SUPERSEDED = "superseded"
    NOBODY_ADDRESSED = "nobody-addressed"
    NOBODY_WANTED = "nobody-wanted"
    NO_QUORUM = "no-quorum"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until` (same clock as `now`), unless something new is heard."""

    until: float


@dataclass(frozen=True, slots=True)
class Leader:
    """`who` is to judge for all (`LedTurn` alone); until `until`, others wait for it."""

    who: str
    until: float


@dataclass(frozen=True, slots=True)
class Speaker:
    """`who` has the turn, as the `rank`-th choice; it should claim it if it has not.

    `until` is when the turn passes on if nothing is heard.
    """

    who: str
    rank: int
    claimed: bool
    until: float


@dataclass(frozen=True, slots=True)
class Over:
    """The turn is over."""

    outcome: Outcome


Decision = Wait | Leader | Speaker | Over


class Turn:
    """The state machine of one message's turn.

    Args:
        message: what was said.
        bidders: the companions whose State is waited for.
        now: when it was heard, in seconds of any clock.
        recent: the senders of the conversation's latest messages, oldest first, this one's last.
    """

    claim_within = CLAIM_DEADLINE
    """Seconds in which whoever has the turn must be heard of, before it passes on."""

    def __init__(
        self, message: Message, bidders: Iterable[str], now: float, recent: Sequence[str] = ()
    ) -> None:
        self.message = message
        self._bidders = set(bidders)
        self._deadline = now + BID_DEADLINE
        self.recent = tuple(recent)
        self._bids: dict[str, State] = {}
        self._ranking: tuple[str, ...] | None = None
        self._passed: set[str] = set()  # let their turn pass; a late claim of theirs may still count
        self._spent: set[str] = set()  # have claimed once, or gave up
        self._claim: State | None = None
        self._until = 0.0
        self._over: Outcome | None = None if self._bidders else Outcome.NOBODY_ADDRESSED

    @property
    def ranking(self) -> tuple[str, ...]:
        """Those who want to speak, best first; empty until it is decided."""
        return self._ranking or ()

    @property
    def is_over(self) -> bool:
        """Whether it was over already when last looked at."""
        return self._over is not None

    def hear(self, state: State, now: float, by: str | None = None) -> None:
        """Take in a State for this message; what comes twice, late or from outside does no harm.

        Args:
            state: what was published.
            now: when it was heard.
            by: the companion that published it; None means its sender.
        """
        if state.sender not in self._bidders or self._over:
            return
        if state.state == "composing":
            self._hear_claim(state, now)
        elif self._ranking is None:
            self._bids[state.sender] = state
            self._rank_if_complete(now)
        elif state.state == "listen":
            self._give_up(state.sender, now)

    def leave(self, companion: str, now: float) -> None:
        """A bidder has left the mesh: it is not waited for, and a turn of its own passes on."""
        if self._ranking and self._over is None:
            self._give_up(companion, now)
        self._bidders.discard(companion)
        self._bids.pop(companion, None)
        if not self._bidders:
            self._end(Outcome.NO_QUORUM)
        elif self._ranking is None and self._over is None:
            self._rank_if_complete(now)

    def answered(self, by: str) -> None:
        """A Message that replies to this one was heard: the turn was taken."""
        self._end(Outcome.ANSWERED if by in self._bidders else Outcome.SUPERSEDED)

    def supersede(self) -> None:
        """Something newer was said in this conversation: the next turn is about that."""
        self._end(Outcome.SUPERSEDED)

    def decide(self, now: float) -> Decision:
        """Who has the turn now, how long to wait, or why it is over."""
        if self._over is None and self._ranking is None:
            if now < self._deadline:
                return Wait(self._deadline)
            self._rank_bids(self._deadline)
        while self._over is None and now >= self._until:
            self._passed.add(self._holder())
            self._pass_on(self._until)
        if self._over is not None:
            return Over(self._over)
        holder = self._holder()
        return Speaker(holder, self.ranking.index(holder), self._claim is not None, self._until)

    def _hear_claim(self, state: State, now: float) -> None:
        held, bid = self._claim, self._bids.get(state.sender)
        if state.sender in self._spent:  # one claim each, or one could hold the turn for hours
            return
        if bid is not None and bid.state == "listen":
            return
        if held is not None and _claim_order(held, self.message) <= _claim_order(state, self.message):
            return
        if self._ranking is None:  # the claimant has heard more States than we have
            self._ranking = self._ranked()
        if state.sender not in self._ranking:
            self._ranking += (state.sender,)
        if held is None:
            self._until = now + COMPOSE_DEADLINE
        self._claim = state
        self._spent.add(state.sender)

    def _rank_if_complete(self, now: float) -> None:
        if not self._bidders - self._bids.keys():
            self._rank_bids(now)

    def _rank_bids(self, now: float) -> None:
        self._ranking = self._ranked()
        self._until = now + self.claim_within
        if not self._ranking:
            self._end(Outcome.NOBODY_WANTED if self._bids else Outcome.NO_QUORUM)

    def _ranked(self) -> tuple[str, ...]:
        wanting = [bid for bid in self._bids.values() if bid.state == "speak"]
        return tuple(bid.sender for bid in sorted(wanting, key=self._order))

    def _holder(self) -> str:
        if self._claim is not None:
            return self._claim.sender
        return next(who for who in self.ranking if self._may_claim(who))

    def _may_claim(self, who: str) -> bool:
        return who in self._bidders and who not in self._passed | self._spent

    def _give_up(self, who: str, now: float) -> None:
        """`who` will not speak: the turn passes on, if it was theirs."""
        theirs = self._holder() == who
        self._spent.add(who)
        if theirs:
            self._pass_on(now)

    def _order(self, bid: State) -> tuple[float, bytes]:
        score = bid.importance + SELECTED_BONUS * bid.selected - self._cooldown(bid.sender)
        return -score, _tie(self.message, bid.sender)

    def _cooldown(self, who: str) -> float:
        """Points off for having spoken just now, so that no pair goes back and forth for ever."""
        latest = self.recent[:-1][-4:]  # the last one is the message itself
        return sum(1.5 for sender in latest if sender == who)

    def _pass_on(self, now: float) -> None:
        """Whoever had the turn is out of it; the next in rank may claim."""
        self._claim = None
        self._until = now + self.claim_within
        if not any(map(self._may_claim, self.ranking)):
            self._end(Outcome.SILENT)

    def _end(self, outcome: Outcome) -> None:
        self._over = self._over or outcome


def _tie(message: Message, who: str) -> bytes:
    # Of a UUIDv7, the random half alone: with a seed, ties are broken in the same way every time
    return sha256(f"{message.id[-17:]}\0{who}".encode()).digest()


def _claim_order(claim: State, message: Message) -> tuple[int, bytes]:
    """Of two claims the lower rank stands, then the lower hash."""
    return claim.rank, _tie(message, claim.sender)
