"""A moment as the offline brain sees it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ...wire import Closing
from ..base import ToolSpec
from ..moment import Known, Line, Moment, Someone
from .book import Cue
from .character import Character, character_of
from .language import tongue_for, tongues
from .reading import Reading, cues_in, names_in, names_of, read
from .threads import thread_of
from .tongue import Tongue, Topic

__all__ = ["Scene", "needs_nothing", "scene_of"]

_TIRED_AFTER = 3
_WINDOW = 8
_RECENT = 16
_LONGEST_ORDER = 400
_MOST_ANSWERS = 3
"""How many companions answer what a person says to everybody."""

_LONGEST_TEXT = 1000
"""Characters of a line; rules gain nothing from more, and must stay instant."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A moment, read.

    Attributes:
        moment: as it was told.
        tongue: the language to speak.
        me: who speaks, in that language.
        reading: the message.
        tools: the names of the tools that may be called.
        simple: the actions among them that need no input.
        orders: what the profile's triggers say about speaking.
        memories: what memory brings up, the sender's own question left out.
        known: what one knows: what bears on the message first.
        thread: what was proposed to talk about, while the talk is to stay with it.
        joins: whether others have answered already what a person said to everybody.
        neighbours: companions that are near, in the conversation or not, as far as they are known.
        found: what tools have answered that the profile's triggers had it ask.
    """

    moment: Moment
    tongue: Tongue
    me: Character
    reading: Reading
    tools: frozenset[str] = frozenset()
    simple: frozenset[str] = frozenset()
    orders: Mapping[str, re.Match[str]] = field(default_factory=dict)
    memories: tuple[Line, ...] = ()
    known: tuple[Known, ...] = ()
    thread: Topic | None = None
    joins: bool = False
    neighbours: tuple[Someone, ...] = ()
    found: tuple[str, ...] = ()

    @property
    def sender(self) -> Someone | None:
        """Who is to be answered."""
        return self.reading.sender

    @property
    def by_person(self) -> bool:
        """Whether a person is to be answered."""
        return self.sender is not None and self.sender.kind == "person"

    @property
    def for_me(self) -> bool:
        """Whether the message may be meant for me: it calls nobody else by name."""
        if self.reading.turns_to is not None:
            return False
        return self.moment.addressed or self.reading.calls_me or not self.reading.named

    @property
    def parted(self) -> bool:
        """Whether the person who was here has said goodbye to everybody."""
        people = {someone.id for someone in self.moment.present if someone.kind == "person"}
        last = next((one for one in reversed(self.moment.recent) if one.sender in people), None)
        if last is None or not _takes_leave(last.text, self.tongue):
            return False
        return _is_for_all(last, self.moment)

    @property
    def my_name(self) -> str:
        """What I call myself."""
        return self.tongue.written(self.moment.me.name, self.moment.me.id)

    @property
    def mine(self) -> list[Line]:
        """What I have said in this conversation."""
        return [line for line in self.moment.recent if line.sender == self.moment.me.id]

    @property
    def others(self) -> tuple[Someone, ...]:
        """Everybody who is known to be there, but me and the sender."""
        known = {someone.id: someone for someone in (*self.moment.present, *self.neighbours)}
        mine = {self.moment.me.id, self.sender.id if self.sender else ""}
        return tuple(someone for ident, someone in known.items() if ident not in mine)

    def name(self, who: Someone) -> str:
        """What I call somebody."""
        return self.tongue.name(who, self.me.manner)

    def you(self) -> str:
        """What I call the sender to their face."""
        name = self.name(self.sender) if self.sender is not None else ""
        return self.tongue.word("you").replace("{name}", name)

    def heard_lately(self, text: str) -> bool:
        """Whether `text` was said in this conversation, by anybody. A word or two does not count."""
        return self.is_long(text) and any(text in line.text for line in self.moment.recent)

    def is_long(self, text: str) -> bool:
        """Whether `text` is long enough to be known again."""
        return len(text) >= 4 * len(self.tongue.gap) + 5

    def is_tired(self, topic: Topic) -> bool:
        """Whether the talk has turned around `topic` for long enough."""
        lately = self.moment.recent[-_WINDOW:-1]
        return sum(topic.stems <= self.tongue.stems(line.text) for line in lately) >= _TIRED_AFTER

    def topics(self, text: str) -> tuple[Topic, ...]:
        """What `text` is about, the names of those present left out."""
        plain = self.tongue.without_remarks(self.tongue.without(text, names_of(self.moment)))
        return self.tongue.topics(plain)


def scene_of(moment: Moment, tools: Iterable[ToolSpec] = ()) -> Scene:
    """Read a moment. Of a long text only the beginning is looked at, of a long talk only the end."""
    tools = tuple(tools)
    moment = replace(
        moment,
        message=_cut(moment.message) if moment.message else None,
        recent=tuple(map(_cut, moment.recent[-_RECENT:])),
        recalled=tuple(map(_cut, moment.recalled)),
        perceived=tuple(map(_cut, moment.perceived)),
    )
    owed = _owed(moment)
    if owed is not None:
        moment = replace(moment, message=owed, addressed=False)
    tongue = tongue_for(moment)
    return Scene(
        moment=moment,
        tongue=tongue,
        me=character_of(moment.me, tongue),
        reading=read(moment, tongue),
        tools=frozenset(tool.name for tool in tools),
        simple=frozenset(tool.name for tool in tools if tool.kind == "action" and needs_nothing(tool)),
        orders=_orders(moment),
        memories=tuple(line for line in moment.recalled if line.kind in {"heard", "said", "perceived"}),
        known=_known(moment),
        thread=thread_of(moment.recent, tongue, names_of(moment)),
        joins=owed is not None,
    )


def _known(moment: Moment) -> tuple[Known, ...]:
    briefing = moment.briefing
    known = (*moment.known, *briefing.threads, *briefing.known, *briefing.itself)
    return tuple({fact.id: fact for fact in reversed(known)}.values())[::-1]


def needs_nothing(tool: ToolSpec) -> bool:
    """Whether a tool can be called without any input."""
    return not tool.schema.get("required")


def _owed(moment: Moment) -> Line | None:
    """What a person said to everybody (a greeting, a question, a farewell), where companions have
    answered since and I have not: it is still for me."""
    if moment.closing is not Closing.NONE or moment.addressed or moment.message is None:
        return None
    people = {someone.id for someone in moment.present if someone.kind == "person"}
    lately = moment.recent[-_MOST_ANSWERS:]
    for age, line in enumerate(reversed(lately)):
        if line.sender == moment.me.id:
            return None
        if line.sender in people:
            return line if age and _is_for_all(line, moment) else None
    return None


def _is_for_all(line: Line, moment: Moment) -> bool:
    companions = [someone for someone in moment.present if someone.kind == "companion"]
    if names_in(line.text, companions):
        return False
    tongue = tongue_for(replace(moment, message=line))
    cues = cues_in(line.text, tongue)
    if Cue.GREETING in cues or _takes_leave(line.text, tongue):
        return True
    return Cue.EVERYBODY in cues and tongue.is_question(line.text)


def _takes_leave(text: str, tongue: Tongue) -> bool:
    return Cue.FAREWELL in cues_in(text, tongue) and not tongue.is_question(text)


def _cut(line: Line) -> Line:
    return line if len(line.text) <= _LONGEST_TEXT else replace(line, text=line.text[:_LONGEST_TEXT])


def _orders(moment: Moment) -> dict[str, re.Match[str]]:
    """What the instructions for `speak` ask for; they may be in any language."""
    found: dict[str, re.Match[str]] = {}
    for instruction in moment.instructions:
        if instruction.tool != "speak":
            continue
        for tongue in tongues():
            for order, patterns in tongue.book.orders.items():
                matches = (pattern.search(instruction.text[:_LONGEST_ORDER]) for pattern in patterns)
                if (match := next(filter(None, matches), None)) is not None:
                    found.setdefault(order, match)
    return found
