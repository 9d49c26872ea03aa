"""What a brain has found, seen to be sound before it is handed on: it stands on what was told, and says
nothing in anybody's name but their own. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import msgspec

from ...conversation.repetition import similarity
from ...wire import is_companion
from ..moment import Line, Persona
from ..study import Finding, Study

__all__ = ["LONGEST_TEXT", "Duty", "sound"]

Duty = Literal["learn", "reflect"]

LONGEST_TEXT = 300
"""Characters of a finding; one that is longer is no single fact, and is dropped."""

_LONGEST_ABOUT = 80
_LONGEST_SLOT = 60
_MOST_SOURCES = 8
_LONGEST_TIME = 10.0**11
"""Seconds before and after the epoch within which something may happen."""

_FROM_PROFILE = 0.7
"""From here on, a fact says again what stands in the profile (`similarity`)."""

_SAYING = re.compile(
    r"\b(?:says?|said|claim(?:s|ed)?|want(?:s|ed)?|ask(?:s|ed)?|tells?|told|thinks?|thought|demands?"
    r"|demanded|insist(?:s|ed)?|believes?|order(?:s|ed)?|tried|expects?|hopes?)\b",
    re.IGNORECASE,
)
_SAYING_AFTER = re.compile(
    r"と(?:言|いう|話|語|主張|頼|求|命|思|考|信じ|望)|たが(?:って|る)|て(?:ほし|欲し)|てもらいた"
)
"""That something is only what somebody says or wants: before it, and in Japanese after it."""


def sound(found: Iterable[Finding], study: Study, duty: Duty) -> tuple[Finding, ...]:
    """The findings that may be kept, the most important where there are too many, in their order.

    Dropped are those that are too long or empty, that stand on nothing that was told (to `learn`: on a
    line that is no echo; to `reflect`: on one fact for a belief about itself, on two for any other),
    that say of the companion what others say of it and not as theirs, or what its profile says. Of the
    rest, ids that there are not are left out, and numbers brought within their bounds.

    Args:
        found: what a brain found, of the right types.
        study: what it was asked about.
        duty: what it was asked to do.
    """
    told = _Told.of(study, duty)
    kept: dict[str, Finding] = {}
    for each in found:
        if (one := _checked(each, told)) is not None:
            kept.setdefault(one.text.casefold(), one)
    best = sorted(kept, key=lambda text: -kept[text].importance)[: max(0, study.most)]
    return tuple(one for text, one in kept.items() if text in best)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a study holds that a finding may refer to.

    Attributes:
        me: who learns.
        duty: what is asked for.
        lines: those to learn from, by id.
        facts: ids of what is known and believed.
        names: names by ids.
    """

    me: Persona
    duty: Duty
    lines: dict[str, Line]
    facts: frozenset[str]
    names: dict[str, str]

    @classmethod
    def of(cls, study: Study, duty: Duty) -> _Told:
        """What `study` tells."""
        names = {line.sender: line.name for line in study.lines}
        names |= {who.id: who.name for who in study.people}
        names |= {study.me.id: study.me.name}
        lines = {line.id: line for line in study.lines if not line.echo}
        facts = frozenset(each.id for each in (*study.known, *study.beliefs))
        return cls(study.me, duty, lines, facts, names)

    def sources(self, given: Iterable[str]) -> tuple[str, ...]:
        """Those of them that something may stand on."""
        there = self.lines if self.duty == "learn" else self.facts
        return tuple(dict.fromkeys(each for each in given if each in there))[:_MOST_SOURCES]

    def fact(self, given: str) -> str:
        """The fact that is meant, or nothing."""
        return given if given in self.facts else ""

    def about(self, given: str, text: str) -> str:
        """Whom or what is meant: an id, or a name that occurs in the text."""
        name = " ".join(given.split())
        if name in self.names:
            return name
        ids = [ident for ident, known in self.names.items() if known.casefold() == name.casefold()]
        if len(ids) == 1:
            return ids[0]
        if not name or is_companion(name) or name.startswith("user_") or len(name) > _LONGEST_ABOUT:
            return ""
        return name if name.casefold() in text.casefold() else ""


