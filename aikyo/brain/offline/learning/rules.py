"""Rules by which a clause becomes a fact, read from `speech/learning.<language>.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from importlib.resources import files
from typing import Any, Literal

from ...moment import FindingKind
from .spells import Named, Spell, Tense

__all__ = [
    "Asked",
    "Claim",
    "Clause",
    "Filled",
    "Reflections",
    "Rule",
    "Setting",
    "load_asked",
    "load_reflections",
    "load_rules",
    "load_signs",
]

_PART = re.compile(r"%([A-Z_]+)%")
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Setting:
    """What has to be known to understand a sentence.

    Attributes:
        speaker: name of who said it.
        ident: their id.
        names: ids of those whom it may be about, by name.
        today: the day on which it was said.
        you: the name of whom "you" means; empty where nobody knows.
        called: names of those who may be called by it, at its beginning or end.
    """

    speaker: str
    ident: str
    names: Mapping[str, str]
    today: date
    you: str = ""
    called: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause, put as if whom it is about spoke of themselves.

    Attributes:
        text: without its expression of time.
        who: whom it is about, as a sentence names them.
        about: their id.
        part: who or what of theirs it is rather about: ``sister Ann``; or nothing.
        time: when that was or will be, if it says so.
        today: the day on which it was said.
        you: the name of whom "you" means; empty where nobody knows.
        loose: whether its names have no capitals, as in a message typed in small letters.
        instead: whether it is only another reading of the clause before, for where that says nothing.
    """

    text: str
    who: str
    about: str
    today: date
    part: str = ""
    time: Named | None = None
    you: str = ""
    loose: bool = False
    instead: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """What a clause says.

    Attributes:
        text: as a fact.
        about: id of whom it is about.
        rule: by which rule.
        slot: see `Rule`.
        spell: when, if it has a time.
        value: what was said of them, without who they are: for comparing.
        same: what was said of them before, if it is the same: the text of the fact, without the day.
    """

    text: str
    about: str
    rule: Rule
    slot: str
    spell: Spell | None
    value: str
    same: str


Filled = Callable[[str, str, Clause], str | None]
"""What a group of a pattern becomes in a fact: its name, what it held, the clause; None refuses. The
groups ``whose`` and ``fact`` are whom it is about, as an owner, and the sentence made, which has to
deny what the clause denies."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to say something worth knowing. The file tells what the fields mean."""

    says: tuple[re.Pattern[str], ...]
    loosely: Callable[[], tuple[re.Pattern[str], ...]]
    text: str
    kind: FindingKind
    importance: float = 3.0
    slot: str = ""
    time: Literal["no", "may", "must"] = "no"
    tense: Tense | Literal["birthday"] = ""
    ends: str = ""
    by: Literal["people", "all"] = "people"

    def claim(
        self, clause: Clause, fill: Filled, say_time: Callable[[Spell, bool], str]
    ) -> Claim | None:
        """What `clause` says by this rule; None where it does not fit.

        Args:
            clause: put in the first person.
            fill: puts what a group held into the third person.
            say_time: names a spell, or, if told to, only its day of the year.
        """
        if self.time != "may" and (self.time == "must") is not (clause.time is not None):
            return None
        for pattern in self.loosely() if clause.loose else self.says:
            match = pattern.fullmatch(clause.text)
            if match is not None:
                return self._claim(match, clause, fill, say_time)
        return None

    def _claim(
        self,
        match: re.Match[str],
        clause: Clause,
        fill: Filled,
        say_time: Callable[[Spell, bool], str],
    ) -> Claim | None:
        yearly = self.tense == "birthday"
        tense: Tense = "" if self.tense == "birthday" else self.tense
        spell = clause.time.spell(tense) if clause.time is not None else None
        if spell is not None and not spell.fits(tense, clause.today):
            return None
        if spell is not None and yearly and (spell.grain != "day"):
            return None
        slots: dict[str, str] = {}
        for name, held in match.groupdict().items():
            if held is None:
                continue
            filled = fill(name, held, clause)
            if filled is None:
                return None
            slots[name] = filled
        value = " ".join(slots[name] for name in slots)
        slots["who"] = clause.who
        slots["whose"] = fill("whose", clause.who, clause) or clause.who
        slots["when"] = say_time(spell, False) if spell is not None else ""
        slots["yearly"] = say_time(spell, True) if spell is not None else ""

        def written(template: str, known: Mapping[str, str]) -> str:
            return _tidy(_SLOT.sub(lambda slot: known.get(slot[1], ""), template))

        text = fill("fact", written(self.text, slots), clause)
        if text is None:
            return None
        slot = written(self.slot, slots)
        return Claim(
            text=text,
            about=clause.about,
            rule=self,
            slot=f"{slot} of {clause.part}" if slot and clause.part else slot,
            spell=spell,
            value=value,
            same=written(self.text, slots | {"when": ""}),
        )


