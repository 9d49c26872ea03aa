"""The in-memory twin of the mesh, for tests and the simulator: no sockets, and deterministic under
trio's virtual clock.

A `MemoryLan` is what several `MemoryMesh` (each one process's part) have in common. Everything on it
hears everything else at once; the rules on ids, senders and duplicates are those of the real one.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial
from heapq import heappop, heappush
from math import inf
from pathlib import Path
from random import Random

import trio

from ..wire import Dialect, Presence
from .base import MeshError, Node, PeerInfo
from .identity import load_identity
from .members.household import Household
from .members.local import LocalNode
from .members.local_mesh import LocalMesh

__all__ = ["LossyLan", "MemoryLan", "MemoryMesh"]


class MemoryLan:
    """The medium: whoever joins meets everybody who is there."""

    def __init__(self) -> None:
        self.nodes: dict[str, MemoryNode] = {}
        self._sequences: dict[str, int] = {}

    def carry(self, topic: str, data: bytes, author: str) -> None:
        """Bring to every node, its author's too, what `author` sent; numbered as on libp2p, each
        author's one by one from the nanoseconds of its start."""
        self._sequences[author] = sequence = self._sequences.get(author, self._start(author)) + 1
        for node in list(self.nodes.values()):
            self.bring(node, topic, data, author, sequence.to_bytes(8, "big"))

    def bring(self, node: MemoryNode, topic: str, data: bytes, author: str, sequence: bytes) -> None:
        """Bring it to one node."""
        node.inbound.take(topic, data, author, sequence)

    def connect(self, one: MemoryNode, other: MemoryNode) -> None:
        """Make neighbours of two nodes, unless one shuts the other out; each learns what the other is,
        as far as that is settled."""
        if one.household.is_blocked(other.peer) or other.household.is_blocked(one.peer):
            return
        for here, there in ((one, other), (other, one)):
            here.meet(there)

    def _start(self, author: str) -> int:
        node = self.nodes.get(author)
        return int(node.clock() * 1e9) if node else 0


class LossyLan(MemoryLan):
    """A medium on which things are lost and come late, as is drawn for each receiver by itself. Whoever
    sends something hears it at once.

    Args:
        random: where it is drawn from.
        loss: the share that is lost, 0 to 1.
        delay: the longest, in seconds; a delay is anything up to it.
        spared: peer ids to which everything comes, and at once.

    Attributes:
        brought: how often something was brought to somebody else, or is on its way.
        lost: how often it was lost instead.
    """

    def __init__(
        self, random: Random, *, loss: float = 0.0, delay: float = 0.0, spared: Collection[str] = ()
    ) -> None:
        super().__init__()
        self.brought = self.lost = 0
        self._random = random
        self._loss = loss
        self._delay = delay
        self._spared = frozenset(spared)
        self._underway: list[tuple[float, int, Callable[[], None]]] = []
        self._sent = trio.Event()

    def bring(self, node: MemoryNode, topic: str, data: bytes, author: str, sequence: bytes) -> None:
        """Bring it to one node, later or not at all."""
        take: Callable[[], None] = partial(super().bring, node, topic, data, author, sequence)
        if node.peer in self._spared or node.peer == author:
            take()
        elif self._random.random() < self._loss:
            self.lost += 1
        else:
            self.brought += 1
            due = trio.current_time() + self._random.uniform(0.0, self._delay)
            heappush(self._underway, (due, self.brought, take))
            self._sent.set()

    async def run(self) -> None:
        """Bring what is on its way when it is due; runs until cancelled."""
        while True:
            self._sent = trio.Event()
            with trio.move_on_at(self._underway[0][0] if self._underway else inf):
                await self._sent.wait()
            while self._underway and self._underway[0][0] <= trio.current_time():
                heappop(self._underway)[2]()  # a node that has left meanwhile lets nothing in


class MemoryNode(LocalNode):
    """A node on a `MemoryLan`."""

    def __init__(
        self,
        peer: str,
        lan: MemoryLan,
        household: Household,
        clock: Callable[[], float],
        dialect: Dialect,
    ) -> None:
        super().__init__(peer, household, clock=clock, dialect=dialect)
        self.household = household
        self.clock = clock
        self._lan = lan
        self._since: dict[str, float] = {}

    def meet(self, other: MemoryNode) -> None:
        """`other` is a neighbour now; learn who it is, unless that is not settled yet."""
        self._since.setdefault(other.peer, self._clock())
        self.household.link(other.peer, self)
        if other.me is not None and other.household is not self.household:
            self.household.learn(other.peer, other.me)

    def part(self, other: MemoryNode) -> None:
        """`other` is no neighbour any more."""
        self._since.pop(other.peer, None)
        self.household.unlink(other.peer, self)

    async def ready(self, companions: int) -> None:
        while len(self.roster) < companions:
            await self.roster.changed()
        await trio.lowlevel.checkpoint()

    def peers(self) -> tuple[PeerInfo, ...]:
        return tuple(
            PeerInfo(peer, self.roster.held_by(peer), (f"/memory/{peer}",), since)
            for peer, since in sorted(self._since.items())
        )

    async def _send(self, topic: str, data: bytes) -> None:
        self._lan.carry(topic, data, self.peer)
        await trio.lowlevel.checkpoint()


class MemoryMesh(LocalMesh):
    """One process's part of a `MemoryLan`.

    Args:
        lan: what it is part of.
        clock: seconds since the epoch.
        dialect: how payloads are written when they are sent.
        roster_file: where pinned ids and blocked peers are kept.
        peer_of: the peer id of whoever joins with a key file; by default it is read from there.
    """

    def __init__(
        self,
        lan: MemoryLan,
        *,
        clock: Callable[[], float] = time.time,
        dialect: Dialect = Dialect.PLAIN,
        roster_file: Path | None = None,
        peer_of: Callable[[Path], str] | None = None,
    ) -> None:
        super().__init__(clock, roster_file=roster_file)
        self._lan = lan
        self._dialect = dialect
        self._peer_of = peer_of or _peer_of

    @asynccontextmanager
    async def _join(self, key: Path, me: Presence | None) -> AsyncIterator[Node]:
        peer = self._peer_of(key)
        if peer in self._lan.nodes:
            raise MeshError(f"{key}: a node with this identity is on the mesh already")
        node = MemoryNode(peer, self._lan, self.household, self.clock, self._dialect)
        self.household.enter(node)
        self._lan.nodes[peer] = node
        try:
            self._connect(node)
            await trio.lowlevel.checkpoint()
            if me is None:
                node.settle(None)
            else:
                self.household.claim(node, me)
            await trio.lowlevel.checkpoint()
            async with node.living():
                self._connect(node)
                yield node
        finally:
            self._lan.nodes.pop(peer, None)
            for other in self._lan.nodes.values():
                other.part(node)
            self.household.leave(node)

    def unblock(self, peer: str) -> bool:
        """See `Mesh.unblock`; it is a neighbour again at once."""
        was_blocked = super().unblock(peer)
        other = self._lan.nodes.get(peer)
        for node in self._own():
            if other is not None:
                self._lan.connect(node, other)
        return was_blocked

    def _shut_out(self, peer: str) -> None:
        other = self._lan.nodes.get(peer)
        for node in self._own():
            if other is not None:
                node.part(other)
                other.part(node)

    def _own(self) -> list[MemoryNode]:
        return [node for node in self._lan.nodes.values() if self.owns(node.peer)]

    def _connect(self, node: MemoryNode) -> None:
        for other in list(self._lan.nodes.values()):
            if other is not node:
                self._lan.connect(node, other)


def _peer_of(key: Path) -> str:
    return load_identity(key).peer
