"""The connections of one host, by peer: opened, told of, and closed when they are dead.

Importing this module imports libp2p (1.5 s).
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

import trio
from libp2p.abc import INetConn, INetStream, INetwork, INotifee
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStoreError
from libp2p.rcmgr.metrics import Direction
from libp2p.stream_muxer.yamux.yamux import Yamux
from multiaddr import Multiaddr  # type: ignore[import-untyped]  # it ships no types

from ..finding.bootstrap import resolve
from ..interfaces import local_ip, silence
from .guard import Guard
from .network import Network

__all__ = ["Connections", "peer_id"]

log = logging.getLogger(__name__)

_DIAL = 5.0
_LISTEN = 1.0  # seconds between looks at how long neighbours have been silent
_SILENT = 11.0  # seconds of silence, longer than from one keepalive of a living one to the next
_SILENT_BESIDE = 3.0  # and of one that owes an answer, when its peer has another by which it is heard


class Connections(INotifee):
    """What is open to whom.

    Args:
        network: that has them.
        guard: whom there may be none to.
        connected: told of a neighbour, for each new connection.
        disconnected: told of one that has none any more.

    Attributes:
        closing: whether no more are opened.
    """

    def __init__(
        self,
        network: Network,
        guard: Guard,
        connected: Callable[[str], None],
        disconnected: Callable[[str], None],
    ) -> None:
        self.closing = False
        self._network = network
        self._guard = guard
        self._tell_connected = connected
        self._tell_disconnected = disconnected
        network.register_notifee(self)

    def neighbours(self) -> dict[str, tuple[str, ...]]:
        """The peers with an open connection, and the addresses of these connections."""
        return {
            str(peer): tuple(_remote_address(connection) for connection in connections)
            for peer, connections in self._network.connections.items()
            if any(not connection.is_closed for connection in connections)
        }

    def has(self, peer: str) -> bool:
        """Whether a connection to `peer` is open."""
        return any(not connection.is_closed for connection in self._to(peer))

    def inbound(self, peer: str) -> bool:
        """Whether `peer` opened a connection that is open."""
        return any(
            not connection.is_closed and getattr(connection, "direction", None) is Direction.INBOUND
            for connection in self._to(peer)
        )

    async def dial(self, peer: str, addresses: Iterable[str]) -> bool:
        """Try each address (a name as it resolves now) in turn until one leads to `peer`; False if none
        does. Takes no longer than 5 s an address; `BasicHost.connect` would try one and then refuse the
        peer for a minute."""
        if self._guard.shuts_out(peer):
            return False
        for address in [place for named in addresses for place in await resolve(named)]:
            if self.closing or self.has(peer):
                break
            try:
                with trio.fail_after(_DIAL):
                    await self._network.dial_addr(Multiaddr(address), peer_id(peer))
            except Exception as error:  # libp2p raises anything; the next address may do
                log.info("cannot reach %s at %s: %r", peer, address, error)
        return self.has(peer)

    async def close(self, peer: str) -> None:
        """Close all to `peer`."""
        await _close(self._to(peer))

    async def close_all(self) -> None:
        """At once: libp2p closes one after the other, 0.2 s each."""
        await _close(self._all())

    async def close_moved(self, ips: Collection[str]) -> None:
        """Close those whose address on this machine is none of `ips` any more."""
        here = ((connection, local_ip(connection.muxed_conn)) for connection in self._all())
        await _close([connection for connection, ip in here if ip is not None and ip not in ips])

    async def hang_up(self) -> None:
        """Close what is dead. TCP's own limit begins anew with what is sent after the cable was
        pulled: of a connection that was idle until then, or of the second one to a peer, after 20 s."""
        async with trio.open_nursery() as nursery:
            while True:
                await trio.sleep(_LISTEN)
                for connections in list(self._network.connections.values()):
                    heard = [(one, *silence(one.muxed_conn)) for one in connections]
                    is_there = any(seconds < _LISTEN for _, seconds, _ in heard)
                    for connection, seconds, unanswered in heard:
                        patience = _SILENT_BESIDE if is_there and unanswered else _SILENT
                        if seconds > patience:
                            nursery.start_soon(_close_one, connection)

    async def connected(self, network: INetwork, conn: INetConn) -> None:
        """See `INotifee`."""
        self._tell_connected(str(conn.muxed_conn.peer_id))

    async def disconnected(self, network: INetwork, conn: INetConn) -> None:
        """See `INotifee`."""
        peer = conn.muxed_conn.peer_id
        if not self.has(str(peer)):
            self._forget(peer)
            self._tell_disconnected(str(peer))

    async def opened_stream(self, network: INetwork, stream: INetStream) -> None:
        """See `INotifee`."""

    async def closed_stream(self, network: INetwork, stream: INetStream) -> None:
        """See `INotifee`."""

    async def listen(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """See `INotifee`."""

    async def listen_close(self, network: INetwork, multiaddr: Multiaddr) -> None:
        """See `INotifee`."""

    def _forget(self, peer: ID) -> None:
        """`peer` is gone, and with it what it told of itself; it tells it anew when it comes back."""
        store = self._network.peerstore
        known = [peer]
        if len(store.peer_ids()) > 2 * self._guard.limits.connections:  # what it told when it had left
            known += [one for one in store.peer_ids() if one not in self._network.connections]
        for one in known:
            with suppress(PeerStoreError):
                if one != self._network.self_id:
                    store.clear_peerdata(one)

    def _to(self, peer: str) -> list[INetConn]:
        return list(self._network.connections.get(peer_id(peer), ()))

    def _all(self) -> list[INetConn]:
        return [one for connections in self._network.connections.values() for one in connections]


@functools.lru_cache(maxsize=1024)  # base58 is slow
def peer_id(peer: str) -> ID:
    """A peer's id, of how it is written."""
    return ID.from_base58(peer)


def _remote_address(connection: INetConn) -> str:
    muxed = connection.muxed_conn
    remote = muxed.get_remote_address() if isinstance(muxed, Yamux) else None
    return f"/ip4/{remote[0]}/tcp/{remote[1]}" if remote else ""


async def _close(connections: Iterable[INetConn]) -> None:
    async with trio.open_nursery() as nursery:
        for connection in connections:
            nursery.start_soon(_close_one, connection)


async def _close_one(connection: INetConn) -> None:
    try:
        await connection.close()
    except Exception as error:  # it is going anyway
        log.info("closing a connection: %r", error)
