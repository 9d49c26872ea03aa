"""Real processes: on two machines of one network (as network namespaces), and on loopback alone."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest
import trio

from aikyo.mesh.interfaces import ANY

MEMBER = Path(__file__).parent / "member.py"
DEADLINE = 30
ALICE, BOB = "companion_alice", "companion_bob"


class Member:
    """A running `member.py`."""

    def __init__(self, process: trio.Process) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []
        self._more = trio.Event()

    async def read(self) -> None:
        assert self.process.stdout is not None
        rest = b""
        async for chunk in self.process.stdout:
            *lines, rest = (rest + chunk).split(b"\n")
            self.events += map(json.loads, lines)
            self._more.set()
            self._more = trio.Event()

    async def until(self, **wanted: Any) -> None:
        with trio.fail_after(DEADLINE):
            while not any(wanted.items() <= event.items() for event in self.events):
                await self._more.wait()


@asynccontextmanager
async def member(mesh: str, ident: str, key: Path, prefix: Sequence[str] = ()) -> AsyncIterator[Member]:
    listen = ANY if prefix else "127.0.0.1"
    command = [*prefix, sys.executable, str(MEMBER), mesh, ident, str(key), listen]
    async with trio.open_nursery() as nursery:
        running = Member(
            await nursery.start(
                lambda task_status: trio.run_process(
                    command, stdin=PIPE, stdout=PIPE, check=False, task_status=task_status
                )
            )
        )
        nursery.start_soon(running.read)
        try:
            await running.until(event="joined")
            yield running
        finally:
            with trio.CancelScope(shield=True):
                assert running.process.stdin is not None
                await running.process.stdin.aclose()
                with trio.move_on_after(5) as waited:
                    await running.process.wait()
                if waited.cancelled_caught:
                    running.process.kill()


async def meet(alice: Member, bob: Member) -> None:
    await alice.until(event="heard", sender=BOB, text=f"hello {ALICE}")
    await bob.until(event="heard", sender=ALICE, text=f"hello {BOB}")


@pytest.fixture
def mesh() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.mark.netns
async def test_two_machines_find_each_other_and_talk(machines: Any, mesh: str, tmp_path: Path) -> None:
    one, other = machines
    one.plug_in()
    other.plug_in()
    async with (
        member(mesh, ALICE, tmp_path / "a", one.prefix()) as alice,
        member(mesh, BOB, tmp_path / "b", other.prefix()) as bob,
    ):
        await meet(alice, bob)


@pytest.mark.netns
async def test_the_second_alice_on_the_network_joins_as_the_second(
    machines: Any, mesh: str, tmp_path: Path
) -> None:
    one, other = machines
    one.plug_in()
    other.plug_in()
    async with (
        member(mesh, ALICE, tmp_path / "a", one.prefix()) as alice,
        member(mesh, ALICE, tmp_path / "b", other.prefix()) as second,
    ):
        await second.until(event="joined", id=f"{ALICE}-2")
        await alice.until(event="heard", sender=f"{ALICE}-2")


@pytest.mark.netns
async def test_a_network_that_comes_later_is_noticed(machines: Any, mesh: str, tmp_path: Path) -> None:
    one, other = machines
    async with (
        member(mesh, ALICE, tmp_path / "a", one.prefix()) as alice,
        member(mesh, BOB, tmp_path / "b", other.prefix()) as bob,
    ):
        one.plug_in()
        other.plug_in()
        await meet(alice, bob)


@pytest.mark.netns
async def test_without_any_network_a_companion_still_comes_up(
    machines: Any, mesh: str, tmp_path: Path
) -> None:
    one, _ = machines
    one.run("link", "set", "lo", "down")
    async with member(mesh, ALICE, tmp_path / "a", one.prefix()) as alice:
        await alice.until(event="joined", id=ALICE)


async def test_two_processes_of_one_machine_find_each_other_on_loopback(
    mesh: str, tmp_path: Path
) -> None:
    async with member(mesh, ALICE, tmp_path / "a") as alice, member(mesh, BOB, tmp_path / "b") as bob:
        await meet(alice, bob)


async def test_a_process_that_is_killed_is_gone_and_welcome_again(mesh: str, tmp_path: Path) -> None:
    async with member(mesh, ALICE, tmp_path / "a") as alice:
        async with member(mesh, BOB, tmp_path / "b") as bob:
            await meet(alice, bob)
            alice.events.clear()
            bob.process.kill()
        async with member(mesh, BOB, tmp_path / "b") as bob:
            await bob.until(event="heard", sender=ALICE)
            await alice.until(event="met", id=BOB)
