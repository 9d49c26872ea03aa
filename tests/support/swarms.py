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
from aikyo.brain.cost import Ledger
from aikyo.companion import Profile
from aikyo.companion.session import Overrides
from aikyo.config import Settings
from aikyo.errors import UsageError
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.paths import Home
from aikyo.swarm import Swarm
from aikyo.wire import Envelope, Event, Message, bare_name
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


def _no_other(model: str) -> Brain:
    raise UsageError(f"no model {model}")


@asynccontextmanager
async def swarm_of(
    home: Path,
    brains: Mapping[str, Brain],
    *,
    settings: Settings = QUIET,
    lan: MemoryLan | None = None,
    others: Callable[[str], Brain] = _no_other,
    ledger: Ledger | None = None,
) -> AsyncIterator[Watched]:
    """A swarm that is ready, with these companions and their brains.

    Args:
        home: where it lives, profiles included.
        brains: what they think with.
        settings: how it is to run.
        lan: what its mesh is part of.
        others: what they think with for whom a model is set.
        ledger: where what they spend is kept.
    """
    place = Home(home)
    place.create()
    cast = [(name, profile_of(home, name)) for name in brains]

    def open_brain(profile: Profile, overrides: Overrides) -> Brain:
        if overrides.model is not None:
            return others(overrides.model)
        return brains[bare_name(profile.metadata.id)]

    async with MemoryMesh(lan or MemoryLan()) as mesh, trio.open_nursery() as nursery:
        swarm = Swarm(
            settings,
            place,
            cast,
            open_brain,
            mesh=mesh,
            clock=time.time,
            seeded=random.Random,
            ledger=ledger,
        )
        with swarm.hub.subscribe() as envelopes:
            nursery.start_soon(swarm.run)
            watched = Watched(swarm, aiter(envelopes))
            await watched.until(lambda: watched.told("ready"))
            yield watched
        nursery.cancel_scope.cancel()
