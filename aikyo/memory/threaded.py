"""A companion's memory as its tasks use it: SQLite in a thread, never in trio's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

from .base import Entry, Hit, Kind, Row, Summary
from .file import MemoryFile

if TYPE_CHECKING:
    import trio

__all__ = ["Memory"]

T = TypeVar("T")


class Memory:
    """A memory that is open, for any number of tasks.

    One connection writes and one reads, each in one thread at a time: a long recall never holds up
    an entry that is to be written. Every method raises `MemoryFileError` when the file cannot be
    used; what was written before is unharmed.

    Cancellation: while a call waits for its turn it ends at once, and nothing was done. Once it has
    begun it is completed, and only then the cancellation takes effect, at the caller's next wait.
    """

    def __init__(self, writer: MemoryFile, reader: MemoryFile, *, threads: bool = True) -> None:
        # Imported here and below, since `aikyo memory` reads files without trio, whose import is
        # longer than all the rest of such a command.
        import trio

        self._writer = writer
        self._reader = reader
        self._writing = trio.CapacityLimiter(1)
        self._reading = trio.CapacityLimiter(1)
        self._threads = threads

    @classmethod
    @contextmanager
    def in_ram(cls) -> Iterator[Self]:
        """A memory that is kept nowhere and uses no threads, so that a virtual clock stays in step; for
        as long as the context lasts."""
        with MemoryFile.in_ram() as file:
            yield cls(file, file, threads=False)

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Self]:
        """Open the file, made when missing, for as long as the context lasts.

        Raises:
            MemoryFileError: it cannot be made, is damaged, foreign, or of a newer version. Nothing
                that is there is ever replaced.
        """
        import trio

        writer, reader = await trio.to_thread.run_sync(_open_both, path)
        try:
            yield cls(writer, reader)
        finally:
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(_close_both, writer, reader)

    async def read(self, work: Callable[[MemoryFile], T]) -> T:
        """Do something that only reads; in a thread, so it must touch nothing but the file."""
        return await self._run(self._reading, partial(work, self._reader))

    async def write(self, work: Callable[[MemoryFile], T]) -> T:
        """Do something that writes; in a thread likewise, and no other write comes between."""
        return await self._run(self._writing, partial(work, self._writer))

    async def append(self, entry: Entry) -> bool:
        """Write an entry; on return it is durable against the end of the process, kill -9 included.

        (Against the loss of power what was written in the last moments is not: for that, every
        commit would wait for the disk.)

        Returns:
            False when an entry with this `uid` and `kind` was there; that one stays as it is.
        """
        return await self._run(self._writing, partial(self._writer.append, entry))

    async def recent(self, conversation: str | None, n: int) -> tuple[Entry, ...]:
        """The newest `n` entries of a conversation (None: of everything), oldest first."""
        return await self._run(self._reading, partial(self._reader.recent, conversation, n))

    async def after(self, row: int, n: int) -> tuple[Row, ...]:
        """The newest `n` entries that were appended after `row`, in the order in which they were."""
        return await self._run(self._reading, partial(self._reader.after, row, n))

    async def heard_from(self, sender: str, n: int) -> tuple[Entry, ...]:
        """The newest `n` things that `sender` was heard to say, newest first."""
        return await self._run(self._reading, partial(self._reader.heard_from, sender, n))

    async def recall(self, query: str, k: int = 8, *, exclude: Collection[str] = ()) -> tuple[Hit, ...]:
        """The `k` entries that fit `query` best, best first: see `MemoryFile.recall`."""
        return await self._run(self._reading, partial(self._reader.recall, query, k, exclude=exclude))

    async def met(self, sender: str, *, before: float | None = None) -> bool:
        """Whether `sender` was ever heard (or only before a time, in seconds since the epoch)."""
        return await self._run(self._reading, partial(self._reader.met, sender, before=before))

    async def author(self, uid: str, kind: Kind) -> str | None:
        """The peer that the entry with this `uid` and `kind` came from, or None if there is none."""
        return await self._run(self._reading, partial(self._reader.author, uid, kind))

    async def summary(self) -> Summary | None:
        """What was summed up last, or None."""
        return await self._run(self._reading, self._reader.summary)

    async def keep_summary(self, summary: Summary) -> None:
        """Keep what was summed up in place of what was before, whole or not at all; as durable as what
        `append` writes."""
        await self._run(self._writing, partial(self._writer.keep_summary, summary))

    async def count(self) -> int:
        """How many entries there are."""
        return await self._run(self._reading, self._reader.count)

    async def _run(self, turn: trio.CapacityLimiter, call: Callable[[], T]) -> T:
        import trio

        if self._threads:
            return await trio.to_thread.run_sync(call, limiter=turn)
        await trio.lowlevel.checkpoint()
        return call()


def _open_both(path: Path) -> tuple[MemoryFile, MemoryFile]:
    writer = MemoryFile.open(path)
    try:
        return writer, MemoryFile.read(path)
    except BaseException:
        writer.close()
        raise


def _close_both(writer: MemoryFile, reader: MemoryFile) -> None:
    # The writer last: the last to close folds the log into the file, which a reader may not.
    reader.close()
    writer.close()
