"""The companions of a swarm: who they are, and the life of each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import trio
from msgspec.structs import asdict

from ..brain import Brain
from ..brain.cost.spending import Spent
from ..companion import Allowance, Companion, Limits, Profile, Quiet, TurnsTaken, World
from ..companion.session import Overrides, close
from ..config import Settings
from ..conversation import Embed
from ..errors import UsageError, nearest
from ..firehose import Hub
from ..memory import Memory
from ..mesh import Mesh, Node
from ..paths import Home
from ..wire import Activity, CompanionStatus, Event, IdMaker, TurnNote, bare_name, companion_id
from .keeping import Keeper
from .supervisor import Child

__all__ = ["Member", "Members", "OpenBrain"]

READY_DEADLINE = 15.0
"""Seconds that a companion waits for its siblings before it goes on without them."""

OpenBrain = Callable[[Profile, Overrides], Brain]
"""Makes a brain for the companion of a profile, for which a person has set something. May take its time
(an SDK to load, a server to ask), so it is called in a thread. Raises `AikyoError` where it cannot."""

NOTHING_SET = Overrides()


@dataclass(slots=True, eq=False)
class Member:
    """A companion of this swarm: what it is to be, and what runs of it now.

    Attributes:
        name: its bare name here, by which its key and its memory go.
        profile: its character, as it is from its latest session on.
        overrides: what a person has set for it.
        child: keeps it running.
        allowance: what it spends on others' peers; lasts longer than what runs, as the next two do.
        taken: how many turns it has taken, and may.
        quiet: how quiet it was asked to be.
        changing: held by whoever changes its profile or what is set for it, and while it starts.
        id: its id on the mesh.
        companion: what runs; None while nothing does.
        node: its node, likewise.
        memory: its memory, which is open, likewise.
        brain: what it thinks with, or thought with last.
        turns: how many it took in earlier runs.
    """

    name: str
    profile: Profile
    child: Child
    allowance: Allowance
    taken: TurnsTaken
    quiet: Quiet = field(default_factory=Quiet)
    overrides: Overrides = NOTHING_SET
    changing: trio.Lock = field(default_factory=trio.Lock)
    id: str = ""
    companion: Companion | None = None
    node: Node | None = None
    memory: Memory | None = None
    brain: Brain | None = None
    turns: int = 0

    @property
    def thinks_with(self) -> Brain | None:
        """Its brain of now, or the last one."""
        return self.companion.sessions.current.brain if self.companion else self.brain


class Members:
    """The companions of a swarm, in their order.

    Args:
        cast: who they are, by bare name.
        open_brain: makes their brains.
        settings: how the swarm is to run.
        home: where keys and memories are.
        mesh: what they join.
        hub: told of all that happens.
        note: told what only they know of their turns.
        spent: tells what a companion has spent within the hour, by the id of its profile.
        embed: makes vectors of texts.
        clock: seconds since the epoch.
        seeded: gives a source of chance for each purpose.
    """

    def __init__(
        self,
        cast: Sequence[tuple[str, Profile]],
        open_brain: OpenBrain,
        *,
        settings: Settings,
        home: Home,
        mesh: Mesh,
        hub: Hub,
        note: Callable[[TurnNote], None],
        spent: Callable[[str], Spent],
        embed: Embed,
        clock: Callable[[], float],
        seeded: Callable[[str], Random],
    ) -> None:
        self._open_brain = open_brain
        self._settings = settings
        self._home = home
        self._mesh = mesh
        self._hub = hub
        self._note = note
        self._spent = spent
        self._embed = embed
        self._clock = clock
        self._seeded = seeded
        self._keeper = Keeper(settings, clock, self._tell)
        self._members = {name: self._member(name, profile) for name, profile in cast}

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    @property
    def names(self) -> tuple[str, ...]:
        """Their bare names."""
        return tuple(self._members)

    def named(self, name: str) -> Member:
        """The companion that a person calls `name`, bare or as an id.

        Raises:
            UsageError: there is none; names the nearest.
        """
        bare = bare_name(name)
        by_id = {member.id: member for member in self}
        found = by_id.get(name) or self._members.get(bare) or by_id.get(companion_id(bare))
        if found is not None:
            return found
        raise UsageError(f"no companion '{name}' in this swarm{nearest(bare, self._members)}")

    def status_of(self, member: Member) -> CompanionStatus:
        """A companion's row of `aikyo ps`."""
        child, companion, node = member.child, member.companion, member.node
        running = child.condition == "running" and companion is not None
        brain = member.thinks_with
        spent = self._spent(member.profile.metadata.id)
        return CompanionStatus(
            name=member.name,
            id=member.id,
            activity=companion.activity if running and companion else _activity(child),
            display_name=member.profile.metadata.name,
            color=member.profile.metadata.color,
            reason=child.reason or (_reason(companion) if companion else ""),
            since=child.since,
            restarts=child.restarts,
            peers=len(node.peers()) if node else 0,
            inbox=node.received.statistics().current_buffer_used if node else 0,
            dropped=(node.counters["inbox-overflow"] if node else 0)
            + (companion.dropped if companion else 0),
            turns=member.turns + (companion.turns if companion else 0),
            mood=companion.mood if companion else "",
            brain=brain.label if brain else "",
            peer=node.peer if node else "",
            quiet=member.quiet.mode,
            quiet_until=self._epoch(member.quiet.until),
            session=companion.sessions.current.number if companion else 0,
            model=brain.label.partition(" ")[2] if brain else "",
            overrides={key: value for key, value in asdict(member.overrides).items() if value},
            tokens_hour=spent.tokens,
            money_hour=spent.money,
        )

    async def back_up(self) -> None:
        """Back up their memories every night, until cancelled."""
        await self._keeper.back_up(lambda: [self._home.memory(name) for name in self._members])

    def _tell(self, memory: Path, reason: str) -> None:
        """Say something about a companion's memory."""
        member = self._members[memory.stem]
        self._hub.emit(Event(type="notice", companion=member.id, reason=reason))

    async def open_brain(self, profile: Profile, overrides: Overrides) -> Brain:
        """A new brain, that has connected to nothing yet; the caller closes it.

        Raises:
            AikyoError: it cannot be had.
        """
        # In a thread, since the first of a kind may load an SDK for a second or two
        opened = partial(self._open_brain, profile, overrides)
        return await trio.to_thread.run_sync(opened, abandon_on_cancel=True)

    def _member(self, name: str, profile: Profile) -> Member:
        async def run(child: Child) -> None:
            await self._run(member, child)

        ident = profile.metadata.id
        child = Child(ident, run, emit=self._hub.emit, clock=self._clock)
        allowance = Allowance(self._settings.foreign_turns, self._mesh.owns)
        member = Member(name, profile, child, allowance, TurnsTaken(self._limits()), id=ident)
        return member

    def _limits(self) -> Limits:
        settings = self._settings
        return Limits(
            turns_per_talk=settings.turns_per_talk,
            turns_per_hour=settings.turns_per_hour,
            beginnings=0 if settings.topic == "" else settings.beginnings,
            silence=settings.silence,
        )

    async def _run(self, member: Member, child: Child) -> None:
        async with AsyncExitStack() as stack:
            async with member.changing:  # what changed now would be in one half of it
                world = await self._world_of(member, stack)
                companion = member.companion = Companion(member.profile, world)
                member.node, member.id, member.memory = world.node, world.me, world.memory
            child.name = member.id
            try:
                await self._live(member, child, companion)
            finally:
                member.turns += companion.turns
                member.brain = companion.sessions.current.brain
                member.companion = member.node = member.memory = None
                companion.sessions.end()

    async def _world_of(self, member: Member, stack: AsyncExitStack) -> World:
        presence = member.profile.presence(member.profile.metadata.id)
        brain = await stack.enter_async_context(self._brain_of(member))
        memory = await stack.enter_async_context(self._keeper.open(self._home.memory(member.name)))
        node = await stack.enter_async_context(self._mesh.join(self._home.key(member.name), presence))
        return World(
            node=node,
            memory=memory,
            brain=brain,
            clock=self._clock,
            new_id=IdMaker(self._clock, self._seeded(f"ids of {member.name}")),
            emit=self._hub.emit,
            pace=self._settings.pace,
            allowance=member.allowance,
            quiet=member.quiet,
            taken=member.taken,
            embed=self._embed,
            note=self._note,
            owns=self._mesh.owns,
            draft=self._hub.draft,
            open_brain=self.open_brain,
            overrides=member.overrides,
            budget=self._settings.context_tokens,
            learn_after=self._settings.learn_after,
        )

    async def _live(self, member: Member, child: Child, companion: Companion) -> None:
        wanted = member.profile.metadata.id
        if member.id != wanted:
            reason = f"{wanted} is another peer's (`aikyo peers` shows whose); joined as {member.id}"
            self._hub.emit(Event(type="notice", companion=member.id, reason=reason))
        if member.node is not None:
            await self._join_siblings(member.node)
        await companion.sessions.begin()
        child.started()
        await companion.run()

    @asynccontextmanager
    async def _brain_of(self, member: Member) -> AsyncIterator[Brain]:
        """The brain of its first session, which is closed in the end; sessions close the others."""
        brain = member.brain = await self.open_brain(member.profile, member.overrides)
        try:
            yield brain
        finally:
            await close(brain)

    async def _join_siblings(self, node: Node) -> None:
        """Wait until `node` is in the mesh with all siblings that are alive; how many may change. One
        that cannot be reached is not waited for for ever."""
        with trio.move_on_after(READY_DEADLINE):
            while True:
                alive = sum(member.child.condition in {"starting", "running"} for member in self)
                with trio.move_on_after(1.0):
                    await node.ready(alive)
                    return
        reason = f"has not reached all its siblings within {READY_DEADLINE:.0f} s, and goes on without"
        self._hub.emit(Event(type="notice", companion=node.me.id if node.me else None, reason=reason))

    def _epoch(self, until: float | None) -> float:
        """A moment of trio's clock as seconds since the epoch; 0 for none."""
        return 0.0 if until is None else self._clock() + until - trio.current_time()


def _reason(companion: Companion) -> str:
    """Why it rests, and why it cannot remember, if so."""
    forgetful = companion.forgetful and f"cannot remember now: {companion.forgetful}"
    return "; ".join(filter(None, (companion.reason, forgetful)))


def _activity(child: Child) -> Activity:
    """What a companion does that is not up."""
    return "starting" if child.condition == "running" else child.condition
