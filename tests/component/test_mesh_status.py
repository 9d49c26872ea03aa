"""What is told of everybody that is known, put together of plain data."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import trio

from aikyo.mesh.base import PeerInfo
from aikyo.mesh.members.household import Household
from aikyo.mesh.members.status import Sought, mesh_status
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.mesh.refusals import Refusals
from aikyo.wire import MeshStatus, PeerStatus, Presence

NOW = 1_000_000.0


class Home:
    """A home of Alice and a firehose, at one moment."""

    def __init__(self) -> None:
        self.now = NOW
        self.refusals = Refusals(lambda: self.now)
        self.household = Household(lambda: self.now, refusals=self.refusals)
        self.sought = Sought()
        self.alice = self.enter("alice", Presence(id="companion_alice", name="Alice"))
        self.firehose = self.enter("hose", None)

    def enter(self, peer: str, me: Presence | None) -> Any:
        node: Any = SimpleNamespace(peer=peer, me=me, settled_at=trio.current_time() - 5, neighbours=[])
        node.peers = lambda: tuple(node.neighbours)
        node.reachable_at = lambda: (
            f"/ip4/192.0.2.1/tcp/{len(peer)}",
            f"/ip4/127.0.0.1/tcp/{len(peer)}",
        )
        self.household.enter(node)
        if me is not None:
            self.household.roster.bind(peer, me, own=True)
        return node

    def meet(self, node: Any, peer: str, since: float, companion: str = "") -> None:
        node.neighbours.append(PeerInfo(peer, companion or None, (f"/ip4/192.0.2.9/tcp/{peer}",), since))
        if companion:
            self.household.roster.bind(peer, Presence(id=companion, name=companion.upper()))

    def status(self) -> MeshStatus:
        return mesh_status(
            "m",
            self.household,
            self.refusals,
            self.sought,
            now=self.now,
            steady=trio.current_time(),
            private=True,
        )

    def row(self, peer: str) -> PeerStatus:
        (found,) = [one for one in self.status().peers if one.peer == peer]
        return found


async def test_our_own_come_first_and_the_firehose_tells_the_way_in() -> None:
    home = Home()
    home.meet(home.alice, "7", 10.0)
    home.meet(home.alice, "hose", 10.0)
    status = home.status()
    assert [(one.peer, one.state, one.found) for one in status.peers[:2]] == [
        ("hose", "own", "own"),
        ("alice", "own", "own"),
    ]
    assert status.addresses == ("/ip4/192.0.2.1/tcp/4/p2p/hose", "/ip4/192.0.2.1/tcp/5/p2p/alice")
    assert (status.mesh, status.private) == ("m", True)
    assert home.row("alice").since == pytest.approx(NOW - 5, abs=0.5)
    assert home.row("hose").neighbours == ("companion_alice",)


async def test_a_neighbour_is_told_with_those_of_ours_that_it_is_connected_to() -> None:
    home = Home()
    home.meet(home.alice, "7", 20.0, "companion_bob")
    home.meet(home.firehose, "7", 10.0)
    home.sought = Sought(found=lambda _: ("mdns", 3.0))
    row = home.row("7")
    assert (row.state, row.companion, row.name) == ("connected", "companion_bob", "COMPANION_BOB")
    assert row.neighbours == ("companion_alice", "firehose")
    assert row.addresses == ("/ip4/192.0.2.9/tcp/7",)
    assert (row.since, row.found, row.reason) == (10.0, "mdns", "")


async def test_who_is_not_a_neighbour_is_beyond_unreachable_or_away() -> None:
    home = Home()
    home.household.roster.bind("b", Presence(id="companion_bob"), since=trio.current_time() - 7)
    home.household.pins.pin("companion_carol", "c")
    home.now += 100
    where = {"b": ("/ip4/192.0.2.2/tcp/1",), "u": ("/ip4/192.0.2.3/tcp/1",), "s": ()}
    home.sought = Sought(where, {"u"}, lambda peer: ("mesh", 5.0) if peer == "u" else None)
    assert home.row("b").state == "beyond"
    assert home.row("b").since == pytest.approx(NOW + 93, abs=0.5)
    assert home.row("b").addresses == where["b"]
    unreachable = home.row("u")
    assert (unreachable.state, unreachable.found, unreachable.since) == ("unreachable", "mesh", 5.0)
    assert unreachable.reason
    assert home.row("s").state == "beyond"
    away = home.row("c")
    assert (away.state, away.companion, away.since) == ("away", "companion_carol", NOW)


async def test_who_is_refused_or_blocked_is_told_with_the_reason() -> None:
    home = Home()
    home.meet(home.alice, "p", 10.0)
    home.meet(home.alice, "q", 10.0, "companion_bob")
    home.refusals.note("p", "pinned", "companion_bob is kept for q")
    home.refusals.note("p", "spoofed")
    home.refusals.note("q", "spoofed")
    home.refusals.note("192.0.2.77", "wrong-network-key", "it has another network key")
    home.household.block("b", "too loud")
    refused = home.row("p")
    assert (refused.state, refused.since) == ("refused", NOW)
    assert refused.counters == {"pinned": 1, "spoofed": 1}
    assert home.row("q").state == "connected"
    assert home.row("q").counters == {"spoofed": 1}
    anonymous = home.row("")
    assert (anonymous.state, anonymous.addresses) == ("refused", ("192.0.2.77",))
    assert anonymous.reason == "it has another network key"
    blocked = home.row("b")
    assert (blocked.state, blocked.reason, blocked.since) == ("blocked", "too loud", NOW)
    home.now += 3600
    assert home.row("p").state == "connected"
    home.household.block("q", "")
    assert home.row("q").state == "blocked"


async def test_what_a_neighbour_runs_is_told_once_one_of_ours_knows_it() -> None:
    home = Home()
    home.meet(home.alice, "p", 10.0, "companion_bob")
    home.firehose.neighbours.append(PeerInfo("p", None, (), 10.0, "js-libp2p/2.9.0"))
    assert home.row("p").agent == "js-libp2p/2.9.0"


async def test_nobody_is_told_twice() -> None:
    home = Home()
    home.meet(home.alice, "p", 10.0, "companion_bob")
    home.household.pins.pin("companion_bob", "p")
    home.household.pins.pin("companion_alice", "alice", own=True)
    home.refusals.note("p", "spoofed")
    home.sought = Sought({"p": (), "alice": ()}, {"p"})
    peers = [one.peer for one in home.status().peers]
    assert sorted(peers) == ["alice", "hose", "p"]


async def test_the_twin_in_memory_tells_the_same_way() -> None:
    mesh = MemoryMesh(MemoryLan(), clock=lambda: NOW)
    async with mesh:
        assert mesh.status() == MeshStatus(addresses=(), peers=())
