"""mDNS packets as libp2p uses them: bytes in, bytes out, no sockets.

One packet announces one peer: a PTR record named exactly the tag, whose target is the instance, and
TXT records ``dnsaddr=<multiaddr>/p2p/<peer id>`` of at most 255 bytes (libp2p's mDNS specification).
js-libp2p takes every TXT of a packet for one peer, so two peers are never put together.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from zeroconf import DNSIncoming, DNSPointer, DNSText  # type: ignore[attr-defined]  # not in its __all__

__all__ = [
    "TTL",
    "Announcement",
    "Goodbye",
    "MalformedPacketError",
    "Question",
    "announcement",
    "goodbye",
    "instance_name",
    "mesh_tag",
    "parse",
    "question",
]

TTL = 120
"""Seconds for which an announcement holds."""

_PTR, _TXT, _ANY, _IN = 12, 16, 255, 1
_ANSWER = 0x8400  # a response, authoritative
_MAX_TTL = TTL  # a longer one would outlive the questions that refresh it
_MAX_ADDRESSES = 32
_LABEL = re.compile(r"[a-z0-9](-?[a-z0-9]){0,50}")
_PEER = re.compile(r"[1-9A-HJ-NP-Za-km-z]{20,128}")


class MalformedPacketError(ValueError):
    """Bytes that are no mDNS packet."""


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody asks who is there."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A peer says where it is.

    Attributes:
        instance: the name of the record.
        peer: its peer id.
        addresses: multiaddrs, without ``/p2p/…``.
        ttl: seconds for which it holds.
    """

    instance: str
    peer: str
    addresses: tuple[str, ...]
    ttl: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The peer announced as `instance` leaves."""

    instance: str


def mesh_tag(name: str) -> str:
    """The service that the mesh `name` is found under; the standard one for the mesh without a name."""
    if not name:
        return "_p2p._udp.local"
    label = name if _LABEL.fullmatch(name) else sha256(name.encode()).hexdigest()[:24]
    return f"_p2p-{label}._udp.local"


def instance_name(peer: str) -> str:
    """The name of a peer's record: always the same, so that a restart replaces what is stale."""
    return sha256(peer.encode()).hexdigest()[:40]


def question(tag: str) -> bytes:
    """Ask who is there."""
    return struct.pack("!6H", 0, 0, 1, 0, 0, 0) + _name(tag) + struct.pack("!2H", _PTR, _IN)


def announcement(tag: str, peer: str, addresses: Iterable[str], ttl: int = TTL) -> bytes:
    """Say that `peer` is at `addresses` (multiaddrs without ``/p2p/…``) for `ttl` seconds."""
    instance = _name(f"{instance_name(peer)}.{tag}")
    strings = [f"dnsaddr={address}/p2p/{peer}".encode() for address in addresses]
    texts = [_record(instance, _TXT, ttl, _string(text)) for text in strings if len(text) <= 255]
    return _response(_record(_name(tag), _PTR, ttl, instance), *texts)


def goodbye(tag: str, peer: str) -> bytes:
    """Say that `peer` leaves (RFC 6762, 10.1); without addresses, as js-libp2p ignores the TTL."""
    return _response(_record(_name(tag), _PTR, 0, _name(f"{instance_name(peer)}.{tag}")))


def parse(data: bytes, tag: str) -> Question | Announcement | Goodbye | None:
    """Read a packet.

    Returns:
        What it says about `tag`; None when it is about something else, or says nothing usable.

    Raises:
        MalformedPacketError: it is no packet.
    """
    try:
        packet = DNSIncoming(data)
        if not packet.valid:
            raise MalformedPacketError("not a DNS packet")
        if packet.is_query():
            asked = any(_is(q.name, tag) and q.type in (_PTR, _ANY) for q in packet.questions)
            return Question() if asked else None
        return _announced(packet, tag)
    except (IndexError, UnicodeError, struct.error) as error:
        raise MalformedPacketError(f"not a DNS packet: {error}") from None


def _announced(packet: DNSIncoming, tag: str) -> Announcement | Goodbye | None:
    records = packet.answers()
    pointer = next((r for r in records if isinstance(r, DNSPointer) and _is(r.name, tag)), None)
    if pointer is None:
        return None
    instance = pointer.alias.rstrip(".").lower()
    if pointer.ttl == 0:
        return Goodbye(instance)
    texts = [r for r in records if isinstance(r, DNSText) and r.name == pointer.alias]
    found = [pair for record in texts for text in _strings(record.text) if (pair := _dnsaddr(text))]
    peers = {peer for peer, _ in found}
    if len(peers) != 1:
        return None
    addresses = tuple(dict.fromkeys(address for _, address in found))[:_MAX_ADDRESSES]
    return Announcement(instance, peers.pop(), addresses, min(int(pointer.ttl), _MAX_TTL))


def _strings(text: bytes) -> Iterable[bytes]:
    at = 0
    while at < len(text):
        end = at + 1 + text[at]
        yield text[at + 1 : end]
        at = end


def _dnsaddr(text: bytes) -> tuple[str, str] | None:
    key, _, value = text.partition(b"=")
    address, _, peer = value.decode("ascii", "replace").rpartition("/p2p/")
    return (peer, address) if key == b"dnsaddr" and address and _PEER.fullmatch(peer) else None


def _is(name: str, tag: str) -> bool:
    return name.rstrip(".").lower() == tag


def _name(name: str) -> bytes:
    return b"".join(_string(label.encode()) for label in name.split(".")) + b"\0"


def _string(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def _response(*records: bytes) -> bytes:
    return struct.pack("!6H", 0, _ANSWER, 0, len(records), 0, 0) + b"".join(records)


def _record(name: bytes, kind: int, ttl: int, data: bytes) -> bytes:
    return name + struct.pack("!2HIH", kind, _IN, ttl, len(data)) + data
