"""What thinks, seen from a companion: one small interface."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from msgspec import Struct

from ..errors import AikyoError
from .moment import Moment, Past
from .study import Finding, Study

__all__ = [
    "Assessment",
    "Brain",
    "BrainError",
    "BrainFault",
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

    async def learn(self, study: Study) -> Sequence[Finding] | None:
        """The facts that `study.lines` hold and `study.known` does not; None where this brain learns
        nothing, so that rules do it in its place.

        Raises:
            BrainError: as in `assess`.
        """
        return None

    async def reflect(self, study: Study) -> Sequence[Finding] | None:
        """What follows from several facts of `study.known`, and what changes by them in what the
        companion believes of itself and of others; None as in `learn`.

        Raises:
            BrainError: as in `assess`.
        """
        return None

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
