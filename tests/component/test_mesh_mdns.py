"""The announcer and browser on real sockets: loopback multicast, each test with a tag of its own."""

from __future__ import annotations

import socket
import uuid
from collections import Counter
from dataclasses import dataclass, field

import pytest
import trio
import trio.testing

from aikyo.mesh.finding import mdns as mdns_module
from aikyo.mesh.finding.mdns import Mdns, Sighting
from aikyo.mesh.finding.mdns_packets import Announcement, announcement, mesh_tag, question

DEADLINE = 10
LOOPBACK = "127.0.0.1"


def peer_id(n: int) -> str:
    return "12D3KooWP89sveD2nscDrpQGpN11WG8SNwNiLz5AA3y4WDi" + "".join(
        "123456789abcdefg"[n >> s & 15] for s in (8, 4, 0)
    )


@dataclass
class Party:
    """One process's mDNS."""

    tag: str
    sightings: list[Sighting] = field(default_factory=list)
    addresses: list[tuple[str, ...]] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.mdns = Mdns(
            self.tag,
            LOOPBACK,
            on_sighting=self.sightings.append,
            on_addresses=self.addresses.append,
            counters=self.counters,
        )

    async def sees(self, *peers: str) -> None:
        with trio.fail_after(DEADLINE):
            while {sighting.peer for sighting in self.mdns.sightings} != set(peers):
                await trio.sleep(0.002)


@pytest.fixture
def tag() -> str:
    return mesh_tag(f"test-{uuid.uuid4().hex[:12]}")


def shout(packet: bytes) -> None:
    """Send as another program of this machine would."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LOOPBACK))
        sock.sendto(packet, ("224.0.0.251", 5353))


async def test_two_see_each_other_whoever_comes_first(tag: str, nursery: trio.Nursery) -> None:
    one, other = Party(tag), Party(tag)
    await nursery.start(one.mdns.run)
    one.mdns.announce(peer_id(1), 4001)
    await nursery.start(other.mdns.run)
    await other.sees(peer_id(1))
    other.mdns.announce(peer_id(2), 4002)
    await one.sees(peer_id(2))
    assert one.sightings == [Sighting(peer_id(2), ("/ip4/127.0.0.1/tcp/4002",))]
    assert one.addresses == [(LOOPBACK,)]


async def test_several_peers_of_one_process_are_seen_apart(tag: str, nursery: trio.Nursery) -> None:
    one, other = Party(tag), Party(tag)
    for n in range(4):
        one.mdns.announce(peer_id(n), 4000 + n)
    await nursery.start(one.mdns.run)
    await nursery.start(other.mdns.run)
    await other.sees(*map(peer_id, range(4)))
    assert {s.peer: s.addresses for s in other.mdns.sightings} == {
        peer_id(n): (f"/ip4/127.0.0.1/tcp/{4000 + n}",) for n in range(4)
    }


async def test_who_says_goodbye_is_gone_at_once(tag: str, nursery: trio.Nursery) -> None:
    one, other = Party(tag), Party(tag)
    for party in (one, other):
        await nursery.start(party.mdns.run)
    one.mdns.announce(peer_id(1), 4001)
    await other.sees(peer_id(1))
    await one.mdns.withdraw(peer_id(1))
    await other.sees()


async def test_who_comes_back_elsewhere_replaces_what_was_known(tag: str, nursery: trio.Nursery) -> None:
    one, other = Party(tag), Party(tag)
    for party in (one, other):
        await nursery.start(party.mdns.run)
    for port in (4001, 4002):
        one.mdns.announce(peer_id(1), port)
        with trio.fail_after(DEADLINE):
            while [s.addresses for s in other.mdns.sightings] != [(f"/ip4/127.0.0.1/tcp/{port}",)]:
                await trio.sleep(0.002)
    assert len(other.sightings) == 2


async def test_another_mesh_is_not_seen(tag: str, nursery: trio.Nursery) -> None:
    one, other, witness = Party(tag), Party(mesh_tag("another")), Party(tag)
    for party in (one, other, witness):
        await nursery.start(party.mdns.run)
    one.mdns.announce(peer_id(1), 4001)
    await witness.sees(peer_id(1))
    assert other.mdns.sightings == ()


async def test_who_falls_silent_is_forgotten(tag: str, nursery: trio.Nursery) -> None:
    party = Party(tag)
    await nursery.start(party.mdns.run)
    shout(announcement(tag, peer_id(1), ["/ip4/127.0.0.1/tcp/1"], ttl=1))
    await party.sees(peer_id(1))
    await party.sees()


async def test_malformed_packets_and_useless_ones_are_dropped_and_counted(
    tag: str, nursery: trio.Nursery
) -> None:
    party = Party(tag)
    await nursery.start(party.mdns.run)
    shout(b"\xff" * 40)
    shout(question(tag)[:-3])
    shout(announcement(tag, peer_id(1), ["/dns4/example.org/tcp/1"]))
    shout(announcement(tag, peer_id(2), ["/ip4/127.0.0.1/tcp/1"]))
    await party.sees(peer_id(2))
    assert party.counters["mdns-malformed"] >= 2
    assert party.counters["mdns-unreachable"] == 1


async def test_one_machine_has_no_more_than_its_share_of_the_table(
    tag: str, nursery: trio.Nursery
) -> None:
    party = Party(tag)
    await nursery.start(party.mdns.run)
    for n in range(150):
        shout(announcement(tag, peer_id(n), ["/ip4/127.0.0.1/tcp/1"]))
        with trio.fail_after(DEADLINE):
            while len(party.mdns.sightings) < min(n + 1, 128):
                await trio.sleep(0.001)
    with trio.fail_after(DEADLINE):
        while not party.counters["mdns-table-full"]:
            await trio.sleep(0.002)
    assert len(party.mdns.sightings) == 128


async def test_a_full_table_loses_those_of_whoever_announced_the_most(
    tag: str, autojump_clock: trio.testing.MockClock
) -> None:
    party = Party(tag)

    def see(n: int, source: str) -> None:
        party.mdns._see(Announcement(f"i{n}.{tag}", peer_id(n), (f"/ip4/{source}/tcp/1",), 120), source)

    for n in range(3):
        see(n, "192.0.2.1")
    await trio.sleep(1)
    for n in range(3, 1000):
        see(n, f"192.0.2.{2 + n % 3}")
    sighted = party.mdns.sightings
    assert len(sighted) == 256
    assert {peer_id(n) for n in range(3)} <= {sighting.peer for sighting in sighted}


async def test_what_another_host_says_of_its_loopback_is_ignored() -> None:
    far = mdns_module._reachable(("/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1"), same_host=False)
    near = mdns_module._reachable(("/ip4/10.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1"), same_host=True)
    assert far == ("/ip4/10.0.0.1/tcp/1",)
    assert near == ("/ip4/127.0.0.1/tcp/1", "/ip4/10.0.0.1/tcp/1")


async def test_a_port_that_is_anothers_alone_is_tried_again(
    tag: str, nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real, attempts = mdns_module._open_socket, iter([OSError(98, "address already in use")])
    monkeypatch.setattr(mdns_module, "_RECHECK", 0.01)

    def refuse_once() -> trio.socket.SocketType:
        for error in attempts:
            raise error
        return real()

    monkeypatch.setattr(mdns_module, "_open_socket", refuse_once)
    one, other = Party(tag), Party(tag)
    await nursery.start(one.mdns.run)
    assert "cannot listen on UDP port 5353" in caplog.text
    await nursery.start(other.mdns.run)
    other.mdns.announce(peer_id(1), 4001)
    await one.sees(peer_id(1))
