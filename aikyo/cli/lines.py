"""The swarm as lines: one an event, for pipes, logs and scripts."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable, Callable
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from .terminal import colored

if TYPE_CHECKING:
    from ..wire import Envelope, Event, SwarmStatus

__all__ = ["print_lines"]

_UP = {"listening", "thinking", "speaking", "resting"}

_QUIET = {"states", "presence"}
"""Topics that are too many, and too little worth, for people."""


async def print_lines(
    envelopes: AsyncIterable[Envelope], status: Callable[[], SwarmStatus], *, as_json: bool
) -> None:
    """Print one line an event until cancelled, or until nobody reads any more.

    Whoever reads slowly holds up nobody; see `Outlet`, also for how it ends.

    Args:
        envelopes: what happens.
        status: how things are, for the `ready` line.
        as_json: JSON objects with the key ``event``, instead of words.
    """
    from ..outlet import Outlet

    color, outlet = colored(sys.stdout), Outlet(sys.stdout)
    with redirect_stdout(sys.stderr):  # what tools of one's own print goes there
        try:
            async for envelope in envelopes:
                line = _json_line(envelope, status) if as_json else _line(envelope, status, color)
                if line:
                    await outlet.write(line + "\n")
        finally:
            await outlet.end()


def _json_line(envelope: Envelope, status: Callable[[], SwarmStatus]) -> str:
    """An event of the swarm goes by its type, what goes over the mesh by its topic."""
    import msgspec

    fields: dict[str, Any]
    if envelope.topic == "events":
        fields = msgspec.json.decode(envelope.body)
        fields = {"event": fields.pop("type"), "time": envelope.time, **fields}
    else:
        fields = {"event": envelope.topic, **msgspec.structs.asdict(envelope)}
        del fields["topic"]
    if fields["event"] == "ready":
        fields |= _ready(status())
    return msgspec.json.encode(fields).decode()


def _line(envelope: Envelope, status: Callable[[], SwarmStatus], color: bool) -> str:
    from ..client import render

    if envelope.topic in _QUIET or _is_left_out(envelope):
        return ""
    if envelope.topic == "events" and _event(envelope).type == "ready":
        ready = _ready(status())
        names = ", ".join(ready["companions"]) or "no companions"
        return f"ready: {names}; firehose {ready['firehose']}, gateway {ready['gateway']}"
    return render(envelope, color=color)


def _is_left_out(envelope: Envelope) -> bool:
    """A speak action goes with a Message; that somebody listens or speaks shows in what they say, and
    what is routine interests nobody."""
    import msgspec

    from ..wire import Action

    if envelope.topic == "actions":
        action = msgspec.json.decode(envelope.body, type=Action)
        return action.name == "speak" and "messageId" in action.params
    if envelope.topic != "events":
        return False
    event = _event(envelope)
    silent = event.type == "activity" and event.reason is None
    return silent or event.routine or event.type in {"joined", "left", "talk-begun"}


def _event(envelope: Envelope) -> Event:
    import msgspec

    from ..wire import Event

    return msgspec.json.decode(envelope.body, type=Event)


def _ready(status: SwarmStatus) -> dict[str, Any]:
    from ..wire import bare_name

    up = [bare_name(one.id) for one in status.companions if one.activity in _UP]
    return {"companions": up, "firehose": status.firehose, "gateway": status.gateway}
