"""What has to be mended in libp2p 0.8.1, each with its reason, and nothing else.

`apply` puts right what can only be reached as names of a module; the rest are subclasses, here and in
`gossip`. Most touch private names: `tests/component/test_repairs.py` fails for each that is needed no
longer.
Importing this module imports libp2p (1.5 s).
"""

from __future__ import annotations

import functools
import logging
from contextlib import suppress
from typing import Any

import trio
from google.protobuf.message import DecodeError
from libp2p.abc import INetStream
from libp2p.crypto import serialization
from libp2p.crypto.exceptions import CryptographyError, MissingDeserializerError
from libp2p.crypto.keys import KeyType
from libp2p.crypto.rsa import RSAPublicKey
from libp2p.exceptions import ParseError, ValidationError
from libp2p.host import basic_host
from libp2p.host.basic_host import BasicHost
from libp2p.identity.identify_push import identify_push
from libp2p.io.exceptions import MessageTooLarge
from libp2p.io.trio import TrioTCPStream
from libp2p.network.stream.exceptions import StreamEOF, StreamReset
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.pubsub import mcache, pubsub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.stream_muxer.yamux import yamux
from libp2p.tools.anyio_service.trio_manager import TrioManager
from libp2p.utils import varint
from multiaddr import Multiaddr  # type: ignore[import-untyped]  # it ships no types

from . import muxer, replacements, signatures
from .control import tame
from .frames import Frames, Halves, count
from .gossip import RepairedGossip
from .guard import Guard
from .outbox import MAX_RPC, Queues, RoomyQueue, Total
from .replacements import AGENT

__all__ = [
    "AGENT",
    "MAX_RPC",
    "RepairedGossip",
    "RepairedHost",
    "RepairedPubsub",
    "RoomyQueue",
    "apply",
    "message_id",
    "peer_name",
    "silence_auto_connector",
]

log = logging.getLogger(__name__)

_INLINE = b"\x00\x24"  # a peer id that is the multihash "identity" of a 36 byte key
_THINGS = 10_000  # in one RPC: js-libp2p takes half as many
_NUMBER, _KEY = 8, 1024  # bytes of what is signed with a message


def apply() -> None:
    """Repair the modules; doing it again changes nothing."""
    for owner, name, value in _replaced():
        setattr(owner, name, value)
    replacements.quieten()


def message_id(message: rpc_pb2.Message) -> bytes:
    """How js-libp2p names a message (public key, sequence number), so that IHAVE and IWANT match.

    By default it is author and sequence number, and what JS offers is never asked for.
    """
    author: bytes = message.from_id
    key = author[2:] if author.startswith(_INLINE) else message.key or author
    return bytes(key + message.seqno)


@functools.lru_cache(maxsize=1024)  # base58 is slow
def peer_name(raw: bytes) -> str:
    """A peer's id as it is written, of its bytes."""
    return str(ID(raw))


def silence_auto_connector(network: Swarm) -> None:
    """It dials whom it likes, whenever somebody leaves, and a low watermark of 0 does not stop it."""

    async def never_start() -> None:
        pass

    def forget(peer_id: ID) -> None:
        pass

    network.auto_connector.start = never_start  # type: ignore[method-assign]  # and so never dials
    network.auto_connector.record_disconnect = forget  # type: ignore[method-assign]  # else for ever


class RepairedHost(BasicHost):
    """A host that no stream can end, and that does not work out its addresses for every RPC."""

    _advertised: list[Multiaddr] | None = None

    def get_addrs(self) -> list[Multiaddr]:
        """The advertised addresses; by default they are parsed anew for every RPC."""
        if self._advertised is None:
            self._advertised = super().get_addrs()
        return self._advertised

    def forget_addrs(self) -> None:
        """We listen now, or the machine's addresses changed."""
        self._advertised = None

    async def _swarm_stream_handler(self, net_stream: INetStream) -> None:
        """By default what any handler raises ends the whole host, and a peer can make them raise."""
        try:
            await super()._swarm_stream_handler(net_stream)
        except Exception as error:  # whatever a peer's bytes can cause
            log.info("a stream of %s was reset: %r", net_stream.muxed_conn.peer_id, error)
            with suppress(Exception):  # it may be gone already
                await net_stream.reset()


