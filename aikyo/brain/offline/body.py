"""What a companion does beside speaking: asked for by others or by its triggers, or of itself."""

from __future__ import annotations

import re

from ..moment import Someone
from .book import Book, Cue
from .draft import Draft
from .language import tongues
from .reading import names_in

__all__ = ["do_as_asked", "do_as_told", "show_mood"]

_PLACE = re.compile(r"(?<!\d)(\d{1,3}(?:\.\d{1,3})?)\s*[,，、\s]\s*(\d{1,3}(?:\.\d{1,3})?)(?!\.?\d)")
_HERE = re.compile(
    r"\b(?:me|us|my|here|them|him|her)\b|わたし|私|ぼく|僕|おれ|俺|あたし|相手", re.IGNORECASE
)
_ROOM = 100.0
_CORNERS = ((8.0, 10.0), (92.0, 10.0), (8.0, 90.0), (92.0, 90.0))
_TO_SOMEBODY = frozenset({"wave", "bow", "nod", "hug", "smile"})
_GESTURES = {
    "happy": ("smile", "nod", "clap"),
    "curious": ("think", "nod", "lean in"),
    "amused": ("laugh", "smile"),
    "sorry": ("nod", "sigh"),
    "puzzled": ("shrug", "think"),
    "calm": ("nod", "think"),
    "warm": ("wave", "bow"),
}


def do_as_asked(draft: Draft) -> bool:
    """Come, go, look or make a gesture because the message asks for it, and say so; whether it did."""
    scene, cues = draft.scene, draft.scene.reading.cues
    plain = scene.reading.plain
    if not scene.for_me or not (scene.by_person or scene.moment.addressed):
        return False
    if Cue.COME in cues and scene.sender is not None:
        return _answer(draft, "move", "coming", target=scene.sender.id)
    if Cue.AWAY in cues:
        x, y = draft.random.choice(_CORNERS)
        return _answer(draft, "move", "going", x=x, y=y)
    if (match := cues.get(Cue.GO)) is not None:
        where = _place(plain) or _person(draft, scene.reading.text, match["what"])
        return _answer(draft, "move", "going", **where) if where else draft.say("nowhere")
    match = cues.get(Cue.LOOK)
    if match is not None and (whom := _person(draft, scene.reading.text, match["what"])):
        return _answer(draft, "look", "looking", **whom)
    kind = _gesture(plain, scene.tongue.book)
    if kind is None:
        return False
    return _answer(draft, "gesture", "doing", **_aimed(draft, kind))


def do_as_told(draft: Draft) -> None:
    """Do what the profile's triggers say for this turn."""
    scene = draft.scene
    for instruction in scene.moment.instructions:
        text = instruction.text[:500]
        target: dict[str, str | float] = {"target": scene.sender.id} if scene.sender is not None else {}
        match instruction.tool:
            case "gesture":
                kinds = (_gesture(text, tongue.book) for tongue in tongues())
                kind = next((kind for kind in kinds if kind), None)
                if kind is not None and kind not in draft.habits.gestures:
                    draft.do("gesture", **_aimed(draft, kind))
            case "look":
                if whom := _person(draft, text, text) or target:
                    draft.do("look", **whom)
            case "move":
                if where := _place(text) or _person(draft, text, text) or target:
                    draft.do("move", **where)
            case own if own in scene.simple and own != "speak":
                draft.do(own)  # an action of the user's own


def show_mood(draft: Draft) -> None:
    """Now and then let the mood be seen, where nothing else is done."""
    scene = draft.scene
    done = {deed.tool for deed in draft.deeds}
    whom = draft.target or scene.sender
    if "look" not in done and whom is not None and draft.random.random() < 0.35:
        draft.do("look", target=whom.id)
    if "gesture" not in done and draft.random.random() < 0.4:
        kinds = [kind for kind in _GESTURES.get(draft.emotion, ()) if kind not in draft.habits.gestures]
        if kinds:
            draft.do("gesture", **_aimed(draft, draft.random.choice(kinds)))


def _answer(draft: Draft, tool: str, act: str, **params: str | float) -> bool:
    if tool not in draft.scene.tools:
        return draft.say("cannot")
    draft.emotion = "happy"
    draft.do(tool, **params)
    return draft.say(act)


def _gesture(text: str, book: Book) -> str | None:
    """The kind of gesture that `text` asks for."""
    found = (kind for kind, patterns in book.gestures.items() if any(p.search(text) for p in patterns))
    return next(found, None)


def _aimed(draft: Draft, kind: str) -> dict[str, str | float]:
    """A gesture, toward somebody where it is one."""
    whom: Someone | None = draft.target or draft.scene.sender
    return {"kind": kind, "target": whom.id} if whom and kind in _TO_SOMEBODY else {"kind": kind}


def _place(text: str) -> dict[str, str | float] | None:
    """A place in the room, 0 to 100 each way."""
    match = _PLACE.search(text)
    if match is None:
        return None
    return {"x": min(_ROOM, float(match[1])), "y": min(_ROOM, float(match[2]))}


def _person(draft: Draft, text: str, what: str) -> dict[str, str | float] | None:
    """Somebody who is named in `text`, or, where `what` says so, the one who speaks."""
    named = names_in(text, draft.scene.others)
    if named:
        return {"target": named[0].id}
    sender = draft.scene.sender
    return {"target": sender.id} if sender is not None and _HERE.search(what) else None
