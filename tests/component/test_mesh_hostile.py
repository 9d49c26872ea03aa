"""What a hostile peer can do to a host, at every layer, and that it does the host no harm: it still
hears an honest one, counts what happened, and keeps no more than it should.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from libp2p.custom_types import TProtocol
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.identity.identify_push.identify_push import ID_PUSH
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils import encode_varint_prefixed

from aikyo.mesh.host.limits import Limits, Rate
from aikyo.mesh.host.metadata import METADATA, read_metadata
from tests.support.strangers import TOPIC, Running, connect_all, frames, rpc, running, sent, until

DATA, WINDOW, PING, GO_AWAY = range(4)
SYN, ACK, FIN, RST = 1, 2, 4, 8
QUICK = Limits(handshake=1.0, slow=1.0)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing a peer does is worth a warning, still less a traceback."""
    caplog.set_level(logging.INFO)
    yield
    loud = [one for one in caplog.records if one.levelno >= logging.WARNING or one.exc_info]
    assert not loud, [one.getMessage() for one in loud]
    assert "Traceback" not in capfd.readouterr().err


async def knock(host: Running, data: bytes) -> bytes:
    """Send `data` to the naked socket; what came back until it was closed."""
    stream = await trio.open_tcp_stream("127.0.0.1", host.host.port)
    async with stream:
        answer = b""
        with trio.fail_after(10):
            try:
                await stream.send_all(data)
                async for piece in stream:
                    answer += piece
            except trio.BrokenResourceError:
                pass
        return answer


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + b"x" * 40,
        b"\x00" * 64,
        b"\x13/multistream/1.0.0\n" + b"\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + b"x" * 64,
        b"\x13/multistream/1.0.0\n\x07/noise\n" + b"\x00\x05hello" + b"\xff\xff" + b"y" * 65535,
        b"\x13/multistream/1.0.0\n\x03\xff\xfe\n",
    ],
    ids=["http", "a-huge-length", "zeros", "a-huge-line", "bad-noise", "no-text"],
)
async def test_garbage_instead_of_a_handshake_is_shown_the_door(tmp_path: Path, data: bytes) -> None:
    async with running(tmp_path, 2) as (host, honest):
        await connect_all(host, honest)
        await knock(host, data)
        await until(lambda: host.counters["handshake-failed"] == 1)
        await sent(host, honest)
        assert not host.host._guard._inbound.total() - 1


async def test_random_bytes_on_the_socket_end_nothing(tmp_path: Path) -> None:
    bits = random.Random(7)
    async with running(tmp_path, 2, limits=QUICK) as (host, honest):
        await connect_all(host, honest)
        hello = b"\x13/multistream/1.0.0\n"
        async with trio.open_nursery() as nursery:
            for _ in range(30):
                head = bits.choice((b"", hello, hello + b"\x07/noise\n"))
                nursery.start_soon(knock, host, head + bits.randbytes(bits.randrange(1, 3000)))
        await sent(host, honest)
        assert host.counters["handshake-failed"] == 30


async def test_handshakes_that_never_end_are_few_and_short(tmp_path: Path) -> None:
    async with running(tmp_path, 2, limits=replace(QUICK, handshakes_per_ip=2)) as (host, honest):
        await connect_all(host, honest)
        streams = [await trio.open_tcp_stream("127.0.0.1", host.host.port) for _ in range(12)]
        await until(lambda: host.counters["too-many-connections"] >= 4)  # this machine has 4 × 2
        assert host.host._guard._handshakes.total() <= 8
        assert "127.0.0.1" in {refusal.who for refusal in host.refusals.all()}
        await until(lambda: not host.host._guard._handshakes)
        for stream in streams:
            await stream.aclose()
        await sent(host, honest)


async def test_connections_that_ended_make_room_for_others(tmp_path: Path) -> None:
    limits = Limits(connections_per_ip=1)
    async with running(tmp_path, 2, limits=limits) as (host, honest):
        for _ in range(12):
            async with frames(tmp_path, host):
                pass
            await until(lambda: not host.host._guard._inbound)
        await connect_all(host, honest)
        await sent(host, honest)


async def test_one_address_may_open_so_many_connections_and_no_more(tmp_path: Path) -> None:
    async with running(tmp_path, 1, limits=Limits(connections_per_ip=1)) as (host,):
        async with AsyncExitStack() as held:
            for _ in range(4):  # this machine has 4 × 1
                await held.enter_async_context(frames(tmp_path, host))
            assert await knock(host, b"") == b""
            assert host.counters["too-many-connections"] == 1


