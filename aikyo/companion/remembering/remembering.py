"""Learns, reflects and sums up in the background, and keeps out of a companion's talks' way."""

from __future__ import annotations

import logging
import math
import zlib
from collections.abc import Callable, Sequence

import trio

from ...brain import BrainError
from ...errors import AikyoError
from ...memory import Fact
from ...wire import Event
from ..pulse import Pulse
from ..session import Session, Sessions
from ..session.digesting import Digesting
from ..world import World
from .learning import Learning
from .reflecting import Reflecting

__all__ = ["IDLE", "Remembering"]

log = logging.getLogger(__name__)

IDLE = 20.0
"""Seconds in which nobody has spoken, after which there is time to learn."""

SPREAD = 8
"""And up to so many more, since all who heard the same would else think at the same time."""

SENSE_AFTER = 40
"""New rows after which their senses are made, though people still speak."""

LOOKS_AGAIN = 2.0
"""Seconds after which it is looked again whether there is nothing better to do."""

PAID_PAUSE = 180.0
"""Seconds from one call that costs money to the next, at least: whoever floods us with words must not be
able to spend what we may."""

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds after which it is tried again where it has failed; twice as long each time."""

HOUR = 3600.0
"""Seconds after which it is looked again whether a day is over."""

_NAMED = 8


class Remembering:
    """What one companion makes of its journal; `run` lives as long as it does.

    One piece of work at a time, and none while a turn is composed or a person waits. Shut down, whatever
    was not learned from is pending, and taken up at the next start.

    Args:
        world: all that the companion is handed.
        sessions: tell what it thinks with.
        is_busy: tells whether it composes something, or somebody waits for it.
    """

    def __init__(self, world: World, sessions: Sessions, is_busy: Callable[[], bool]) -> None:
        self._world = world
        self._sessions = sessions
        self._is_busy = is_busy
        self._learning = Learning(world)
        self._reflecting = Reflecting(world)
        self._digesting = Digesting(world)
        self._pulse = Pulse()
        self._pending = self._new = 0  # rows; the new ones since there was time for it last
        self._unsensed = 1  # rows, and facts; there may be some from before
        self._idle = IDLE + zlib.crc32(world.me.encode()) % SPREAD
        self._spoken_at = trio.current_time()
        self._reflect_at = self._digest_at = -math.inf  # when to look for work, on trio's clock
        self._not_before, self._pause = -math.inf, FIRST_PAUSE
        self._call: trio.CancelScope | None = None

    def journaled(self) -> None:
        """The journal has taken something in."""
        self._pending += 1
        self._new += 1
        self._unsensed += 1
        self._spoken_at = trio.current_time()
        self._pulse.wake()

    def make_way(self) -> None:
        """A person has spoken. What is going on in a brain of this machine or network is dropped, since
        it may answer one at a time; one that costs money answers many at once, and has been paid."""
        if self._call is not None and not self._sessions.current.brain.paid:
            self._call.cancel()

    def look_again(self) -> None:
        """There may be work that there was not, or that could not be done before."""
        self._not_before, self._pause = -math.inf, FIRST_PAUSE
        self._digest_at = -math.inf
        self._pulse.wake()

    async def run(self) -> None:
        """Work until cancelled; what was not finished then is not begun."""
        await self._look()
        while True:
            now, due = trio.current_time(), min(self._due(), self._sense_due())
            if due > now:
                await self._pulse.wait_until(due)
            elif self._is_busy():
                await trio.sleep(LOOKS_AGAIN)
            elif self._sense_due() <= now:
                await self._make_senses()
            else:
                await self._work()

    @property
    def _learns(self) -> bool:
        return self._world.learn_after > 0

    def _due(self) -> float:
        """When there is something to do, on trio's clock."""
        idle = self._spoken_at + self._idle
        due = max(idle, min(self._reflect_at, self._digest_at))
        if self._pending and self._learns:
            enough = self._new >= self._world.learn_after
            due = -math.inf if enough else min(due, idle)
        return max(due, self._not_before)

    def _sense_due(self) -> float:
        """When what is new should be made known by its sense: no brain is needed for that."""
        if self._unsensed >= SENSE_AFTER:
            return -math.inf
        return self._spoken_at + self._idle if self._unsensed else math.inf

    async def _make_senses(self) -> None:
        self._unsensed = 0
        try:
            await self._world.memory.make_senses()
        except AikyoError as error:
            log.info("%s could not tell senses: %s", self._world.me, error)
        except Exception:  # it must not end a companion that can talk
            log.exception("%s could not tell senses", self._world.me)

    async def _work(self) -> None:
        """Do the next piece of work, or find out when to try again."""
        self._new = 0
        with trio.CancelScope() as self._call:
            try:
                with self._sessions.use() as session:
                    await self._step(session)
            except AikyoError as error:
                log.info("%s could not remember: %s", self._world.me, error)
                self._back_off(error)
            except Exception:  # it must not end a companion that can talk
                log.exception("%s could not remember", self._world.me)
                self._back_off(None)
            else:
                self._pause = FIRST_PAUSE
                if session.brain.paid:
                    self._not_before = trio.current_time() + PAID_PAUSE
        self._call = None

    async def _step(self, session: Session) -> None:
        """Learn; with nothing left to learn from, reflect; with nothing to reflect on, sum up."""
        learned: tuple[Fact, ...] | None = None
        if self._learns:
            learned = await self._learning.step(session)
            if learned is None and await self._reflecting.due_in() == 0:
                learned = await self._reflecting.step(session)
        if learned is not None:
            self._tell(learned)
            self._unsensed += 1
        elif not await self._digesting.step(session):
            self._digest_at = trio.current_time() + HOUR
        await self._look()  # in any case: what was counted may not have been new, or not be written yet

    async def _look(self) -> None:
        """See what there is to learn."""
        if not self._learns:
            self._reflect_at = math.inf
            return
        try:
            before = self._pending
            there = await self._learning.pending()
            self._pending += there - before  # and what was journaled meanwhile
            self._reflect_at = trio.current_time() + await self._reflecting.due_in()
        except AikyoError as error:
            log.info("%s cannot see what there is to learn: %s", self._world.me, error)
            self._back_off(error)

    def _back_off(self, error: AikyoError | None) -> None:
        wait = error.retry_in if isinstance(error, BrainError) else None
        if wait is None:
            wait, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        self._not_before = trio.current_time() + max(wait, FIRST_PAUSE)

    def _tell(self, learned: Sequence[Fact]) -> None:
        """Tell watchers that something was learned, but not what: that stays in the memory, where it can
        be forgotten."""
        if not learned:
            return
        named = ", ".join(f"f{fact.number}" for fact in learned[:_NAMED])
        more = f" and {len(learned) - _NAMED} more" if len(learned) > _NAMED else ""
        event = Event(
            type="memory", companion=self._world.me, reason=f"learned {named}{more}", routine=True
        )
        self._world.emit(event)
