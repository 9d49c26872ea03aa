"""The swarm: N companions, the firehose and the gateway, each a supervised child of one nursery."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from random import Random
from urllib.parse import urlsplit

import trio
from msgspec import Raw
from msgspec.structs import replace

from ..brain.cost import Ledger
from ..companion import Profile
from ..companion.profile import load_again
from ..config import Settings
from ..conversation import Embed
from ..door import own_origins
from ..embeddings import choose_embedder, load_embedder
from ..errors import AikyoError, UsageError
from ..firehose import Firehose, Hub
from ..gateway import serve_gateway
from ..memory.care import Corrected, Forgotten, Wish
from ..mesh import Mesh, MeshError, Node
from ..paths import Home
from ..wire import (
    CompanionStatus,
    Context,
    Dialect,
    Event,
    IdMaker,
    QuietMode,
    SwarmFile,
    SwarmStatus,
    TurnRecord,
    UsageBy,
    UsageReport,
    user_id,
)
from .lock import announce
from .members import Members, OpenBrain
from .memories import Memories, Redacts
from .notices import give_notice
from .observer import OBSERVED, Observer
from .peers import Peers
from .steering import Reload, Steering
from .supervisor import Child
from .turn_finding import find_turn
from .turn_journal import TurnLog

__all__ = ["Swarm"]

LOOPBACK = "127.0.0.1"

STOPS_WITHIN = 3.0

FIREHOSE_KEY = "@firehose"
"""Name of the firehose's key file; no companion can be called so."""


