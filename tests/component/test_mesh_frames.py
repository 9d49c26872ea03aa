"""RPCs on a stream, in pieces of any size, and what is counted of them before they are read."""

from __future__ import annotations

from typing import Any

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st
from libp2p.io.exceptions import MessageTooLarge
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils import encode_varint_prefixed

from aikyo.mesh.host.frames import Frames, Halves, count

MOST = 4 << 20


class Wire:
    """A stream that gives these pieces, one a read, and then ends, or stays silent."""

    def __init__(self, *pieces: bytes, ends: bool = True, peer: str = "peer") -> None:
        self.muxed_conn = type("Conn", (), {"peer_id": peer})()
        self._pieces = list(pieces)
        self._ends = ends

    async def read(self, n: int) -> bytes:
        await trio.lowlevel.checkpoint()
        if not self._pieces and not self._ends:
            await trio.sleep_forever()
        if not self._pieces:
            raise StreamEOF
        piece = self._pieces.pop(0)
        assert len(piece) <= n
        return piece


def frames(wire: Any, halves: Halves | None = None) -> Frames:
    return Frames(wire, MOST, Halves(MOST) if halves is None else halves)


@given(st.lists(st.binary(max_size=300)), st.integers(1, 500))
def test_what_was_written_is_read_whatever_the_pieces(written: list[bytes], size: int) -> None:
    data = b"".join(map(encode_varint_prefixed, written))
    pieces = [data[at : at + size] for at in range(0, len(data), size)]

    async def read() -> list[bytes]:
        reader, got = frames(Wire(*pieces)), []
        try:
            while True:
                got.append(await reader.next())
        except StreamEOF:
            return got

    assert trio.run(read) == written


@given(st.binary(max_size=100))
def test_any_bytes_are_frames_or_too_large_or_end(data: bytes) -> None:
    async def read() -> None:
        reader = frames(Wire(data))
        with pytest.raises((StreamEOF, MessageTooLarge)):
            for _ in range(200):
                await reader.next()

    trio.run(read)


@pytest.mark.parametrize("length", [b"\x81\x80\x80\x02", b"\xff" * 9 + b"\x01", b"\xff" * 20])
async def test_a_length_beyond_the_limit_is_refused_before_it_comes(length: bytes) -> None:
    with pytest.raises(MessageTooLarge):
        await frames(Wire(length, ends=False)).next()


async def test_of_too_many_halves_the_longest_of_who_has_most_is_given_up(
    nursery: trio.Nursery,
) -> None:
    halves, lost = Halves(400_000), []

    async def read(peer: str, size: int) -> None:
        data = b"\x80\x80\x80\x01" + b"x" * size
        pieces = (data[at : at + 60_000] for at in range(0, size, 60_000))
        reader = frames(Wire(*pieces, ends=False, peer=peer), halves)
        try:
            await reader.next()
        except MessageTooLarge:
            lost.append((peer, size))
        finally:
            reader.close()

    for peer, size in (("greedy", 100_000), ("greedy", 90_000), ("honest", 170_000)):
        nursery.start_soon(read, peer, size)
    await trio.testing.wait_all_tasks_blocked()
    assert lost == []
    nursery.start_soon(read, "another", 80_000)
    await trio.testing.wait_all_tasks_blocked()
    assert lost == [("greedy", 100_000)]
    assert len(halves) == 340_012
    nursery.cancel_scope.cancel()


async def test_what_ended_is_held_no_more() -> None:
    halves = Halves(MOST)
    reader = frames(Wire(b"\x80\x80\x08", *[b"x" * 65_536] * 2), halves)
    assert len(await reader.next()) == 1 << 17
    with pytest.raises(StreamEOF):
        await reader.next()
    assert len(halves) == 0


@given(
    st.integers(0, 20),
    st.integers(0, 20),
    st.lists(st.sampled_from(["ihave", "iwant", "graft", "prune"]), max_size=20),
)
def test_messages_subscriptions_and_what_control_asks_for_are_counted(
    messages: int, subscriptions: int, asked: list[str]
) -> None:
    control = rpc_pb2.ControlMessage()
    for name in asked:
        getattr(control, name).add()
    rpc = rpc_pb2.RPC(
        publish=[rpc_pb2.Message(data=b"\x12\x00" * 99)] * messages,
        subscriptions=[rpc_pb2.RPC.SubOpts(topicid="t")] * subscriptions,
    )
    assert count(rpc.SerializeToString(), 1000) == messages + subscriptions
    rpc.control.CopyFrom(control)
    assert count(rpc.SerializeToString(), 1000) == messages + subscriptions + 1 + len(asked)


@pytest.mark.parametrize("control", [False, True])
@pytest.mark.parametrize("thing", [b"\x12\x00", b"\x0a\x00", b"\x00\x00", b"\x0b", b"\x0d0000"])
def test_counting_ends_where_it_is_enough(thing: bytes, control: bool) -> None:
    many = thing * 100_000
    frame = b"\x1a" + encode_varint_prefixed(many) if control else many
    assert count(frame, 50) == 51


@given(st.binary(max_size=200))
def test_any_bytes_are_counted_and_are_as_many_at_least_as_are_read(data: bytes) -> None:
    number = count(data, 1000)
    try:
        rpc = rpc_pb2.RPC.FromString(data)
    except Exception:  # it is none
        return
    control = rpc.control
    read = len(rpc.publish) + len(rpc.subscriptions) + len(control.ihave) + len(control.iwant)
    assert number >= read + len(control.graft) + len(control.prune)
