"""The swarm: N companions, the firehose and the gateway, each a supervised child of one nursery."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from urllib.parse import urlsplit

import trio
from msgspec import Raw
from msgspec.structs import replace

from ..brain import Brain
from ..companion import Allowance, Companion, Limits, Profile, Quiet, TurnsTaken, World
from ..config import Settings
from ..conversation import Embed
from ..door import own_origins
from ..embeddings import load_embedder
from ..errors import AikyoError, UsageError, nearest
from ..firehose import Firehose, Hub
from ..gateway import serve_gateway
from ..memory import Memory
from ..mesh import Mesh, MeshError, Node
from ..paths import Home
from ..wire import (
    Activity,
    CompanionStatus,
    Context,
    Dialect,
    Event,
    IdMaker,
    QuietMode,
    SwarmFile,
    SwarmStatus,
    TurnRecord,
    bare_name,
    companion_id,
    user_id,
)
from .lock import announce
from .notices import give_notice
from .observer import OBSERVED, Observer
from .peers import Peers
from .supervisor import Child
from .turn_finding import find_turn
from .turn_journal import TurnLog

__all__ = ["Member", "Swarm"]

READY_DEADLINE = 15.0
"""Seconds that a companion waits for its siblings before it goes on without them."""

LOOPBACK = "127.0.0.1"

STOPS_WITHIN = 3.0

FIREHOSE_KEY = "@firehose"
"""Name of the firehose's key file; no companion can be called so."""


@dataclass(slots=True, eq=False)
class Member:
    """A companion of this swarm: its profile, and what runs of it now."""

    name: str
    profile: Profile
    child: Child
    allowance: Allowance  # lasts longer than the companion, as the next two: a restart brings nothing
    taken: TurnsTaken
    quiet: Quiet = field(default_factory=Quiet)
    id: str = ""
    companion: Companion | None = None
    node: Node | None = None
    brain: str = ""
    turns: int = 0


