"""Who speaks next: one `Turn` for each message, the same answer at every companion. Pure.

Those who are invited publish a State. When all have, or the deadline is over, they are ranked (see
`ranking`). The first in rank claims the turn (`composing`) before it composes, and says so again while
it does; if no claim comes in time, or the claimant leaves, gives up or is heard of no more, the next in
rank claims. So a silent one never stalls a talk.

After Sacks, Schegloff and Jefferson (1974), "A simplest systematics for the organization of
turn-taking for conversation": the current speaker selects the next, else self-selection.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from types import MappingProxyType

from ..wire import Message, State
from .decisions import Decision, Outcome, Over, Speaker, Wait, why_silent
from .latency import BID_DEADLINE, Patience
from .ranking import Spoken, claim_order, score_all

__all__ = ["Turn"]

CLAIM_DEADLINE = 1.5
"""Seconds that a claim is waited for, before the next in rank may claim."""

HEARTBEAT_DEADLINE = 8.0
"""Seconds after which a claim that was not said again is void: whoever made it is gone."""

COMPOSE_DEADLINE = 60.0
"""Seconds that a claimed turn may take in all."""

HEARSAY_SETTLES = 1.0
"""Seconds in which an answer should itself be heard, once others speak of it."""

MAX_RANK = 255
"""The last rank that there is."""


class Turn:
    """The state machine of one message's turn.

    Args:
        message: what was said.
        invited: the companions whose State is waited for.
        now: when it was heard, in seconds of any clock.
        recent: the conversation's latest messages, oldest first, this one last.
        hearers: all companions that hear it, whose States and claims count; None: those invited.
        patience: how long to wait for each State, and what learns it; None: `BID_DEADLINE`.
        settled_pair: the message is the answer to what a person asked its sender in particular.

    Attributes:
        heard_at: the same as `now`.
        after: id of what the message answers, or else broke into.
    """

    claim_within = CLAIM_DEADLINE
    """Seconds in which whoever has the turn must be heard of, before it passes on."""

    decided_within = BID_DEADLINE
    """Seconds after which even those have decided who missed States."""

    def __init__(
        self,
        message: Message,
        invited: Iterable[str],
        now: float,
        recent: Sequence[Spoken] = (),
        *,
        hearers: Container[str] | None = None,
        patience: Patience | None = None,
        settled_pair: bool = False,
    ) -> None:
        self.message = message
        self.invited = frozenset(invited)
        self.heard_at = now
        self.after = message.reply_to
        self.recent = tuple(recent)
        self._hearers: Container[str] = self.invited if hearers is None else hearers
        self._patience = patience
        self._settled_pair = settled_pair
        self._timed: set[str] = set()
        self._gone: set[str] = set()
        self._bids: dict[str, State] = {}
        self._scores: dict[str, float] | None = None  # best first; None until it is decided
        self._passed: set[str] = set()  # let their turn pass; a late claim of theirs may still count
        self._spent: set[str] = set()  # have claimed once, or gave up
        self._gave_up: dict[str, State] = {}
        self._claims: dict[str, tuple[State, float]] = {}
        self._claim: State | None = None
        self._held_since = 0.0
        self._undecided_at = now
        self._until = now  # when the turn of whoever has it passes on
        self._witnesses: set[str] = set()
        self._heard_of_answer = now  # when its last witness was heard
        self._over: Outcome | None = None if self.invited else Outcome.NOBODY_WANTED

    @property
    def ranking(self) -> tuple[str, ...]:
        """Those who want to speak, best first; empty until it is decided."""
        return tuple(self._scores or ())

    @property
    def standing_by(self) -> tuple[str, ...]:
        """Those in the ranking who have not let the turn pass and may still claim it, best first."""
        return tuple(filter(self._may_claim, self.ranking))

    @property
    def scores(self) -> Mapping[str, float]:
        """By which they were ranked."""
        return MappingProxyType(self._scores or {})

    @property
    def offers(self) -> Mapping[str, State]:
        """What everybody wanted, whether invited or not."""
        return MappingProxyType(self._bids)

    @property
    def claims(self) -> tuple[tuple[State, float], ...]:
        """The first claim of each, and when it was heard, in that order; those turned down too."""
        return tuple(self._claims.values())

    @property
    def is_decided(self) -> bool:
        """Whether the States are in, or were waited for long enough."""
        return self._scores is not None

    @property
    def is_over(self) -> bool:
        """Whether it was over already when last looked at."""
        return self._over is not None

    def hear(self, state: State, now: float, by: str | None = None) -> None:
        """Take in a State for this message; what comes twice, late or from outside does no harm.

        Args:
            state: what was published.
            now: when it was heard.
            by: the companion that published it, which speaks for itself alone; None means its sender.
        """
        who = state.sender
        if by not in (None, who) or who == self.message.sender or who not in self._hearers:
            return
        if state.state != "composing":
            self._learn(state, now)
        if self._over:
            return
        self._gone.discard(who)
        if state.state == "composing":
            self._hear_claim(state, now)
        elif self._scores is None:
            self._collect(state, now)
        else:
            self._hear_late(state, now)

    def hear_of_answer(self, by: str, now: float) -> None:
        """`by` speaks of something that was said after this message and was not heard here.

        Whoever asked is believed. Of others, two, as long as nobody has the turn; then more than half of
        those invited. A single one only keeps the turn from passing on when another who has it falls
        silent; so nobody can talk a speaker down, nor take the turn and then have it ended.
        """
        if self._over or not (by == self.message.sender or by in self._hearers):
            return
        if by not in self._witnesses:
            self._witnesses.add(by)
            self._heard_of_answer = now

    def leave(self, companion: str, now: float) -> None:
        """A companion has left the mesh: it is not waited for, and a turn of its own passes on."""
        had_it = not self._over and self._holder() == companion
        self._gone.add(companion)
        if had_it:
            self._release(now)
        elif not self._over:
            self._rank_if_due(now)

    def answered(self, by: str) -> None:
        """A Message that replies to this one was heard: the turn was taken."""
        self._end(Outcome.ANSWERED if by in self._hearers else Outcome.SUPERSEDED)

    def supersede(self) -> None:
        """Something newer was said in this conversation: the next turn is about that."""
        self._end(Outcome.SUPERSEDED)

    def decide(self, now: float) -> Decision:
        """Who has the turn now, how long to wait, or why it is over."""
        while self._over is None:
            if self._believes_in_answer():
                until = self._heard_of_answer + HEARSAY_SETTLES
                if now < until:
                    return Wait(until)
                self._end(Outcome.SUPERSEDED)
            elif self._claim is None and self._scores is None:
                deadline = self._deadline()
                if now < deadline:
                    self._undecided_at = now
                    return Wait(deadline)
                self._rank(deadline)
            elif now < self._until:
                return self._speaker()
            else:
                self._fall_silent(self._until)
        return Over(self._over)

    def _believes_in_answer(self) -> bool:
        if self.message.sender in self._witnesses:
            return True
        if self._claim is None:
            return len(self._witnesses) > 1
        return 2 * len(self._witnesses - {self._claim.sender}) > len(self.invited)

    def _learn(self, state: State, now: float) -> None:
        """Note how long it took, if a brain was asked; whoever has a reason not to did not ask it."""
        if self._patience is not None and state.sender not in self._timed and not state.reason:
            self._patience.took(state.sender, now - self.heard_at)
        self._timed.add(state.sender)

    def _collect(self, state: State, now: float) -> None:
        known = self._bids.get(state.sender)
        if known is None or _modesty(state) < _modesty(known):
            self._bids[state.sender] = state
        if self._claim is not None and self._claim.sender == state.sender and state.state == "listen":
            self._gave_up[state.sender] = state
            self._release(now)
        else:
            self._rank_if_due(now)

    def _hear_late(self, state: State, now: float) -> None:
        """Whoever wants to speak after all comes last; whoever does not lets the turn pass on."""
        who = state.sender
        if state.state == "listen":
            self._bids.setdefault(who, state)
            self._give_up(state, now)
        elif who not in self._bids:
            self._bids[who] = state
            known = self._scores or {}
            self._scores = known | {
                one: score for one, score in self._ranked().items() if one not in known
            }

    def _hear_claim(self, state: State, now: float) -> None:
        who, held, bid = state.sender, self._claim, self._bids.get(state.sender)
        if held is not None and held.sender == who:
            self._until = min(now + HEARTBEAT_DEADLINE, self._held_since + COMPOSE_DEADLINE)
            return
        if who in self._spent:  # one claim each, or one could hold the turn for hours
            return
        if bid is not None and bid.state == "listen":
            return
        self._claims.setdefault(who, (state, now))
        if held is not None and claim_order(held, self.message) < claim_order(state, self.message):
            return
        if held is None:
            self._held_since = now
        else:
            self._spent.discard(held.sender)  # who yields may claim again, if the other falls silent
        self._claim = state
        self._spent.add(who)
        self._until = min(now + HEARTBEAT_DEADLINE, self._held_since + COMPOSE_DEADLINE)

    def _missing(self) -> frozenset[str]:
        return self.invited - self._bids.keys() - self._gone

    def _deadline(self) -> float:
        """When it is decided without those who are missing. As long as nobody wants to speak, nobody
        loses by waiting for them."""
        missing = self._missing()
        longest = BID_DEADLINE if missing else 0.0
        if self._patience is not None and any(bid.state == "speak" for bid in self._bids.values()):
            longest = max(map(self._patience.seconds, missing), default=0.0)
        return max(self._undecided_at, self.heard_at + longest)  # patience may have shortened meanwhile

    def _rank_if_due(self, now: float) -> None:
        if self._scores is None and now >= self._deadline():
            self._rank(now)

    def _rank(self, now: float) -> None:
        if self._patience is not None:
            for who in self._missing():
                self._patience.missed(who)
        self._scores = self._ranked()
        if self._claim is None:
            self._pass_on(now)

    def _ranked(self) -> dict[str, float]:
        bids = self._bids.values()
        return score_all(self.message, bids, self.recent, settled_pair=self._settled_pair)

    def _speaker(self) -> Speaker:
        who, ranking = self._holder() or "", self.ranking
        rank = self._claim.rank if self._claim is not None else 0
        rank = ranking.index(who) if who in ranking else rank
        return Speaker(who, min(rank, MAX_RANK), self._claim is not None, self._until)

    def _holder(self) -> str | None:
        """Who has the turn; nobody before it is decided, unless somebody has claimed it."""
        if self._claim is not None:
            return self._claim.sender
        return next(filter(self._may_claim, self.ranking), None)

    def _may_claim(self, who: str) -> bool:
        return who not in self._passed | self._spent | self._gone

    def _give_up(self, state: State, now: float) -> None:
        """The sender will not speak: the turn passes on, if it was theirs."""
        theirs = self._holder() == state.sender
        self._gave_up.setdefault(state.sender, state)
        self._spent.add(state.sender)
        if theirs:
            self._release(now)

    def _release(self, now: float) -> None:
        """Whoever had the turn is out of it; before it is decided, it is free for everybody."""
        self._claim, self._undecided_at = None, now
        if self._scores is None:
            self._rank_if_due(now)
        else:
            self._pass_on(now)

    def _fall_silent(self, now: float) -> None:
        """Whoever had the turn has not been heard of in time."""
        if self._witnesses - {self._holder()}:
            self._end(Outcome.SUPERSEDED)
        elif self._claim is None and (holder := self._holder()):
            self._passed.add(holder)
        self._release(now)

    def _pass_on(self, now: float) -> None:
        """The next in rank may claim."""
        self._until = now + self.claim_within
        left = sum(map(self._may_claim, self.ranking))
        if left == 1:  # nobody loses by waiting, and it may itself be waiting for States that it missed
            self._until = max(self._until, self.heard_at + self.decided_within + self.claim_within)
        elif not left:
            self._end(self._silence())

    def _silence(self) -> Outcome:
        """Why nobody speaks."""
        wanted = self._scores or self._spent  # whoever has claimed wanted to, too
        said = [self._gave_up.get(who, bid) for who, bid in self._bids.items() if who not in self._gone]
        if not said or (wanted and not any(who in self._gave_up for who in wanted)):
            return Outcome.NO_QUORUM
        return why_silent(state.reason for state in said)

    def _end(self, outcome: Outcome) -> None:
        self._over = self._over or outcome


def _modesty(state: State) -> tuple[bool, float, bool, str]:
    """Of several States of one companion the most modest counts, in whatever order they are heard."""
    return state.state == "speak", state.importance, state.selected, state.reason
