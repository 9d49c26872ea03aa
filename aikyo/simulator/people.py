"""Those who keep the talks going: people who speak, to one, some or all, and into what is going on; and
who has a companion begin a talk of its own accord."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from ..mesh import Node
from ..wire import Event, Message, user_id
from .cast import Member
from .scenario import Scenario
from .speech import sentence

__all__ = ["People"]

_INTERRUPT_EVERY = 40.0
"""Seconds between what people say into a talk that goes on, on average."""

_GIVES_UP = 90.0
"""Seconds after which a new talk is begun though the last has not come to rest."""


class People:
    """Whoever speaks with the companions.

    Args:
        scenario: how many they are, and what is drawn from.
        node: what they speak through.
        members: the companions.
        new_id: makes ids.
    """

    def __init__(
        self, scenario: Scenario, node: Node, members: Sequence[Member], new_id: Callable[[], str]
    ) -> None:
        self._random = scenario.random("people")
        self._node = node
        self._members = members
        self._new_id = new_id
        self._names = [user_id(f"person{number + 1}") for number in range(scenario.people)]
        self._live: dict[str, Message] = {}  # by conversation, its latest message
        self._rested: Message | None = None  # the latest of the talk that rested last
        self._quiet = trio.Event()

    def hear(self, message: Message) -> None:
        """Something was said, by whomever."""
        self._live[message.conversation or message.id] = message

    def notice(self, event: Event) -> None:
        """Something happened."""
        if event.type in {"talk-resting", "talk-ended"}:
            self._rested = self._live.pop(event.conversation or "", self._rested)
            if not self._live:
                self._quiet.set()

    async def run(self) -> None:
        """Begin a talk whenever none goes on, and interrupt; runs until cancelled."""
        async with trio.open_nursery() as nursery:
            for name in self._names:
                nursery.start_soon(self._interrupt, name)
            while True:
                self._quiet = trio.Event()
                await self._begin()
                with trio.move_on_after(_GIVES_UP) as waited:
                    await self._quiet.wait()
                if waited.cancelled_caught:
                    self._live.clear()
                await trio.sleep(self._random.uniform(0.5, 5.0))

    async def _begin(self) -> None:
        draw = self._random.random()
        if not self._names or draw < 0.4:
            await self._have_one_begin()
        elif draw < 0.5 and self._rested is not None:  # the talk that rests is taken up again
            await self._say(self._random.choice(self._names), self._rested)
        else:
            await self._say(self._random.choice(self._names))

    async def _have_one_begin(self) -> None:
        there = [member for member in self._members if member.companion is not None]
        if len(there) > 1:
            first, *others = self._random.sample(
                there, min(self._random.choice((2, 3, len(there), len(there))), len(there))
            )
            assert first.companion is not None
            first.companion.begin("", [other.id for other in others])

    async def _interrupt(self, name: str) -> None:
        while True:
            await trio.sleep(self._random.expovariate(1 / _INTERRUPT_EVERY))
            if not self._live:
                continue
            into = self._random.choice(tuple(self._live.values())) if self._happens(0.7) else None
            await self._say(name, into)
            if self._happens(0.1):  # and another thing, in the same breath
                await trio.sleep(self._random.uniform(0.2, 2.0))
                await self._say(name, into)

    async def _say(self, name: str, into: Message | None = None) -> None:
        """Say something into a talk, to those who are in it, or else to one, some or all."""
        if into is not None:
            to = tuple(who for who in dict.fromkeys((into.sender, *into.to)) if who != name and into.to)
            conversation = into.conversation or into.id
        else:
            everybody, count = [member.id for member in self._members], len(self._members)
            to = tuple(self._random.sample(everybody, self._random.choice((1, 1, min(3, count), count))))
            conversation = self._new_id()
            if len(to) == count and self._happens(0.5):
                to = ()
        called = [one.profile.metadata.name for one in self._members if one.id in to or not to]
        text = sentence(self._random, to=called if self._happens(0.3) else (), asks=self._happens(0.5))
        message = Message(id=self._new_id(), sender=name, to=to, message=text, conversation=conversation)
        await self._node.publish(message)

    def _happens(self, share: float) -> bool:
        return self._random.random() < share
