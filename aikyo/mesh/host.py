"""One libp2p host with gossip on a set of topics: peers, streams and bytes, and nothing of companions.

Importing this module imports libp2p (1.5 s).
"""

from __future__ import annotations

import functools
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

import trio
from libp2p import new_swarm
from libp2p.abc import INetConn, INetStream, INetwork, INotifee, ISubscriptionAPI
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_new_x25519_key_pair
from libp2p.custom_types import TProtocol
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID as YAMUX
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.tools.anyio_service import background_trio_service
from multiaddr import Multiaddr  # type: ignore[import-untyped]  # it ships no types

from . import repairs
from .base import MeshError
from .identity import Identity
from .interfaces import ANY

__all__ = ["Host", "Listener"]

log = logging.getLogger(__name__)

_MESHSUB = (TProtocol("/meshsub/1.1.0"), TProtocol("/meshsub/1.0.0"))  # 1.2: an IDONTWANT a message
_DIAL = 5.0
_IDENTIFY = 5.0
_CLOSE = 2.0
_DRAIN = 0.3
_ROOM = 1.0  # seconds that a publisher waits for a slow peer's queue before that peer's loss is taken
_POLL = 0.01


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
        listen: the IPv4 address to listen on; the port is the system's choice.
        topics: what to subscribe to.
        addresses: this machine's addresses now, for `listen` 0.0.0.0.
        listener: whom to tell.
        counters: what was lost, by reason.

    Attributes:
        started: set once it listens and has subscribed, or has failed.
        port: the TCP port, once it listens.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        listen: str,
        topics: Iterable[str],
        addresses: Callable[[], tuple[str, ...]],
        listener: Listener,
        counters: Counter[str],
    ) -> None:
        repairs.apply()
        self.started = trio.Event()
        self.port = 0
        self._topics = tuple(topics)
        self._listen = Multiaddr(f"/ip4/{listen}/tcp/0")
        self._addresses = addresses
        self._listener = listener
        self._stopping = trio.Event()
        self._scope = trio.CancelScope(shield=True)
        self._network = _new_network(identity, self._listen)
        self._host = repairs.RepairedHost(
            self._network,
            negotiate_timeout=10,
            addrs_factory=self._expand,
            disable_identify_address_discovery=True,
        )
        self._gossip = _new_gossip(counters)
        self._pubsub = repairs.RepairedPubsub(
            self._host,
            self._gossip,
            strict_signing=True,
            max_inbound_rpc_size=repairs.MAX_RPC,
            msg_id_constructor=repairs.message_id,
            allowed_topics=frozenset(self._topics),
            counters=counters,
        )
        # By default whole seconds: after a quick restart numbers come again, and are dropped as seen.
        self._pubsub.counter = time.time_ns()
        self._network.register_notifee(_Notifee(self, listener))

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
        self._scope.deadline = trio.current_time() + _CLOSE

    def serve(self, protocol: TProtocol, handler: Callable[[INetStream], Awaitable[None]]) -> None:
        """Answer streams of `protocol`."""
        self._host.set_stream_handler(protocol, handler)

    def addresses_changed(self) -> None:
        """Advertise this machine's addresses anew."""
        self._host.forget_addrs()

    def neighbours(self) -> dict[str, tuple[str, ...]]:
        """The peers with an open connection, and the addresses of these connections."""
        return {
            str(peer): tuple(_remote_address(connection) for connection in connections)
            for peer, connections in self._network.connections.items()
            if any(not connection.is_closed for connection in connections)
        }

    def connected(self, peer: str) -> bool:
        """Whether a connection to `peer` is open."""
        connections = self._network.connections.get(_ident(peer), ())
        return any(not connection.is_closed for connection in connections)

    async def dial(self, peer: str, addresses: Iterable[str]) -> bool:
        """Try each address in turn until one leads to `peer`; False when none does. Takes no longer
        than 5 s an address; `BasicHost.connect` would try one and then refuse the peer for a minute."""
        for address in addresses:
            if self._stopping.is_set() or self.connected(peer):
                break
            try:
                with trio.fail_after(_DIAL):
                    await self._network.dial_addr(Multiaddr(address), _ident(peer))
            except Exception as error:  # libp2p raises anything; the next address may do
                log.info("cannot reach %s at %s: %r", peer, address, error)
        return self.connected(peer)

    async def open(self, peer: str, protocol: TProtocol) -> INetStream | None:
        """A stream to a neighbour, None when it does not speak `protocol`. Waits for identify, 5 s.

        Raises:
            MeshError: the stream cannot be opened.
        """
        ident = _ident(peer)
        await _until(lambda: bool(self._protocols(ident)), _IDENTIFY)
        if protocol not in self._protocols(ident):
            return None
        try:
            return await self._host.new_stream(ident, [protocol])
        except Exception as error:  # libp2p raises anything
            raise MeshError(f"no stream to {peer}: {error}") from error

    async def publish(self, topic: str, data: bytes) -> None:
        """Queue to every peer that wants `topic`; waits up to 1 s for queues that are nearly full.

        Raises:
            MeshError: the host is not running, or libp2p fails.
        """
        if not self._pubsub.manager.is_running:
            raise MeshError("the host is not running")
        await _until(lambda: not any(queue.worth_waiting_for for queue in self._queues()), _ROOM)
        for queue in self._queues():
            queue.give_up()
        try:
            await self._pubsub.publish(topic, data)
        except Exception as error:  # libp2p raises anything when it is closing
            raise MeshError(f"the host cannot publish: {error!r}") from error
        await trio.lowlevel.checkpoint()  # else a burst fills the queues before anything is sent

    def reaches(self, peer: str) -> bool:
        """Whether what is published here now, on any topic, gets to `peer`.

        A full mesh will do: our own messages go to every subscriber, and others are passed on.
        """
        ident = _ident(peer)
        meshes = (self._gossip.mesh.get(topic, set()) for topic in self._topics)
        return all(ident in mesh or len(mesh) >= self._gossip.degree_low for mesh in meshes)

    async def _serve(self) -> None:
        await self._pubsub.wait_until_ready()
        listening = self._host.get_transport_addrs()
        if not listening:
            raise MeshError(f"cannot listen on {self._listen}")
        self.port = int(listening[0].value_for_protocol("tcp"))
        try:
            async with trio.open_nursery() as nursery:
                for topic in self._topics:
                    nursery.start_soon(self._read, topic, await self._pubsub.subscribe(topic))
                self.started.set()
                await self._stopping.wait()
                await _until(lambda: not any(map(len, self._pubsub.peer_queues.values())), _DRAIN)
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(_CLOSE / 2):
                await self._close()

    async def _read(self, topic: str, subscription: ISubscriptionAPI) -> None:
        async for message in subscription:
            self._listener.message(topic, message.data, _peer(message.from_id), message.seqno)

    async def _close(self) -> None:
        """All connections at once: libp2p closes one after the other, 0.2 s each."""
        async with trio.open_nursery() as nursery:
            for connections in list(self._network.connections.values()):
                for connection in connections:
                    nursery.start_soon(_close_connection, connection)
        await self._host.close()

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


