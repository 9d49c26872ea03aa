"""Prepares one session beside the one that goes on, and leaves nothing behind where that fails."""

from __future__ import annotations

from dataclasses import replace

import trio

from ...brain import Brain, BrainError
from ...errors import AikyoError, UsageError
from ...memory import Row
from ..world import World
from .briefing import brief
from .budget import LEAST, line_tokens, older_part, room_of
from .closing import close
from .digesting import Digesting
from .fill import MAX_ROWS
from .model import Change, Overrides, Session

__all__ = ["Preparing"]

WAKES_WITHIN = 90.0
"""Seconds that a brain has to be ready: a local model may have to be loaded."""

_MOST_ROOMS = 4
"""How many times what there is room for is summed up at once, at the most."""

_ATTEMPTS = 3
"""At summing up, where what is summed up is forgotten or corrected meanwhile."""

_SUMS_UP = frozenset({"full", "too-long", "asked"})


class Preparing:
    """One preparation.

    Args:
        world: all that the companion is handed.
        old: the session that goes on meanwhile.
        change: what the next is to be for.
        overrides: what was set before.
        mood: the emotion the companion last spoke with, or nothing.
    """

    def __init__(
        self, world: World, old: Session, change: Change, overrides: Overrides, mood: str
    ) -> None:
        self._world = world
        self._old = old
        self._change = change
        self._overrides = overrides
        self._mood = mood
        self._profile = change.profile or old.profile
        self._digesting = Digesting(world)

    async def session(self) -> Session:
        """The next session, ready to be swapped in.

        Raises:
            AikyoError: it cannot be had (`BrainError`, `UsageError`, `MemoryFileError`). Whatever is
                raised, a brain that was opened for it is closed again.
        """
        if not self._needs_brain():
            return await self._with(self._old.brain)
        brain = await self._open()
        try:
            await _wake(brain)
            return await self._with(brain)
        except BaseException:
            await close(brain)
            raise

    def _needs_brain(self) -> bool:
        change, old = self._change, self._old
        return change.overrides is not None or self._profile.brain != old.profile.brain

    async def _open(self) -> Brain:
        if self._world.open_brain is None:
            raise UsageError("its brain cannot be changed while it runs")
        return await self._world.open_brain(self._profile, self._change.overrides or self._overrides)

    async def _with(self, brain: Brain) -> Session:
        old, world = self._old, self._world
        next_ = replace(
            old,
            number=old.number + 1,
            profile=self._profile,
            brain=brain,
            budget=self._budget(brain),
            why=self._change.why,
        )
        rows = await self._put_away(next_)
        since = await self._since()
        summary = await self._digesting.summary(next_)
        briefing = await brief(
            world,
            next_,
            mood=self._mood,
            summary=summary,
            present=dict.fromkeys(row.entry.sender for row in reversed(rows)),
            told={row.entry.uid for row in rows},
        )
        return replace(next_, briefing=briefing, since=since)

    async def _put_away(self, next_: Session) -> tuple[Row, ...]:
        """Sum up what `next_` is not to tell in full; all that the old one did so far."""
        for _ in range(_ATTEMPTS):
            rows = await self._world.memory.after(await self._since(), MAX_ROWS)
            older = self._older(rows, room_of(next_))
            if not older or await self._digesting.put_away(next_, older):
                return rows
        raise AikyoError("its memory was changed meanwhile, again and again; try again in a moment")

    async def _since(self) -> int:
        """The row up to which all is summed up; what was is kept even where nothing was swapped in."""
        return max(self._old.since, await self._world.memory.read(lambda file: file.digests.upto()))

    def _budget(self, brain: Brain) -> int:
        """Half for a model that took less; all for another one."""
        if self._change.why == "too-long":
            return max(LEAST, self._old.budget // 2)
        return self._old.budget if brain is self._old.brain else self._world.budget

    def _older(self, rows: tuple[Row, ...], most: int) -> tuple[Row, ...]:
        """What is to be summed up. Of a great deal, as of a memory from before there were summaries,
        only the newest: what is older is left to recall."""
        if self._change.why not in _SUMS_UP:
            return ()
        costs = [line_tokens(row.entry.text) for row in rows]
        end = older_part(costs, most)
        start, left = end, _MOST_ROOMS * most
        while start and (left := left - costs[start - 1]) >= 0:
            start -= 1
        return rows[min(start, end - 1) if end else 0 : end]


async def _wake(brain: Brain) -> None:
    try:
        with trio.fail_after(WAKES_WITHIN):
            await brain.wake()
    except trio.TooSlowError:
        raise BrainError(f"{brain.label} was not ready in time", "timeout") from None
    except BrainError as error:
        if error.kind != "limit":  # it can think, but may not for now: the companion rests with it
            raise
