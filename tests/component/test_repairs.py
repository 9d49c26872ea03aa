"""Canaries: each repair is checked twice, that libp2p without it still has the fault, and that with it
the fault is gone. When the first half fails, upstream has mended it and the repair can go.
"""

from __future__ import annotations

import inspect
import json
import logging
import socket
import struct
import subprocess
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from libp2p.host.basic_host import BasicHost
from libp2p.io.trio import TrioTCPStream
from libp2p.network.config import ConnectionConfig
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.peer.id import ID
from libp2p.peer.peerstore import env_to_send_in_RPC
from libp2p.pubsub import gossipsub, mcache, pubsub, rpc_queue
from libp2p.pubsub import utils as pubsub_utils
from libp2p.pubsub.gossipsub import PROTOCOL_ID_V11, GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.stream_muxer.yamux import yamux
from libp2p.utils import encode_varint_prefixed
from multiaddr import Multiaddr

from aikyo.mesh import repairs
from aikyo.mesh.host import Host, Listener
from aikyo.mesh.identity import load_identity

TOPIC = "t"

# What libp2p is like before it is repaired, which only a fresh process can tell.
FRESH = """
import json, logging, socket
import trio
from libp2p.io.trio import TrioTCPStream
from libp2p.pubsub import mcache, pubsub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.stream_muxer.yamux import yamux

class Conn:
    stream_buffers = {}
    frames = 0
    def rtt(self): return 0.001
    async def _write_frame(self, frame): self.frames += 1

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
        "printed": libp2p.isEnabledFor(logging.WARNING) and not libp2p.handlers and not libp2p.propagate,
    }))

trio.run(main)
"""


@pytest.fixture(autouse=True)
def repaired() -> None:
    """As in a process that has started a host; what is plain is looked at in another process."""
    repairs.apply()


@pytest.fixture(scope="module")
def fresh() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FRESH)], check=True, capture_output=True, text=True
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
    assert queue.worth_waiting_for
    queue.give_up()
    assert not queue.worth_waiting_for
    while len(queue):
        assert await queue.pop() is big
    queue.give_up()
    for _ in range(25):
        queue.push(big)
    assert queue.worth_waiting_for


async def test_who_was_waited_for_in_vain_is_waited_for_again_only_when_nearly_all_is_taken() -> None:
    queue = repairs.RoomyQueue()
    while queue.push(rpc_pb2.RPC()):
        pass
    queue.give_up()
    while len(queue) >= 256:
        assert not queue.worth_waiting_for
        await queue.pop()
        queue.give_up()  # as every publish does
        queue.push(rpc_pb2.RPC())
        assert not queue.worth_waiting_for
        await queue.pop()
    while len(queue) < 768:
        assert not queue.worth_waiting_for
        queue.push(rpc_pb2.RPC())
    assert queue.worth_waiting_for


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


async def test_the_same_signed_record_is_verified_for_every_rpc(
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
    record, _ = env_to_send_in_RPC(host._host)
    rpcs = [rpc_pb2.RPC(senderRecord=record, control=rpc_pb2.ControlMessage()) for _ in range(3)]
    await Pubsub.continuously_read_stream(host._pubsub, Wire(own, *rpcs))  # type: ignore[arg-type]
    assert len(verified) == 6  # once in pubsub and once in gossipsub
    verified.clear()
    await host._pubsub.continuously_read_stream(Wire(own, *rpcs))  # type: ignore[arg-type]
    assert len(verified) == 1


async def test_a_record_that_is_not_the_senders_is_refused(host: Host, tmp_path: Path) -> None:
    host._pubsub._manager = Services()  # type: ignore[assignment]
    record, _ = env_to_send_in_RPC(host._host)
    forged = rpc_pb2.RPC(
        senderRecord=record, subscriptions=[rpc_pb2.RPC.SubOpts(subscribe=True, topicid=TOPIC)]
    )
    await host._pubsub.continuously_read_stream(Wire(peer(tmp_path, "other"), forged))  # type: ignore[arg-type]
    assert host._pubsub._counters["bad-record"] == 1
    assert host._pubsub.peer_topics == {}


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
