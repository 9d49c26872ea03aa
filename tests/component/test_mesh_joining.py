"""Joining where there is no multicast: by a peer that is named, and by what peers tell of each other."""

from __future__ import annotations

import random
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import trio
import trio.testing
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2

from aikyo.errors import UsageError
from aikyo.mesh import Node
from aikyo.mesh.finding.bootstrap import Bootstrap
from aikyo.mesh.finding.mdns import Sighting
from aikyo.mesh.finding.whereabouts import Whereabouts
from aikyo.mesh.host.offers import Offers
from aikyo.mesh.host.presences import Presences
from aikyo.mesh.identity import load_identity
from aikyo.mesh.libp2p import Libp2pMesh, Libp2pNode, MeshOptions
from aikyo.wire import Message, PeerStatus, Presence

DEADLINE = 40


@pytest.fixture
def name() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


def new_mesh(name: str, **options: Any) -> Libp2pMesh:
    chosen = MeshOptions(name=name, listen="127.0.0.1", mdns=False, **options)
    return Libp2pMesh(chosen, clock=time.time, random=random.Random(1))


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@asynccontextmanager
async def home(mesh: Libp2pMesh, folder: Path, who: str) -> AsyncIterator[tuple[Node, Node]]:
    """A process of one companion and a firehose."""
    async with (
        mesh,
        mesh.join(folder / f"{who}-firehose", None) as firehose,
        mesh.join(folder / who, Presence(id=f"companion_{who}")) as companion,
    ):
        yield firehose, companion


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(DEADLINE):
        while not condition():
            await trio.sleep(0.01)


async def tells(speaker: Node, listener: Node) -> None:
    """What `speaker` says gets to `listener`."""
    assert speaker.me is not None
    text = uuid.uuid4().hex
    with trio.fail_after(DEADLINE):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(repeat, speaker, text)
            async for received in listener.received:
                if isinstance(received.payload, Message) and received.payload.message == text:
                    break
            nursery.cancel_scope.cancel()


async def repeat(node: Node, text: str) -> None:
    assert node.me is not None
    while True:
        await node.publish(Message(id=uuid.uuid4().hex, sender=node.me.id, message=text))
        await trio.sleep(0.2)


def neighbours(node: Node) -> set[str]:
    return {peer.peer for peer in node.peers()}


def row(mesh: Libp2pMesh, peer: str) -> PeerStatus:
    return next(one for one in mesh.status().peers if one.peer == peer)


async def test_those_who_named_one_peer_find_each_other_and_it_when_it_comes_back(
    name: str, tmp_path: Path
) -> None:
    port = free_port()
    way_in = f"tcp/{port}/p2p/{load_identity(tmp_path / 'alice-firehose').peer}"
    here = new_mesh(name, bootstrap=(f"/ip4/127.0.0.1/{way_in}",))
    there = new_mesh(name, bootstrap=(f"/dns4/localhost/{way_in}",))
    async with home(here, tmp_path, "bob") as (_, bob), home(there, tmp_path, "carol") as (_, carol):
        async with home(new_mesh(name, port=port), tmp_path, "alice") as (firehose, alice):
            await until(lambda: len(bob.roster) == len(carol.roster) == len(alice.roster) == 3)
            await until(lambda: carol.peer in neighbours(bob))
            await tells(bob, carol)
            await tells(carol, alice)
            assert row(here, firehose.peer).found == "bootstrap"
            assert row(here, carol.peer).state == "connected"
            assert row(there, alice.peer).found in ("mesh", "inbound")
            gone = firehose.peer
        await until(lambda: len(bob.roster) == 2)
        await until(lambda: row(here, gone).state == "unreachable")
        assert row(here, gone).reason
        await tells(bob, carol)
        async with home(new_mesh(name, port=port), tmp_path, "alice") as (firehose, alice):
            assert firehose.peer == gone
            await until(lambda: len(bob.roster) == len(carol.roster) == len(alice.roster) == 3)
            await tells(carol, alice)
            await tells(alice, bob)
            await until(lambda: row(here, gone).state == "connected")


