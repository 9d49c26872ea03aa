"""The switch between namespaces: what it passes on, and what it does not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio

from tests.chaos.lan import Lan, lan, missing

pytestmark = [pytest.mark.netns, pytest.mark.skipif(bool(missing()), reason=missing())]

LISTEN = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", 5000))
print("listening", flush=True)
while True:
    sock.sendto(*sock.recvfrom(100))
"""
ASK = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(0.5)
answered = 0
for _ in range(int(sys.argv[2])):
    try:
        sock.sendto(b"?", (sys.argv[1], 5000))
        answered += bool(sock.recv(100))
    except OSError:
        pass
print(answered)
"""


@asynccontextmanager
async def network() -> AsyncIterator[Lan]:
    """Three machines, of which b and c answer."""
    with trio.fail_after(60):
        async with lan("abc") as three:
            answering = []
            try:
                for name in "bc":
                    command = [*three.machines[name].prefix(), sys.executable, "-c", LISTEN]
                    answering.append(await trio.lowlevel.open_process(command, stdout=subprocess.PIPE))
                for process in answering:
                    assert process.stdout is not None
                    await process.stdout.receive_some()
                yield three
            finally:
                for process in answering:
                    process.kill()
                    assert process.stdout is not None
                    await process.stdout.aclose()
                    await process.wait()


async def reaches(three: Lan, name: str) -> bool:
    """Whether a has an answer of that machine; the first question may be lost to ARP."""
    return await answers(three, name, 3) > 0


async def answers(three: Lan, name: str, times: int) -> int:
    """How many of a's questions are answered."""
    there = three.machines[name].address
    command = [*three.machines["a"].prefix(), sys.executable, "-c", ASK, there, str(times)]
    return int((await trio.run_process(command, capture_stdout=True)).stdout)


async def test_machines_reach_each_other_until_a_cable_is_pulled_without_a_sign() -> None:
    async with network() as three:
        assert await reaches(three, "b")
        three.cut.add("b")
        await three.change()
        assert not await reaches(three, "b")
        assert await reaches(three, "c")
        state = [*three.machines["b"].prefix(), "cat", "/sys/class/net/eth0/carrier"]
        assert (await trio.run_process(state, capture_stdout=True)).stdout.strip() == b"1"
        three.cut.clear()
        await three.change()
        assert await reaches(three, "b")


async def test_islands_and_pairs_are_kept_apart() -> None:
    async with network() as three:
        three.islands = [{"a", "c"}, {"b"}]
        await three.change()
        assert not await reaches(three, "b")
        assert await reaches(three, "c")
        three.islands, three.severed = [], {frozenset("ac")}
        await three.change()
        assert await reaches(three, "b")
        assert not await reaches(three, "c")


async def test_frames_are_lost_and_delayed() -> None:
    async with network() as three:
        three.slow = {"a", "b"}
        await three.change()
        began = time.monotonic()
        answered = await answers(three, "b", times=40)
        assert 10 < answered < 40  # 95 % each way, and ARP; all of 40 in one run of 400
        assert time.monotonic() - began > 40 * 0.2


async def test_a_machine_may_change_its_address() -> None:
    async with network() as three:
        three.machines["b"].move("10.77.0.99")
        assert await reaches(three, "b")
