"""Canaries: each repair is checked twice, that libp2p without it still has the fault, and that with it
the fault is gone. When the first half fails, upstream has mended it and the repair can go.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import logging
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from Crypto.PublicKey import RSA
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.exceptions import CryptographyError
from libp2p.crypto.keys import KeyType
from libp2p.crypto.pb.crypto_pb2 import PublicKey
from libp2p.crypto.rsa import RSAPublicKey
from libp2p.crypto.rsa import create_new_key_pair as create_new_rsa_key_pair
from libp2p.crypto.serialization import deserialize_public_key
from libp2p.exceptions import ValidationError
from libp2p.host import basic_host
from libp2p.host.basic_host import BasicHost
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.io.exceptions import MessageTooLarge
from libp2p.io.trio import TrioTCPStream
from libp2p.network.config import ConnectionConfig
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore, env_to_send_in_RPC
from libp2p.pubsub import gossipsub, mcache, pubsub, rpc_queue
from libp2p.pubsub import utils as pubsub_utils
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.validators import PUBSUB_SIGNING_PREFIX
from libp2p.security.pnet.psk_conn import PskConn
from libp2p.stream_muxer.exceptions import MuxedConnUnavailable, MuxedStreamError
from libp2p.stream_muxer.yamux import yamux
from libp2p.stream_muxer.yamux.yamux import Yamux
from libp2p.tools.anyio_service import Service
from libp2p.tools.anyio_service.trio_manager import TrioManager
from libp2p.tools.anyio_service.trio_tasks import FunctionTask
from libp2p.utils import encode_varint_prefixed, varint
from multiaddr import Multiaddr

from aikyo.mesh.host import repairs
from aikyo.mesh.host.control import BoundedCache, tame
from aikyo.mesh.host.guard import Guard
from aikyo.mesh.host.host import Host, Listener
from aikyo.mesh.host.limits import Limits
from aikyo.mesh.host.muxer import GuardedYamux
from aikyo.mesh.host.opening import ForeignError, Opening
from aikyo.mesh.identity import load_identity
from aikyo.mesh.refusals import Refusals

TOPIC = "t"
DATA, WINDOW, SYN = yamux.TYPE_DATA, yamux.TYPE_WINDOW_UPDATE, yamux.FLAG_SYN

# What libp2p is like before it is repaired, which only a fresh process can tell.
FRESH = """
import json, logging, socket
import trio
from libp2p.host import basic_host
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.io.trio import TrioTCPStream
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.crypto import rsa, serialization
from libp2p.pubsub import mcache, pubsub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.stream_muxer.yamux import yamux
from libp2p.tools.anyio_service import Service
from libp2p.tools.anyio_service.trio_manager import TrioManager
from libp2p.tools.anyio_service.trio_tasks import FunctionTask
from libp2p.utils import varint
from trio.testing import MockClock

class Conn:
    stream_buffers = {}
    frames = 0
    def rtt(self): return 0.001
    async def _write_frame(self, frame): self.frames += 1

class Endless:
    asked = 0
    def __init__(self):
        self.head = list(bytes([255, 255, 255, 255, 15]))
    async def read(self, n):
        self.asked = max(self.asked, n)
        return bytes([self.head.pop(0)]) if self.head else b""

async def patience():
    stream = yamux.YamuxStream(1, Conn(), True)
    stream.send_window = 0
    start = trio.current_time()
    try:
        await stream.write(b"x")
    except Exception:
        return trio.current_time() - start

class Failing(Service):
    async def run(self):
        self.manager.run_task(self.fail)
        await trio.sleep(0.1)
    async def fail(self):
        raise ValueError("a peer's bytes")

async def does_a_task_end_it():
    try:
        await TrioManager.run_service(Failing())
    except BaseException:
        return True
    return False

class Many(Service):
    looked_at = 0
    async def run(self):
        for _ in range(20):
            self.manager.run_task(trio.sleep, 0.1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.as_a_stream_does)
    async def as_a_stream_does(self):
        plain = FunctionTask.iterate_tasks
        def count(*tasks):
            for task in plain(*tasks):
                self.looked_at += 1
                yield task
        FunctionTask.iterate_tasks = count
        self.manager.run_task(trio.sleep, 0)
        FunctionTask.iterate_tasks = plain

async def looked_through():
    many = Many()
    await TrioManager.run_service(many)
    return many.looked_at

def largest_rsa_key():
    read = []
    plain = rsa.RSA.import_key
    rsa.RSA.import_key = lambda data: read.append(len(data)) or plain(b"")
    try:
        serialization.deserialize_public_key(HUGE_KEY)
    except Exception:
        pass
    rsa.RSA.import_key = plain
    return max(read)

async def read_line():
    endless = Endless()
    try:
        await varint.read_varint_prefixed_bytes(endless)
    except Exception:
        return endless.asked

async def protocols_kept():
    store, told = PeerStore(), Identify(protocols=[f"/{n}" for n in range(9000)])
    await basic_host.update_peerstore_from_identify(store, ID(b"peer"), told)
    return len(store.get_protocols(ID(b"peer")))

async def main():
    cache = mcache.MessageCache(3, 5)
    cache.put(rpc_pb2.Message(from_id=b"author", seqno=b"1"))
    conn = Conn()
    stream = yamux.YamuxStream(1, conn, True)
    for _ in range(3):
        stream.recv_window -= 200
        await stream._auto_tune_and_send_window_update(bytes_read=200)
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    with listener.socket:
        client = await trio.open_tcp_stream(*listener.socket.getsockname())
        TrioTCPStream(client)
        keepalive = client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        await client.aclose()
    libp2p = logging.getLogger("libp2p")
    print(json.dumps({
        "queue": pubsub.RpcQueue()._queue.max_size,
        "rpc": pubsub.RpcQueue().max_message_size,
        "subscription": pubsub.SUBSCRIPTION_CHANNEL_SIZE,
        "cached": [key.decode() for key in cache.msgs],
        "credits": conn.frames,
        "keepalive": keepalive,
        "connector_level": logging.getLogger("libp2p.network.auto_connector").level,
        "task_ends_it": await does_a_task_end_it(),
        "line": await read_line(),
        "protocols": await protocols_kept(),
        "unsigned": pubsub.signature_validator(rpc_pb2.Message()),
        "crafted": pubsub.signature_validator(rpc_pb2.Message.FromString(CRAFTED)),
        "tasks": await looked_through(),
        "rsa": largest_rsa_key(),
        "patience": PATIENCE,
        "printed": libp2p.isEnabledFor(logging.WARNING) and not libp2p.handlers and not libp2p.propagate,
    }))

