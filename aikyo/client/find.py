"""Which swarm runs in a home."""

from __future__ import annotations

import os
from collections.abc import Callable

import msgspec
import trio

from ..errors import NotRunningError
from ..paths import Home
from ..wire import SwarmFile
from .errors import ClientError

__all__ = ["find_swarm", "wait_until_gone"]

_POLL = 0.05
_LAST_MOMENT = 1.0


def find_swarm(home: Home) -> SwarmFile:
    """Where the swarm of `home` can be reached. A file that a dead swarm has left counts as none.

    Raises:
        NotRunningError: none is running there.
    """
    try:
        swarm = msgspec.json.decode(home.swarm.read_bytes(), type=SwarmFile)
    except (OSError, msgspec.MsgspecError):
        swarm = None
    if swarm is None or not _lives(swarm.pid):
        raise NotRunningError(f'no swarm is running in {home.root}; start one with "aikyo up"')
    return swarm


async def wait_until_gone(home: Home, swarm: SwarmFile, *, timeout: float) -> None:
    """Wait until `swarm` has left `home`, and for a moment more until its process has ended too.

    Raises:
        ClientError: it has not left after `timeout` seconds.
    """
    if not await _within(timeout, lambda: not home.swarm.exists() or not _lives(swarm.pid)):
        raise ClientError(f"the swarm (process {swarm.pid}) has not ended within {timeout:g} s")
    await _within(_LAST_MOMENT, lambda: not _lives(swarm.pid))  # a zombie nobody reaps stays


async def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    with trio.move_on_after(seconds):
        while not condition():  # noqa: ASYNC110 - another process gives no event to wait for
            await trio.sleep(_POLL)
        return True
    return False


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return pid > 0
    return True
