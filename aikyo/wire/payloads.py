"""What travels on the mesh: one frozen Struct a topic, as JSON with camelCase keys.

Ids of others are opaque strings. An `id` left empty means that the sender gave none (the short forms
of MRTalk); whoever takes it in gives it one.
"""

from __future__ import annotations

import base64
import binascii
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta, Struct, field

from .limits import MAX_ADDRESSES, MAX_ID, MAX_PICTURE, MAX_RECIPIENTS, text_problem

__all__ = [
    "Action",
    "Closing",
    "Context",
    "Message",
    "Payload",
    "Presence",
    "Query",
    "QueryResult",
    "State",
    "Topic",
]


Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
Word = Annotated[str, Meta(min_length=1, max_length=64)]
Address = Annotated[str, Meta(min_length=1, max_length=256)]
Recipients = Annotated[tuple[Id, ...], Meta(max_length=MAX_RECIPIENTS)]


class Topic(StrEnum):
    """The topics of the mesh."""

    MESSAGES = "messages"
    ACTIONS = "actions"
    STATES = "states"
    QUERIES = "queries"
    QUERY_RESULTS = "query-results"
    CONTEXTS = "contexts"
    PRESENCE = "presence"


class Closing(StrEnum):
    """How far a talk has wound down."""

    NONE = "none"
    PRE_CLOSING = "pre-closing"
    CLOSING = "closing"
    TERMINAL = "terminal"


class Payload(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The base of all payloads: decoded with its limits checked, encoded without its defaults."""

    topic: ClassVar[Topic]


class Message(Payload, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Something said. An empty `to` means everybody."""

    topic: ClassVar[Topic] = Topic.MESSAGES

    id: Id = ""
    sender: Id = field(name="from")
    to: Recipients = ()
    message: str
    conversation: Id | None = None
    reply_to: Id | None = None
    metadata: dict[str, Any] = {}

    def __post_init__(self) -> None:
        _check_text("message", self.message)


class Action(Payload, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Something done: `speak`, `move`, `look`, `gesture`, or an action of the user's own."""

    topic: ClassVar[Topic] = Topic.ACTIONS

    id: Id = ""
    sender: Id = field(name="from")
    name: Word
    params: dict[str, Any] = {}

    def __post_init__(self) -> None:
        for key, value in self.params.items():
            if isinstance(value, str):
                _check_text(f"params.{key}"[:80], value)


class State(Payload, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What a companion wants next: to speak or to listen; or, `composing`, that it has the turn.

    Attributes:
        rank: of `composing`: 0 is the chosen speaker, 1 the runner-up.
        reason: of `listen`: why, where it is more than not wanting to; see `conversation.Outcome`. Of
            `composing`: ``opening`` where it announces a talk, whose id `message_id` is.
        reply_to: what the message answers, or else broke into, so that who missed the message learns
            that the turn before it is over.
    """

    topic: ClassVar[Topic] = Topic.STATES

    sender: Id = field(name="from")
    message_id: Id
    state: Literal["speak", "listen", "composing"]
    importance: Annotated[float, Meta(ge=0, le=10)] = 0
    selected: bool = False
    closing: Closing = Closing.NONE
    rank: Annotated[int, Meta(ge=0, le=255)] = 0
    reason: Annotated[str, Meta(max_length=32)] = ""
    reply_to: Id | None = None


class Query(Payload, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A question to clients or companions; the first valid result wins."""

    topic: ClassVar[Topic] = Topic.QUERIES

    id: Id = ""
    sender: Id = field(name="from")
    to: Recipients = ()
    type: Word
    body: dict[str, Any] = {}


class QueryResult(Payload, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The answer to the query of the same id."""

    topic: ClassVar[Topic] = Topic.QUERY_RESULTS

    id: Id
    success: bool
    body: dict[str, Any] = {}
    error: str = ""

    def __post_init__(self) -> None:
        _check_text("error", self.error)


class Context(Payload, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Text, or a picture as base64, of what is going on around the companions."""

    topic: ClassVar[Topic] = Topic.CONTEXTS

    id: Id = ""
    sender: Id = field(name="from", default="")
    to: Recipients = ()
    type: Literal["text", "image"]
    context: Annotated[str, Meta(min_length=1)]
    media_type: Annotated[str, Meta(max_length=64)] | None = None

    def __post_init__(self) -> None:
        if self.type == "text":
            _check_text("context", self.context)
            return
        try:
            size = len(base64.b64decode(self.context, validate=True))
        except (binascii.Error, ValueError):
            raise ValueError("`context` of an image is not base64") from None
        if size > MAX_PICTURE:
            raise ValueError(f"the picture is {size} bytes, over the limit of {MAX_PICTURE}")


class Presence(Payload, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A companion's metadata: who is there. Also the answer of the metadata protocol.

    `addresses` are the multiaddrs (without ``/p2p/…``) that its host listens on, for those who cannot
    see its announcements on the LAN; `sent` is when this was said, in seconds since the epoch.
    """

    topic: ClassVar[Topic] = Topic.PRESENCE

    id: Id
    name: Annotated[str, Meta(max_length=256)] = ""
    personality: str = ""
    story: str = ""
    sample: str = ""
    addresses: Annotated[tuple[Address, ...], Meta(max_length=MAX_ADDRESSES)] = ()
    sent: float = 0
    gone: bool = False

    def __post_init__(self) -> None:
        for name in ("name", "personality", "story", "sample"):
            _check_text(name, getattr(self, name))

    @property
    def sender(self) -> str:
        """Whom this claims to be from, as with every other payload."""
        return self.id


def _check_text(name: str, text: str) -> None:
    problem = text_problem(text)
    if problem:
        raise ValueError(f"`{name}` {problem}")