PATIENCE = trio.run(patience, clock=MockClock(autojump_threshold=0))
trio.run(main)
"""


# A key of 256 kilobits, which pycryptodome may read for seconds; one of a megabit for minutes.
HUGE_KEY = PublicKey(key_type=KeyType.RSA.value, data=b"\x30" + b"x" * (1 << 15)).SerializeToString()


def crafted() -> bytes:
    """A message whose signature has the neutral point of the curve in it: OpenSSL accepts it, and so
    js-libp2p; libsodium does not. Who holds the key can make as many as it likes."""
    pair = create_new_key_pair(bytes(32))
    message = rpc_pb2.Message(
        from_id=ID.from_pubkey(pair.public_key).to_bytes(),
        seqno=b"12345678",
        topicIDs=[TOPIC],
        data=b"x",
    )
    signed = PUBSUB_SIGNING_PREFIX.encode() + message.SerializeToString()
    secret = bytearray(hashlib.sha512(bytes(32)).digest()[:32])
    secret[0] &= 248
    secret[31] = secret[31] & 127 | 64
    point = b"\x01" + bytes(31)
    challenge = hashlib.sha512(point + pair.public_key.to_bytes() + signed).digest()
    order = (1 << 252) + 27742317777372353535851937790883648493
    scalar = int.from_bytes(challenge, "little") * int.from_bytes(secret, "little") % order
    message.signature = point + scalar.to_bytes(32, "little")
    return message.SerializeToString()


CRAFTED = crafted()


@pytest.fixture(autouse=True)
def repaired() -> None:
    """As in a process that has started a host; what is plain is looked at in another process."""
    repairs.apply()


@pytest.fixture(scope="module")
def fresh() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", f"CRAFTED, HUGE_KEY = {CRAFTED!r}, {HUGE_KEY!r}\n{FRESH}"],
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """A host that does not run."""
    made = Host(
        load_identity(tmp_path / "key"),
        listen="127.0.0.1",
        topics=[TOPIC],
        addresses=tuple,
        listener=Listener(lambda *_: None, lambda _: None, lambda _: None),
        counters=Counter(),
    )
    yield made
    made._pubsub.seen_messages.stop()


def peer(tmp_path: Path, name: str) -> ID:
    return ID.from_base58(load_identity(tmp_path / name).peer)


class Services:
    """Stands in for the manager of a service that runs, and notes what it is given to run."""

    is_running = True

    def __init__(self) -> None:
        self.tasks: list[tuple[Any, ...]] = []

    def run_task(self, function: Callable[..., Any], *args: Any, **_: Any) -> None:
        self.tasks.append((function.__name__, *args))


class Wire:
    """A stream with something to read, then its end."""

    def __init__(self, peer: ID, *rpcs: rpc_pb2.RPC) -> None:
        self.muxed_conn = type("Conn", (), {"peer_id": peer})()
        self.metric_send_channel = None
        self.resets = 0
        self._bytes = b"".join(encode_varint_prefixed(rpc.SerializeToString()) for rpc in rpcs)

    async def read(self, n: int) -> bytes:
        await trio.lowlevel.checkpoint()
        chunk, self._bytes = self._bytes[:n], self._bytes[n:]
        if not chunk:
            raise StreamEOF
        return chunk

    async def reset(self) -> None:
        self.resets += 1


def test_a_repair_that_is_done_again_changes_nothing() -> None:
    repairs.apply()
    before = [getattr(owner, name) for owner, name, _ in repairs._replaced()]
    filters = list(logging.getLogger().filters)
    repairs.apply()
    assert [getattr(owner, name) for owner, name, _ in repairs._replaced()] == before
    assert logging.getLogger().filters == filters


def test_the_queue_to_a_peer_is_too_short_for_a_burst(fresh: dict[str, Any]) -> None:
    assert fresh["queue"] == 32
    assert fresh["rpc"] == 1 << 20
    assert not any(
        "queue" in name or "outbound" in name for name in inspect.signature(Pubsub).parameters
    )
    queue = repairs.RoomyQueue()
    assert all(queue.push(rpc_pb2.RPC()) for _ in range(1024))
    assert not queue.push(rpc_pb2.RPC())
    assert queue.max_message_size == 4 << 20
    assert pubsub.RpcQueue is repairs.RoomyQueue


async def test_the_queue_to_a_peer_is_bounded_in_bytes_too() -> None:
    big = rpc_pb2.RPC(publish=[rpc_pb2.Message(data=b"x" * (1 << 20))])
    plain, queue = rpc_queue.RpcQueue(max_size=1024), repairs.RoomyQueue()
    assert all(plain.push(big) for _ in range(40))
    assert sum(queue.push(big) for _ in range(40)) == 31
    assert queue.worth_waiting_for(1 << 20)
    queue.give_up(1 << 20)
    assert not queue.worth_waiting_for(1 << 20)
    while len(queue):
        assert await queue.pop() is big
    queue.give_up(1 << 20)
    for _ in range(25):
        queue.push(big)
    assert queue.worth_waiting_for(1 << 20)


async def test_who_was_waited_for_in_vain_is_waited_for_again_only_when_nearly_all_is_taken() -> None:
    queue = repairs.RoomyQueue()
    while queue.push(rpc_pb2.RPC()):
        pass
    queue.give_up(1 << 20)
    while len(queue) >= 256:
        assert not queue.worth_waiting_for(1 << 20)
        await queue.pop()
        queue.give_up(1 << 20)  # as every publish does
        queue.push(rpc_pb2.RPC())
        assert not queue.worth_waiting_for(1 << 20)
        await queue.pop()
    while len(queue) < 768:
        assert not queue.worth_waiting_for(1 << 20)
        queue.push(rpc_pb2.RPC())
    assert queue.worth_waiting_for(1 << 20)


def test_a_subscription_is_too_short_for_a_burst(fresh: dict[str, Any]) -> None:
    assert fresh["subscription"] == 32
    assert pubsub.SUBSCRIPTION_CHANNEL_SIZE == 1024


def test_the_message_cache_does_not_name_messages_as_it_is_told(
    fresh: dict[str, Any], host: Host
) -> None:
    assert fresh["cached"] == ["author1"]
    author = host._pubsub.my_id.to_bytes()
    message = rpc_pb2.Message(from_id=author, seqno=b"12345678", key=b"not needed")
    cache = mcache.MessageCache(3, 5)
    cache.put(message)
    # js-libp2p: the protobuf of the public key, then the sequence number
    assert list(cache.msgs) == [b"\x08\x01\x12\x20" + author[-32:] + b"12345678"]
    assert list(cache.msgs) == [host._pubsub.get_message_id(message)]


def test_a_message_of_a_long_key_is_named_by_the_key_it_carries() -> None:
    hashed = rpc_pb2.Message(from_id=b"\x12\x20" + b"h" * 32, seqno=b"1", key=b"rsa")
    assert repairs.message_id(hashed) == b"rsa1"
    hashed.ClearField("key")
    assert repairs.message_id(hashed) == hashed.from_id + b"1"


async def test_a_dead_connection_is_never_noticed(fresh: dict[str, Any]) -> None:
    assert fresh["keepalive"] == 0
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    with listener.socket:
        client = await trio.open_tcp_stream(*listener.socket.getsockname())
        TrioTCPStream(client)
        assert client.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert client.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
        await client.aclose()


class Conn:
    """A muxed connection that notes its frames, and gives way after each."""

    def __init__(self) -> None:
        self.stream_buffers: dict[int, bytes] = {}
        self.frames: list[bytes] = []

    def rtt(self) -> float:
        return 0.001

    async def _write_frame(self, frame: bytes) -> None:
        self.frames.append(frame)
        await trio.lowlevel.checkpoint()


async def test_every_small_read_is_credited_with_a_frame(fresh: dict[str, Any]) -> None:
    assert fresh["credits"] == 3
    conn = Conn()
    stream = yamux.YamuxStream(1, conn, True)  # type: ignore[arg-type]
    for _ in range(8):
        stream.recv_window -= 40_000
        await stream._auto_tune_and_send_window_update(bytes_read=40_000)
    credit = [struct.unpack(yamux.YAMUX_HEADER_FORMAT, frame)[4] for frame in conn.frames]
    assert credit == [160_000, 160_000]
    assert stream.recv_window == yamux.DEFAULT_WINDOW_SIZE


def test_libp2p_prints_what_it_logs(fresh: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    assert fresh["printed"]
    assert fresh["connector_level"] == logging.INFO
    logging.getLogger("libp2p.network").warning("chatter")
    logging.getLogger("libp2p.network.auto_connector").info("chatter")
    assert "chatter" not in capfd.readouterr().err


async def test_a_low_watermark_of_0_does_not_stop_the_auto_connector(host: Host, tmp_path: Path) -> None:
    network = host._network
    assert (network.connection_config.low_watermark, network.connection_config.min_connections) == (0, 0)
    dialed: list[ID] = []

    async def dial_peer(peer_id: ID) -> list[Any]:
        dialed.append(peer_id)
        return []

    network.dial_peer = dial_peer  # type: ignore[method-assign]
    stranger = peer(tmp_path, "stranger")
    network.peerstore.add_addrs(stranger, [Multiaddr("/ip4/127.0.0.1/tcp/9")], 60)
    connector = network.auto_connector
    await connector.start()
    await connector.maybe_connect()
    assert dialed == []
    await type(connector).start(connector)
    await connector.maybe_connect()
    assert dialed == [stranger]
    assert ConnectionConfig(min_connections=0, low_watermark=0).high_watermark > 0


async def test_what_a_stream_handler_raises_ends_the_host(host: Host, tmp_path: Path) -> None:
    async def negotiate(*_: Any) -> tuple[str, Any]:
        return "/x", fail

    async def fail(_: Any) -> None:
        raise ZeroDivisionError

    class Stream(Wire):
        def set_protocol(self, _: str) -> None:
            pass

    host._host.multiselect.negotiate = negotiate  # type: ignore[method-assign]
    stream: Any = Stream(peer(tmp_path, "other"))
    with pytest.raises(ZeroDivisionError):
        await BasicHost._swarm_stream_handler(host._host, stream)
    assert stream.resets == 0
    await host._host._swarm_stream_handler(stream)
    assert stream.resets == 1


async def test_a_message_with_an_unreadable_key_ends_the_host(host: Host, tmp_path: Path) -> None:
    forwarder = peer(tmp_path, "other")
    message = rpc_pb2.Message(
        from_id=b"\x12\x20" + b"x" * 32, seqno=b"1", key=b"?", signature=b"?", topicIDs=[TOPIC]
    )
    with pytest.raises(Exception, match="pars"):
        await Pubsub.push_msg(host._pubsub, forwarder, message)
    await host._pubsub.push_msg(forwarder, message)
    assert host._pubsub._counters["unverifiable"] == 1


async def test_who_passes_on_what_we_alone_cannot_read_is_not_to_blame(
    host: Host, tmp_path: Path
) -> None:
    """js-libp2p and go-libp2p read keys of more kinds, and larger ones."""
    forwarder = peer(tmp_path, "other")
    ecdsa = PublicKey(key_type=KeyType.ECDSA.value, data=b"x" * 91).SerializeToString()
    large = PublicKey(key_type=KeyType.RSA.value, data=b"x" * 1100).SerializeToString()
    for number, key in enumerate([ecdsa, large] * 200):
        message = rpc_pb2.Message(
            from_id=b"\x12\x20" + b"x" * 32,
            seqno=b"%d" % number,
            key=key,
            signature=b"?",
            topicIDs=[TOPIC],
        )
        await host._pubsub.push_msg(forwarder, message)
    assert host._pubsub._counters == {"unverifiable": 400}
    assert not host._guard.shuts_out(str(forwarder))


async def test_what_comes_on_a_stream_is_handled_in_any_order(host: Host, tmp_path: Path) -> None:
    messages = [rpc_pb2.Message(data=str(n).encode(), topicIDs=[TOPIC]) for n in range(3)]
    rpc = rpc_pb2.RPC(publish=messages)
    service, other, pushed = Services(), peer(tmp_path, "other"), []
    host._pubsub._manager = service  # type: ignore[assignment]
    host._pubsub.subscribed_topics_receive[TOPIC] = None  # type: ignore[assignment]

    async def push(_: ID, message: rpc_pb2.Message) -> None:
        pushed.append(message.data)

    host._pubsub.push_msg = push  # type: ignore[method-assign]
    await Pubsub.continuously_read_stream(host._pubsub, Wire(other, rpc))  # type: ignore[arg-type]
    assert [name for name, *_ in service.tasks] == ["push"] * 3
    assert pushed == []
    service.tasks.clear()
    await host._pubsub.continuously_read_stream(Wire(other, rpc))  # type: ignore[arg-type]
    assert pushed == [b"0", b"1", b"2"]
    assert service.tasks == []


async def test_an_rpc_of_thousands_stops_nothing_else(
    host: Host, tmp_path: Path, nursery: trio.Nursery
) -> None:
    messages = [rpc_pb2.Message(topicIDs=[TOPIC]) for _ in range(4000)]
    host._pubsub.subscribed_topics_receive[TOPIC] = None  # type: ignore[assignment]
    pushed = turns = 0

    async def push(*_: Any) -> None:
        nonlocal pushed
        pushed += 1

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    host._pubsub.push_msg = push  # type: ignore[method-assign]
    nursery.start_soon(take_turns)
    await host._pubsub._handle(rpc_pb2.RPC(publish=messages), peer(tmp_path, "other"))
    assert pushed == 4000
    assert turns >= 3999


async def test_a_signed_record_is_verified_for_every_rpc_and_an_older_one_takes_it_along(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[bytes] = []
    plain = pubsub_utils.consume_envelope

    def count(data: bytes, domain: str) -> Any:
        verified.append(data)
        return plain(data, domain)

    monkeypatch.setattr(pubsub_utils, "consume_envelope", count)
    host._pubsub._manager = Services()  # type: ignore[assignment]
    own = host._pubsub.my_id
    host._host._addrs_factory = lambda _: [Multiaddr("/ip4/127.0.0.1/tcp/4001")]
    host._host.forget_addrs()
    older = env_to_send_in_RPC(host._host)[0]
    host._network.peerstore.local_peer_record = None
    newer = env_to_send_in_RPC(host._host)[0]
    rpcs = [
        rpc_pb2.RPC(senderRecord=record, subscriptions=[subscription()]) for record in (newer, older)
    ]
    await Pubsub.continuously_read_stream(host._pubsub, Wire(own, rpcs[0]))  # type: ignore[arg-type]
    host._pubsub.peer_topics.clear()
    await Pubsub.continuously_read_stream(host._pubsub, Wire(own, rpcs[1]))  # type: ignore[arg-type]
    assert len(verified) == 2
    assert not host._pubsub.peer_topics  # as after the clock was set back
    await host._pubsub.continuously_read_stream(Wire(own, rpcs[1]))  # type: ignore[arg-type]
    assert len(verified) == 2
    assert host._pubsub.peer_topics == {TOPIC: {own}}
    assert not host._pubsub._counters


def subscription() -> rpc_pb2.RPC.SubOpts:
    return rpc_pb2.RPC.SubOpts(subscribe=True, topicid=TOPIC)


async def test_the_number_of_a_message_may_be_of_any_length(host: Host, tmp_path: Path) -> None:
    """By default it is remembered for two minutes, 4 MiB and more of it."""
    other, taken = peer(tmp_path, "other"), []
    host._pubsub._manager = Services()  # type: ignore[assignment]
    host._pubsub.subscribed_topics_receive[TOPIC] = None  # type: ignore[assignment]

    async def push(_: ID, message: rpc_pb2.Message) -> None:
        taken.append(message)

    plain = rpc_pb2.Message(topicIDs=[TOPIC], seqno=b"12345678")
    padded = plain.SerializeToString() + b"\xfa\x01\x80\x08" + b"x" * 1024  # a field that nobody knows
    messages = [
        rpc_pb2.Message(topicIDs=[TOPIC], seqno=b"x" * 9),
        rpc_pb2.Message(topicIDs=[TOPIC], seqno=b"x", key=b"x" * 1025),
        rpc_pb2.Message(topicIDs=[TOPIC, "another"], seqno=b"x"),
        rpc_pb2.Message.FromString(padded),
    ]
    host._pubsub.push_msg = push  # type: ignore[method-assign]
    assert host._pubsub.get_message_id(messages[0]).endswith(b"x" * 9)
    assert messages[-1].ByteSize() > 1024
    await host._pubsub.continuously_read_stream(Wire(other, rpc_pb2.RPC(publish=messages)))  # type: ignore[arg-type]
    assert taken == [plain]


async def test_two_writers_of_one_stream_mix_their_bytes(host: Host) -> None:
    async def pieces(write: Callable[[Any, rpc_pb2.RPC], Any]) -> list[bytes]:
        conn = Conn()
        stream = yamux.YamuxStream(1, conn, True)  # type: ignore[arg-type]
        async with trio.open_nursery() as nursery:
            for letter in (b"a", b"b"):
                rpc = rpc_pb2.RPC(publish=[rpc_pb2.Message(data=letter * 100_000)])
                nursery.start_soon(write, stream, rpc)
        return [frame[-1:] for frame in conn.frames]

    async def plain(stream: Any, rpc: rpc_pb2.RPC) -> None:
        await Pubsub.write_msg(host._pubsub, stream, rpc)

    assert await pieces(plain) in (
        [b"a", b"b"] * 2,
        [b"b", b"a"] * 2,
        [b"a", b"b", b"b", b"a"],
        [b"b", b"a", b"a", b"b"],
    )
    assert await pieces(host._pubsub.write_msg) in ([b"a"] * 2 + [b"b"] * 2, [b"b"] * 2 + [b"a"] * 2)
    assert host._pubsub._writing == {}


def test_the_addresses_are_worked_out_for_every_rpc(host: Host) -> None:
    asked: list[int] = []

    def factory(candidates: list[Multiaddr]) -> list[Multiaddr]:
        asked.append(1)
        return candidates

    host._host._addrs_factory = factory
    host._host.forget_addrs()
    for _ in range(3):
        BasicHost.get_addrs(host._host)
    assert len(asked) == 3
    asked.clear()
    for _ in range(3):
        host._host.get_addrs()
    host.addresses_changed()
    host._host.get_addrs()
    assert len(asked) == 2


async def test_our_own_messages_go_only_to_the_mesh(host: Host, tmp_path: Path) -> None:
    gossip, own = host._gossip, host._pubsub.my_id
    meshed, pruned = peer(tmp_path, "meshed"), peer(tmp_path, "pruned")
    host._pubsub.peer_topics[TOPIC] = {meshed, pruned}
    gossip.mesh[TOPIC] = {meshed}
    for one in (meshed, pruned):
        gossip.add_peer(one, PROTOCOL_ID_V11)
    assert set(GossipSub._get_peers_to_send(gossip, [TOPIC], own, own)) == {meshed}
    assert set(gossip._get_peers_to_send([TOPIC], own, own)) == {meshed, pruned}
    stranger = peer(tmp_path, "stranger")
    assert set(gossip._get_peers_to_send([TOPIC], stranger, stranger)) == {meshed}


async def test_a_list_grows_with_every_message(host: Host, tmp_path: Path) -> None:
    def publish(gossip: GossipSub) -> Any:
        return gossip.publish(
            host._pubsub.my_id, rpc_pb2.Message(topicIDs=[TOPIC], from_id=b"x", seqno=b"1")
        )

    plain = gossipsub.GossipSub([PROTOCOL_ID_V11], 8, 6, 12, adaptive_gossip_enabled=False)
    plain.pubsub = host._pubsub
    for _ in range(3):
        await publish(plain)
        await publish(host._gossip)
    assert len(plain.recent_message_deliveries[TOPIC]) == 3
    assert len(host._gossip.recent_message_deliveries[TOPIC]) == 0


async def test_what_is_lost_in_a_full_queue_is_counted(host: Host, tmp_path: Path) -> None:
    other = peer(tmp_path, "other")
    host._pubsub.peer_queues[other] = rpc_queue.RpcQueue(max_size=1)
    rpc = rpc_pb2.RPC(publish=[rpc_pb2.Message(data=b"x")])
    for _ in range(3):
        host._gossip.send_rpc(other, rpc)
    assert host._gossip._counters["outbox-overflow"] == 2


def test_sequence_numbers_come_again_after_a_quick_restart(host: Host) -> None:
    plain = Pubsub(host._host, GossipSub([PROTOCOL_ID_V11], 8, 6, 12))
    plain.seen_messages.stop()
    assert abs(plain.counter - time.time()) < 5
    assert abs(host._pubsub.counter / 1e9 - time.time()) < 5


def test_the_address_of_every_interface_is_told_as_one(host: Host) -> None:
    everywhere = Multiaddr("/ip4/0.0.0.0/tcp/4001")
    host._listen, host.port, host._addresses = everywhere, 4001, lambda: ("192.0.2.1", "127.0.0.1")
    assert list(map(str, host._expand([everywhere]))) == [
        "/ip4/192.0.2.1/tcp/4001",
        "/ip4/127.0.0.1/tcp/4001",
    ]


async def test_what_a_task_for_one_peer_raises_ends_the_host(fresh: dict[str, Any]) -> None:
    assert fresh["task_ends_it"]

    class Failing(Service):
        async def run(self) -> None:
            self.manager.run_task(self.fail)
            await trio.testing.wait_all_tasks_blocked()

        async def fail(self) -> None:
            raise ValueError("a peer's bytes")

    class Ending(Failing):
        async def run(self) -> None:
            self.manager.run_daemon_task(self.fail)  # without it the host is none
            await trio.sleep_forever()

    await TrioManager.run_service(Failing())
    with pytest.raises(ExceptionGroup):
        await TrioManager.run_service(Ending())


async def test_all_tasks_are_looked_through_for_the_parent_of_a_new_one(
    fresh: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fresh["tasks"] >= 20
    monkeypatch.setattr(FunctionTask, "iterate_tasks", None)
    ran = trio.Event()

    class Working(Service):
        async def run(self) -> None:
            self.manager.run_task(self.work)

        async def work(self) -> None:
            ran.set()

    await TrioManager.run_service(Working())
    assert ran.is_set()


def test_a_key_is_read_whatever_its_size(fresh: dict[str, Any]) -> None:
    assert fresh["rsa"] > 1 << 15
    with pytest.raises(CryptographyError):
        deserialize_public_key(HUGE_KEY)
    with pytest.raises(CryptographyError):
        RSAPublicKey.from_bytes(b"")
    key = create_new_rsa_key_pair(2048).public_key
    assert deserialize_public_key(key.serialize()) == key


async def test_an_exponent_as_long_as_the_key_is_not_read() -> None:
    """It makes a signature cost a hundred times as much."""
    numbers = create_new_rsa_key_pair(2048).public_key.impl  # type: ignore[attr-defined]
    slow = RSA.construct((numbers.n, numbers.n // 2 | 1), consistency_check=False)
    with pytest.raises(CryptographyError):
        RSAPublicKey.from_bytes(slow.export_key("DER"))


def test_a_few_signatures_are_refused_that_others_accept(fresh: dict[str, Any]) -> None:
    """Who passes them on, as js-libp2p does, would be taken for the forger."""
    assert fresh["crafted"] is False
    message = rpc_pb2.Message.FromString(CRAFTED)
    assert pubsub.signature_validator(message)
    message.data = b"y"
    with pytest.raises(ValidationError):
        pubsub.signature_validator(message)


async def test_a_reader_that_is_woken_by_the_end_of_its_stream_leaves_an_event_for_ever() -> None:
    frames = ((WINDOW, SYN, 1, 0), (WINDOW, yamux.FLAG_RST, 1, 0))
    first, second = (
        struct.pack(yamux.YAMUX_HEADER_FORMAT, 0, kind, flags, stream, length)
        for kind, flags, stream, length in frames
    )
    left = []
    for make in (yamux.Yamux, lambda *args: GuardedYamux(*args, guard())):
        wire = Secured(first)
        connection = make(wire, ID(b"peer"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.start)
            stream = await connection.accept_stream()
            nursery.start_soon(read_to_the_end, stream)
            await trio.testing.wait_all_tasks_blocked()
            wire.more(second)
            await trio.testing.wait_all_tasks_blocked()
            assert not connection.streams
            connection._sweep_stale_streams()
            left.append(len(connection.stream_events))
            nursery.cancel_scope.cancel()
    assert left == [1, 0]


async def read_to_the_end(stream: Any) -> None:
    with suppress(Exception):
        await stream.read(1)


async def test_a_length_is_believed_before_it_is_known_who_sends_it(fresh: dict[str, Any]) -> None:
    assert fresh["line"] > 1 << 30
    wire = Naked(b"\xff\xff\xff\xff\x0f")
    with pytest.raises(MessageTooLarge):
        await varint.read_varint_prefixed_bytes(wire)  # type: ignore[arg-type]


async def test_a_peer_may_tell_of_any_number_of_protocols(fresh: dict[str, Any]) -> None:
    assert fresh["protocols"] == 9000
    store, one = PeerStore(), ID(b"peer")
    told = Identify(protocols=[f"/{number}" for number in range(9000)], agent_version="x" * 999)
    told.signedPeerRecord = b"x" * 9999
    await basic_host.update_peerstore_from_identify(store, one, told)
    assert store.get_protocols(one) == [f"/{number}" for number in range(128)]
    assert not told.signedPeerRecord


def test_who_sends_what_nobody_signed_is_not_told_from_others(fresh: dict[str, Any]) -> None:
    assert fresh["unsigned"] is False
    with pytest.raises(ValidationError):
        pubsub.signature_validator(rpc_pb2.Message())


async def test_a_neighbour_that_is_busy_for_5_s_loses_what_waits_for_it(
    fresh: dict[str, Any], autojump_clock: trio.testing.MockClock
) -> None:
    assert 5 <= fresh["patience"] < 6
    connection = GuardedYamux(Secured(), ID(b"peer"), guard())  # type: ignore[arg-type]
    stream = yamux.YamuxStream(1, connection, True)
    stream.send_window = 0
    start = trio.current_time()
    with pytest.raises(MuxedStreamError):
        await stream.write(b"x")
    assert 20 <= trio.current_time() - start < 21
    assert connection.event_shutting_down.is_set()


async def test_a_frame_is_written_by_half_and_the_next_follows(
    autojump_clock: trio.testing.MockClock,
) -> None:
    plain = yamux.Yamux(Secured(slow=True), ID(b"peer"))  # type: ignore[arg-type]
    guarded = GuardedYamux(Secured(slow=True), ID(b"peer"), guard())  # type: ignore[arg-type]
    for connection in (plain, guarded):
        with trio.move_on_after(1):
            await connection._write_frame(b"x" * 100)
    assert not plain.event_shutting_down.is_set()
    assert guarded.event_shutting_down.is_set()


async def test_a_frame_that_was_not_begun_does_no_harm() -> None:
    guarded = GuardedYamux(Secured(), ID(b"peer"), guard())  # type: ignore[arg-type]
    with trio.move_on_after(0):
        await guarded._write_frame(b"x" * 100)
    assert not guarded.event_shutting_down.is_set()


@pytest.mark.parametrize(
    ("frames", "left"),
    [
        ([(DATA, SYN, 1, 200_000), *[(DATA, 0, 1, 200_000)] * 9], 0),
        ([(DATA, SYN, 1, 2_000_000)], 0),
        ([(WINDOW, SYN, number, 0) for number in range(1, 201, 2)], 64),
        ([(9, 0, 1, 0), (WINDOW, SYN, 1, 0)], 0),
    ],
    ids=["window", "frame", "streams", "type"],
)
async def test_yamux_believes_every_number_it_is_told(
    frames: list[tuple[int, int, int, int]], left: int
) -> None:
    data = b"".join(
        struct.pack(yamux.YAMUX_HEADER_FORMAT, 0, kind, flags, stream, length)
        + (b"x" * length if kind == DATA else b"")
        for kind, flags, stream, length in frames
    )
    kept = []
    plain, guarded = Secured(data), Secured(data)
    for connection in (
        yamux.Yamux(plain, ID(b"peer")),  # type: ignore[arg-type]
        GuardedYamux(guarded, ID(b"peer"), guard()),  # type: ignore[arg-type]
    ):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.start)
            nursery.start_soon(accept, connection)
            await trio.testing.wait_all_tasks_blocked()
            kept.append((len(connection.streams), sum(map(len, connection.stream_buffers.values()))))
            nursery.cancel_scope.cancel()
    (streams, size), (of_guarded, of_guarded_size) = kept
    assert streams > left
    assert size > 256 << 10 or not any(kind == DATA for kind, *_ in frames)
    assert of_guarded == left
    assert of_guarded_size <= 256 << 10


async def test_connections_that_ended_are_counted_for_ever(
    host: Host, autojump_clock: trio.testing.MockClock
) -> None:
    """By default a host takes no more when it has had 300 of them."""

    class Ended(Yamux):
        event_closed = trio.Event()

    ended = Ended.__new__(Ended)
    ended.event_closed.set()

    async def shake_hands(*_: Any) -> Any:
        return ended

    class Never:
        wait_finished = staticmethod(trio.sleep_forever)

    network = host._network
    network.upgrade_inbound_raw_conn = shake_hands  # type: ignore[method-assign]
    network._manager = Never()  # type: ignore[assignment]
    free = network._inbound_limiter.available_tokens
    address = Multiaddr("/ip4/127.0.0.1/tcp/1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Swarm._handle_inbound_connection, network, Naked(), address)
        await trio.testing.wait_all_tasks_blocked()
        assert network._inbound_limiter.available_tokens < free
        with trio.fail_after(1):
            await network._handle_inbound_connection(Naked(), address)
        assert not host._guard._inbound
        nursery.cancel_scope.cancel()


async def test_the_nonce_of_a_private_mesh_may_not_come_in_two_pieces() -> None:
    with pytest.raises(ValueError, match="short nonce"):
        await PskConn(Naked(b"n" * 100, piece=5), "00" * 32).read(1)  # type: ignore[arg-type]
    with pytest.raises(ForeignError):  # it is read, and means nothing
        await Opening(Naked(b"n" * 100, piece=5), bytes(32)).read(1)  # type: ignore[arg-type]


def test_messages_of_any_size_are_kept_to_be_asked_for(host: Host) -> None:
    plain, bounded = mcache.MessageCache(3, 5), BoundedCache(3, 5, 10 << 20)
    for number in range(40):
        message = rpc_pb2.Message(from_id=b"x", seqno=b"%d" % number, data=b"x" * (1 << 20))
        for cache in (plain, bounded):
            cache.put(message)
    assert len(plain.msgs) == 40
    assert len(bounded.msgs) == 9
    for _ in range(5):
        bounded.shift()
    assert not bounded.msgs
    assert bounded._bytes == 0
    assert isinstance(host._gossip.mcache, BoundedCache)


async def test_one_message_is_sent_as_often_as_it_is_asked_for(host: Host, tmp_path: Path) -> None:
    plain = gossipsub.GossipSub([PROTOCOL_ID_V11], 8, 6, 12, adaptive_gossip_enabled=False)
    plain.attach(host._pubsub)
    other = peer(tmp_path, "other")
    message = rpc_pb2.Message(from_id=b"author", seqno=b"1", topicIDs=[TOPIC], data=b"x")
    sent = []
    for gossip in (plain, host._gossip):
        queue = host._pubsub.peer_queues[other] = repairs.RoomyQueue()
        gossip.mcache.put(message)
        [mid] = gossip.mcache.msgs
        for _ in range(5):
            await gossip.handle_iwant(rpc_pb2.ControlIWant(messageIDs=[mid] * 100), other)
        rpcs = [await queue.pop() for _ in range(len(queue))]
        sent.append(sum(len(rpc.publish) for rpc in rpcs if rpc is not None))
    assert sent == [500, 3]


async def test_whole_messages_are_kept_to_find_two_under_one_id(host: Host) -> None:
    plain = gossipsub.GossipSub([PROTOCOL_ID_V11], 8, 6, 12, adaptive_gossip_enabled=False)
    for gossip in (plain, host._gossip):
        gossip._check_equivocation(rpc_pb2.Message(from_id=b"x", seqno=b"1"))
    assert len(plain.equivocation_detection) == 1
    assert len(host._gossip.equivocation_detection) == 0


async def test_who_is_to_wait_is_remembered_for_ever(host: Host, tmp_path: Path) -> None:
    plain = gossipsub.GossipSub([PROTOCOL_ID_V11], 8, 6, 12, adaptive_gossip_enabled=False)
    past, other = int(time.time()) - 1, peer(tmp_path, "other")
    for gossip in (plain, host._gossip):
        gossip.back_off[TOPIC] = {other: past, peer(tmp_path, "later"): past + 100}
        gossip._periodic_security_cleanup()
    assert other in plain.back_off[TOPIC]
    assert list(host._gossip.back_off[TOPIC]) == [peer(tmp_path, "later")]


async def test_what_is_said_of_made_up_topics_is_kept(host: Host, tmp_path: Path) -> None:
    plain = gossipsub.GossipSub([PROTOCOL_ID_V11], 8, 6, 12, adaptive_gossip_enabled=False)
    other = peer(tmp_path, "other")
    await plain.handle_prune(rpc_pb2.ControlPrune(topicID="made up", backoff=1 << 40), other)
    assert plain.back_off["made up"][other] > 1 << 39
    told = rpc_pb2.ControlMessage(prune=[rpc_pb2.ControlPrune(topicID="made up")])
    assert not tame(told, str(other), [TOPIC], host._guard).prune


def test_one_queue_knows_nothing_of_the_others(host: Host, tmp_path: Path) -> None:
    """By default so many neighbours may each let 32 MiB wait for them."""
    big = rpc_pb2.RPC(publish=[rpc_pb2.Message(data=b"x" * (1 << 20))])
    queues = [repairs.RoomyQueue() for _ in range(4)]
    for number, queue in enumerate(queues):
        host._pubsub.peer_queues[peer(tmp_path, str(number))] = queue
    for queue in queues[:3]:
        while queue.push(big):
            pass
    total = host._pubsub.peer_queues._total  # type: ignore[attr-defined]
    assert total.bytes <= (64 + 64 // 4) << 20
    assert sum(queues[3].push(big) for _ in range(40)) >= 15  # its equal part is still there
    assert total.bytes <= 2 * 64 << 20
    for queue in queues:
        queue.close()
    assert (total.bytes, total.queues) == (0, 0)


def test_who_left_is_remembered_for_ever(host: Host, tmp_path: Path) -> None:
    plain = type(host._network.auto_connector)(host._network)
    for connector in (plain, host._network.auto_connector):
        connector.record_disconnect(peer(tmp_path, "other"))
    assert len(plain._recent_disconnects) == 1
    assert not host._network.auto_connector._recent_disconnects


def guard() -> Guard:
    """One with the real limits."""
    return Guard(
        Limits(),
        blocked=lambda _: False,
        addresses=tuple,
        counters=Counter(),
        refusals=Refusals(lambda: 0.0),
        banned=lambda _: None,
    )


async def accept(connection: yamux.Yamux) -> None:
    """Take every stream that is opened."""
    with suppress(MuxedConnUnavailable):
        while True:
            await connection.accept_stream()


class Secured:
    """A secured connection with something to read, then nothing."""

    is_initiator = False

    def __init__(self, data: bytes = b"", *, slow: bool = False) -> None:
        self._data = data
        self._slow = slow
        self._come = trio.Event()

    def more(self, data: bytes) -> None:
        self._data += data
        self._come.set()

    async def read(self, n: int) -> bytes:
        while not self._data:
            self._come = trio.Event()
            await self._come.wait()
        taken, self._data = self._data[:n], self._data[n:]
        return taken

    async def write(self, data: bytes) -> None:
        await trio.sleep(30 if self._slow else 0)

    async def close(self) -> None:
        pass


class Naked:
    """A socket that gives so many bytes at a time."""

    def __init__(self, data: bytes = b"", *, piece: int = 1 << 20) -> None:
        self._data = data
        self._piece = piece

    async def read(self, n: int | None = None) -> bytes:
        taken = self._data[: min(self._piece, n or self._piece)]
        self._data = self._data[len(taken) :]
        return taken

    async def close(self) -> None:
        pass

    def get_remote_address(self) -> tuple[str, int]:
        return ("127.0.0.1", 1)


async def test_what_a_peer_subscribed_to_is_forgotten_with_our_stream_to_it(
    host: Host, tmp_path: Path
) -> None:
    bob, pubsub_ = peer(tmp_path, "bob"), host._pubsub
    pubsub_._manager = Services()  # type: ignore[assignment]  # a stream would be opened anew
    subscribed = rpc_pb2.RPC.SubOpts(subscribe=True, topicid=TOPIC)
    open_connection: Any = type("Conn", (), {"muxed_conn": None})()

    def heard_of_bob() -> set[ID]:
        pubsub_.handle_subscription(bob, subscribed)
        return set(pubsub_.peer_topics[TOPIC])

    host._network.connections[bob] = [open_connection]
    pubsub_._reading[bob] = [Wire(bob)]  # type: ignore[list-item]  # bob still sends, on the other one
    assert heard_of_bob() == {bob}
    Pubsub._handle_dead_peer(pubsub_, bob)
    assert TOPIC not in pubsub_.peer_topics
    assert heard_of_bob() == {bob}
    pubsub_._handle_dead_peer(bob)
    assert pubsub_.peer_topics[TOPIC] == {bob}
    host._network.connections.clear()
    pubsub_._handle_dead_peer(bob)
    assert TOPIC not in pubsub_.peer_topics


def test_the_newest_is_offered_first() -> None:
    def offered(cache: mcache.MessageCache) -> list[bytes]:
        for number in (b"1", b"2", b"3"):
            cache.put(rpc_pb2.Message(from_id=b"a", seqno=number, key=b"k", topicIDs=[TOPIC]))
            cache.shift()
        return [mid[-1:] for mid in cache.window(TOPIC)]

    assert offered(mcache.MessageCache(5, 10)) == [b"3", b"2", b"1"]
    cache = BoundedCache(2, 5, 1 << 20)
    cache.shift()
    assert offered(cache) == [b"3"]
    assert [mid[-1:] for mid in cache.recent(TOPIC)] == [b"2", b"3"]
    assert offered(BoundedCache(5, 10, 1 << 20)) == [b"1", b"2", b"3"]


def test_a_large_message_waits_until_it_fits_into_every_queue(host: Host, tmp_path: Path) -> None:
    """By default nothing waits, and of two pictures for sixty neighbours half of the second is lost."""
    queues = [repairs.RoomyQueue() for _ in range(60)]
    for number, queue in enumerate(queues):
        host._pubsub.peer_queues[peer(tmp_path, str(number))] = queue
    size = 700 << 10
    picture = rpc_pb2.RPC(publish=[rpc_pb2.Message(data=b"x" * (size - 1024))])
    assert not any(queue.worth_waiting_for(size) for queue in queues)
    assert all(queue.push(picture) for queue in queues)
    assert all(queue.worth_waiting_for(size) for queue in queues)
    assert not any(queue.worth_waiting_for(1024) for queue in queues)
    for queue in queues[:38]:
        queue.close()
    assert not any(queue.worth_waiting_for(size) for queue in queues[38:])
