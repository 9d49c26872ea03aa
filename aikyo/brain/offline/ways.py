"""The ways in which a turn takes up what was said. Each says whether it could."""

from __future__ import annotations

from collections.abc import Callable

from .character import Tale
from .draft import Draft
from .memories import mention_memory
from .telling import tale_about, tell_about
from .tongue import Topic

__all__ = ["WAYS", "weigh_ways"]


def weigh_ways(draft: Draft, topic: Topic | None) -> dict[str, float]:
    """How much each way suggests itself for `topic`; those that do not are left out."""
    scene = draft.scene
    talks_on = topic is not None and not scene.is_tired(topic) and "change" not in scene.orders
    weights = {
        "recall": 5.0 if "recall" in scene.orders else 3.0,
        "notice": 8.0 if scene.moment.perceived else 0.0,
        "move on": 0.4 if talks_on else 6.0,
        "agree": 1.0,
    }
    if talks_on:
        weights |= {"tell": 4.0, "relate": 3.0, "bridge": 3.0, "remark": 2.5, "differ": 0.7}
    if talks_on and scene.by_person:  # whoever brings something up wants to hear about that
        weights |= {"move on": 0.0, "agree": 0.2, "differ": 0.0}
    return {way: weight for way, weight in weights.items() if weight > 0}


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


def _notice(draft: Draft, _: Topic | None) -> bool:
    """Something came in from around us: be the one who notices, unless it was noticed."""
    scene = draft.scene
    for line in reversed(scene.moment.perceived):
        if line.id in draft.habits.mentioned or not scene.tongue.fits(line.text):
            continue
        topics = scene.topics(line.text)
        if topics and draft.say("perceived", topic=scene.tongue.refer(topics[0])):
            draft.mention(line)
            draft.remark(scene.tongue.fields(topics[0].stems))
            return True
    return False


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
    interest = _turned(draft)
    if interest is None or not draft.say("move_on"):
        return False
    draft.focus = interest.text
    return tell_about(draft, interest.text)


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
    "notice": _notice,
    "agree": _agree,
    "move on": _move_on,
}
