"""What to speak of: the topic of a message, the interest nearest to it, and the tale nearest to both."""

from __future__ import annotations

from .character import Tale
from .draft import Draft
from .tongue import Topic

__all__ = ["interest_for", "say_topic", "show_oneself", "tale_about", "tell_about"]

_FIRST_TURNS = 2
_TELLS_ASIDE = 0.25

_SURE = 1.0
"""Weight of a topic from which it is no guess."""


def say_topic(draft: Draft) -> Topic | None:
    """Settle what the message is about, and which interest of one's own is nearest to it."""
    scene = draft.scene
    topics = scene.reading.topics
    topics = tuple(topic for topic in topics if not scene.is_tired(topic)) or topics
    if scene.thread is not None and not scene.by_person:
        topics = (scene.thread, *topics)
    sure = [topic for topic in topics if topic.weight >= _SURE]
    asked = scene.reading.question or scene.by_person
    topic = (sure or (topics if asked else ()) or (None,))[0]
    if topic is not None:
        draft.speak_of(topic)
    if "interest" not in draft.slots:
        first = interest_for(draft, topic.stems if topic else frozenset())
        if first is not None:
            draft.turn_to(first, second=_other(draft, first))
    return topic


def interest_for(draft: Draft, stems: frozenset[str], *, strict: bool = False) -> Tale | None:
    """The interest nearest to `stems`, those turned to of late last.

    Args:
        draft: the turn.
        stems: what is talked about.
        strict: only one that shares a word with it.
    """
    fields = draft.scene.tongue.fields(stems)
    interests = [i for i in draft.scene.me.interests if not strict or i.stems & stems]
    if not interests:
        return None

    def nearness(interest: Tale) -> float:
        near = 3.0 * bool(interest.stems & stems) + 2.0 * bool(interest.fields & fields)
        return near - 2.5 * (interest.text in draft.habits.turned_to) + draft.random.random()

    return max(interests, key=nearness)


def tale_about(draft: Draft, stems: frozenset[str]) -> Tale | None:
    """The tale nearest to `stems` that is still untold, if one comes near at all."""
    fields = draft.scene.tongue.fields(stems)

    def nearness(tale: Tale) -> float:
        return 3.0 * len(tale.stems & stems) + 2.0 * len(tale.fields & fields)

    near = [tale for tale in draft.untold() if nearness(tale) > 0]
    return max(near, key=lambda tale: nearness(tale) + draft.random.random(), default=None)


def show_oneself(draft: Draft) -> None:
    """In one's first turns, tell something of one's own, near to the matter or not: so one is known."""
    scene = draft.scene
    if "brief" in scene.orders or scene.joins or draft.has_told or len(scene.mine) >= _FIRST_TURNS:
        return
    stems = draft.scene.tongue.stems(draft.focus)
    near = tale_about(draft, stems)
    if near is not None:
        draft.tell(near)
    elif (untold := draft.untold()) and (_is_new(draft) or draft.random.random() < _TELLS_ASIDE):
        draft.tell_aside(untold[0])


def _is_new(draft: Draft) -> bool:
    """Whether somebody is there whom one has not met."""
    return any(not someone.met for someone in draft.scene.moment.present)


def tell_about(draft: Draft, interest: str | None, stems: frozenset[str] = frozenset()) -> bool:
    """Tell something near to `stems`, else to the interest, else muse on that. Always true: at worst
    what was said before stands alone."""
    if draft.full:
        return True
    tale = tale_about(draft, stems) if stems else None
    if tale is None and interest is not None:
        tale = tale_about(draft, draft.scene.tongue.stems(interest))
        draft.focus = interest
        if len(draft.parts) == 1 and stems and stems.isdisjoint(draft.scene.tongue.stems(interest)):
            draft.say("bridge")
    if tale is not None:
        draft.tell(tale)
    elif interest is not None:
        named = any(interest.casefold() in part.casefold() for part in draft.parts)
        draft.say("go_on" if named else "muse")
    return True


def _other(draft: Draft, first: Tale) -> Tale | None:
    others = [interest for interest in draft.scene.me.interests if interest.text != first.text]
    return draft.random.choice(others) if others else None
