"""What a recording of brains holds: one JSON object a line, a `Header` and then a `Call` each. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from ...wire import Closing
from ..base import BrainFault, Usage
from ..moment import Line, Moment, Past
from ..study import Finding, Study

__all__ = ["MAX_BYTES", "MAX_LINE", "VERSION", "Answer", "Asked", "Call", "Called", "Header", "Task"]

VERSION = 3
"""2 came with `summarize`, 3 with `learn` and `reflect`; what has less is read as well."""

MAX_BYTES = 64 << 20
"""Of a recording: some ten thousand calls or more. What comes later is not kept."""

MAX_LINE = 1 << 20

Seconds = Annotated[float, Meta(ge=0, le=3600)]
Task = Literal["assess", "compose", "summarize", "learn", "reflect"]


class Header(Struct, frozen=True, kw_only=True):
    """How the swarm was brought up.

    Attributes:
        recording: the version of the format.
        cast: the companions' bare names.
        topic: what the first talk was about; None: their choice; "": nobody began one.
        seed: what chance was drawn from, so that a replay draws the same.
    """

    recording: int
    cast: tuple[str, ...] = ()
    topic: str | None = None
    seed: int | None = None

    def settings(self) -> dict[str, object]:
        """The settings that bring up the same companions, by name."""
        numbered = {name: re.fullmatch(r"(.+)-\d+", name) for name in self.cast}
        profiles = [name for name, found in numbered.items() if not found or found[1] not in self.cast]
        given = {"topic": self.topic, "seed": self.seed, "profiles": tuple(profiles)}
        known = {key: value for key, value in given.items() if value is not None}
        return {"companions": len(self.cast), **known}


class Asked(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a brain was asked about: a `Moment`, a `Past` or a `Study` without the words of the talk so
    far, which are in the recording as what others said and were asked about. Lines and what is known are
    told by their ids."""

    message: str = ""
    sender: str = ""
    text: str = ""
    topic: str = ""
    opening: str = ""
    closing: Closing = Closing.NONE
    turn: int = 0
    language: str = "en"
    addressed: bool = False
    elsewhere: bool = False
    change_topic: bool = False
    may_ask: bool = True
    present: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()
    recalled: tuple[str, ...] = ()
    perceived: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    instructions: tuple[tuple[str, str], ...] = ()
    params: tuple[str, ...] = ()

    @classmethod
    def of(cls, moment: Moment) -> Asked:
        """What `moment` asks."""
        message = moment.message
        return cls(
            message=message.id if message else "",
            sender=message.sender if message else "",
            text=message.text if message else "",
            topic=moment.topic,
            opening=moment.opening,
            closing=moment.closing,
            turn=moment.turn,
            language=moment.language,
            addressed=moment.addressed,
            elsewhere=moment.elsewhere,
            change_topic=moment.change_topic,
            may_ask=moment.may_ask,
            present=tuple(someone.id for someone in moment.present),
            earlier=tuple(line.id for line in moment.earlier),
            recent=tuple(line.id for line in moment.recent),
            recalled=tuple(line.id for line in moment.recalled),
            perceived=tuple(line.id for line in moment.perceived),
            known=tuple(each.id for each in moment.known),
            instructions=tuple((each.tool, each.text) for each in moment.instructions),
            params=tuple((moment.params or {}).get("properties", ())),
        )

    @classmethod
    def of_past(cls, past: Past) -> Asked:
        """What is asked about `past`: to sum it up as far as its last line."""
        return cls._of_lines(past.lines, past.me.language)

    @classmethod
    def of_study(cls, study: Study) -> Asked:
        """What is asked about `study`: to learn from it as far as its last line, or to reflect."""
        asked = cls._of_lines(study.lines, study.me.language)
        known = tuple(each.id for each in (*study.known, *study.beliefs))
        return msgspec.structs.replace(asked, known=known)

    @classmethod
    def _of_lines(cls, lines: Sequence[Line], language: str) -> Asked:
        last = lines[-1] if lines else None
        return cls(
            message=last.id if last else "",
            sender=last.sender if last else "",
            text=last.text if last else "",
            language=language,
            recent=tuple(line.id for line in lines),
        )

    @property
    def keys(self) -> tuple[tuple[str, ...], ...]:
        """What tells a question from others where ids are new every time: the closest first."""
        if self.message:
            words = " ".join(self.text.casefold().split())
            return ("said", self.sender, self.text), ("said", words)
        return ("begin", self.opening, self.topic), ("begin", self.opening)


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An `Assessment`."""

    speak: bool
    importance: float = 0
    params: dict[str, Any] = {}
    circles: bool = False


class Called(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A tool that was called while composing.

    Attributes:
        tool: which.
        kind: what its `ToolSpec` says; empty where there was none.
        params: what it was called with.
        thought: seconds that the brain had thought before, since the tool before.
        seconds: how long the tool took.
        result: what came back.
        error: why nothing did.
    """

    tool: str
    kind: Literal["action", "knowledge", ""] = ""
    params: dict[str, Any] = {}
    thought: Seconds = 0
    seconds: Seconds = 0
    result: str = ""
    error: str = ""


class Call(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call of a brain.

    Attributes:
        companion: whose.
        task: what it was asked to do.
        brain: its label.
        time: when it was asked, in seconds since the epoch.
        asked: what about.
        seconds: how long it took.
        answer: what it answered, of a call to assess.
        tools: what it called, of a call to compose.
        summary: what it wrote, of a call to summarize.
        findings: what it found, of a call to learn or to reflect; None where it leaves that to rules.
        error: why it failed; empty where it did not.
        fault: what kind of failure that was: on it depends what is done about it.
        retry_in: seconds after which it was of use to try again, where that was known.
        cut: whether it was cancelled: interrupted, out of time, or the end.
        usage: what it cost, with what was spent since the call before (to wake, to embed); None where
            nothing was.
    """

    companion: str
    task: Task
    brain: str
    time: float
    asked: Asked
    seconds: Seconds = 0
    answer: Answer | None = None
    tools: tuple[Called, ...] = ()
    summary: str = ""
    findings: tuple[Finding, ...] | None = None
    error: str = ""
    fault: BrainFault = "other"
    retry_in: float | None = None
    cut: bool = False
    usage: Usage | None = None
