"""A companion's part in the turns of others' messages: its State, its claim, its answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from ..brain import Assessment
from ..conversation import (
    Leader,
    LedTurn,
    Over,
    Speaker,
    Talk,
    Turn,
    asks,
    judge_all,
    speaking_time,
)
from ..wire import Closing, State
from .answers import Answers, is_held_by, stage_for
from .moments import Moments
from .pulse import Pulse
from .restraint import Restraint
from .session import Session, Sessions
from .voice import Voice
from .world import World

__all__ = ["TurnTaking"]

CLAIM_SETTLES = 0.05
"""Seconds between claiming a turn and using it, in which a better claim would be heard."""

UNSURE_SETTLES = 0.5
"""The same where not all States were heard: then others may well have come to another speaker."""

FIRST_REPEAT, LAST_REPEAT = 0.1, 2.0
"""Seconds after which a claim is said again, the first time and from the sixth time on: who missed it
must not take the turn too, and who hears it no more knows that the speaker is gone."""

MAX_INTERRUPTIONS = 3
"""How often the answer to one person is dropped for others, before it is said after all."""


class TurnTaking:
    """How one companion takes part in turns.

    Args:
        world: all that it is handed.
        moments: what its brain is told.
        voice: what it speaks with.
        answers: what it says in a turn of its own.
        restraint: what holds it back.
        sessions: what turns are taken with; each from its beginning to its end with one.
        heard: tells when something new was heard.
    """

    def __init__(
        self,
        world: World,
        moments: Moments,
        voice: Voice,
        answers: Answers,
        restraint: Restraint,
        *,
        sessions: Sessions,
        heard: Pulse,
    ) -> None:
        self._world = world
        self._moments = moments
        self._voice = voice
        self._answers = answers
        self._restraint = restraint
        self._sessions = sessions
        self._heard = heard

    async def take_part(self, talk: Talk, turn: Turn) -> str:
        """Say what one wants, and follow the turn until it is over or taken; what was said in it."""
        try:
            with self._sessions.use() as session:
                if isinstance(turn, LedTurn):
                    return await self._follow_led(session, talk, turn)
                state, assessment = await self._bid(session, talk, turn)
                await self._tell(state, turn)
                return await self._follow(session, talk, turn, assessment)
        finally:
            self._restraint.settle(turn)
            self._heard.wake()

    async def decline(self, turn: Turn, reason: str = "busy") -> None:
        """Have no part in it, so that nobody waits for us; a led turn passes by whoever is silent."""
        if not isinstance(turn, LedTurn):
            await self._tell(self._state(turn, state="listen", reason=reason), turn)

    # A turn in which everybody bids ---------------------------------------------------------------

    async def _bid(self, session: Session, talk: Talk, turn: Turn) -> tuple[State, Assessment]:
        message = turn.message
        assessment = Assessment(speak=False)
        reason = self._refusal(talk, turn)
        if not reason:
            moment = await self._moments.answering(session, message, talk)
            found = await self._voice.assess(session, moment)
            reason = "" if found else self._voice.failing
            assessment = found or assessment
        state = self._state(
            turn,
            state="speak" if assessment.speak else "listen",
            importance=min(10.0, max(0.0, assessment.importance)),
            selected=self._moments.addressed(message, talk),
            closing=_next(talk.closing) if assessment.circles else talk.closing,
            reason=reason,
        )
        return state, assessment

    def _refusal(self, talk: Talk, turn: Turn) -> str:
        """Why we may not speak, as a State says it; nothing if we may."""
        message = turn.message
        asked = asks(message.message) and self._moments.addressed(message, talk)
        refusal = talk.refusal(self._world.me, asked=asked)
        if reason := refusal or self._restraint.hindrance(talk, turn):
            return reason
        return "" if self._restraint.may_spend("weigh", talk) else "limit"

    async def _follow(self, session: Session, talk: Talk, turn: Turn, assessment: Assessment) -> str:
        """Follow the turn until it is over, and take it when it is one's own; what was said."""
        said = ""
        while not isinstance(decision := turn.decide(trio.current_time()), Over):
            if self._restraint.stands_back(turn):
                is_awaited = not turn.is_decided or self._world.me in turn.standing_by
                if assessment.speak and is_awaited:
                    await self.decline(turn, "interrupted")
                break
            match decision:
                case Speaker(who=self._world.me, claimed=False) if self._busy_elsewhere(turn):
                    await self.decline(turn)
                case Speaker(who=self._world.me, claimed=False, rank=rank):
                    claim = self._state(turn, state="composing", rank=rank)
                    await self._tell(claim, turn)
                    async with self._holding(turn, claim):
                        said = await self._use_turn(session, talk, turn, assessment)
                case _:
                    await self._heard.wait_until(decision.until)
        return said

    @asynccontextmanager
    async def _holding(self, turn: Turn, claim: State) -> AsyncIterator[None]:
        """Meanwhile say again and again that we have the turn."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._repeat, turn, claim)
            yield
            nursery.cancel_scope.cancel()

    async def _repeat(self, turn: Turn, claim: State) -> None:
        pause = FIRST_REPEAT
        await trio.sleep(pause)
        while self._is_mine(turn):
            await self._tell(claim, turn)
            pause = min(2 * pause, LAST_REPEAT)
            await trio.sleep(pause)

    # A turn that one leads for all ----------------------------------------------------------------

    async def _follow_led(self, session: Session, talk: Talk, turn: LedTurn) -> str:
        """Follow a led turn until it is over: judge for all when one is to lead, and take the turn when
        one is chosen; what was said."""
        said = ""
        assessment: Assessment | None = None
        told: str | None = None  # the speaker, where we told it to all
        while True:
            decision = turn.decide(trio.current_time())
            if isinstance(decision, Speaker) and told not in (None, decision.who):
                await self._world.node.publish_all(turn.as_it_stands())
                told = decision.who
            match decision:
                case Over():
                    return said
                case Leader(who=self._world.me) if assessment is None:
                    assessment = await self._lead(session, talk, turn)
                    told = turn.ranking[0] if turn.ranking else None
                case Speaker(who=self._world.me, claimed=False) if self._busy_elsewhere(
                    turn
                ) or self._restraint.stands_back(turn):
                    await self._tell(self._state(turn, state="listen"), turn)
                case Speaker(who=self._world.me, claimed=False, rank=rank):
                    assessment = assessment or await self._accept(session, talk, turn)
                    if assessment is None:
                        await self._tell(self._state(turn, state="listen"), turn)
                        continue
                    await self._tell(self._state(turn, state="composing", rank=rank), turn)
                    said = await self._use_turn(session, talk, turn, assessment)
                case _:
                    await self._heard.wait_until(decision.until)

    async def _lead(self, session: Session, talk: Talk, turn: LedTurn) -> Assessment | None:
        """Judge for all: for oneself by the brain, for others by rule. None when somebody else has."""
        own, assessment = await self._bid(session, talk, turn)
        if not isinstance(turn.decide(trio.current_time()), Leader):
            return None
        world = self._world
        states = judge_all(turn, talk, own, name_of=world.name_of, there=frozenset(world.roster))
        for state in states:
            turn.hear(state, trio.current_time(), world.me)
        self._heard.wake()
        await world.node.publish_all(states)
        return assessment

    async def _accept(self, session: Session, talk: Talk, turn: LedTurn) -> Assessment | None:
        """What the brain makes of a message that another has chosen us to answer; None if we cannot."""
        now = trio.current_time()
        if (
            talk.refusal(self._world.me, chosen=True)
            or self._restraint.is_quiet(talk, turn)
            or not self._world.taken.left(talk.id, now)
            or self._voice.is_speechless
            or not self._restraint.may_spend("weigh", talk)
        ):
            return None
        moment = await self._moments.answering(
            session, turn.message, talk, closing=stage_for(self._world, talk, turn)
        )
        return await self._voice.assess(session, moment)

    # Taking the turn ------------------------------------------------------------------------------

    async def _use_turn(self, session: Session, talk: Talk, turn: Turn, assessment: Assessment) -> str:
        """Say what we have to say, unless the turn is lost meanwhile; what was said. What a person
        interrupts is taken up again after the turns of those who wait then, where nobody else can
        answer."""
        interruptions = 0
        while await self._keep_turn(turn):
            may_interrupt = interruptions < MAX_INTERRUPTIONS
            hands, reason = await self._answers.answer(
                session, talk, turn, assessment, may_interrupt=may_interrupt
            )
            if hands.message is not None:
                return hands.message.message
            if reason != "interrupted" or not self._is_asked_by_person_alone(turn):
                await self._give_up(turn, reason)
                break
            interruptions += 1
            waiting = self._restraint.waiting_since(turn)
            while self._is_mine(turn) and any(map(self._may_be_ours, waiting)):
                await self._heard.wait_until(trio.current_time() + LAST_REPEAT)
        return ""

    def _may_be_ours(self, turn: Turn) -> bool:
        """Whether the turn goes on, and nobody else has it."""
        match turn.decide(trio.current_time()):
            case Over():
                return False
            case Speaker(claimed=True, who=who):
                return who == self._world.me
            case _:
                return True

    async def _give_up(self, turn: Turn, reason: str) -> None:
        """Let the next have a turn that is ours."""
        if self._is_mine(turn):
            await self._tell(self._state(turn, state="listen", reason=reason), turn)

    async def _keep_turn(self, turn: Turn) -> bool:
        """Leave what was said its time, and the claim its own; whether the turn is still ours then."""
        pause = CLAIM_SETTLES if turn.invited <= turn.offers.keys() else UNSURE_SETTLES
        if not self._world.is_person(turn.message.sender):
            pause = max(pause, speaking_time(turn.message.message) * self._world.pace)
        until = trio.current_time() + pause
        while self._is_mine(turn) and not self._restraint.stands_back(turn):
            if trio.current_time() >= until:
                return True
            await self._heard.wait_until(until)
        if self._restraint.stands_back(turn):
            await self._give_up(turn, "interrupted")
        return False

    # The state of a turn --------------------------------------------------------------------------

    def _is_asked_by_person_alone(self, turn: Turn) -> bool:
        """Whether a person asked, and nobody else is left who wants to answer."""
        return self._world.is_person(turn.message.sender) and not self._others_want(turn)

    def _busy_elsewhere(self, turn: Turn) -> bool:
        """Whether we are speaking in another talk, and somebody else is left who wants to answer in this
        one."""
        return self._voice.mouth.locked() and self._others_want(turn)

    def _others_want(self, turn: Turn) -> bool:
        return any(who != self._world.me for who in turn.standing_by)

    def _is_mine(self, turn: Turn) -> bool:
        return is_held_by(turn, self._world.me)

    def _state(self, turn: Turn, **fields: Any) -> State:
        if not isinstance(turn, LedTurn):  # TypeScript companions know of neither
            fields["reply_to"] = turn.after
        else:
            fields.pop("reason", None)
        return State(sender=self._world.me, message_id=turn.message.id, **fields)

    async def _tell(self, state: State, turn: Turn) -> None:
        turn.hear(state, trio.current_time())
        self._heard.wake()
        await self._world.publish(state)


def _next(stage: Closing) -> Closing:
    """The stage after this one: what a brain votes for that finds the talk repeating itself."""
    stages = tuple(Closing)
    return stages[min(stages.index(stage) + 1, len(stages) - 1)]
