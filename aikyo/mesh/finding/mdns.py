"""Finding peers on the local network: one announcer and browser for the whole process.

One trio socket and no threads. Packets are in `mdns_packets`; here is when they are sent, and what is
believed of those that come in.
"""

from __future__ import annotations

import logging
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import trio

from ..interfaces import Interface, ip_of, is_loopback, local_interfaces
from .mdns_packets import (
    Announcement,
    Goodbye,
    MalformedPacketError,
    Question,
    announcement,
    goodbye,
    instance_name,
    parse,
    question,
)

__all__ = ["Mdns", "Sighting"]

log = logging.getLogger(__name__)

_GROUP, _PORT = "224.0.0.251", 5353
_MAX_PACKET = 9000  # RFC 6762, 17
_MAX_SIGHTINGS = 256
_MAX_OF_ONE = 128  # of one source address, so that one machine cannot push out everybody else's
_ANSWER_GAP = 0.1  # seconds between answers; who asks in between is answered by the next
_FIRST_GAP, _LAST_GAP = 1.0, 20.0  # seconds between questions, doubling (RFC 6762, 5.2)
_RECHECK = 5.0  # seconds between looks at the interfaces


@dataclass(frozen=True, slots=True)
class Sighting:
    """A peer of another process that announced itself.

    Attributes:
        peer: its peer id.
        addresses: multiaddrs that may reach it, the nearest first.
    """

    peer: str
    addresses: tuple[str, ...]


@dataclass(slots=True)
class _Record:
    sighting: Sighting
    until: float
    source: str


