"""Companions on the in-memory mesh, with real memories and brains that do what a test says."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from aikyo.brain import Assessment, Brain, Moment, Past, Toolbox
from aikyo.companion import Companion, Limits, Profile, TurnsTaken, World
from aikyo.companion.profile import load_profile
from aikyo.companion.session import Overrides
from aikyo.memory import Memory, MemoryFile
from aikyo.mesh import Mesh, Node
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.wire import Delta, Dialect, Event, IdMaker, Message, Payload, State, TurnNote

__all__ = ["Gathering", "ScriptedBrain", "gathering", "profile_of"]

OpenBrain = Callable[[Profile, Overrides], Awaitable[Brain]]


def _eager(_: Moment) -> Assessment:
    return Assessment(speak=True, importance=5)


async def _chat(moment: Moment, toolbox: Toolbox) -> None:
    await toolbox.call("speak", {"message": f"{moment.me.name} says number {moment.turn}."})


@dataclass
class ScriptedBrain(Brain):
    """Does what it was told, and remembers what it was asked."""

    on_assess: Callable[[Moment], Assessment] = _eager
    on_compose: Callable[[Moment, Toolbox], object] = _chat
    label: str = "scripted"
    assessed: list[Moment] = field(default_factory=list)
    composed: list[Moment] = field(default_factory=list)
    on_summarize: Callable[[Past], str] = lambda past: f"{len(past.lines)} things were said."
    summarized: list[Past] = field(default_factory=list)

    async def assess(self, moment: Moment) -> Assessment:
        self.assessed.append(moment)
        await trio.lowlevel.checkpoint()
        return self.on_assess(moment)

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        self.composed.append(moment)
        await self.on_compose(moment, toolbox)  # type: ignore[misc]

    async def summarize(self, past: Past) -> str:
        self.summarized.append(past)
        await trio.lowlevel.checkpoint()
        return self.on_summarize(past)


def profile_of(tmp_path: Path, name: str, *, extra: str = "") -> Profile:
    """A profile of its own file, named after the companion."""
    file = tmp_path / f"{name}.toml"
    file.write_text(f'[metadata]\nname = "{name.capitalize()}"\n{extra}')
    return load_profile(file)


@dataclass
class Gathering:
    """Companions that run, and a person among them."""

    pace: float
    lan: MemoryLan = field(default_factory=MemoryLan)
    person: Node = field(init=False)
    new_id: IdMaker = field(default_factory=lambda: IdMaker(time.time, random.Random(7)))
    companions: dict[str, Companion] = field(default_factory=dict)
    memories: dict[str, Memory] = field(default_factory=dict)
    worlds: dict[str, World] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    owns: Callable[[str], bool] = lambda peer: True
    budget: int = 6_000
    learn_after: int = 40
    open_brain: OpenBrain | None = None
    threads: bool = True
    notes: list[TurnNote] = field(default_factory=list)
    scopes: dict[str, trio.CancelScope] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    heard: list[Payload] = field(default_factory=list)

    async def live(
        self,
        profile: Profile,
        brain: Brain,
        mesh: Mesh,
        files: Path,
        *,
        task_status: trio.TaskStatus[None],
    ) -> None:
        """One companion's life; it leaves the mesh when its scope is cancelled."""
        name = profile.metadata.name.lower()
        presence = profile.presence(profile.metadata.id)
        with trio.CancelScope() as self.scopes[name]:
            async with (
                self._memory(files.with_suffix(".db")) as self.memories[name],
                mesh.join(files.with_suffix(".key"), presence) as node,
            ):
                world = self.worlds[name] = World(
                    node=node,
                    memory=self.memories[name],
                    brain=brain,
                    clock=time.time,
                    new_id=self.new_id,
                    emit=self.events.append,
                    pace=self.pace,
                    taken=TurnsTaken(self.limits),
                    note=self.notes.append,
                    owns=self.owns,
                    draft=self.deltas.append,
                    budget=self.budget,
                    learn_after=self.learn_after,
                    open_brain=self.open_brain,
                )
                self.companions[name] = Companion(profile, world)
                await self.companions[name].sessions.begin()
                task_status.started()
                await self.companions[name].run()

    @asynccontextmanager
    async def _memory(self, path: Path) -> AsyncIterator[Memory]:
        if self.threads:
            async with Memory.open(path) as memory:
                yield memory
        else:
            with MemoryFile.open(path) as writer, MemoryFile.read(path) as reader:
                yield Memory(writer, reader, threads=False)

    def messages(self, conversation: str | None = None) -> list[Message]:
        """What was said so far, by whomever."""
        said = [p for p in self.heard if isinstance(p, Message)]
        return [m for m in said if conversation in (None, m.conversation)]

    def states(self, message_id: str) -> list[State]:
        """The States that were published for a message."""
        return [p for p in self.heard if isinstance(p, State) and p.message_id == message_id]

    async def say(
        self, text: str, *to: str, conversation: str | None = None, sender: str = "user_mika"
    ) -> Message:
        """Say something as a person."""
        message = Message(
            id=self.new_id(),
            sender=sender,
            to=to,
            message=text,
            conversation=conversation or self.new_id(),
        )
        await self.person.publish(message)
        return message

    async def until(self, condition: Callable[[], object], *, deadline: float = 60.0) -> None:
        """Listen until `condition` holds."""
        with trio.fail_after(deadline):
            while not condition():
                self.heard.append((await self.person.received.receive()).payload)


@asynccontextmanager
async def gathering(
    tmp_path: Path,
    brains: Mapping[str, Brain],
    *,
    extra: str = "",
    pace: float = 0.0,
    dialect: Dialect = Dialect.PLAIN,
    limits: Limits | None = None,
    owns: Callable[[str], bool] = lambda peer: True,
    budget: int = 6_000,
    learn_after: int = 40,
    open_brain: OpenBrain | None = None,
    threads: bool = True,
) -> AsyncIterator[Gathering]:
    """Companions of these names with these brains, up and in one mesh with a person; with `threads`, or
    so that a plain virtual clock stays in step."""
    room = Gathering(
        pace=pace,
        limits=limits or Limits(),
        owns=owns,
        budget=budget,
        learn_after=learn_after,
        open_brain=open_brain,
        threads=threads,
    )
    async with (
        MemoryMesh(room.lan, dialect=dialect) as mesh,
        mesh.join(tmp_path / "person.key", None) as room.person,
        trio.open_nursery() as nursery,
    ):
        for name, brain in brains.items():
            profile = profile_of(tmp_path, name, extra=extra)
            await nursery.start(room.live, profile, brain, mesh, tmp_path / name)
        yield room
        nursery.cancel_scope.cancel()
