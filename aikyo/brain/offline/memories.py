"""What one remembers: mentioned in passing, or told when asked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ...wire import is_companion
from ..moment import Line, Someone
from .book import Cue
from .draft import Draft
from .knowing import tell_known, tell_of
from .reading import cues_in, names_in
from .scene import Scene
from .tongue import Topic, name_pattern

__all__ = ["asked_about", "is_about_asker", "mention_memory", "quote_of", "tell_memories", "who_said"]

_NO_NEWS = 300.0
"""Seconds after which something said is worth recalling."""

_ASKER = re.compile(r"\b(?:I|me|my|we)\b|わたし|私|ぼく|僕|おれ|俺|あたし", re.IGNORECASE)
_LONGEST_NAME = 60
_EMPTY = frozenset(
    {
        *(Cue.GREETING, Cue.FAREWELL, Cue.THANKS, Cue.SHARE, Cue.PERFORM, Cue.QUIET, Cue.YES, Cue.NO),
        *(Cue.COME, Cue.GO, Cue.AWAY, Cue.LOOK),
    }
)


def asked_about(scene: Scene) -> str | None:
    """What the message asks one to remember, in its words ("" for anything); None if it does not ask."""
    match = scene.reading.cues.get(Cue.REMEMBER)
    if match is None:
        return None
    return (match.groupdict().get("what") or "").strip(" \t?？!！.。、,")


def is_about_asker(what: str) -> bool:
    """Whether `what` one is to remember is the asker."""
    return _ASKER.fullmatch(what.strip().removesuffix("のこと")) is not None


def tell_memories(draft: Draft, what: str) -> None:
    """Say what is remembered about `what`, or that nothing is."""
    scene = draft.scene
    if not what:
        draft.say("remember_unnamed")
        return
    topics = scene.topics(what)
    draft.slots["what"] = scene.tongue.refer(topics[0]) if topics else _as_theirs(what)[:_LONGEST_NAME]
    if is_about_asker(what):
        draft.slots["what"] = scene.you()
    if _tell_what_is_known(draft, what, topics):
        return
    found = _found(scene, what, topics)
    draft.emotion = "happy" if found else "sorry"
    if not found:
        draft.say("remember_none")
        return
    stems = frozenset(stem for topic in topics for stem in topic.stems)
    others = [line for line in found if line.sender != scene.moment.me.id]
    acts = ("remember", "remember_more") if others else ("remember_mine",)
    for act, line in zip(acts, others or found, strict=False):
        when = scene.tongue.when(line.time, scene.moment.now)
        quote = quote_of(scene, line.text, stems or _substance(scene, line.text))
        draft.say(act, who=who_said(scene, line), when=when, quote=quote)


def _as_theirs(what: str) -> str:
    """What the asker calls their own, as one says it to them."""
    return re.sub(r"\bmy\b", "your", what, flags=re.IGNORECASE)


def _tell_what_is_known(draft: Draft, what: str, topics: Sequence[Topic]) -> bool:
    """Tell facts of whom or what one is asked about; whether there are any."""
    scene = draft.scene
    if tell_known(draft):
        return True
    if scene.sender is not None and is_about_asker(what):
        return tell_of(draft, scene.sender)
    named = [one for one in scene.others if names_in(what, (one,))]
    if named:
        return tell_of(draft, named[0])
    stems = frozenset(stem for topic in topics for stem in topic.stems)
    own = scene.sender is not None and _ASKER.search(what) is not None
    return own and bool(stems) and scene.sender is not None and tell_of(draft, scene.sender, stems)


def mention_memory(draft: Draft) -> bool:
    """Bring up something that was said before and belongs to what is talked about; whether one could."""
    scene = draft.scene
    now = scene.moment.now
    for line in scene.memories:
        if line.id in draft.habits.mentioned or now.timestamp() - line.time < _NO_NEWS:
            continue
        topic = _worth_mentioning(scene, line)
        if topic is None:
            continue
        mine, theirs = line.sender == scene.moment.me.id, _is_sender(scene, line)
        if not mine and any(topic.stems & interest.stems for interest in scene.me.interests):
            continue  # one knows more of that than they do
        who = "" if mine or theirs else who_said(scene, line)
        act = "recall_self" if mine else "recall_you" if theirs else "recall_other"
        when = scene.tongue.when(line.time, now)
        if draft.say(
            act,
            topic=scene.tongue.refer(topic, owner="*" if who else "", to_me=True),
            who=who,
            when=when,
        ):
            draft.mention(line)
            return True
    return False


def _worth_mentioning(scene: Scene, line: Line) -> Topic | None:
    """What of `line` belongs here: it shares a word with the message, and says more than that word."""
    if scene.tongue.is_question(line.text) or not scene.tongue.fits(line.text):
        return None
    current = frozenset(stem for topic in scene.reading.topics for stem in topic.stems)
    if current.isdisjoint(scene.tongue.stems(line.text)):
        return None
    topics = [topic for topic in scene.topics(line.text) if topic.weight >= 1]
    fresh = [topic for topic in topics if topic.stems.isdisjoint(scene.reading.stems)]
    return next(iter((*fresh, *topics)), None)


def _found(scene: Scene, what: str, topics: Sequence[Topic]) -> list[Line]:
    """What memory and the conversation hold about `what`, best first, the asking itself left out;
    what people said before what companions made of it."""
    message = scene.moment.message
    earlier = [line for line in scene.moment.recent if message is None or line.id != message.id]
    lines = [*scene.memories, *reversed(earlier)]
    people = {line.name for line in lines if line.name and name_pattern(line.name).search(what)}
    wanted = frozenset(stem for topic in topics for stem in topic.stems)
    found: dict[str, Line] = {}
    for line in lines:
        if people and line.name not in people and not any(name in line.text for name in people):
            continue
        if not wanted and not people and _ASKER.search(what) and not _is_sender(scene, line):
            continue
        if _holds(scene, line.text, wanted, "" if people or _ASKER.search(what) else what):
            found.setdefault(line.text, line)
    if is_about_asker(what):
        found = {text: line for text, line in found.items() if _says_something(scene, text)}
        return sorted(found.values(), key=lambda line: not scene.tongue.in_first_person(line.text))
    return sorted(found.values(), key=lambda line: is_companion(line.sender))


def _says_something(scene: Scene, text: str) -> bool:
    """Whether `text` tells of something: it is no mere greeting, thanks or request."""
    if not _EMPTY.isdisjoint(cues_in(text, scene.tongue)):
        return scene.tongue.in_first_person(text) and bool(scene.topics(text))
    return bool(scene.tongue.stems(text))


def _holds(scene: Scene, text: str, wanted: frozenset[str], words: str) -> bool:
    """Whether `text` tells of what is wanted (of `words` where no topic is known), and asks nothing."""
    if scene.tongue.is_question(text) or Cue.REMEMBER in cues_in(text, scene.tongue):
        return False
    if wanted:
        return not wanted.isdisjoint(scene.tongue.stems(text))
    return words.casefold() in text.casefold()


def _substance(scene: Scene, text: str) -> frozenset[str]:
    return next((topic.stems for topic in scene.topics(text)), frozenset())


def quote_of(scene: Scene, text: str, wanted: frozenset[str]) -> str:
    """The part of `text` that tells of what is wanted, short enough to be repeated."""
    parts = scene.tongue.sentences(text) or [text]
    best = next((part for part in parts if wanted & scene.tongue.stems(part)), parts[0])
    return scene.tongue.quote(best)


def _is_sender(scene: Scene, line: Line) -> bool:
    return scene.sender is not None and line.sender == scene.sender.id


def who_said(scene: Scene, line: Line) -> str:
    """Who said `line`, as one names them to the sender."""
    if _is_sender(scene, line):
        return scene.you()
    known = next((someone for someone in scene.moment.present if someone.id == line.sender), None)
    if known is None and not line.name:
        return scene.tongue.word("somebody")
    return scene.name(known or Someone(line.sender, line.name, "person"))
