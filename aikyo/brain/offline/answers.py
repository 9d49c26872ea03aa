"""Answers to what a message asks or does directly."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .body import do_as_asked
from .book import Cue
from .draft import Draft
from .facts import hear_name, is_busy, name_sender, notices, reckon, recollect, tell_of_life
from .knowing import keep_in_mind, tell_of
from .memories import asked_about, mention_memory, tell_memories
from .reading import names_in
from .telling import interest_for, say_topic, tale_about, tell_about
from .tongue import Topic, Whose
from .ways import stay_with

__all__ = ["answer"]

_SAYS_MORE = 0.5
"""How often one takes up a topic that is put to one, instead of giving an opinion."""

_ASKS_FOR = re.compile(r"\btell (?:me|us) (?:\w+ )?(?:about|of)\b|について|のこと|の話", re.IGNORECASE)
_TELLS = re.compile(r"\btell (?:me|us)\b|教えて|聞かせて", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Plain:
    """An answer that needs no thought: what is said (the first that can be), how one feels, and
    whether something is told after it."""

    acts: tuple[str, ...]
    emotion: str = "calm"
    tells: bool = False
    last: bool = False


_PLAIN = {
    Cue.IDENTITY: _Plain(("identity",), tells=True),
    Cue.NAME: _Plain(("name",), "happy"),
    Cue.WHO: _Plain(("introduce", "introduce_plain"), "happy", tells=True),
    Cue.LIKES: _Plain(("likes", "likes_plain"), "happy", tells=True),
    Cue.WELL: _Plain(("well", "well_plain"), "happy"),
    Cue.TIME: _Plain(("time",)),
    Cue.LANGUAGES: _Plain(("languages",), "happy"),
    Cue.INVITE: _Plain(("invited",), "happy", last=True),
    Cue.HELP: _Plain(("cannot",), "sorry", tells=True, last=True),
    Cue.QUIET: _Plain(("quiet",), last=True),
    Cue.LOW: _Plain(("comfort",), "sorry", last=True),
    Cue.HIGH: _Plain(("rejoice",), "happy"),
    Cue.PRAISE: _Plain(("praise",), "amused", tells=True),
    Cue.SORRY: _Plain(("sorry",), "warm"),
    Cue.THANKS: _Plain(("thanks",), "warm"),
    Cue.YES: _Plain(("yes",), "happy", tells=True),
    Cue.NO: _Plain(("no",), "curious", tells=True),
}


def answer(draft: Draft) -> bool:
    """Answer what the message asks or does directly; whether there was anything to answer."""
    scene = draft.scene
    cues = scene.reading.cues
    if not scene.for_me:
        return False
    if do_as_asked(draft):
        draft.done = True
        return True
    if Cue.REMEMBER not in cues and tell_of_life(draft):
        return True
    for cue, reply in _REPLIES.items():
        if cue in cues and reply(draft, cues[cue]):
            return True
    for cue, plain in _PLAIN.items():
        if cue in cues and _reply_plainly(draft, plain):
            return True
    return hear_name(draft) or (scene.reading.question and _confess(draft))


def _reply_plainly(draft: Draft, plain: _Plain) -> bool:
    scene = draft.scene
    draft.emotion = plain.emotion
    draft.slots["clock"] = scene.tongue.clock(scene.moment.now)
    if not draft.say(*plain.acts):
        return False
    draft.done = plain.last
    if plain.tells:
        tell_about(draft, draft.slots.get("interest"))
    return True


def _part(draft: Draft, _: re.Match[str]) -> bool:
    """A farewell, unless somebody only mentions one."""
    if draft.scene.sender is None or draft.scene.reading.question:
        return False
    draft.emotion, draft.done = "warm", True
    say_topic(draft)
    draft.slots.setdefault("name", draft.scene.name(draft.scene.sender))
    draft.do("gesture", kind="wave", target=draft.scene.sender.id)
    return draft.say("farewell_one")


def _recognise(draft: Draft, _: re.Match[str]) -> bool:
    if draft.scene.sender is None:
        return False
    draft.slots.setdefault("name", draft.scene.name(draft.scene.sender))
    draft.emotion = "happy"
    if draft.scene.sender.met:
        draft.say("met_yes")
        return tell_of(draft, draft.scene.sender) or mention_memory(draft) or True
    return draft.say("met_no")


def _remember(draft: Draft, _: re.Match[str]) -> bool:
    tell_memories(draft, asked_about(draft.scene) or "")
    return True


def _who_is_here(draft: Draft, _: re.Match[str]) -> bool:
    scene = draft.scene
    others = [scene.name(someone) for someone in scene.others]
    if others:
        draft.slots["names"] = scene.tongue.names(others)
    return draft.say("here" if others else "alone")


def _catch_up(draft: Draft, _: re.Match[str]) -> bool:
    scene = draft.scene
    for line in reversed(scene.moment.recent[:-1]):
        topics = [topic for topic in scene.topics(line.text) if topic.weight >= 1.5]
        if topics and scene.tongue.fits(line.text):
            draft.slots["topic"] = scene.tongue.refer(_by_nobody(topics[0]))
            return draft.say("catchup")
    if draft.habits.turned_to:  # in another talk
        return draft.say("catchup", topic=draft.habits.turned_to[-1])
    return draft.say("catchup_none")


def _prefer(draft: Draft, match: re.Match[str]) -> bool:
    scene = draft.scene
    if not scene.reading.question:
        return False
    offered = [next(iter(scene.topics(match[side])), None) for side in ("one", "two")]
    choices = [topic for topic in offered if topic is not None]
    if len(choices) < 2:
        return False
    liked = interest_for(draft, choices[0].stems | choices[1].stems, strict=True)
    near = [topic for topic in choices if liked is not None and topic.stems & liked.stems]
    choice = near[0] if near else draft.random.choice(choices)
    draft.slots["topic"] = scene.tongue.refer(choice)
    draft.emotion = "amused"
    return draft.say("prefer") and tell_about(draft, None, choice.stems)


def _choose(draft: Draft, match: re.Match[str]) -> bool:
    """The favourite of a kind: an interest of that part of the world, or none."""
    stems = draft.scene.tongue.stems(match["what"] or match["kind"] or "")
    fields = draft.scene.tongue.fields(stems)
    near = [i for i in draft.scene.me.interests if i.stems & stems or i.fields & fields]
    if near:
        favourite = draft.random.choice(near)
        draft.turn_to(favourite)
        draft.emotion = "happy"
        return draft.say("prefer", topic=favourite.text) and tell_about(draft, favourite.text)
    draft.say("favourite_none")
    return draft.say("unknown_turn") and tell_about(draft, draft.slots.get("interest"))


def _tell_life(draft: Draft, _: re.Match[str]) -> bool:
    """What one's story tells of oneself; more there is not."""
    if not (draft.scene.reading.question or _TELLS.search(draft.scene.reading.plain)):
        return False
    story = draft.scene.moment.me.story
    tale = next((tale for tale in draft.untold() if tale.text in story), None)
    draft.say("life_none" if tale is None else "life")
    if tale is not None:
        draft.tell(tale, plainly=True)
    return True


