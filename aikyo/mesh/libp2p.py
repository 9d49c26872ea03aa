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
from typing import NoReturn

import trio

from ..errors import UsageError
from ..wire import Dialect, Presence, Topic
from .base import MeshError, Node
from .finding.bootstrap import parse_bootstrap
from .finding.dialer import Dialer, Targets
from .finding.mdns import Mdns, Sighting
from .finding.mdns_packets import mesh_tag
from .finding.whereabouts import Whereabouts
from .host.flow import flows_to_all
from .host.metadata import METADATA, read_metadata
from .identity import load_identity
from .interfaces import ANY, local_interfaces
from .libp2p_node import ASK, Libp2pNode
from .members.local import background
from .members.local_mesh import LocalMesh
from .members.status import Sought

__all__ = ["Libp2pMesh", "Libp2pNode", "MeshOptions"]

log = logging.getLogger(__name__)

_LOOK_FOR = 0.3  # seconds from the first announcement until who answers is believed to be all
_SETTLE = 1.0  # seconds that the first id waits at the most for those that are being met
_FLOW = 0.05  # seconds for which what was found of gossip's meshes holds
_WATCH = 2.0  # seconds between looks at the clocks, and at the interfaces where there is no mDNS
_SLEPT = 10.0  # seconds that the wall clock is ahead of the other one after the machine slept


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
        self.household.heard = self._heard
        self.options = options
        self._private = options.network_key is not None
        self.asking: dict[str, trio.Event] = {}
        self._nodes: dict[str, Libp2pNode] = {}
        self._addresses: tuple[str, ...] = ()
        self._unmet: set[str] = set()
        self._met = trio.Event()
        self._announced_at: float | None = None
        self._nursery: trio.Nursery | None = None
        self._flow: tuple[float, bool] = (-_FLOW, False)
        self._whereabouts = Whereabouts(map(parse_bootstrap, options.bootstrap), clock=clock)
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
            self._others,
            always=self._whereabouts.named,
            random=random,
            failed=self._meeting_over,
        )

    def addresses(self) -> tuple[str, ...]:
        """This machine's addresses that our hosts listen on, now."""
        return self._addresses

    def is_blocked(self, peer: str) -> bool:
        """Whether `peer` is shut out."""
        return self.household.pins.is_blocked(peer)

    def is_one(self) -> bool:
        """Whether what one of our nodes publishes now gets to all of the others, on every topic."""
        now = trio.current_time()
        if now - self._flow[0] >= _FLOW:
            flows = (
                flows_to_all({peer: node.passes_to(topic) for peer, node in self._nodes.items()})
                for topic in Topic
            )
            self._flow = (now, all(flows))
        return self._flow[1]

    def connected(self, node: Libp2pNode, peer: str) -> None:
        """`node` has a connection to `peer`: ask who it is, unless that is known."""
        self.household.link(peer, node)
        self._whereabouts.note(peer, "inbound" if node.host.inbound(peer) else "mesh")
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
        nursery.start_soon(self._watch)
        if self.options.mdns:
            await nursery.start(self._mdns.run)

    @asynccontextmanager
    async def _join(self, key: Path, me: Presence | None) -> AsyncIterator[Node]:
        identity = load_identity(key)
        if identity.peer in self._nodes:
            raise MeshError(f"{key}: this identity is on the mesh already")
        node = Libp2pNode(identity, self, port=self.options.port if me is None else 0)
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
            with trio.move_on_after(ASK):
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

    def _heard(self, peer: str, presence: Presence) -> None:
        """A presence that holds tells where its peer is."""
        if peer not in self._nodes and self._whereabouts.hear(peer, presence, self._addresses):
            self._dialer.wake()

    def _sighted(self, sighting: Sighting) -> None:
        self._whereabouts.note(sighting.peer, "mdns")
        if self._is_meeting() and not self.household.linked(sighting.peer):
            self._unmet.add(sighting.peer)
        self._dialer.wake()

    def _moved(self, addresses: tuple[str, ...]) -> None:
        """What went through an address that is gone is dead, though TCP would wait; the others are told
        where we are now."""
        gone = not set(self._addresses) <= set(addresses)
        self._addresses = addresses
        for node in self._nodes.values():
            node.host.addresses_changed()
            node.present_again()
            if gone and self._nursery is not None:
                self._nursery.start_soon(node.host.close_moved, addresses)
        self._dialer.start_anew()

    async def _watch(self) -> NoReturn:
        """Notice that the machine slept, and where there is no mDNS, that its addresses changed."""
        while True:
            wall, steady = self.clock(), trio.current_time()
            await trio.sleep(_WATCH)
            if self.clock() - wall - (trio.current_time() - steady) > _SLEPT:
                log.info("the machine slept; everybody is looked for anew")
                self._mdns.look_again()
                self._dialer.start_anew()
                for node in self._nodes.values():
                    node.present_again()
            if not self.options.mdns:
                self._look_around()

    def _look_around(self) -> None:
        try:
            now = tuple(interface.ip for interface in local_interfaces(self.options.listen))
        except OSError as error:
            log.warning("cannot list the network interfaces: %s", error)
            return
        if now != self._addresses:
            self._moved(now)

    def _sought(self) -> Sought:
        return Sought(self._others(), self._dialer.unreachable, self._whereabouts.found)

    def _shut_out(self, peer: str) -> None:
        for node in self._nodes.values():
            if self._nursery is not None:
                self._nursery.start_soon(node.host.close, peer)

    def _others(self) -> Targets:
        found = self._whereabouts.targets(self._mdns.sightings, self._addresses)
        return {peer: places for peer, places in found.items() if not self.is_blocked(peer)}

    def _sibling_addresses(self) -> dict[str, tuple[str, ...]]:
        ip = "127.0.0.1" if self.options.listen == ANY else self.options.listen
        return {peer: (f"/ip4/{ip}/tcp/{node.host.port}",) for peer, node in self._nodes.items()}
