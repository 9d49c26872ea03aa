"""What only the libp2p mesh has: hostile streams, crashes, sockets, metadata; real hosts on loopback."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import trio
import trio.testing
from libp2p.custom_types import TProtocol
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils import encode_varint_prefixed

from aikyo.errors import UsageError
from aikyo.mesh import MeshError
from aikyo.mesh.finding.mdns import Mdns, Sighting
from aikyo.mesh.host.metadata import METADATA, read_metadata, write_metadata
from aikyo.mesh.host.repairs import MAX_RPC, RoomyQueue
from aikyo.mesh.identity import load_identity
from aikyo.mesh.libp2p import Libp2pMesh, Libp2pNode, MeshOptions
from aikyo.wire import Message, Presence, Topic

DEADLINE = 20
MESHSUB = TProtocol("/meshsub/1.1.0")
ALICE = Presence(id="companion_alice", name="Alice", story="A story.")


def new_mesh(**options: Any) -> Libp2pMesh:
    chosen = {"name": f"test-{uuid.uuid4().hex[:12]}", "listen": "127.0.0.1", "mdns": False, **options}
    return Libp2pMesh(MeshOptions(**chosen), clock=time.time, random=random.Random(1))


@asynccontextmanager
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Libp2pNode, Libp2pNode]]:
    """Alice, and a firehose that will misbehave."""
    async with (
        new_mesh() as mesh,
        mesh.join(tmp_path / "alice", ALICE) as alice,
        mesh.join(tmp_path / "rogue", None) as rogue,
    ):
        assert isinstance(alice, Libp2pNode)
        assert isinstance(rogue, Libp2pNode)
        with trio.fail_after(DEADLINE):
            await alice.ready(1)
            await rogue.ready(1)
        yield alice, rogue


async def still_hears(alice: Libp2pNode, rogue: Libp2pNode) -> None:
    """Gossip between the two works, after a stream that was reset has been opened again too."""
    text = uuid.uuid4().hex
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(repeat, rogue, text)
            async for received in alice.received:
                if isinstance(received.payload, Message) and received.payload.message == text:
                    break
            nursery.cancel_scope.cancel()


async def repeat(node: Libp2pNode, text: str) -> None:
    while True:
        await node.publish(Message(id=uuid.uuid4().hex, sender="user_mika", message=text))
        await trio.sleep(0.1)


async def until_counted(node: Libp2pNode, reason: str) -> None:
    with trio.fail_after(DEADLINE):
        while not node.counters[reason]:
            await trio.sleep(0.005)


async def stream_to(node: Libp2pNode, other: Libp2pNode, protocol: TProtocol) -> Any:
    return await node.host._host.new_stream(ID.from_base58(other.peer), [protocol])


@pytest.mark.parametrize(
    "garbage", [b"\x05\xff\xff\xff\xff\xff", b"\xff" * 40, b"\x00" * 10, b"\x02\x0a\xff"]
)
async def test_garbage_on_gossip_does_not_end_the_host(tmp_path: Path, garbage: bytes) -> None:
    async with pair(tmp_path) as (alice, rogue):
        stream = await stream_to(rogue, alice, MESHSUB)
        await stream.write(garbage)
        await still_hears(alice, rogue)


async def test_a_message_with_an_unreadable_key_is_dropped_and_counted(tmp_path: Path) -> None:
    async with pair(tmp_path) as (alice, rogue):
        topic = f"{alice._mesh.options.name}/{Topic.MESSAGES}"
        message = rpc_pb2.Message(
            data=b"{}",
            topicIDs=[topic],
            from_id=b"\x12\x20" + b"x" * 32,
            seqno=b"1",
            key=b"?",
            signature=b"?",
        )
        stream = await stream_to(rogue, alice, MESHSUB)
        await stream.write(encode_varint_prefixed(rpc_pb2.RPC(publish=[message]).SerializeToString()))
        await until_counted(alice, "unverifiable")
        await still_hears(alice, rogue)


async def test_a_message_that_its_author_did_not_sign_is_not_heard(tmp_path: Path) -> None:
    async with pair(tmp_path) as (alice, rogue):
        topic = f"{alice._mesh.options.name}/{Topic.MESSAGES}"
        data = msgspec.json.encode(Message(id="forged", sender="user_mika", message="forged"))
        author = ID.from_base58(rogue.peer).to_bytes()
        message = rpc_pb2.Message(
            data=data, topicIDs=[topic], from_id=author, seqno=b"12345678", signature=b"x" * 64
        )
        stream = await stream_to(rogue, alice, MESHSUB)
        await stream.write(encode_varint_prefixed(rpc_pb2.RPC(publish=[message]).SerializeToString()))
        await still_hears(alice, rogue)
        assert alice.counters["received"] == 2  # its own presence, and what it still hears


async def test_an_rpc_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with pair(tmp_path) as (alice, rogue):
        stream = await stream_to(rogue, alice, MESHSUB)
        await stream.write(b"\x81\x80\x80\x02")  # 4 MiB and one byte
        assert MAX_RPC == 4 << 20
        await until_counted(alice, "rpc-too-large")
        await still_hears(alice, rogue)


async def test_metadata_is_one_object_of_exactly_five_strings(tmp_path: Path) -> None:
    async with pair(tmp_path) as (alice, rogue):
        stream = await stream_to(rogue, alice, METADATA)
        answer = b""
        with pytest.raises(StreamEOF):
            while True:
                answer += await stream.read(1 << 16)
        assert msgspec.json.decode(answer) == {
            "id": "companion_alice",
            "name": "Alice",
            "personality": "",
            "story": "A story.",
            "sample": "",
        }


async def test_garbage_asked_of_metadata_does_not_end_the_host(tmp_path: Path) -> None:
    async with pair(tmp_path) as (alice, rogue):
        stream = await stream_to(rogue, alice, METADATA)
        await stream.write(b"\xff" * 100_000)
        await stream.reset()
        await still_hears(alice, rogue)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[]",
        b'{"id": 5}',
        b'{"id": "x"',
        b"[" * 100_000,
        b'{"id": "x", "pad": "' + b"x" * 500_000 + b'"}',
    ],
)
async def test_garbage_as_metadata_binds_nobody(tmp_path: Path, answer: bytes) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"

    async def misanswer(stream: Any) -> None:
        await stream.write(answer)
        await stream.close()

    async with (
        new_mesh(name=name, mdns=True) as here,
        new_mesh(name=name, mdns=True) as there,
        there.join(tmp_path / "rogue", None) as rogue,
    ):
        rogue.host.serve(METADATA, misanswer)  # type: ignore[attr-defined]
        async with here.join(tmp_path / "alice", ALICE) as alice:
            with trio.fail_after(DEADLINE):
                while rogue.peer not in [peer.peer for peer in alice.peers()] or here.asking:
                    await trio.sleep(0.005)
            assert list(alice.roster) == [ALICE.id]
            await still_hears(alice, rogue)  # type: ignore[arg-type]


class Answer:
    """A stream with metadata."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    async def read(self, n: int) -> bytes:
        chunk, self._data = self._data[:n], self._data[n:]
        return chunk

    async def close(self) -> None:
        pass


