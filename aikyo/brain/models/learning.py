"""What a companion learns, as a model is asked for it and writes it. Pure but for the asking."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Any, get_args

import msgspec
from msgspec import Struct

from ..moment import FindingKind
from ..study import Finding, Study
from .asking import Ask, UnreadableError, ask_twice
from .findings import Duty, sound
from .written import find_all, without_thoughts

__all__ = ["LEARN_SECONDS", "find", "findings_schema", "findings_tokens"]

LEARN_SECONDS = 60.0
"""How long it may take; nobody waits for it."""

_THINKING = 1_024
"""Tokens that a model may think beside it."""

_FINDING = 200
"""Tokens of a finding, amply: it is a sentence and a few words."""

_KINDS = get_args(FindingKind)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_MONTH = re.compile(r"\d{4}-\d\d")
_YEARS = range(1800, 2300)


async def find(model: str, study: Study, duty: Duty, ask: Ask) -> Sequence[Finding]:
    """Ask a model for findings. An answer that cannot be read is asked for once more; of one that was
    cut off, what is whole counts.

    Args:
        model: its name.
        study: what they are made of.
        duty: which ones are wanted.
        ask: gets the model's answer.

    Raises:
        BrainError: there was no answer; or of the kind ``malformed``, none of use.
    """
    found = await ask_twice(ask, lambda text: _read(text, study, duty), f"{model} finds nothing")
    return sound(found, study, duty)


def findings_tokens(study: Study) -> int:
    """A ceiling for the answer."""
    return _THINKING + _FINDING * study.most


def findings_schema(duty: Duty) -> dict[str, Any]:
    """The form of an answer as JSON Schema. In it, lines are told by their numbers, and what is known by
    its id; `Study.most` is left to the words of the prompt, since not every server takes a bound."""
    text = {"type": "string"}
    finding: dict[str, Any] = {
        "text": text,
        "about": text,
        "kind": {"type": "string", "enum": [*_KINDS]},
        # An enumeration, for a bound is not taken everywhere, and without any small models write digits
        "importance": {"type": "integer", "enum": [*range(11)]},
        "sources": {"type": "array", "items": {"type": "integer" if duty == "learn" else "string"}},
    }
    if duty == "reflect":
        finding = {"level": {"type": "string", "enum": ["reflection", "self"]}, **finding}
    required = [*finding]
    finding |= {"when": text, "slot": text} if duty == "learn" else {}
    finding |= {"same_as": text, "replaces": text, "against": text}
    return _object({"findings": {"type": "array", "items": _object(finding, required)}}, ["findings"])


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


class _Written(Struct, frozen=True):
    """A finding as a model writes it: more loosely than it was asked to, where nothing holds it."""

    text: str
    about: str = ""
    level: str = ""
    kind: str = ""
    importance: float = 3.0
    when: str = ""
    sources: Any = ()
    slot: str = ""
    same_as: str = ""
    replaces: str = ""
    against: str = ""

    def finding(self, study: Study, duty: Duty) -> Finding:
        """What it says, with ids in place of what lines and facts are told by."""
        by = _line_of if duty == "learn" else _fact_of
        sources = (by(name, study) for name in _names(self.sources))
        kind: Any = self.kind if self.kind in _KINDS else "other"
        return Finding(
            text=self.text,
            about=self.about,
            level="self" if self.level == "self" else "reflection" if duty == "reflect" else "fact",
            kind=kind,
            importance=self.importance,
            happened=_epoch(self.when, study.now.tzinfo),
            sources=tuple(filter(None, sources)),
            slot=self.slot,
            same_as=_fact_of(self.same_as, study),
            replaces=_fact_of(self.replaces, study),
            against=_fact_of(self.against, study),
        )


def _read(text: str, study: Study, duty: Duty) -> list[Finding]:
    found, problem = list[Finding](), ""
    for given in _findings(without_thoughts(text)):
        if not isinstance(given, dict):
            problem = problem or "a finding is no JSON object"
            continue
        known = {key: value for key, value in given.items() if value is not None}
        try:
            # Not strict: "7" is as good as 7
            written = msgspec.convert(known, _Written, strict=False)
        except (msgspec.ValidationError, RecursionError) as error:
            problem = problem or str(error)
        else:
            found.append(written.finding(study, duty))
    if problem and not found:
        raise UnreadableError(problem)
    return found


def _findings(text: str) -> list[Any]:
    """What is written as findings, with or without what should be around them.

    Raises:
        UnreadableError: there are none, nor is it said so in the form asked for.
    """
    found, is_there = list[Any](), False
    for value in find_all(text):
        match value:
            case {"findings": list(several)} | [{"findings": list(several)}]:
                found, is_there = [*found, *several], True
            case {"text": str()}:
                found, is_there = [*found, value], True
            case [{"text": str()}, *_]:
                found, is_there = [*found, *value], True
            case [] if "{" not in text:
                is_there = True
    if not is_there:
        raise UnreadableError("there is no JSON object with a list 'findings' in it")
    return found


def _names(given: Any) -> Iterator[str]:
    for each in given if isinstance(given, list | tuple) else (given,):
        if isinstance(each, str | int):
            yield str(each).strip()


def _line_of(name: str, study: Study) -> str:
    """The id of the line that is told by a number; see `prompts.to_learn`."""
    digits = name.removeprefix("n")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 9 else 0
    return study.lines[number - 1].id if 0 < number <= len(study.lines) else ""


def _fact_of(name: str, study: Study) -> str:
    ids = {each.id for each in (*study.known, *study.beliefs)}
    return next((ident for ident in (name, f"f{name}") if ident in ids), "")


def _epoch(when: str, zone: tzinfo | None) -> float | None:
    """Seconds since the epoch of a date, with or without a time; None where it is none. A day stands for
    its noon, which is the same day an hour earlier or later; a month for its middle."""
    when = when.strip()
    if _MONTH.fullmatch(when):
        when = f"{when}-15"
    if _DAY.fullmatch(when):
        when = f"{when}T12:00"
    try:
        time = datetime.fromisoformat(when)
        if time.year not in _YEARS:
            return None
        return (time if time.tzinfo else time.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return None
