"""libp2p's swarm of connections, with a door: who may come in, how long it may take, how many there are.

What libp2p 0.8.1 has for it is not used: its count of inbound connections is never lowered, so that a
host which has seen 300 of them takes no more, and its resource manager limits peers by their ids, which
cost nothing to make.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio
from libp2p.abc import IMuxedConn, IRawConnection
from libp2p.crypto.keys import KeyPair
from libp2p.crypto.x25519 import create_new_key_pair as create_new_x25519_key_pair
from libp2p.io.abc import ReadWriteCloser
from libp2p.network.config import ConnectionConfig, RetryConfig
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.network.exceptions import SwarmException
from libp2p.network.swarm import Swarm
from libp2p.peer.id import ID
from libp2p.peer.peerstore import PeerStore
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.transport.tcp.tcp import TCP
from libp2p.transport.upgrader import TransportUpgrader
from multiaddr import Multiaddr  # type: ignore[import-untyped]  # it ships no types

from .guard import Guard
from .muxer import GuardedMuxer
from .opening import Opening

__all__ = ["Network"]

log = logging.getLogger(__name__)

_FOREIGN_TO_A_KEY = "it has another network key, or none"
_FOREIGN = "it does not begin as libp2p does; it may have a network key, which we have not"


class Network(Swarm):
    """The connections of one host: TCP, Noise and Yamux, and nothing else.

    Args:
        pair: the host's keys.
        guard: who may come in.
        key: the 32 bytes of the network key of a private mesh.
    """

    def __init__(self, pair: KeyPair, guard: Guard, *, key: bytes | None) -> None:
        peer = ID.from_pubkey(pair.public_key)
        store = PeerStore()
        store.add_key_pair(peer, pair)
        most = guard.limits.connections
        # by default TLS, secio and plain text are offered too
        noise = Noise(pair, noise_privkey=create_new_x25519_key_pair().private_key)
        upgrader = TransportUpgrader({NOISE: noise}, {})
        upgrader.muxer_multistream = GuardedMuxer(guard)
        super().__init__(
            peer,
            store,
            upgrader,
            [TCP()],
            connection_config=ConnectionConfig(
                min_connections=0,
                low_watermark=0,
                high_watermark=most,  # beyond it libp2p closes whom it likes
                max_connections=most,
                inbound_upgrade_timeout=guard.limits.handshake,
                inbound_stream_protocol_negotiation_timeout=guard.limits.handshake,
            ),
            retry_config=RetryConfig(max_retries=0),  # our own dialer tries again
        )
        self._guard = guard
        self._key = key

    async def add_conn(self, muxed_conn: IMuxedConn, direction: str = "unknown") -> SwarmConn:
        """Take in a connection whose other side has proved who it is.

        Raises:
            SwarmException: that peer is shut out, or has enough of them.
        """
        peer = str(muxed_conn.peer_id)
        reason = self._guard.shuts_out(peer)
        enough = self._guard.limits.connections_per_peer
        if reason:
            self._guard.refuse(peer, reason)
        elif len(self.connections.get(muxed_conn.peer_id, ())) >= enough:
            reason = "too-many-connections"
            self._guard.refuse(peer, reason, "too many connections of one peer")
        if reason:
            await muxed_conn.close()
            raise SwarmException(f"{peer} is refused: {reason}")
        return await super().add_conn(muxed_conn, direction)

    async def upgrade_outbound_raw_conn(
        self, raw_conn: IRawConnection, peer_id: ID, pre_scope: object = None
    ) -> SwarmConn:
        """Secure what we opened."""
        with self._opened(raw_conn, lambda: str(peer_id)):
            return await super().upgrade_outbound_raw_conn(raw_conn, peer_id, pre_scope)

    async def upgrade_inbound_raw_conn(self, raw_conn: IRawConnection, maddr: Multiaddr) -> IMuxedConn:
        """Secure what another opened."""
        with self._opened(raw_conn, lambda: _ip(raw_conn)):
            return await super().upgrade_inbound_raw_conn(raw_conn, maddr)

    async def _handle_inbound_connection(
        self, read_write_closer: ReadWriteCloser, maddr: Multiaddr
    ) -> None:
        """By default this never ends, and what is counted at its beginning is never given back."""
        raw = RawConnection(read_write_closer, False)
        ip = _ip(raw)
        if not self._guard.enter(ip):
            await raw.close()
            return
        try:
            muxed = await self._shake_hands(raw, maddr, ip)
            if muxed is not None:
                await muxed.event_closed.wait()  # type: ignore[attr-defined]  # a Yamux has it
        finally:
            self._guard.leave(ip)
            with trio.CancelScope(shield=True):
                await raw.close()

    async def _shake_hands(self, raw: RawConnection, maddr: Multiaddr, ip: str) -> IMuxedConn | None:
        try:
            return await self.upgrade_inbound_raw_conn(raw, maddr)
        except Exception as error:  # whatever a stranger's bytes can cause
            self._guard.counters["handshake-failed"] += 1
            log.info("no connection from %s: %r", ip, error)
            return None
        finally:
            self._guard.shaken_hands(ip)

    @contextmanager
    def _opened(self, raw: IRawConnection, who: Callable[[], str]) -> Iterator[None]:
        assert isinstance(raw, RawConnection)
        raw.stream = opening = Opening(raw.stream, self._key)
        try:
            yield
        finally:
            if opening.foreign and self._key is not None:
                self._guard.refuse(who(), "wrong-network-key", _FOREIGN_TO_A_KEY)
            elif opening.foreign:
                self._guard.refuse(who(), "foreign", _FOREIGN)


def _ip(raw: IRawConnection) -> str:
    remote = raw.get_remote_address()
    return remote[0] if remote else "?"
