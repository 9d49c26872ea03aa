"""Whatever packets come by multicast: something bounded, or `MalformedPacketError`, soon."""

from __future__ import annotations

import ipaddress
import logging
import re
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.mesh.finding.mdns import _reachable
from aikyo.mesh.finding.mdns_packets import (
    TTL,
    Announcement,
    Goodbye,
    MalformedPacketError,
    Question,
    announcement,
    goodbye,
    instance_name,
    mesh_tag,
    parse,
    question,
)
from tests.support.fuzz import mutations, within_seconds

PEER = "12D3KooWP89sveD2nscDrpQGpN11WG8SNwNiLz5AA3y4WDiUg4Pc"
TAG = mesh_tag("")
WHERE = ("/ip4/192.0.2.7/tcp/4001", "/ip4/127.0.0.1/tcp/4001", "/ip6/::1/tcp/4001")
VALID = [question(TAG), announcement(TAG, PEER, WHERE), goodbye(TAG, PEER)]
NAME = b"\x04_p2p\x04_udp\x05local\x00"
HERE = b"\xc0\x0c"  # a pointer to the first name


def answers(count: int, records: bytes, flags: int = 0x8400) -> bytes:
    return struct.pack("!6H", 0, flags, 0, count, 0, 0) + records


def record(name: bytes, kind: int, data: bytes, ttl: int = TTL) -> bytes:
    return name + struct.pack("!2HIH", kind, 1, ttl, len(data)) + data


def read(packet: bytes) -> Question | Announcement | Goodbye | None:
    try:
        found = parse(packet, TAG)
    except MalformedPacketError:
        return None
    if isinstance(found, Announcement):
        assert 0 < found.ttl <= TTL
        assert len(found.addresses) <= 32
        assert all(len(address) < 256 and address.isascii() for address in found.addresses)
        assert re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{20,128}", found.peer)
    if isinstance(found, Announcement | Goodbye):
        assert len(found.instance) <= 1024
    return found


@given(st.binary(max_size=600) | mutations(VALID))
def test_anything_is_bounded_or_malformed(packet: bytes) -> None:
    read(packet)


NAMES = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=70).map(lambda label: bytes([len(label)]) + label),
        st.integers(0, 0x3FFF).map(lambda at: struct.pack("!H", 0xC000 | at)),
        st.sampled_from([NAME, HERE, b"\x00", b"\xff", b"\x80x", b"\x3f" + b"a" * 63]),
    ),
    max_size=5,
).map(b"".join)
RECORDS = st.builds(
    record,
    NAMES,
    st.sampled_from([1, 12, 16, 28, 33, 47, 255, 65535]),
    st.one_of(
        NAMES, st.binary(max_size=40), st.just(b"\x30dnsaddr=/ip4/1.2.3.4/tcp/1/p2p/" + PEER.encode())
    ),
    st.sampled_from([0, 1, TTL, 2**31, 2**32 - 1]),
)


@given(
    st.lists(RECORDS, max_size=6), st.integers(0, 65535), st.sampled_from([0, 0x8400, 0x8200, 0xFFFF])
)
@example([record(HERE, 12, HERE)], 1, 0x8400)
@example([record(NAME, 12, b"\xc0\x22")], 1, 0x8400)
def test_any_records_are_bounded_or_malformed(records: list[bytes], count: int, flags: int) -> None:
    read(answers(count, b"".join(records), flags))


POINTERS = b"".join(struct.pack("!H", 0xC000 | 14 + 2 * n) for n in range(4400))
DENSE = NAME[:-1] + b"".join(record(b"\xc0\x0c", 12, b"\x01a\xc0\x0c") for _ in range(560))
LABELS = b"".join(b"\x01a" for _ in range(4300))


@pytest.mark.parametrize(
    "packet",
    [
        answers(1, HERE + bytes(20)),  # a name that points at itself
        answers(1, b"\xc0\x0e\xc0\x0c" + bytes(20)),  # two that point at each other
        answers(65535, POINTERS),
        answers(65535, record(NAME, 12, HERE) * 380),
        answers(65535, DENSE),
        answers(1, LABELS),
        answers(65535, record(LABELS[:240] + b"\x00", 16, b"\x01a" * 4000)),
        answers(2, record(NAME, 12, b"\x01i" + HERE) + record(b"\x01i" + HERE, 16, bytes(8900))),
        struct.pack("!6H", 0, 0, 65535, 0, 0, 0) + (HERE + b"\x00\x0c\x00\x01") * 1400,
    ],
)
def test_a_packet_made_to_cost_time_costs_little(packet: bytes) -> None:
    with within_seconds(1):  # the worst takes some ten milliseconds
        read(packet[:9000])


def test_no_packet_is_told_of_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for packet in (b"", b"x" * 12, answers(3, POINTERS), answers(1, HERE + bytes(20)), VALID[1][:-9]):
        read(packet)
    assert not caplog.records


PEERS = st.text("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", min_size=20, max_size=90)
ADDRESSES = st.lists(
    st.builds("/ip4/{}/tcp/{}".format, st.ip_addresses(v=4), st.integers(1, 65535)),
    min_size=1,
    max_size=8,
    unique=True,
)


@given(st.text(min_size=1, max_size=40), PEERS, ADDRESSES, st.integers(1, TTL))
def test_what_is_announced_on_any_mesh_is_read_back(
    mesh: str, peer: str, addresses: list[str], ttl: int
) -> None:
    tag = mesh_tag(mesh)
    packet = announcement(tag, peer, addresses, ttl)
    name = f"{instance_name(peer)}.{tag}"
    assert parse(packet, tag) == Announcement(name, peer, tuple(addresses), ttl)
    assert parse(goodbye(tag, peer), tag) == Goodbye(name)
    assert parse(packet, mesh_tag(mesh + "x")) is None


@given(
    st.lists(
        st.text(max_size=60) | mutations([w.encode() for w in WHERE]).map(lambda b: b.decode("latin-1"))
    )
)
@example(["/ip4/999.1.1.1/tcp/1", "/ip4/127.0.0.1/tcp/99999", "/ip4/١.1.1.1/tcp/1"])
def test_only_what_can_be_dialed_is_kept(given_addresses: list[str]) -> None:
    for same_host in (False, True):
        for address in _reachable(tuple(given_addresses), same_host=same_host):
            _, kind, ip, transport, port = address.split("/")
            assert (kind, transport) == ("ip4", "tcp")
            assert same_host or not ipaddress.ip_address(ip).is_loopback
            assert 0 < int(port) < 1 << 16