async def test_the_longest_metadata_is_read_however_it_is_escaped() -> None:
    text = "\x01" * (16 << 10)
    longest = Presence(id="x" * 128, name="\x01" * 256, personality=text, story=text, sample=text)
    assert await read_metadata(Answer(msgspec.json.encode(longest))) == longest  # type: ignore[arg-type]


class Phone:
    """A node's host that loses its connection, or gets an answer."""

    port = 1

    def __init__(self, answer: Answer | None) -> None:
        self._answer = answer

    def connected(self, peer: str) -> bool:
        return True

    def inbound(self, peer: str) -> bool:
        return True

    async def open(self, peer: str, protocol: TProtocol) -> Answer:
        await trio.sleep(0.3)
        if self._answer is None:
            raise MeshError("the connection was lost")
        return self._answer


async def test_who_was_met_through_two_is_asked_by_the_other_when_one_loses_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with new_mesh() as mesh:
        node: dict[str, Any] = {
            "a": SimpleNamespace(peer="a", host=Phone(None)),
            "b": SimpleNamespace(peer="b", host=Phone(Answer(msgspec.json.encode(ALICE)))),
        }
        mesh._nodes.update(node)
        mesh.connected(node["a"], "x")
        mesh.connected(node["b"], "x")
        await trio.sleep(0.1)
        mesh.disconnected(node["a"], "x")
        await trio.sleep(1)
        assert mesh.roster.held_by("x") == ALICE.id
        assert mesh.asking == {}
        mesh._nodes.clear()


