"""One libp2p host with gossip on a set of topics: peers, streams and bytes, and nothing of companions.

Importing this module imports libp2p (1.5 s).
"""

from __future__ import annotations

import errno
import logging
import socket
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass

import trio
from libp2p.abc import INetStream, ISubscriptionAPI
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr  # type: ignore[import-untyped]  # it ships no types

from ...errors import UsageError
from ..base import MeshError
from ..identity import Identity
from ..interfaces import ANY
from ..refusals import Refusals
from . import repairs
from .connections import Connections, peer_id
from .guard import Guard
from .limits import Limits
from .network import Network
from .presences import Presences

__all__ = ["Host", "Listener"]

log = logging.getLogger(__name__)

_MESHSUB = (TProtocol("/meshsub/1.1.0"), TProtocol("/meshsub/1.0.0"))  # 1.2: an IDONTWANT a message
_IDENTIFY = 5.0
_CLOSE = 2.0
_DRAIN = 0.3
_ROOM = 2.0  # seconds that a publisher waits for a slow peer's queue before that peer's loss is taken
_SIGNED = 1024  # bytes around what is published
_POLL = 0.01
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Listener:
    """What a host tells. None of these may block or raise.

    Attributes:
        message: topic, data, peer id of the signed author, its sequence number.
        connected: the peer id of a new neighbour, for each connection.
        disconnected: the peer id of a neighbour that has no connection any more.
    """

    message: Callable[[str, bytes, str, bytes], None]
    connected: Callable[[str], None]
    disconnected: Callable[[str], None]


