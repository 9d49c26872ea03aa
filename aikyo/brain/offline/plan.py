"""From a scene to a draft of the whole turn."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from ...wire import Closing
from ..moment import Someone
from .answers import answer
from .body import do_as_told, show_mood
from .book import Cue
from .chat import carry_on, invite
from .draft import Draft
from .habits import Habits
from .knowing import ask_after
from .reading import cues_in
from .scene import Scene
from .telling import interest_for, say_topic, show_oneself, tell_about
from .tongue import called
from .ways import notice, turn_away

__all__ = ["plan"]

_LONGEST_TITLE = 60
_SAYS_WHO = frozenset({Cue.WHO, Cue.NAME, Cue.IDENTITY})


def plan(scene: Scene, habits: Habits, random: Random) -> Draft:
    """Draft one turn. A draft without words is a turn given up."""
    draft = Draft(scene, habits, random)
    match scene.moment.closing:
        case Closing.TERMINAL:
            _last(draft)
        case Closing.CLOSING:
            _part(draft)
        case _:
            do_as_told(draft)
            (_open if scene.moment.message is None else _reply)(draft)
    if not scene.moment.may_ask and "quote" not in scene.orders:
        draft.leave_out_questions()
    show_mood(draft)
    return draft


def _reply(draft: Draft) -> None:
    scene = draft.scene
    if (quote := scene.orders.get("quote")) is not None:
        draft.parts.append(quote["what"])
        return
    say_topic(draft)
    greeted = _greet(draft)
    _obey(draft)
    draft.parts += scene.found
    answered = answer(draft)
    if scene.moment.change_topic and not (answered and scene.by_person) and turn_away(draft):
        invite(draft)
        return
    greeting_only = greeted and not scene.reading.topics
    connects = scene.thread is not None and not scene.by_person  # however brief one is to be
    if not draft.parts or not (answered or (draft.full and not connects) or greeting_only):
        carry_on(draft)
    draft.settle()
    if not (draft.done or (answered and scene.by_person)):
        show_oneself(draft)
    if scene.moment.closing is Closing.PRE_CLOSING:
        draft.say("wind_down")
    elif not draft.done and not ask_after(draft):
        invite(draft)


def _greet(draft: Draft) -> bool:
    """Greet whom one meets, and introduce oneself to whom one has never met; whether one did."""
    scene, sender = draft.scene, draft.scene.sender
    if sender is None:
        return False
    name = scene.name(replace(sender, name=scene.reading.given or sender.name))
    greets = Cue.GREETING in scene.reading.cues and scene.for_me
    new = (not sender.met or "introduce" in scene.orders) and not _introduced(scene)
    if scene.joins:
        draft.done = True
        if not greets:
            return False
        draft.say("greet_back", name=name)
        if new:
            draft.say("introduce_brief")
    elif new:
        draft.say("greet_new", name=name)
        asked = scene.for_me and not _SAYS_WHO.isdisjoint(scene.reading.cues)  # the answer says it
        _introduce(draft, asked=asked)
    elif (greets or "greet" in scene.orders) and (scene.by_person or not scene.mine):
        draft.say("welcome_back" if sender.met and not scene.mine else "greet", name=name)
    else:
        return False
    draft.emotion = "happy"
    draft.do("gesture", kind="wave", target=sender.id)
    return True


def _introduce(draft: Draft, *, asked: bool = False) -> None:
    sad = Cue.LOW in draft.scene.reading.cues  # and would not hear now what one likes
    if not asked:
        draft.say(*(("introduce_plain",) if sad else ("introduce", "introduce_plain")))
    if not draft.scene.me.native:
        draft.say("foreign")


def _introduced(scene: Scene) -> bool:
    """Whether one has given one's name since the sender came in."""
    seen, mine = False, called(scene.moment.me.name, scene.moment.me.id)
    for line in scene.moment.recent:
        seen = seen or (scene.sender is not None and line.sender == scene.sender.id)
        if seen and line.sender == scene.moment.me.id and any(name in line.text for name in mine):
            return True
    return False


