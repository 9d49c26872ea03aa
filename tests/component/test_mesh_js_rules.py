"""What js-libp2p peers do otherwise than ours: they tell who they are to nobody whom they know, number
what they publish at random, and listen to one gossip stream of a peer alone."""

from __future__ import annotations

import random
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from libp2p.peer.id import ID

from aikyo.mesh.host.repairs import RepairedHost
from aikyo.mesh.identity import load_identity
from aikyo.mesh.libp2p import Libp2pMesh, Libp2pNode, MeshOptions
from aikyo.mesh.members.household import Household
from aikyo.wire import Presence

ALICE = Presence(id="companion_alice", name="Alice")
JAY = "12D3KooWMG8VWUnoM5EbDJGWhpHBR2TUoYykcSnRd5RwHcYG7FB2"
JS, PYTHON = "js-libp2p/2.9.0 node/20.20.2", "py-libp2p/0.8.1"


def new_mesh() -> Libp2pMesh:
    options = MeshOptions(name=f"test-{uuid.uuid4().hex[:12]}", listen="127.0.0.1", mdns=False)
    return Libp2pMesh(options, clock=time.time, random=random.Random(1))


class Asking:
    """The stream of Jay, who asks."""

    muxed_conn = type("Conn", (), {"peer_id": JAY})()

    def __init__(self) -> None:
        self.written: list[bytes] = []

    async def write(self, data: bytes) -> None:
        self.written.append(data)

    async def close(self) -> None:
        pass


async def is_answered_while_being_asked(node: Libp2pNode, mesh: Libp2pMesh, agent: str) -> bool:
    async def tell_agent(peer: str) -> str:
        assert peer == JAY
        return agent

    node.host.agent = tell_agent  # type: ignore[method-assign]  # nobody is connected
    mesh.asking[JAY] = trio.Event()
    stream: Any = Asking()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.answer, stream)
        await trio.testing.wait_all_tasks_blocked()
        answered = bool(stream.written)
        mesh.asking[JAY].set()
    assert len(stream.written) == 1
    return answered


@pytest.mark.parametrize(("agent", "at_once"), [(PYTHON, True), (JS, False), ("", False)])
async def test_only_one_of_ours_is_answered_before_it_has_told_who_it_is(
    tmp_path: Path, mock_clock: trio.testing.MockClock, agent: str, at_once: bool
) -> None:
    async with new_mesh() as mesh:
        node = Libp2pNode(load_identity(tmp_path / "alice"), mesh)
        try:
            node.settle(ALICE)
            assert await is_answered_while_being_asked(node, mesh, agent) is at_once
        finally:
            node.host._pubsub.seen_messages.stop()


async def test_who_does_not_tell_who_it_is_is_answered_all_the_same(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with new_mesh() as mesh:
        node = Libp2pNode(load_identity(tmp_path / "alice"), mesh)
        try:
            node.settle(ALICE)
            mesh.asking[JAY] = trio.Event()
            stream: Any = Asking()
            with trio.fail_after(30):
                await node.answer(stream)
            assert len(stream.written) == 1
        finally:
            node.host._pubsub.seen_messages.stop()


async def test_a_neighbour_tells_what_it_runs(tmp_path: Path) -> None:
    async with new_mesh() as mesh, mesh.join(tmp_path / "a", ALICE) as alice:
        async with mesh.join(tmp_path / "other", None) as other:
            assert isinstance(alice, Libp2pNode)
            with trio.fail_after(20):
                while not alice.host.connected(other.peer):
                    await trio.sleep(0.01)
                agent = await alice.host.agent(other.peer)
                assert agent.startswith("py-libp2p/")
                assert [neighbour.agent for neighbour in alice.peers()] == [agent]


async def test_two_connections_at_once_get_one_gossip_stream(tmp_path: Path) -> None:
    async with new_mesh() as mesh, mesh.join(tmp_path / "a", ALICE) as alice:
        async with mesh.join(tmp_path / "other", None) as other:
            assert isinstance(alice, Libp2pNode)
            pubsub, peer = alice.host._pubsub, ID.from_base58(other.peer)
            with trio.fail_after(20):
                while peer not in pubsub.peers:
                    await trio.sleep(0.01)
            pubsub.peers.pop(peer)
            opened = []

            async def new_stream(peer_id: ID, protocols: Any) -> Any:
                stream = await RepairedHost.new_stream(alice.host._host, peer_id, protocols)
                opened.append(stream)
                return stream

            alice.host._host.new_stream = new_stream  # type: ignore[method-assign]  # to count
            async with trio.open_nursery() as nursery:
                nursery.start_soon(pubsub._handle_new_peer, peer)
                nursery.start_soon(pubsub._handle_new_peer, peer)
            assert opened == [pubsub.peers[peer]]


def test_a_presence_numbered_lower_is_stale_only_of_one_who_counts() -> None:
    now = 1_800_000_000.0
    first, second = Presence(id="companion_jay", story="one"), Presence(id="companion_jay", story="two")

    async def heard(high: int, low: int) -> str | None:
        house = Household(lambda: now)
        assert not house.is_replay(JAY, high.to_bytes(8, "big"), first)
        assert house.hear(JAY, first, high.to_bytes(8, "big")) is None
        assert not house.is_replay(JAY, low.to_bytes(8, "big"), second)
        return house.hear(JAY, second, low.to_bytes(8, "big"))

    counting = int(now * 1e9)
    assert trio.run(heard, counting, counting - 1) == "stale"
    assert trio.run(heard, 2**64 - 1, 2**64 - 2) is None
