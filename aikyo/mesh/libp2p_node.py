"""One member of the mesh with a libp2p host of its own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio
from libp2p.abc import INetStream

from ..wire import Topic
from .base import MeshError, PeerInfo
from .host.host import Host, Listener
from .host.metadata import write_metadata
from .identity import Identity
from .members.local import LocalNode

if TYPE_CHECKING:
    from .libp2p import Libp2pMesh

__all__ = ["ASK", "Libp2pNode"]

log = logging.getLogger(__name__)

ASK = 5.0
"""Seconds that asking who somebody is takes at the most, on either side."""

_ANSWER = 2.0  # seconds that one who asks waits at the most for our id to be settled
_ASK_FIRST = 2.0  # seconds that one who asks waits at the most while we ask it
_OURS = "py-libp2p/"  # how those begin to tell what they run who answer everybody who asks
_POLL = 0.05
_MOST_ADDRESSES = 16  # that a presence tells


class Libp2pNode(LocalNode):
    """A node with a libp2p host of its own.

    Args:
        identity: its key.
        mesh: what it is a node of.
        port: the TCP port to listen on; 0 for any.
    """

    def __init__(self, identity: Identity, mesh: Libp2pMesh, *, port: int = 0) -> None:
        super().__init__(identity.peer, mesh.household, clock=mesh.clock, dialect=mesh.options.dialect)
        self._mesh = mesh
        self._since: dict[str, float] = {}
        self._prefix = f"{mesh.options.name}/" if mesh.options.name else ""
        self.host = Host(
            identity,
            listen=mesh.options.listen,
            port=port,
            network_key=mesh.options.network_key,
            topics=[self._prefix + topic for topic in Topic],
            kept=self._prefix + Topic.PRESENCE,
            holds=lambda peer: self.roster.held_by(peer) is not None,
            addresses=mesh.addresses,
            listener=Listener(self._heard, self._connected, self._disconnected),
            counters=self.counters,
            refusals=mesh.refusals,
            blocked=mesh.is_blocked,
        )

    async def ready(self, companions: int) -> None:
        """See `Node.ready`."""
        while not (len(self.roster) >= companions and self._mesh.is_one()):
            with trio.move_on_after(_POLL):  # gossip tells nobody when its mesh grows
                await self.roster.changed()

    def peers(self) -> tuple[PeerInfo, ...]:
        """See `Node.peers`."""
        return tuple(
            PeerInfo(
                peer,
                self.roster.held_by(peer),
                addresses,
                self._since.get(peer, 0.0),
                self.host.agent_of(peer),
            )
            for peer, addresses in sorted(self.host.neighbours().items())
        )

    def reachable_at(self) -> tuple[str, ...]:
        """See `LocalNode.reachable_at`; loopback last."""
        ips = self._mesh.addresses() if self.host.port else ()
        return tuple(f"/ip4/{ip}/tcp/{self.host.port}" for ip in ips)[:_MOST_ADDRESSES]

    async def run(self) -> None:
        """Run the host; a crash of it ends this node and no other."""
        try:
            await self.host.run()
        except* Exception as group:
            log.exception("the host of %s crashed", self.peer)
            self.fail(MeshError(f"the node {self.peer} has failed: {_first(group)!r}"))

    async def answer(self, stream: INetStream) -> None:
        """Say who we are, once that is settled; but first hear who asks, if we are just asking it and
        it is none of ours: those of the TypeScript aikyo tell nothing to whom they know."""
        with trio.move_on_after(_ANSWER):
            await self.settled.wait()
        peer = str(stream.muxed_conn.peer_id)
        asking = self._mesh.asking.get(peer)
        if asking is not None:
            with trio.move_on_after(_ASK_FIRST):
                if not (await self.host.agent(peer)).startswith(_OURS):
                    await asking.wait()
        with trio.fail_after(ASK):
            await write_metadata(stream, self.me)

    def passes_to(self, topic: Topic) -> frozenset[str]:
        """The peers that are given what comes here on `topic`."""
        return self.host.passes_to(self._prefix + topic)

    async def _send(self, topic: str, data: bytes) -> None:
        await self.host.publish(self._prefix + topic, data)

    def _heard(self, topic: str, data: bytes, author: str, sequence: bytes) -> None:
        self.inbound.take(topic.removeprefix(self._prefix), data, author, sequence)

    def _connected(self, peer: str) -> None:
        self._since.setdefault(peer, self._mesh.clock())
        self._mesh.connected(self, peer)

    def _disconnected(self, peer: str) -> None:
        self._since.pop(peer, None)
        self._mesh.disconnected(self, peer)


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
