"""What happens, as one line for people. Pure, and never fails, whatever a stranger has sent."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, tzinfo

import msgspec

from ..deeds import MAX_JSON, as_json, deed, happening, shorten
from ..text import inert
from ..wire import (
    Action,
    Context,
    Delta,
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

__all__ = ["render"]

_TYPES: dict[str, type[Payload]] = {
    kind.topic: kind for kind in (Message, Action, State, Query, QueryResult, Context, Presence)
}
_DIM, _BOLD, _CYAN, _OFF = "\x1b[2m", "\x1b[1m", "\x1b[36m", "\x1b[0m"


def render(envelope: Envelope, *, color: bool = False, zone: tzinfo | None = None) -> str:
    """One line: time of day, and who does what (``12:30:05 alice → bob: Hello!``).

    Args:
        envelope: what happened.
        color: with ANSI colours.
        zone: whose time of day; None is the local one.
    """
    time = _clock(envelope.time, zone)
    who, what = _tell(envelope)
    gap = " " if what.startswith(" ") else ""
    who, what = inert(who), gap + inert(what)
    if not color:
        return f"{time} {who}{what}"
    if envelope.topic == Topic.MESSAGES:
        return f"{_DIM}{time}{_OFF} {_BOLD}{_CYAN}{who}{_OFF}{what}"
    if envelope.topic == Topic.ACTIONS:
        return f"{_DIM}{time}{_OFF} {_CYAN}{who}{_OFF}{what}"
    return f"{_DIM}{time} {who}{what}{_OFF}"


def _clock(time: float, zone: tzinfo | None) -> str:
    try:
        return f"{datetime.fromtimestamp(time, zone):%H:%M:%S}"
    except (ValueError, OverflowError, OSError):  # a time that no calendar has
        return "--:--:--"


def _tell(envelope: Envelope) -> tuple[str, str]:
    """Who, and what of them, to be read as one sentence."""
    try:
        if envelope.topic == "events":
            return _event(msgspec.json.decode(envelope.body, type=Event), envelope.time)
        if envelope.topic == "deltas":
            return _delta(msgspec.json.decode(envelope.body, type=Delta))
        payload = msgspec.json.decode(envelope.body, type=_TYPES[envelope.topic])
    except (KeyError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return envelope.topic, " " + shorten(
            bytes(envelope.body)[: 4 * MAX_JSON].decode("utf-8", "replace")
        )
    return _payload(payload)


def _payload(payload: Payload) -> tuple[str, str]:
    match payload:
        case Message():
            return bare_name(payload.sender), f"{_names(' → ', payload.to)}: {payload.message}"
        case Action():
            return bare_name(payload.sender), f" {deed(payload)}"
        case State():
            return bare_name(payload.sender), f" {_state(payload)}"
        case Query():
            asked = _names(" ", payload.to)
            return bare_name(payload.sender), f" asks{asked} for {payload.type}: {as_json(payload.body)}"
        case QueryResult(success=True):
            return "answer", f" to {payload.id}: {as_json(payload.body)}"
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
    notes += [state.reason] if state.reason else []
    return f"{words} ({', '.join(notes)})" if notes else words


def _event(event: Event, at: float) -> tuple[str, str]:
    who = bare_name(event.companion or "")
    return who, f" {happening(event, at)}" if who else happening(event, at)


def _delta(delta: Delta) -> tuple[str, str]:
    ended = f" ({delta.end})" if delta.end else ""
    return bare_name(delta.sender), f" … {delta.text}{ended}"


def _names(before: str, idents: Iterable[str]) -> str:
    names = ", ".join(bare_name(ident) for ident in idents)
    return before + names if names else ""