async def test_sightings_are_noted_only_while_ids_wait_for_them(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = [Sighting(f"p{n}", ("/ip4/192.0.2.1/tcp/1",)) for n in range(1000)]
    monkeypatch.setattr(Mdns, "sightings", seen[:2])  # the 998 others are gone again
    async with new_mesh() as mesh:

        def sight(count: int) -> int:
            for sighting in seen[:count]:
                mesh._sighted(sighting)
            return len(mesh._unmet)

        assert sight(1000) == 0
        node: Any = SimpleNamespace(peer="a", host=Phone(None))
        mesh._enter(node)
        assert mesh._unmet == {"p0", "p1"}
        assert sight(3) == 3
        await trio.sleep(1)
        assert sight(1000) == 3
        mesh._nodes.clear()


async def test_what_goes_wrong_in_discovery_is_counted_on_the_mesh() -> None:
    async with new_mesh(mdns=True) as mesh:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            sock.sendto(b"\xff" * 40, ("224.0.0.251", 5353))
        with trio.fail_after(DEADLINE):
            while not mesh.counters["mdns-malformed"]:
                await trio.sleep(0.005)


async def test_an_id_waits_for_the_answer_of_one_who_is_just_being_met(tmp_path: Path) -> None:
    name = f"test-{uuid.uuid4().hex[:12]}"

    async def answer_late(stream: Any) -> None:
        await trio.sleep(0.5)
        await write_metadata(stream, ALICE)

    async with (
        new_mesh(name=name, mdns=True) as here,
        new_mesh(name=name, mdns=True) as there,
        there.join(tmp_path / "slow", None) as slow,
    ):
        slow.host.serve(METADATA, answer_late)  # type: ignore[attr-defined]
        async with here.join(tmp_path / "alice", ALICE) as alice:
            assert alice.me is not None
            assert alice.me.id == f"{ALICE.id}-2"


async def test_who_asks_waits_until_our_id_is_settled(tmp_path: Path, nursery: trio.Nursery) -> None:
    written: list[bytes] = []

    class Stream:
        muxed_conn = type("Conn", (), {"peer_id": "somebody"})()

        async def write(self, data: bytes) -> None:
            written.append(data)

        async def close(self) -> None:
            pass

    async with new_mesh() as mesh:
        node = Libp2pNode(load_identity(tmp_path / "alice"), mesh)
        nursery.start_soon(node.answer, Stream())
        await trio.testing.wait_all_tasks_blocked()
        assert written == []
        node.settle(ALICE)
        await trio.testing.wait_all_tasks_blocked()
        assert [msgspec.json.decode(data)["id"] for data in written] == [ALICE.id]
        node.host._pubsub.seen_messages.stop()


async def test_a_crash_of_one_host_ends_its_own_node_and_no_other(tmp_path: Path) -> None:
    async with new_mesh() as mesh, mesh.join(tmp_path / "bob", Presence(id="companion_bob")) as bob:
        with pytest.raises(MeshError, match=r"has failed.*ZeroDivisionError"):
            async with mesh.join(tmp_path / "alice", ALICE) as alice:
                assert isinstance(alice, Libp2pNode)
                alice.host._pubsub.manager.run_daemon_task(crash)
                await trio.sleep(DEADLINE)
        with trio.fail_after(DEADLINE):
            while len(bob.roster) > 1:
                await bob.roster.changed()
        await bob.publish(Message(id="1", sender="companion_bob", message="still here"))
        async with mesh.join(tmp_path / "alice", ALICE) as again:
            with trio.fail_after(DEADLINE):
                await again.ready(2)


async def crash() -> None:
    raise ZeroDivisionError


async def test_an_address_that_is_not_ours_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"--listen 192\.0\.2\.250: not an IPv4 address of this machine"
    ):
        async with new_mesh(listen="192.0.2.250"):
            pass


