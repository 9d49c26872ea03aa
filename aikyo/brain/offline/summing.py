"""Summing up a talk by rule: whom one talked with and about what, what was told, what is still open.
Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, tzinfo
from itertools import groupby, islice
from typing import Literal

from ...wire import is_companion
from ..moment import Line, Past, Someone
from ..parting import marked
from .book import Cue
from .japanese import count_japanese
from .language import tongue_named
from .tongue import Manner, Tongue, Topic, Whose

__all__ = ["sum_up"]

_MOST_TOPICS = 3
_MOST_TOLD = 3
"""Things that are kept of what one person told on one day; of a companion, and of oneself, one less."""

_MOST_NOTICED = 2
"""Things that came in from around that are kept of one day, the newest."""

_SURE = 1.0
"""Weight of a topic from which it is no guess."""

_DATE = re.compile(r"\d{4}(-|年)\d")

_POLITELY = Manner()
_LONGEST_LINE = 1000
_LONGEST_LABEL = 60


def sum_up(past: Past) -> str:
    """`past` in a few lines, in its companion's language and within its length: first what is kept of
    the earlier summary, the oldest left out first, then day by day what is new. Of a summary alone, as
    of many days, what is dated comes before what is not. Empty only where there was nothing."""
    if past.talks:
        return marked(map(sum_up, past.talks))
    tongue = tongue_named(past.me.language)
    zone = past.now.tzinfo
    days = [
        list(_day(day, list(map(_cut, lines)), past.me.id, tongue))
        for day, lines in groupby(past.lines, key=lambda line: _date(line, zone))
    ]
    earlier = list(_pieces(past.summary, past.words / 4, tongue))
    room, kept = float(past.words), list[str]()
    for notes in reversed(days):  # the newest day whole, before anything of an older one
        fitting = list(_fitting(notes, room))
        room -= sum(map(_length, fitting))
        kept = [*fitting, *kept]
    kept = [*(_newest(earlier, room) if days else _gist(earlier, room)), *kept]
    if not kept:
        kept = [_clipped(piece, past.words) for piece in (days[-1][:1] if days else earlier[-1:])]
    return "\n".join(dict.fromkeys(kept))


def _day(day: date, happened: Sequence[Line], me: str, tongue: Tongue) -> Iterator[str]:
    """What is to be noted of one day, the most important first; of the quietest one that it was."""
    notes = tongue.book.notes
    on = notes["day"].format(year=day.year, month=day.month, day=day.day)
    lines = [line for line in happened if line.kind in {"heard", "said"} and line.text.strip()]
    noticed = [line for line in happened if line.kind == "perceived" and line.text.strip()]
    names = {line.sender: _name(line, tongue) for line in lines if line.sender != me}
    if not (names or noticed):
        yield notes["quiet"].format(day=on)
    if names:
        who, topics = tongue.names(list(names.values())), _topics(lines, names, tongue)
        act = "talked_about" if topics else "talked"
        yield notes[act].format(day=on, names=who, topics=tongue.names(topics) if topics else "")
    yield from _open(lines, me, names, tongue)
    for ident in sorted(names, key=is_companion):
        most = _MOST_TOLD - is_companion(ident)
        for quote in _told(lines, ident, most, tongue):
            yield notes["told"].format(name=names[ident], quote=quote)
    for quote in _told(lines, me, _MOST_TOLD - 1, tongue):
        yield notes["you_told"].format(quote=quote)
    for line in noticed[-_MOST_NOTICED:]:
        yield notes["noticed"].format(day=on, quote=tongue.quote(line.text))


def _topics(lines: Sequence[Line], names: dict[str, str], tongue: Tongue) -> list[str]:
    """What was talked about most."""
    called = {line.name for line in lines} | set(names.values())
    found: Counter[frozenset[str]] = Counter()
    words: dict[frozenset[str], Topic] = {}
    for line in lines:
        if not tongue.fits(line.text):
            continue
        plain = tongue.without_remarks(tongue.without(line.text, called))
        for topic in tongue.topics(plain):
            if topic.weight >= _SURE and len(topic.words) <= _LONGEST_LABEL:
                found[topic.stems] += 1
                words.setdefault(topic.stems, topic)
    most = islice((words[stems] for stems, _ in found.most_common()), _MOST_TOPICS)
    return [tongue.refer(_by_nobody(topic)) for topic in most]


def _open(lines: Sequence[Line], me: str, names: dict[str, str], tongue: Tongue) -> Iterator[str]:
    """The last question that was put to one and has had no answer, and the last of one's own."""
    answered, mine_answered = False, False
    asked, mine = "", ""
    for line in reversed(lines):
        question = next(
            (s for s in tongue.sentences(line.text) if tongue.is_question(s, marked=True)), ""
        )
        if line.sender == me:
            answered = True
            if question and not mine_answered:
                mine = mine or tongue.book.notes["you_asked"].format(quote=tongue.quote(question))
            mine_answered = mine_answered or bool(question)
        else:
            mine_answered = True
            if question and not answered and me in line.to:
                quote = tongue.quote(question)
                note = tongue.book.notes["asked"].format(name=names[line.sender], quote=quote)
                asked = asked or note
    yield from filter(None, (asked, mine))


