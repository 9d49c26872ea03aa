"""Actions and events in words. Pure, and never fails, whatever the parameters."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .wire import Action, Event, bare_name

__all__ = ["MAX_JSON", "as_json", "deed", "happening", "shorten"]

MAX_JSON = 200
"""Characters of JSON that are shown at the most."""


_WHY = {
    "closed": "it has come to its end",
    "no-quorum": "nobody was there to answer",
    "nobody-addressed": "nobody else was spoken to",
    "nobody-wanted": "nobody has more to say",
    "silent": "whoever had the turn said nothing",
}


def happening(event: Event) -> str:
    """What has happened, without whom it has happened to: ``is thinking``, ``a talk begins``."""
    reason = _WHY.get(event.reason or "", event.reason or "")
    because = f": {reason}" if reason else ""
    match event.type:
        case "activity":
            return f"is {event.activity or 'idle'}{because}"
        case "mood":
            return f"feels {event.mood or 'nothing in particular'}"
        case "talk-begun":
            return "a talk begins"
        case "talk-resting":
            return f"the talk rests{because}"
        case "talk-ended":
            return f"the talk ends{because}"
        case "restart":
            return f"crashed and starts again{because}"
        case "failed" | "stopped" | "joined" | "left":
            return f"has {event.type}{because}"
        case "notice" if reason:
            return reason
        case kind:
            return f"{kind.replace('-', ' ')}{because}"


def deed(action: Action, name: Callable[[str], str] = bare_name) -> str:
    """What is done, without the doer: ``waves at bob``.

    Args:
        action: its parameters may be anything.
        name: what somebody of an id is called.
    """
    params = dict(action.params)
    target = params.get("target")
    toward = name(target) if isinstance(target, str) else ""
    match action.name:
        case "speak":
            return f"says{f' to {toward}' if toward else ''}: {_text(params.get('message', ''))}"
        case "move" if toward:
            return f"moves to {toward}"
        case "move":
            return f"moves to ({_number(params.get('x'))}, {_number(params.get('y'))})"
        case "look" if toward:
            return f"looks at {toward}"
        case "look":
            return f"looks toward {_number(params.get('direction'))} degrees"
        case "gesture":
            return _gesture(_text(params.get("kind", ""))) + (f" at {toward}" if toward else "")
        case other if toward:
            del params["target"]
            return f"does {other} to {toward}" + (f" {as_json(params)}" if params else "")
        case other:
            return f"does {other}" + (f" {as_json(params)}" if params else "")


def as_json(value: object) -> str:
    """`value` as JSON, cut to `MAX_JSON` characters."""
    try:
        text = msgspec.json.encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):  # numbers too long to be written
        return "?"
    return shorten(text)


def shorten(text: str) -> str:
    """`text`, cut to `MAX_JSON` characters."""
    return text if len(text) <= MAX_JSON else text[: MAX_JSON - 1] + "…"


def _gesture(kind: str) -> str:
    """What somebody does who makes this gesture: ``wave`` → ``waves``; no plain word is only named."""
    if not (kind.isascii() and kind.isalpha() and kind.islower()):
        return f"gestures {kind}".rstrip()
    if kind.endswith(("s", "x", "z", "ch", "sh")):
        return kind + "es"
    if kind.endswith("y") and kind[-2:-1] not in tuple("aeiou"):
        return kind[:-1] + "ies"
    return kind + "s"


def _text(value: object) -> str:
    return value if isinstance(value, str) else as_json(value)


def _number(value: object) -> str:
    try:
        return f"{value:g}" if isinstance(value, int | float) else "?"
    except OverflowError:  # a whole number beyond any float
        return "?"
