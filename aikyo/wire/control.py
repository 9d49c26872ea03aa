"""What goes between the swarm and its clients beside the mesh's topics: events, envelopes, status."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct

__all__ = ["Activity", "CompanionStatus", "Envelope", "Event", "SwarmFile", "SwarmStatus"]

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


class SwarmFile(Struct, frozen=True, kw_only=True):
    """`HOME/swarm.json`: where a running swarm's servers are (mode 0600)."""

    pid: int
    started: float
    firehose: str
    gateway: str
    mesh: str = ""
    companions: tuple[str, ...] = ()
