"""This machine's IPv4 addresses, as they are now, and those in multiaddrs."""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
import sys
from dataclasses import dataclass

import ifaddr
import trio

__all__ = ["ANY", "Interface", "ip_of", "is_loopback", "local_interfaces", "local_ip", "silence"]

ANY = "0.0.0.0"
"""Listen on every address."""

_ADDRESS = re.compile(r"/ip4/(\d{1,3}(?:\.\d{1,3}){3})/tcp/(\d{1,5})", re.ASCII)

_BELOW = ("secured_conn", "conn", "read_writer", "read_write_closer", "_stream", "_conn", "stream")
_LAYERS = 12


@dataclass(frozen=True, slots=True)
class Interface:
    """One address of an interface.

    Attributes:
        index: the system's number of the interface; another one when it went and came back.
        ip: the IPv4 address.
    """

    index: int
    ip: str


def local_interfaces(listen: str = ANY) -> tuple[Interface, ...]:
    """The addresses that a host listening on `listen` has: loopback last; none when it is not there."""
    found = {
        Interface(adapter.index or 0, address.ip)
        for adapter in ifaddr.get_adapters()
        for address in adapter.ips
        if isinstance(address.ip, str) and listen in (ANY, address.ip)
    }
    return tuple(sorted(found, key=lambda interface: (is_loopback(interface.ip), interface.ip)))


def is_loopback(ip: str) -> bool:
    """Whether `ip` reaches no other machine; False for what is no address."""
    try:
        return ipaddress.ip_address(ip).is_loopback
    except ValueError:
        return False


def ip_of(address: str) -> str | None:
    """The IPv4 address in a multiaddr ``/ip4/A/tcp/P``; None when it is another, or cannot be dialed."""
    found = _ADDRESS.fullmatch(address)
    if found is None or not 0 < int(found[2]) < 1 << 16:
        return None
    try:
        ip = ipaddress.IPv4Address(found[1])
    except ValueError:
        return None
    nobody = ip.is_unspecified or ip.is_multicast or ip == ipaddress.IPv4Address("255.255.255.255")
    return None if nobody else found[1]


def local_ip(connection: object) -> str | None:
    """This machine's address of a connection of libp2p's, which tells the other side's alone. None when
    it is closed."""
    sock = _socket(connection)
    try:
        return str(sock.getsockname()[0]) if sock is not None else None
    except OSError:
        return None


def silence(connection: object) -> tuple[float, bool]:
    """Seconds for which nothing at all came on a connection of libp2p's, not even an acknowledgement, as
    the kernel counts them (Linux; elsewhere, and of one that is closed, 0); and whether something was
    sent that should have been acknowledged."""
    sock = _socket(connection)
    if sock is None or sys.platform != "linux":
        return 0.0, False
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 60)
    except OSError:
        return 0.0, False
    # tcpi_unacked, tcpi_last_data_recv and tcpi_last_ack_recv
    unacknowledged, data, acknowledged = struct.unpack_from("I24x2I", info, 24)
    return min(data, acknowledged) / 1000, unacknowledged > 0


def _socket(connection: object) -> trio.socket.SocketType | None:
    """From layer to layer down to the socket."""
    for _ in range(_LAYERS):
        if isinstance(connection, trio.SocketStream):
            return connection.socket
        below = (getattr(connection, name, None) for name in _BELOW)
        connection = next((layer for layer in below if layer is not None), None)
    return None
