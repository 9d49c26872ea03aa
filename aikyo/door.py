"""Who may come in: where a server of ours listens, and whose requests it takes.

Our servers listen on this machine's loopback alone. That keeps other machines out, but not a web page
that the user has open: it can reach loopback under its own `Origin`, or under a name of its own that
it has pointed at 127.0.0.1 (DNS rebinding), which shows in `Host`. Both are looked at here.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

import trio

from .errors import UsageError

__all__ = ["address_of", "listen", "own_origins", "refusal"]

_OUR_NAMES = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.IGNORECASE)


async def listen(host: str, port: int, *, flag: str) -> trio.SocketListener:
    """Bind and listen.

    Args:
        host: a loopback address, or ``localhost``.
        port: 0 picks a free one; see `address_of`.
        flag: the command line's option that chooses another port.

    Raises:
        UsageError: the port is in use or may not be had, or the host is not this machine's alone.
    """
    where = "127.0.0.1" if host == "localhost" else host
    try:
        lonely = ip_address(where).is_loopback
    except ValueError:
        lonely = False
    if not lonely:
        raise UsageError(f"cannot listen on {host}: only a loopback address, like 127.0.0.1, is safe")
    if not 0 <= port <= 65535:
        raise UsageError(f"there is no port {port}; choose one up to 65535 with {flag}")
    try:
        listeners = await trio.open_tcp_listeners(port, host=where)
    except OSError as error:
        raise UsageError(_why_not(error, where, port, flag)) from None
    return listeners[0]


def address_of(listener: trio.SocketListener) -> str:
    """``127.0.0.1:8080``: where `listener` really is."""
    host, port, *_ = listener.socket.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def own_origins(url: str) -> frozenset[str]:
    """The origins of a page served at `url` (``http://127.0.0.1:3000``), by each name of loopback."""
    parts = urlsplit(url)
    names = ("127.0.0.1", "localhost", "[::1]", parts.netloc.rpartition(":")[0])
    return frozenset(f"{parts.scheme}://{name}:{parts.port}" for name in names)


def refusal(host: str | None, origins: Collection[str], allowed: Collection[str]) -> str | None:
    """Why a request is not let in, for its sender; None lets it in.

    Args:
        host: the `Host` header.
        origins: every `Origin` header; programs other than browsers send none.
        allowed: the origins of pages that may call.
    """
    if host is None or not _OUR_NAMES.fullmatch(host):
        return f"the Host {(host or '')[:80]!r} is not one of this server's names"
    for origin in origins:
        if origin.lower() not in allowed:
            return f"pages of the Origin {origin[:80]!r} may not call this server"
    return None


def _why_not(error: OSError, host: str, port: int, flag: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use; choose another with {flag}, or 0 for a free one"
    if error.errno == errno.EACCES:
        return f"port {port} on {host} is for the system alone; choose one above 1023 with {flag}"
    return f"cannot listen on {host}:{port} ({(error.strerror or str(error)).lower()})"
