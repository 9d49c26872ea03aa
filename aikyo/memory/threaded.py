"""A companion's memory as its tasks use it: SQLite in a thread, never in trio's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Self, TypeVar

from ..embeddings import Choice, Embedder
from .base import Durability, Entry, Hit, Kind, MemoryDamagedError, Row
from .file import MemoryFile
from .recall.senses import embedder

if TYPE_CHECKING:
    import trio

__all__ = ["Memory"]

T = TypeVar("T")

_SENSES = 64  # rows at a time that get a sense, so that an entry waits 6 ms for that at the most
_FACTS = 16  # likewise facts, whose vectors no entry waits for


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
        self._embedding = trio.CapacityLimiter(1)
        self._threads = threads
        self._damage: MemoryDamagedError | None = None
        self._damaged = trio.Event()

    @classmethod
    @contextmanager
    def in_ram(cls, embedder: Embedder | Choice = "auto") -> Iterator[Self]:
        """A memory that is kept nowhere and uses no threads, so that a virtual clock stays in step; for
        as long as the context lasts."""
        with MemoryFile.in_ram(embedder) as file:
            yield cls(file, file, threads=False)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: Path,
        durability: Durability = "process",
        *,
        suspect: bool = False,
        embedder: Embedder | Choice = "auto",
    ) -> AsyncIterator[Self]:
        """Open the file, made when missing, for as long as the context lasts; see `MemoryFile.open`.

        Raises:
            MemoryDamagedError: it is damaged; `mend` sets it aside and restores a backup.
            MemoryFileError: it cannot be made, is foreign, or of a newer version. Nothing that is there
                is ever replaced.
        """
        import trio

        both = partial(_open_both, path, durability, suspect=suspect, embedder=embedder)
        writer, reader = await trio.to_thread.run_sync(both)
        memory = cls(writer, reader)
        try:
            yield memory
        finally:
            with trio.CancelScope(shield=True):  # after what is being written just now
                await trio.to_thread.run_sync(_close_both, writer, reader, limiter=memory._writing)

    async def read(self, work: Callable[[MemoryFile], T]) -> T:
        """Do something that only reads; in a thread, so it must touch nothing but the file."""
        return await self._run(self._reading, partial(work, self._reader))

    async def write(self, work: Callable[[MemoryFile], T]) -> T:
        """Do something that writes; in a thread likewise, and no other write comes between."""
        return await self._run(self._writing, partial(work, self._writer))

    async def append(self, entry: Entry) -> bool:
        """Write an entry; on return it is durable against the end of the process, kill -9 included, and
        against the loss of power where the memory was opened so.

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

    async def recall(
        self, query: str, k: int = 8, *, exclude: Collection[str] = (), now: datetime | None = None
    ) -> tuple[Hit, ...]:
        """The `k` entries that fit `query` best, best first: see `MemoryFile.recall`."""
        find = partial(self._reader.recall, query, k, exclude=exclude, now=now)
        return await self._run(self._reading, find)

    async def make_senses(self) -> None:
        """Make all entries and facts known by their sense that are not yet, so that they are found by
        other words than their own. Work for the background; what was done stays when it is cancelled."""
        await self._run(self._embedding, embedder)  # no entry is to wait until it is loaded
        while await self._run(self._writing, partial(self._writer.make_senses, _SENSES)):
            pass
        while facts := await self._run(self._reading, partial(self._reader.facts.outdated, _FACTS)):
            # In no turn of theirs: an embedder may take its time, and nobody is to wait for it.
            made = await self._run(self._embedding, partial(self._reader.facts.senses_of, facts))
            await self._run(self._writing, partial(self._writer.facts.renew, made))

    async def met(self, sender: str, *, before: float | None = None) -> bool:
        """Whether `sender` was ever heard (or only before a time, in seconds since the epoch)."""
        return await self._run(self._reading, partial(self._reader.met, sender, before=before))

    async def author(self, uid: str, kind: Kind) -> str | None:
        """The peer that the entry with this `uid` and `kind` came from, or None if there is none."""
        return await self._run(self._reading, partial(self._reader.author, uid, kind))

    async def count(self) -> int:
        """How many entries there are."""
        return await self._run(self._reading, self._reader.count)

    def found_damaged(self, error: MemoryDamagedError) -> None:
        """The file is damaged, as something else has found."""
        self._damage = error
        self._damaged.set()

    async def until_damaged(self) -> NoReturn:
        """Wait until the file is found to be damaged, by whatever was done with it.

        Raises:
            MemoryDamagedError: it is.
        """
        await self._damaged.wait()
        assert self._damage is not None
        raise MemoryDamagedError(str(self._damage), self._damage.detail)

    async def _run(self, turn: trio.CapacityLimiter, call: Callable[[], T]) -> T:
        import trio

        try:
            if self._threads:
                return await trio.to_thread.run_sync(call, limiter=turn)
            await trio.lowlevel.checkpoint()
            return call()
        except MemoryDamagedError as error:
            self.found_damaged(error)
            raise


def _open_both(
    path: Path, durability: Durability, *, suspect: bool, embedder: Embedder | Choice
) -> tuple[MemoryFile, MemoryFile]:
    writer = MemoryFile.open(path, durability, suspect=suspect, embedder=embedder)
    try:
        return writer, MemoryFile.read(path, is_checked=True, embedder=embedder)
    except BaseException:
        writer.close()
        raise


def _close_both(writer: MemoryFile, reader: MemoryFile) -> None:
    # The writer last: the last to close folds the log into the file, which a reader may not.
    reader.close()
    writer.close()