class RepairedPubsub(Pubsub):
    """Pubsub that keeps the order of a stream, reads no more of it than it must, and survives a message.

    Args:
        guard: how much a neighbour and an author may send.
        args: as `Pubsub` takes them.
        kwargs: the same.
    """

    def __init__(self, *args: Any, guard: Guard, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.peer_queues = Queues(Total(guard.limits.queued))
        self._guard = guard
        self._counters = guard.counters
        self._halves = Halves(guard.limits.halves)
        self._writing: dict[INetStream, trio.Lock] = {}
        self._reading: dict[ID, list[INetStream]] = {}
        self._greeting: set[ID] = set()  # a stream to them is being opened

    async def _handle_new_peer(self, peer_id: ID) -> None:
        """By default two connections that come together get a stream each; js-libp2p closes the first,
        and what was on it is lost."""
        if peer_id in self._greeting:
            return
        self._greeting.add(peer_id)
        try:
            await super()._handle_new_peer(peer_id)
        finally:
            self._greeting.discard(peer_id)

    async def continuously_read_stream(self, stream: INetStream) -> None:
        """By default each message gets a task of its own, which trio starts in any order."""
        peer = stream.muxed_conn.peer_id
        streams = self._reading.setdefault(peer, [])
        streams.append(stream)
        frames = Frames(stream, self.max_inbound_rpc_size, self._halves)
        try:
            if len(streams) > self._guard.limits.gossip_streams:
                await streams.pop(0).reset()  # each may hold an RPC of some MiB that never ends
            while True:
                frame = await frames.next()
                if (things := count(frame, _THINGS)) > _THINGS:
                    raise MessageTooLarge(f"an RPC of more than {_THINGS} things")
                if wait := self._guard.messages(str(peer), max(things, 1)):
                    await trio.sleep(wait)  # before anything is read or verified, which is what costs
                await self._handle(rpc_pb2.RPC.FromString(frame), peer)
        except (StreamEOF, StreamReset):
            log.debug("%s closed its stream", peer)
        except MessageTooLarge:
            await self._offended(stream, "rpc-too-large")
        except (DecodeError, ParseError):
            await self._offended(stream, "unreadable")
        finally:
            frames.close()
            if stream in streams:
                streams.remove(stream)
            if not streams and self._reading.get(peer) is streams:
                del self._reading[peer]

    async def push_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """By default a message with an unreadable key ends the whole host."""
        if msg_forwarder == self.my_id:
            await super().push_msg(msg_forwarder, msg)
            return
        try:
            await super().push_msg(msg_forwarder, msg)
        except (MissingDeserializerError, CryptographyError) as error:  # others can read such keys
            log.info("a message through %s was dropped: %r", msg_forwarder, error)
            self._counters["unverifiable"] += 1
        except Exception as error:  # whatever a peer's bytes can cause
            log.info("a message through %s was dropped: %r", msg_forwarder, error)
            self._guard.garbage(str(msg_forwarder), "unverifiable")

    async def validate_msg(self, msg_forwarder: ID, msg: rpc_pb2.Message) -> None:
        """What is verified and within its author's limits is passed on, and delivered.

        By default a cache is searched here, from one end to the other, for validators that we have not.

        Raises:
            ValidationError: this is not.
        """
        if msg_forwarder == self.my_id:
            return
        author = peer_name(msg.from_id)
        if self._guard.blocks(author):
            self._guard.refuse(author, "blocked")
        elif self._guard.admits(str(msg_forwarder), author, msg.topicIDs[0], len(msg.data)):
            return
        self._mark_msg_seen(msg)  # else it is verified again for each neighbour that has it
        raise ValidationError

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
        who = str(peer)
        # By default it is verified for each RPC, and one that is older than the last, as after the clock
        # was set back, costs its sender all that it says. Nothing of ours asks where a peer says it is.
        rpc.ClearField("senderRecord")
        rpc.DiscardUnknownFields()  # nobody has signed them, and they would be passed on
        for message in rpc.publish:
            if _is_plain(message) and self._is_subscribed_to_msg(message):
                await self.push_msg(peer, message)
                await trio.lowlevel.checkpoint()  # else an RPC of thousands stops everything else
        # Each one may make us send the messages of the last seconds again.
        if len(rpc.subscriptions) <= self.max_subscriptions_per_rpc:
            for subscription in rpc.subscriptions:
                if self._guard.control(who):
                    self.handle_subscription(peer, subscription)
        if rpc.HasField("control"):
            rpc.control.CopyFrom(tame(rpc.control, who, self.topic_ids, self._guard))
            await self.router.handle_rpc(rpc, peer)

    def _handle_dead_peer(self, peer_id: ID) -> None:
        """By default what a peer subscribed to is forgotten with our stream to it. Of two connections
        one may be left, on which it sends: it would not subscribe again, and hear nothing more."""
        topics = [topic for topic, peers in self.peer_topics.items() if peer_id in peers]
        super()._handle_dead_peer(peer_id)
        if topics and self._reading.get(peer_id) and self._peer_is_connected(peer_id):
            for topic in topics:
                self.peer_topics.setdefault(topic, set()).add(peer_id)
            self._peer_subscription_count[peer_id] = len(topics)

    async def _offended(self, stream: INetStream, counter: str) -> None:
        peer = stream.muxed_conn.peer_id
        self._guard.garbage(str(peer), counter)
        with suppress(Exception):  # it may be gone already
            await stream.reset()
        self._handle_dead_peer(peer)


def _is_plain(message: rpc_pb2.Message) -> bool:
    """By default one under several topics is kept under all of them, made up or not; and the number of
    a message, as long as it may be, is remembered for two minutes."""
    return (
        len(message.topicIDs) == 1
        and len(message.seqno) <= _NUMBER
        and max(len(message.from_id), len(message.key), len(message.signature)) <= _KEY
    )


_KEYS = serialization.key_type_to_public_key_deserializer | {KeyType.RSA.value: signatures.read_rsa_key}


def _replaced() -> tuple[tuple[object, str, object], ...]:
    return (
        (pubsub, "RpcQueue", RoomyQueue),  # what `Pubsub` makes its queues of
        (pubsub, "SUBSCRIPTION_CHANNEL_SIZE", 1024),  # 32 by default: a burst loses its newest
        (mcache, "default_msg_id_fn", message_id),  # hard-coded there, whatever `Pubsub` was given
        (TrioTCPStream, "__init__", replacements.open_stream),
        (yamux.YamuxStream, "_auto_tune_and_send_window_update", replacements.credit),
        (yamux.YamuxStream, "write", muxer.write),
        (TrioManager, "run_task", replacements.run_task),
        (TrioManager, "_find_parent_task", replacements.no_parent),
        (pubsub, "signature_validator", signatures.verify),
        (RSAPublicKey, "from_bytes", signatures.read_rsa_key),
        (serialization, "key_type_to_public_key_deserializer", _KEYS),
        (varint, "read_varint_prefixed_bytes", replacements.read_line),
        (basic_host, "update_peerstore_from_identify", replacements.identified),
        (identify_push, "update_peerstore_from_identify", replacements.identified),
    )
