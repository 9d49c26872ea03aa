"""A companion: what it hears, and what comes of it. One task tree of its own."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import trio

from ..conversation import Talk, Talks, Turn, as_message, hears
from ..mesh import Received
from ..wire import Action, Activity, Context, Dialect, Message, State
from .hands import Occasion
from .journal import journal
from .moments import PICTURE, Moments
from .profile import Profile
from .turn_taking import Pulse, TurnTaking
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
        self._world = world
        self._moments = Moments(world, replace(profile.persona(), id=world.me), profile.triggers.params)
        self._led = world.node.dialect is Dialect.JSONRPC
        self._talks = Talks(world.is_person, led=self._led)
        self._heard = Pulse()
        self._voice = Voice(profile, world, self._moments)
        self._turns = TurnTaking(profile, world, self._moments, self._voice, self._heard)
        self._taking_part = Counter[str]()  # turns by the peer whose message it is
        self._ask_to_begin, self._beginnings = trio.open_memory_channel[tuple[str, tuple[str, ...]]](1)
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
        async with self._voice.mouth:
            said = await self._voice.compose(moment, occasion)
        await self._voice.sound(said)

    async def _take_in(self, received: Received, nursery: trio.Nursery) -> None:
        match received.payload:
            case State() as state:
                by = self._world.roster.held_by(received.peer)
                self._talks.hear_state(state, trio.current_time(), by)
                self._heard.wake()
            case Message() as message:
                await self._hear(message, received, nursery, bytes(received.body))
            case Action() as action if (spoken := as_message(action)) is not None:
                await self._hear(spoken, received, nursery)
            case Context() as context if not context.to or self._world.me in context.to:
                await self._perceive(context, received)

    async def _hear(
        self, message: Message, received: Received, nursery: trio.Nursery, body: bytes = b""
    ) -> None:
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
        if heard is not None and self._world.allowance is not None:
            by_person = self._world.is_person(message.sender)
            self._world.allowance.hear(heard[0].id, received.peer, message.sender, by_person=by_person)
        self._heard.wake()
        if heard is None or heard[1].is_over or not is_new:  # not to what was heard before a restart
            return
        talk, turn = heard
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

    async def _perceive(self, context: Context, received: Received) -> None:
        text = context.context if context.type == "text" else PICTURE
        await journal(self._world, context, "perceived", text, peer=received.peer)
        self._moments.perceive(context)

    def _leads(self, companion: str, message_id: str) -> bool | None:
        return self._talks.leads(companion, message_id, trio.current_time())

    async def _watch_roster(self) -> None:
        while True:
            self._talks.meet(self._world.roster, trio.current_time())
            self._heard.wake()
            await self._world.roster.changed()