class Host:
    """A host that runs while `run` does.

    Args:
        identity: its key.
        listen: the IPv4 address to listen on.
        port: the TCP port; 0 for any.
        network_key: the 32 bytes of a private mesh's key; None: open to all.
        topics: what to subscribe to.
        kept: the one of them of which a newcomer is offered the latest message of each author.
        holds: whether what this author said last on that topic is believed here.
        addresses: this machine's addresses now, for `listen` 0.0.0.0.
        listener: whom to tell.
        counters: what was lost and refused, by reason.
        refusals: who was refused, and why.
        blocked: whether a peer is shut out by the person of this home.
        limits: what a neighbour may cost.

    Attributes:
        started: set once it listens and has subscribed, or has failed.
        port: the TCP port that it listens on, once `started`.

    Raises:
        UsageError: `port` is in use, or not to be had.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        listen: str,
        port: int = 0,
        network_key: bytes | None = None,
        topics: Iterable[str],
        kept: str = "",
        holds: Callable[[str], bool] = lambda _: True,
        addresses: Callable[[], tuple[str, ...]],
        listener: Listener,
        counters: Counter[str],
        refusals: Refusals | None = None,
        blocked: Callable[[str], bool] = lambda _: False,
        limits: Limits = _LIMITS,
    ) -> None:
        repairs.apply()
        _check(listen, port)
        self.started = trio.Event()
        self.port = port
        self._topics = tuple(topics)
        self._listen = Multiaddr(f"/ip4/{listen}/tcp/{port}")
        self._addresses = addresses
        self._listener = listener
        self._stopping = trio.Event()
        self._scope = trio.CancelScope(shield=True)
        self._nursery: trio.Nursery | None = None
        self._guard = Guard(
            limits,
            blocked=blocked,
            addresses=addresses,
            counters=counters,
            refusals=Refusals(time.time) if refusals is None else refusals,
            banned=self._close_soon,
        )
        self._network = Network(create_new_key_pair(identity.seed), self._guard, key=network_key)
        repairs.silence_auto_connector(self._network)
        self._host = repairs.RepairedHost(
            self._network,
            negotiate_timeout=10,
            addrs_factory=self._expand,
            disable_identify_address_discovery=True,
        )
        self._gossip = _new_gossip(counters, limits, Presences(kept, holds))
        self._pubsub = repairs.RepairedPubsub(
            self._host,
            self._gossip,
            strict_signing=True,
            max_inbound_rpc_size=repairs.MAX_RPC,
            msg_id_constructor=repairs.message_id,
            allowed_topics=frozenset(self._topics),
            guard=self._guard,
        )
        # By default whole seconds: after a quick restart numbers come again, and are dropped as seen.
        self._pubsub.counter = time.time_ns()
        self._connections = Connections(
            self._network, self._guard, listener.connected, listener.disconnected
        )

    async def run(self) -> None:
        """Run until `stop`, then close every connection; cancellation alone does not end it.

        It is shielded, since libp2p leaks its sockets when its services are cancelled before they are
        closed; the caller's duty is to call `stop`, and closing takes two seconds at the most.
        """
        try:
            with self._scope:
                async with (
                    self._host.run([self._listen]),
                    background_trio_service(self._pubsub),
                    background_trio_service(self._gossip),
                ):
                    await self._serve()
        finally:
            self.started.set()
            self._pubsub.seen_messages.stop()  # a thread

    def stop(self) -> None:
        """Begin to close."""
        self._stopping.set()
        self._connections.closing = True
        self._scope.deadline = trio.current_time() + _CLOSE

    def serve(self, protocol: TProtocol, handler: Callable[[INetStream], Awaitable[None]]) -> None:
        """Answer streams of `protocol`."""
        self._host.set_stream_handler(protocol, handler)

    def addresses_changed(self) -> None:
        """Advertise this machine's addresses anew."""
        self._host.forget_addrs()

    def neighbours(self) -> dict[str, tuple[str, ...]]:
        """The peers with an open connection, and the addresses of these connections."""
        return self._connections.neighbours()

    def connected(self, peer: str) -> bool:
        """Whether a connection to `peer` is open."""
        return self._connections.has(peer)

    def inbound(self, peer: str) -> bool:
        """Whether `peer` opened a connection that is open."""
        return self._connections.inbound(peer)

    async def dial(self, peer: str, addresses: Iterable[str]) -> bool:
        """See `Connections.dial`."""
        return await self._connections.dial(peer, addresses)

    async def close(self, peer: str) -> None:
        """Close every connection to `peer`."""
        await self._connections.close(peer)

    async def close_moved(self, ips: Collection[str]) -> None:
        """Close the connections whose address on this machine is none of `ips` any more."""
        await self._connections.close_moved(ips)

    async def open(self, peer: str, protocol: TProtocol) -> INetStream | None:
        """A stream to a neighbour, None when it does not speak `protocol`. Waits for identify, 5 s.

        Raises:
            MeshError: the stream cannot be opened.
        """
        ident = peer_id(peer)
        await _until(lambda: bool(self._protocols(ident)), _IDENTIFY)
        if protocol not in self._protocols(ident):
            return None
        try:
            return await self._host.new_stream(ident, [protocol])
        except Exception as error:  # libp2p raises anything
            raise MeshError(f"no stream to {peer}: {error}") from error

    async def agent(self, peer: str) -> str:
        """What a neighbour says that it runs (``js-libp2p/2.9.0 …``); waits for identify, 5 s, and is
        empty without."""
        ident = peer_id(peer)
        await _until(lambda: bool(self._protocols(ident)), _IDENTIFY)
        return self.agent_of(peer)

    def agent_of(self, peer: str) -> str:
        """The same, as far as it is known now."""
        try:
            return str(self._host.get_peerstore().get(peer_id(peer), repairs.AGENT))
        except PeerStoreError:
            return ""

    async def publish(self, topic: str, data: bytes) -> None:
        """Queue to every peer that wants `topic`; waits up to 2 s for queues that are nearly full.

        Raises:
            MeshError: the host is not running, or libp2p fails.
        """
        if not self._pubsub.manager.is_running:
            raise MeshError("the host is not running")
        size = len(data) + _SIGNED
        await _until(lambda: not any(queue.worth_waiting_for(size) for queue in self._queues()), _ROOM)
        for queue in self._queues():
            queue.give_up(size)
        try:
            await self._pubsub.publish(topic, data)
        except Exception as error:  # libp2p raises anything when it is closing
            raise MeshError(f"the host cannot publish: {error!r}") from error
        await trio.lowlevel.checkpoint()  # else a burst fills the queues before anything is sent

    def passes_to(self, topic: str) -> frozenset[str]:
        """The neighbours that are given all that comes on `topic`, whoever wrote it."""
        return frozenset(repairs.peer_name(peer.to_bytes()) for peer in self._gossip.mesh.get(topic, ()))

    async def _serve(self) -> None:
        await self._pubsub.wait_until_ready()
        listening = self._host.get_transport_addrs()
        if not listening:
            raise MeshError(f"cannot listen on {self._listen}")
        self.port = int(listening[0].value_for_protocol("tcp"))
        self._host.forget_addrs()
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._connections.hang_up)
                for topic in self._topics:
                    nursery.start_soon(self._read, topic, await self._pubsub.subscribe(topic))
                self.started.set()
                await self._stopping.wait()
                await _until(lambda: not any(map(len, self._pubsub.peer_queues.values())), _DRAIN)
                nursery.cancel_scope.cancel()
        finally:
            self._nursery = None
            with trio.CancelScope(shield=True), trio.move_on_after(_CLOSE / 2):
                await self._connections.close_all()
                await self._host.close()

    async def _read(self, topic: str, subscription: ISubscriptionAPI) -> None:
        async for message in subscription:
            self._listener.message(
                topic, message.data, repairs.peer_name(message.from_id), message.seqno
            )

    def _close_soon(self, peer: str) -> None:
        if self._nursery is not None:
            self._nursery.start_soon(self.close, peer)

    def _expand(self, candidates: list[Multiaddr]) -> list[Multiaddr]:
        """By default identify tells others 0.0.0.0."""
        if ANY not in str(self._listen):
            return candidates
        return [Multiaddr(f"/ip4/{ip}/tcp/{self.port}") for ip in self._addresses()]

    def _queues(self) -> list[repairs.RoomyQueue]:
        queues = self._pubsub.peer_queues.values()
        return [queue for queue in queues if isinstance(queue, repairs.RoomyQueue)]

    def _protocols(self, peer: ID) -> list[str]:
        try:
            return list(self._host.get_peerstore().get_protocols(peer))
        except PeerStoreError:
            return []


