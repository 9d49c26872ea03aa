"""The ways in which a turn takes up what was said. Each says whether it could."""

from __future__ import annotations

from collections.abc import Callable

from ..moment import Line
from .character import Tale
from .draft import Draft
from .memories import mention_memory
from .telling import tale_about, tell_about
from .threads import PROPOSED
from .tongue import Topic

__all__ = ["WAYS", "notice", "stay_with", "turn_away", "weigh_ways"]

_TAKES_UP = ("take_up", "take_up", "echo")
_FRESH = 120.0
"""Seconds for which what comes in from around us is worth a word unasked."""


def weigh_ways(draft: Draft, topic: Topic | None) -> dict[str, float]:
    """How much each way suggests itself for `topic`; those that do not are left out."""
    scene = draft.scene
    circles = scene.moment.change_topic or "change" in scene.orders
    talks_on = topic is not None and not scene.is_tired(topic) and not circles
    weights = {
        "recall": 5.0 if "recall" in scene.orders else 0.0 if draft.was_recalled() else 3.0,
        "notice": 8.0 if _news(draft) else 0.0,
        "move on": 0.4 if talks_on else 6.0,
        "agree": 1.0,
    }
    if talks_on:
        weights |= {"tell": 4.0, "relate": 3.0, "bridge": 3.0, "remark": 2.5, "differ": 0.7}
    if talks_on and scene.by_person:  # whoever brings something up wants to hear about that
        weights |= {"move on": 0.0, "agree": 0.2, "differ": 0.0}
    return {way: weight for way, weight in weights.items() if weight > 0}


def turn_away(draft: Draft) -> bool:
    """Bring up an interest that the talk has not turned around; whether there is one to bring up."""
    scene, draft.way = draft.scene, "move on"
    spoken_of = frozenset[str]().union(*(scene.tongue.stems(line.text) for line in scene.moment.recent))
    interests = [interest for interest in scene.me.interests if not interest.stems & spoken_of]
    if not interests:
        return False
    lately = list(draft.habits.turned_to)
    interest = min(interests, key=lambda one: (one.text in lately, draft.random.random()))
    draft.turn_to(interest)
    if not draft.say("move_on"):
        return False
    draft.emotion, draft.focus = "curious", interest.text
    return tell_about(draft, interest.text)


def stay_with(draft: Draft, topic: Topic) -> bool:
    """Take up what was proposed: a word on it, then what one has to say about it. Always true."""
    stems, said = topic.stems, draft.slots["topic"]
    draft.way = "stay"
    proposed = topic.weight >= PROPOSED
    draft.say(draft.random.choice(_TAKES_UP) if proposed else "echo")
    tale = tale_about(draft, stems)
    if tale is not None:
        draft.tell(tale)
    elif not draft.remark(draft.scene.tongue.fields(stems)):
        interest = _turned(draft)
        if interest is not None and not interest.stems & stems:
            draft.say("bridge")
    draft.focus = said
    return True


def _tell(draft: Draft, topic: Topic | None) -> bool:
    tale = tale_about(draft, topic.stems) if topic else None
    if tale is None:
        return False
    _react(draft)
    draft.tell(tale)
    return True


def _relate(draft: Draft, topic: Topic | None) -> bool:
    interest = _turned(draft)
    if topic is None or interest is None or topic.stems & interest.stems:
        return False
    if not interest.fields & draft.scene.tongue.fields(topic.stems) or not draft.say("relate"):
        return False
    draft.focus = interest.text
    return tell_about(draft, interest.text)


def _bridge(draft: Draft, topic: Topic | None) -> bool:
    interest = _turned(draft)
    if topic is None or interest is None or topic.stems & interest.stems:
        return False
    if draft.scene.by_person:
        _react(draft)
    draft.say("bridge")
    draft.focus = interest.text
    return tell_about(draft, interest.text)


def _remark(draft: Draft, topic: Topic | None) -> bool:
    if topic is None:
        return False
    _react(draft)
    return draft.remark(draft.scene.tongue.fields(topic.stems))


def _differ(draft: Draft, topic: Topic | None) -> bool:
    draft.emotion = "amused"
    if topic is None or not draft.say("differ"):
        return False
    return draft.remark(draft.scene.tongue.fields(topic.stems))


def _recall(draft: Draft, topic: Topic | None) -> bool:
    if draft.random.random() < 0.5:
        _react(draft)
    if not mention_memory(draft):
        return False
    if topic is not None and (tale := tale_about(draft, topic.stems)) is not None:
        draft.tell(tale)
    elif topic is not None:
        draft.remark(draft.scene.tongue.fields(topic.stems))
    return True


def notice(draft: Draft, _: Topic | None = None) -> bool:
    """Something came in from around us: be the one who notices, unless it was noticed."""
    scene = draft.scene
    for line in _news(draft):
        topics = scene.topics(line.text)
        if topics and draft.say("perceived", topic=scene.tongue.refer(topics[0])):
            draft.mention(line)
            draft.remark(scene.tongue.fields(topics[0].stems))
            return True
    return False


def _news(draft: Draft) -> list[Line]:
    """What has just come in and nobody has spoken of, newest first."""
    scene, mentioned = draft.scene, draft.habits.mentioned
    now, found = scene.moment.now.timestamp(), []
    for line in reversed(scene.moment.perceived):
        stems = scene.tongue.stems(line.text)
        since = (one for one in scene.moment.recent if one.time >= line.time)
        spoken_of = any(stems & scene.tongue.stems(one.text) for one in since)
        fresh = now - line.time < _FRESH and line.id not in mentioned and not line.told
        if fresh and not spoken_of and scene.tongue.fits(line.text):
            found.append(line)
    return found


def _agree(draft: Draft, topic: Topic | None) -> bool:
    interest = _turned(draft)
    if interest is None or not draft.say("agree"):
        return False
    draft.emotion = "amused"
    if topic is not None and not topic.stems & interest.stems:
        draft.say("bridge")
        draft.focus = interest.text
    return tell_about(draft, interest.text)


def _move_on(draft: Draft, _: Topic | None) -> bool:
    return turn_away(draft)


def _react(draft: Draft) -> None:
    """A word on what was said, with or without its topic."""
    if draft.random.random() < (1.0 if draft.scene.by_person else 0.65):
        draft.say("echo", "agree")
    else:
        draft.emotion = "amused"
        draft.say("agree")


def _turned(draft: Draft) -> Tale | None:
    """The interest that this turn has turned to."""
    text = draft.slots.get("interest")
    return next((interest for interest in draft.scene.me.interests if interest.text == text), None)


WAYS: dict[str, Callable[[Draft, Topic | None], bool]] = {
    "tell": _tell,
    "relate": _relate,
    "bridge": _bridge,
    "remark": _remark,
    "differ": _differ,
    "recall": _recall,
    "notice": notice,
    "agree": _agree,
    "move on": _move_on,
}
