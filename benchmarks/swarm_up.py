"""A real swarm of three for benchmarks of turns, thinking with a server that speaks the Messages API."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Mapping
from functools import partial

import trio

from aikyo.paths import Home

__all__ = ["NAMES", "swarm_up"]

NAMES = ("alice", "bob", "carol")


async def swarm_up(
    home: Home, url: str, settings: Mapping[str, str], *, task_status: trio.TaskStatus[trio.Process]
) -> None:
    """Run `aikyo up` until it ends; started once it is ready.

    Args:
        home: where it lives.
        url: of the server.
        settings: as the environment gives them, without ``AIKYO_``.
        task_status: is given the process.
    """
    env = {**os.environ, "ANTHROPIC_API_KEY": "sk-nobody", "ANTHROPIC_BASE_URL": url}
    env |= {f"AIKYO_{name}": value for name, value in settings.items()}
    flags = ["--companions", str(len(NAMES)), "--profiles", ",".join(NAMES), "--topic", ""]
    flags += ["--home", str(home.root), "--mesh", f"b{uuid.uuid4().hex[:12]}"]
    flags += ["--listen", "127.0.0.1", "--firehose-port", "0", "--gateway-port", "0", "--json"]
    command = [sys.executable, "-m", "aikyo", "up", "--brain", "anthropic", *flags]
    async with trio.open_nursery() as nursery:
        process = await nursery.start(
            partial(trio.run_process, command, env=env, stdout=subprocess.PIPE)
        )
        buffer = b""
        async for chunk in process.stdout:
            buffer += chunk
            if b'"event":"ready"' in buffer.replace(b" ", b""):
                task_status.started(process)
                break
        async for _ in process.stdout:
            pass
