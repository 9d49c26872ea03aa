"""The mesh on libp2p: discovery, dialing, metadata, and the nodes of this process.

Importing this module imports libp2p (1.5 s): do so only where a host is really started.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import trio
from libp2p.abc import INetStream

from ..errors import UsageError
from ..wire import Dialect, Presence, Topic
from .base import MeshError, Node, PeerInfo
from .dialer import Dialer
from .host import Host, Listener
from .household import LocalMesh
from .identity import Identity, load_identity
from .interfaces import ANY, local_interfaces
from .local import LocalNode, background
from .mdns import Mdns, Sighting
from .mdns_packets import mesh_tag
from .metadata import METADATA, read_metadata, write_metadata

__all__ = ["Libp2pMesh", "MeshOptions"]

log = logging.getLogger(__name__)

_LOOK_FOR = 0.3  # seconds from the first announcement until who answers is believed to be all
_SETTLE = 1.0  # seconds that the first id waits at the most for those that are being met
_ASK = 5.0
_ANSWER = 2.0  # seconds that one who asks waits at the most for our id to be settled
_ASK_FIRST = 0.15  # seconds that one who asks waits at the most while we ask it


@dataclass(frozen=True, slots=True, kw_only=True)
class MeshOptions:
    """How a process takes part.

    Attributes:
        name: keeps meshes on one LAN apart; empty is the standard one.
        listen: the IPv4 address that hosts listen on.
        port: the TCP port of the node that is no companion's (the firehose's); 0 for any.
        bootstrap: multiaddrs, with ``/p2p/…``, of peers to join by, beyond the LAN.
        network_key: the 32 bytes of a pre-shared key; peers without it are strangers. None: open to all.
        roster_file: where pinned ids and blocked peers are kept; None: in memory alone.
        dialect: how payloads are written when they are sent.
        mdns: look for peers of other processes.
    """

    name: str = ""
    listen: str = ANY
    port: int = 0
    bootstrap: tuple[str, ...] = ()
    network_key: bytes | None = None
    roster_file: Path | None = None
    dialect: Dialect = Dialect.PLAIN
    mdns: bool = True


class Libp2pNode(LocalNode):
    """A node with a libp2p host of its own."""

    def __init__(self, identity: Identity, mesh: Libp2pMesh) -> None:
        super().__init__(
            identity.peer,
            mesh.roster,
            mesh.household.hear,
            clock=mesh.clock,
            dialect=mesh.options.dialect,
        )
        self._mesh = mesh
        self._since: dict[str, float] = {}
        self._prefix = f"{mesh.options.name}/" if mesh.options.name else ""
        self.host = Host(
            identity,
            listen=mesh.options.listen,
            topics=[self._prefix + topic for topic in Topic],
            addresses=mesh.addresses,
            listener=Listener(self._heard, self._connected, self._disconnected),
            counters=self.counters,
        )

    async def ready(self, companions: int) -> None:
        while not (len(self.roster) >= companions and self._reaches_siblings()):
            with trio.move_on_after(0.02):  # gossip tells nobody when its mesh grows
                await self.roster.changed()

    def peers(self) -> tuple[PeerInfo, ...]:
        return tuple(
            PeerInfo(peer, self.roster.held_by(peer), addresses, self._since.get(peer, 0.0))
            for peer, addresses in sorted(self.host.neighbours().items())
        )

    async def run(self) -> None:
        """Run the host; a crash of it ends this node and no other."""
        try:
            await self.host.run()
        except* Exception as group:
            log.exception("the host of %s crashed", self.peer)
            self.fail(MeshError(f"the node {self.peer} has failed: {_first(group)!r}"))

    async def answer(self, stream: INetStream) -> None:
        """Say who we are, once that is settled; but first hear who asks, if we are just asking it."""
        with trio.move_on_after(_ANSWER):
            await self.settled.wait()
        asking = self._mesh.asking.get(str(stream.muxed_conn.peer_id))
        if asking is not None:
            with trio.move_on_after(_ASK_FIRST):
                await asking.wait()
        with trio.fail_after(_ASK):
            await write_metadata(stream, self.me)

    async def _send(self, topic: str, data: bytes) -> None:
        await self.host.publish(self._prefix + topic, data)

    def _reaches_siblings(self) -> bool:
        siblings = (peer for peer in self._mesh.household.nodes if peer != self.peer)
        return all(self.host.reaches(peer) for peer in siblings)

    def _heard(self, topic: str, data: bytes, author: str, sequence: bytes) -> None:
        self.inbound.take(topic.removeprefix(self._prefix), data, author, sequence)

    def _connected(self, peer: str) -> None:
        self._since.setdefault(peer, self._mesh.clock())
        self._mesh.connected(self, peer)

    def _disconnected(self, peer: str) -> None:
        self._since.pop(peer, None)
        self._mesh.disconnected(self, peer)


class Libp2pMesh(LocalMesh):
    """This process's part of a mesh of libp2p hosts.

    Args:
        options: how it takes part.
        clock: seconds since the epoch.
        random: for the order and the jitter of dials.

    Attributes:
        asking: peers whose metadata is being asked for, until the event is set.
    """

    def __init__(self, options: MeshOptions, *, clock: Callable[[], float], random: Random) -> None:
        super().__init__(clock, roster_file=options.roster_file, name=options.name)
        self.options = options
        self.asking: dict[str, trio.Event] = {}
        self._nodes: dict[str, Libp2pNode] = {}
        self._addresses: tuple[str, ...] = ()
        self._unmet: set[str] = set()
        self._met = trio.Event()
        self._announced_at: float | None = None
        self._nursery: trio.Nursery | None = None
        self._mdns = Mdns(
            mesh_tag(options.name),
            options.listen,
            on_sighting=self._sighted,
            on_addresses=self._moved,
            counters=self.counters,
        )
        self._dialer = Dialer(
            lambda: {peer: node.host for peer, node in self._nodes.items()},
            self._sibling_addresses,
            lambda: {sighting.peer: sighting.addresses for sighting in self._mdns.sightings},
            random=random,
            failed=self._meeting_over,
        )

    def addresses(self) -> tuple[str, ...]:
        """This machine's addresses that our hosts listen on, now."""
        return self._addresses

    def connected(self, node: Libp2pNode, peer: str) -> None:
        """`node` has a connection to `peer`: ask who it is, unless that is known."""
        self.household.link(peer, node)
        if peer in self._nodes or peer in self.asking or self._nursery is None:
            return
        if self.household.knows(peer):
            return
        self._unmet.add(peer)
        self.asking[peer] = trio.Event()
        self._nursery.start_soon(self._ask, node, peer)

    def disconnected(self, node: Libp2pNode, peer: str) -> None:
        """`node` has no connection to `peer` any more."""
        self.household.unlink(peer, node)
        self._dialer.wake()

    async def _start(self, nursery: trio.Nursery) -> None:
        self._moved(tuple(interface.ip for interface in local_interfaces(self.options.listen)))
        if self.options.listen != ANY and not self._addresses:
            raise UsageError(f"--listen {self.options.listen}: not an IPv4 address of this machine")
        self._nursery = nursery
        nursery.start_soon(self._dialer.run)
        if self.options.mdns:
            await nursery.start(self._mdns.run)

    @asynccontextmanager
    async def _join(self, key: Path, me: Presence | None) -> AsyncIterator[Node]:
        identity = load_identity(key)
        if identity.peer in self._nodes:
            raise MeshError(f"{key}: this identity is on the mesh already")
        node = Libp2pNode(identity, self)
        if me is not None:
            node.host.serve(METADATA, node.answer)
        async with background() as nursery:
            nursery.start_soon(node.run)
            try:
                await node.host.started.wait()
                node.check()
                self._enter(node)
                await self._settle(node, me)
                async with node.living():
                    yield node
            finally:
                node.host.stop()
                with trio.CancelScope(shield=True), trio.move_on_after(0.5):
                    await self._mdns.withdraw(node.peer)
                self._nodes.pop(node.peer, None)
                self.household.leave(node)

    def _enter(self, node: Libp2pNode) -> None:
        self._nodes[node.peer] = node
        self.household.enter(node)
        self._mdns.announce(node.peer, node.host.port)
        if self._announced_at is None:
            self._announced_at = trio.current_time()
            for sighting in self._mdns.sightings:
                self._sighted(sighting)
        self._dialer.wake()

    async def _settle(self, node: Libp2pNode, me: Presence | None) -> None:
        """Take an id, once those who are on the network already had their chance to tell theirs."""
        if me is None:
            node.settle(None)
            return
        if self.options.mdns and self._announced_at is not None:
            with trio.move_on_at(self._announced_at + _SETTLE):
                await trio.sleep_until(self._announced_at + _LOOK_FOR)
                while self._unmet:
                    await self._met.wait()
        self.household.claim(node, me)

    async def _ask(self, first: Libp2pNode, peer: str) -> None:
        """Learn who `peer` is, through one after the other of our nodes that it is connected to, since
        the first may lose its connection meanwhile."""
        tried: set[str] = set()
        node: Libp2pNode | None = first
        try:
            while node is not None and not self.household.knows(peer):
                await self._ask_through(node, peer)
                tried.add(node.peer)
                linked = (own for own in self._nodes if self.household.linked(peer, own))
                node = next((self._nodes[own] for own in linked if own not in tried), None)
        finally:
            self.asking.pop(peer).set()
            self._meeting_over(peer)

    async def _ask_through(self, node: Libp2pNode, peer: str) -> None:
        """Nothing that `peer` answers, or does not, is an error of ours."""
        try:
            with trio.move_on_after(_ASK):
                stream = await node.host.open(peer, METADATA)
                presence = None if stream is None else await read_metadata(stream)
                if presence is not None:
                    self.household.learn(peer, presence)
        except Exception as error:  # libp2p raises anything when a peer goes meanwhile
            log.info("%s does not tell who it is: %r", peer, error)

    def _is_meeting(self) -> bool:
        """Whether an id may still have to wait for somebody; who comes later need not be noted."""
        return self._announced_at is not None and trio.current_time() < self._announced_at + _SETTLE

    def _meeting_over(self, peer: str) -> None:
        self._unmet.discard(peer)
        self._met.set()
        self._met = trio.Event()

    def _sighted(self, sighting: Sighting) -> None:
        if self._is_meeting() and not self.household.linked(sighting.peer):
            self._unmet.add(sighting.peer)
        self._dialer.wake()

    def _moved(self, addresses: tuple[str, ...]) -> None:
        self._addresses = addresses
        for node in self._nodes.values():
            node.host.addresses_changed()

    def _sibling_addresses(self) -> dict[str, tuple[str, ...]]:
        ip = "127.0.0.1" if self.options.listen == ANY else self.options.listen
        return {peer: (f"/ip4/{ip}/tcp/{node.host.port}",) for peer, node in self._nodes.items()}


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