def _checked(found: Finding, told: _Told) -> Finding | None:
    """The finding as it may be kept; None if it may not."""
    text = " ".join(found.text.split())
    sources = told.sources(found.sources)
    level = "fact" if told.duty == "learn" else "self" if found.level == "self" else "reflection"
    if not any(map(str.isalnum, text)) or len(text) > LONGEST_TEXT:
        return None
    if len(sources) < (2 if level == "reflection" else 1):
        return None
    senders = {told.lines[each].sender for each in sources if each in told.lines}
    about, me = told.about(found.about, text), told.me
    if not _is_claim(text, me.name):
        if senders != {me.id} and _is_duty(text, me.name):
            return None
        if told.duty == "learn" and me.id not in senders and (about == me.id or _is_of(text, me.name)):
            return None
    elif told.duty == "learn" and about == me.id and me.id not in senders:
        about = senders.pop() if len(senders) == 1 else ""
    if told.duty == "learn" and about == me.id and _is_of_profile(text, me):
        return None
    slot = " ".join(found.slot.casefold().split())
    return msgspec.structs.replace(
        found,
        text=text,
        about=about,
        level=level,
        importance=min(max(0.0, found.importance), 10.0),  # in this order, NaN is 0
        happened=_time(found.happened),
        sources=sources,
        slot=slot if about and level == "fact" and len(slot) <= _LONGEST_SLOT else "",
        same_as=told.fact(found.same_as),
        replaces=told.fact(found.replaces),
        against=told.fact(found.against),
    )


def _time(happened: float | None) -> float | None:
    if happened is None or not math.isfinite(happened) or abs(happened) > _LONGEST_TIME:
        return None
    return happened


def _is_claim(text: str, name: str) -> bool:
    """Whether it is told as what somebody says of the companion."""
    said = _SAYING.search(text)
    of = re.search(rf"(?<!\w)(?:you|{re.escape(name)})(?!\w)", text, re.IGNORECASE)
    return (said is not None and (of is None or said.end() <= of.start())) or bool(
        _SAYING_AFTER.search(text)
    )


def _is_of(text: str, name: str) -> bool:
    """Whether it says something of the companion first of all."""
    return (
        re.match(rf"(?:you|{re.escape(name)})(?![\w'’])|{re.escape(name)}[はがも]", text, re.I)
        is not None
    )


def _is_duty(text: str, name: str) -> bool:
    """Whether it says what the companion has to do or to be."""
    return _duty(name).search(text) is not None


@lru_cache(maxsize=64)
def _duty(name: str) -> re.Pattern[str]:
    who = re.escape(name)
    return re.compile(
        rf"(?<!\w)(?:you|{who})(?!\w).{{0,60}}?\b(?:must|ha(?:s|ve) to|should|shall|ought to|obeys?"
        r"|needs? to|is (?:obliged|required|supposed|not allowed|forbidden)|belongs to|serves?"
        r"|follows? (?:the|all|every))\b"
        rf"|(?:{who}|あなた)(?:さん|ちゃん|くん)?[はがも].*(?:なければ(?:なら|いけ)な|なくては(?:なら|いけ)な"
        r"|ないと(?:いけ|なら)な|べき|従[うわい]|服従|命令)",
        re.IGNORECASE,
    )


def _is_of_profile(text: str, me: Persona) -> bool:
    return any(similarity(text, sentence) >= _FROM_PROFILE for sentence in _sentences(me))


@lru_cache(maxsize=32)
def _sentences(me: Persona) -> tuple[str, ...]:
    parts = (me.personality, me.story, me.sample, me.role, *me.interests, *me.phrases)
    found = (each.strip() for part in parts for each in re.split(r"[.!?。！？\n]+", part))
    return tuple(dict.fromkeys(filter(None, found)))
