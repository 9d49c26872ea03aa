"""While nothing can be written down (the disk is full, the file held): what waits until it can."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import trio

from ..memory import Entry, MemoryDamagedError, MemoryFileError
from ..wire import Event

if TYPE_CHECKING:
    from .world import World

__all__ = ["Forgetful", "Write"]

log = logging.getLogger(__name__)

MAX_WAITING = 256
"""Entries that wait at once; what is more is lost."""

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Seconds after which writing is tried again; twice as long each time."""

Write = Callable[[Entry], Awaitable[bool]]
"""Writes an entry; False where it was there. Raises `MemoryFileError`."""


class Forgetful:
    """Whether a companion can remember what happens now. It goes on talking when it cannot.

    Attributes:
        why: why it cannot, in a few words; nothing when it can.
        reason: the same with where and the way out.
        lost: entries that were never written, since too many waited.
    """

    def __init__(self) -> None:
        self.why = self.reason = ""
        self.lost = 0
        self._lost_before = 0
        self._waiting: deque[Entry] = deque()
        self._begun = trio.Event()
        self._catching_up = trio.Lock()

    def awaits(self, entry: Entry) -> bool:
        """Whether this very entry waits to be written."""
        return any(
            (one.uid, one.kind, one.peer) == (entry.uid, entry.kind, entry.peer) for one in self._waiting
        )

    def keep(self, entry: Entry) -> None:
        """Have it wait until something can be written."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append(entry)
        else:
            self.lost += 1

    def begin(self, world: World, error: MemoryFileError) -> None:
        """Nothing can be written from now on; it is told, once."""
        if not self.reason:
            log.warning("%s cannot remember now: %s", world.me, error)
            self._tell(world, f"cannot remember now: {error}")
            self._lost_before = self.lost
            self._begun.set()
        self.why, self.reason = error.why, str(error)

    async def run(self, world: World, write: Write) -> None:
        """Try again and again while nothing can be written, until cancelled; then once more. What could
        not be written then either is lost, and told.

        Raises:
            MemoryDamagedError: the file is damaged, and has to be mended first.
        """
        try:
            while True:
                await self._begun.wait()
                pause = FIRST_PAUSE
                while self.reason:
                    await trio.sleep(pause)
                    pause = min(2 * pause, LONGEST_PAUSE)
                    await self.catch_up(world, write)
                self._begun = trio.Event()
        finally:
            if self.reason:
                with trio.CancelScope(shield=True):
                    await self.catch_up(world, write)
                if self.reason:  # still
                    lost = len(self._waiting) + self.lost - self._lost_before
                    log.warning("%s ends; %d entries were never written", world.me, lost)
                    self._tell(world, f"ends, and could not keep {lost} of what happened")

    async def catch_up(self, world: World, write: Write) -> None:
        """Write what waits, the oldest first; when all of it was, tell that it remembers again.

        Raises:
            MemoryDamagedError: as in `run`.
        """
        async with self._catching_up:
            if self.reason:
                await self._catch_up(world, write)

    async def _catch_up(self, world: World, write: Write) -> None:
        caught_up = 0
        while self._waiting:
            try:
                await write(self._waiting[0])
            except MemoryDamagedError:
                raise
            except MemoryFileError as error:
                self.why, self.reason = error.why, str(error)
                return
            self._waiting.popleft()
            caught_up += 1
        self.why = self.reason = ""
        lost = self.lost - self._lost_before
        log.warning("%s remembers again: %d waited, %d lost", world.me, caught_up, lost)
        also = f"; of what happened meanwhile, {lost} could not be kept" if lost else ""
        self._tell(world, f"remembers again{also}")

    def _tell(self, world: World, reason: str) -> None:
        world.emit(Event(type="memory", companion=world.me, reason=reason))
