"""Keeps memories: opens and mends them, and backs them up every night."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import trio

from ..config import Settings
from ..errors import leaves
from ..memory import Memory, MemoryDamagedError, MemoryFileError, mend
from ..memory.storage.backups import back_up, is_due, prune

__all__ = ["Keeper"]

log = logging.getLogger(__name__)

LOOK_EVERY = 600.0
"""Seconds between looks whether a backup is due."""


class Keeper:
    """Keeps the memories of a swarm.

    Args:
        settings: how durable memories are, what embeds them, and how many backups are kept.
        clock: seconds since the epoch.
        tell: told what people should know of a memory, by where it is.
    """

    def __init__(
        self, settings: Settings, clock: Callable[[], float], tell: Callable[[Path, str], None]
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._tell = tell
        self._suspect: set[Path] = set()
        self._open: dict[Path, Memory] = {}
        self._failed: dict[Path, str] = {}  # why its backup could not be made, as told last

    @asynccontextmanager
    async def open(self, path: Path) -> AsyncIterator[Memory]:
        """Open a memory for as long as the context lasts. A damaged one is set aside, and the newest
        good backup restored; both are told. One that is found to be damaged while it is in use is looked
        at in depth when it is opened again.

        Raises:
            MemoryFileError: it cannot be made or mended, is foreign, or of a newer version.
        """
        open_it = partial(Memory.open, path, self._settings.durability, embedder=self._settings.embedder)
        async with AsyncExitStack() as stack:
            try:
                memory = await stack.enter_async_context(open_it(suspect=path in self._suspect))
            except MemoryDamagedError as error:
                log.warning("%s", error)
                await self._mend(path, error)
                memory = await stack.enter_async_context(open_it())
            self._suspect.discard(path)
            self._open[path] = memory
            try:
                yield memory
            except BaseException as error:
                if any(isinstance(leaf, MemoryDamagedError) for leaf in leaves(error)):
                    self._suspect.add(path)
                raise
            finally:
                del self._open[path]

    async def _mend(self, path: Path, error: MemoryDamagedError) -> None:
        mended = await trio.to_thread.run_sync(partial(mend, path, now=self._clock()))
        told = mended.told(error.detail)
        log.warning("%s: %s", path, told)
        self._tell(path, told)

    async def back_up(self, paths: Callable[[], Iterable[Path]]) -> None:
        """Back up these memories once a night, and soon where a night was missed, until cancelled."""
        while self._settings.backups:
            for path in paths():
                await self._back_up_if_due(path)
            await trio.sleep(LOOK_EVERY)

    async def _back_up_if_due(self, path: Path) -> None:
        try:
            # What is abandoned leaves a file that is no backup yet, and is removed by the next attempt
            make = partial(self._make, path, self._clock())
            await trio.to_thread.run_sync(make, abandon_on_cancel=True)
        except MemoryFileError as error:
            if isinstance(error, MemoryDamagedError):
                self._suspect.add(path)
                if path in self._open:  # so that it is mended now, and not when it is next started
                    self._open[path].found_damaged(error)
            if self._failed.get(path) != str(error):
                log.warning("no backup: %s", error)
                self._tell(path, f"no backup could be made: {error}")
            self._failed[path] = str(error)
        else:
            self._failed.pop(path, None)

    def _make(self, path: Path, now: float) -> None:
        if is_due(path, datetime.fromtimestamp(now).astimezone()):
            made = back_up(path, now=now, go_on=trio.from_thread.check_cancelled)
            log.info("backed up %s to %s", path, made)
            prune(path, self._settings.backups)
