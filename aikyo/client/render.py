"""What happens, as one line for people. Pure, and never fails, whatever a stranger has sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

import msgspec

from ..wire import (
    Action,
    Context,
    Envelope,
    Event,
    Message,
    Payload,
    Presence,
    Query,
    QueryResult,
    State,
    Topic,
    bare_name,
)

__all__ = ["clean", "render"]

_TYPES: dict[str, type[Payload]] = {
    kind.topic: kind for kind in (Message, Action, State, Query, QueryResult, Context, Presence)
}
# Control characters would let a companion write to the reader's terminal; marks that turn the
# direction of text would let it pass for somebody else. Joiners stay: emoji and scripts need them.
_UNSAFE = re.compile(
    "\x1b\\[[0-?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_MAX_JSON = 200
_DIM, _BOLD, _CYAN, _OFF = "\x1b[2m", "\x1b[1m", "\x1b[36m", "\x1b[0m"


def clean(text: str, *, lines: bool = False) -> str:
    """`text` without anything that a terminal would act upon.

    Args:
        text: what somebody wrote.
        lines: keep line breaks; otherwise all is on one line.
    """
    if lines:
        return "\n".join(clean(line) for line in text.splitlines())
    return _UNSAFE.sub("", " ".join(text.split("\n")))


def render(envelope: Envelope, *, color: bool = False, zone: tzinfo | None = None) -> str:
    """One line: time of day, and who does what (``12:30:05 alice → bob: Hello!``).

    Args:
        envelope: what happened.
        color: with ANSI colours.
        zone: whose time of day; None is the local one.
    """
    time = f"{datetime.fromtimestamp(envelope.time, zone):%H:%M:%S}"
    who, what = (clean(part) for part in _tell(envelope))
    if not color:
        return f"{time} {who}{what}"
    if envelope.topic == Topic.MESSAGES:
        return f"{_DIM}{time}{_OFF} {_BOLD}{_CYAN}{who}{_OFF}{what}"
    if envelope.topic == Topic.ACTIONS:
        return f"{_DIM}{time}{_OFF} {_CYAN}{who}{_OFF}{what}"
    return f"{_DIM}{time} {who}{what}{_OFF}"


def _tell(envelope: Envelope) -> tuple[str, str]:
    """Who, and what of them, to be read as one sentence."""
    try:
        if envelope.topic == "events":
            return _event(msgspec.json.decode(envelope.body, type=Event))
        payload = msgspec.json.decode(envelope.body, type=_TYPES[envelope.topic])
    except (KeyError, msgspec.MsgspecError, UnicodeError):
        body = bytes(envelope.body)[: 4 * _MAX_JSON].decode("utf-8", "replace")
        return envelope.topic, " " + _shorten(body)
    return _payload(payload)


def _payload(payload: Payload) -> tuple[str, str]:
    match payload:
        case Message():
            return bare_name(payload.sender), f"{_names(' → ', payload.to)}: {payload.message}"
        case Action():
            return bare_name(payload.sender), f" {_action(payload.name, payload.params)}"
        case State():
            return bare_name(payload.sender), f" {_state(payload)}"
        case Query():
            asked = _names(" ", payload.to)
            return bare_name(payload.sender), f" asks{asked} for {payload.type}: {_json(payload.body)}"
        case QueryResult(success=True):
            return "answer", f" to {payload.id}: {_json(payload.body)}"
        case QueryResult():
            return "no answer", f" to {payload.id}: {payload.error}"
        case Context():
            shown = (
                payload.context if payload.type == "text" else f"({payload.media_type or 'a picture'})"
            )
            return bare_name(payload.sender), f" shows{_names(' ', payload.to)}: {shown}"
        case Presence():
            return bare_name(payload.id), " has gone" if payload.gone else " is here"
        case _:  # every topic is above
            return payload.topic, ""


def _action(name: str, params: dict[str, Any]) -> str:
    target = params.get("target")
    toward = bare_name(target) if isinstance(target, str) else ""
    match name:
        case "speak":
            return f"says{f' to {toward}' if toward else ''}: {params.get('message', '')}"
        case "move" if toward:
            return f"moves to {toward}"
        case "move":
            return f"moves to ({_number(params.get('x'))}, {_number(params.get('y'))})"
        case "look" if toward:
            return f"looks at {toward}"
        case "look":
            return f"looks toward {_number(params.get('direction'))}°"
        case "gesture":
            return _third_person(str(params.get("kind", "gesture"))) + (
                f" at {toward}" if toward else ""
            )
        case _:
            return f"does {name} {_json(params)}"


def _state(state: State) -> str:
    match state.state:
        case "composing":
            words = "takes the turn"
        case "speak":
            words = "wants to speak"
        case "listen":
            words = "would rather listen"
    notes = [f"{state.importance:g}"] if state.state != "composing" else []
    notes += ["as runner-up"] if state.rank else []
    notes += ["selected"] if state.selected else []
    notes += [state.closing] if state.closing != "none" else []
    return f"{words} ({', '.join(notes)})" if notes else words


def _event(event: Event) -> tuple[str, str]:
    who = bare_name(event.companion or "")
    match event.type:
        case "activity":
            words = f" is {event.activity or 'idle'}"
        case "mood":
            words = f" feels {event.mood or 'nothing in particular'}"
        case kind:
            words = f" {kind.replace('-', ' ')}"
    reason = f": {event.reason}" if event.reason else ""
    return who or "swarm", words + reason


def _third_person(verb: str) -> str:
    """``wave`` → ``waves``; what is no plain word is only named."""
    if not (verb.isascii() and verb.isalpha() and verb.islower()):
        return f"gestures {verb}"
    if verb.endswith(("s", "x", "z", "ch", "sh")):
        return verb + "es"
    if verb.endswith("y") and verb[-2:-1] not in tuple("aeiou"):
        return verb[:-1] + "ies"
    return verb + "s"


def _names(before: str, idents: Iterable[str]) -> str:
    names = ", ".join(bare_name(ident) for ident in idents)
    return before + names if names else ""


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, int | float) else "?"


def _json(value: object) -> str:
    return _shorten(msgspec.json.encode(value).decode())


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_JSON else text[: _MAX_JSON - 1] + "…"
