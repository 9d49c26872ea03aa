"""Which swarm runs in a home."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import trio

from ..errors import NotRunningError
from ..paths import Home
from ..wire import SwarmFile
from .errors import ClientError

__all__ = ["find_swarm", "wait_until_gone"]

_URL = re.compile(r"(ws|http)://[][A-Za-z0-9.:-]+/?")
_POLL = 0.05
_LAST_MOMENT = 1.0


def find_swarm(home: Home) -> SwarmFile:
    """Where the swarm of `home` can be reached. A file that a dead swarm has left counts as none.

    Raises:
        NotRunningError: none is running there.
    """
    swarm = _read(home.swarm)
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


def _read(file: Path) -> SwarmFile | None:
    try:
        swarm = msgspec.json.decode(file.read_bytes(), type=SwarmFile)
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return swarm if _is_url(swarm.firehose) and _is_url(swarm.gateway) else None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(_URL.fullmatch(text) and parts.hostname and parts.port)
    except ValueError:  # what is no address, or no port
        return False


async def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    with trio.move_on_after(seconds):
        while not condition():  # noqa: ASYNC110 - another process gives no event to wait for
            await trio.sleep(_POLL)
        return True
    return False


def _lives(pid: int) -> bool:
    if pid <= 0:  # which would stand for several processes
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
