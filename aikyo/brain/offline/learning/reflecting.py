"""What several facts add up to, by rule: few things, and only what they plainly show. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ...moment import Known
from ...study import Finding, Study
from ..language import tongue_named
from ..tongue import Tongue
from .rules import load_reflections

__all__ = ["reflect"]

_LEAST = 3
"""Facts that a reflection needs."""

_TOLD_OFTEN = 5
"""Facts from one person after which the two of them talk often."""

_MOST = 4
_DRAWN_BY = frozenset({"preference", "possession", "habit", "skill", "event", "plan"})
_DAY = 86_400.0


def reflect(study: Study) -> tuple[Finding, ...]:
    """What `study.known` adds up to: what somebody cares about, after three facts that touch it; with
    whom the companion talks often. What it believes already is only given the new evidence."""
    found = [*_cares(study), *_talks_often(study)]
    return tuple(found[: min(_MOST, study.most)])


def _cares(study: Study) -> Iterator[Finding]:
    """What part of the world somebody's facts turn around."""
    drawn: dict[tuple[str, str, str], list[Known]] = defaultdict(list)
    names = {one.id: one.name for one in study.people}
    for fact in study.known:
        if fact.level != "fact" or fact.kind not in _DRAWN_BY or fact.about not in names:
            continue
        tongue = _spoken(fact.text)
        name = tongue.written(names[fact.about], fact.about)
        says = load_reflections(tongue.book.language)
        if says.averse.search(fact.text) or not fact.text.startswith(name):
            continue
        for field in (
            tongue.fields(tongue.stems(tongue.without(fact.text, (name,)))) & says.fields.keys()
        ):
            drawn[(fact.about, field, tongue.book.language)].append(fact)
    for (about, field, language), facts in sorted(drawn.items(), key=lambda one: -len(one[1])):
        tongue = tongue_named(language)
        says = load_reflections(language)
        text = says.cares.format(name=tongue.written(names[about], about), field=says.fields[field])
        yield from _reflection(text, about, facts, study.beliefs, level_self=False)


def _talks_often(study: Study) -> Iterator[Finding]:
    """With whom the companion talks often: who has told it several things, on more than one day."""
    told: dict[str, list[Known]] = defaultdict(list)
    for fact in study.known:
        for name in fact.told_by:
            if name != study.me.name:
                told[name].append(fact)
    tongue = tongue_named(study.me.language)
    people = {one.name: one.id for one in study.people}
    for name, facts in told.items():
        days = {int(fact.learned // _DAY) for fact in facts}
        if name in people and len(facts) >= _TOLD_OFTEN and len(days) > 1:
            text = load_reflections(tongue.book.language).talks_often.format(
                me=tongue.written(study.me.name, study.me.id), name=tongue.written(name, people[name])
            )
            yield from _reflection(text, people[name], facts, study.beliefs, level_self=True)


def _reflection(
    text: str, about: str, facts: Sequence[Known], beliefs: Sequence[Known], *, level_self: bool
) -> Iterator[Finding]:
    believed = next((one for one in beliefs if one.text == text), None)
    if believed is None and len(facts) < _LEAST:
        return
    yield Finding(
        text=text,
        about=about,
        level="self" if level_self else "reflection",
        kind="relation" if level_self else "preference",
        importance=5.0 if level_self else 4.0,
        sources=tuple(dict.fromkeys(fact.id for fact in facts)),
        same_as=believed.id if believed is not None else "",
    )


def _spoken(text: str) -> Tongue:
    return tongue_named("ja" if tongue_named("ja").fits(text) else "en")
