"""The thread of a talk: what was proposed to talk about, until it has had its turns. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from ...wire import is_companion
from ..moment import Line
from .tongue import Tongue, Topic, Whose, expansions

__all__ = ["PROPOSED", "thread_of", "unowned"]

_PROPOSES = ("open_topic", "move_on", "hand_over")
_STAYS = 4
"""Messages for which a talk stays with what was proposed."""

_SLOT = re.compile(r"\\\{(\w+)\\\}")
_OWNER = re.compile(r"^(?:my|your|their|our|\w+'s) ", re.IGNORECASE)
_LONGEST = 60
_SURE = 1.0

PROPOSED = 2.0
"""Weight of what was proposed in so many words."""


def thread_of(lines: Sequence[Line], tongue: Tongue, names: Sequence[str]) -> Topic | None:
    """What was proposed in the last lines, if it has not had its turns.

    Args:
        lines: the conversation, oldest first.
        tongue: the language spoken.
        names: of those present; they are no topics.
    """
    for age, line in enumerate(reversed(lines[-_STAYS:])):
        topic = _proposed(line, tongue, names)
        if topic is not None:
            earlier = lines[: len(lines) - age - 1]
            had = sum(topic.stems <= tongue.stems(one.text) for one in earlier)
            topic = _in_small_letters(topic, lines, tongue)
            return topic if age + had < _STAYS or age == 0 else None
    return None


def unowned(words: str) -> str:
    """`words` without whose it is: to somebody else, "your map" would be theirs."""
    return _OWNER.sub("the ", words)


def _proposed(line: Line, tongue: Tongue, names: Sequence[str]) -> Topic | None:
    if not tongue.fits(line.text):
        return None
    for sentence in reversed(tongue.sentences(line.text)):
        match = next((m for p in _patterns(tongue) if (m := p.search(sentence))), None)
        words = unowned(match["what"].rpartition("、")[2].strip(" ,.。")) if match else ""
        stems = tongue.stems(words)
        if stems and len(words) <= _LONGEST and not any(name and name in words for name in names):
            return Topic(words, stems, weight=PROPOSED)
    if is_companion(line.sender):
        return None
    found = tongue.topics(tongue.without_remarks(tongue.without(line.text, names)))
    told = next((topic for topic in found if topic.weight >= _SURE), None)
    if told is None:
        return None
    whose = Whose.NOBODYS if told.whose is Whose.NOBODYS else Whose.KNOWN
    return replace(told, whose=whose, weight=_SURE)


def _in_small_letters(topic: Topic, lines: Sequence[Line], tongue: Tongue) -> Topic:
    """`topic` without the capital that only the beginning of a sentence gave it."""
    words = topic.words[:1].lower() + topic.words[1:]
    idle = {"that", "the"} | tongue.book.words.get("weak", frozenset())
    common = words.split(" ")[0] in idle or any(words in line.text for line in lines)
    return replace(topic, words=words) if common else topic


@lru_cache(maxsize=8)
def _patterns(tongue: Tongue) -> tuple[re.Pattern[str], ...]:
    """The phrases that propose something, as patterns of a sentence each."""
    phrases = (phrase for act in _PROPOSES for phrase in tongue.book.phrases[act])
    forms = dict.fromkeys(form for phrase in phrases for form in expansions(phrase))
    sentences = dict.fromkeys(one for form in forms for one in tongue.sentences(form))
    found = (_SLOT.sub(_gap, re.escape(one)) for one in sentences)
    return tuple(re.compile(one, re.IGNORECASE) for one in found if "(?P<what>" in one)


def _gap(slot: re.Match[str]) -> str:
    proposed = slot[1].lower() in {"topic", "interest"}
    return rf"(?P<what>.{{2,{_LONGEST}}}?)" if proposed else ".{1,40}?"
