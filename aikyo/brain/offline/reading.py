"""What a moment's message says, as far as rules can read it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..moment import Line, Moment, Someone
from .book import Cue
from .tongue import Tongue, Topic, called, name_pattern

__all__ = ["Reading", "cues_in", "given_name", "names_in", "names_of", "read"]

_SAYS_NAME = (
    re.compile(r"(?i:\bmy name is|\bmy name's|\bcall me) ([A-Z][\w'-]{1,30})"),
    re.compile(
        r"([^\sぁ-ん、。！!？?]{1,12})(?:と|って)(?:いいます|言います|申します|いうんだ|いうの|呼んで)"
    ),
)
_MAY_SAY_NAME = (
    re.compile(r"(?i:\bi'm|\bi am) ([A-Z][\w'-]{1,30})(?=[.,!;]|\s*$| and\b)"),
    re.compile(r"(?:名前は|^|[。、！!])([^\sぁ-ん、。！!？?]{1,8})(?:です|だよ)(?:[。！!]|$)"),
)

_ONLY_ASKED = frozenset({Cue.EXPERIENCE, Cue.ORIGIN, Cue.LIKING, Cue.OPINION, Cue.PREFER, Cue.NOTICED})
"""What is there only in a question."""

_ONLY_PEOPLE = frozenset(
    {
        *(Cue.LOW, Cue.HIGH, Cue.PRAISE, Cue.SORRY, Cue.THANKS, Cue.QUIET, Cue.YES, Cue.NO, Cue.CATCHUP),
        *(Cue.FAREWELL, Cue.REMEMBER_ME, Cue.HELP, Cue.INVITE),
    }
)
"""What is taken seriously from people only: among companions it is a manner of speaking, and when
their talks end is not for one of them to say."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A message, read.

    Attributes:
        text: what was said.
        plain: the same without my name.
        sender: who said it; None when nothing was said.
        cues: what it does, with the match that showed it.
        question: whether it asks something.
        topics: what it is about, surest first.
        stems: its content words.
        named: who of the others is called by name in it.
        calls_me: whether it calls me by name.
        turns_to: who of the others it turns to with its first word; they are named in it, too.
        given: the name that a person gives with a greeting.
    """

    text: str = ""
    plain: str = ""
    sender: Someone | None = None
    cues: Mapping[Cue, re.Match[str]] = field(default_factory=dict)
    question: bool = False
    topics: tuple[Topic, ...] = ()
    stems: frozenset[str] = frozenset()
    named: tuple[Someone, ...] = ()
    calls_me: bool = False
    turns_to: Someone | None = None
    given: str = ""


def read(moment: Moment, tongue: Tongue) -> Reading:
    """Read the moment's message in `tongue`; where there is none, nothing is read."""
    line = moment.message
    if line is None:
        return Reading()
    text = line.text
    others = [someone for someone in moment.present if someone.id != line.sender]
    mine = called(moment.me.name, moment.me.id)
    plain = tongue.without(text, mine)
    sender = _sender(moment, line)
    asked = _asked(plain, sender, tongue)
    cues = _serious(plain, asked, sender, tongue)
    given = given_name(text, tongue) if Cue.GREETING in cues and sender.kind == "person" else ""
    substance = tongue.without_remarks(tongue.without(text, (*names_of(moment), given)))
    return Reading(
        text=text,
        plain=plain,
        sender=sender,
        cues=cues,
        question=bool(asked),
        topics=_topics(substance, moment, tongue),
        stems=tongue.stems(substance),
        named=names_in(text, others),
        turns_to=next((s for s in others if any(_begins_with(text, n) for n in _called(s))), None),
        calls_me=any(_calls(text, name) for name in mine),
        given=given,
    )


def cues_in(text: str, tongue: Tongue) -> dict[Cue, re.Match[str]]:
    """What `text` does, by its cues."""
    found: dict[Cue, re.Match[str]] = {}
    plain = text.replace("’", "'")
    for cue, patterns in tongue.book.cues.items():
        match = next((m for pattern in patterns if (m := pattern.search(plain))), None)
        if match is not None:
            found[cue] = match
    return found


def _serious(plain: str, asked: str, sender: Someone, tongue: Tongue) -> dict[Cue, re.Match[str]]:
    """The cues that are meant: what only a question does is looked for in what asks."""
    cues = {cue: match for cue, match in cues_in(plain, tongue).items() if cue not in _ONLY_ASKED}
    if asked:
        cues |= {cue: match for cue, match in cues_in(asked, tongue).items() if cue in _ONLY_ASKED}
    if sender.kind == "companion":
        return {cue: match for cue, match in cues.items() if cue not in _ONLY_PEOPLE}
    return cues


def given_name(text: str, tongue: Tongue, *, surely: bool = False) -> str:
    """The name that its speaker gives in `text`, or nothing; `surely` in so many words."""
    idle = tongue.book.words["stop"] | tongue.book.words.get("weak", frozenset())
    for pattern in _SAYS_NAME if surely else (*_SAYS_NAME, *_MAY_SAY_NAME):
        match = pattern.search(text)
        if match and match[1].lower() not in idle and not tongue.fields({match[1].lower()}):
            return match[1]
    return ""


def _asked(text: str, sender: Someone, tongue: Tongue) -> str:
    """What in `text` asks for an answer. People are answered wherever they ask, others at the end:
    companions ask themselves things on the way ("Honestly? …")."""
    sentences, marked = tongue.sentences(text), sender.kind == "companion"
    if marked:
        sentences = sentences[-1:]
    return tongue.gap.join(s for s in sentences if tongue.is_question(s, marked=marked))


def _topics(text: str, moment: Moment, tongue: Tongue) -> tuple[Topic, ...]:
    """What `text` is about; of a text that ends in a question, first what is asked about."""
    known = moment.me.interests
    last = tongue.sentences(text)[-1:]
    asked = tongue.topics(last[0], known) if last and tongue.is_question(last[0], marked=True) else ()
    seen = {topic.stems for topic in asked}
    return (*asked, *(topic for topic in tongue.topics(text, known) if topic.stems not in seen))


def names_in(text: str, people: Sequence[Someone]) -> tuple[Someone, ...]:
    """Who of `people` is called by name in `text`."""
    return tuple(one for one in people if any(_calls(text, name) for name in _called(one)))


def names_of(moment: Moment) -> tuple[str, ...]:
    """What those are called who are there, oneself first."""
    named = (called(moment.me.name, moment.me.id), *map(_called, moment.present))
    return tuple(name for names in named for name in names)


def _called(someone: Someone) -> tuple[str, ...]:
    return called(someone.name, someone.id)


def _calls(text: str, name: str) -> bool:
    return name_pattern(name).search(text) is not None


def _begins_with(text: str, name: str) -> bool:
    match = name_pattern(name).match(text.lstrip())
    return match is not None and text.lstrip()[match.end() - 1 : match.end() + 1].strip()[-1:] in {
        *",、:："
    }


def _sender(moment: Moment, line: Line) -> Someone:
    known = next((someone for someone in moment.present if someone.id == line.sender), None)
    return known or Someone(line.sender, line.name or line.sender, "person", met=True)
