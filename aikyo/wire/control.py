"""What goes between the swarm and its clients beside the mesh's topics: events, envelopes, status."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct

__all__ = [
    "Activity",
    "CompanionStatus",
    "Envelope",
    "Event",
    "Found",
    "MeshStatus",
    "PeerState",
    "PeerStatus",
    "SwarmFile",
    "SwarmStatus",
]

Activity = Literal[
    "starting", "listening", "thinking", "speaking", "resting", "restarting", "failed", "stopped"
]
"""What a companion is doing, as the dashboard and `ps` show it."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Something that happened in this swarm; the firehose's topic `events`, never on the mesh.

    `type` is one of ``ready``, ``activity``, ``mood``, ``talk-begun``, ``talk-resting``,
    ``talk-ended``, ``joined``, ``left``, ``restart``, ``failed``, ``stopped``, ``notice``; the other
    fields are there where they mean something. `companion` is an id, or the part of the swarm that a
    restart, failure or stop is about (``firehose``).
    """

    type: str
    companion: str | None = None
    reason: str | None = None
    conversation: str | None = None
    message_id: str | None = None
    activity: Activity | None = None
    mood: str | None = None
    peer: str | None = None


class Envelope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One object of `/v1/stream`. `time` is seconds since the epoch, `peer` the signed author."""

    seq: int
    time: float
    topic: str
    peer: str | None = None
    body: Raw = Raw(b"null")


class CompanionStatus(Struct, frozen=True, kw_only=True):
    """One row of `aikyo ps`. `since` is the time of the last start in seconds since the epoch."""

    name: str
    id: str
    activity: Activity
    display_name: str = ""
    color: str = ""
    reason: str = ""
    since: float = 0
    restarts: int = 0
    peers: int = 0
    inbox: int = 0
    dropped: int = 0
    turns: int = 0
    mood: str = ""
    brain: str = ""
    peer: str = ""


class SwarmStatus(Struct, frozen=True, kw_only=True):
    """What `GET /companions` answers; `others` are the ids of companions of other swarms on the mesh."""

    companions: tuple[CompanionStatus, ...]
    others: tuple[str, ...] = ()
    started: float
    pid: int
    mesh: str
    firehose: str
    gateway: str
    counters: dict[str, int] = {}


Found = Literal["own", "mdns", "bootstrap", "mesh", "inbound"]
"""How a peer was found: one of ours; announced on the LAN; named by the user; told by others on the
mesh (`presence`); or it came to us by itself."""

PeerState = Literal["own", "connected", "beyond", "away", "unreachable", "refused", "blocked"]
"""Where a peer stands: one of ours; a neighbour; on the mesh, heard through others; pinned and not
there now; sighted and not to be reached; turned away; shut out by the user."""


class PeerStatus(Struct, frozen=True, kw_only=True):
    """One row of `aikyo peers`.

    Attributes:
        peer: its peer id; empty for one that was refused before it told it.
        state: where it stands.
        companion: the companion id bound or pinned to it, empty for none.
        name: that companion's display name.
        agent: what it says that it runs (``js-libp2p/2.9.0 …``), of a neighbour that has said it.
        found: how it was found, empty when that is not known any more.
        addresses: multiaddrs of its connections, or where it may be reached; for one without a peer id
            its IP address.
        neighbours: the ids (companion id, or ``firehose``) of our own nodes that are connected to it.
        since: since when it is in this state, seconds since the epoch; for one that is away, when it
            was last there.
        reason: why it is refused, blocked or not reached; else empty.
        counters: what was dropped of it, by reason.
    """

    peer: str
    state: PeerState
    companion: str = ""
    name: str = ""
    agent: str = ""
    found: Found | Literal[""] = ""
    addresses: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    since: float = 0
    reason: str = ""
    counters: dict[str, int] = {}


class MeshStatus(Struct, frozen=True, kw_only=True):
    """What `GET /peers` answers.

    Attributes:
        addresses: multiaddrs with ``/p2p/…`` that others may give to ``--bootstrap``, the firehose's
            node first.
        peers: everybody known, our own first.
        mesh: the mesh's name.
        private: whether a network key keeps strangers out.
    """

    addresses: tuple[str, ...]
    peers: tuple[PeerStatus, ...]
    mesh: str = ""
    private: bool = False


class SwarmFile(Struct, frozen=True, kw_only=True):
    """`HOME/swarm.json`: where a running swarm's servers are (mode 0600)."""

    pid: int
    started: float
    firehose: str
    gateway: str
    mesh: str = ""
    companions: tuple[str, ...] = ()
