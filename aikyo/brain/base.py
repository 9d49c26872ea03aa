"""What thinks, seen from a companion: one small interface, and the moment it is asked about."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from msgspec import Struct

from ..errors import AikyoError
from ..wire import Closing

__all__ = [
    "Assessment",
    "Brain",
    "BrainError",
    "BrainFault",
    "Briefing",
    "Instruction",
    "Line",
    "Moment",
    "Past",
    "Persona",
    "Picture",
    "Someone",
    "ToolError",
    "ToolSpec",
    "Toolbox",
    "Usage",
]


BrainFault = Literal[
    "key",
    "credit",
    "model",
    "rate",
    "overload",
    "unreachable",
    "timeout",
    "cut",
    "declined",
    "malformed",
    "too-long",
    "request",
    "limit",
    "resting",
    "other",
]
"""What can go wrong with a model.

The key (none, or refused); no credit; no such model; too many requests; overloaded or out of order; no
connection; no answer in time; a connection cut in the middle; an answer refused; one that is empty or in
no form; a prompt over its context; a request the server does not take; a cap of the user's own; a model
left alone for a while after it failed; anything else.
"""


class BrainError(AikyoError):
    """The brain could not think this time. The companion rests and says why; it never crashes for this.

    Args:
        message: why, in a line for people.
        kind: what went wrong.
        retry_in: seconds after which it is of use to try again; None where nobody knows.
        again: what is added to the line of when it is tried again; beginning with a semicolon.

    Attributes:
        told: the line without that, for where nobody tries it again.
        kind: as given.
        retry_in: as given.
    """

    def __init__(
        self,
        message: str,
        kind: BrainFault = "other",
        *,
        retry_in: float | None = None,
        again: str = "",
    ) -> None:
        super().__init__(message + again)
        self.told = message
        self.kind: BrainFault = kind
        self.retry_in = retry_in if retry_in is not None and math.isfinite(retry_in) else None


class ToolError(Exception):
    """A tool was called wrongly; the text is for the brain, so that it can do better."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Who a companion is: what the brain needs of its profile.

    `language` is a tag like ``en`` or ``ja``: what it speaks first.
    """

    id: str
    name: str
    personality: str = ""
    story: str = ""
    sample: str = ""
    language: str = "en"
    interests: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    role: str = ""


@dataclass(frozen=True, slots=True)
class Someone:
    """Somebody who is there: a companion or a person.

    `met` says whether the companion that is asked has ever talked with them before.
    """

    id: str
    name: str
    kind: Literal["companion", "person"]
    personality: str = ""
    met: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: its type (``image/png``) and its bytes in base64."""

    media_type: str
    base64: str


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was said or perceived, as the companion remembers it.

    `sender` and `to` are ids, `name` is the sender's display name, `time` is seconds since the epoch,
    `kind` is ``heard``, ``said``, ``did`` or ``perceived``. `picture` is what was perceived, where that
    was no text; `told` says of a perceived one that the companion has taken a turn in this talk since.
    """

    id: str
    sender: str
    name: str
    text: str
    time: float
    to: tuple[str, ...] = ()
    kind: str = "heard"
    picture: Picture | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class Instruction:
    """What a trigger of the profile says about one tool for this turn."""

    tool: str
    text: str


@dataclass(frozen=True, slots=True)
class Briefing:
    """What a session holds beside the profile: the same from its beginning to its end.

    Attributes:
        mood: the emotion the companion last spoke with, or nothing.
        roster: who was on the mesh when the session was prepared.
        memories: what it remembers of them, and of its own doings; none of it in `summary`.
        summary: what was said before the lines that a moment is told in full; empty if nothing was.
    """

    mood: str = ""
    roster: tuple[Someone, ...] = ()
    memories: tuple[Line, ...] = ()
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Past:
    """What is to be summed up.

    Attributes:
        now: local time, aware.
        me: who will read it; it is written in `me.language`.
        summary: what was summed up before; the new summary takes its place.
        lines: what came after it, oldest first.
        words: how many words (in Japanese and Chinese: twice as many characters) it may have.
    """

    now: datetime
    me: Persona
    summary: str = ""
    lines: tuple[Line, ...] = ()
    words: int = 200


@dataclass(frozen=True, slots=True)
class Moment:
    """All that a brain is told when it is asked to assess or compose.

    Attributes:
        now: local time, aware.
        me: who is asked.
        present: everyone else in this conversation, sender first.
        message: what is to be answered; None when the companion begins a talk of its own accord.
        topic: what a talk that begins should be about; may be empty.
        earlier: what was said before this conversation, in others, oldest first; as far as the session
            tells it in full.
        recent: the conversation so far, oldest first, `message` last.
        recalled: what memory brought up for `message`, best first, none of it in `recent`; it may be in
            `earlier`.
        perceived: context (text and pictures) of the last minutes; `Line.told` tells what is no news.
        instructions: what the profile's triggers say for this turn, at most one a tool.
        params: JSON Schema of what the profile wants filled in before a turn, or None.
        closing: how far the talk has wound down; at `terminal` this is the last word.
        turn: how many messages this conversation has had.
        language: what to answer in.
        addressed: whether `message` turns to this companion in particular (by name, or alone).
        opening: why a talk begins (``silence``, ``newcomer``, ``context``, ``asked``), or empty.
        change_topic: whether the talk goes in circles, so that this turn should bring up something else.
        may_ask: whether a question is in order; not when one's own last one has had no answer.
        elsewhere: whether `message` turns to somebody else in particular, and not to this companion.
        briefing: what the companion's session holds.
    """

    now: datetime
    me: Persona
    present: tuple[Someone, ...] = ()
    message: Line | None = None
    topic: str = ""
    earlier: tuple[Line, ...] = ()
    recent: tuple[Line, ...] = ()
    recalled: tuple[Line, ...] = ()
    perceived: tuple[Line, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    params: Mapping[str, Any] | None = None
    closing: Closing = Closing.NONE
    turn: int = 0
    language: str = "en"
    addressed: bool = False
    opening: str = ""
    change_topic: bool = False
    may_ask: bool = True
    elsewhere: bool = False
    briefing: Briefing = Briefing()


@dataclass(frozen=True, slots=True)
class Assessment:
    """A brain's answer to "do you want to speak?".

    `importance` is 0 to 10; `params` are the values for the profile's triggers; `circles` says that the
    talk repeats itself, where the brain can tell. `trouble` says why rules decide in place of a model;
    it stays until that has decided again.
    """

    speak: bool
    importance: float = 0
    params: Mapping[str, Any] = field(default_factory=dict)
    circles: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a brain is told of it. `schema` is the JSON Schema of its input.

    ``action`` tools change the room (speak, move, look, gesture); ``knowledge`` tools only read.
    """

    name: str
    description: str
    schema: Mapping[str, Any]
    kind: Literal["action", "knowledge"]