@pytest.mark.parametrize(
    ("frame", "body"),
    [
        ((DATA, 0, 3, 0, b"", 9), b""),
        ((7, 0, 3), b""),
        ((DATA, SYN, 1, 16 << 20), b""),
        ((WINDOW, SYN, 2), b""),
        ((WINDOW, SYN, 0), b""),
    ],
    ids=["version", "type", "a-huge-frame", "a-stream-of-ours", "stream-0"],
)
async def test_frames_that_are_forbidden_end_the_connection(
    tmp_path: Path, frame: tuple[int, ...], body: bytes
) -> None:
    async with running(tmp_path, 2) as (host, honest):
        await connect_all(host, honest)
        async with frames(tmp_path, host) as bad:
            await bad.send(*frame)  # type: ignore[arg-type]
            assert await bad.ended()
        assert host.counters["broken-frames"] == 1
        await sent(host, honest)


async def test_data_beyond_the_window_ends_the_connection(tmp_path: Path) -> None:
    async with running(tmp_path, 2) as (host, honest):
        await connect_all(host, honest)
        async with frames(tmp_path, host) as bad:
            await bad.send(WINDOW, SYN, 1)
            body = b"\x00" * 65536  # nobody reads on: it is no line of negotiation
            with pytest.raises(Exception):  # noqa: B017  # whatever a closed connection gives
                for _ in range(100):
                    await bad.send(DATA, 0, 1, len(body), body)
                    await trio.sleep(0)
            assert await bad.ended()
        await sent(host, honest)


async def test_streams_are_bounded_and_time_out_when_nothing_is_said(tmp_path: Path) -> None:
    async with running(tmp_path, 2, limits=QUICK) as (host, honest):
        await connect_all(host, honest)
        async with frames(tmp_path, host) as bad:
            for number in range(1, 401, 2):
                await bad.send(WINDOW, SYN, number)
            await until(lambda: host.counters["too-many-streams"] == 200 - QUICK.streams)
            [connection] = [
                one
                for connections in host.host._network.connections.values()
                for one in connections
                if str(one.muxed_conn.peer_id) != honest.peer
            ]
            assert len(connection.get_streams()) <= QUICK.streams + 2
            await until(lambda: len(connection.get_streams()) <= 2)
        await sent(host, honest)


async def test_what_nobody_reads_is_not_kept(tmp_path: Path) -> None:
    async with running(tmp_path, 2) as (host, honest):
        await connect_all(host, honest)
        async with frames(tmp_path, host) as bad:
            hello = (
                b"\x13/multistream/1.0.0\n" + b"\x10/ipfs/id/1.0.0\n"
            )  # it answers, and reads no more
            for number in range(1, 61, 2):
                await bad.send(DATA, SYN, number, len(hello), hello)
                await trio.sleep(0.02)
                for _ in range(4):
                    await bad.send(DATA, 0, number, 60_000, bytes(60_000))
            await until(lambda: host.counters["unread"] > 15)
            [connection] = [
                one.muxed_conn
                for connections in host.host._network.connections.values()
                for one in connections
                if str(one.muxed_conn.peer_id) != honest.peer
            ]
            assert sum(map(len, connection.stream_buffers.values())) <= QUICK.unread  # type: ignore[attr-defined]
        await sent(host, honest)


async def test_a_goodbye_and_a_storm_of_pings_are_survived(tmp_path: Path) -> None:
    async with running(tmp_path, 2) as (host, honest):
        await connect_all(host, honest)
        async with frames(tmp_path, host) as bad:
            for number in range(500):
                await bad.send(PING, SYN, 0, number)
            await bad.send(GO_AWAY, 0, 0, 4711)
            assert await bad.ended()
        await sent(host, honest)


async def test_who_sends_garbage_is_sent_away_for_a_while(tmp_path: Path) -> None:
    limits = Limits(garbage=Rate(0.001, 5))
    async with running(tmp_path, 3, limits=limits) as (host, honest, bad):
        await connect_all(host, honest)
        await connect_all(host, bad)
        for _ in range(6):
            stream = await bad.gossip_to(host)
            await stream.write(encode_varint_prefixed(b"\xff\xff no protobuf"))
            await trio.sleep(0.02)
        await until(lambda: not host.host.connected(bad.peer))
        assert host.counters["unreadable"] >= 5
        refusal = host.refusals.get(bad.peer)
        assert refusal is not None
        assert refusal.reason == "sent away for 60 s for sending garbage"
        await bad.dial(host)
        await until(lambda: not bad.host.connected(host.peer))
        assert not await host.dial(bad)
        await sent(host, honest)


