"""Actions and events in words. Pure, and never fails, whatever the parameters."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .wire import Action, Event, QuietMode, bare_name

__all__ = [
    "MANNERS",
    "MAX_JSON",
    "REASONS",
    "as_json",
    "deed",
    "happening",
    "quietness",
    "shorten",
    "span",
]

MAX_JSON = 200
"""Characters of JSON that are shown at the most."""


REASONS = {
    "closed": "it has come to its end",
    "nobody-wanted": "nobody has more to say",
    "limit": "whoever would answer has taken all the turns it may",
    "interrupted": "a person spoke to whoever was about to answer",
    "no-quorum": "nobody was there to answer",
    "quiet": "whoever would answer was asked to be quiet",
    "brain-failed": "no brain was able to answer",
    "spent": "whoever would answer may spend no more on thinking for now",
}
"""Why a talk rests, by the reason that its event carries."""

MANNERS: dict[QuietMode, str] = {
    "normal": "speaks as usual",
    "mention-only": "speaks only when turned to",
    "quiet": "is quiet",
}
"""What a companion of each mode does."""


def happening(event: Event, at: float | None = None) -> str:
    """What has happened, without whom it has happened to: ``is thinking``, ``a talk begins``.

    Args:
        event: what happened.
        at: when, in seconds since the epoch, to tell how long something will last.
    """
    reason = REASONS.get(event.reason or "", event.reason or "")
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
        case "quiet":
            return quietness(event.mode or "normal", event.until or 0, at) + because
        case "interrupted":
            return f"was interrupted{because}"
        case "restart":
            return f"crashed and starts again{because}"
        case "failed" | "stopped" | "joined" | "left":
            return f"has {event.type}{because}"
        case "notice" | "memory" if reason:
            return reason
        case "session" if reason:
            return f"has {reason}"
        case kind:
            return f"{kind.replace('-', ' ')}{because}"


def quietness(mode: QuietMode, until: float, now: float | None) -> str:
    """How quiet somebody is from `now` on, and how long: ``is quiet for 10 min``.

    Args:
        mode: how quiet.
        until: when that is over, in seconds since the epoch; 0: when it is changed.
        now: the time, on the same clock; None where it is not known.
    """
    if mode == "normal":
        return f"{MANNERS[mode]} again"
    if not until:
        return f"{MANNERS[mode]} until told otherwise"
    return f"{MANNERS[mode]} for {'a while' if now is None else span(until - now)}"


def span(seconds: float) -> str:
    """How long: ``45 s``, ``10 min``, ``1 h 30 min``."""
    if not seconds < 1e9:  # nobody's time
        return "?"
    left = max(0, round(seconds))
    if left < 60:
        return f"{left} s"
    hours, minutes = divmod(round(left / 60), 60)
    parts = ([f"{hours} h"] if hours else []) + ([f"{minutes} min"] if minutes else [])
    return " ".join(parts)


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