def _obey(draft: Draft) -> None:
    """What the profile's triggers say about speaking, beyond what a turn does anyway."""
    scene = draft.scene
    cues = scene.reading.cues
    if "farewell" in scene.orders and Cue.FAREWELL not in cues and scene.sender is not None:
        draft.done = draft.say("farewell_one", name=scene.name(scene.sender))
    if "comfort" in scene.orders and Cue.LOW not in cues:
        draft.emotion = "sorry"
        draft.say("comfort")
    if "thank" in scene.orders:
        draft.say("thanks")
    if (about := scene.orders.get("about")) is not None:
        topic = next(iter(scene.topics(about["what"])), None)
        if topic is not None:
            draft.speak_of(topic)
            tell_about(draft, draft.slots.get("interest"), topic.stems)


def _open(draft: Draft) -> None:
    """Begin a talk, as fits why it begins."""
    scene = draft.scene
    draft.emotion = "happy"
    if (quote := scene.orders.get("quote")) is not None:
        draft.parts.append(quote["what"])
    elif scene.moment.opening == "newcomer" and len(scene.moment.present) == 1:
        _receive(draft, scene.moment.present[0])
    elif scene.moment.opening == "context" and _speak_of_news(draft):
        invite(draft)
    else:
        _bring_up(draft)


def _receive(draft: Draft, newcomer: Someone) -> None:
    """Greet somebody who has just come in, and no more: they are still arriving."""
    scene, name = draft.scene, draft.scene.name(newcomer)
    draft.target = newcomer
    if newcomer.met:
        draft.say("welcome_back", name=name)
    else:
        say_topic(draft)
        draft.say("greet_new", name=name)
        _introduce(draft)
    draft.parts += scene.found
    draft.do("gesture", kind="wave", target=newcomer.id)


def _speak_of_news(draft: Draft) -> bool:
    """Speak of what has just come in from around, as one is told to; whether there was anything."""
    say_topic(draft)
    _obey(draft)
    draft.parts += draft.scene.found
    return notice(draft) or bool(draft.parts)


def _bring_up(draft: Draft) -> None:
    """Bring up the topic or an interest; greet those who are there first, unless it has only been quiet
    among people who know each other."""
    scene = draft.scene
    new = [someone for someone in scene.moment.present if not someone.met]
    if new or scene.moment.opening not in {"silence", "context"}:
        draft.say("greet_all")
    if new:
        say_topic(draft)
        _introduce(draft)
        draft.do("gesture", kind="wave")
    draft.parts += scene.found
    title = scene.moment.topic.strip(" .。!?！？")[:_LONGEST_TITLE]
    stems = scene.tongue.stems(title)
    interest = interest_for(draft, stems)
    if interest is not None:
        draft.turn_to(interest)
    draft.focus = title or (interest.text if interest else "")
    if draft.focus:
        said = draft.focus
        draft.say("open_topic", topic=said)
        tell_about(draft, interest.text if interest else None, stems)
        draft.focus = said
    show_oneself(draft)
    invite(draft)
    if not draft.parts:
        draft.say("greet_all")


def _part(draft: Draft) -> None:
    """The farewell."""
    say_topic(draft)
    draft.emotion = "warm"
    sender = draft.scene.sender
    draft.do("gesture", kind="wave")
    if sender is not None and len(draft.scene.moment.present) == 1:
        draft.say("farewell_one", name=draft.scene.name(sender))
    else:
        draft.say("farewell")
    if not draft.parts:
        draft.say("last_word")


def _last(draft: Draft) -> None:
    """A last word, or silence where one has said goodbye."""
    if any(Cue.FAREWELL in cues_in(line.text, draft.scene.tongue) for line in draft.scene.mine[-2:]):
        return
    draft.emotion = "warm"
    draft.say("last_word")