class Mdns:
    """The announcer and browser of one mesh.

    Args:
        tag: the service to announce and to look for, see `mesh_tag`.
        listen: the address that our hosts listen on.
        on_sighting: called when a peer is first seen, and when its addresses change.
        on_addresses: called with our own IPv4 addresses when they change.
        counters: packets dropped, by reason, and sends that failed.
    """

    def __init__(
        self,
        tag: str,
        listen: str,
        *,
        on_sighting: Callable[[Sighting], None],
        on_addresses: Callable[[tuple[str, ...]], None],
        counters: Counter[str],
    ) -> None:
        self._counters = counters
        self._tag = tag
        self._listen = listen
        self._on_sighting = on_sighting
        self._on_addresses = on_addresses
        self._records: dict[str, _Record] = {}  # by instance
        self._ours: dict[str, tuple[str, int]] = {}  # by instance: peer and TCP port
        self._interfaces: tuple[Interface, ...] = ()
        self._down: set[Interface] = set()  # those that could not be sent on
        self._socket: trio.socket.SocketType | None = None
        self._sending = trio.Lock()
        self._answer_due = trio.Event()
        self._moved = trio.Event()

    @property
    def sightings(self) -> tuple[Sighting, ...]:
        """Who is there now; at most 256."""
        now = trio.current_time()
        return tuple(record.sighting for record in self._records.values() if record.until > now)

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> NoReturn:
        """Announce and browse until cancelled; started once the first question is out.

        Where multicast cannot be had (the port is another's alone), it is tried again and again.
        """
        while True:
            try:
                self._socket = _open_socket()
            except OSError as error:
                log.warning(
                    "mDNS cannot listen on UDP port %d (%s); trying again", _PORT, error.strerror
                )
                task_status.started()
                task_status = trio.TASK_STATUS_IGNORED
                await trio.sleep(_RECHECK)
                continue
            with self._socket:
                self._look_around()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._receive, self._socket)
                    nursery.start_soon(self._answer)
                    nursery.start_soon(self._watch_interfaces)
                    await nursery.start(self._ask)
                    task_status.started()

    def announce(self, peer: str, port: int) -> None:
        """From now on, say that our `peer` listens on the TCP `port`."""
        self._ours[self._instance(peer)] = (peer, port)
        self._answer_due.set()

    def look_again(self) -> None:
        """Much may have changed meanwhile: ask and tell anew at once."""
        self._look_around()
        self._answer_due.set()
        self._moved.set()

    async def withdraw(self, peer: str) -> None:
        """Our `peer` leaves: say goodbye, and nothing more."""
        if self._ours.pop(self._instance(peer), None) is not None:
            await self._send(goodbye(self._tag, peer))

    async def _receive(self, sock: trio.socket.SocketType) -> NoReturn:
        while True:
            try:
                data, (source, *_) = await sock.recvfrom(_MAX_PACKET)
                packet = parse(data, self._tag)
            except MalformedPacketError:
                self._counters["mdns-malformed"] += 1
                continue
            except OSError as error:  # an ICMP error for something sent; the socket goes on
                log.debug("mDNS: %s", error)
                self._counters["mdns-receive-failed"] += 1
                continue
            match packet:
                case Question():
                    self._answer_due.set()
                case Goodbye(instance):
                    self._records.pop(instance, None)
                case Announcement():
                    self._see(packet, source)
                case None:
                    pass

    def _see(self, packet: Announcement, source: str) -> None:
        if packet.instance in self._ours or self._instance(packet.peer) in self._ours:
            return
        addresses = _reachable(packet.addresses, same_host=self._is_ours(source))
        if not addresses:
            self._counters["mdns-unreachable"] += 1
            return
        sighting = Sighting(packet.peer, addresses)
        known = self._records.get(packet.instance)
        until = trio.current_time() + packet.ttl
        self._records[packet.instance] = _Record(sighting, until, source)
        self._make_room(source)
        if known is None or known.sighting != sighting:
            self._on_sighting(sighting)

    def _make_room(self, source: str) -> None:
        """Who announces more than its share pushes out its own; when all are too many, those go of
        whoever announced the most."""
        of = Counter(record.source for record in self._records.values())
        if of[source] <= _MAX_OF_ONE:
            if len(self._records) <= _MAX_SIGHTINGS:
                return
            source = of.most_common(1)[0][0]
        those = [name for name, record in self._records.items() if record.source == source]
        del self._records[min(those, key=lambda name: self._records[name].until)]
        self._counters["mdns-table-full"] += 1

    async def _answer(self) -> NoReturn:
        while True:
            await self._answer_due.wait()
            self._answer_due = trio.Event()
            for peer, port in list(self._ours.values()):
                addresses = (f"/ip4/{interface.ip}/tcp/{port}" for interface in self._interfaces)
                await self._send(announcement(self._tag, peer, addresses))
            await trio.sleep(_ANSWER_GAP)

    async def _ask(self, *, task_status: trio.TaskStatus[None]) -> NoReturn:
        gap = _FIRST_GAP
        while True:
            await self._send(question(self._tag))
            task_status.started()
            task_status = trio.TASK_STATUS_IGNORED
            self._moved = trio.Event()
            with trio.move_on_after(gap) as waiting:
                await self._moved.wait()
            gap = min(gap * 2, _LAST_GAP) if waiting.cancelled_caught else _FIRST_GAP
            self._forget()

    def _forget(self) -> None:
        now = trio.current_time()
        for name in [name for name, record in self._records.items() if record.until <= now]:
            del self._records[name]

    async def _watch_interfaces(self) -> NoReturn:
        while True:
            await trio.sleep(_RECHECK)
            self._look_around()
            if down := self._down & set(self._interfaces):
                await self._send(question(self._tag), tuple(down))
                if not down <= self._down:
                    self._answer_due.set()

    def _look_around(self) -> None:
        """Take in what came and went since the last look; a new network is asked and told at once."""
        try:
            now = local_interfaces(self._listen)
        except OSError as error:
            log.warning("cannot list the network interfaces: %s", error)
            return
        if now == self._interfaces or self._socket is None:
            return
        for interface in set(now) - set(self._interfaces):
            membership = socket.inet_aton(_GROUP) + socket.inet_aton(interface.ip)
            try:
                self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
            except OSError as error:  # two addresses of one interface, or one without multicast
                log.debug("mDNS: no multicast on %s: %s", interface.ip, error)
        self._interfaces = now
        self._down &= set(now)
        self._on_addresses(tuple(interface.ip for interface in now))
        self._answer_due.set()
        self._moved.set()

    async def _send(self, packet: bytes, interfaces: tuple[Interface, ...] | None = None) -> None:
        """Out of every interface, or of some; one that cannot is skipped."""
        if self._socket is None:
            return
        async with self._sending:
            for interface in self._interfaces if interfaces is None else interfaces:
                try:
                    chosen = socket.inet_aton(interface.ip)
                    self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, chosen)
                    await self._socket.sendto(packet, (_GROUP, _PORT))
                except OSError as error:
                    log.debug("mDNS: cannot send on %s: %s", interface.ip, error)
                    self._counters["mdns-send-failed"] += 1
                    self._down.add(interface)
                else:
                    self._down.discard(interface)

    def _instance(self, peer: str) -> str:
        return f"{instance_name(peer)}.{self._tag}"

    def _is_ours(self, source: str) -> bool:
        return is_loopback(source) or any(interface.ip == source for interface in self._interfaces)


def _open_socket() -> trio.socket.SocketType:
    """Shares the port with every other mDNS program of the machine."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "SO_REUSEPORT"):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        sock.bind(("", _PORT))
    except OSError:
        sock.close()
        raise
    return trio.socket.from_stdlib_socket(sock)


def _reachable(addresses: tuple[str, ...], *, same_host: bool) -> tuple[str, ...]:
    """Those of another host's addresses, or of this one's, that can be dialed; the nearest first."""
    near: list[str] = []
    far: list[str] = []
    for address in addresses:
        if ip := ip_of(address):
            (near if is_loopback(ip) else far).append(address)
    return tuple(near + far) if same_host else tuple(far)
