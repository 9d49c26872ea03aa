"""A companion: what it hears, whether it wants to speak, and its turns. One task tree of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import trio

from ..brain import Assessment, BrainError, Instruction, Moment
from ..conversation import (
    Over,
    Speaker,
    Talk,
    Talks,
    Turn,
    as_message,
    audience,
    hears,
    speaking_time,
)
from ..mesh import Received
from ..wire import Action, Activity, Context, Event, Message, State
from .hands import Hands, Occasion
from .journal import journal
from .moments import PICTURE, Moments
from .profile import Profile
from .world import World

__all__ = ["Companion"]

ASSESS_DEADLINE = 5.5
"""Seconds a brain has for its State; the others wait a little longer."""

COMPOSE_DEADLINE = 50.0
"""Seconds a brain has for its turn; the others wait a little longer."""

CLAIM_SETTLES = 0.05
"""Seconds between claiming a turn and using it, in which a better claim would be heard."""

MAX_TURNS_AT_ONCE = 32


class Companion:
    """One companion on the mesh.

    Args:
        profile: its character.
        world: all that it is handed.

    Attributes:
        activity: what it is doing.
        reason: why it rests, if it does.
        turns: how many turns it has taken.
        mood: the emotion it last spoke with, or nothing.
        dropped: messages in which it took no part because too much was going on at once.
    """

    def __init__(self, profile: Profile, world: World) -> None:
        self._profile = profile
        self._world = world
        self._moments = Moments(world, replace(profile.persona(), id=world.me), profile.triggers.params)
        self._talks = Talks(world.is_person)
        self._mouth = trio.Lock()
        self._heard = trio.Event()
        self._taking_part = 0
        self._ask_to_begin, self._beginnings = trio.open_memory_channel[tuple[str, tuple[str, ...]]](1)
        self.activity: Activity = "listening"
        self.reason = ""
        self.turns = 0
        self.mood = ""
        self.dropped = 0

    async def run(self) -> None:
        """Live, until cancelled or until the node ends; then whatever ended it is raised.

        Cancelled in the middle of a turn, what was not yet said is dropped and not journaled.
        """
        self._be("listening")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_roster)
            nursery.start_soon(self._begin_talks)
            async for received in self._world.node.received:
                await self._take_in(received, nursery)
            nursery.cancel_scope.cancel()

    def begin(self, topic: str, others: Sequence[str]) -> None:
        """Have it begin a talk with `others` (ids) of its own accord, on `topic` or on anything.

        Returns at once; while an earlier beginning waits for its turn, this one is dropped.
        """
        with contextlib.suppress(trio.WouldBlock):
            self._ask_to_begin.send_nowait((topic, tuple(others)))

    async def _begin_talks(self) -> None:
        async for topic, others in self._beginnings:
            await self._begin_talk(topic, others)

    async def _begin_talk(self, topic: str, others: tuple[str, ...]) -> None:
        moment = await self._moments.beginning(topic, others)
        occasion = Occasion(self._world.new_id(), others)
        async with self._mouth:
            said = await self._compose(moment, occasion)
        await self._sound(said)

    async def _take_in(self, received: Received, nursery: trio.Nursery) -> None:
        match received.payload:
            case State() as state:
                self._talks.hear_state(state, trio.current_time())
                self._wake()
            case Message() as message:
                await self._hear(message, received, nursery)
            case Action() as action if (spoken := as_message(action)) is not None:
                await self._hear(spoken, received, nursery)
            case Context() as context if not context.to or self._world.me in context.to:
                await self._perceive(context, received)

    async def _hear(self, message: Message, received: Received, nursery: trio.Nursery) -> None:
        if not hears(message, self._world.me):
            return
        if not received.own:  # one's own was journaled when it was said
            await self._moments.meet(message.sender)
            await journal(self._world, message, "heard", message.message, peer=received.peer)
        self._talks.meet(self._world.roster, trio.current_time())
        heard = self._talks.hear_message(message, trio.current_time())
        self._wake()
        if received.own or heard is None or heard[1].is_over:
            return
        talk, turn = heard
        if self._taking_part >= MAX_TURNS_AT_ONCE:
            self.dropped += 1
            await self._tell(self._state(turn, state="listen"), turn)  # nobody shall wait for us
            return
        self._taking_part += 1
        nursery.start_soon(self._take_part, talk, turn)

    async def _perceive(self, context: Context, received: Received) -> None:
        text = context.context if context.type == "text" else PICTURE
        await journal(self._world, context, "perceived", text, peer=received.peer)
        self._moments.perceive(context)

    async def _take_part(self, talk: Talk, turn: Turn) -> None:
        try:
            state, assessment = await self._bid(talk, turn)
            await self._tell(state, turn)
            await self._follow(talk, turn, assessment)
        finally:
            self._taking_part -= 1

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
                    await self._wait_until(decision.until)

    async def _bid(self, talk: Talk, turn: Turn) -> tuple[State, Assessment]:
        message = turn.message
        closing = talk.closing
        assessment = Assessment(speak=False)
        if talk.may_speak(self._world.me):
            moment = await self._moments.answering(message, turn=talk.length, closing=closing)
            assessment = await self._assess(moment)
        state = self._state(
            turn,
            state="speak" if assessment.speak else "listen",
            importance=min(10.0, max(0.0, assessment.importance)),
            selected=self._moments.addressed(message),
            closing=closing,
        )
        return state, assessment

    async def _assess(self, moment: Moment) -> Assessment:
        try:
            with trio.fail_after(ASSESS_DEADLINE):
                return await self._world.brain.assess(moment)
        except BrainError as error:
            self._rest(str(error))
        except trio.TooSlowError:
            self._rest("the brain took too long to say whether it wants to speak")
        return Assessment(speak=False)

    async def _keep_turn(self, turn: Turn) -> bool:
        """Leave what was said its time, and the claim its own; whether the turn is still ours then."""
        pause = CLAIM_SETTLES
        if not self._world.is_person(turn.message.sender):
            pause = max(pause, speaking_time(turn.message.message) * self._world.pace)
        until = trio.current_time() + pause
        while self._is_mine(turn):
            if trio.current_time() >= until:
                return True
            await self._wait_until(until)
        return False

    async def _speak(self, talk: Talk, turn: Turn, assessment: Assessment) -> None:
        message = turn.message
        occasion = Occasion(
            conversation=talk.id,
            audience=audience(message, self._world.me),
            reply_to=message.id,
            may_speak=lambda: self._is_mine(turn),
        )
        async with self._mouth:
            if not self._is_mine(turn):
                return
            moment = await self._moments.answering(
                message,
                turn=talk.length,
                closing=talk.closing,
                instructions=self._instructions(message, assessment),
            )
            said = await self._compose(moment, occasion)
        if not said:
            await self._tell(self._state(turn, state="listen"), turn)
        await self._sound(said)

    async def _sound(self, said: str) -> None:
        """Be seen speaking for as long as it takes to be heard; nobody waits for this."""
        turns = self.turns
        if said and self.activity == "speaking":
            await trio.sleep(speaking_time(said) * self._world.pace)
            if self.turns == turns and self.activity == "speaking":
                self._be("listening")

    async def _compose(self, moment: Moment, occasion: Occasion) -> str:
        """Let the brain take the turn; what was said."""
        hands = Hands(self._world, occasion, self._profile.tools)
        self._be("thinking")
        reason = None
        try:
            with trio.fail_after(COMPOSE_DEADLINE):
                await self._world.brain.compose(moment, hands)
        except BrainError as error:
            reason = str(error)
        except trio.TooSlowError:
            reason = "the brain took too long to answer"
        if hands.said:
            self.turns += 1
            self.mood = hands.mood or self.mood
            self._moments.spoke_to(someone.id for someone in moment.present)
        if reason:
            self._rest(reason)
        else:
            self._be("speaking" if hands.said else "listening")
        return hands.said

    def _instructions(self, message: Message, assessment: Assessment) -> tuple[Instruction, ...]:
        facts = self._moments.facts(message)
        found = self._profile.triggers.evaluate(assessment.params, facts)
        return tuple(Instruction(tool, text) for tool, text in found)

    def _busy_elsewhere(self, turn: Turn) -> bool:
        """Whether we are speaking in another talk, and somebody else wants to answer in this one."""
        return self._mouth.locked() and len(turn.ranking) > 1

    def _is_mine(self, turn: Turn) -> bool:
        decision = turn.decide(trio.current_time())
        return isinstance(decision, Speaker) and decision.claimed and decision.who == self._world.me

    def _state(self, turn: Turn, **fields: Any) -> State:
        return State(sender=self._world.me, message_id=turn.message.id, **fields)

    async def _tell(self, state: State, turn: Turn) -> None:
        turn.hear(state, trio.current_time())
        self._wake()
        await self._world.publish(state)

    async def _watch_roster(self) -> None:
        while True:
            self._talks.meet(self._world.roster, trio.current_time())
            self._wake()
            await self._world.roster.changed()

    def _wake(self) -> None:
        self._heard.set()
        self._heard = trio.Event()

    async def _wait_until(self, deadline: float) -> None:
        """Wait for something new to be heard, or for `deadline` (trio's clock)."""
        with trio.move_on_at(deadline):
            await self._heard.wait()

    def _be(self, activity: Activity, reason: str | None = None) -> None:
        self.activity, self.reason = activity, reason or ""
        me = self._world.me
        self._world.emit(Event(type="activity", companion=me, activity=activity, reason=reason))

    def _rest(self, reason: str) -> None:
        self._be("resting", reason)
