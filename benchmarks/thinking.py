"""What a turn costs in calls and tokens: `python benchmarks/thinking.py`.

A real swarm of three talks through the real SDK with a local server that speaks the Messages API, which
counts every request. Beside it stands what the TypeScript original would ask in the same talks: for each
message three companions judge whether they want to speak, and the chosen one fills in its triggers'
parameters and speaks; five calls a turn that is answered, three for one that is not. Its tokens are
worked out from the prompts that were really sent, so that only the number of calls makes the difference.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import trio
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))

from aikyo.client import Talk, find_swarm, open_stream
from aikyo.paths import Home
from aikyo.wire import IdMaker, Message, companion_id
from benchmarks.swarm_up import NAMES, swarm_up
from tests.support.messages_api import Answer, Asked, messages_api, speaks, state, text

SAID_BY_PEOPLE = (
    "Good morning, everybody! What did you dream of?",
    "Alice, have you seen the tide today?",
    "Bob, could you mend my bicycle?",
    "I found an old map in the attic.",
    "Carol, what shall we cook tonight?",
    "Does anybody know how bees find home?",
    "Alice and Bob, which of you is older?",
    "It has begun to snow.",
)

OPENINGS = ("Listen,", "Oh,", "I think", "You know,", "Once,", "Well,", "Honestly,", "Last week")
SUBJECTS = (
    "a crab moved into my teapot and would not leave",
    "the ferry took the long way round the lighthouse",
    "my bicycle sang all the way down the hill",
    "the baker gave me bread that was still too hot to hold",
    "a letter came that had been posted nine years ago",
    "the swallows have built a nest above the door",
    "somebody painted the bridge blue overnight",
    "I learned to whistle with two fingers",
    "the well in the garden has water again",
    "an owl sat on the chimney and looked at me",
    "we ran out of ink in the middle of a word",
    "the clock in the square struck thirteen",
)


@dataclass
class Counted:
    """What was asked for: calls and tokens by what for; and for how many messages and answers."""

    calls: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    answers: int = 0


class Minds:
    """The model behind all three: weighs by chance, says something new each time."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.counted = Counted()

    def answer(self, asked: Asked) -> Answer:
        """The script of the server."""
        if not asked.body.get("tools") and asked.schema is None:
            return text("Yes.")  # woken, once at the start
        weighs = asked.schema is not None
        kind = "weigh" if weighs else "speak"
        self.counted.calls[kind] += 1
        self.counted.tokens[kind] += _tokens(asked.body)
        if weighs:
            params = (asked.schema or {}).get("properties", {}).get("params", {})
            filled = {name: self._fill(each) for name, each in params.get("properties", {}).items()}
            wants = self._random.random() < 0.8
            return state(wants, self._random.uniform(2, 8), circles=False, params=filled)
        return speaks(f"{self._random.choice(OPENINGS)} {self._random.choice(SUBJECTS)}.")

    def _fill(self, schema: dict[str, Any]) -> Any:
        if "enum" in schema:
            return schema["enum"][0]
        kinds = {"boolean": False, "integer": 1, "number": 1.0, "array": [], "object": {}}
        return kinds.get(schema.get("type", ""), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    args = parser.parse_args()
    counted = trio.run(_measure, args.seed)
    ours, original = _ours(counted), _original(counted)
    if args.json:
        figures = {"messages": counted.messages, "answers": counted.answers}
        print(json.dumps({**figures, "aikyo": ours, "original": original}))
        return
    title = f"{len(NAMES)} companions, {counted.messages} messages, {counted.answers} answers"
    table = Table(title=title)
    for column in ("for one answer", "calls", "tokens sent"):
        table.add_column(column, justify="right" if table.columns else "left")
    for name, (calls, tokens) in (("the original (worked out)", original), ("aikyo", ours)):
        table.add_row(name, f"{calls:.2f}", f"{tokens:,.0f}")
    table.add_row("ratio", f"{ours[0] / original[0]:.2f}", f"{ours[1] / original[1]:.2f}")
    Console().print(table)


def _ours(counted: Counted) -> tuple[float, float]:
    return counted.calls.total() / counted.answers, counted.tokens.total() / counted.answers


def _original(counted: Counted) -> tuple[float, float]:
    """What the original would ask for the same messages, each call as long as ours of that kind."""
    weigh = counted.tokens["weigh"] / max(1, counted.calls["weigh"])
    speak = counted.tokens["speak"] / max(1, counted.calls["speak"])
    judging = len(NAMES) * counted.messages + counted.answers  # and the parameters of who speaks
    speaking = counted.answers
    tokens = judging * weigh + speaking * speak
    return (judging + speaking) / counted.answers, tokens / counted.answers


def _tokens(body: object) -> int:
    """About as many as a model would count, at four letters each."""
    return len(json.dumps(body, ensure_ascii=False)) // 4


async def _measure(seed: int) -> Counted:
    minds = Minds(seed)
    with tempfile.TemporaryDirectory() as folder:
        async with messages_api(minds.answer) as api, trio.open_nursery() as nursery:
            home = Home(Path(folder))
            settings = {"PACE": "0.1", "BEGINNINGS": "0", "SEED": str(seed)}
            process = await nursery.start(swarm_up, home, api.url, settings)
            await _talk(home, minds, seed)
            process.terminate()
    return minds.counted


async def _talk(home: Home, minds: Minds, seed: int) -> None:
    """Say everything that people say, one after the other, each to its end."""
    new_id = IdMaker(time.time, Random(seed))
    everybody = tuple(map(companion_id, NAMES))
    async with open_stream(find_swarm(home), topics=("messages", "events")) as stream:
        for text in SAID_BY_PEOPLE:
            talk = Talk(
                Message(
                    id=new_id(), sender="user_mika", to=everybody, message=text, conversation=new_id()
                )
            )
            await stream.send(talk.message)
            with trio.move_on_after(120):
                async for envelope in stream:
                    talk.hear(envelope)
                    if talk.rested is not None:
                        break
            minds.counted.answers += talk.replies
            minds.counted.messages += talk.replies + 1


if __name__ == "__main__":
    main()
