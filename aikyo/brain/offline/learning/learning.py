"""Facts by rule: what people tell of themselves and theirs in so many words. Pure.

Better to miss something than to learn what was never said: questions, what would or might be, quotes,
jokes and what nobody can understand outside of the talk give nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import ModuleType

from msgspec.structs import replace

from ...moment import Known, Line, Someone
from ...study import Finding, Study
from ..language import tongues
from ..phrasing import capital
from ..tongue import LATEST, Tongue, called
from . import english, japanese
from .hearing import Heard, heard, is_phrase
from .known import corrected, replaced, said_again
from .rules import Claim, Clause, Setting

__all__ = ["learn", "learn_in_steps", "prepare"]

_READERS: Mapping[str, ModuleType] = {"en": english, "ja": japanese}
_LONGEST = 300
_TRUSTED_OF_ITSELF = frozenset({"plan", "promise", "event"})
"""What a companion learns from its own words; all else it is, its profile says."""


def prepare() -> None:
    """Read now what the first lines would wait for."""
    for tongue in tongues():
        _reader(tongue).rules()
        is_phrase("", tongue)


def learn(study: Study) -> tuple[Finding, ...]:
    """The facts in `study.lines`, most important first where there are more than it may have.

    What is known already is given again with `same_as`, so that it counts as said once more.
    """
    *_, found = learn_in_steps(study)
    return found


def learn_in_steps(study: Study) -> Iterator[tuple[Finding, ...]]:
    """As `learn`, for those who do something else between two lines: at last all facts, until then
    none."""
    found: list[Finding] = []
    for line in study.lines:
        found += _learn_line(study, line, found)
        yield ()
    if len(found) > study.most:
        kept = sorted(range(len(found)), key=lambda number: -found[number].importance)[: study.most]
        found = [found[number] for number in sorted(kept)]
    yield tuple(found)


def _learn_line(study: Study, line: Line, before: list[Finding]) -> list[Finding]:
    """The facts in one of the lines; those of `before` that it repeats get it as a source instead."""
    found: list[Finding] = []
    told = {finding.text: place for place, finding in enumerate(before)}
    for sentence in _serious(study, line):
        for claim, who in _claims(study, sentence):
            if claim.text in told:
                place = told[claim.text]
                sources = (*before[place].sources, line.id)
                before[place] = replace(before[place], sources=tuple(dict.fromkeys(sources)))
            elif len(claim.text) <= _LONGEST and all(claim.text != one.text for one in found):
                found.append(_finding(study, sentence, claim, who))
    return found


def _serious(study: Study, line: Line) -> Iterator[Heard]:
    sentences = list(heard(study, line))
    if sentences and _reader(sentences[0].tongue).serious(line.text):
        yield from sentences


def _claims(study: Study, sentence: Heard) -> Iterator[tuple[Claim, str]]:
    """What a sentence says, each with whom it is about, in the words of the fact."""
    reader, line = _reader(sentence.tongue), sentence.line
    people = _people(study)
    speaker = _name(line, people, sentence.tongue)
    names = {
        name: ident
        for ident, one in people.items()
        for name in map(_written, called(one.name, ident))
        if name
    }
    others = [ident for ident in line.to if ident != line.sender]
    you = _written(people[others[0]].name) if len(others) == 1 and others[0] in people else ""
    setting = Setting(
        speaker=speaker,
        ident=line.sender,
        names={**names, speaker: line.sender},
        today=_said_at(study, line).date(),
        you=you or (_written(study.me.name) if not line.to and not sentence.own else ""),
        called=tuple(name for name, ident in names.items() if ident != line.sender),
    )
    taken: set[str] = set()
    gave = False
    for clause in reader.clauses(sentence.text, setting):
        if clause.instead and gave:
            continue
        claim = _claim(reader, clause, sentence)
        gave = claim is not None
        if claim is not None and claim.text not in taken and not _is_nothing_new(claim, clause):
            taken.add(claim.text)
            yield claim, clause.who


def _claim(reader: ModuleType, clause: Clause, sentence: Heard) -> Claim | None:
    for rule in reader.rules():
        claim: Claim | None = rule.claim(clause, reader.fill, reader.say_time)
        if claim is None:
            continue
        if sentence.by_companion and rule.by != "all":
            return None
        return None if sentence.own and rule.kind not in _TRUSTED_OF_ITSELF else claim
    return None


def _is_nothing_new(claim: Claim, clause: Clause) -> bool:
    """Whether it is only somebody's name as everybody sees it."""
    return claim.rule.slot == "name" and claim.value.casefold() == clause.who.casefold()


def _finding(study: Study, sentence: Heard, claim: Claim, who: str) -> Finding:
    line, reader = sentence.line, _reader(sentence.tongue)
    known: tuple[Known, ...] = study.known
    same = said_again(claim, known)
    replaces = (
        ""
        if same
        else corrected(claim, known, reader.denied(sentence.text))
        or replaced(claim, known, reader.rules(), who, sentence.tongue)
    )
    return Finding(
        text=claim.text,
        about=claim.about,
        kind=claim.rule.kind,
        importance=claim.rule.importance,
        happened=claim.spell.middle(study.now) if claim.spell is not None else None,
        sources=(line.id,),
        slot=claim.slot,
        same_as=same,
        replaces=replaces,
    )


def _said_at(study: Study, line: Line) -> datetime:
    """When a line was said, in local time; a time that is none is now."""
    time = line.time if 0 < line.time < LATEST else study.now.timestamp()
    return datetime.fromtimestamp(time, study.now.tzinfo)


def _people(study: Study) -> dict[str, Someone]:
    """Everybody who occurs, by id, the companion that learns among them."""
    me = Someone(study.me.id, study.me.name, "companion")
    return {one.id: one for one in (*study.people, me)}


def _name(line: Line, people: Mapping[str, Someone], tongue: Tongue) -> str:
    known = people.get(line.sender)
    name = line.name or (known.name if known is not None else "")
    return _written(tongue.written(name, line.sender))


def _written(name: str) -> str:
    """A name as it begins a sentence."""
    return capital(name) if name.islower() else name


def _reader(tongue: Tongue) -> ModuleType:
    return _READERS[tongue.book.language]
