"""Who is on the mesh, and whom to shut out: what a person says of peers, done on this swarm's mesh."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from msgspec.structs import replace

from ..errors import UsageError
from ..mesh import Mesh
from ..text import inert
from ..wire import MeshStatus, PeerStatus, bare_name, companion_id

__all__ = ["FIREHOSE", "Peers", "find_blocked", "find_peer", "noted"]

FIREHOSE = "firehose"
"""What this swarm's node is called that is no companion's."""

SHORTEST_PART = 6
"""Characters of a peer id that are enough to mean it, where no other known one has them."""

_PEER_ID = re.compile(r"[1-9A-HJ-NP-Za-km-z]{40,128}")
_CANDIDATES = 5
_NAME = 64  # characters of a name in a note
_AFTER_NAME = ": "


class Peers:
    """The peers of one swarm's mesh, for its gateway.

    Args:
        mesh: this process's part of the mesh.
        firehose: gives the peer id of this swarm's firehose; empty while it has none.
    """

    def __init__(self, mesh: Mesh, firehose: Callable[[], str]) -> None:
        self._mesh = mesh
        self._firehose = firehose

    def status(self) -> MeshStatus:
        """Everybody who is known, this swarm's own by name."""
        status, firehose = self._mesh.status(), self._firehose()
        peers = tuple(
            replace(one, name=FIREHOSE) if one.peer == firehose and firehose else one
            for one in status.peers
        )
        return replace(status, peers=peers)

    def block(self, who: str, note: str = "") -> str:
        """Shut out whom a person calls `who`; returns its peer id.

        Raises:
            UsageError: it is nobody, or not one alone, or one of ours.
        """
        known = self.status().peers
        peer = find_peer(who, known)
        self._mesh.block(peer, noted(peer, known, note))
        return peer

    def unblock(self, who: str) -> str:
        """Let in again whom a person calls `who`; returns its peer id.

        Raises:
            UsageError: nobody of that name is blocked, or not one alone.
        """
        peer = find_blocked(who, self.status().peers)
        if not self._mesh.unblock(peer):
            raise UsageError(f"{peer} is not blocked")
        return peer

    def forget(self, name: str) -> str:
        """Free the id of the companion that a person calls `name`, pinned to a peer that is away;
        returns the id.

        Raises:
            UsageError: there is no such id.
        """
        for ident in (name, companion_id(name)):
            if self._mesh.forget(ident):
                return ident
        raise UsageError(f"{name[:80]!r} is kept for nobody; `aikyo peers` shows for whom ids are")


def find_peer(who: str, peers: Iterable[PeerStatus]) -> str:
    """The peer id of whom a person means.

    Args:
        who: a peer id, or six or more characters that it begins or ends with; or a companion's id or
            name. A whole peer id need not be known.
        peers: those who may be meant.

    Raises:
        UsageError: nobody is, or several are.
    """
    part = who.strip("….")  # as a short peer id is shown
    known = {one.peer: one for one in peers if one.peer}
    if part in known:
        return part
    # Others choose their ids and names as they like, so none of these goes before another
    found = [
        one
        for one in known.values()
        if who in {one.companion, bare_name(one.companion), one.name} - {""}
        or (len(part) >= SHORTEST_PART and (one.peer.startswith(part) or one.peer.endswith(part)))
    ]
    if len(found) == 1:
        return found[0].peer
    if found:
        named = ", ".join(f"{one.peer} ({_described(one)})" for one in found[:_CANDIDATES])
        raise UsageError(f"{who[:80]!r} may be several: {named}; give one peer id whole")
    if _PEER_ID.fullmatch(part):
        return part
    raise UsageError(f"nobody here is called {who[:80]!r}; `aikyo peers` shows who there is")


def find_blocked(who: str, peers: Iterable[PeerStatus]) -> str:
    """The peer id of whom a person means among those of `peers` that are blocked; they are called as
    their note says. See `find_peer`."""
    blocked = (one for one in peers if one.state == "blocked")
    return find_peer(bare_name(who), [replace(one, name=_noted_name(one)) for one in blocked])


def noted(peer: str, peers: Iterable[PeerStatus], note: str) -> str:
    """`note`, after what `peer` is called: one that is blocked has no name any more."""
    called = next((_called(one) for one in peers if one.peer == peer), "")
    return _AFTER_NAME.join(filter(None, (called[:_NAME], note)))


def _noted_name(blocked: PeerStatus) -> str:
    return blocked.reason.partition(_AFTER_NAME)[0]


def _described(one: PeerStatus) -> str:
    return ", ".join(filter(None, (_called(one), one.state)))


def _called(one: PeerStatus) -> str:
    return inert(bare_name(one.companion) or one.name)
