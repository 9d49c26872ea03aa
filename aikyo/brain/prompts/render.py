"""Renders what a companion is asked about into the texts that a model reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ..moment import Briefing, Moment, Past, Persona
from .library import Prompts
from .quotes import clip, quote
from .records import MAX_SECTION, MAX_TEXT, known, marks, pictured, said, someone, within
from .template import Words

__all__ = ["Prompt", "bullets", "looked_up", "refused", "to_assess", "to_compose", "to_summarize"]

_PACKAGED = Prompts()

_MAX_TALK = 4_000_000
"""Characters of the talk: what the largest session has room for."""

_MAX_PEOPLE = 32
_MAX_NOTES = 8_000
_MAX_MOOD = 32
_MAX_WHY = 200


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is told, from what changes least to what changes most; a part may be empty.

    Attributes:
        system: who the companion is and how it is to behave; the same as long as its profile is.
        session: what its session holds (`Briefing`); the same as long as that lasts.
        talk: what was said before this conversation, and in it so far, which only grows at its end: of
            two that follow each other in one conversation and session, the earlier one is the later
            one's beginning, save for its last line, which closes the quotes.
        task: what goes on besides, what was just said, and what is to be done.
    """

    system: str
    session: str
    talk: str
    task: str


def to_assess(moment: Moment, prompts: Prompts = _PACKAGED) -> Prompt:
    """The question whether the companion wants to speak."""
    question = prompts.template("assess", moment.me.language).fill({"name": moment.me.name})
    return _prompt(moment, question, prompts, new=True)


def to_compose(moment: Moment, prompts: Prompts = _PACKAGED) -> Prompt:
    """The request to take the turn."""
    me, words = moment.me, prompts.words(moment.me.language)
    request = prompts.template("compose", me.language).fill(
        {
            "name": me.name,
            "language": words.language(moment.language) or words.same_language,
            "begin": _begin(moment, words),
            "instructions": bullets(f"`{each.tool}`: {each.text}" for each in moment.instructions),
            "reminders": bullets(_reminders(moment, words)),
            "closing": words.closing[moment.closing],
        }
    )
    return _prompt(moment, request, prompts)


def to_summarize(past: Past, prompts: Prompts = _PACKAGED) -> Prompt:
    """The request to sum up what has happened; its `system` has nothing of the character. All of
    `past.lines` is in it: who asks sees to it that it is not too much."""
    me = past.me
    words = prompts.words(me.language)
    system = prompts.template("summarize", me.language).fill(
        {
            "id": me.id,
            "name": me.name,
            "language": words.language(me.language) or me.language,
            "words": str(past.words),
            "characters": str(2 * past.words),
        }
    )
    request = words.summarize_each if past.talks else words.summarize
    return Prompt(system, "", quote(_past(past)), request.replace("{name}", me.name))


def looked_up(tool: str, result: str) -> str:
    """What a knowledge tool found, which may be what others said once."""
    return quote([{"looked_up_with": tool, "found": clip(result, MAX_SECTION)}])


def refused(tool: str, why: str) -> str:
    """Why a tool gave nothing, which may be in the words of whom it asked."""
    return quote([{"tool": tool, "refused": clip(why, MAX_TEXT)}])


def _prompt(moment: Moment, request: str, prompts: Prompts, *, new: bool = False) -> Prompt:
    return Prompt(
        system=_system(moment.me, prompts),
        session=_session(moment, prompts),
        talk=_talk(moment, prompts),
        task=f"{_scene(moment, prompts, new=new)}\n\n{request}",
    )


def _system(me: Persona, prompts: Prompts) -> str:
    return prompts.template("system", me.language).fill(
        {
            "id": me.id,
            "name": me.name,
            "personality": me.personality,
            "story": me.story,
            "sample": me.sample,
            "interests": bullets(me.interests),
            "phrases": bullets(me.phrases),
            "role": me.role,
        }
    )