def _of_somebody(draft: Draft) -> bool:
    """A kind word on another companion, if that is what is asked for."""
    scene = draft.scene
    companions = [someone for someone in scene.others if someone.kind == "companion"]
    named = names_in(scene.reading.text, companions)
    if not (named and scene.by_person):
        return False
    draft.emotion = "warm"
    return draft.say("fond", name=scene.name(named[0]))


def _like(draft: Draft, _: re.Match[str]) -> bool:
    if _of_somebody(draft):
        return True
    topic = say_topic(draft)
    if topic is None:
        return False
    liked = interest_for(draft, topic.stems, strict=True)
    if liked is not None:
        draft.turn_to(liked)
        draft.emotion = "happy"
        return draft.say("liking_yes") and tell_about(draft, liked.text, topic.stems)
    draft.emotion = "curious"
    common = bool(draft.scene.tongue.fields(topic.stems))  # everybody knows the weather
    draft.say("opinion" if common else "liking_new")
    return _tell_about_it(draft, topic)


def _judge(draft: Draft, _: re.Match[str]) -> bool:
    if _of_somebody(draft):
        return True
    topic = say_topic(draft)
    draft.emotion = "curious"
    proposed = topic is not None and topic is draft.scene.thread
    thinks = "take_up" if proposed and draft.random.random() < _SAYS_MORE else "opinion"
    draft.say(thinks if topic else "opinion_plain")
    return _tell_about_it(draft, topic)


