"""A medium that loses and delays, each receiver by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
import trio
from trio.testing import MockClock

from aikyo.mesh import Node
from aikyo.mesh.memory import LossyLan, MemoryMesh
from aikyo.wire import Message

START = 1_700_000_000.0
MANY = 400


@asynccontextmanager
async def nodes(lan: LossyLan, *names: str) -> AsyncIterator[list[Node]]:
    """Nodes of people, of these peer ids, on a medium that runs."""
    async with (
        MemoryMesh(lan, clock=lambda: START + trio.current_time(), peer_of=str) as mesh,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(lan.run)

        async def join(name: str, *, task_status: trio.TaskStatus[Node]) -> None:
            async with mesh.join(Path(name), None) as node:
                task_status.started(node)
                await trio.sleep_forever()

        yield [await nursery.start(join, name) for name in names]
        nursery.cancel_scope.cancel()


async def say(node: Node, count: int = MANY) -> None:
    for number in range(count):
        await node.publish(Message(id=f"m{number}", sender="user_mika", message="hello"))


def heard(node: Node) -> list[str]:
    found = []
    while True:
        try:
            payload = node.received.receive_nowait().payload
        except trio.WouldBlock:
            return found
        if isinstance(payload, Message):
            found.append(payload.id)


async def test_of_what_is_sent_a_share_is_lost_for_each_receiver_by_itself(
    autojump_clock: MockClock,
) -> None:
    lan = LossyLan(Random(1), loss=0.25)
    async with nodes(lan, "author", "one", "other") as (author, one, other):
        await say(author)
        await trio.sleep(30)
        here, there = heard(one), heard(other)
    assert 0.65 * MANY < len(here) < 0.85 * MANY
    assert set(here) - set(there)
    assert set(there) - set(here)
    assert lan.lost == 2 * MANY - len(here) - len(there)
    assert lan.brought == len(here) + len(there)


async def test_an_author_hears_itself_at_once_and_whole(autojump_clock: MockClock) -> None:
    async with nodes(LossyLan(Random(1), loss=1.0, delay=9.0), "author", "one") as (author, one):
        await say(author)
        assert len(heard(author)) == MANY
        await trio.sleep(30)
        assert heard(one) == []


async def test_whoever_is_spared_hears_all_at_once(autojump_clock: MockClock) -> None:
    lan = LossyLan(Random(1), loss=0.5, delay=9.0, spared={"one"})
    async with nodes(lan, "author", "one") as (author, one):
        await say(author)
        assert len(heard(one)) == MANY
    assert (lan.lost, lan.brought) == (0, 0)


async def test_nothing_comes_later_than_the_longest_delay(autojump_clock: MockClock) -> None:
    lan = LossyLan(Random(1), delay=4.0)
    async with nodes(lan, "author", "one") as (author, one):
        await author.publish(Message(id="m", sender="user_mika", message="hello"))
        assert heard(one) == []
        await trio.sleep(4.0)
        assert heard(one) == ["m"]


async def test_what_is_delayed_comes_to_each_at_a_time_of_its_own(autojump_clock: MockClock) -> None:
    names = [f"p{number}" for number in range(8)]
    async with nodes(LossyLan(Random(1), delay=4.0), "author", *names) as (author, *others):
        await author.publish(Message(id="m", sender="user_mika", message="hello"))
        times = []
        for _ in range(40):
            await trio.sleep(0.1)
            times += [trio.current_time()] * sum(len(heard(node)) for node in others)
    assert len(times) == len(others)
    assert len(set(times)) > 3


async def test_what_is_under_way_does_not_reach_one_that_has_started_anew(
    autojump_clock: MockClock,
) -> None:
    lan = LossyLan(Random(1), delay=4.0)
    async with MemoryMesh(lan, clock=lambda: START, peer_of=str) as mesh, trio.open_nursery() as nursery:
        nursery.start_soon(lan.run)
        async with mesh.join(Path("author"), None) as author:
            async with mesh.join(Path("one"), None):
                await author.publish(Message(id="m", sender="user_mika", message="hello"))
            async with mesh.join(Path("one"), None) as again:
                await trio.sleep(10)
                assert heard(again) == []
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("seed", range(3))
async def test_the_same_seed_loses_the_same(seed: int, autojump_clock: MockClock) -> None:
    runs = []
    for _ in range(2):
        async with nodes(LossyLan(Random(seed), loss=0.5), "author", "one") as (author, one):
            await say(author)
            await trio.sleep(30)
            runs.append(heard(one))
    assert runs[0] == runs[1]
