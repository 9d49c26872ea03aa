from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

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

PEER = "12D3KooWP89sveD2nscDrpQGpN11WG8SNwNiLz5AA3y4WDiUg4Pc"
TAG = mesh_tag("")
WHERE = ("/ip4/192.0.2.7/tcp/4001", "/ip4/127.0.0.1/tcp/4001")
ADDRESSES = st.lists(
    st.builds("/ip4/{}/tcp/{}".format, st.ip_addresses(v=4), st.integers(1, 65535)),
    min_size=1,
    max_size=8,
)

# What @libp2p/mdns 11.0.47 sends: the records compressed, TXT before PTR, SRV and A among them.
JS_INSTANCE = b"\x20" + b"q" * 32
JS_TXT = b"dnsaddr=/ip4/192.0.2.9/tcp/9/p2p/" + PEER.encode()
JS_PACKET = (
    struct.pack("!6H", 0, 0x8400, 0, 3, 0, 0)
    + b"\x04_p2p\x04_udp\x05local\x00"
    + struct.pack("!2HIH", 12, 1, 120, 35)
    + JS_INSTANCE
    + b"\xc0\x0c"
    + b"\xc0\x27"
    + struct.pack("!2HIH", 16, 1, 120, len(JS_TXT) + 1)
    + bytes([len(JS_TXT)])
    + JS_TXT
    + b"\xc0\x27"
    + struct.pack("!2HIH", 33, 1, 120, 9)
    + struct.pack("!3H", 10, 1, 9)
    + b"\x01h\x00"
)


@given(ADDRESSES, st.integers(1, TTL))
def test_what_is_announced_is_read_back(addresses: list[str], ttl: int) -> None:
    packet = announcement(TAG, PEER, addresses, ttl)
    instance = f"{instance_name(PEER)}.{TAG}"
    assert parse(packet, TAG) == Announcement(instance, PEER, tuple(dict.fromkeys(addresses)), ttl)


def test_a_question_and_a_goodbye_are_read_back() -> None:
    assert parse(question(TAG), TAG) == Question()
    assert parse(goodbye(TAG, PEER), TAG) == Goodbye(f"{instance_name(PEER)}.{TAG}")


def test_a_goodbye_gives_js_nothing_to_dial() -> None:
    assert b"dnsaddr" not in goodbye(TAG, PEER)


def test_what_js_sends_is_read() -> None:
    packet = parse(JS_PACKET, TAG)
    assert isinstance(packet, Announcement)
    assert (packet.peer, packet.addresses) == (PEER, ("/ip4/192.0.2.9/tcp/9",))


def test_the_packet_has_what_js_looks_for() -> None:
    packet = announcement(TAG, PEER, WHERE)
    assert packet.startswith(
        struct.pack("!6H", 0, 0x8400, 0, 3, 0, 0) + b"\x04_p2p\x04_udp\x05local\x00"
    )
    assert packet.count(b"dnsaddr=/ip4/") == 2


def test_an_address_that_fits_no_txt_string_is_left_out() -> None:
    packet = parse(announcement(TAG, PEER, ["/dns4/" + "x" * 250 + "/tcp/1", *WHERE]), TAG)
    assert isinstance(packet, Announcement)
    assert packet.addresses == WHERE


@pytest.mark.parametrize("other", [mesh_tag("lab"), "_http._tcp.local"])
def test_another_service_says_nothing(other: str) -> None:
    for packet in (question(other), goodbye(other, PEER), announcement(other, PEER, WHERE)):
        assert parse(packet, TAG) is None


def test_txt_of_two_peers_in_one_packet_says_nothing() -> None:
    other = PEER[:-1] + "d"
    packet = bytearray(announcement(TAG, PEER, WHERE))
    packet[packet.rindex(PEER.encode()) : packet.rindex(PEER.encode()) + len(PEER)] = other.encode()
    assert parse(bytes(packet), TAG) is None


def test_a_long_ttl_is_cut_to_what_we_refresh() -> None:
    packet = parse(announcement(TAG, PEER, WHERE, 4_000_000), TAG)
    assert isinstance(packet, Announcement)
    assert packet.ttl == TTL


@given(st.text(min_size=1, max_size=80))
@example("lab")
@example("über lab")
def test_every_mesh_name_has_a_tag_of_valid_labels(name: str) -> None:
    tag = mesh_tag(name)
    assert tag != mesh_tag("")
    assert all(1 <= len(label) <= 63 and label.isascii() for label in tag.split("."))
    assert parse(question(tag), tag) == Question()


def test_meshes_of_different_names_have_different_tags() -> None:
    names = ["", "lab", "Lab", "über", "a" * 60]
    assert len({mesh_tag(name) for name in names}) == len(names)


@given(st.binary(max_size=600))
@example(b"")
@example(JS_PACKET[:40])
@example(announcement(TAG, PEER, WHERE)[:-7])
def test_arbitrary_bytes_raise_nothing_but_malformed(data: bytes) -> None:
    with contextlib.suppress(MalformedPacketError):
        parse(data, TAG)


@given(st.data())
def test_a_damaged_announcement_raises_nothing_but_malformed(data: st.DataObject) -> None:
    packet = bytearray(announcement(TAG, PEER, WHERE))
    for _ in range(data.draw(st.integers(1, 8))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(MalformedPacketError):
        parse(bytes(packet), TAG)
