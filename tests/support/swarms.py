"""A swarm on an in-memory mesh, and all that happens in it."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import trio

from aikyo.brain import Brain
from aikyo.companion import Profile
from aikyo.config import Settings
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.paths import Home
from aikyo.swarm import Swarm
from aikyo.wire import Envelope, Event, Message
from tests.support.gathering import profile_of

__all__ = ["QUIET", "Watched", "swarm_of"]

QUIET = Settings(topic="", pace=0, firehose_port=0, gateway_port=0)


class Watched:
    """A swarm, and all that has happened in it."""

    def __init__(self, swarm: Swarm, envelopes: AsyncIterator[Envelope]) -> None:
        self.swarm = swarm
        self.events: list[Event] = []
        self.messages: list[Message] = []
        self._envelopes = envelopes

    async def until(self, condition: Callable[[], object]) -> None:
        with trio.fail_after(30):
            while not condition():
                envelope = await anext(self._envelopes)
                if envelope.topic == "events":
                    self.events.append(msgspec.json.decode(envelope.body, type=Event))
                if envelope.topic == "messages":
                    self.messages.append(msgspec.json.decode(envelope.body, type=Message))

    def told(self, kind: str, companion: str | None = None) -> list[Event]:
        return [e for e in self.events if e.type == kind and companion in (None, e.companion)]


@asynccontextmanager
async def swarm_of(
    home: Path,
    brains: Mapping[str, Brain],
    *,
    settings: Settings = QUIET,
    lan: MemoryLan | None = None,
) -> AsyncIterator[Watched]:
    place = Home(home)
    place.create()
    cast = [(name, profile_of(home, name)) for name in brains]

    def open_brain(profile: Profile) -> Brain:
        return brains[profile.metadata.name.lower()]

    async with MemoryMesh(lan or MemoryLan()) as mesh, trio.open_nursery() as nursery:
        swarm = Swarm(
            settings, place, cast, open_brain, mesh=mesh, clock=time.time, seeded=random.Random
        )
        with swarm.hub.subscribe() as envelopes:
            nursery.start_soon(swarm.run)
            watched = Watched(swarm, aiter(envelopes))
            await watched.until(lambda: watched.told("ready"))
            yield watched
        nursery.cancel_scope.cancel()