def _session(moment: Moment, prompts: Prompts) -> str:
    """Nothing in it may depend on the moment but its briefing."""
    me, zone, brief = moment.me, moment.now.tzinfo, moment.briefing
    if brief == Briefing():
        return ""
    mood = [{"you_felt": clip(brief.mood, _MAX_MOOD)}] if brief.mood else []
    return prompts.template("session", me.language).fill(
        {
            "roster": quote(someone(each) for each in brief.roster[:_MAX_PEOPLE]),
            "itself": quote(known(each, zone) for each in within(brief.itself)),
            "known": quote(known(each, zone) for each in within(brief.known)),
            "threads": quote(known(each, zone) for each in within(brief.threads)),
            "memories": quote(said(line, me.id, zone) for line in within(brief.memories)),
            "summary": quote(_noted(brief.summary)),
            "mood": quote(mood),
        }
    )


def _talk(moment: Moment, prompts: Prompts) -> str:
    me, message = moment.me, moment.message
    so_far = [line for line in moment.recent if message is None or line.id != message.id]
    newest = within(reversed(so_far), _MAX_TALK)[::-1]
    before = within(reversed(moment.earlier), _MAX_TALK)[::-1]
    return prompts.template("talk", me.language).fill(
        {
            "earlier": quote(said(line, me.id, moment.now.tzinfo) for line in before),
            "recent": quote(said(line, me.id) for line in newest),
        }
    )


def _scene(moment: Moment, prompts: Prompts, *, new: bool) -> str:
    me, message, zone = moment.me, moment.message, moment.now.tzinfo
    shown = {line.id: number for number, line in enumerate(pictured(moment, new=new), 1)}
    told = {each.id: each.personality for each in moment.briefing.roster[:_MAX_PEOPLE]}
    in_full = {line.id for line in (*moment.earlier, *moment.recent)}
    recalled = [line for line in moment.recalled if line.id not in in_full]
    return prompts.template("moment", me.language).fill(
        {
            "time": _time(moment.now, prompts.words(me.language).weekdays),
            "present": quote(someone(each, told) for each in moment.present[:_MAX_PEOPLE]),
            "topic": quote([{"topic": clip(moment.topic, MAX_TEXT)}] if moment.topic else []),
            "known": quote(known(each, zone) for each in within(moment.known)),
            "recalled": quote(said(line, me.id, zone) for line in within(recalled)),
            "perceived": quote(
                {**said(line, me.id, zone), **marks(line, shown)} for line in within(moment.perceived)
            ),
            "message": quote([said(message, me.id, limit=None)] if message else []),
        }
    )


def _past(past: Past) -> Iterator[dict[str, object]]:
    """What is to be summed up; of several talks, each begins with its number."""
    for number, talk in enumerate(past.talks, 1):
        yield {"talk": number}
        yield from _past(talk)
    if not past.talks:
        yield from _noted(past.summary)
        yield from (said(line, past.me.id, past.now.tzinfo) for line in past.lines)


def _noted(summary: str) -> list[dict[str, object]]:
    """The companion's notes: its own words, but made of what others said."""
    return [{"you_noted": clip(summary, _MAX_NOTES)}] if summary else []


def _begin(moment: Moment, words: Words) -> str:
    if moment.message is not None:
        return ""
    given = (text for why, text in words.begin.items() if why == moment.opening)
    return next(given, words.begin["asked"])


def _reminders(moment: Moment, words: Words) -> Iterator[str]:
    if moment.change_topic:
        yield words.change_topic
    if not moment.may_ask:
        yield words.no_question
    if moment.forgetful:
        yield words.forgetful.replace("{why}", clip(" ".join(moment.forgetful.split()), _MAX_WHY))


def bullets(items: Iterable[str]) -> str:
    """A list, one item a line; nothing if there are none."""
    return "\n".join(f"- {item}" for item in items)


def _time(now: datetime, weekdays: tuple[str, ...]) -> str:
    return f"{now:%Y-%m-%d %H:%M} ({weekdays[now.weekday()]})"
