"""Turning a moment into prompts. Everything that others wrote goes in quoted, and bounded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, tzinfo

from ..base import Line, Moment, Persona, Picture, Someone
from .library import Prompts
from .quotes import clip, quote
from .template import Words

__all__ = ["assess_prompt", "compose_prompt", "looked_up", "pictures", "refused", "system_prompt"]

_PACKAGED = Prompts()

_MAX_TEXT = 4_000
"""Characters of one utterance that a model is shown; the message to answer is shown whole."""

_MAX_SECTION = 24_000
"""Characters of all utterances in one section."""

_MAX_PICTURES = 2
_MAX_PICTURES_SIZE = 2 << 20  # of their base64 in all
_PICTURE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})

_MAX_PRESENT = 32
_MAX_PERSONALITY = 400


def system_prompt(me: Persona, prompts: Prompts = _PACKAGED) -> str:
    """Who the companion is and how it is to behave: the same at every turn, so that it can be cached."""
    return prompts.template("system", me.language).fill(
        {
            "id": me.id,
            "name": me.name,
            "personality": me.personality,
            "story": me.story,
            "sample": me.sample,
            "interests": _bullets(me.interests),
            "phrases": _bullets(me.phrases),
            "role": me.role,
        }
    )


def assess_prompt(moment: Moment, prompts: Prompts = _PACKAGED) -> str:
    """What goes on, and the question whether the companion wants to speak."""
    question = prompts.template("assess", moment.me.language).fill({"name": moment.me.name})
    return f"{_scene(moment, prompts, new=True)}\n\n{question}"


def compose_prompt(moment: Moment, prompts: Prompts = _PACKAGED) -> str:
    """What goes on, and the request to take the turn."""
    me = moment.me
    words = prompts.words(me.language)
    primary = moment.language.partition("-")[0].lower()
    request = prompts.template("compose", me.language).fill(
        {
            "name": me.name,
            "language": words.languages.get(primary, words.same_language),
            "begin": _begin(moment, words),
            "instructions": _bullets(f"`{each.tool}`: {each.text}" for each in moment.instructions),
            "reminders": _bullets(_reminders(moment, words)),
            "closing": words.closing[moment.closing],
        }
    )
    return f"{_scene(moment, prompts)}\n\n{request}"


def pictures(moment: Moment, *, new: bool = False) -> tuple[Picture, ...]:
    """The pictures that go with a prompt of this moment, in the order in which it counts them: the
    newest, a few, and no larger than a request may be.

    Args:
        moment: the moment.
        new: only those that are news, as `assess_prompt` wants it: it is asked at every message.
    """
    return tuple(line.picture for line in _pictured(moment, new=new) if line.picture is not None)


def looked_up(tool: str, result: str) -> str:
    """What a knowledge tool found, which may be what others said once."""
    return quote([{"looked_up_with": tool, "found": clip(result, _MAX_SECTION)}])


def refused(tool: str, why: str) -> str:
    """Why a tool gave nothing, which may be in the words of whom it asked."""
    return quote([{"tool": tool, "refused": clip(why, _MAX_TEXT)}])


def _scene(moment: Moment, prompts: Prompts, *, new: bool = False) -> str:
    me, message, zone = moment.me, moment.message, moment.now.tzinfo
    earlier = [line for line in moment.recent if message is None or line.id != message.id]
    newest = _within(reversed(earlier))[::-1]
    shown = {line.id: number for number, line in enumerate(_pictured(moment, new=new), 1)}
    return prompts.template("moment", me.language).fill(
        {
            "time": _time(moment.now, prompts.words(me.language).weekdays),
            "present": quote(_someone(each) for each in moment.present[:_MAX_PRESENT]),
            "topic": quote([{"topic": clip(moment.topic, _MAX_TEXT)}] if moment.topic else []),
            "recalled": quote(_said(line, me.id, zone) for line in _within(moment.recalled)),
            "perceived": quote(
                {**_said(line, me.id, zone), **_marks(line, shown)} for line in _within(moment.perceived)
            ),
            "recent": quote(_said(line, me.id) for line in newest),
            "message": quote([_said(message, me.id, limit=None)] if message else []),
        }
    )


def _said(
    line: Line, me: str, zone: tzinfo | None = None, *, limit: int | None = _MAX_TEXT
) -> dict[str, object]:
    """One utterance as data. Its keys are ours alone: no name and no text can make it another's."""
    text = line.text if limit is None else clip(line.text, limit)
    record: dict[str, object] = {}
    if zone is not None:
        record["time"] = f"{datetime.fromtimestamp(line.time, zone):%Y-%m-%d %H:%M}"
    if line.sender == me:
        return {**record, "you_did" if line.kind == "did" else "you_said": text}
    record |= {"from": line.name, "id": line.sender}
    if line.to:
        record["to"] = line.to
    verb = {"did": "did", "perceived": "showed"}.get(line.kind, "said")
    return {**record, verb: text}


def _pictured(moment: Moment, *, new: bool) -> list[Line]:
    """The lines whose pictures are shown, oldest first."""
    room, found = _MAX_PICTURES_SIZE, list[Line]()
    for line in reversed(_within(moment.perceived)):
        picture = line.picture
        if picture is None or picture.media_type not in _PICTURE_TYPES or (new and line.told):
            continue
        if len(picture.base64) > room:
            continue
        room -= len(picture.base64)
        found.insert(0, line)
        if len(found) == _MAX_PICTURES:
            break
    return found


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


def _marks(line: Line, shown: Mapping[str, int]) -> dict[str, object]:
    """What is to be known of something perceived: whether it is news here, and which picture it is."""
    news: dict[str, object] = {} if line.told else {"new": True}
    return news | ({"picture": shown[line.id]} if line.id in shown else {})


def _someone(someone: Someone) -> dict[str, object]:
    return {
        "id": someone.id,
        "name": someone.name,
        "kind": someone.kind,
        "met_before": someone.met,
        "personality": clip(someone.personality, _MAX_PERSONALITY),
    }


def _within(lines: Iterable[Line]) -> list[Line]:
    """As many of the first lines as fit in a section."""
    room, kept = _MAX_SECTION, []
    for line in lines:
        room -= min(len(line.text), _MAX_TEXT)
        if room < 0:
            break
        kept.append(line)
    return kept


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _time(now: datetime, weekdays: tuple[str, ...]) -> str:
    return f"{now:%Y-%m-%d %H:%M} ({weekdays[now.weekday()]})"