class Toolbox(Protocol):
    """A companion's hands during one turn."""

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """The tools that may be called this turn."""
        ...

    async def call(self, name: str, params: Mapping[str, Any]) -> str:
        """Run a tool; returns what the brain may know of the result.

        ``speak`` takes ``message``, and optionally ``to`` (ids or names) and ``emotion``; ``move``
        ``x``/``y`` or ``target``; ``look`` ``target`` or ``direction``; ``gesture`` ``kind`` and
        ``target``. Each takes effect (is published and journaled) before this returns.

        Raises:
            ToolError: no such tool, or its input is wrong.
        """
        ...

    def saying(self, text: str) -> None:
        """What `speak` is going to say, as far as it has been composed: from its beginning, so that it
        can be shown meanwhile. A text that does not begin as the one before takes that back. Whether it
        is said, only `speak` decides."""
        ...


class Usage(Struct, frozen=True, kw_only=True):
    """What a brain has cost so far.

    Attributes:
        calls: requests that a model answered.
        input: tokens it read at the full price.
        cached: tokens it read from its cache, at a fraction of the price.
        output: tokens it wrote.
        stored: tokens it read and put into its cache, mostly a little above the full price.
    """

    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    stored: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            input=self.input + other.input,
            cached=self.cached + other.cached,
            output=self.output + other.output,
            stored=self.stored + other.stored,
        )

    @property
    def tokens(self) -> int:
        """All tokens, read and written."""
        return self.input + self.cached + self.output + self.stored


class Brain(ABC):
    """What thinks. One instance serves one companion.

    Attributes:
        label: what people are told it is, e.g. ``offline`` or ``anthropic claude-haiku-5-5``.
        usage: what its calls have added up to; stays at nothing where thinking is free.
        paid: whether its calls cost money, so that strangers get only so many of them.
    """

    label: str
    paid: bool = False
    usage: Usage = Usage()

    @abstractmethod
    async def assess(self, moment: Moment) -> Assessment:
        """Whether this companion wants to speak now, how much, and the triggers' parameters.

        Raises:
            BrainError: it could not be found out. Cancellation closes any connection at once.
        """

    @abstractmethod
    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """Take the turn: call tools, `speak` among them (at most once), then return.

        Returning without having spoken is a turn given up.

        Raises:
            BrainError: as in `assess`. What was done before stays done.
        """

    @abstractmethod
    async def summarize(self, past: Past) -> str:
        """What has happened, in a few sentences to its companion ("You told Mika about …").

        Raises:
            BrainError: as in `assess`.
        """

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]] | None:
        """A vector for each text, of one length; None where this brain has none to give.

        Raises:
            BrainError: as in `assess`.
        """
        return None

    async def wake(self) -> None:  # noqa: B027 - most brains are awake
        """Make ready, and see that it can think: with a model, by the smallest request there is, which
        loads a local one.

        Raises:
            BrainError: as in `assess`.
        """

    def check(self) -> None:  # noqa: B027 - most brains cost nothing
        """See that it may think just now, asking no model.

        Raises:
            BrainError: of the kind ``limit``: a cap is reached.
        """

    async def aclose(self) -> None:  # noqa: B027 - most brains hold nothing open
        """Let go of connections. May be called more than once."""
