"""A companion's brain at work: it assesses, it composes, one turn at a time, and how that looks."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Literal, TypeVar

import trio

from ..brain import Assessment, BrainError, BrainFault, Moment
from ..conversation import speaking_time
from ..wire import Activity, Event
from .hands import Hands, Occasion
from .moments import Moments
from .pulse import Pulse
from .session import Session, Sessions, lighter
from .surroundings import Surroundings
from .world import World

__all__ = ["Voice"]

T = TypeVar("T")

ASSESS_DEADLINE = 5.5
"""Seconds a brain has for its State; the others wait a little longer."""

COMPOSE_DEADLINE = 50.0
"""Seconds a brain has for its turn; the others wait a little longer."""

WAKE_DEADLINE = 50.0
"""Seconds a brain has to show that it can think again."""

LEAST_REST = 1.0

FIRST_REST, LONGEST_REST = 30.0, 600.0
"""Seconds after which a brain is tried again that has not said when; twice as long each time."""

_PASSING: frozenset[BrainFault] = frozenset({"declined", "malformed", "too-long", "limit"})
"""Faults of one answer, or of none: there is no need to try whether the brain thinks again."""

_FAILED = "brain-failed"


class Voice:
    """What one companion says, and what it is seen doing.

    Args:
        world: all that it is handed.
        moments: what it is told.
        surroundings: the room it is in, and whom it may ask.
        sessions: what it thinks with.

    Attributes:
        mouth: held while a turn is composed.
        activity: what it is doing.
        reason: why it rests, if it does.
        speechless_until: when the brain may be able to compose again, on trio's clock.
        failing: what became of the brain when it failed last, as a State says it.
        turns: how many turns it has taken.
        mood: the emotion it last spoke with, or nothing.
    """

    def __init__(
        self, world: World, moments: Moments, surroundings: Surroundings, sessions: Sessions
    ) -> None:
        self._world = world
        self._moments = moments
        self._surroundings = surroundings
        self._sessions = sessions
        self._unsaid: trio.CancelScope | None = None
        self._rests_until, self._next_rest = math.inf, FIRST_REST
        self._wakes = False  # whether the brain is asked when the rest is over
        self._resting = Pulse()
        self._trouble = ""  # of deciding, as told last
        self.mouth = trio.Lock()
        self.activity: Activity = "listening"
        self.reason = ""
        self.speechless_until = -math.inf
        self.failing = _FAILED
        self._failure = ""  # what it rests for, without when it is tried again
        self.turns = 0
        self.mood = ""

    @property
    def is_speechless(self) -> bool:
        """Whether the brain has said that it can compose nothing for now; it decides nothing of whether
        it can assess, which may be another model's."""
        return trio.current_time() < self.speechless_until

    async def assess(self, session: Session, moment: Moment) -> Assessment | None:
        """Whether we want to speak; None when the brain could not tell, which is said. So is, once, that
        rules decide in place of its model."""
        try:
            with trio.fail_after(ASSESS_DEADLINE):
                found = await self._ask(session, moment, session.brain.assess)
                if self._is_current(session):
                    self._tell(found.trouble)
                return found
        except BrainError as error:
            problem = error
        except trio.TooSlowError:
            problem = _too_slow("to say whether it wants to speak")
        if self._is_current(session):
            self._fail(problem)
        return None

    def _tell(self, trouble: str) -> None:
        """Say that rules decide, and why, unless that is no news."""
        if trouble and trouble != self._trouble:
            reason = f"{trouble}; rules decide who speaks meanwhile"
            self._world.emit(Event(type="notice", companion=self._world.me, reason=reason))
        self._trouble = trouble

    @contextmanager
    def interruptible(self) -> Iterator[trio.CancelScope]:
        """What is done here (with the `mouth` held) is cancelled by `interrupt`."""
        with trio.CancelScope() as scope:
            self._unsaid = scope
            try:
                yield scope
            finally:
                self._unsaid = None

    def interrupt(self) -> None:
        """Drop what is being composed. What has been said before stays said."""
        if self._unsaid is not None:
            self._unsaid.cancel()

    def hands(self, session: Session, occasion: Occasion) -> Hands:
        """What one turn is taken with."""
        return Hands(self._world, occasion, session.profile.toolset, self._surroundings)

    async def compose(self, session: Session, moment: Moment, hands: Hands) -> str:
        """Let the brain take the turn; what went wrong with it, if anything. To be called with the
        `mouth` held.

        Cancelled, what was not yet said is dropped, and not journaled.
        """

        async def think(moment: Moment) -> None:
            await session.brain.compose(moment, hands)

        self.be("thinking")
        hands.remind(moment)
        problem: BrainError | None = None
        unsaid: Literal["interrupted", "dropped"] = "dropped"
        try:
            with trio.fail_after(COMPOSE_DEADLINE):
                await self._ask(session, moment, think, may_again=lambda: hands.message is None)
        except BrainError as error:
            problem = error
        except trio.TooSlowError:
            problem = _too_slow("to answer")
        except trio.Cancelled:
            unsaid = "interrupted"
            raise
        finally:
            hands.end_draft(unsaid)
            if hands.message is not None:
                self.turns += 1
                self.mood = hands.mood or self.mood
                self._moments.spoke(moment, hands.message.conversation or "")
            if problem is not None and self._is_current(session):
                self._fail(problem)
                if problem.retry_in is not None:
                    self.speechless_until = trio.current_time() + problem.retry_in
            else:
                self._next_rest = FIRST_REST
                self.be("speaking" if hands.message is not None else "listening")
        return str(problem or "")

    async def _ask(
        self,
        session: Session,
        moment: Moment,
        ask: Callable[[Moment], Awaitable[T]],
        *,
        may_again: Callable[[], bool] = lambda: True,
    ) -> T:
        """Ask the brain; once more with less, where the moment was too long for its model."""
        try:
            return await ask(moment)
        except BrainError as error:
            if error.kind != "too-long" or not may_again():
                raise
        self._sessions.lighten(session)
        return await ask(lighter(moment))

    async def nod(self, occasion: Occasion) -> None:
        """Show without a word that one has understood, if one can."""
        hands = self.hands(self._sessions.current, occasion)
        if any(spec.name == "gesture" for spec in hands.specs):
            await hands.call("gesture", {"kind": "nod"})

    async def sound(self, said: str) -> None:
        """Be seen speaking for as long as it takes to be heard; nobody waits for this."""
        turns = self.turns
        if said and self.activity == "speaking":
            await trio.sleep(speaking_time(said) * self._world.pace)
            if self.turns == turns and self.activity == "speaking":
                self.be("listening")

    def be(self, activity: Activity, reason: str | None = None) -> None:
        """From now on, be seen doing that."""
        self.activity, self.reason = activity, reason or ""
        self._rests_until = math.inf
        me = self._world.me
        self._world.emit(Event(type="activity", companion=me, activity=activity, reason=reason))

    def rest(
        self, reason: str, *, until: float = math.inf, wakes: bool = False, cause: str = ""
    ) -> None:
        """Be seen resting, and why; the same cause twice in a row is told once.

        Args:
            reason: in a line for people.
            until: when to be back, on trio's clock; by default with the next turn.
            wakes: whether the brain is asked then, whether it can think again.
            cause: the reason without when it is tried again; by default the reason.
        """
        cause = cause or reason
        if (self.activity, self._failure) != ("resting", cause):
            self.be("resting", reason)
        self.reason, self._failure = reason, cause
        self._rests_until, self._wakes = until, wakes
        self._resting.wake()

    def be_back(self) -> None:
        """Another brain is there: rest no longer because of the one before."""
        self.speechless_until, self.failing = -math.inf, _FAILED
        rested = self.activity == "resting" and self._rests_until < math.inf
        if not self._is_at_its_cap() and rested:
            self._next_rest = FIRST_REST
            self.be("listening")

    async def try_again(self) -> None:
        """Where the brain rests, see at once whether it can think again."""
        until = self._rests_until
        if self.activity != "resting" or until == math.inf:
            return
        problem = await self._wake()
        if self._rests_until != until:
            return  # there is something newer
        if problem is None:
            self.be_back()
        else:
            self._fail(problem)

    async def recover(self) -> None:
        """Be back from resting when it is time, until cancelled. First a brain that costs nothing is
        woken, so that a local model is loaded before it is needed; one that cannot be makes us rest,
        as one that has spent all does."""
        if self._sessions.current.brain.paid:
            self._is_at_its_cap()
        elif (problem := await self._wake()) is not None:
            self._fail(problem)
        while True:
            until = self._rests_until
            if trio.current_time() < until:
                await self._resting.wait_until(until)
            elif self._wakes and (problem := await self._wake()) is not None:
                if self._rests_until == until:  # else there is something newer
                    self._fail(problem)
            elif self._rests_until == until:
                self._next_rest = FIRST_REST
                self.be("listening")

    async def _wake(self) -> BrainError | None:
        """See whether the brain can think again; why not, if not, and it is still ours."""
        with self._sessions.use() as session:
            try:
                with trio.fail_after(WAKE_DEADLINE):
                    await session.brain.wake()
            except BrainError as error:
                problem = error
            except trio.TooSlowError:
                problem = _too_slow("to wake")
            else:
                return None
            return problem if self._is_current(session) else None

    def _is_at_its_cap(self) -> bool:
        """Whether the brain may not be asked for now; then rest, and leave turns to others."""
        try:
            self._sessions.current.brain.check()
        except BrainError as problem:
            self._fail(problem)
            self.speechless_until = trio.current_time() + (problem.retry_in or 0)
            return True
        return False

    def _is_current(self, session: Session) -> bool:
        """Whether the brain of `session` is still ours: what another one does wrong is no matter now."""
        return session.brain is self._sessions.current.brain

    def _fail(self, error: BrainError) -> None:
        """The brain has failed: rest until it may be tried again."""
        self.failing = "spent" if error.kind == "limit" else _FAILED
        wait = error.retry_in
        if wait is None:
            wait, self._next_rest = self._next_rest, min(2 * self._next_rest, LONGEST_REST)
        wait = max(wait, LEAST_REST)
        until, wakes = trio.current_time() + wait, error.kind not in _PASSING
        self.rest(str(error), until=until, wakes=wakes, cause=error.told)


def _too_slow(what: str) -> BrainError:
    return BrainError(f"the brain took too long {what}", "timeout")
