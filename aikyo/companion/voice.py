"""A companion's brain at work: it assesses, it composes, one turn at a time, and how that looks."""

from __future__ import annotations

import trio

from ..brain import Assessment, BrainError, Moment
from ..conversation import speaking_time
from ..wire import Activity, Event
from .hands import Hands, Occasion
from .moments import Moments
from .profile import Profile
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

    Attributes:
        mouth: held while a turn is composed.
        activity: what it is doing.
        reason: why it rests, if it does.
        turns: how many turns it has taken.
        mood: the emotion it last spoke with, or nothing.
    """

    def __init__(self, profile: Profile, world: World, moments: Moments) -> None:
        self._profile = profile
        self._world = world
        self._moments = moments
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

    async def compose(self, moment: Moment, occasion: Occasion) -> str:
        """Let the brain take the turn; what was said. To be called with the `mouth` held."""
        hands = Hands(self._world, occasion, self._profile.tools)
        self.be("thinking")
        reason = None
        try:
            with trio.fail_after(COMPOSE_DEADLINE):
                await self._world.brain.compose(moment, hands)
        except BrainError as error:
            reason = str(error)
        except trio.TooSlowError:
            reason = "the brain took too long to answer"
        if hands.said:
            self.turns += 1
            self.mood = hands.mood or self.mood
            self._moments.spoke_to(someone.id for someone in moment.present)
        if reason:
            self.rest(reason)
        else:
            self.be("speaking" if hands.said else "listening")
        return hands.said

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
