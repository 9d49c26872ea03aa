"""A companion's hands on the in-memory mesh, without a companion, for tests of tools."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio.testing

from aikyo.companion.hands import Hands, Occasion
from aikyo.companion.surroundings import Surroundings
from aikyo.companion.toolset import Toolset
from aikyo.companion.world import World
from aikyo.memory import Memory
from aikyo.mesh import Mesh, Node
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.tools import Tool
from aikyo.wire import Action, Dialect, IdMaker, Payload, Presence
from tests.support.gathering import ScriptedBrain

__all__ = ["Workbench", "workbench"]


@dataclass
class Workbench:
    """Alice with these tools, and beside her Bob's node and a person's.

    `heard` is all that the person's node has heard so far, but for who is there.
    """

    world: World
    toolset: Toolset
    surroundings: Surroundings
    hands: Hands
    bob: Node
    person: Node
    heard: list[Payload] = field(default_factory=list)

    def actions(self) -> list[Action]:
        """What was done so far."""
        return [payload for payload in self.heard if isinstance(payload, Action)]

    async def settle(self) -> None:
        """Let everybody hear what was published."""
        await trio.testing.wait_all_tasks_blocked()


@asynccontextmanager
async def workbench(
    tmp_path: Path, *tools: Tool, dialect: Dialect = Dialect.PLAIN
) -> AsyncIterator[Workbench]:
    """Alice's hands, with built-in tools and `tools`."""
    own = {tool.name: tool for tool in tools}
    toolset = Toolset((*Toolset().names, *own), own)
    async with (
        Memory.open(tmp_path / "alice.db") as memory,  # first: a virtual clock runs on while it works
        MemoryMesh(MemoryLan(), dialect=dialect) as mesh,
        _joined(mesh, tmp_path, "alice", "bob", None) as (alice, bob, person),
        trio.open_nursery() as nursery,
    ):
        world = World(
            node=alice,
            memory=memory,
            brain=ScriptedBrain(),
            clock=time.time,
            new_id=IdMaker(time.time, random.Random(5)),
            emit=lambda event: None,
        )
        surroundings = Surroundings(world, lambda: toolset)
        occasion = Occasion("talk", ("companion_bob", "user_mika"))
        bench = Workbench(
            world, toolset, surroundings, Hands(world, occasion, toolset, surroundings), bob, person
        )
        nursery.start_soon(_listen, bench)
        nursery.start_soon(_watch, bench)
        nursery.start_soon(surroundings.run)
        yield bench
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def _joined(mesh: Mesh, tmp_path: Path, *names: str | None) -> AsyncIterator[Iterable[Node]]:
    if not names:
        yield ()
        return
    name, *others = names
    me = Presence(id=f"companion_{name}", name=name.capitalize()) if name else None
    async with (
        mesh.join(tmp_path / f"{name}.key", me) as node,
        _joined(mesh, tmp_path, *others) as nodes,
    ):
        yield (node, *nodes)


async def _listen(bench: Workbench) -> None:
    async for received in bench.world.node.received:
        await bench.surroundings.hear(received.payload, received.peer)


async def _watch(bench: Workbench) -> None:
    async for received in bench.person.received:
        if not isinstance(received.payload, Presence):
            bench.heard.append(received.payload)