async def test_a_newcomer_learns_of_everybody_from_its_first_neighbour(
    name: str, tmp_path: Path
) -> None:
    """Long after they said so: what gossip itself keeps is forgotten here, and nobody says it again."""
    async with new_mesh(name) as here, trio.open_nursery() as nursery:
        here._whereabouts.hear = lambda *_: False  # type: ignore[method-assign]  # else they call on it
        nodes = [
            await nursery.start(stay, here, tmp_path / str(n), Presence(id=f"companion_{n}"))
            for n in range(4)
        ]
        with trio.fail_after(DEADLINE):
            for node in nodes:
                await node.ready(4)
        first = nodes[0]
        await until(lambda: len(first.host._gossip.presences.ids()) == 4)
        for node in nodes:
            cache = node.host._gossip.mcache
            cache.msgs.clear()
            cache.history = [[] for _ in cache.history]
        way_in = f"{first.reachable_at()[0]}/p2p/{first.peer}"
        async with (
            new_mesh(name, bootstrap=(way_in,)) as there,
            there.join(tmp_path / "new", Presence(id="companion_new")),
        ):
            with trio.fail_after(20):  # they say it again after thirty seconds
                while len(there.roster) < 5:
                    await there.roster.changed()
            assert {row(there, node.peer).state for node in nodes} <= {"connected", "beyond"}
        nursery.cancel_scope.cancel()


async def stay(mesh: Libp2pMesh, key: Path, me: Presence, *, task_status: Any) -> None:
    async with mesh.join(key, me) as node:
        task_status.started(node)
        await trio.sleep_forever()


async def test_who_is_blocked_is_shut_out_and_not_dialed(name: str, tmp_path: Path) -> None:
    port = free_port()
    way_in = f"/ip4/127.0.0.1/tcp/{port}/p2p/{load_identity(tmp_path / 'alice-firehose').peer}"
    here = new_mesh(name, bootstrap=(way_in,))
    async with (
        home(new_mesh(name, port=port), tmp_path, "alice") as (firehose, alice),
        home(here, tmp_path, "bob") as (_, bob),
    ):
        await until(lambda: len(bob.roster) == len(alice.roster) == 2)
        here.block(firehose.peer, "too loud")
        here.block(alice.peer)
        await until(lambda: not neighbours(bob) & {firehose.peer, alice.peer})
        await until(lambda: len(bob.roster) == 1)
        assert row(here, firehose.peer).state == "blocked"
        assert row(here, firehose.peer).reason == "too loud"
        assert here._others() == {}
        here.unblock(firehose.peer)
        here.unblock(alice.peer)
        await until(lambda: len(bob.roster) == 2)


async def test_a_mistake_in_an_address_to_join_by_is_told(name: str) -> None:
    with pytest.raises(UsageError, match="it needs /p2p/<peer id> at its end"):
        new_mesh(name, bootstrap=("/ip4/192.0.2.1/tcp/1",))


