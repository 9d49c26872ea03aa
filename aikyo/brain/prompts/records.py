"""What others are, said and showed, as records to be quoted; and how much of it a model is told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from types import MappingProxyType
from typing import TypeVar

from ..moment import Known, Line, Moment, Picture, Someone
from .quotes import clip

__all__ = [
    "MAX_SECTION",
    "MAX_TEXT",
    "known",
    "marks",
    "pictured",
    "pictures",
    "said",
    "someone",
    "within",
]

T = TypeVar("T", Line, Known)

MAX_TEXT = 4_000
"""Characters of one utterance that a model is shown; the message to answer is shown whole."""

MAX_SECTION = 24_000
"""Characters of all utterances in one section."""

_MAX_PICTURES = 2
_MAX_PICTURES_SIZE = 2 << 20  # of their base64 in all
_PICTURE_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_MAX_PERSONALITY = 400
_MAX_NAME = 80
_MAX_TOLD_BY = 3


def said(
    line: Line, me: str, zone: tzinfo | None = None, *, limit: int | None = MAX_TEXT
) -> dict[str, object]:
    """One utterance as data. Its keys are ours alone: no name and no text can make it another's.

    Args:
        line: what was said, done or perceived.
        me: the id of whose own words are told apart.
        zone: where its time is told in; None: it is not told.
        limit: characters of its text; None: all of them.
    """
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


def known(fact: Known, zone: tzinfo | None) -> dict[str, object]:
    """Something that the companion knows, or believes, as data: whom it is about, when that is or was,
    since when and from whom it is known. Made of what others said, so it is no less to be quoted."""
    record: dict[str, object] = {"you_know" if fact.level == "fact" else "you_believe": fact.text}
    if fact.about:
        record["about"] = clip(fact.about, _MAX_NAME)
    if (when := _day(fact.happened, zone)) is not None:
        record["when"] = when
    if fact.learned and (since := _day(fact.learned, zone)) is not None:
        record["since"] = since
    if fact.told_by:
        record["from"] = [clip(name, _MAX_NAME) for name in fact.told_by[:_MAX_TOLD_BY]]
    return record


def someone(who: Someone, told: Mapping[str, str] = MappingProxyType({})) -> dict[str, object]:
    """Somebody as data. `told` are the personalities that have been told already, by id."""
    record = {"id": who.id, "name": who.name, "kind": who.kind, "met_before": who.met}
    if not who.personality or told.get(who.id) == who.personality:
        return record
    return {**record, "personality": clip(who.personality, _MAX_PERSONALITY)}


def marks(line: Line, shown: Mapping[str, int]) -> dict[str, object]:
    """What is to be known of something perceived: whether it is news here, and which picture it is."""
    news: dict[str, object] = {} if line.told else {"new": True}
    return news | ({"picture": shown[line.id]} if line.id in shown else {})


def pictures(moment: Moment, *, new: bool = False) -> tuple[Picture, ...]:
    """The pictures that go with a prompt of this moment, in the order in which it counts them: the
    newest, a few, and no larger than a request may be.

    Args:
        moment: the moment.
        new: only those that are news, as `to_assess` wants it: it is asked at every message.
    """
    return tuple(line.picture for line in pictured(moment, new=new) if line.picture is not None)


def pictured(moment: Moment, *, new: bool) -> list[Line]:
    """The lines whose pictures are shown, oldest first."""
    room, found = _MAX_PICTURES_SIZE, list[Line]()
    for line in reversed(within(moment.perceived)):
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


def within(lines: Iterable[T], room: int = MAX_SECTION) -> list[T]:
    """As many of the first lines, or facts, as fit into `room` characters."""
    kept = list[T]()
    for line in lines:
        room -= min(len(line.text), MAX_TEXT)
        if room < 0:
            break
        kept.append(line)
    return kept


def _day(time: float | None, zone: tzinfo | None) -> str | None:
    """The day of a time; None where no calendar has it."""
    try:
        return None if time is None else f"{datetime.fromtimestamp(time, zone):%Y-%m-%d}"
    except (ValueError, OverflowError, OSError):
        return None
