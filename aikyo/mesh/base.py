"""What a mesh is to the rest of the house: two abstract classes and the plain data they give.

`libp2p` is the real implementation, `memory` the twin for tests; one contract suite runs on both.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import trio
from msgspec import Raw

from ..errors import AikyoError
from ..wire import Dialect, MeshStatus, Payload, Presence, State, Topic
from .refusals import Refusals
from .roster import Roster

__all__ = ["IdTakenError", "Mesh", "MeshError", "Node", "PeerInfo", "Received"]


class MeshError(AikyoError):
    """The mesh cannot do what was asked: it is closed, or a host could not be started."""


class IdTakenError(MeshError):
    """Another peer, with the better claim, holds the id this node speaks as. Join again: `Mesh.join`
    picks the next free id."""


@dataclass(frozen=True, slots=True)
class Received:
    """One payload that reached this node, checked, in the order in which it arrived.

    Attributes:
        topic: the mesh topic.
        payload: the decoded Struct, always with an id.
        body: the same in the plain dialect, unknown fields included.
        peer: peer id of the signed author.
        own: published by this very node (a node hears itself).
        time: when it arrived, seconds since the epoch.
    """

    topic: Topic
    payload: Payload
    body: Raw
    peer: str
    own: bool
    time: float


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """A neighbour: one peer with an open connection.

    Attributes:
        peer: its peer id.
        companion: the companion id bound to it, None for a firehose or a foreign node.
        addresses: multiaddrs of its open connections.
        since: when it connected, seconds since the epoch.
        agent: what it says that it runs; empty until it has said it.
    """

    peer: str
    companion: str | None
    addresses: tuple[str, ...]
    since: float
    agent: str = ""


class Node(ABC):
    """One member of the mesh with an identity of its own: a companion, or the firehose.

    Attributes:
        peer: own peer id.
        me: own metadata, with the id that was really taken (``companion_alice-2``); None for a
            firehose, which speaks as `user_…` only.
        roster: who is who; shared by all nodes of the process.
        dialect: how payloads are written when they are sent.
        received: what arrives. Bounded in number and bytes: when the reader is slow, the newest are
            dropped and counted under ``inbox-overflow``. Ends when the node closes;
            `MeshError`/`IdTakenError` end it early.
        counters: what was dropped, by reason, and what was taken in and sent.
    """

    peer: str
    me: Presence | None
    roster: Roster
    dialect: Dialect
    received: trio.MemoryReceiveChannel[Received]
    counters: Counter[str]

    @abstractmethod
    async def publish(self, payload: Payload, *, body: Raw | None = None) -> None:
        """Publish on the payload's topic; returns when the mesh has taken it (queued to every peer).

        Args:
            payload: what to send; `from` must be this node's own id (or `user_…` for a firehose).
            body: the same as it came in, when it is passed on with unknown fields.

        Raises:
            WireError: it is over the limit.
            MeshError: the node is closed, or `from` is not its to speak as.
        """

    @abstractmethod
    async def publish_all(self, states: Sequence[State]) -> None:
        """Publish what a leader says of all recipients of a message, as one array.

        Raises:
            WireError: it is over the limit.
            MeshError: the node is closed, or the dialect has no such array.
        """

    @abstractmethod
    def present_as(self, me: Presence) -> None:
        """From now on this companion's name, personality, story and sample are those of `me`; its id
        stays. Everybody is told, as far as `presence` reaches; who knows only the metadata protocol
        hears it on the next connection.

        Raises:
            MeshError: the node is closed, or no companion's.
        """

    @abstractmethod
    def judge_leaders(self, leads: Callable[[str, str], bool | None]) -> None:
        """From now on take in States for others in an array of whoever `leads` says may judge for all.
        Called again, what waits for a message to become known is judged anew.

        Args:
            leads: of a companion id and a message id: True, False, or None while it is too early to
                tell, in which case the States wait for a moment.
        """

    @abstractmethod
    async def ready(self, companions: int) -> None:
        """Wait until the roster holds that many companions (itself included) and every one of this
        process's other nodes is given what this one publishes, on every topic, by it or by others who
        pass it on. Waits for ever when alone is expected not to be; the caller sets the deadline."""

    @abstractmethod
    def peers(self) -> tuple[PeerInfo, ...]:
        """The neighbours, by peer id."""


class Mesh(ABC):
    """This process's part of the mesh: one announcer and browser, one roster, many nodes.

    An async context manager; leaving it leaves the mesh and closes every node's sockets.

    Attributes:
        roster: who is who; shared by all nodes.
        counters: what went wrong on the way to others, by reason; each node has its own beside it.
        refusals: who was refused something, and why.
        trouble: what is wrong with what is kept of others on disk, for people; empty when nothing is.
    """

    roster: Roster
    counters: Counter[str]
    refusals: Refusals
    trouble: str

    @abstractmethod
    def join(self, key: Path, me: Presence | None) -> AbstractAsyncContextManager[Node]:
        """Join as a companion (or, with None, as a firehose) while the context is open.

        Args:
            key: file of the Ed25519 private key; made (mode 0600) when missing. Kept across restarts,
                it keeps the peer id.
            me: metadata with the id that is wanted. If another peer holds it, the next free
                ``<id>-2``, ``<id>-3``, … is taken: see `Node.me`.

        Raises:
            UsageError: the key file is unreadable or corrupt (what, where, the way out).
            MeshError: the host cannot listen.
        """

    @abstractmethod
    def status(self) -> MeshStatus:
        """Who is known, where, since when, how found, and who is refused and why."""

    @abstractmethod
    def owns(self, peer: str) -> bool:
        """Whether `peer` is a node of this very process; anybody else is of another home."""

    @abstractmethod
    def block(self, peer: str, note: str = "") -> None:
        """Shut `peer` (a peer id) out from now on, in this home: no connection, nothing of what it says,
        whoever passes it on, and no id. Kept across restarts.

        Args:
            peer: its peer id.
            note: why, for people.

        Raises:
            UsageError: `peer` is one of ours, or no peer id.
        """

    @abstractmethod
    def unblock(self, peer: str) -> bool:
        """Let `peer` in again; whether it was blocked."""

    @abstractmethod
    def forget(self, companion: str) -> bool:
        """Free an id that is pinned to a peer which is not there; whether it was pinned."""

    @abstractmethod
    async def __aenter__(self) -> Mesh: ...

    @abstractmethod
    async def __aexit__(self, *exc: object) -> None: ...
