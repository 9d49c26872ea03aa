"""This machine's IPv4 addresses, as they are now."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import ifaddr

__all__ = ["ANY", "Interface", "is_loopback", "local_interfaces"]

ANY = "0.0.0.0"
"""Listen on every address."""


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
