"""What has to be mended in libp2p 0.8.1, each with its reason, and nothing else.

`apply` puts the few right that can only be reached as names of a module; the rest are subclasses. Most
touch private names: `tests/component/test_repairs.py` fails for each one that is no longer needed.
Importing this module imports libp2p (1.5 s).
"""

from __future__ import annotations

import logging
import os
import socket
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import trio
from libp2p.abc import IHost, INetStream
from libp2p.host.basic_host import BasicHost
from libp2p.io.exceptions import MessageTooLarge
from libp2p.io.trio import TrioTCPStream
from libp2p.network.stream.exceptions import StreamEOF, StreamReset
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.pubsub import mcache, pubsub, rpc_queue
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.utils import maybe_consume_signed_record
from libp2p.stream_muxer.yamux import yamux
from libp2p.utils.varint import read_varint_prefixed_bytes_limited
from multiaddr import Multiaddr  # type: ignore[import-untyped]  # it ships no types

__all__ = [
    "MAX_RPC",
    "RepairedGossip",
    "RepairedHost",
    "RepairedPubsub",
    "RoomyQueue",
    "apply",
    "message_id",
    "silence_auto_connector",
]

log = logging.getLogger(__name__)

MAX_RPC = 4 << 20
"""Bytes of one RPC, both ways; what is larger is lost without a word (1 MiB by default)."""

_QUEUE, _QUEUE_BYTES = 1024, 32 << 20
_NEARLY_FULL, _NEARLY_EMPTY = 0.75, 0.25
_INLINE = b"\x00\x24"  # a peer id that is the multihash "identity" of a 36 byte key
_REMEMBERED = 1024


def apply() -> None:
    """Repair the modules; doing it again changes nothing."""
    for owner, name, value in _replaced():
        setattr(owner, name, value)
    _quieten()


def message_id(message: rpc_pb2.Message) -> bytes:
    """How js-libp2p names a message (public key, sequence number), so that IHAVE and IWANT match.

    By default it is author and sequence number, and what JS offers is never asked for.
    """
    author: bytes = message.from_id
    key = author[2:] if author.startswith(_INLINE) else message.key or author
    return bytes(key + message.seqno)


def silence_auto_connector(network: Swarm) -> None:
    """It dials whom it likes, whenever somebody leaves, and a low watermark of 0 does not stop it."""

    async def never_start() -> None:
        pass

    network.auto_connector.start = never_start  # type: ignore[method-assign]  # and so never dials


class RoomyQueue(rpc_queue.RpcQueue):
    """What waits to be sent to one peer: 1024 RPCs (32 by default, a burst of 100 loses 68) of up to
    4 MiB each, and so that this is no way to fill the memory, of 32 MiB in all."""

    def __init__(self) -> None:
        super().__init__(max_size=_QUEUE, max_message_size=MAX_RPC)
        self._bytes = 0
        self._given_up = False

    @property
    def worth_waiting_for(self) -> bool:
        """Whether it is nearly full, and not of a peer that was waited for in vain already."""
        return self._fuller_than(_NEARLY_FULL) and not self._given_up

    def give_up(self) -> None:
        """Wait no more for one that is nearly full, until it is nearly empty: a peer that makes room
        for one RPC at a time would slow every publish. What does not fit is lost."""
        self._given_up = self._given_up or self._fuller_than(_NEARLY_FULL)

    def push(self, rpc: rpc_pb2.RPC, priority: bool = False) -> bool:
        """Queue `rpc`; False when there is no room."""
        size = rpc.ByteSize()
        if self._bytes + size > _QUEUE_BYTES or not super().push(rpc, priority):
            return False
        self._bytes += size
        return True

    async def pop(self) -> rpc_pb2.RPC | None:
        """Wait for the next RPC; None once the queue is closed."""
        rpc = await super().pop()
        if rpc is not None:
            self._bytes -= rpc.ByteSize()
            self._given_up = self._given_up and self._fuller_than(_NEARLY_EMPTY)
        return rpc

    def _fuller_than(self, share: float) -> bool:
        return len(self) >= _QUEUE * share or self._bytes >= _QUEUE_BYTES * share


