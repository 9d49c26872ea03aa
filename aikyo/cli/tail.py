"""`aikyo tail`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ..errors import UsageError, nearest
from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import colored, note, run

__all__ = ["tail"]


def tail(
    topics: Annotated[
        list[str] | None, typer.Argument(metavar="[TOPIC]...", help="Only these. Default: every one.")
    ] = None,
    *,
    sender: Annotated[
        str | None, typer.Option("--from", metavar="NAME", help="Only what is from NAME.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("-n", min=1, metavar="COUNT", help="End after COUNT events.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Print what happens, as it happens: messages, actions, states and the swarm's own events.

    Example: aikyo tail actions messages --from alice
    """
    run(lambda: _tail(Home.locate(home), tuple(topics or ()), sender, count, as_json))


async def _tail(
    home: Home, topics: tuple[str, ...], sender: str | None, count: int | None, as_json: bool
) -> None:
    from ..client import TOPICS, Remote, find_swarm, is_known, open_stream, render
    from ..text import encodable

    for topic in topics:
        if topic not in TOPICS:
            raise UsageError(f"no topic {topic[:80]!r}{nearest(topic, TOPICS)}")
    color, missed, swarm = colored(sys.stdout), 0, find_swarm(home)
    companion = sender if sender and not sender.startswith("user_") else None
    if companion and not is_known(companion, await Remote(swarm).status()):
        note(f"(nobody called {companion[:80]!r} is on the mesh yet; waiting)")
    async with open_stream(swarm, topics=topics, sender=sender) as stream:
        async for envelope in stream:
            if stream.dropped > missed:
                note(f"({stream.dropped - missed} events were missed: reading is too slow)")
                missed = stream.dropped
            if as_json:
                print_json(envelope)
            else:
                print(encodable(render(envelope, color=color), sys.stdout.encoding or "utf-8"))
            sys.stdout.flush()
            if count is not None and (count := count - 1) == 0:
                return