def _check(listen: str, port: int) -> None:
    """Whether the port is free: libp2p would share one that another host listens on."""
    if not port:
        return
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((listen, port))
        except OverflowError:
            raise UsageError(f"there is no port {port}; choose --mesh-port up to 65535") from None
        except OSError as error:
            why = "is in use" if error.errno == errno.EADDRINUSE else "is not to be had"
            raise UsageError(
                f"port {port} on {listen} {why}; choose another with --mesh-port, or 0 for a free one"
            ) from None


def _new_gossip(counters: Counter[str], limits: Limits, presences: Presences) -> repairs.RepairedGossip:
    return repairs.RepairedGossip(
        _MESHSUB,
        degree=6,  # and at the most 12: in a small mesh everybody is in everybody's
        degree_low=4,
        degree_high=12,
        heartbeat_interval=1,  # by default 120 s: lost messages are repaired after minutes
        adaptive_gossip_enabled=False,
        spam_protection_enabled=False,  # by default ten messages a second
        eclipse_protection_enabled=False,  # by default wants several addresses, and there may be one
        gossip_window=5,
        gossip_history=12,  # ten seconds for one who comes back: TCP and dials take as long
        prune_back_off=10,
        unsubscribe_back_off=2,
        counters=counters,
        limits=limits,
        presences=presences,
    )


async def _until(condition: Callable[[], bool], limit: float) -> None:
    """Wait for what libp2p tells nobody, `limit` seconds at the most."""
    with trio.move_on_after(limit):
        while not condition():  # noqa: ASYNC110  # there is no event for it
            await trio.sleep(_POLL)
