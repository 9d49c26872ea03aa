"""What takes the place of libp2p's own functions, each with its reason; `repairs.apply` puts it there.

Importing this module imports libp2p (1.5 s).
"""

from __future__ import annotations

import functools
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from libp2p.abc import IPeerStore
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.identity.update import update_peerstore_from_identify
from libp2p.io.abc import Reader
from libp2p.io.trio import TrioTCPStream
from libp2p.peer.id import ID
from libp2p.stream_muxer.yamux import yamux
from libp2p.tools.anyio_service.trio_manager import TrioManager
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

__all__ = [
    "AGENT",
    "credit",
    "identified",
    "no_parent",
    "open_stream",
    "quieten",
    "read_line",
    "run_task",
]

log = logging.getLogger(__name__)

AGENT = "AgentVersion"
"""The key under which a peerstore has what a peer says that it runs (``js-libp2p/2.9.0 …``)."""

_NEGOTIATION = 64 << 10  # bytes of a line by which protocols are agreed on
_PROTOCOLS, _ADDRESSES, _NAME, _RECORD = 128, 32, 256, 8 << 10  # what a peer may tell of itself

_plain_open_stream = TrioTCPStream.__init__
_KEEPALIVE = {"TCP_KEEPIDLE": 5, "TCP_KEEPALIVE": 5, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3}


def open_stream(self: TrioTCPStream, stream: trio.SocketStream) -> None:
    """By default a pulled cable or a sleeping peer is never noticed; so it is within 12 s."""
    _plain_open_stream(self, stream)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in {**_KEEPALIVE, "TCP_USER_TIMEOUT": 10_000}.items():
        if hasattr(socket, name):  # systems differ
            stream.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def credit(self: yamux.YamuxStream, *, bytes_read: int = 0) -> None:
    """By default every read is credited to the sender at once, and too much of it: three frames a
    message. Here half a window at a time."""
    self._pending_recv_release += bytes_read
    if self._pending_recv_release >= yamux.DEFAULT_WINDOW_SIZE // 2:
        credit, self._pending_recv_release = self._pending_recv_release, 0
        self.recv_window += credit
        await self.send_window_update(credit)


_plain_run_task = TrioManager.run_task


def run_task(
    self: TrioManager,
    async_fn: Callable[..., Awaitable[Any]],
    *args: Any,
    daemon: bool = False,
    **how: Any,
) -> None:
    """By default whatever one of its tasks for one peer raises ends the whole host.

    Those that run as long as the host does are not contained: without them it is none.
    """
    if not daemon and not how.get("_internal"):
        async_fn = _contained(async_fn)
    _plain_run_task(self, async_fn, *args, daemon=daemon, **how)


def _contained(async_fn: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(async_fn)
    async def contained(*args: Any) -> None:
        try:
            await async_fn(*args)
        except Exception as error:  # whatever a peer's bytes can cause
            log.info("%s failed: %r", getattr(async_fn, "__name__", async_fn), error)

    return contained


def no_parent(self: TrioManager, trio_task: trio.lowlevel.Task) -> None:
    """By default all tasks are looked through to find whose child a new one is; here it is nobody's."""


async def read_line(reader: Reader) -> bytes:
    """By default a length is believed, whatever it is, before it is even known who sends it."""
    return await read_varint_prefixed_bytes_limited(reader, _NEGOTIATION)


async def identified(store: IPeerStore, peer: ID, message: Identify) -> None:
    """By default a peer may tell of a million protocols, and they are kept; what it runs is not."""
    protocols = [name for name in message.protocols[:_PROTOCOLS] if len(name) <= _NAME]
    addresses = [address for address in message.listen_addrs[:_ADDRESSES] if len(address) <= _NAME]
    message.ClearField("protocols")
    message.ClearField("listen_addrs")
    message.protocols.extend(protocols)
    message.listen_addrs.extend(addresses)
    if len(message.signedPeerRecord) > _RECORD:
        message.ClearField("signedPeerRecord")
    store.put(peer, AGENT, message.agent_version[:_NAME])
    await update_peerstore_from_identify(store, peer, message)


def quieten() -> None:
    """libp2p logs to nobody's handler, which Python prints, and on the root logger, which it sets up.

    Errors are raised to us as well and logged there; who sets LIBP2P_DEBUG sees libp2p's own log.
    """
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(logging.NullHandler())
    if _is_ours not in root.filters:
        root.addFilter(_is_ours)
    if not os.environ.get("LIBP2P_DEBUG"):
        logging.getLogger("libp2p").setLevel(logging.CRITICAL)
        logging.getLogger("libp2p.network.auto_connector").setLevel(logging.CRITICAL)


def _is_ours(record: logging.LogRecord) -> bool:
    return f"{os.sep}libp2p{os.sep}network{os.sep}" not in record.pathname