class Swarm:
    """Supervises companions, firehose and gateway on a mesh. The gateway's `Control`.

    Args:
        settings: how it is to run.
        home: where keys and memories are; held by the caller.
        cast: the companions by bare name.
        open_brain: makes brains.
        mesh: this process's part of the mesh, entered by the caller.
        clock: seconds since the epoch.
        seeded: gives a source of chance for each purpose, the same for the same seed.
        reload: reads a profile anew.
        ledger: what is spent on thinking; None: it is known until the swarm ends.
        recorder: the recording that is being made, if one is.

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
        open_brain: OpenBrain,
        *,
        mesh: Mesh,
        clock: Callable[[], float],
        seeded: Callable[[str], Random],
        reload: Reload = load_again,
        ledger: Ledger | None = None,
        recorder: Redacts | None = None,
    ) -> None:
        self.settings = settings
        self._home = home
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
        self._ledger = ledger or Ledger.of(None, settings, clock)
        self._members = Members(
            cast,
            open_brain,
            settings=settings,
            home=home,
            mesh=mesh,
            hub=self.hub,
            note=self.turns.note,
            spent=self._ledger.hour,
            embed=self._embed,
            clock=clock,
            seeded=seeded,
        )
        self._steering = Steering(self._members, self.hub.emit, reload=reload)
        self._memories = Memories(home, clock, recorder)

    async def run(self) -> None:
        """Run until cancelled, or until `stop` is called without a name.

        Raises:
            UsageError: a port is taken, before the swarm was ready.
        """
        try:
            async with trio.open_nursery() as nursery:
                for child in (*self._parts, *(member.child for member in self._members)):
                    nursery.start_soon(child.keep)
                nursery.start_soon(give_notice, self._mesh, self.hub.emit)
                nursery.start_soon(self.turns.keep)
                nursery.start_soon(self._ledger.keep, self._tell)
                nursery.start_soon(self._steering.run)
                nursery.start_soon(self._get_ready)
                await self._ending.wait()
                nursery.cancel_scope.cancel()
        finally:
            self.turns.flush()
            self._ledger.flush()

    # What the gateway asks for -------------------------------------------------------------------

    def status(self) -> SwarmStatus:
        """What runs now."""
        mine = {member.id for member in self._members if member.node}
        return SwarmStatus(
            companions=tuple(map(self._members.status_of, self._members)),
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
        child = self._members.named(name).child
        child.stop()
        with trio.move_on_after(STOPS_WITHIN):
            await child.stopped.wait()

    async def restart(self, name: str) -> str:
        """Restart one companion, or start it again, with what stands in its profile now; what is wrong
        with that, if anything is, so that it starts as it was."""
        member = self._members.named(name)
        problem = await self._steering.reread(member)
        member.child.restart()
        return problem

    async def change(self, name: str, wishes: Mapping[str, str]) -> CompanionStatus:
        """Set something for one companion; see `Steering.change`."""
        member = self._members.named(name)
        await self._steering.change(member, wishes)
        return self._members.status_of(member)

    async def renew(self, name: str) -> CompanionStatus:
        """Give one companion a new session; see `Steering.renew`."""
        member = self._members.named(name)
        await self._steering.renew(member)
        return self._members.status_of(member)

    async def forget(self, name: str, wish: Wish) -> Forgotten:
        """Have one companion forget something for good; see `Memories.forget`."""
        return await self._memories.forget(self._members.named(name), wish)

    async def edit(self, name: str, ident: str, text: str) -> Corrected:
        """Correct what one companion remembers; see `Memories.edit`."""
        return await self._memories.edit(self._members.named(name), ident, text)

    async def quiet(self, name: str | None, mode: QuietMode, seconds: float | None) -> None:
        """How much one companion, or all of this swarm, may say, for so many seconds or until it is
        changed."""
        members = self._members if name is None else (self._members.named(name),)
        for member in members:
            member.quiet.set(mode, seconds)

    async def usage(
        self, *, seconds: float, by: UsageBy = "companion", companion: str | None = None
    ) -> UsageReport:
        """What was spent on thinking; see `Ledger.usage`."""
        known = [member.profile.metadata.id for member in self._members]
        return await self._ledger.usage(seconds=seconds, by=by, companion=companion, known=known)

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
        for member in self._members:
            await member.child.settled.wait()
        failed = [m.child for m in self._members if m.child.condition == "failed"]
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
                companions=self._members.names,
            ),
        )
        self.hub.emit(Event(type="ready"))
        self._begin()
        await self._load_embedder()
        await self._members.back_up()

    async def _load_embedder(self) -> None:
        """Learn to tell sense from characters. Only now, since it takes a moment of the start."""
        try:
            self._embedder = await trio.to_thread.run_sync(load_embedder, abandon_on_cancel=True)
        except AikyoError as error:
            self._tell(f"{error}; repetition is told by letters alone")
        chosen = choose_embedder(self.settings.embedder)
        if chosen and not await trio.to_thread.run_sync(chosen.ready, abandon_on_cancel=True):
            self._tell(f"{chosen.name} does not run here; facts are found by words alone")

    def _tell(self, reason: str) -> None:
        self.hub.emit(Event(type="notice", reason=reason))

    def _embed(self, text: str) -> Sequence[float]:
        return self._embedder(text) if self._embedder else ()

    def _begin(self) -> None:
        """Let one companion begin a talk with the others of this swarm."""
        there = [m for m in self._members if m.companion and m.child.condition == "running"]
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

    def _part(self, name: str, run: Callable[[Child], Awaitable[None]]) -> Child:
        return Child(name, run, emit=self.hub.emit, clock=self._clock, essential=True)

    # Status --------------------------------------------------------------------------------------

    def _counters(self) -> Counter[str]:
        """What was taken in, sent and dropped, by reason, in the whole swarm."""
        nodes = [self._voice, *(member.node for member in self._members)]
        counted = self.hub.counters + self._mesh.counters + self.turns.counters
        counted += self._ledger.counters
        for part in (self._firehose, self._observer, *nodes):
            if part is not None:
                counted += part.counters
        return counted


def _port_of(url: str) -> int:
    """The port that a server was given before, so that it comes back on the same; 0 if there is none."""
    return urlsplit(url).port or 0
