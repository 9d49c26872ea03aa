"""A companion's part in the turns of others' messages: its State, its claim, its answer."""

from __future__ import annotations

from typing import Any

import trio

from ..brain import Assessment, Instruction
from ..conversation import (
    Leader,
    LedTurn,
    Over,
    Speaker,
    Talk,
    Turn,
    audience,
    judge_all,
    speaking_time,
)
from ..wire import Closing, Message, State
from .allowance import Spending
from .hands import Occasion
from .moments import Moments
from .profile import Profile
from .voice import Voice
from .world import World

__all__ = ["Pulse", "TurnTaking"]

CLAIM_SETTLES = 0.05
"""Seconds between claiming a turn and using it, in which a better claim would be heard."""


class Pulse:
    """Tells those who wait that something new was heard."""

    def __init__(self) -> None:
        self._heard = trio.Event()

    def wake(self) -> None:
        """Something new was heard."""
        self._heard.set()
        self._heard = trio.Event()

    async def wait_until(self, deadline: float) -> None:
        """Wait for something new to be heard, or for `deadline` (trio's clock)."""
        with trio.move_on_at(deadline):
            await self._heard.wait()


class TurnTaking:
    """How one companion takes part in turns.

    Args:
        profile: its character.
        world: all that it is handed.
        moments: what its brain is told.
        voice: what it speaks with.
        heard: tells when something new was heard.
    """

    def __init__(
        self, profile: Profile, world: World, moments: Moments, voice: Voice, heard: Pulse
    ) -> None:
        self._profile = profile
        self._world = world
        self._moments = moments
        self._voice = voice
        self._heard = heard

    async def take_part(self, talk: Talk, turn: Turn) -> None:
        """Say what one wants, and follow the turn until it is over or taken."""
        if isinstance(turn, LedTurn):
            await self._follow_led(talk, turn)
        else:
            state, assessment = await self._bid(talk, turn)
            await self._tell(state, turn)
            await self._follow(talk, turn, assessment)

    async def decline(self, turn: Turn) -> None:
        """Have no part in it, so that nobody waits for us; a led turn passes by whoever is silent."""
        if not isinstance(turn, LedTurn):
            await self._tell(self._state(turn, state="listen"), turn)

    async def _follow(self, talk: Talk, turn: Turn, assessment: Assessment) -> None:
        """Follow the turn until it is over, and take it when it is one's own."""
        while True:
            match turn.decide(trio.current_time()):
                case Over():
                    return
                case Speaker(who=self._world.me, claimed=False) if self._busy_elsewhere(turn):
                    await self._tell(self._state(turn, state="listen"), turn)
                case Speaker(who=self._world.me, claimed=False, rank=rank):
                    await self._tell(self._state(turn, state="composing", rank=rank), turn)
                    if await self._keep_turn(turn):
                        await self._speak(talk, turn, assessment)
                        return
                case decision:
                    await self._heard.wait_until(decision.until)

    async def _follow_led(self, talk: Talk, turn: LedTurn) -> None:
        """Follow a led turn until it is over: judge for all when one is to lead, and take the turn when
        one is chosen."""
        assessment: Assessment | None = None
        told: str | None = None  # the speaker, where we told it to all
        while True:
            decision = turn.decide(trio.current_time())
            if isinstance(decision, Speaker) and told not in (None, decision.who):
                await self._world.node.publish_all(turn.as_it_stands())
                told = decision.who
            match decision:
                case Over():
                    return
                case Leader(who=self._world.me) if assessment is None:
                    assessment = await self._lead(talk, turn)
                    told = turn.ranking[0] if turn.ranking else None
                case Speaker(who=self._world.me, claimed=False) if self._busy_elsewhere(turn):
                    await self._tell(self._state(turn, state="listen"), turn)
                case Speaker(who=self._world.me, claimed=False, rank=rank):
                    assessment = assessment or await self._accept(talk, turn)
                    if assessment is None:
                        await self._tell(self._state(turn, state="listen"), turn)
                        continue
                    await self._tell(self._state(turn, state="composing", rank=rank), turn)
                    if await self._keep_turn(turn):
                        await self._speak(talk, turn, assessment)
                case _:
                    await self._heard.wait_until(decision.until)

    async def _lead(self, talk: Talk, turn: LedTurn) -> Assessment | None:
        """Judge for all: for oneself by the brain, for others by rule. None when somebody else has."""
        own, assessment = await self._bid(talk, turn)
        if not isinstance(turn.decide(trio.current_time()), Leader):
            return None
        world = self._world
        states = judge_all(turn, talk, own, name_of=world.name_of, there=frozenset(world.roster))
        for state in states:
            turn.hear(state, trio.current_time(), world.me)
        self._heard.wake()
        await world.node.publish_all(states)
        return assessment

    async def _accept(self, talk: Talk, turn: LedTurn) -> Assessment | None:
        """What the brain makes of a message that another has chosen us to answer; None if we cannot."""
        if not (talk.may_speak(self._world.me, chosen=True) and self._may_spend("weigh", talk)):
            return None
        closing = self._closing(talk, turn)
        moment = await self._moments.answering(turn.message, turn=talk.length, closing=closing)
        return await self._voice.assess(moment)

    def _closing(self, talk: Talk, turn: Turn) -> Closing:
        """How far the talk has wound down, as we count it or as the leader sees it."""
        stages = [talk.closing]
        if isinstance(turn, LedTurn):
            stages.append(turn.closing_of(self._world.me))
        return max(stages, key=list(Closing).index)

    async def _bid(self, talk: Talk, turn: Turn) -> tuple[State, Assessment]:
        message = turn.message
        closing = talk.closing
        assessment = Assessment(speak=False)
        if talk.may_speak(self._world.me) and self._may_spend("weigh", talk):
            moment = await self._moments.answering(message, turn=talk.length, closing=closing)
            assessment = await self._voice.assess(moment) or assessment
        state = self._state(
            turn,
            state="speak" if assessment.speak else "listen",
            importance=min(10.0, max(0.0, assessment.importance)),
            selected=self._moments.addressed(message),
            closing=closing,
        )
        return state, assessment

    async def _keep_turn(self, turn: Turn) -> bool:
        """Leave what was said its time, and the claim its own; whether the turn is still ours then."""
        pause = CLAIM_SETTLES
        if not self._world.is_person(turn.message.sender):
            pause = max(pause, speaking_time(turn.message.message) * self._world.pace)
        until = trio.current_time() + pause
        while self._is_mine(turn):
            if trio.current_time() >= until:
                return True
            await self._heard.wait_until(until)
        return False

    async def _speak(self, talk: Talk, turn: Turn, assessment: Assessment) -> None:
        message = turn.message
        occasion = Occasion(
            conversation=talk.id,
            audience=audience(message, self._world.me),
            reply_to=message.id,
            may_speak=lambda: self._is_mine(turn),
        )
        said = ""
        async with self._voice.mouth:
            if not self._is_mine(turn):
                return
            if self._may_spend("turn", talk):
                moment = await self._moments.answering(
                    message,
                    turn=talk.length,
                    closing=self._closing(talk, turn),
                    instructions=self._instructions(message, assessment),
                )
                said = await self._voice.compose(moment, occasion)
        if not said:
            await self._tell(self._state(turn, state="listen"), turn)
        await self._voice.sound(said)

    def _may_spend(self, spending: Spending, talk: Talk) -> bool:
        """Whether the brain may be asked in `talk`; if not, say why, but not every time."""
        allowance, now = self._world.allowance, trio.current_time()
        if allowance is None or allowance.spend(spending, talk.id, now):
            return True
        if reason := allowance.why_not(talk.id, now):
            self._voice.rest(reason)
        return False

    def _instructions(self, message: Message, assessment: Assessment) -> tuple[Instruction, ...]:
        facts = self._moments.facts(message)
        found = self._profile.triggers.evaluate(assessment.params, facts)
        return tuple(Instruction(tool, text) for tool, text in found)

    def _busy_elsewhere(self, turn: Turn) -> bool:
        """Whether we are speaking in another talk, and somebody else wants to answer in this one."""
        return self._voice.mouth.locked() and len(turn.ranking) > 1

    def _is_mine(self, turn: Turn) -> bool:
        decision = turn.decide(trio.current_time())
        return isinstance(decision, Speaker) and decision.claimed and decision.who == self._world.me

    def _state(self, turn: Turn, **fields: Any) -> State:
        return State(sender=self._world.me, message_id=turn.message.id, **fields)

    async def _tell(self, state: State, turn: Turn) -> None:
        turn.hear(state, trio.current_time())
        self._heard.wake()
        await self._world.publish(state)
