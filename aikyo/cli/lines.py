"""The swarm as lines: one an event, for pipes, logs and scripts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from .terminal import colored

if TYPE_CHECKING:
    from ..swarm import Swarm
    from ..wire import Envelope

__all__ = ["print_lines"]


async def print_lines(swarm: Swarm, as_json: bool) -> None:
    """Print one line an event until cancelled, or until nobody reads any more.

    It writes in a thread, so that whoever reads slowly holds up nobody.

    Args:
        swarm: what to show.
        as_json: JSON objects with the key ``event``, instead of words.
    """
    import trio

    color = colored(sys.stdout)
    with swarm.hub.subscribe() as envelopes:
        async for envelope in envelopes:
            line = _json_line(envelope, swarm) if as_json else _line(envelope, swarm, color)
            if line:
                await trio.to_thread.run_sync(_print, line, abandon_on_cancel=True)


def _print(line: str) -> None:
    print(line, flush=True)


def _json_line(envelope: Envelope, swarm: Swarm) -> str:
    """``{"event": …}``: an event of the swarm by its type, what goes over the mesh by its topic."""
    import msgspec

    if envelope.topic != "events":
        return msgspec.json.encode({"event": envelope.topic, **_fields(envelope)}).decode()
    event = msgspec.json.decode(envelope.body)
    line = {"event": event.pop("type"), "time": envelope.time, **event}
    if line["event"] == "ready":
        line |= _ready(swarm)
    return msgspec.json.encode(line).decode()


def _fields(envelope: Envelope) -> dict[str, object]:
    import msgspec

    fields = msgspec.structs.asdict(envelope)
    del fields["topic"]
    return fields


def _ready(swarm: Swarm) -> dict[str, object]:
    status = swarm.status()
    return {
        "companions": [companion.name for companion in status.companions],
        "firehose": status.firehose,
        "gateway": status.gateway,
    }


def _line(envelope: Envelope, swarm: Swarm, color: bool) -> str:
    from ..client import render

    if envelope.topic in {"states", "presence"}:
        return ""
    if envelope.topic == "events" and b'"type":"ready"' in bytes(envelope.body):
        return "ready: {companions}; firehose {firehose}, gateway {gateway}".format(
            **{k: ", ".join(v) if isinstance(v, list) else v for k, v in _ready(swarm).items()}
        )
    return render(envelope, color=color)
