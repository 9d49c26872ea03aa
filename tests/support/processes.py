"""Real `aikyo` processes: swarms that run, and commands that are run to their end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

__all__ = ["Finished", "Up", "aikyo", "swarm_up"]

STARTS_WITHIN = 60.0
ENDS_WITHIN = 10.0


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    def json_lines(self) -> list[dict[str, Any]]:
        """Its output as one JSON object a line."""
        return [json.loads(line) for line in self.out.splitlines()]


async def aikyo(*args: str, env: dict[str, str] | None = None, stdin: bytes = b"") -> Finished:
    """Run a command to its end."""
    with trio.fail_after(STARTS_WITHIN):
        done = await trio.run_process(
            [sys.executable, "-m", "aikyo", *args],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            stdin=stdin,
            env=_environment(env),
        )
    return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass
class Up:
    """An `aikyo up --json` that runs."""

    process: trio.Process
    home: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    _news: trio.Event = field(default_factory=trio.Event)

    @property
    def ready(self) -> dict[str, Any]:
        """The `ready` line."""
        return next(line for line in self.lines if line["event"] == "ready")

    async def until(
        self, event: str, *, within: float = STARTS_WITHIN, **fields: object
    ) -> dict[str, Any]:
        """Wait for a line of this event with these fields."""
        wanted = {"event": event, **fields}
        with trio.fail_after(within):
            while True:
                for line in self.lines:
                    if wanted.items() <= line.items():
                        return line
                await self._news.wait()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; its exit code."""
        self.process.send_signal(number)
        with trio.fail_after(ENDS_WITHIN):
            return await self.process.wait()

    async def read(self) -> None:
        """Take in its lines until it ends."""
        assert self.process.stdout is not None
        buffer = b""
        async for chunk in self.process.stdout:
            *whole, buffer = (buffer + chunk).split(b"\n")
            self.lines += [json.loads(line) for line in whole]
            self._news.set()
            self._news = trio.Event()


@asynccontextmanager
async def swarm_up(
    home: Path,
    *args: str,
    mesh: str,
    companions: int = 3,
    env: dict[str, str] | None = None,
    wait: bool = True,
    prefix: Sequence[str] = (),
) -> AsyncIterator[Up]:
    """A swarm of its own, on free ports and a mesh of its own, killed at the end if it still runs."""
    command = [*prefix, sys.executable, "-m", "aikyo", "up", "--home", str(home), "--mesh", mesh]
    command += ["--companions", str(companions), "--firehose-port", "0", "--gateway-port", "0"]
    command += ["--no-dashboard", "--json", *args]
    async with trio.open_nursery() as nursery:
        process = await trio.lowlevel.open_process(
            command, stdout=subprocess.PIPE, stderr=None, env=_environment(env)
        )
        up = Up(process, home)
        nursery.start_soon(up.read)
        try:
            if wait:
                await up.until("ready")
            yield up
        finally:
            if process.poll() is None:
                process.kill()
            with trio.CancelScope(shield=True), trio.move_on_after(ENDS_WITHIN):
                await process.wait()
            nursery.cancel_scope.cancel()


def _environment(more: dict[str, str] | None) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1", **(more or {})}