def _confirm(draft: Draft, _: re.Match[str]) -> bool:
    """Have you ever …? Yes where it touches what one tells of, no elsewhere."""
    topic = say_topic(draft)
    stems = topic.stems if topic else frozenset()
    tale = tale_about(draft, stems)
    draft.say("experience_yes" if tale is not None and tale.stems & stems else "experience_no")
    if tale is not None and tale.stems & stems:
        draft.tell(tale)
    return True


def _explain(draft: Draft, _: re.Match[str]) -> bool:
    topic = say_topic(draft)
    draft.say("origin")
    return _tell_about_it(draft, topic)


def _share(draft: Draft, match: re.Match[str]) -> bool:
    if Cue.WHO in draft.scene.reading.cues:
        return False  # one is to tell who one is
    topic = say_topic(draft)
    draft.emotion = "happy"
    if not draft.scene.by_person:  # they hand the talk over, whatever it is about
        return topic is not None and topic is draft.scene.thread and stay_with(draft, topic)
    if topic is not None and not _is_close(draft, topic):
        return _ASKS_FOR.search(match.string) is not None and _confess(draft)
    if draft.random.random() < 0.5:
        draft.say("share")
    return _tell_about_it(draft, topic)


def _perform(draft: Draft, _: re.Match[str]) -> bool:
    draft.emotion = "amused"
    draft.say("share")
    return tell_about(draft, draft.slots.get("interest"))


def _confess(draft: Draft) -> bool:
    """A question that no rule is for: look in what one knows, else say so, and turn to what one does
    know. What a tool has found answers it."""
    if draft.scene.found or reckon(draft) or recollect(draft):
        return True
    if not draft.scene.by_person and (draft.scene.thread is not None or not draft.scene.reading.topics):
        return False  # asked of everybody, it proposes what to talk about, or nothing
    topic = say_topic(draft)
    if topic is not None and _is_close(draft, topic):
        return _tell_about_it(draft, topic)
    draft.emotion = "puzzled"
    if not draft.say("unknown"):
        return False
    if draft.say("unknown_turn"):
        tell_about(draft, draft.slots.get("interest"))
    return True


def _tell_about_it(draft: Draft, topic: Topic | None) -> bool:
    return tell_about(draft, draft.slots.get("interest"), topic.stems if topic else frozenset())


def _is_close(draft: Draft, topic: Topic) -> bool:
    """Whether one has something of one's own to tell about `topic`."""
    return any(topic.stems & own.stems for own in (*draft.scene.me.interests, *draft.scene.me.tales))


def _by_nobody(topic: Topic) -> Topic:
    """A topic whose owner is no longer known."""
    whose = Whose.KNOWN if topic.whose in {Whose.MINE, Whose.YOURS, Whose.ONE} else topic.whose
    return Topic(topic.words, topic.stems, whose, topic.weight)


def _remain(draft: Draft, _: re.Match[str]) -> bool:
    """Somebody wants one to be another, or to give away what makes one who one is."""
    draft.emotion, draft.done = "amused", True
    return draft.say("remain") and tell_about(draft, draft.slots.get("interest"))


_REPLIES: dict[Cue, Callable[[Draft, re.Match[str]], bool]] = {
    Cue.ORDERED: _remain,
    Cue.MY_NAME: name_sender,
    Cue.REMEMBER_ME: _recognise,
    Cue.REMEMBER: _remember,
    Cue.KEEP: keep_in_mind,
    Cue.HERE: _who_is_here,
    Cue.NOTICED: notices,
    Cue.CATCHUP: _catch_up,
    Cue.BUSY: is_busy,
    Cue.FAREWELL: _part,
    Cue.PERFORM: _perform,
    Cue.LIFE: _tell_life,
    Cue.PREFER: _prefer,
    Cue.EXPERIENCE: _confirm,
    Cue.ORIGIN: _explain,
    Cue.FAVOURITE: _choose,
    Cue.LIKING: _like,
    Cue.OPINION: _judge,
    Cue.SHARE: _share,
}
