"""What thinks, seen from a companion: one small interface, and the moment it is asked about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
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
    "Instruction",
    "Line",
    "Moment",
    "Persona",
    "Picture",
    "Someone",
    "ToolError",
    "ToolSpec",
    "Toolbox",
    "Usage",
]


class BrainError(AikyoError):
    """The brain could not think this time: refused, overloaded, cut off, malformed. The companion
    rests and says why; it never crashes for this."""


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
class Moment:
    """All that a brain is told when it is asked to assess or compose.

    Attributes:
        now: local time, aware.
        me: who is asked.
        present: everyone else in this conversation, sender first.
        message: what is to be answered; None when the companion begins a talk of its own accord.
        topic: what a talk that begins should be about; may be empty.
        recent: the conversation so far, oldest first, `message` last.
        recalled: what memory brought up for `message`, best first, none of it in `recent`.
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
    """

    now: datetime
    me: Persona
    present: tuple[Someone, ...] = ()
    message: Line | None = None
    topic: str = ""
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


@dataclass(frozen=True, slots=True)
class Assessment:
    """A brain's answer to "do you want to speak?".

    `importance` is 0 to 10; `params` are the values for the profile's triggers; `circles` says that the
    talk repeats itself, where the brain can tell.
    """

    speak: bool
    importance: float = 0
    params: Mapping[str, Any] = field(default_factory=dict)
    circles: bool = False


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


class Usage(Struct, frozen=True, kw_only=True):
    """What a brain has cost so far.

    Attributes:
        calls: requests that a model answered.
        input: tokens it read at the full price or, where they went into its cache, a little above.
        cached: tokens it read from its cache, at a fraction of the price.
        output: tokens it wrote.
    """

    calls: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            calls=self.calls + other.calls,
            input=self.input + other.input,
            cached=self.cached + other.cached,
            output=self.output + other.output,
        )


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

    async def aclose(self) -> None:  # noqa: B027 - most brains hold nothing open
        """Let go of connections."""
