"""What people do to the memories of companions that run: forget and correct, live session and all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from functools import partial
from typing import Protocol, TypeVar

import trio
from msgspec.structs import replace

from ..errors import AikyoError
from ..memory import MemoryFile
from ..memory.care import (
    Corrected,
    Forgotten,
    Gone,
    Wish,
    choose,
    edit,
    edit_in_copies,
    forget,
    forget_in_copies,
)
from ..memory.care.recordings import Blank, blanker
from ..paths import Home
from .members import Member

__all__ = ["Memories", "Redacts"]

log = logging.getLogger(__name__)

SESSION_WITHIN = 30.0
"""Seconds that a new session is waited for; it comes all the same."""

T = TypeVar("T")


class Redacts(Protocol):
    """A recording that is being made."""

    async def redact(self, blank: Blank) -> int:
        """Write it anew with its lines blanked; how many are others now. Raises `OSError`."""
        ...


class Memories:
    """Forgets and corrects in the memories of a swarm's companions, one change after the other.

    Args:
        home: where they are.
        clock: seconds since the epoch.
        recorder: the recording that is being made, if one is.
    """

    def __init__(self, home: Home, clock: Callable[[], float], recorder: Redacts | None = None) -> None:
        self._home = home
        self._clock = clock
        self._recorder = recorder
        self._changing = trio.Lock()

    async def forget(self, member: Member, wish: Wish) -> Forgotten:
        """Forget what is wished, in the memory of a companion and in all that this home holds of it.

        What has begun is ended whatever becomes of who asks, but for the new session.

        Raises:
            UsageError: it is not clear what is meant; nothing is forgotten.
            MemoryFileError: the memory cannot be written; nothing is forgotten.
        """

        def do(file: MemoryFile) -> Gone:
            return forget(file, choose(file, wish), now=self._clock())

        async with self._changing:
            with trio.CancelScope(shield=True):
                gone = await self._in(member, do)
                copies = partial(
                    forget_in_copies, self._home, member.name, gone, now=self._clock(), wish=wish
                )
                report = await trio.to_thread.run_sync(copies)
                recorded, trouble = await self._redact(gone.texts, gone.uids, wish.only_matching)
        report = replace(
            report,
            recordings=report.recordings + recorded,
            unreached=(*report.unreached, *trouble),
        )
        if not gone.uids:
            return report
        session, trouble = await self._tell(member, gone.uids)
        return replace(report, session=session, unreached=(*report.unreached, *trouble))

    async def edit(self, member: Member, ident: str, text: str) -> Corrected:
        """Correct something in the memory of a companion, and in all that this home holds of it; as
        `forget`.

        Raises:
            UsageError: there is no such thing, or it cannot say that; nothing is changed.
            MemoryFileError: the memory cannot be written; nothing is changed.
        """

        def do(file: MemoryFile) -> Corrected:
            return edit(file, ident, text, now=self._clock())

        async with self._changing:
            with trio.CancelScope(shield=True):
                done = await self._in(member, do)
                copies = partial(edit_in_copies, self._home, member.name, done, now=self._clock())
                done = await trio.to_thread.run_sync(copies)
                recorded, trouble = await self._redact({done.was}, {done.uid})
        done = replace(
            done, recordings=done.recordings + recorded, unreached=(*done.unreached, *trouble)
        )
        session, trouble = await self._tell(member, {done.uid, *done.gone})
        return replace(done, session=session, unreached=(*done.unreached, *trouble))

    async def _in(self, member: Member, do: Callable[[MemoryFile], T]) -> T:
        """Do it in the open memory of a companion that runs, else in its file."""
        if member.memory is not None:
            if member.companion is not None:
                await member.companion.write_down()  # so that it is found, and does not come after
            return await member.memory.write(do)

        def in_file() -> T:
            with MemoryFile.open(self._home.memory(member.name)) as file:
                return do(file)

        async with member.changing:  # it must not start meanwhile
            done: T = await trio.to_thread.run_sync(in_file)
            return done

    async def _redact(
        self, texts: Collection[str], uids: Collection[str], matching: str = ""
    ) -> tuple[int, tuple[str, ...]]:
        """Blank them in the recording that is being made: whether they were in it, and what is wrong."""
        if self._recorder is None:
            return 0, ()
        try:
            return int(await self._recorder.redact(blanker(texts, uids, matching)) > 0), ()
        except OSError as error:
            return 0, (f"the recording that is being made ({(error.strerror or str(error)).lower()})",)

    async def _tell(self, member: Member, uids: Collection[str]) -> tuple[bool, tuple[str, ...]]:
        """Have a companion that runs think without them: whether it has a session without, and what is
        wrong."""
        if member.companion is None:
            return False, ()
        try:
            with trio.fail_after(SESSION_WITHIN):
                await member.companion.forget(uids)
        except (AikyoError, trio.TooSlowError) as error:
            told = str(error) or f"no new session within {SESSION_WITHIN:.0f} s"
            log.info("%s goes on with its session: %s", member.name, told)
            return False, (f"the session of {member.name}, which goes on for now ({told})",)
        return True, ()