async def test_what_nobody_signed_is_counted_and_ends_in_a_ban(tmp_path: Path) -> None:
    limits = Limits(garbage=Rate(0.001, 20))
    async with running(tmp_path, 3, limits=limits) as (host, honest, bad):
        await connect_all(host, honest)
        await connect_all(host, bad)
        stream = await bad.gossip_to(host)
        forged = bad.message(b"x", 1)
        for number in range(21):
            forged.seqno = (number + 2).to_bytes(8, "big")
            await stream.write(rpc(publish=[forged]))
        await until(lambda: not host.host.connected(bad.peer))
        assert host.counters["unverifiable"] == 21
        assert not host.heard
        await sent(host, honest)


async def test_an_rpc_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    async with running(tmp_path, 3) as (host, honest, bad):
        await connect_all(host, honest)
        await connect_all(host, bad)
        stream = await bad.gossip_to(host)
        await stream.write(b"\xff\xff\xff\xff\x0f" + b"x" * 100)
        await until(lambda: host.counters["rpc-too-large"] == 1)
        await sent(host, honest)


@pytest.mark.parametrize("field", [b"\x12", b"\x0a"], ids=["messages", "subscriptions"])
@pytest.mark.parametrize("asked", [None, b"\x0a", b"\x12", b"\x1a", b"\x22"])
async def test_an_rpc_of_millions_of_things_is_not_read(
    tmp_path: Path, field: bytes, asked: bytes | None
) -> None:
    async with running(tmp_path, 3) as (host, honest, bad):
        await connect_all(host, honest)
        await connect_all(host, bad)
        stream = await bad.gossip_to(host)
        things = (asked or field) + b"\x00"
        many = things * (1_900_000 if asked is None else 900_000)
        if asked is not None:
            many = field + b"\x00" + b"\x1a" + encode_varint_prefixed(many)
        await stream.write(encode_varint_prefixed(many))
        await until(lambda: host.counters["rpc-too-large"] == 1)
        assert not host.counters["control-flood"]
        await sent(host, honest)


async def test_a_flood_is_neither_delivered_nor_passed_on_and_a_burst_is(tmp_path: Path) -> None:
    limits = Limits(author_messages=Rate(1, 300), flood=Rate(1, 200))
    async with running(tmp_path, 3, limits=limits) as (host, honest, bad):
        await connect_all(host, honest)
        await connect_all(host, bad)
        for number in range(200):
            await honest.host.publish(TOPIC, b"burst %d" % number)
        await until(lambda: sum(data.startswith(b"burst") for data in host.heard) == 200)
        stream = await bad.gossip_to(host)
        try:
            for number in range(700):
                await stream.write(rpc(publish=[bad.message(b"flood", number + 1)]))
        except Exception:  # it was sent away
            pass
        await until(lambda: not host.host.connected(bad.peer))
        assert 300 <= host.heard.count(b"flood") <= 320
        assert host.counters["flood"] >= 200
        refusal = host.refusals.get(bad.peer)
        assert refusal is not None
        assert refusal.reason == "sent away for 60 s for flooding"
        await until(lambda: honest.heard.count(b"flood") >= 300)
        assert honest.heard.count(b"flood") <= 320
        await sent(host, honest)


async def test_more_bytes_than_allowed_are_only_delayed(tmp_path: Path) -> None:
    limits = Limits(traffic=Rate(4 << 20, 1 << 20), messages=Rate(200, 50))
    async with running(tmp_path, 2, limits=limits) as (host, honest):
        await connect_all(host, honest)
        for number in range(200):
            await honest.host.publish(TOPIC, b"%d" % number + b"x" * 20_000)
        await until(lambda: len(host.heard) == 200)
        assert not host.counters["flood"]
        await sent(host, honest)


