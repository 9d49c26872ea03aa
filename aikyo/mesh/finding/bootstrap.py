"""Peers that the user names, to join a mesh beyond the LAN. No libp2p: settings are checked by it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address

import base58
import trio

from ...errors import UsageError

__all__ = ["Bootstrap", "parse_bootstrap", "resolve"]

_EXAMPLE = "/ip4/192.0.2.7/tcp/4001/p2p/12D3Koo…"
_WAY_OUT = "`aikyo peers` on that machine prints it"
_HOST = re.compile(r"(?=.{1,253}\Z)(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
_DNS = re.compile(r"/(?:dns|dns4)/([^/]+)(/tcp/\d+)")
_LONGEST = 512  # characters of a multiaddr
_MOST = 4  # addresses of one name that are tried
_SHA256, _IDENTITY = 0x12, 0x00  # a peer id is the multihash of a key, or the key itself


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A peer to join by.

    Attributes:
        peer: its peer id.
        address: its multiaddr, without ``/p2p/…``; may be of a name, see `resolve`.
    """

    peer: str
    address: str


def parse_bootstrap(text: str) -> Bootstrap:
    """Read ``/ip4/A/tcp/P/p2p/ID`` or ``/dns4/NAME/tcp/P/p2p/ID`` (``/dns/`` too).

    Raises:
        UsageError: it is something else (what is wrong, the way out).
    """
    shown = text if len(text) <= 100 else f"{text[:99]}…"
    parts = text.strip().rstrip("/").split("/")
    if len(text) > _LONGEST or len(parts) < 5 or parts[0] != "" or parts[3] != "tcp":
        raise UsageError(f"{shown!r} is no address of a peer; one looks like {_EXAMPLE}, and {_WAY_OUT}")
    kind, host, port = parts[1], parts[2], parts[4]
    if kind not in ("ip4", "dns", "dns4"):
        raise UsageError(f"{shown!r}: {f'/{kind}/'!r} cannot be dialed; use /ip4/ or /dns4/")
    if not (_is_ip4(host) if kind == "ip4" else _HOST.fullmatch(host)):
        what = "an IPv4 address" if kind == "ip4" else "the name of a machine"
        raise UsageError(f"{shown!r}: {host!r} is not {what}")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 1 << 16):
        raise UsageError(f"{shown!r}: {port!r} is no TCP port (1 to 65535)")
    match parts[5:]:
        case ["p2p", peer] if _is_peer(peer):
            return Bootstrap(peer, f"/{kind}/{host}/tcp/{int(port)}")
        case ["p2p", peer]:
            raise UsageError(f"{shown!r}: {peer!r} is no peer id; {_WAY_OUT}")
        case []:
            raise UsageError(f"{shown!r}: it needs /p2p/<peer id> at its end; {_WAY_OUT}")
    raise UsageError(f"{shown!r}: after the port only /p2p/<peer id> may stand; {_WAY_OUT}")


async def resolve(address: str) -> tuple[str, ...]:
    """What to dial for a multiaddr: itself, or the IPv4 addresses of its name, as they are now.

    Cancellable. Nothing when the name is not known, or nobody can be asked.
    """
    named = _DNS.fullmatch(address)
    if named is None:
        return (address,)
    name, rest = named.groups()
    try:
        found = await trio.socket.getaddrinfo(
            name, None, family=trio.socket.AF_INET, type=trio.socket.SOCK_STREAM
        )
    except (OSError, UnicodeError):
        return ()
    ips = dict.fromkeys(str(place[0]) for *_, place in found)
    return tuple(f"/ip4/{ip}{rest}" for ip in list(ips)[:_MOST])


def _is_ip4(text: str) -> bool:
    try:
        return not IPv4Address(text).is_unspecified
    except AddressValueError:
        return False


def _is_peer(text: str) -> bool:
    if not 20 <= len(text) <= 128:
        return False
    try:
        raw = base58.b58decode(text)
    except ValueError:
        return False
    return raw[0] in (_SHA256, _IDENTITY) and raw[1] == len(raw) - 2
