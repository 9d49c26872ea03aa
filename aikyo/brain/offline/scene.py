"""A moment as the offline brain sees it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..base import Line, Moment, Someone
from .character import Character, character_of
from .language import tongue_for, tongues
from .reading import Reading, read
from .tongue import Tongue, Topic

__all__ = ["Scene", "scene_of"]

_TIRED_AFTER = 3
_WINDOW = 8
_LONGEST_ORDER = 400
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
        orders: what the profile's triggers say about speaking.
        memories: what memory brings up, the sender's own question left out.
    """

    moment: Moment
    tongue: Tongue
    me: Character
    reading: Reading
    tools: frozenset[str] = frozenset()
    orders: Mapping[str, re.Match[str]] = field(default_factory=dict)
    memories: tuple[Line, ...] = ()

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
        return self.moment.addressed or self.reading.calls_me or not self.reading.named

    @property
    def mine(self) -> list[Line]:
        """What I have said in this conversation."""
        return [line for line in self.moment.recent if line.sender == self.moment.me.id]

    def name(self, who: Someone) -> str:
        """What I call somebody."""
        return self.tongue.name(who, self.me.manner)

    def heard_lately(self, text: str) -> bool:
        """Whether `text` was said in this conversation, by anybody. A word or two does not count."""
        least = 4 * len(self.tongue.gap) + 5
        return len(text) >= least and any(text in line.text for line in self.moment.recent)

    def is_tired(self, topic: Topic) -> bool:
        """Whether the talk has turned around `topic` for long enough."""
        lately = self.moment.recent[-_WINDOW:-1]
        return sum(topic.stems <= self.tongue.stems(line.text) for line in lately) >= _TIRED_AFTER

    def topics(self, text: str) -> tuple[Topic, ...]:
        """What `text` is about, the names of those present left out."""
        names = (self.moment.me.name, *(someone.name for someone in self.moment.present))
        plain = self.tongue.without_remarks(self.tongue.without(text, names))
        return self.tongue.topics(plain)


def scene_of(moment: Moment, tools: Iterable[str] = ()) -> Scene:
    """Read a moment. Of a long text only the beginning is looked at."""
    moment = replace(
        moment,
        message=_cut(moment.message) if moment.message else None,
        recent=tuple(map(_cut, moment.recent)),
        recalled=tuple(map(_cut, moment.recalled)),
        perceived=tuple(map(_cut, moment.perceived)),
    )
    tongue = tongue_for(moment)
    return Scene(
        moment=moment,
        tongue=tongue,
        me=character_of(moment.me, tongue),
        reading=read(moment, tongue),
        tools=frozenset(tools),
        orders=_orders(moment),
        memories=tuple(line for line in moment.recalled if line.kind in {"heard", "said", "perceived"}),
    )


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
