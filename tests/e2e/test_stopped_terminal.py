"""A real `aikyo up` on a real terminal that takes no more: it ends all the same."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

STARTS_WITHIN = 60.0
ENDS_WITHIN = 2.0


@asynccontextmanager
async def up_on(terminal: int, home: Path, *args: str) -> AsyncIterator[trio.Process]:
    """A swarm on `terminal`, once it is ready."""
    command = [sys.executable, "-m", "aikyo", "up", "--home", str(home), "--listen", "127.0.0.1", *args]
    command += ["--mesh", f"t{uuid.uuid4().hex[:12]}", "--firehose-port", "0", "--gateway-port", "0"]
    process = await trio.lowlevel.open_process(
        command, stdin=terminal, stdout=terminal, stderr=subprocess.PIPE
    )
    try:
        with trio.fail_after(STARTS_WITHIN):
            while not (home / "swarm.json").exists():
                await trio.sleep(0.1)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
            assert process.stderr is not None
            await process.stderr.aclose()


async def read_away(leader: int, seen: trio.Event) -> None:
    """Read what the swarm shows, as a terminal does, for ever."""
    os.set_blocking(leader, False)
    shown = b""
    while True:
        await trio.lowlevel.wait_readable(leader)
        shown = shown[-1000:] + os.read(leader, 1 << 16)
        if b"Ctrl-C ends" in shown or b"ready: " in shown:
            seen.set()


@pytest.mark.parametrize("form", [(), ("--no-dashboard",)])
@pytest.mark.parametrize("stop", ["Ctrl-S", "nobody reads"])
async def test_a_signal_ends_it_within_two_seconds(
    tmp_path: Path, stop: str, form: tuple[str, ...]
) -> None:
    leader, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    async with up_on(terminal, tmp_path / "home", *form) as process, trio.open_nursery() as nursery:
        if stop == "Ctrl-S":
            seen = trio.Event()
            nursery.start_soon(read_away, leader, seen)
            await seen.wait()
            termios.tcflow(terminal, termios.TCOOFF)
        await trio.sleep(1)  # the talk goes on meanwhile, and fills what there is room for
        process.send_signal(signal.SIGTERM)
        with trio.fail_after(ENDS_WITHIN):
            assert await process.wait() == 0
        nursery.cancel_scope.cancel()
    os.close(terminal)
    os.close(leader)
