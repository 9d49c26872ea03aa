"""The phrase book of a language: its words, cues and phrases, read from `speech/<language>.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Book", "Cue", "Field", "load_book"]


_MARK = "→"


class Cue(StrEnum):
    """What a message does, as far as rules can tell."""

    GREETING = "greeting"
    FAREWELL = "farewell"
    THANKS = "thanks"
    SORRY = "sorry"
    PRAISE = "praise"
    LOW = "low"
    HIGH = "high"
    NAME = "name"
    WHO = "who"
    LIKES = "likes"
    WELL = "well"
    TIME = "time"
    HERE = "here"
    IDENTITY = "identity"
    MY_NAME = "my_name"
    BUSY = "busy"
    LIFE = "life"
    LANGUAGES = "languages"
    NOTICED = "noticed"
    EVERYBODY = "everybody"
    REMEMBER_ME = "remember_me"
    REMEMBER = "remember"
    KEEP = "keep"
    CATCHUP = "catchup"
    OPINION = "opinion"
    LIKING = "liking"
    FAVOURITE = "favourite"
    EXPERIENCE = "experience"
    ORIGIN = "origin"
    PREFER = "prefer"
    SHARE = "share"
    PROMISE = "promise"
    ORDERED = "ordered"
    PERFORM = "perform"
    HELP = "help"
    INVITE = "invite"
    COME = "come"
    AWAY = "away"
    GO = "go"
    LOOK = "look"
    QUIET = "quiet"
    YES = "yes"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Field:
    """A part of the world: what one calls it, the words that belong to it, and what anybody might say of
    it."""

    called: str
    words: frozenset[str]
    says: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Book:
    """All that is known of a language.

    Attributes:
        words: word lists by their use (`stop`, `verbs`, …).
        cues: how to notice what a message does.
        gestures: how a gesture is asked for, by its kind.
        orders: how a trigger's instruction asks for something, by what it asks.
        params: what the description of a trigger's parameter is about, by what it asks.
        moods: the words for a mood, by its name.
        fields: the parts of the world.
        phrases: ways to say something, by what is said.
        announcing: those of them that announce something: not to be said where nothing follows.
        notes: how what was said is summed up.
    """

    language: str
    words: Mapping[str, frozenset[str]]
    cues: Mapping[Cue, tuple[re.Pattern[str], ...]]
    gestures: Mapping[str, tuple[re.Pattern[str], ...]]
    orders: Mapping[str, tuple[re.Pattern[str], ...]]
    params: Mapping[str, tuple[re.Pattern[str], ...]]
    moods: Mapping[str, frozenset[str]]
    fields: Mapping[str, Field]
    phrases: Mapping[str, tuple[str, ...]]
    announcing: frozenset[str]
    notes: Mapping[str, str]


@cache
def load_book(language: str) -> Book:
    """The book of `language` (``en`` or ``ja``). It comes with the program; a fault in it is a bug."""
    text = files(__package__).joinpath("speech", f"{language}.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    request = table["request"]

    def patterns(section: str) -> dict[str, tuple[re.Pattern[str], ...]]:
        return {key: _patterns(value, request) for key, value in table[section].items()}

    marked = {what: _lines(value) for what, value in table["phrases"].items()}
    return Book(
        language=table["language"],
        words={use: frozenset(words.split()) for use, words in table["words"].items()},
        cues={Cue(cue): found for cue, found in patterns("cues").items()},
        gestures=patterns("gestures"),
        orders=patterns("orders"),
        params=patterns("params"),
        moods={mood: frozenset(words.split()) for mood, words in table["moods"].items()},
        fields={name: _field(field) for name, field in table["fields"].items()},
        phrases={what: tuple(map(_unmarked, lines)) for what, lines in marked.items()},
        announcing=frozenset(
            _unmarked(line) for lines in marked.values() for line in lines if line.endswith(_MARK)
        ),
        notes=table["notes"],
    )


def _unmarked(line: str) -> str:
    return line.removesuffix(_MARK).rstrip()


def _field(table: Mapping[str, Any]) -> Field:
    return Field(table["called"], frozenset(table["words"].split()), _lines(table["says"]))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _patterns(text: str, request: str) -> tuple[re.Pattern[str], ...]:
    lines = (line.replace("@", request) for line in _lines(text))
    return tuple(re.compile(line, re.IGNORECASE) for line in lines)