async def test_a_connection_through_an_address_that_is_gone_is_closed_at_once(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aikyo.mesh.libp2p._WATCH", 3600)
    mesh = new_mesh(name)
    async with home(mesh, tmp_path, "alice") as (firehose, alice):
        await until(lambda: firehose.peer in neighbours(alice))
        assert isinstance(alice, Libp2pNode)
        assert isinstance(firehose, Libp2pNode)
        connections = alice.host._network.connections
        (before,) = connections.values()
        mesh._moved(("127.0.0.1", "127.0.0.2"))
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert not any(connection.is_closed for connection in before)
        mesh._moved(("127.0.0.2",))
        await until(lambda: all(connection.is_closed for connection in before))
        await until(lambda: firehose.peer in neighbours(alice))
        assert alice.reachable_at() == (f"/ip4/127.0.0.2/tcp/{alice.host.port}",)


async def test_a_sleep_is_noticed_by_the_clock_on_the_wall(
    name: str, autojump_clock: trio.testing.MockClock
) -> None:
    slept = 0.0
    looks: list[float] = []
    options = MeshOptions(name=name, listen="127.0.0.1", mdns=False)
    mesh = Libp2pMesh(options, clock=lambda: trio.current_time() + slept, random=random.Random(1))
    mesh._dialer.start_anew = lambda: looks.append(trio.current_time())  # type: ignore[method-assign]
    async with mesh:
        looks.clear()
        await trio.sleep(60)
        assert looks == []
        slept = 9.0
        await trio.sleep(5)
        assert looks == []
        slept = 3600.0
        await trio.sleep(5)
        assert len(looks) == 1


LAN = ("192.0.2.1", "127.0.0.1")


async def told(*addresses: str, ours: tuple[str, ...] = LAN) -> tuple[str, ...]:
    places = Whereabouts([], clock=lambda: 1.0)
    places.hear("x", Presence(id="companion_x", addresses=addresses), ours)
    return places.targets([], ours).get("x", ())


async def test_the_loopback_of_another_machine_is_not_dialed() -> None:
    far, near = "/ip4/192.0.2.9/tcp/1", "/ip4/127.0.0.1/tcp/1"
    assert await told(near, far) == (far,)
    assert await told(near) == ()
    assert await told(near, ours=("127.0.0.1",)) == (near,)


async def test_who_says_that_it_is_here_is_dialed_on_loopback_only_when_nothing_else_is_left() -> None:
    """Else any stranger has us call whatever listens there."""
    far, near = "/ip4/192.0.2.1/tcp/1", "/ip4/127.0.0.1/tcp/1"
    places = Whereabouts([], clock=lambda: 1.0)
    places.hear("x", Presence(id="companion_x", addresses=(near, far)), LAN)
    assert places.targets([], LAN) == {"x": (far,)}
    assert places.targets([], ("127.0.0.1",)) == {"x": (far, near)}
    places.hear("x", Presence(id="companion_x", addresses=(near,)), ("127.0.0.1",))
    assert places.targets([], LAN) == {}


@pytest.mark.parametrize(
    "address",
    [
        "/ip4/0.0.0.0/tcp/1",
        "/ip4/224.0.0.1/tcp/1",
        "/ip4/192.0.2.9/tcp/0",
        "/ip4/192.0.2.9/tcp/65536",
        "/ip4/192.0.2.999/tcp/1",
        "/ip4/192.0.2.9/udp/1",
        "/dns4/example.org/tcp/1",
        "/ip4/192.0.2.9/tcp/1/p2p/x",
    ],
)
async def test_what_a_presence_tells_is_dialed_only_if_it_can_be(address: str) -> None:
    assert await told(address) == ()


async def test_what_mdns_shows_goes_before_what_is_told_and_what_is_named_stays(
    autojump_clock: trio.testing.MockClock,
) -> None:
    places = Whereabouts([Bootstrap("n", "/ip4/192.0.2.7/tcp/1")], clock=lambda: 1.0)
    assert places.hear("x", Presence(id="companion_x", addresses=("/ip4/192.0.2.9/tcp/1",)), LAN)
    assert not places.hear("x", Presence(id="companion_x", addresses=("/ip4/192.0.2.9/tcp/1",)), LAN)
    shown = Sighting("x", ("/ip4/192.0.2.8/tcp/1",))
    assert places.targets([shown], LAN)["x"] == ("/ip4/192.0.2.8/tcp/1", "/ip4/192.0.2.9/tcp/1")
    assert places.targets([], LAN)["x"] == ("/ip4/192.0.2.9/tcp/1",)
    places.note("x", "mdns")
    places.note("x", "inbound")
    assert places.found("x") == ("mdns", 1.0)
    await trio.sleep(3600)
    assert dict(places.targets([], LAN)) == {"n": ("/ip4/192.0.2.7/tcp/1",)}
    assert places.found("n") == ("bootstrap", 1.0)


async def test_who_announces_another_elsewhere_does_not_hide_where_it_is() -> None:
    places = Whereabouts([Bootstrap("n", "/ip4/192.0.2.7/tcp/1")], clock=lambda: 1.0)
    true, false = "/ip4/192.0.2.8/tcp/1", "/ip4/203.0.113.1/tcp/1"
    shown = [Sighting("x", (true,)), Sighting("x", (false,)), Sighting("n", (false,))]
    assert places.targets(shown, LAN) == {"x": (true, false), "n": ("/ip4/192.0.2.7/tcp/1", false)}


async def test_who_leaves_is_looked_for_no_more_and_the_table_is_bounded() -> None:
    places = Whereabouts([], clock=lambda: 1.0)
    for n in range(3000):
        places.hear(f"p{n}", Presence(id=f"companion_{n}", addresses=("/ip4/192.0.2.9/tcp/1",)), LAN)
    assert len(places.targets([], LAN)) == 256
    assert places.found("p1") is None
    places.hear("p2999", Presence(id="companion_2999", gone=True), LAN)
    assert "p2999" not in places.targets([], LAN)


def said(author: str, number: int, size: int = 10) -> rpc_pb2.Message:
    return rpc_pb2.Message(
        data=b"x" * size,
        topicIDs=["presence"],
        from_id=author.encode(),
        seqno=number.to_bytes(8, "big"),
        key=author.encode(),
    )


async def test_of_each_author_the_latest_is_kept_as_long_as_it_holds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    kept = Presences("presence", lambda _: True)
    for author, number in (("a", 2), ("b", 1), ("a", 1), ("a", 3)):
        kept.put(said(author, number))
    kept.put(rpc_pb2.Message(topicIDs=["messages"], from_id=b"c", seqno=b"1"))
    messages = [kept.get(mid) for mid in kept.ids()]
    assert sorted((m.from_id, m.seqno[-1]) for m in messages if m) == [(b"a", 3), (b"b", 1)]
    await trio.sleep(91)
    assert kept.ids() == []
    kept.put(said("a", 1))  # its clock was set back
    assert len(kept.ids()) == 1


async def test_what_is_not_believed_here_is_not_offered_to_others() -> None:
    believed = {str(ID(b"a"))}
    kept = Presences("presence", believed.__contains__)
    kept.put(said("a", 1))
    kept.put(said("b", 1))
    assert [message.from_id for mid in kept.ids() if (message := kept.get(mid))] == [b"a"]
    believed.clear()
    assert kept.ids() == []


async def test_what_is_kept_is_bounded_in_number_and_bytes() -> None:
    kept = Presences("presence", lambda _: True)
    for n in range(2000):
        kept.put(said(f"{n}", 1))
    assert len(kept.ids()) == 1024
    for n in range(10):
        kept.put(said(f"large {n}", 1, size=1 << 20))
    assert len(kept.ids()) <= 4
    assert len(kept._by_author) == len(kept._by_id)


def test_what_several_offer_is_asked_of_two_and_later_of_others() -> None:
    offers = Offers()
    mids = [b"1", b"2"]
    assert [offers.accept(mids, 0.0) for _ in range(4)] == [mids, mids, [], []]
    assert offers.accept(mids, 0.9) == []
    assert offers.accept(mids, 1.1) == mids
    for n in range(10_000):
        offers.accept([str(n).encode()], 2.0)
    assert len(offers._asked) <= 4096


def plain_gossip(peer: ID, sent: list[rpc_pb2.RPC]) -> Any:
    async def write(_: object, rpc: rpc_pb2.RPC) -> bool:
        sent.append(rpc)
        return True

    def seen(_: bytes) -> bool:
        return False

    gossip: Any = GossipSub([TProtocol("/meshsub/1.1.0")], degree=8, degree_low=6, degree_high=12)
    gossip.pubsub = SimpleNamespace(
        peers={peer: object()}, write_msg=write, seen_messages=SimpleNamespace(has=seen)
    )
    gossip.send_rpc = lambda _, rpc, priority=False: sent.append(rpc)
    gossip.scorer = None
    return gossip


async def test_libp2p_itself_still_sends_whole_messages_to_a_newcomer_and_asks_everybody() -> None:
    """When this fails, `RepairedGossip` has no more need of its own for one of the two."""
    sent: list[rpc_pb2.RPC] = []
    gossip = plain_gossip(ID(b"x"), sent)
    gossip.mcache.put(said("a", 1))
    await gossip.send_recent_messages(ID(b"x"), "presence")
    assert [len(rpc.publish) for rpc in sent] == [1]
    sent.clear()
    offer = rpc_pb2.ControlIHave(topicID="presence", messageIDs=[b"\xffid"])
    for other in (b"x", b"y", b"z"):
        await gossip.handle_ihave(offer, ID(other))
    assert [len(rpc.control.iwant) for rpc in sent] == [1, 1, 1]