class RepairedHost(BasicHost):
    """A host that no stream can end, and that does not work out its addresses for every RPC."""

    _advertised: tuple[tuple[Multiaddr, ...], list[Multiaddr]] | None = None

    def get_addrs(self) -> list[Multiaddr]:
        """The advertised addresses; parsed anew only when we listen elsewhere (asked for every RPC)."""
        listening = tuple(self.get_transport_addrs())
        if self._advertised is None or self._advertised[0] != listening:
            self._advertised = (listening, super().get_addrs())
        return self._advertised[1]

    def forget_addrs(self) -> None:
        """The machine's addresses changed."""
        self._advertised = None

    async def _swarm_stream_handler(self, net_stream: INetStream) -> None:
        """By default what any handler raises ends the whole host, and a peer can make them raise."""
        try:
            await super()._swarm_stream_handler(net_stream)
        except Exception as error:  # whatever a peer's bytes can cause
            log.info("a stream of %s was reset: %r", net_stream.muxed_conn.peer_id, error)
            await net_stream.reset()


class RepairedPubsub(Pubsub):
    """Pubsub that keeps the order of a stream, verifies a signed record once, and survives a message."""

    def __init__(self, *args: Any, counters: Counter[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._counters = counters
        self._verified: dict[ID, bytes] = {}
        self._writing: dict[INetStream, trio.Lock] = {}

    async def continuously_read_stream(self, stream: INetStream) -> None:
        """By default each message gets a task of its own, which trio starts in any order."""
        peer = stream.muxed_conn.peer_id
        try:
            while True:
                frame = await read_varint_prefixed_bytes_limited(stream, self.max_inbound_rpc_size)
                await self._handle(rpc_pb2.RPC.FromString(frame), peer)
        except (StreamEOF, StreamReset):
            log.debug("%s closed its stream", peer)
        except MessageTooLarge:
            self._counters["rpc-too-large"] += 1
            await stream.reset()
            self._handle_dead_peer(peer)

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """By default a message with an unreadable key ends the whole host."""
        if msg_forwarder == self.my_id:
            await super().push_msg(msg_forwarder, msg)
            return
        try:
            await super().push_msg(msg_forwarder, msg)
        except Exception as error:  # whatever a peer's bytes can cause
            log.info("a message through %s was dropped: %r", msg_forwarder, error)
            self._counters["unverifiable"] += 1

    async def write_msg(self, stream: INetStream, rpc_msg: rpc_pb2.RPC) -> bool:
        """By default what is replayed to a newcomer is written between the pieces of what is sent."""
        lock = self._writing.setdefault(stream, trio.Lock())
        try:
            async with lock:
                return await super().write_msg(stream, rpc_msg)
        finally:
            if not lock.locked():
                self._writing.pop(stream, None)

    async def _handle(self, rpc: rpc_pb2.RPC, peer: ID) -> None:
        if not self._is_record_good(rpc, peer):
            self._counters["bad-record"] += 1
            return
        for message in rpc.publish:
            if self._is_subscribed_to_msg(message):
                await self.push_msg(peer, message)
                await trio.lowlevel.checkpoint()  # else an RPC of thousands stops everything else
        if len(rpc.subscriptions) <= self.max_subscriptions_per_rpc:
            for subscription in rpc.subscriptions:
                self.handle_subscription(peer, subscription)
        if rpc.HasField("control"):
            await self.router.handle_rpc(rpc, peer)

    def _is_record_good(self, rpc: rpc_pb2.RPC, peer: ID) -> bool:
        """By default the same record is verified for every RPC: a quarter of the time."""
        record: bytes = rpc.senderRecord
        if record and self._verified.get(peer) != record:
            host: IHost = self.host
            if not maybe_consume_signed_record(rpc, host, peer):
                return False
            if len(self._verified) >= _REMEMBERED:
                self._verified.clear()
            self._verified[peer] = record
        rpc.ClearField("senderRecord")  # the router would verify it once more
        return True


class RepairedGossip(GossipSub):
    """Gossip that sends its own messages to every subscriber, and keeps no endless lists."""

    def __init__(self, *args: Any, counters: Counter[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._counters = counters
        # By default one entry a message, for ever; only the adaptive mode, which is off, reads them.
        self.recent_message_deliveries = defaultdict(_Forgetful)
        # Its weights are 0 and its thresholds infinite: work without an effect.
        self.scorer = None

    def _get_peers_to_send(
        self, topic_ids: Iterable[str], msg_forwarder: ID, origin: ID, msg_id: bytes | None = None
    ) -> Iterable[ID]:
        """By default our own messages go to the mesh only, and whom a JS peer pruned goes mute."""
        if self.pubsub is None or origin != self.pubsub.my_id:
            return super()._get_peers_to_send(topic_ids, msg_forwarder, origin, msg_id)
        return {
            peer
            for topic in topic_ids
            for peer in self.pubsub.peer_topics.get(topic, ())
            if self._is_gossipsub_peer(peer)
        }

    def _handle_dropped_rpc(self, peer_id: ID, rpc: rpc_pb2.RPC, reason: str) -> None:
        """By default a full queue is not told to anybody."""
        self._counters["outbox-overflow"] += len(rpc.publish)
        super()._handle_dropped_rpc(peer_id, rpc, reason)


class _Forgetful(list[float]):
    def append(self, _: float) -> None:
        """Keep nothing."""


def _replaced() -> tuple[tuple[object, str, object], ...]:
    return (
        (pubsub, "RpcQueue", RoomyQueue),  # what `Pubsub` makes its queues of
        (pubsub, "SUBSCRIPTION_CHANNEL_SIZE", 1024),  # 32 by default: a burst loses its newest
        (mcache, "default_msg_id_fn", message_id),  # hard-coded there, whatever `Pubsub` was given
        (TrioTCPStream, "__init__", _open_stream),
        (yamux.YamuxStream, "_auto_tune_and_send_window_update", _credit),
    )


_plain_open_stream = TrioTCPStream.__init__
_KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPALIVE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}


def _open_stream(self: TrioTCPStream, stream: trio.SocketStream) -> None:
    """By default a pulled cable or a sleeping peer is never noticed; so it is within 12 s."""
    _plain_open_stream(self, stream)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in {**_KEEPALIVE, "TCP_USER_TIMEOUT": 10_000}.items():
        if hasattr(socket, name):  # systems differ
            stream.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def _credit(self: yamux.YamuxStream, *, bytes_read: int = 0) -> None:
    """By default every read is credited to the sender at once, and too much of it: three frames a
    message. Here half a window at a time."""
    self._pending_recv_release += bytes_read
    if self._pending_recv_release >= yamux.DEFAULT_WINDOW_SIZE // 2:
        credit, self._pending_recv_release = self._pending_recv_release, 0
        self.recv_window += credit
        await self.send_window_update(credit)


def _quieten() -> None:
    """libp2p logs to nobody's handler, which Python prints, and on the root logger, which it sets up.

    Errors are raised to us as well and logged there; who sets LIBP2P_DEBUG sees libp2p's own log.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    if _is_ours not in root.filters:
        root.addFilter(_is_ours)
    if not os.environ.get("LIBP2P_DEBUG"):
        logging.getLogger("libp2p").setLevel(logging.CRITICAL)
        logging.getLogger("libp2p.network.auto_connector").setLevel(logging.CRITICAL)


def _is_ours(record: logging.LogRecord) -> bool:
    return f"{os.sep}libp2p{os.sep}network{os.sep}" not in record.pathname