async def test_what_gossip_is_told_is_kept_within_bounds(tmp_path: Path) -> None:
    """IHAVE, IWANT, GRAFT, PRUNE, IDONTWANT and subscriptions, thousands of each and made up."""
    async with running(tmp_path, 3) as (host, honest, bad):
        await connect_all(host, honest)
        await connect_all(host, bad)
        stream = await bad.gossip_to(host)
        ids = [os.urandom(44) for _ in range(2000)]
        control = rpc_pb2.ControlMessage(
            ihave=[rpc_pb2.ControlIHave(topicID=f"made-up-{n}", messageIDs=ids[:2]) for n in range(300)],
            iwant=[rpc_pb2.ControlIWant(messageIDs=ids)],
            graft=[rpc_pb2.ControlGraft(topicID=f"made-up-{n}") for n in range(50)],
            prune=[rpc_pb2.ControlPrune(topicID=f"made-up-{n}", backoff=1 << 40) for n in range(50)],
            idontwant=[rpc_pb2.ControlIDontWant(messageIDs=ids)],
        )
        head = b"\x00\x24\x08\x01\x12\x20"
        peers = [rpc_pb2.PeerInfo(peerID=head + os.urandom(32)) for _ in range(2000)]
        control.prune.add(topicID=TOPIC, backoff=1 << 40, peers=peers)
        subscriptions = [rpc_pb2.RPC.SubOpts(subscribe=True, topicid=f"made-up-{n}") for n in range(90)]
        known = len(host.host._network.peerstore.peer_ids())
        for _ in range(5):
            await stream.write(rpc(control=control, subscriptions=subscriptions))
        await sent(host, honest)
        gossip, pubsub = host.host._gossip, host.host._pubsub
        await until(lambda: host.counters["control-flood"] > 0)
        assert set(gossip.back_off) <= {TOPIC}
        assert max(gossip.back_off[TOPIC].values()) < 1 << 35
        assert set(gossip.mesh) == set(pubsub.peer_topics) == {TOPIC}
        assert all(set(topics) <= {TOPIC} for topics in gossip.ihave_message_limits.values())
        assert all(set(topics) <= {TOPIC} for topics in gossip.graft_flood_tracking.values())
        assert not any(gossip.dont_send_message_ids.values())
        assert len(host.host._network.peerstore.peer_ids()) <= known


async def test_one_message_is_not_sent_over_and_over(tmp_path: Path) -> None:
    async with running(tmp_path, 2) as (host, bad):
        await connect_all(host, bad)
        await host.host.publish(TOPIC, b"x" * 500_000)
        await until(lambda: len(bad.heard) == 1)
        [mid] = host.host._gossip.mcache.msgs
        got = 0

        async def count(*_: object) -> None:
            nonlocal got
            got += 1

        bad.host._pubsub.push_msg = count  # type: ignore[method-assign]
        stream = await bad.gossip_to(host)
        for _ in range(8):
            iwant = rpc_pb2.ControlIWant(messageIDs=[mid] * 500)
            await stream.write(rpc(control=rpc_pb2.ControlMessage(iwant=[iwant] * 3)))
        await until(lambda: got >= 3)
        await trio.sleep(0.3)
        assert got == 3


async def test_subscribing_again_and_again_does_not_bring_everything_again_and_again(
    tmp_path: Path,
) -> None:
    limits = Limits(control=Rate(0.001, 20))
    async with running(tmp_path, 2, limits=limits) as (host, bad):
        await connect_all(host, bad)
        await host.host.publish(TOPIC, b"x")
        await until(lambda: len(bad.heard) == 1)
        got = 0

        async def count(*_: object) -> None:
            nonlocal got
            got += 1

        bad.host._pubsub.push_msg = count  # type: ignore[method-assign]
        stream = await bad.gossip_to(host)
        for _ in range(200):
            for subscribe in (False, True):
                sub = rpc_pb2.RPC.SubOpts(subscribe=subscribe, topicid=TOPIC)
                await stream.write(rpc(subscriptions=[sub]))
        await until(lambda: host.counters["control-flood"] > 300)
        assert got <= 20


async def test_what_a_peer_tells_of_itself_is_bounded_and_forgotten_with_it(tmp_path: Path) -> None:
    async with running(tmp_path, 3) as (host, honest, bad):
        await connect_all(host, honest)
        await connect_all(host, bad)
        told = Identify(
            protocols=[f"/made-up/{n}" for n in range(9000)],
            listen_addrs=[b"\x04" + os.urandom(4) + b"\x06\x10\x01" for _ in range(3000)],
        )
        stream = await bad.host._host.new_stream(host.id, [TProtocol(ID_PUSH)])
        await stream.write(encode_varint_prefixed(told.SerializeToString()))
        await stream.close()
        store = host.host._network.peerstore
        await until(lambda: "/made-up/0" in store.get_protocols(bad.id))
        assert len(store.get_protocols(bad.id)) <= 128
        assert len(store.addrs(bad.id)) <= 32
        bad.host.stop()
        await until(lambda: not store.has_peer(bad.id))
        await sent(host, honest)


