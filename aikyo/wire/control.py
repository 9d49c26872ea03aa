"""What goes between the swarm and its clients beside the mesh's topics: events, envelopes, status."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Raw, Struct

from .payloads import Closing

__all__ = [
    "MAX_SETTING",
    "SETTABLE",
    "Activity",
    "Claim",
    "CompanionStatus",
    "Delta",
    "Envelope",
    "Event",
    "Fired",
    "Found",
    "MeshStatus",
    "Offer",
    "PeerState",
    "PeerStatus",
    "QuietMode",
    "SwarmFile",
    "SwarmStatus",
    "TurnNote",
    "TurnRecord",
]

Activity = Literal[
    "starting", "listening", "thinking", "speaking", "resting", "restarting", "failed", "stopped"
]
"""What a companion is doing, as the dashboard and `ps` show it."""


QuietMode = Literal["normal", "mention-only", "quiet"]
"""Whether a companion speaks as it likes, only when it is turned to, or not at all."""

SETTABLE = ("provider", "model", "small_model")
"""What can be set for one companion while it runs (`aikyo set`)."""

MAX_SETTING = 256
"""Characters that a value of these may have."""


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Something that happened in this swarm; the firehose's topic `events`, never on the mesh.

    `type` is one of ``ready``, ``activity``, ``mood``, ``talk-begun``, ``talk-resting``,
    ``talk-ended``, ``interrupted``, ``quiet``, ``session``, ``joined``, ``left``, ``restart``,
    ``failed``, ``stopped``, ``notice``, ``memory``; the other fields are there where they mean
    something.
    `companion` is an id, or the part of the swarm that a restart, failure or stop is about
    (``firehose``). `reason` of a talk that rests or ends is one of `conversation.Outcome`; `mode` and
    `until` (seconds since the epoch, 0: until it is changed) are of ``quiet``. What is `routine` happens
    all the time, of itself, and is of interest only to who looks for it.
    """

    type: str
    companion: str | None = None
    reason: str | None = None
    conversation: str | None = None
    message_id: str | None = None
    activity: Activity | None = None
    mood: str | None = None
    peer: str | None = None
    mode: QuietMode | None = None
    until: float | None = None
    routine: bool = False


class Envelope(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One object of `/v1/stream`. `seq` is 0 where it has none (`deltas`), `time` is seconds since the
    epoch, `peer` the signed author."""

    seq: int = 0
    time: float
    topic: str
    peer: str | None = None
    body: Raw = Raw(b"null")


class Delta(Struct, frozen=True, kw_only=True, omit_defaults=True, rename={"sender": "from"}):
    """More of what a companion of this swarm is composing; the firehose's topic `deltas`, never on the
    mesh and never journaled.

    Attributes:
        id: that of the Message, if it is said in the end.
        sender: the companion's id.
        conversation: the talk it is said in.
        text: what has come since the last delta of this id; whole characters, with their marks.
        end: there in the last one: ``said`` (the Message is published, whole), ``interrupted`` (somebody
            spoke) or ``dropped`` (it is not said, for another reason); then no Message follows.
    """

    id: str
    sender: str
    conversation: str = ""
    text: str
    end: Literal["said", "interrupted", "dropped"] | None = None


class CompanionStatus(Struct, frozen=True, kw_only=True):
    """One row of `aikyo ps`. `since` is the time of the last start in seconds since the epoch,
    `overrides` what was set for it while it runs, by the keys of `SETTABLE`; `tokens_hour` and
    `money_hour` (US dollars, None where a price is unknown) what it has spent within the last hour."""

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
    quiet: QuietMode = "normal"
    quiet_until: float = 0
    session: int = 0
    model: str = ""
    overrides: dict[str, str] = {}
    tokens_hour: int = 0
    money_hour: float | None = 0.0


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


class Offer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody's State for a message came to.

    Attributes:
        who: the companion.
        state: what it wanted.
        importance: how much, 0 to 10.
        selected: whether the message turned to it.
        score: by which it was ranked; None where it was not.
        reason: why it listens, where it said so.
        after: seconds from the message to its State.
        gave_up: whether it wanted to speak and let the turn pass after all; `reason` says why.
    """

    who: str
    state: Literal["speak", "listen"]
    importance: float = 0
    selected: bool = False
    score: float | None = None
    reason: str = ""
    after: float = 0
    gave_up: bool = False


class Claim(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody took the turn: `rank` as it said itself, `after` seconds from the message; `contested`
    where somebody else had it."""

    who: str
    rank: int = 0
    after: float = 0
    contested: bool = False


class Fired(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A condition of a profile that held, and what it told a tool. `number` counts from 1."""

    number: int
    expression: str
    tool: str
    instruction: str


class TurnNote(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What only the companion itself knows of a turn it took or let pass.

    Attributes:
        companion: its id.
        message_id: what it answered; empty where it began a talk.
        conversation: of which talk.
        said: id of the Message it said, or empty.
        opening: why it began a talk (``silence``, ``newcomer``, ``context``, ``asked``), or empty.
        fired: the triggers that held.
        recalled: ids of the entries, and of the facts (``f12``), that memory brought up.
        perceived: ids of the contexts it was told of.
        params: the triggers' parameters as the brain filled them in.
        brain: what it thinks with.
        seconds: how long it composed.
        session: the number of the session in which it did.
        reason: why it said nothing, if so (``interrupted``, ``brain-failed``, or in words).
    """

    companion: str
    message_id: str = ""
    conversation: str = ""
    said: str = ""
    opening: str = ""
    fired: tuple[Fired, ...] = ()
    recalled: tuple[str, ...] = ()
    perceived: tuple[str, ...] = ()
    params: dict[str, Any] = {}
    brain: str = ""
    seconds: float = 0
    session: int = 0
    reason: str = ""


class TurnRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One turn as it was seen from outside, from its message to its end. Holds nothing that was said.

    Attributes:
        message_id: the message that was to be answered.
        conversation: its talk.
        sender: whose it was.
        by_person: whether that is a person.
        to: whom it was to; empty means everybody.
        reply_to: what it answered itself.
        time: when it was heard, seconds since the epoch.
        length: which message of its talk it is, from 1.
        closing: how far the talk had wound down.
        repeats: how much it repeats what was said before, 0 to 1.
        invited: whose States were waited for.
        offers: the States that came, best first, then the others.
        claims: in the order in which they were heard.
        answers: ids of the Messages that answered it, in the order in which they were heard; more than
            one is an overlap.
        answered_by: who said them.
        outcome: ``answered``, ``superseded``, or why the talk rests (`conversation.Outcome`).
        seconds: from the message to its answer or to the end of the turn.
        pause: how many of these are left for reading the message before it is answered.
        left: who of the invited left the mesh before the turn was over.
        notes: what companions of this swarm know of it.
    """

    message_id: str
    conversation: str
    sender: str
    by_person: bool = False
    to: tuple[str, ...] = ()
    reply_to: str | None = None
    time: float = 0
    length: int = 1
    closing: Closing = Closing.NONE
    repeats: float = 0
    invited: tuple[str, ...] = ()
    offers: tuple[Offer, ...] = ()
    claims: tuple[Claim, ...] = ()
    answers: tuple[str, ...] = ()
    answered_by: tuple[str, ...] = ()
    outcome: str = ""
    seconds: float = 0
    pause: float = 0
    left: tuple[str, ...] = ()
    notes: tuple[TurnNote, ...] = ()


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
