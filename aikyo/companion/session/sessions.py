"""A companion's sessions: the next is prepared while the current one talks, then swapped in at once."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import trio

from ...brain import Brain, BrainError, Briefing, Moment
from ...errors import AikyoError
from ...memory import MemoryFileError
from ...wire import Event
from ..profile import Profile
from ..world import World
from .briefing import brief
from .budget import LEAST, MARK, room_of
from .closing import close
from .digesting import Digesting
from .fill import MAX_ROWS, Fill
from .model import Change, Overrides, Session
from .preparing import Preparing

__all__ = ["Sessions", "lighter"]

log = logging.getLogger(__name__)

MAX_WAITING = 16
"""Changes that wait to be prepared at once."""

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0
"""Seconds after which a context that is full is summed up again, when it could not be."""

PAID_PAUSE = 180.0
"""Seconds from one summary that costs money to the next, at least: whoever floods us with words must not
be able to spend what we may. Talks of an ordinary pace do not fill a context sooner."""

_WHY = {
    "full": "the context was full",
    "profile": "the profile has changed",
    "model": "another model",
    "asked": "as asked",
    "too-long": "the model takes less at once",
    "forgotten": "something was forgotten or corrected",
}


@dataclass(slots=True, eq=False)
class _Wanted:
    """A change that waits: what became of it, once `done`."""

    change: Change
    done: trio.Event = field(default_factory=trio.Event)
    session: Session | None = None
    problem: str = ""
    withdrawn: bool = False


class Sessions:
    """One companion's sessions. `run` lives as long as it does.

    Args:
        profile: its character at first.
        world: all that it is handed.
        mood: tells the emotion it last spoke with, or nothing.
        thinks_anew: is told when another brain is there.

    Attributes:
        current: what turns that begin now are taken with.
    """

    def __init__(
        self,
        profile: Profile,
        world: World,
        mood: Callable[[], str] = str,
        thinks_anew: Callable[[], object] = bool,
    ) -> None:
        self.current = Session(1, profile, world.brain, Briefing(), budget=world.budget)
        self._world = world
        self._mood = mood
        self._thinks_anew = thinks_anew
        self._overrides = world.overrides or Overrides()
        self._users = Counter[int]()  # turns by the id of the brain they are taken with
        self._brains: list[Brain] = [world.brain]  # that are open
        self._fill = Fill()
        self._journaled = trio.Event()
        self._wanted, self._changes = trio.open_memory_channel[_Wanted](MAX_WAITING)
        self._summing_up = False
        self._pause, self._not_before, self._next_full = FIRST_PAUSE, -math.inf, -math.inf
        self._retired = trio.Event()
        self._begun = self._over = False

    @property
    def is_over(self) -> bool:
        """Whether the companion has ended: nothing is swapped in any more."""
        return self._over

    @contextmanager
    def use(self) -> Iterator[Session]:
        """The session that a turn is taken with, from its beginning to its end; its brain stays open
        for so long, whatever is swapped in meanwhile."""
        session = self.current
        brain = id(session.brain)
        self._users[brain] += 1
        try:
            yield session
        finally:
            self._users[brain] -= 1
            if not self._users[brain]:
                del self._users[brain]
                self._retired.set()

    async def renew(self, change: Change) -> Session:
        """Have another session prepared, after those that were asked for before, and wait until it has
        taken the place of the current one. Cancelled, it is prepared only if that had begun.

        Raises:
            AikyoError: it could not be prepared, and why; the current one goes on.
        """
        wanted = self._want(change)
        if wanted is None:
            name = self.current.profile.metadata.name
            raise AikyoError(f"{name} has too many changes to make already; try again in a moment")
        try:
            await wanted.done.wait()
        finally:
            wanted.withdrawn = True
        if wanted.session is None:
            raise AikyoError(wanted.problem)
        return wanted.session

    def journaled(self) -> None:
        """The journal has taken something in."""
        self._journaled.set()

    def lighten(self, session: Session) -> None:
        """The model's context was too small for `session`: have one prepared with half the budget."""
        if session is self.current and session.budget > LEAST:
            self._sum_up("too-long")

    async def begin(self) -> None:
        """Take up what was summed up before the companion was started. `run` does so too, where it was
        not done before; until then turns are told the end of the talk alone.

        Raises:
            MemoryFileError: its memory cannot be read.
        """
        if self._begun:
            return
        memory = self._world.memory
        upto = await memory.read(lambda file: file.digests.upto())
        summary = await Digesting(self._world).summary(self.current)
        self._fill.drop(upto)
        rows = await memory.after(upto, MAX_ROWS)
        self._fill.add(rows)
        told = {row.entry.uid for row in rows}
        briefing = await brief(
            self._world,
            self.current,
            mood=self._mood(),
            summary=summary,
            present=dict.fromkeys(row.entry.sender for row in reversed(rows)),
            told=told,
        )
        self.current = replace(self.current, briefing=briefing, since=upto)
        self._begun = True

    async def run(self) -> None:
        """Prepare and swap until cancelled; then whoever waits for a change is told, and the brains that
        were opened here are closed."""
        try:
            await self.begin()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._watch_fill)
                nursery.start_soon(self._close_retired)
                async for wanted in self._changes:
                    await self._make(wanted)
        finally:
            self.end()
            for brain in self._brains:
                if brain is not self._world.brain:  # whoever opened that one closes it
                    await close(brain)

    # Preparing ------------------------------------------------------------------------------------

    def _want(self, change: Change) -> _Wanted | None:
        wanted = _Wanted(change)
        if self._over:
            wanted.problem = f"{self.current.profile.metadata.name} has stopped"
            wanted.done.set()
            return wanted
        try:
            self._wanted.send_nowait(wanted)
        except trio.WouldBlock:
            return None
        return wanted

    async def _make(self, wanted: _Wanted) -> None:
        """Prepare a session and swap it in, or tell why not."""
        change, old = wanted.change, self.current
        if wanted.withdrawn:
            return
        if change.why == "full" and not self._is_full():  # another change has seen to that
            self._summing_up = False
            return
        preparing = Preparing(self._world, old, change, self._overrides, self._mood())
        try:
            session = await preparing.session()
        except Exception as error:
            wanted.problem = error.told if isinstance(error, BrainError) else str(error)
            if not isinstance(error, AikyoError):
                log.exception("a session of %s could not be prepared", self._world.me)
                wanted.problem = f"a bug in aikyo: {error!r}"
            why = _WHY.get(change.why, change.why)
            self._tell(f"no new session ({why}): {wanted.problem}; session {old.number} goes on")
        except BaseException:  # the companion ends
            self._over = True
            raise
        else:
            wanted.session = session
            self._swap(session, change)
        finally:
            if change.why in {"full", "too-long"}:
                self._summing_up = False
                self._back_off(failed=not _has_helped(wanted.session, old))
            wanted.problem = wanted.problem or "it was stopped meanwhile"
            wanted.done.set()

    def _swap(self, session: Session, change: Change) -> None:
        """From now on, turns begin with `session`. No checkpoint is in here."""
        self.current = session
        self._overrides = change.overrides or self._overrides
        if not any(brain is session.brain for brain in self._brains):
            self._brains.append(session.brain)
            self._thinks_anew()
        self._fill.drop(session.since)
        self._retired.set()
        self._journaled.set()  # there may be too much still
        why = _WHY.get(change.why, change.why)
        reason = f"session {session.number} ({why}): {session.brain.label}"
        self._tell(reason, routine=change.why == "full")

    def _tell(self, reason: str, *, routine: bool = False) -> None:
        event = Event(type="session", companion=self._world.me, reason=reason, routine=routine)
        self._world.emit(event)

    def end(self) -> None:
        """Nothing is prepared any more, and whoever waits is told. `run` ends so, too; this is for where
        it has not begun."""
        self._over = True
        while True:
            try:
                wanted = self._changes.receive_nowait()
            except trio.WouldBlock:
                return
            wanted.problem = f"{self.current.profile.metadata.name} has stopped"
            wanted.done.set()

    # When a context is full -----------------------------------------------------------------------

    async def _watch_fill(self) -> None:
        """Count what the journal takes in, and ask for a session when it is too much."""
        while True:
            self._journaled = trio.Event()
            try:
                self._fill.add(await self._world.memory.after(self._fill.seen, MAX_ROWS))
            except MemoryFileError as error:  # what was taken in meanwhile is counted the next time
                log.info("%s cannot see how full its session is: %s", self._world.me, error)
            if self._is_full():
                self._sum_up("full")
            until = max(self._not_before, self._next_full)
            with trio.move_on_at(until if until > trio.current_time() else math.inf):
                await self._journaled.wait()

    def _is_full(self) -> bool:
        fill = self._fill
        return fill.tokens > MARK * room_of(self.current) or fill.rows > MARK * MAX_ROWS

    def _sum_up(self, why: str) -> None:
        not_before = max(self._not_before, self._next_full) if why == "full" else self._not_before
        if not self._summing_up and trio.current_time() >= not_before:
            self._summing_up = self._want(Change(why)) is not None

    def _back_off(self, *, failed: bool) -> None:
        now = trio.current_time()
        if not failed:
            self._pause, self._not_before = FIRST_PAUSE, -math.inf
            self._next_full = now + PAID_PAUSE if self.current.brain.paid else -math.inf
            return
        self._not_before = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._journaled.set()  # so that it is known when to look again

    # Closing --------------------------------------------------------------------------------------

    async def _close_retired(self) -> None:
        """Close brains that no turn is taken with any more."""
        while True:
            await self._retired.wait()
            self._retired = trio.Event()
            for brain in [each for each in self._brains if self._is_retired(each)]:
                self._brains.remove(brain)
                await close(brain)

    def _is_retired(self, brain: Brain) -> bool:
        return brain is not self.current.brain and not self._users[id(brain)]


def _has_helped(session: Session | None, old: Session) -> bool:
    """Whether there is less to tell than before; not where one line is more than there is room for."""
    return session is not None and (session.since > old.since or session.budget < old.budget)


def lighter(moment: Moment) -> Moment:
    """The same moment for a model whose context it was too long for: without the older half of what
    was said, and without what was said before and what memory and perception bring up."""
    newer = moment.recent[len(moment.recent) // 2 :]
    return replace(moment, earlier=(), recent=newer, recalled=(), perceived=())