async def test_peers_that_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    async with running(tmp_path, 2) as (host, honest):
        await connect_all(host, honest)
        for _ in range(4):
            async with running(tmp_path, 2) as strangers:
                for one in strangers:
                    await connect_all(host, one)
            await until(lambda: len(host.host.neighbours()) == 1)
        gossip, pubsub, network = host.host._gossip, host.host._pubsub, host.host._network
        await until(lambda: len(pubsub.peers) == 1)
        tables = {
            "streams": pubsub.peers,
            "queues": pubsub.peer_queues,
            "subscriptions": pubsub._peer_subscription_count,
            "replayed": pubsub._replayed_recent_topics,
            "protocols": gossip.peer_protocol,
            "idontwant": gossip.dont_send_message_ids,
            "pending": gossip._pending_messages,
            "ihave": gossip.ihave_message_limits,
            "connections": network.connections,
            "disconnected": network.auto_connector._recent_disconnects,
            "tags": network.tag_store._tags,
            "identified": host.host._host._identified_peers,
            "inbound": host.host._guard._inbound,
        }
        assert {name: len(table) for name, table in tables.items() if len(table) > 1} == {}
        assert len(network.peerstore.peer_ids()) <= 2
        await sent(host, honest)


async def test_who_reads_nothing_is_let_go_and_the_others_miss_nothing(tmp_path: Path) -> None:
    limits = replace(QUICK, queued=4 << 20)
    async with running(tmp_path, 2, limits=limits) as (host, honest):
        await connect_all(host, honest)
        async with running(tmp_path, 1) as (deaf,):
            await connect_all(host, deaf)
            deaf.host._guard.traffic = lambda peer, amount: 3600.0  # type: ignore[method-assign]
            for number in range(60):
                await host.host.publish(TOPIC, b"%d " % number + b"x" * 100_000)
            await until(lambda: host.counters["slow-reader"] > 0)
            await until(lambda: not host.host.connected(deaf.peer))
            assert host.host._pubsub.peer_queues._total.bytes <= 4 << 20
        await until(lambda: len(honest.heard) == 60)
        assert host.host._pubsub.peer_queues._total.bytes == 0
        await sent(host, honest)


async def test_half_a_message_on_many_streams_is_half_a_message_on_few(tmp_path: Path) -> None:
    async with running(tmp_path, 3) as (host, honest, bad):
        await connect_all(host, honest)
        await connect_all(host, bad)
        for _ in range(10):
            stream = await bad.gossip_to(host)
            await stream.write(b"\xff\xff\xff\x01" + b"x" * 1000)
        await until(lambda: len(host.host._pubsub._reading[bad.id]) <= 3)
        await sent(host, honest)


async def test_metadata_without_an_end_or_a_meaning_is_none(tmp_path: Path) -> None:
    async with running(tmp_path, 2) as (host, bad):
        for answer in (b"", b"{", b"[" * 100_000, os.urandom(2000), b'{"id": 1}', b"x" * (2 << 20)):

            async def say(stream, answer=answer) -> None:  # type: ignore[no-untyped-def]
                await stream.write(answer)
                await stream.close()

            bad.host.serve(METADATA, say)
            await connect_all(host, bad)
            stream = await host.host.open(bad.peer, METADATA)
            assert stream is not None
            with trio.fail_after(10):
                assert await read_metadata(stream) is None
            await sent(host, bad)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_on_a_stream_of_gossip_or_of_metadata(tmp_path: Path, data: st.DataObject) -> None:
    """One pair of hosts and several pieces each time, some of them a frame of the right length."""
    piece = st.tuples(st.booleans(), st.binary(max_size=400))
    pieces = data.draw(st.lists(piece, min_size=5, max_size=20))

    async def try_it() -> None:
        async with running(tmp_path, 3, limits=Limits(garbage=Rate(1, 10_000))) as (host, honest, bad):
            await connect_all(host, honest)
            await connect_all(host, bad)
            host.host.serve(METADATA, _answer)
            for framed, piece in pieces:
                for protocol in (TProtocol("/meshsub/1.1.0"), METADATA):
                    stream = await bad.host._host.new_stream(host.id, [protocol])
                    await stream.write(encode_varint_prefixed(piece) if framed else piece)
                    await stream.reset()
            await sent(host, honest)

    trio.run(try_it)


async def _answer(stream) -> None:  # type: ignore[no-untyped-def]
    await stream.write(b"{}")
    await stream.close()