@cache
def load_rules(language: str, loose: str, strict: str) -> tuple[Rule, ...]:
    """The rules of `language`, in their order. They come with the program; a fault in them is a bug.

    Args:
        language: ``en`` or ``ja``.
        loose: a pattern of a name that is typed in small letters.
        strict: a pattern of a name as it is written.
    """
    table = _table(language)
    parts: dict[str, str] = table["parts"]
    return tuple(_rule(one, parts, loose, strict) for one in table["rules"])


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about somebody that facts can answer.

    Attributes:
        says: finds it in a sentence; a group `what` holds words that the fact must have.
        kinds: of facts that may answer it.
        holds: what such a fact says.
    """

    says: tuple[re.Pattern[str], ...]
    kinds: frozenset[str]
    holds: re.Pattern[str]


@cache
def load_asked(language: str) -> tuple[Asked, ...]:
    """Those of `language` (``en`` or ``ja``), in their order."""
    return tuple(
        Asked(
            says=tuple(re.compile(line, re.IGNORECASE) for line in _lines(one["says"])),
            kinds=frozenset(one["kinds"].split()),
            holds=re.compile(one["holds"]),
        )
        for one in _table(language)["asks"]
    )


@dataclass(frozen=True, slots=True)
class Reflections:
    """How a language puts what several facts add up to.

    Attributes:
        cares: that somebody cares about a part of the world (a template).
        talks_often: that the companion and somebody talk often (a template).
        averse: finds what speaks against caring.
        fields: what the parts of the world are called.
    """

    cares: str
    talks_often: str
    averse: re.Pattern[str]
    fields: Mapping[str, str]


@cache
def load_reflections(language: str) -> Reflections:
    """Those of `language` (``en`` or ``ja``)."""
    table = _table(language)["reflections"]
    return Reflections(
        table["cares"], table["talks_often"], re.compile(table["averse"]), table["fields"]
    )


@cache
def load_signs(language: str) -> Mapping[str, str]:
    """The signs by which a sentence of `language` is taken apart: of each kind, all of them as the
    alternatives of one regular expression."""
    return {kind: "|".join(_lines(text)) for kind, text in _table(language)["signs"].items()}


@cache
def _table(language: str) -> dict[str, Any]:
    speech = files((__package__ or "").rpartition(".")[0]) / "speech"
    return tomllib.loads((speech / f"learning.{language}.toml").read_text(encoding="utf-8"))


def _rule(table: dict[str, Any], parts: Mapping[str, str], loose: str, strict: str) -> Rule:
    table = dict(table)
    lines = _lines(table.pop("says"))

    @cache
    def compiled(capital: str) -> tuple[re.Pattern[str], ...]:
        known = {**parts, "CAPITAL": capital}
        return tuple(re.compile(_whole(line, known)) for line in lines)

    return Rule(says=compiled(strict), loosely=partial(compiled, loose), **table)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _whole(pattern: str, parts: Mapping[str, str]) -> str:
    while (found := _PART.search(pattern)) is not None:
        pattern = pattern[: found.start()] + parts[found[1]] + pattern[found.end() :]
    return pattern


def _tidy(text: str) -> str:
    return re.sub(r" +(?=[ .,])", "", text).strip()