class Swarm:
    """Supervises companions, firehose and gateway on a mesh. The gateway's `Control`.

    Args:
        settings: how it is to run.
        home: where keys and memories are; held by the caller.
        cast: the companions by bare name.
        open_brain: makes a brain for the companion of a profile.
        mesh: this process's part of the mesh, entered by the caller.
        clock: seconds since the epoch.
        seeded: gives a source of chance for each purpose, the same for the same seed.

    Attributes:
        hub: all that happens.
        peers: who is on the mesh, and whom to shut out.
        turns: how turns went.
    """

    def __init__(
        self,
        settings: Settings,
        home: Home,
        cast: Sequence[tuple[str, Profile]],
        open_brain: Callable[[Profile], Brain],
        *,
        mesh: Mesh,
        clock: Callable[[], float],
        seeded: Callable[[str], Random],
    ) -> None:
        self.settings = settings
        self._home = home
        self._open_brain = open_brain
        self._mesh = mesh
        self._clock = clock
        self._seeded = seeded
        self._new_id = IdMaker(clock, seeded("ids"))
        self._started = clock()
        self._ending = trio.Event()
        self._firehose: Firehose | None = None
        self._voice: Node | None = None  # the firehose's node, which speaks for people
        self._observer: Observer | None = None
        self._embedder: Embed | None = None
        self._firehose_url = ""
        self._gateway_url = ""
        self._origins: set[str] = set()
        self.hub = Hub(clock, self._new_id())
        self.peers = Peers(mesh, lambda: self._voice.peer if self._voice else "")
        self.turns = TurnLog(home.turns, self.hub.emit)
        self._parts = (
            self._part("observer", self._run_observer),
            self._part("firehose", self._run_firehose),
            self._part("gateway", self._run_gateway),
        )
        self._members = {name: self._member(name, profile) for name, profile in cast}

    async def run(self) -> None:
        """Run until cancelled, or until `stop` is called without a name.

        Raises:
            UsageError: a port is taken, before the swarm was ready.
        """
        try:
            async with trio.open_nursery() as nursery:
                for child in (*self._parts, *(member.child for member in self._members.values())):
                    nursery.start_soon(child.keep)
                nursery.start_soon(give_notice, self._mesh, self.hub.emit)
                nursery.start_soon(self.turns.keep)
                nursery.start_soon(self._get_ready)
                await self._ending.wait()
                nursery.cancel_scope.cancel()
        finally:
            self.turns.flush()

    # What the gateway asks for -------------------------------------------------------------------

    def status(self) -> SwarmStatus:
        """What runs now."""
        mine = {member.id for member in self._members.values() if member.node}
        return SwarmStatus(
            companions=tuple(self._status_of(member) for member in self._members.values()),
            others=tuple(ident for ident in self._mesh.roster if ident not in mine),
            started=self._started,
            pid=os.getpid(),
            mesh=self.settings.mesh,
            firehose=self._firehose_url,
            gateway=self._gateway_url,
            counters=dict(self._counters()),
        )

    async def stop(self, name: str | None = None) -> None:
        """Stop one companion and wait until it is gone; or, without waiting, the whole swarm."""
        if name is None:
            self._ending.set()
            return
        child = self._named(name).child
        child.stop()
        with trio.move_on_after(STOPS_WITHIN):
            await child.stopped.wait()

    async def restart(self, name: str) -> None:
        """Restart one companion, or start it again."""
        self._named(name).child.restart()

    async def quiet(self, name: str | None, mode: QuietMode, seconds: float | None) -> None:
        """How much one companion, or all of this swarm, may say, for so many seconds or until it is
        changed."""
        members = self._members.values() if name is None else (self._named(name),)
        for member in members:
            member.quiet.set(mode, seconds)

    def why(self, message: str | None, *, after: bool = False) -> TurnRecord:
        """The turn that led to a message; see `find_turn`."""
        watched = self._observer.watching() if self._observer else ()
        return find_turn(self.turns.records(watched), message, after=after)

    async def perceive(self, context: Context, body: Raw | None = None) -> None:
        """Give companions something to perceive; `body` is the same with the fields we do not know."""
        if self._voice is None:
            raise MeshError("the firehose is not on the mesh just now; try again in a moment")
        context = replace(context, sender=context.sender or user_id("gateway"))
        await self._voice.publish(context, body=body)

    # Beginning -----------------------------------------------------------------------------------

    async def _get_ready(self) -> None:
        """Wait until everything is up, or has failed in a way that only the user can mend; say so."""
        for part in self._parts:
            await part.settled.wait()
        for member in self._members.values():
            await member.child.settled.wait()
        failed = [m.child for m in self._members.values() if m.child.condition == "failed"]
        if failed and len(failed) == len(self._members):
            raise UsageError(f"no companion could start: {failed[0].reason}")
        announce(
            self._home,
            SwarmFile(
                pid=os.getpid(),
                started=self._started,
                firehose=self._firehose_url,
                gateway=self._gateway_url,
                mesh=self.settings.mesh,
                companions=tuple(self._members),
            ),
        )
        self.hub.emit(Event(type="ready"))
        self._begin()
        await self._load_embedder()

    async def _load_embedder(self) -> None:
        """Learn to tell sense from characters. Only now, since it takes a moment of the start."""
        try:
            self._embedder = await trio.to_thread.run_sync(load_embedder, abandon_on_cancel=True)
        except AikyoError as error:
            reason = f"{error}; repetition is told by letters alone"
            self.hub.emit(Event(type="notice", reason=reason))

    def _embed(self, text: str) -> Sequence[float]:
        return self._embedder(text) if self._embedder else ()

    def _begin(self) -> None:
        """Let one companion begin a talk with the others of this swarm."""
        there = [m for m in self._members.values() if m.companion and m.child.condition == "running"]
        if len(there) < 2 or self.settings.topic == "":
            return
        first = self._seeded("begin").choice(there)
        others = [member.id for member in there if member is not first]
        if first.companion is not None:
            first.companion.begin(self.settings.topic or "", others)

    # Children ------------------------------------------------------------------------------------

    async def _run_observer(self, child: Child) -> None:
        led = Dialect(self.settings.wire) is Dialect.JSONRPC
        with self.hub.subscribe(topics=OBSERVED) as heard:
            self._observer = Observer(
                self._mesh.roster,
                self.hub.emit,
                led=led,
                record=self.turns.add,
                embed=self._embed,
                clock=self._clock,
                pace=self.settings.pace,
            )
            child.started()
            await self._observer.watch(heard)

    async def _run_firehose(self, child: Child) -> None:
        async with (
            self._mesh.join(self._home.key(FIREHOSE_KEY), None) as node,
            trio.open_nursery() as nursery,
        ):
            if node.dialect is Dialect.JSONRPC:
                node.judge_leaders(self._leads)
            firehose = Firehose(node, self.hub, new_id=self._new_id, origins=self._origins)
            self._firehose = firehose
            port = _port_of(self._firehose_url) or self.settings.firehose_port
            self._firehose_url = await nursery.start(firehose.serve, LOOPBACK, port)
            self._voice = node
            try:
                child.started()
                await trio.sleep_forever()
            finally:
                self._voice = None

    def _leads(self, companion: str, message_id: str) -> bool | None:
        """Whom the firehose lets speak for others; the observer hears every message."""
        return self._observer.leads(companion, message_id) if self._observer else None

    async def _run_gateway(self, child: Child) -> None:
        async with trio.open_nursery() as nursery:
            port = _port_of(self._gateway_url) or self.settings.gateway_port
            serve = partial(serve_gateway, self, new_id=self._new_id, host=LOOPBACK, port=port)
            self._gateway_url = await nursery.start(serve)
            self._origins |= own_origins(self._gateway_url)
            child.started()
            await trio.sleep_forever()

    def _member(self, name: str, profile: Profile) -> Member:
        async def run(child: Child) -> None:
            await self._run_companion(member, child)

        ident = profile.metadata.id
        child = Child(ident, run, emit=self.hub.emit, clock=self._clock)
        allowance = Allowance(self.settings.foreign_turns, self._mesh.owns)
        member = Member(name, profile, child, allowance, TurnsTaken(self._limits()), id=ident)
        return member

    def _limits(self) -> Limits:
        settings = self.settings
        return Limits(
            turns_per_talk=settings.turns_per_talk,
            turns_per_hour=settings.turns_per_hour,
            beginnings=0 if settings.topic == "" else settings.beginnings,
            silence=settings.silence,
        )

    async def _run_companion(self, member: Member, child: Child) -> None:
        presence = member.profile.presence(member.profile.metadata.id)
        async with (
            self._brain_of(member) as brain,
            Memory.open(self._home.memory(member.name)) as memory,
            self._mesh.join(self._home.key(member.name), presence) as node,
        ):
            world = World(
                node=node,
                memory=memory,
                brain=brain,
                clock=self._clock,
                new_id=IdMaker(self._clock, self._seeded(f"ids of {member.name}")),
                emit=self.hub.emit,
                pace=self.settings.pace,
                allowance=member.allowance if brain.paid else None,
                quiet=member.quiet,
                taken=member.taken,
                embed=self._embed,
                note=self.turns.note,
                owns=self._mesh.owns,
            )
            await self._live(member, child, world)

    async def _live(self, member: Member, child: Child, world: World) -> None:
        wanted = member.profile.metadata.id
        member.node = world.node
        member.id = child.name = world.me
        member.companion = Companion(member.profile, world)
        try:
            if member.id != wanted:
                reason = f"{wanted} is another peer's (`aikyo peers` shows whose); joined as {member.id}"
                self.hub.emit(Event(type="notice", companion=member.id, reason=reason))
            await self._join_siblings(world.node)
            child.started()
            await member.companion.run()
        finally:
            member.turns += member.companion.turns
            member.companion = member.node = None

    @asynccontextmanager
    async def _brain_of(self, member: Member) -> AsyncIterator[Brain]:
        # In a thread, since the first of a kind may load an SDK for a second or two
        brain = await trio.to_thread.run_sync(self._open_brain, member.profile, abandon_on_cancel=True)
        member.brain = brain.label
        try:
            yield brain
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(0.5):
                await brain.aclose()

    async def _join_siblings(self, node: Node) -> None:
        """Wait until `node` is in the mesh with all siblings that are alive; how many may change. One
        that cannot be reached is not waited for for ever."""
        with trio.move_on_after(READY_DEADLINE):
            while True:
                conditions = [member.child.condition for member in self._members.values()]
                alive = sum(condition in {"starting", "running"} for condition in conditions)
                with trio.move_on_after(1.0):
                    await node.ready(alive)
                    return
        reason = f"has not reached all its siblings within {READY_DEADLINE:.0f} s, and goes on without"
        self.hub.emit(Event(type="notice", companion=node.me.id if node.me else None, reason=reason))

    def _part(self, name: str, run: Callable[[Child], Awaitable[None]]) -> Child:
        return Child(name, run, emit=self.hub.emit, clock=self._clock, essential=True)

    # Status --------------------------------------------------------------------------------------

    def _counters(self) -> Counter[str]:
        """What was taken in, sent and dropped, by reason, in the whole swarm."""
        nodes = [self._voice, *(member.node for member in self._members.values())]
        counted = self.hub.counters + self._mesh.counters + self.turns.counters
        for part in (self._firehose, self._observer, *nodes):
            if part is not None:
                counted += part.counters
        return counted

    def _named(self, name: str) -> Member:
        bare = bare_name(name)
        by_id = {member.id: member for member in self._members.values()}
        found = by_id.get(name) or self._members.get(bare) or by_id.get(companion_id(bare))
        if found is not None:
            return found
        raise UsageError(f"no companion '{name}' in this swarm{nearest(bare, self._members)}")

    def _status_of(self, member: Member) -> CompanionStatus:
        child, companion, node = member.child, member.companion, member.node
        running = child.condition == "running" and companion is not None
        return CompanionStatus(
            name=member.name,
            id=member.id,
            activity=companion.activity if running and companion else _activity(child),
            display_name=member.profile.metadata.name,
            color=member.profile.metadata.color,
            reason=child.reason or (companion.reason if companion else ""),
            since=child.since,
            restarts=child.restarts,
            peers=len(node.peers()) if node else 0,
            inbox=node.received.statistics().current_buffer_used if node else 0,
            dropped=(node.counters["inbox-overflow"] if node else 0)
            + (companion.dropped if companion else 0),
            turns=member.turns + (companion.turns if companion else 0),
            mood=companion.mood if companion else "",
            brain=member.brain,
            peer=node.peer if node else "",
            quiet=member.quiet.mode,
            quiet_until=self._epoch(member.quiet.until),
        )

    def _epoch(self, until: float | None) -> float:
        """A moment of trio's clock as seconds since the epoch; 0 for none."""
        return 0.0 if until is None else self._clock() + until - trio.current_time()


def _port_of(url: str) -> int:
    """The port that a server was given before, so that it comes back on the same; 0 if there is none."""
    return urlsplit(url).port or 0


def _activity(child: Child) -> Activity:
    """What a companion does that is not up."""
    return "starting" if child.condition == "running" else child.condition
