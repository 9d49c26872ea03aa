"""A companion's brain at work: it assesses, it composes, one turn at a time, and how that looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio

from ..brain import Assessment, BrainError, Moment
from ..conversation import speaking_time
from ..wire import Activity, Event
from .hands import Hands, Occasion
from .moments import Moments
from .profile import Profile
from .surroundings import Surroundings
from .world import World

__all__ = ["Voice"]

ASSESS_DEADLINE = 5.5
"""Seconds a brain has for its State; the others wait a little longer."""

COMPOSE_DEADLINE = 50.0
"""Seconds a brain has for its turn; the others wait a little longer."""


class Voice:
    """What one companion says, and what it is seen doing.

    Args:
        profile: its character.
        world: all that it is handed.
        moments: what it is told.
        surroundings: the room it is in, and whom it may ask.

    Attributes:
        mouth: held while a turn is composed.
        activity: what it is doing.
        reason: why it rests, if it does.
        turns: how many turns it has taken.
        mood: the emotion it last spoke with, or nothing.
    """

    def __init__(
        self, profile: Profile, world: World, moments: Moments, surroundings: Surroundings
    ) -> None:
        self._profile = profile
        self._world = world
        self._moments = moments
        self._surroundings = surroundings
        self._unsaid: trio.CancelScope | None = None
        self.mouth = trio.Lock()
        self.activity: Activity = "listening"
        self.reason = ""
        self.turns = 0
        self.mood = ""

    async def assess(self, moment: Moment) -> Assessment | None:
        """Whether we want to speak; None when the brain could not tell, which is said."""
        try:
            with trio.fail_after(ASSESS_DEADLINE):
                return await self._world.brain.assess(moment)
        except BrainError as error:
            self.rest(str(error))
        except trio.TooSlowError:
            self.rest("the brain took too long to say whether it wants to speak")
        return None

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

    def hands(self, occasion: Occasion) -> Hands:
        """What one turn is taken with."""
        return Hands(self._world, occasion, self._profile.toolset, self._surroundings)

    async def compose(self, moment: Moment, hands: Hands) -> str:
        """Let the brain take the turn; what went wrong with it, if anything. To be called with the
        `mouth` held.

        Cancelled, what was not yet said is dropped, and not journaled.
        """
        self.be("thinking")
        problem = ""
        try:
            with trio.fail_after(COMPOSE_DEADLINE):
                await self._world.brain.compose(moment, hands)
        except BrainError as error:
            problem = str(error)
        except trio.TooSlowError:
            problem = "the brain took too long to answer"
        finally:
            if hands.message is not None:
                self.turns += 1
                self.mood = hands.mood or self.mood
                self._moments.spoke(moment, hands.message.conversation or "")
            if problem:
                self.rest(problem)
            else:
                self.be("speaking" if hands.message is not None else "listening")
        return problem

    async def nod(self, occasion: Occasion) -> None:
        """Show without a word that one has understood, if one can."""
        hands = self.hands(occasion)
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
        me = self._world.me
        self._world.emit(Event(type="activity", companion=me, activity=activity, reason=reason))

    def rest(self, reason: str) -> None:
        """Be seen resting, and why."""
        self.be("resting", reason)
