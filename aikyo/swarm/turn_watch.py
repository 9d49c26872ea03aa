"""Watches one turn from outside, for its record."""

from __future__ import annotations

from ..conversation import Outcome, Speaker, Talk, Turn, hears, speaking_time
from ..wire import Claim, Message, Offer, State, TurnRecord, is_companion

__all__ = ["TurnWatch"]

_MOST = 64
"""Of claims and answers; what is more comes from nobody who plays by the rules."""


class TurnWatch:
    """One turn, from its message until nothing more is expected of it.

    Args:
        talk: its conversation.
        turn: the state machine that says how it ends.
        by_person: whether a person's message opened it.
        time: when that was heard, seconds since the epoch.
        now: the same on the clock of all times given here.
        pace: how long the pauses for reading are; 1 is natural.
    """

    def __init__(
        self, talk: Talk, turn: Turn, *, by_person: bool, time: float, now: float, pace: float
    ) -> None:
        self.turn = turn
        self._talk = talk
        self._time = time
        self._begun = now
        self._by_person = by_person
        self._pause = 0.0 if by_person else speaking_time(turn.message.message) * pace
        self._length = talk.length
        self._closing = talk.closing
        self._repeats = talk.repeats
        self._after: dict[str, float] = {}  # seconds to somebody's first State
        self._gave_up: dict[str, str] = {}  # who let the turn pass after all, and why
        self._contested: set[str] = set()  # claimed what somebody else had
        self._answers: dict[str, tuple[str, float]] = {}  # by their ids
        self._left: set[str] = set()
        self._outcome: Outcome | None = None
        self._ended = now

    def hear_state(self, state: State, now: float) -> None:
        """Take in a State for its message; to be called before the turn itself hears it."""
        message = self.turn.message
        who, after = state.sender, now - self._begun
        if who == message.sender or not hears(message, who):
            return
        if who not in self._after and len(self._after) >= _MOST:
            return
        decision = self.turn.decide(now)
        self._after.setdefault(who, after)
        claimed = {claim.sender for claim, _ in self.turn.claims}
        if state.state == "composing":
            held = isinstance(decision, Speaker) and decision.claimed and decision.who != who
            if held and who not in claimed:
                self._contested.add(who)
        elif state.state == "listen" and (who in claimed or who in self.turn.ranking):
            self._gave_up.setdefault(who, state.reason)

    def hear_answer(self, answer: Message, now: float) -> None:
        """Take in what a companion said in answer to the message."""
        if len(self._answers) < _MOST:
            self._answers.setdefault(answer.id, (answer.sender, now))

    def leave(self, who: str) -> None:
        """`who` has left the mesh."""
        if self._outcome is None:
            self._left.add(who)

    def end(self, outcome: Outcome, now: float) -> None:
        """The turn is over."""
        self._outcome, self._ended = outcome, now

    @property
    def is_over(self) -> bool:
        """Whether it has ended; an answer may still come that was on its way."""
        return self._outcome is not None

    def record(self) -> TurnRecord:
        """What was seen so far; `outcome` is empty while the turn goes on."""
        turn, message = self.turn, self.turn.message
        seconds = self._ended - self._begun
        outcome = self._outcome or ""
        if self._answers and outcome != Outcome.SUPERSEDED:
            outcome = Outcome.ANSWERED
            seconds = min(at for _, at in self._answers.values()) - self._begun
        return TurnRecord(
            message_id=message.id,
            conversation=self._talk.id,
            sender=message.sender,
            by_person=self._by_person,
            to=message.to,
            reply_to=message.reply_to,
            time=round(self._time, 3),
            length=self._length,
            closing=self._closing,
            repeats=_rounded(self._repeats),
            invited=tuple(sorted(turn.invited)),
            offers=tuple(self._offers()),
            claims=tuple(self._claims()),
            answers=tuple(self._answers),
            answered_by=tuple(who for who, _ in self._answers.values()),
            outcome=outcome,
            seconds=_rounded(seconds),
            pause=_rounded(self._pause),
            left=tuple(sorted(self._left & turn.invited)),
        )

    def _claims(self) -> list[Claim]:
        return [
            Claim(
                who=claim.sender,
                rank=claim.rank,
                after=_rounded(at - self._begun),
                contested=claim.sender in self._contested,
            )
            for claim, at in self.turn.claims
        ]

    def _offers(self) -> list[Offer]:
        """The best first, as they were ranked; then the others, as they came. People for whom the leader
        of a turn has judged, too, are left out."""
        turn = self.turn
        order = {who: number for number, who in enumerate(turn.ranking)}
        states = [
            state
            for state in turn.offers.values()
            if state.state != "composing"
            and (is_companion(state.sender) or state.sender in turn.invited)
        ]
        return [
            Offer(
                who=state.sender,
                state="speak" if state.state == "speak" else "listen",
                importance=round(state.importance, 2),
                selected=state.selected,
                score=_score(turn.scores.get(state.sender)),
                reason=self._gave_up.get(state.sender, state.reason),
                after=_rounded(self._after.get(state.sender, 0.0)),
                gave_up=state.state == "speak" and state.sender in self._gave_up,
            )
            for state in sorted(states, key=lambda state: order.get(state.sender, len(order)))
        ]


def _rounded(seconds: float) -> float:
    """To milliseconds, and never under zero."""
    return max(0.0, round(float(seconds), 3))


def _score(score: float | None) -> float | None:
    return None if score is None else round(score, 2)
