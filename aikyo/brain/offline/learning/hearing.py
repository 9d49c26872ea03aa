"""What of a study may be believed: who says it, and whether it is meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ....wire import is_companion
from ...moment import Line, Persona
from ...study import Study
from ..habits import alike
from ..language import tongue_named, tongues
from ..phrasing import core_of
from ..tongue import Tongue, expansions

__all__ = ["Heard", "heard", "is_phrase"]

_LONGEST = 1000
_MOST_SENTENCES = 20
_LIKE_A_PHRASE = 8
_LIKE_THE_PROFILE = 0.35
_MEETS = re.compile(r"((?:はじめ|初め)まして)[。！!\s]+(?=\S)")
"""What shows that the sentence after it tells a name."""

_SLOT = re.compile(r"\\\{\w+\\\}")


@dataclass(frozen=True, slots=True)
class Heard:
    """A sentence that may be believed.

    Attributes:
        text: the sentence.
        line: what it is of.
        tongue: the language that it is in.
        by_companion: whether a companion says it.
        own: whether the companion that learns says it itself.
    """

    text: str
    line: Line
    tongue: Tongue
    by_companion: bool
    own: bool


def heard(study: Study, line: Line) -> Iterator[Heard]:
    """The sentences of `line` that may tell something: of no echo, nothing that came in from around,
    nothing that the offline brain says of its own, and none of the companion's own profile."""
    if line.echo or line.kind not in {"heard", "said"} or not line.text.strip():
        return
    text = line.text[:_LONGEST]
    tongue = tongue_named("ja" if tongue_named("ja").fits(text) else "en")
    by_companion, own = is_companion(line.sender), line.sender == study.me.id
    text = _MEETS.sub(r"\1、", text.replace("\n", " "))
    for sentence in tongue.sentences(text)[:_MOST_SENTENCES]:
        if by_companion and is_phrase(sentence, tongue):
            continue
        if own and _is_of_profile(sentence, study.me):
            continue
        yield Heard(sentence, line, tongue, by_companion, own)


def is_phrase(sentence: str, tongue: Tongue) -> bool:
    """Whether `sentence` is one of the phrase book, however that is filled in."""
    folded = sentence.strip().casefold()
    if folded.strip(" .,!?。、！？…") in _fixed(tongue):
        return True
    return any(core in folded and pattern.fullmatch(folded) for core, pattern in _patterns(tongue))


def _is_of_profile(sentence: str, me: Persona) -> bool:
    told = _profile(me)
    folded = sentence.strip().casefold()
    return any(folded in one or one in folded for one in told if one) or (
        alike(sentence, told) > _LIKE_THE_PROFILE
    )


@lru_cache(maxsize=64)
def _profile(me: Persona) -> tuple[str, ...]:
    found: list[str] = []
    for text in (me.personality, me.story, me.sample, me.role, *me.phrases):
        for line in text.splitlines():
            for tongue in tongues():
                if tongue.fits(line):
                    found += [one.strip().casefold() for one in tongue.sentences(line) if len(one) > 4]
    return tuple(dict.fromkeys(found))


def _sentences(tongue: Tongue) -> list[str]:
    book = tongue.book
    lines = [line for lines in book.phrases.values() for line in lines]
    lines += [line for field in book.fields.values() for line in field.says]
    forms = dict.fromkeys(form for line in lines for form in expansions(line))
    return list(dict.fromkeys(one for form in forms for one in tongue.sentences(form)))


@lru_cache(maxsize=4)
def _fixed(tongue: Tongue) -> frozenset[str]:
    """The sentences of the phrase book that have nothing to fill in."""
    return frozenset(
        one.casefold().strip(" .,!?。、！？…") for one in _sentences(tongue) if "{" not in one
    )


@lru_cache(maxsize=4)
def _patterns(tongue: Tongue) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The others, each with its longest piece that is always the same. What has next to none fits
    anything, and is left out."""
    found = []
    for sentence in _sentences(tongue):
        core = core_of(sentence).casefold()
        if "{" in sentence and len(core) * (2 if tongue.gap == "" else 1) >= _LIKE_A_PHRASE:
            pattern = _SLOT.sub(".{1,80}?", re.escape(sentence.casefold().strip()))
            found.append(
                (core, re.compile(pattern.removesuffix(r"\.").removesuffix("。") + r"[.!。！]*"))
            )
    return tuple(found)
