"""Whether a companion wants to speak, and how much. Pure: the same moment gives the same answer."""

from __future__ import annotations

from hashlib import sha256

from ...wire import Closing
from .book import Cue
from .reading import cues_in
from .scene import Scene

__all__ = ["desire"]

_CALLED = 9.0
_FROM_PERSON = 6.5
_FROM_COMPANION = 5.0
_TO_EVERYBODY = 7.5
_FOR_SOMEBODY_ELSE = -5.0
_TOUCHED = 1.2
_JUST_SPOKE = -2.0
_WAITED = 0.5
_TIRES_AFTER = 24
_ENOUGH = 2.5
_WINDS_DOWN = {Closing.NONE: 0.0, Closing.PRE_CLOSING: -1.0, Closing.CLOSING: -1.5}


def desire(scene: Scene) -> float:
    """How much one wants to speak, 0 to 10; below `2.5`, and so 0, is listening."""
    moment, message = scene.moment, scene.moment.message
    if moment.closing is Closing.TERMINAL:
        return 0.0
    if message is None:
        return _FROM_PERSON
    if message.sender == moment.me.id or (moment.closing is Closing.CLOSING and _said_goodbye(scene)):
        return 0.0
    if scene.joins:
        return _TO_EVERYBODY + _jitter(message.id, moment.me.id)
    if moment.addressed and scene.reading.turns_to is None:
        return _CALLED + 0.9 * _jitter(message.id, moment.me.id)
    if scene.parted and not scene.by_person:
        return 0.0
    want = _FROM_PERSON if scene.by_person else _FROM_COMPANION
    want += _FOR_SOMEBODY_ELSE if _is_for_somebody_else(scene) else 0.0
    want += _TOUCHED * _touched(scene) + _turn_of_mine(scene) + _WINDS_DOWN[moment.closing]
    want -= max(0.0, moment.turn - _TIRES_AFTER) / 10
    want += 1.5 * _jitter(message.id, moment.me.id)
    return min(8.9, want) if want >= _ENOUGH else 0.0


def _touched(scene: Scene) -> float:
    """How near the message comes to one's interests: a shared word 1, the same part of the world ½."""
    stems = scene.reading.stems
    fields = scene.tongue.fields(stems)
    interests = scene.me.interests
    if any(interest.stems & stems for interest in interests):
        return 1.0
    return 0.5 if any(interest.fields & fields for interest in interests) else 0.0


def _turn_of_mine(scene: Scene) -> float:
    """Less for who has just spoken, more for who has waited."""
    others = sum(someone.kind == "companion" for someone in scene.moment.present)
    if others < 2:
        return 0.0  # nobody else would take the turn
    senders = [line.sender for line in scene.moment.recent[:-1]]
    since = next((n for n, sender in enumerate(reversed(senders)) if sender == scene.moment.me.id), 4)
    return _JUST_SPOKE if since == 0 else _WAITED * min(since, 4)


def _is_for_somebody_else(scene: Scene) -> bool:
    """Whether it turns to another companion, or asks another person: to name a person is no more than
    to answer them."""
    asked = (
        scene.reading.question
        or scene.reading.turns_to is not None
        or any(s.kind == "companion" for s in scene.reading.named)
    )
    return asked and not scene.for_me


def _said_goodbye(scene: Scene) -> bool:
    return any(Cue.FAREWELL in cues_in(line.text, scene.tongue) for line in scene.mine[-2:])


def _jitter(message: str, me: str) -> float:
    """0 to 1, the same for everybody who asks."""
    return sha256(f"{message}\0{me}".encode("utf-8", "replace")).digest()[0] / 255
