"""One process of the mesh that `mesh.py` measures. Usage: mesh_member.py '{"play": "stay", …}'.

One JSON object a line on stdout; times are of the system's monotonic clock, which all processes share.
"""

from __future__ import annotations

import json
import random
import sys
import time
import uuid
from collections import defaultdict
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import trio

BEGAN = time.monotonic()


class Play(msgspec.Struct, kw_only=True):
    """What to do: `play` is the name of a function below."""

    play: str
    mesh: str
    folder: str
    prefix: str = "m"
    hosts: int = 1
    expect: int = 1
    without: str = ""
    messages: int = 200
    gap: float = 0.05
    window: int = 4
    burst: int = 100


def tell(event: str, **more: object) -> None:
    sys.stdout.write(json.dumps({"event": event, "at": time.monotonic(), **more}) + "\n")
    sys.stdout.flush()


@dataclass
class Member:
    """The hosts of this process, and what each of them has heard."""

    play: Play
    nodes: list[Any] = field(default_factory=list)
    authors: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    heard: dict[str, list[tuple[str, float, dict[str, Any]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    news: trio.Event = field(default_factory=trio.Event)

    async def listen(self, node: Any) -> None:
        from aikyo.wire import Message

        async for received in node.received:
            self.authors[node.peer].add(received.peer)
            if isinstance(received.payload, Message) and not received.own:
                message = received.payload
                self.heard[node.peer].append((message.id, time.monotonic(), message.metadata))
            self.news.set()
            self.news = trio.Event()

    async def until(self, condition: Any, seconds: float) -> bool:
        with trio.move_on_after(seconds):
            while not condition():
                await self.news.wait()
            return True
        return False

    async def say(self, node: Any, ident: str, **metadata: object) -> None:
        from aikyo.wire import Message

        metadata["at"] = time.monotonic()
        text = "x" * 120
        await node.publish(Message(id=ident, sender=node.me.id, message=text, metadata=metadata))

    def count(self, ident: str) -> int:
        """How many of the hosts have heard it."""
        return sum(any(one == ident for one, *_ in heard[-64:]) for heard in self.heard.values())


async def stay(member: Member) -> None:
    """Tell when every host here has heard from every other there is, and be there until the end."""

    def full() -> bool:
        return all(len(member.authors[node.peer]) >= member.play.expect for node in member.nodes)

    if await member.until(full, 120):
        tell("full")
    else:
        tell("lacking", heard=[len(member.authors[node.peer]) for node in member.nodes])
    await trio.sleep_forever()


async def tick(member: Member) -> None:
    """Say something ten times a second, and tell of each life of others that is heard for the first
    time, by what was said after our own beginning."""
    node, life = member.nodes[0], uuid.uuid4().hex
    known: set[str] = set()

    async def watch() -> None:
        while True:
            for _, at, metadata in member.heard[node.peer]:
                if metadata["life"] not in known and metadata["at"] > BEGAN:
                    known.add(metadata["life"])
                    tell("hears", life=metadata["life"], when=at)
            member.heard[node.peer].clear()
            await member.news.wait()

    tell("lives", life=life)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        while True:
            await member.say(node, uuid.uuid4().hex, life=life)
            await trio.sleep(0.1)


async def speak(member: Member) -> None:
    """Say some things, evenly."""
    node = member.nodes[0]
    await node.ready(2)
    await trio.sleep(2)
    for number in range(member.play.messages):
        await member.say(node, f"s{number}")
        await trio.sleep(member.play.gap)
    await trio.sleep_forever()


async def hear(member: Member) -> None:
    """Tell how long what another process says takes to get here."""
    heard = member.heard[member.nodes[0].peer]
    whole = await member.until(lambda: len(heard) >= member.play.messages, 60)
    tell("heard", whole=whole, seconds=[at - metadata["at"] for _, at, metadata in heard])
    await trio.sleep_forever()


async def measure(member: Member) -> None:
    """Among the hosts of this process: latency, how many messages a core carries, a burst."""
    play, node = member.play, member.nodes[0]
    others = len(member.nodes) - 1
    for one in member.nodes:
        await one.ready(play.hosts)
    await trio.sleep(2)

    latencies, lost = [], 0
    for number in range(play.messages):
        began = time.monotonic()
        await member.say(node, f"l{number}")
        if await member.until(lambda n=number: member.count(f"l{n}") >= others, 3):
            latencies.append(time.monotonic() - began)
        else:
            lost += 1
        await trio.sleep(play.gap)

    await trio.sleep(1)
    began, used = time.monotonic(), time.process_time()
    room = trio.CapacityLimiter(play.window)
    carried = 0

    async def carry(number: int) -> None:
        nonlocal carried
        async with room:
            await member.say(member.nodes[number % len(member.nodes)], f"c{number}")
            whole = await member.until(lambda: member.count(f"c{number}") >= others, 3)
            carried += whole

    async with trio.open_nursery() as nursery:
        for number in range(play.messages):
            nursery.start_soon(carry, number)
    busy, wall = time.process_time() - used, time.monotonic() - began

    await trio.sleep(1)
    for heard in member.heard.values():
        heard.clear()
    for number in range(play.burst):
        await member.say(node, f"b{number}", number=number)
    await member.until(lambda: sum(map(len, member.heard.values())) >= play.burst * others, 5)
    orders = [[metadata["number"] for *_, metadata in heard] for heard in member.heard.values()]
    tell(
        "measured",
        latencies=latencies,
        lost=lost,
        carried=carried,
        cpu=busy,
        wall=wall,
        burst=sum(map(len, orders)) / (play.burst * others),
        late=sum(a > b for order in orders for a, b in pairwise(order)),
        counters=dict(sum((one.counters for one in member.nodes), start=type(node.counters)())),
    )


PLAYS = {play.__name__: play for play in (stay, tick, speak, hear, measure)}


async def main(play: Play) -> None:
    from aikyo.mesh.libp2p import Libp2pMesh, MeshOptions
    from aikyo.wire import Presence

    if play.without:
        import without

        without.REPAIRS[play.without]()
    tell("joining")
    member = Member(play)
    options = MeshOptions(name=play.mesh, listen="127.0.0.1")
    mesh = Libp2pMesh(options, clock=time.time, random=random.Random())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(mesh)
        nursery = await stack.enter_async_context(trio.open_nursery())

        async def live(number: int, *, task_status: Any = trio.TASK_STATUS_IGNORED) -> None:
            name = f"{play.prefix}{number}"
            key = Path(play.folder, f"{name}.key")
            async with mesh.join(key, Presence(id=f"companion_{name}", name=name)) as node:
                member.nodes.append(node)
                task_status.started()
                await member.listen(node)

        async with trio.open_nursery() as joining:
            for number in range(play.hosts):
                joining.start_soon(nursery.start, live, number)
        tell("joined")
        nursery.start_soon(end_with_stdin, nursery.cancel_scope)
        await PLAYS[play.play](member)
        nursery.cancel_scope.cancel()


async def end_with_stdin(scope: trio.CancelScope) -> None:
    await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
    scope.cancel()


if __name__ == "__main__":
    trio.run(main, msgspec.json.decode(sys.argv[1], type=Play))
