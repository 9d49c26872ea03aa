"""Brains that think nothing: whether they want to speak, how much, and how long they take is drawn."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from random import Random

import trio

from ..brain import Assessment, Brain, BrainError, Moment, Past, Toolbox, ToolError
from ..wire import Closing
from .speech import sentence

__all__ = ["CHARACTERS", "Character", "DrawnBrain"]


@dataclass(frozen=True, slots=True)
class Character:
    """What a brain draws from. Shares are 0 to 1, times seconds.

    Attributes:
        wants: how often it wants to speak of its own accord.
        importance: how much on average.
        spread: how much that varies.
        assesses: how long it takes to know, on average.
        composes: how long it takes to answer, on average.
        asks: how often it ends in a question.
        calls: how often it calls somebody by name.
        parrots: how often it says again what it has said before.
        fails: how often it cannot think.
        hangs: how often it never comes back.
    """

    wants: float = 0.7
    importance: float = 5.0
    spread: float = 2.0
    assesses: float = 0.8
    composes: float = 3.0
    asks: float = 0.25
    calls: float = 0.3
    parrots: float = 0.02
    fails: float = 0.02
    hangs: float = 0.002


CHARACTERS = (
    Character(),
    Character(wants=1.0, importance=9.5, spread=0.5, asks=0.1),  # talks all the time
    Character(wants=0.15, importance=4.0),  # rarely wants to
    Character(assesses=3.0, composes=9.0),  # slow
    Character(asks=0.7, calls=0.7),  # asks about everything
    Character(assesses=0.1, composes=0.5, spread=4.0),  # quick
    Character(parrots=0.3, importance=3.0),  # repeats itself
    Character(fails=0.1, hangs=0.01),  # is often out of its mind
)
"""Who takes part, in turn."""


class DrawnBrain(Brain):
    """A brain that draws what it wants.

    Args:
        character: from what.
        random: with what.
    """

    label = "simulated"

    def __init__(self, character: Character, random: Random) -> None:
        self._character = character
        self._random = random
        self._said = sentence(random)

    async def assess(self, moment: Moment) -> Assessment:
        """See `Brain.assess`."""
        await self._think(self._character.assesses)
        wants = moment.addressed or self._happens(self._character.wants)
        drawn = self._random.gauss(self._character.importance, self._character.spread)
        return Assessment(speak=wants, importance=min(10.0, max(0.0, drawn + moment.addressed)))

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """See `Brain.compose`."""
        await self._think(self._character.composes)
        if not self._happens(self._character.parrots):
            ends = moment.closing in {Closing.CLOSING, Closing.TERMINAL}
            names = [someone.name for someone in moment.present]
            self._said = sentence(
                self._random,
                to=names if self._happens(self._character.calls) else (),
                asks=not ends and moment.may_ask and self._happens(self._character.asks),
            )
        with suppress(ToolError):  # the talk has moved on meanwhile
            await toolbox.call("speak", {"message": self._said})

    async def summarize(self, past: Past) -> str:
        """See `Brain.summarize`; nothing that is said here has a sense."""
        return f"{len(past.lines)} things were said."

    async def _think(self, seconds: float) -> None:
        """Take some time, mostly about `seconds`; or fail, or never end."""
        if self._happens(self._character.hangs):
            await trio.sleep_forever()
        await trio.sleep(min(seconds * self._random.lognormvariate(-0.2, 0.6), 10 * seconds))
        if self._happens(self._character.fails):
            raise BrainError("nothing comes to mind")

    def _happens(self, share: float) -> bool:
        return self._random.random() < share
