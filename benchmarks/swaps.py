"""What swaps of sessions cost a turn: `python benchmarks/swaps.py`.

A real swarm thinks through the real SDK with a local server that speaks the Messages API and takes its
time as a model does. Three people talk at once, each with one companion; the time from each message to
its answer is taken: while no session is swapped, and while each companion's is swapped every second, and
what was said summed up. Both in turn, so that both have whatever else the machine does.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import msgspec
import trio
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from aikyo.client import Remote, find_swarm, open_stream
from aikyo.paths import Home
from aikyo.wire import IdMaker, Message, companion_id
from benchmarks.swarm_up import NAMES, swarm_up
from tests.support.messages_api import Answer, Asked, Reply, messages_api, speaks, state, text

# Without pauses, since else they would still be seen speaking when they are spoken to again
_SETTINGS = {"TURNS_PER_HOUR": "10000", "TURNS_PER_TALK": "10000", "PACE": "0"}

BLOCK = 10
"""Messages of each person with swaps, then as many without."""

SLOW, SLOWEST = 0.3, 0.8
"""Seconds until the model begins to speak, and to sum up."""


@dataclass
class Taken:
    """What was measured: seconds by whether there were swaps, and how many swaps there were."""

    seconds: dict[bool, list[float]] = field(default_factory=lambda: defaultdict(list))
    swaps: int = 0
    summaries: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=6, help=f"of {BLOCK} messages of each person")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    args = parser.parse_args()
    taken = trio.run(_measure, args.blocks)
    rows = {
        "without swaps": taken.seconds[False],
        "a swap every second": taken.seconds[True],
    }
    figures = {
        name: {"answers": len(each), "p50": _share(each, 0.5), "p95": _share(each, 0.95)}
        for name, each in rows.items()
    }
    if args.json:
        print(json.dumps({**figures, "swaps": taken.swaps, "summaries": taken.summaries}))
        return
    table = Table(
        title=f"from a message to its answer; {taken.swaps} swaps, {taken.summaries} summaries"
    )
    for column in ("", "answers", "p50", "p95"):
        table.add_column(column, justify="right" if table.columns else "left")
    for name, each in figures.items():
        table.add_row(name, str(each["answers"]), f"{each['p50']:.3f} s", f"{each['p95']:.3f} s")
    Console().print(table)


def _share(seconds: list[float], share: float) -> float:
    return sorted(seconds)[int(share * (len(seconds) - 1))]


async def _measure(blocks: int) -> Taken:
    taken = Taken()

    def model(asked: Asked) -> Answer:
        if asked.schema is not None:
            return state()
        if asked.body.get("tools"):
            return _late(speaks("I have thought of that as well, and often."), SLOW)
        if asked.body["max_tokens"] > 1:
            taken.summaries += 1
        return _late(text("They spoke of many things, and of the lake."), SLOWEST)

    with tempfile.TemporaryDirectory() as folder:
        async with messages_api(model) as api, trio.open_nursery() as nursery:
            home = Home(Path(folder))
            process = await nursery.start(swarm_up, home, api.url, _SETTINGS)
            for number in range(2 * blocks):
                await _block(home, taken, with_swaps=number % 2 == 1)
            process.terminate()
    return taken


def _late(reply: Reply, seconds: float) -> Reply:
    return Reply(reply.content, reply.stop_reason, delay=seconds)


async def _block(home: Home, taken: Taken, *, with_swaps: bool) -> None:
    """Three people talk, a block of messages each."""
    async with trio.open_nursery() as swapping:
        if with_swaps:
            for name in NAMES:
                swapping.start_soon(_swap, home, name, taken)
        async with trio.open_nursery() as talking:
            for name in NAMES:
                talking.start_soon(_talk, home, name, taken.seconds[with_swaps])
        swapping.cancel_scope.cancel()


async def _swap(home: Home, name: str, taken: Taken) -> None:
    """Have one companion's session swapped each second."""
    remote = Remote(find_swarm(home))
    while True:
        until = trio.current_time() + 1
        await remote.renew(name)
        taken.swaps += 1
        await trio.sleep_until(until)


async def _talk(home: Home, name: str, seconds: list[float]) -> None:
    """Say one thing after another to one companion, each when the one before is answered."""
    new_id = IdMaker(time.time, Random(name))
    to = (companion_id(name),)
    talk = new_id()
    async with open_stream(find_swarm(home), topics=("messages",)) as stream:
        for number in range(BLOCK):
            said = Message(
                id=new_id(),
                sender=f"user_friend_of_{name}",
                to=to,
                message=f"Do you remember what I told you of the lake? That was {number} days ago.",
                conversation=talk,
            )
            began = trio.current_time()
            await stream.send(said)
            with trio.fail_after(60):
                async for envelope in stream:
                    heard = msgspec.json.decode(envelope.body, type=Message)
                    if heard.reply_to == said.id:
                        break
            seconds.append(trio.current_time() - began)


if __name__ == "__main__":
    main()
