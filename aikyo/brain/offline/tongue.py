"""What a language must be able to do for the offline brain."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache

from ...wire import bare_name
from ..moment import Persona, Someone
from .book import Book
from .phrasing import capital

__all__ = ["LATEST", "Manner", "Tongue", "Topic", "Whose", "called", "expansions", "name_pattern"]


LATEST = 1e11
"""Seconds since the epoch up to which a time can be one."""

_JUST_NOW = 300.0  # seconds
_INNER_QUOTES = str.maketrans({"“": "‘", "”": "’", '"': "'", "「": "『", "」": "』"})


class Whose(Enum):
    """How a topic was brought up, seen from its speaker."""

    NOBODYS = "tide pools"
    KNOWN = "the lighthouse"
    ONE = "a map"
    MINE = "my boat"
    YOURS = "your boat"


@dataclass(frozen=True, slots=True)
class Topic:
    """Something that a talk is about.

    Attributes:
        words: as they were said, without article.
        stems: what it is compared by.
        whose: how it was brought up.
        weight: how surely it is a topic; below 1 is a guess.
    """

    words: str
    stems: frozenset[str]
    whose: Whose = Whose.NOBODYS
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Manner:
    """How somebody speaks: politely or plainly, and what they call themselves."""

    polite: bool = True
    self_word: str = ""


class Tongue(ABC):
    """A language.

    Attributes:
        book: its words, cues and phrases.
        gap: what stands between sentences.
        longest: characters of what somebody said that are quoted back.
    """

    gap: str
    longest: int

    def __init__(self, book: Book) -> None:
        self.book = book

    @abstractmethod
    def fits(self, text: str) -> bool:
        """Whether `text` could be said in this language."""

    @abstractmethod
    def topics(self, text: str, known: Sequence[str] = ()) -> tuple[Topic, ...]:
        """What `text` is about, surest first.

        Args:
            text: what was said, without the names of those present.
            known: what one always notices, as it is called.
        """

    @abstractmethod
    def stems(self, text: str) -> frozenset[str]:
        """The content words of `text`, in the form in which they can be compared."""

    @abstractmethod
    def refer(self, topic: Topic, *, owner: str = "", to_me: bool = False) -> str:
        """`topic` as one speaks of it to others.

        Args:
            topic: what was brought up.
            owner: the name of who brought it up; empty when one is talking to them, ``*`` when one has
                just named them.
            to_me: whether they were talking to me.
        """

    @abstractmethod
    def is_question(self, text: str, *, marked: bool = False) -> bool:
        """Whether `text` asks something; `marked`: only if it is written as a question."""

    @abstractmethod
    def call(self, name: str, sentence: str) -> str:
        """`sentence`, turned to somebody by name."""

    @abstractmethod
    def name(self, who: Someone, manner: Manner) -> str:
        """What to call somebody."""

    @abstractmethod
    def names(self, names: Sequence[str]) -> str:
        """An enumeration."""

    @abstractmethod
    def clock(self, now: datetime) -> str:
        """Day and time, as one says it."""

    @abstractmethod
    def manner(self, me: Persona) -> Manner:
        """How `me` speaks, judged by its sample and story."""

    @abstractmethod
    def in_first_person(self, text: str) -> bool:
        """Whether the speaker of `text` speaks of themselves."""

    @abstractmethod
    def on_day(self, time: float, now: datetime) -> str:
        """On which day `time` (seconds since the epoch; 0 is unknown) was: "on Tuesday"."""

    @abstractmethod
    def retell(self, fact: str, name: str, *, me: str, to_them: bool) -> str:
        """A fact as the part of a sentence, or nothing where it cannot be put so.

        Args:
            fact: a sentence about somebody, with names in place of pronouns.
            name: theirs.
            me: the name of who tells it.
            to_them: whether it is told to their face.
        """

    @abstractmethod
    def quotable(self, sentence: str) -> str:
        """`sentence` with the mark at its end that belongs within quotes, or without."""

    @abstractmethod
    def sentences(self, text: str) -> list[str]:
        """`text`, sentence by sentence."""

    def written(self, name: str, ident: str) -> str:
        """A name as it can be read in this language; `ident` is whose it is."""
        return name or ident

    def fields(self, stems: Iterable[str]) -> frozenset[str]:
        """The parts of the world that `stems` belong to."""
        index = _field_index(self)
        return frozenset(field for stem in stems for field in index.get(stem, ()))

    def word(self, what: str) -> str:
        """A single word or turn of the phrase book."""
        return self.book.phrases[what][0]

    def quote(self, sentence: str) -> str:
        """`sentence` as it can stand within quotes, short enough to be repeated."""
        said = self.quotable(sentence.translate(_INNER_QUOTES).strip())
        if len(said) <= self.longest:
            return said
        cut = said[: self.longest]
        return (cut[: cut.rfind(" ")] if " " in cut[self.longest // 2 :] else cut).rstrip(" ,、") + "…"

    def without(self, text: str, names: Iterable[str]) -> str:
        """`text` without `names` and the commas that set them apart."""
        for name in sorted(filter(None, names), key=len, reverse=True):
            text = name_pattern(name).sub(" ", text)
        return re.sub(r"^[\s,、.:：!！]+", "", text).strip()

    def without_remarks(self, text: str) -> str:
        """`text` without what anybody might say: it is not what a talk is about."""
        return _remarks(self).sub(" ", text)

    def hello(self, now: datetime) -> str:
        """The greeting of the hour (a template)."""
        part = "morning" if 4 <= now.hour < 11 else "day" if 11 <= now.hour < 18 else "evening"
        return self.word(f"hello_{part}")

    def goodbye(self, now: datetime) -> str:
        """The farewell of the hour (a template)."""
        return self.word("goodbye_evening" if self.is_late(now) else "goodbye_day")

    def is_late(self, now: datetime) -> bool:
        """Whether it is time to go to bed."""
        return now.hour >= 21 or now.hour < 4

    def when(self, time: float, now: datetime) -> str:
        """How long ago `time` (seconds since the epoch; 0 is unknown) was."""
        if not 0 < time < LATEST:
            return self.word("when_once")
        then = datetime.fromtimestamp(time, now.tzinfo)
        days = (now.date() - then.date()).days
        if days <= 0:
            return self.word("when_now" if now.timestamp() - time < _JUST_NOW else "when_today")
        known = {1: "when_yesterday"}
        return self.word(known.get(days, "when_days" if days < 14 else _far(days)))

    def phrase_words(self) -> frozenset[str]:
        """The content words of the phrase book itself: what one says anyway is never a topic."""
        return _phrase_words(self)


def called(name: str, ident: str) -> tuple[str, ...]:
    """What somebody is called: by their name, and, where that is in another script, by their bare id."""
    return tuple(filter(None, (name, "" if name.isascii() else capital(bare_name(ident)))))


_KATAKANA = {hiragana: hiragana + 0x60 for hiragana in range(0x3041, 0x3097)}


@lru_cache(maxsize=512)
def name_pattern(name: str) -> re.Pattern[str]:
    """Finds `name` being called, with what sets it apart: in Latin letters only as a word of its own, in
    hiragana also where it is written in katakana."""
    before, after = (r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])") if name.isascii() else ("", "")
    spelt = re.escape(name)
    if (kana := name.translate(_KATAKANA)) != name:
        spelt = rf"(?:{spelt}|(?<![ァ-ヺー]){re.escape(kana)}(?![ァ-ヺー]))"
    pattern = rf"[,、\s]*{before}{spelt}{after}(?:さん|ちゃん|くん|さま)?、?"
    return re.compile(pattern, re.IGNORECASE)


def _far(days: int) -> str:
    return "when_weeks" if days < 90 else "when_long"


@lru_cache(maxsize=8)
def _field_index(tongue: Tongue) -> dict[str, tuple[str, ...]]:
    index: dict[str, tuple[str, ...]] = {}
    for name, field in tongue.book.fields.items():
        for word in field.words:
            for stem in tongue.stems(word) or {word}:
                index[stem] = (*index.get(stem, ()), name)
    return index


@lru_cache(maxsize=8)
def _remarks(tongue: Tongue) -> re.Pattern[str]:
    says = [say for field in tongue.book.fields.values() for say in field.says]
    forms = {_form(say, 0, polite=polite) for say in says for polite in (True, False)}
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))


@lru_cache(maxsize=8)
def _phrase_words(tongue: Tongue) -> frozenset[str]:
    """Each phrase is filled with nothing, in each of its forms."""
    found: set[str] = set()
    for lines in tongue.book.phrases.values():
        for line in lines:
            for form in expansions(re.sub(r"\{\w+\}", " ", line)):
                found |= tongue.stems(form)
    return frozenset(found)


def expansions(template: str) -> list[str]:
    """Texts that together hold every word of `template`, its slots as they are."""
    longest = max((choice.count("|") for choice in re.findall(r"\[[^\]]*\]", template)), default=0) + 1
    return [
        _form(template, index, polite=polite) for index in range(longest) for polite in (True, False)
    ]


def _form(template: str, index: int, *, polite: bool) -> str:
    def chosen(found: re.Match[str]) -> str:
        choices = found[1].split("|")
        return choices[index % len(choices)]

    text = re.sub(r"<([^<>/]*)/([^<>]*)>", lambda found: found[1 if polite else 2], template)
    return re.sub(r"\[([^\[\]]*)\]", chosen, text)
