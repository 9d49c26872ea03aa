"""Answers from what is known: what was told, what came in from around, oneself, and sums."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable

from ..moment import Line, Someone
from .book import Cue
from .draft import Draft
from .knowing import asks_of_sender, known_name, tell_known
from .memories import quote_of, who_said
from .reading import cues_in, given_name
from .scene import Scene
from .telling import interest_for, tale_about, tell_about

__all__ = ["hear_name", "is_busy", "name_sender", "notices", "reckon", "recollect", "tell_of_life"]

_PICTURE = "a picture"
_LEAST_SHARED = 4
_MINE = re.compile(r"\b(?:I|my|our|we)\b|わたし|私|ぼく|僕|おれ|俺|あたし|うち", re.IGNORECASE)
_READS = re.compile(r"read|読")
_SUM = re.compile(
    r"^(?:.*?\b(?:is|are|of|what's|does|makes?|know|me|calculate|add)\s+)?(?P<one>\d{1,9})\s*"
    r"(?P<sign>[-+＋*x×/÷]|plus|minus|times|divided by|足す|たす|引く|ひく|かける|掛ける|割る|わる)\s*"
    r"(?P<two>\d{1,9})\s*(?:=|は|make|って|[?？.。]|$)",
    re.IGNORECASE,
)
_BY_SIGN: dict[str, Callable[[int, int], float]] = {
    **dict.fromkeys(("+", "＋", "plus", "足す", "たす"), operator.add),
    **dict.fromkeys(("-", "minus", "引く", "ひく"), operator.sub),
    **dict.fromkeys(("*", "x", "×", "times", "かける", "掛ける"), operator.mul),
    **dict.fromkeys(("/", "÷", "divided by", "割る", "わる"), operator.truediv),
}


def name_sender(draft: Draft, _: re.Match[str]) -> bool:
    """Say what the sender is called: as they have said themselves, else as they are known."""
    scene = draft.scene
    if scene.sender is None or not scene.by_person:
        return False
    name = _stated_name(scene) or known_name(scene)
    known = Someone(scene.sender.id, name, "person") if name else scene.sender
    draft.emotion = "happy"
    return draft.say("my_name", name=scene.name(known))


def hear_name(draft: Draft) -> bool:
    """Take note of the name that the sender gives; whether that is all they say."""
    scene = draft.scene
    name = given_name(scene.reading.text, scene.tongue, surely=True)
    if not name or not scene.by_person or scene.reading.question or scene.sender is None:
        return False
    known = Someone(scene.sender.id, name, "person")
    rest = scene.tongue.without(scene.reading.text, (name,))
    return draft.say("name_heard", name=scene.name(known)) and not scene.topics(rest)


def notices(draft: Draft, _: re.Match[str]) -> bool:
    """Say what came in from around that is asked about, the newest where nothing particular is."""
    stems = draft.scene.reading.stems
    tale = tale_about(draft, stems)
    if _point_out(draft) or _tell_back(draft):
        return True
    if Cue.EXPERIENCE in draft.scene.reading.cues or (tale is not None and tale.stems & stems):
        return False
    return draft.say("seen_nothing")


def recollect(draft: Draft) -> bool:
    """Answer a question from what came in or was told, where it holds what is asked."""
    return _point_out(draft) or _tell_back(draft)


def tell_of_life(draft: Draft) -> bool:
    """Answer what is asked about somebody's life from what one knows of them or was told, or say that
    one does not know."""
    if tell_known(draft):
        return True
    if not asks_of_sender(draft.scene) or Cue.MY_NAME in draft.scene.reading.cues:
        return False
    if recollect(draft):
        return True
    draft.emotion = "sorry"
    return draft.say("known_not")


def is_busy(draft: Draft, match: re.Match[str]) -> bool:
    """Say what one is doing, reading or thinking about: one of one's interests, and a tale of it."""
    reads = _READS.search(match[0]) is not None
    stems = draft.scene.tongue.book.words["reading"] if reads else frozenset()
    interest = interest_for(draft, stems)
    if interest is not None:
        draft.turn_to(interest)
    draft.emotion = "happy"
    draft.say("reading" if reads and interest else "busy", "busy_plain")
    return tell_about(draft, interest.text if interest else None)


def reckon(draft: Draft) -> bool:
    """Answer a sum of two numbers."""
    match = _SUM.search(draft.scene.reading.plain.strip())
    if match is None:
        return False
    compute = _BY_SIGN[match["sign"].lower()]
    if compute is operator.truediv and int(match["two"]) == 0:
        return False
    result = compute(int(match["one"]), int(match["two"]))
    return draft.say("sum", answer=f"{result:.10g}" if result % 1 == 0 else f"{result:.2f}")


def _point_out(draft: Draft) -> bool:
    scene = draft.scene
    wanted = scene.reading.stems
    lines = [*reversed(scene.moment.perceived), *(m for m in scene.memories if m.kind == "perceived")]
    line = next((line for line in lines if _near(wanted, scene.tongue.stems(line.text))), None)
    if line is None and not scene.reading.topics and Cue.NOTICED in scene.reading.cues:
        line = next(iter(lines), None)
    if line is None:
        return False
    draft.emotion = "curious"
    draft.mention(line)
    when = scene.tongue.when(line.time, scene.moment.now)
    if line.text == _PICTURE:
        return draft.say("seen_image", when=when)
    return draft.say("seen", when=when, quote=quote_of(scene, line.text, wanted))


def _tell_back(draft: Draft) -> bool:
    """Something that was told and shares what is asked: a word is enough for what is the asker's own."""
    scene = draft.scene
    wanted = scene.reading.stems
    own = scene.by_person and _MINE.search(scene.reading.plain) is not None
    for line in _told(scene):
        shared = _near(wanted, scene.tongue.stems(line.text))
        mine = scene.sender is not None and line.sender == scene.sender.id
        if (shared and own and mine) or (len(shared) >= 2 and shared == wanted):
            when = scene.tongue.when(line.time, scene.moment.now)
            quote = quote_of(scene, line.text, shared)
            draft.mention(line)
            draft.emotion = "happy"
            return draft.say(
                "told_you" if mine else "told", who=who_said(scene, line), when=when, quote=quote
            )
    return False


def _told(scene: Scene) -> Iterable[Line]:
    """What others have told, newest first, without questions."""
    message = scene.moment.message
    earlier = [line for line in scene.moment.recent if message is None or line.id != message.id]
    for line in (*reversed(earlier), *scene.memories):
        asks = scene.tongue.is_question(line.text) or Cue.REMEMBER in cues_in(line.text, scene.tongue)
        if line.sender != scene.moment.me.id and line.kind != "perceived" and not asks:
            yield line


def _stated_name(scene: Scene) -> str:
    """The name that the sender gave last."""
    for line in _told(scene):
        theirs = scene.sender is not None and line.sender == scene.sender.id
        if theirs and (name := given_name(line.text, scene.tongue)):
            return name
    return ""


def _near(wanted: Iterable[str], words: Iterable[str]) -> frozenset[str]:
    """Those of `wanted` that are among `words`, or begin as one of them does ("raining", "rain")."""
    known = tuple(words)
    return frozenset(w for w in wanted if any(w == k or _same_root(w, k) for k in known))


def _same_root(one: str, two: str) -> bool:
    short, long = sorted((one, two), key=len)
    return (
        len(short) >= _LEAST_SHARED
        and long.startswith(short)
        and len(long) - len(short) <= _LEAST_SHARED
    )
