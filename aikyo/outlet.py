"""A stream of ours that whoever reads it may stop (Ctrl-S, a full pipe): nobody here waits for them."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

import trio

__all__ = ["Outlet"]

END_DEADLINE = 0.3
"""Seconds in which the last words must be taken."""


class Outlet:
    """Writes to `file` in a thread, past its buffer, whose lock would hang the end of the process.

    Args:
        file: stdout, say. What has no file descriptor is written to at once, without a thread.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lock = threading.Lock()  # an abandoned thread finishes its text before the next begins
        try:
            self._fd: int | None = file.fileno()
        except (AttributeError, OSError, ValueError):
            self._fd = None

    async def write(self, text: str) -> None:
        """Returns when `text` is taken. Cancelled, it may still be taken later, but in one piece.

        Raises:
            OSError: nobody is there to take it any more.
        """
        await self._run(self._put, text)

    async def end(self, text: str = "") -> None:
        """Write the last words, within `END_DEADLINE` seconds, also when cancelled.

        If they are not taken, or nothing more would be, the descriptor leads to the null device from
        then on: whatever the process printed there afterwards would hang it, to the interpreter's end.
        """
        with trio.move_on_after(END_DEADLINE, shield=True) as ending, suppress(OSError):
            await self._run(self._put_last, text)
        if ending.cancelled_caught and self._fd is not None:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._fd)
            os.close(null)

    async def _run(self, put: Callable[[int, bytes], None], text: str) -> None:
        if self._fd is None:
            await trio.lowlevel.checkpoint()
            self._file.write(text)
            return
        data = text.encode(self._file.encoding or "utf-8", "replace")
        await trio.to_thread.run_sync(put, self._fd, data, abandon_on_cancel=True)

    def _put_last(self, fd: int, data: bytes) -> None:
        self._put(fd, data)
        select.select([], [fd], [])

    def _put(self, fd: int, data: bytes) -> None:
        with self._lock:
            while data:
                data = data[os.write(fd, data) :]
