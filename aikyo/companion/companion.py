"""A companion: what it hears, and what comes of it. One task tree of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import trio

from ..brain import Moment
from ..conversation import (
    Talk,
    Talks,
    Turn,
    as_message,
    audience,
    hears,
    quiet_request,
    turns_to,
)
from ..mesh import Received
from ..wire import (
    Action,
    Activity,
    Context,
    Dialect,
    Event,
    Fired,
    Message,
    Query,
    QueryResult,
    State,
    TurnNote,
)
from .hands import Occasion
from .initiative import Initiative, Opening
from .journal import journal
from .moments import Moments
from .perception import PICTURE
from .profile import Profile
from .pulse import Pulse
from .surroundings import Surroundings
from .turn_taking import TurnTaking
from .voice import Voice
from .world import World

__all__ = ["Companion"]

MAX_TURNS_AT_ONCE, MAX_TURNS_FOR_ONE = 32, 8
"""Turns that are followed at once, in all and of one peer's messages: a flood leaves room for others."""


class Companion:
    """One companion on the mesh.

    Args:
        profile: its character.
        world: all that it is handed.

    Attributes:
        dropped: messages in which it took no part because too much was going on at once.
    """

    def __init__(self, profile: Profile, world: World) -> None:
        self._profile = profile
        self._world = world
        self._moments = Moments(world, replace(profile.persona(), id=world.me), profile.triggers.params)
        self._led = world.node.dialect is Dialect.JSONRPC
        self._talks = Talks(world.is_person, led=self._led, names=world.names_of, embed=world.embed)
        self._heard = Pulse()
        self._surroundings = Surroundings(world, profile.toolset)
        self._voice = Voice(profile, world, self._moments, self._surroundings)
        self._turns = TurnTaking(profile, world, self._moments, self._voice, self._heard)
        self._taking_part = Counter[str]()  # turns by the peer whose message it is
        self._initiative = Initiative(world, self._begin, self._starts)
        self.dropped = 0

    @property
    def activity(self) -> Activity:
        """What it is doing."""
        return self._voice.activity

    @property
    def reason(self) -> str:
        """Why it rests, if it does."""
        return self._voice.reason

    @property
    def turns(self) -> int:
        """How many turns it has taken."""
        return self._voice.turns

    @property
    def mood(self) -> str:
        """The emotion it last spoke with, or nothing."""
        return self._voice.mood

    async def run(self) -> None:
        """Live, until cancelled or until the node ends; then whatever ended it is raised.

        Cancelled in the middle of a turn, what was not yet said is dropped and not journaled.
        """
        self._voice.be("listening")
        if self._led:
            self._world.node.judge_leaders(self._leads)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_roster)
            nursery.start_soon(self._watch_quiet)
            nursery.start_soon(self._initiative.run)
            nursery.start_soon(self._surroundings.run)
            async for received in self._world.node.received:
                await self._take_in(received, nursery)
            nursery.cancel_scope.cancel()

    def begin(self, topic: str, others: Sequence[str]) -> None:
        """Have it begin a talk with `others` (ids) of its own accord, on `topic` or on anything.

        Returns at once; while an earlier beginning waits for its turn, this one is dropped.
        """
        self._initiative.ask(topic, others)

    async def _begin(self, opening: Opening) -> None:
        """Say the first word of a talk; a person who speaks to us meanwhile is answered instead."""
        world, now = self._world, trio.current_time()
        if why := world.taken.why_none(opening.conversation, now):
            self._voice.rest(why)
            return
        hands = self._voice.hands(Occasion(opening.conversation, opening.to))
        moment: Moment | None = None
        problem = "interrupted"
        try:
            async with self._voice.mouth:
                with self._voice.interruptible():
                    moment = await self._moments.beginning(opening)
                    problem = await self._voice.compose(moment, hands)
        finally:  # an opening that must make way is cancelled from outside
            if hands.message is not None:
                world.taken.take(opening.conversation, trio.current_time())
                problem = ""
            note = TurnNote(
                companion=world.me,
                conversation=opening.conversation,
                said=hands.message.id if hands.message else "",
                opening=opening.why,
                fired=opening.fired,
                recalled=tuple(line.id for line in moment.recalled) if moment else (),
                perceived=tuple(line.id for line in moment.perceived) if moment else (),
                brain=world.brain.label,
                seconds=trio.current_time() - now,
                reason=problem,
            )
            world.note(note)
        await self._voice.sound(hands.message.message if hands.message else "")

    def _starts(self, context: Context) -> tuple[Fired, ...]:
        return self._profile.triggers.starts_on(self._moments.facts_of(context))

    async def _take_in(self, received: Received, nursery: trio.Nursery) -> None:
        match received.payload:
            case State() as state:
                by = self._world.roster.held_by(received.peer)
                self._talks.hear_state(state, trio.current_time(), by)
                self._initiative.hear_state(state)
                self._heard.wake()
                await self._turns.hear_claim(state)
            case Message() as message:
                await self._hear(message, received, nursery, bytes(received.body))
            case Action() as action if (spoken := as_message(action)) is not None:
                await self._hear(spoken, received, nursery)
            case Action() | Query() | QueryResult() as payload:
                await self._surroundings.hear(payload, received.peer)
            case Context() as context if not context.to or self._world.me in context.to:
                await self._perceive(context, received)

    async def _hear(
        self, message: Message, received: Received, nursery: trio.Nursery, body: bytes = b""
    ) -> None:
        self._initiative.hear_message(message)
        if not hears(message, self._world.me):
            self._talks.meet(self._world.roster, trio.current_time())
            self._talks.overhear(message, trio.current_time(), body)
            return
        message = self._talks.place(message, trio.current_time())
        is_new = False
        if not received.own:  # one's own was journaled when it was said
            await self._moments.meet(message.sender)
            is_new = await journal(self._world, message, "heard", message.message, peer=received.peer)
        self._talks.meet(self._world.roster, trio.current_time())
        heard = self._talks.hear_message(message, trio.current_time(), body)
        if self._led:
            self._world.node.judge_leaders(self._leads)
        by_person = self._world.is_person(message.sender)
        if heard is not None and self._world.allowance is not None:
            self._world.allowance.hear(heard[0].id, received.peer, message.sender, by_person=by_person)
        self._heard.wake()
        if heard is None or not is_new:  # not to what was heard before a restart
            return
        talk, turn = heard
        if by_person:
            self._turns.interrupt()
            await self._obey(message, talk, received.peer)
        if turn.is_over:
            return
        busy, peer = self._taking_part, received.peer
        if busy.total() >= MAX_TURNS_AT_ONCE or busy[peer] >= MAX_TURNS_FOR_ONE:
            self.dropped += 1
            await self._turns.decline(turn)
            return
        busy[peer] += 1
        nursery.start_soon(self._take_part, talk, turn, peer)

    async def _take_part(self, talk: Talk, turn: Turn, peer: str) -> None:
        try:
            await self._turns.take_part(talk, turn)
        finally:
            self._taking_part[peer] -= 1
            self._taking_part += Counter()  # without those who are at none

    async def _obey(self, message: Message, talk: Talk, peer: str) -> None:
        """Be quiet, or talk again, as a person of this home asks; one of another home cannot silence
        us."""
        names = [name for who in self._world.roster for name in self._world.names_of(who)]
        request = quiet_request(message.message, names)
        if request is None or not self._world.owns(peer) or not self._is_for_me(message, talk):
            return
        self._world.quiet.set(request.mode, request.seconds)
        if request.mode != "normal":
            await self._voice.nod(Occasion(talk.id, audience(message, self._world.me), message.id))

    def _is_for_me(self, message: Message, talk: Talk) -> bool:
        """Whether it turns to us, or to nobody in particular."""
        if self._moments.addressed(message, talk):
            return True
        others = (who for who in self._world.roster if who != self._world.me)
        return not any(turns_to(message, who, self._world.names_of(who)) for who in others)

    async def _watch_quiet(self) -> None:
        """Tell of each change; whoever becomes quiet drops what it was about to say."""
        quiet = self._world.quiet
        if quiet.mode == "normal":
            await quiet.changed()
        while True:
            if quiet.mode == "quiet":
                self._turns.interrupt()
            until = 0.0
            if quiet.until is not None:
                until = self._world.clock() + quiet.until - trio.current_time()
            self._world.emit(Event(type="quiet", companion=self._world.me, mode=quiet.mode, until=until))
            await quiet.changed()

    async def _perceive(self, context: Context, received: Received) -> None:
        text = context.context if context.type == "text" else PICTURE
        await journal(self._world, context, "perceived", text, peer=received.peer)
        self._moments.perceive(context)
        self._initiative.perceive(context)

    def _leads(self, companion: str, message_id: str) -> bool | None:
        return self._talks.leads(companion, message_id, trio.current_time())

    async def _watch_roster(self) -> None:
        while True:
            self._talks.meet(self._world.roster, trio.current_time())
            self._heard.wake()
            await self._world.roster.changed()
