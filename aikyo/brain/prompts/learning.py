"""Renders what a companion is to learn from into the texts that a model reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

from ..moment import Known, Line
from ..study import Study
from .library import Prompts
from .quotes import clip, quote
from .records import MAX_TEXT, known, said, within
from .render import Prompt, bullets
from .template import Words

__all__ = ["to_learn", "to_reflect"]

_PACKAGED = Prompts()

_MAX_PEOPLE = 64
_MAX_NAME = 80


def to_learn(study: Study, prompts: Prompts = _PACKAGED) -> Prompt:
    """The request to find facts. All of `study.lines` is in it: who asks sees to it that it is not too
    much. Those that something may be learned from are numbered, from 1, by their place."""
    zone, words = study.now.tzinfo, prompts.words(study.me.language)
    lines = [_line(line, number, study.me.id, zone, words) for number, line in enumerate(study.lines, 1)]
    return _prompt("learn", study, [*_facts(study.known, zone), *lines], words.learn, prompts)


def to_reflect(study: Study, prompts: Prompts = _PACKAGED) -> Prompt:
    """The request to reflect on what is known."""
    zone, words = study.now.tzinfo, prompts.words(study.me.language)
    facts = [*_facts(study.beliefs, zone), *_facts(study.known, zone)]
    return _prompt("reflect", study, facts, words.reflect, prompts)


def _prompt(
    name: str, study: Study, told: Iterable[Mapping[str, object]], request: str, prompts: Prompts
) -> Prompt:
    """What is the same for each study of a companion is its `system`; the rest is new each time."""
    me, words = study.me, prompts.words(study.me.language)
    system = prompts.template(name, me.language).fill(
        {
            "id": me.id,
            "name": me.name,
            "language": words.language(me.language) or me.language,
            "personality": me.personality,
            "story": me.story,
            "interests": bullets(me.interests),
            "role": me.role,
        }
    )
    people = [
        {"id": each.id, "name": clip(each.name, _MAX_NAME), "kind": each.kind}
        for each in study.people[:_MAX_PEOPLE]
    ]
    task = request.replace("{most}", str(study.most))
    return Prompt(system, "", "", f"{quote([*people, *told])}\n\n{task}")


def _facts(facts: Iterable[Known], zone: tzinfo | None) -> list[dict[str, object]]:
    return [{"ref": each.id, **known(each, zone)} for each in within(facts)]


def _line(line: Line, number: int, me: str, zone: tzinfo | None, words: Words) -> dict[str, object]:
    """A line, with the day of the week, for "on Sunday" to be understood by. What is not to be learned
    from has no number by which it could be named."""
    day = datetime.fromtimestamp(line.time, zone)
    mark: dict[str, object] = {"echo": True} if line.echo else {"n": number}
    time = f"{day:%Y-%m-%d %H:%M} ({words.weekdays[day.weekday()]})"
    return {**mark, "time": time, **said(line, me, limit=MAX_TEXT)}