async def test_leaving_gives_everything_back_long_before_its_time_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aikyo.mesh.host.host._CLOSE", 20)  # half of which a peer may take

    async def once() -> float:
        async with new_mesh(mdns=True) as mesh, trio.open_nursery() as nursery:
            nodes = [await nursery.start(stay, mesh, tmp_path / str(n), n) for n in range(4)]
            with trio.fail_after(DEADLINE):
                for node in nodes:
                    await node.ready(3)
            began = time.perf_counter()
            nursery.cancel_scope.cancel()
        return time.perf_counter() - began

    await once()  # what is opened once for the whole process is open now
    descriptors, threads, tasks = (
        descriptors_now(),
        threading.active_count(),
        system_tasks(),
    )
    for _ in range(2):
        assert await once() < 5
    with trio.fail_after(DEADLINE):
        while system_tasks() > tasks:
            await trio.sleep(0.005)
    assert descriptors_now() == descriptors
    assert threading.active_count() <= threads  # a worker of an earlier test may have ended


async def stay(mesh: Libp2pMesh, key: Path, number: int, *, task_status: Any) -> None:
    me = Presence(id=f"companion_{number}") if number < 3 else None
    async with mesh.join(key, me) as node:
        task_status.started(node)
        await trio.sleep_forever()


def descriptors_now() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def system_tasks() -> int:
    root = trio.lowlevel.current_root_task()
    assert root is not None
    return sum(len(nursery.child_tasks) for nursery in root.child_nurseries)


async def test_a_join_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    async with new_mesh(mdns=True) as mesh:
        for wait in (0, 0.01, 0.1):
            with trio.move_on_after(wait):
                async with mesh.join(tmp_path / "alice", ALICE):
                    pass
        assert len(mesh.roster) == 0
        async with mesh.join(tmp_path / "alice", ALICE) as alice:
            assert alice.me == ALICE


def test_the_package_is_imported_without_libp2p() -> None:
    code = "import aikyo.mesh, aikyo.mesh.memory, sys; sys.exit('libp2p' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_a_peer_that_does_not_read_slows_a_publisher_once_and_then_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aikyo.mesh.host.host._ROOM", 0.2)
    async with pair(tmp_path) as (alice, rogue):
        stuck = RoomyQueue()  # nobody sends what is in it
        while not stuck.worth_waiting_for(1 << 20):
            stuck.push(rpc_pb2.RPC())
        alice.host._pubsub.peer_queues[ID.from_base58(rogue.peer)] = stuck
        took = []
        for number in range(400):
            began = trio.current_time()
            await alice.publish(Message(id=str(number), sender=ALICE.id, message="hello"))
            took.append(trio.current_time() - began)
        assert took[0] >= 0.2
        assert sorted(took)[200] < 0.2
        assert (
            0 <= alice.counters["outbox-overflow"] - (400 - (1024 - 768)) < 20
        )  # heartbeats take some room