def _told(lines: Sequence[Line], sender: str, most: int, tongue: Tongue) -> list[str]:
    """What `sender` told of themselves or promised, in the order in which they did."""
    found: dict[str, float] = {}
    for line in lines:
        if line.sender != sender:
            continue
        for sentence in tongue.sentences(line.text):
            weight = _weight(sentence, tongue)
            if weight:
                found.setdefault(tongue.quote(sentence), weight)
    best = set(sorted(found, key=lambda quote: -found[quote])[:most])
    return [quote for quote in found if quote in best]


def _weight(sentence: str, tongue: Tongue) -> float:
    """How much a sentence is worth keeping; 0 where it is not."""
    if tongue.is_question(sentence) or not tongue.stems(sentence):
        return 0
    promises = any(pattern.search(sentence) for pattern in tongue.book.cues[Cue.PROMISE])
    if not (promises or tongue.in_first_person(sentence)):
        return 0
    exact = any(sign.isdigit() for sign in sentence)
    return 1.0 + 2.0 * promises + exact + 0.5 * bool(tongue.topics(sentence))


def _name(line: Line, tongue: Tongue) -> str:
    kind: Literal["companion", "person"] = "companion" if is_companion(line.sender) else "person"
    return tongue.name(Someone(line.sender, line.name or line.sender, kind), _POLITELY)


def _by_nobody(topic: Topic) -> Topic:
    return topic if topic.whose is Whose.NOBODYS else replace(topic, whose=Whose.KNOWN)


def _newest(notes: Sequence[str], room: float) -> list[str]:
    """The last of `notes` that fit into `room`, in order."""
    return list(_fitting(reversed(notes), room))[::-1]


def _gist(notes: Sequence[str], room: float) -> list[str]:
    """Of `notes` that fit into `room` those that say when something was, then others, in order; the
    newest of each."""
    dated = _newest([note for note in notes if _DATE.search(note)], room)
    others = [note for note in notes if not _DATE.search(note)]
    kept = {*dated, *_newest(others, room - sum(map(_length, dated)))}
    return [note for note in notes if note in kept]


def _fitting(notes: Iterable[str], room: float) -> Iterator[str]:
    """The first of `notes` that fit into `room`."""
    for note in notes:
        room -= _length(note)
        if room < 0:
            return
        yield note


def _pieces(summary: str, longest: float, tongue: Tongue) -> Iterator[str]:
    """The lines of a summary; those over `longest`, as a model writes them, sentence by sentence."""
    for line in filter(None, map(str.strip, summary.splitlines())):
        yield from tongue.sentences(line) if _length(line) > longest else [line]


def _clipped(text: str, words: int) -> str:
    """As much of `text`, which is too long by itself, as may be."""
    while text and _length(text) > words:
        text = text[: len(text) * 3 // 4].rstrip()
    return text


def _length(text: str) -> float:
    """In words, two characters of Japanese being one."""
    japanese = count_japanese(text)
    return japanese / 2 if japanese else len(text.split())


def _date(line: Line, zone: tzinfo | None) -> date:
    return datetime.fromtimestamp(line.time, zone).date()


def _cut(line: Line) -> Line:
    return line if len(line.text) <= _LONGEST_LINE else replace(line, text=line.text[:_LONGEST_LINE])
