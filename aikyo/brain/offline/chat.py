"""Carrying a talk on: taking up what was said, and turning it toward one's own interests."""

from __future__ import annotations

from ..moment import Someone
from .draft import Draft
from .telling import say_topic
from .threads import unowned
from .ways import WAYS, stay_with, weigh_ways

__all__ = ["carry_on", "invite"]

_ASKS_FOR_A_VIEW = 0.15
"""How often one who has told something asks what another makes of that."""


def carry_on(draft: Draft) -> None:
    """Take up the message in one of several ways, not in the same as last time."""
    scene, topic = draft.scene, say_topic(draft)
    draft.emotion = "curious"
    if topic is not None and topic is scene.thread:
        stay_with(draft, topic)
        return
    weights = weigh_ways(draft, topic)
    while weights:
        draft.way = draft.pick(list(weights.items()))
        del weights[draft.way]
        before = len(draft.parts)
        if WAYS[draft.way](draft, topic):
            return
        del draft.parts[before:]
    draft.say("agree")


def invite(draft: Draft) -> None:
    """Now and then hand the talk to somebody, or ask back; never more than every third turn."""
    scene = draft.scene
    wanted = "ask" in scene.orders
    if draft.full or not draft.may_ask:
        return
    if not wanted and (scene.reading.question or draft.random.random() < 0.3):
        return
    target = _quietest(draft)
    if scene.by_person and scene.sender is not None and (target is None or draft.random.random() < 0.6):
        about = "topic" in draft.slots and draft.random.random() < 0.6
        if draft.say("ask" if about else "ask_person"):
            draft.parts[-1] = scene.tongue.call(scene.name(scene.sender), draft.parts[-1])
            draft.asks, draft.target = True, scene.sender
    elif target is not None:
        if draft.focus:
            draft.slots["topic"] = unowned(draft.focus)
        views = draft.has_told and draft.random.random() < _ASKS_FOR_A_VIEW
        act = "hand_over_view" if views else "hand_over"
        draft.asks, draft.target = draft.say(act, name=scene.name(target)), target


def _quietest(draft: Draft) -> Someone | None:
    """The companion who has said least in this talk, but the one who has just spoken."""
    scene = draft.scene
    others = [s for s in scene.moment.present if s.kind == "companion" and s is not scene.sender]
    said = [line.sender for line in scene.moment.recent]
    return min(others, key=lambda s: (said.count(s.id), draft.random.random()), default=None)
