"""The moment that a brain is asked about: who is there, what was said, what its companion holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ..wire import Closing

__all__ = [
    "Briefing",
    "FindingKind",
    "FindingLevel",
    "Instruction",
    "Known",
    "Line",
    "Moment",
    "Past",
    "Persona",
    "Picture",
    "Someone",
]


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
    was no text; `told` says of a perceived one that the companion has taken a turn in this talk since;
    `echo` says that it repeats what the companion's memory had brought up.
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
    echo: bool = False


@dataclass(frozen=True, slots=True)
class Instruction:
    """What a trigger of the profile says about one tool for this turn."""

    tool: str
    text: str


FindingLevel = Literal["fact", "reflection", "self"]
"""See `aikyo.memory.Level`, which these become."""

FindingKind = Literal[
    "identity",
    "relation",
    "preference",
    "possession",
    "place",
    "work",
    "skill",
    "health",
    "habit",
    "event",
    "plan",
    "promise",
    "opinion",
    "other",
]
"""See `aikyo.memory.FactKind`, which these become."""


@dataclass(frozen=True, slots=True)
class Known:
    """Something that the companion knows already.

    Attributes:
        id: how the brain names it: ``f12``.
        text: one sentence.
        about: id of whom it is about, a name, or nothing.
        level: what it is.
        kind: likewise.
        importance: 0 to 10.
        learned: when, in seconds since the epoch.
        told_by: names of those from whom the companion has it.
        times: how often there was evidence for it.
        happened: when that happened or will, in seconds since the epoch; None: it has no time.
    """

    id: str
    text: str
    about: str = ""
    level: FindingLevel = "fact"
    kind: FindingKind = "other"
    importance: float = 3.0
    learned: float = 0.0
    told_by: tuple[str, ...] = ()
    times: int = 1
    happened: float | None = None


@dataclass(frozen=True, slots=True)
class Briefing:
    """What a session holds beside the profile: the same from its beginning to its end.

    Attributes:
        mood: the emotion the companion last spoke with, or nothing.
        roster: who was on the mesh when the session was prepared.
        memories: what it remembers of them, and of its own doings; none of it in `summary`.
        itself: what it believes of itself, and of how it stands with others.
        known: what it knows of those who are there: facts and reflections.
        threads: what is open between it and them: plans and promises that have not ended.
        summary: what was said before the lines that a moment is told in full; empty if nothing was.
    """

    mood: str = ""
    roster: tuple[Someone, ...] = ()
    memories: tuple[Line, ...] = ()
    itself: tuple[Known, ...] = ()
    known: tuple[Known, ...] = ()
    threads: tuple[Known, ...] = ()
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
        talks: where `lines` are of several talks, each of these, in order: they are summed up each by
            itself, in one text as `aikyo.brain.parting.marked` makes it. Whoever cannot do so sums up
            `lines`, and is asked about each talk alone.
    """

    now: datetime
    me: Persona
    summary: str = ""
    lines: tuple[Line, ...] = ()
    words: int = 200
    talks: tuple[Past, ...] = ()


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
        known: what it knows that bears on `message`, best first, none of it in `briefing`.
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
        forgetful: why it can remember nothing new just now, in a few words; empty while it can.
    """

    now: datetime
    me: Persona
    present: tuple[Someone, ...] = ()
    message: Line | None = None
    topic: str = ""
    earlier: tuple[Line, ...] = ()
    recent: tuple[Line, ...] = ()
    recalled: tuple[Line, ...] = ()
    known: tuple[Known, ...] = ()
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
    forgetful: str = ""