class _Notifee(INotifee):
    def __init__(self, host: Host, listener: Listener) -> None:
        self._host = host
        self._listener = listener

    async def connected(self, network: INetwork, conn: INetConn) -> None:
        self._listener.connected(str(conn.muxed_conn.peer_id))

    async def disconnected(self, network: INetwork, conn: INetConn) -> None:
        peer = str(conn.muxed_conn.peer_id)
        if not self._host.connected(peer):
            self._listener.disconnected(peer)

    async def opened_stream(self, network: INetwork, stream: INetStream) -> None:
        pass

    async def closed_stream(self, network: INetwork, stream: INetStream) -> None:
        pass

    async def listen(self, network: INetwork, multiaddr: Multiaddr) -> None:
        pass

    async def listen_close(self, network: INetwork, multiaddr: Multiaddr) -> None:
        pass


def _new_network(identity: Identity, listen: Multiaddr) -> Swarm:
    pair = create_new_key_pair(identity.seed)
    network = new_swarm(
        key_pair=pair,
        listen_addrs=[listen],
        # by default TLS, secio and plain text are offered too
        sec_opt={NOISE: Noise(pair, noise_privkey=create_new_x25519_key_pair().private_key)},
        muxer_opt={TProtocol(YAMUX): Yamux},
        connection_config=ConnectionConfig(min_connections=0, low_watermark=0),
        retry_config=RetryConfig(max_retries=0),  # our own dialer tries again
    )
    assert isinstance(network, Swarm)
    repairs.silence_auto_connector(network)
    return network


def _new_gossip(counters: Counter[str]) -> repairs.RepairedGossip:
    return repairs.RepairedGossip(
        _MESHSUB,
        degree=8,  # in a small mesh everybody is in everybody's
        degree_low=6,
        degree_high=12,
        heartbeat_interval=1,  # by default 120 s: lost messages are repaired after minutes
        adaptive_gossip_enabled=False,
        spam_protection_enabled=False,  # by default ten messages a second
        eclipse_protection_enabled=False,  # by default wants several addresses, and there may be one
        gossip_window=5,
        gossip_history=10,
        prune_back_off=10,
        unsubscribe_back_off=2,
        counters=counters,
    )


def _remote_address(connection: INetConn) -> str:
    muxed = connection.muxed_conn
    remote = muxed.get_remote_address() if isinstance(muxed, Yamux) else None
    return f"/ip4/{remote[0]}/tcp/{remote[1]}" if remote else ""


async def _until(condition: Callable[[], bool], limit: float) -> None:
    """Wait for what libp2p tells nobody, `limit` seconds at the most."""
    with trio.move_on_after(limit):
        while not condition():  # noqa: ASYNC110  # there is no event for it
            await trio.sleep(_POLL)


async def _close_connection(connection: INetConn) -> None:
    try:
        await connection.close()
    except Exception as error:  # it is going anyway
        log.info("closing a connection: %r", error)


@functools.lru_cache(maxsize=1024)  # base58 is slow
def _peer(raw: bytes) -> str:
    return str(ID(raw))


@functools.lru_cache(maxsize=1024)
def _ident(peer: str) -> ID:
    return ID.from_base58(peer)
