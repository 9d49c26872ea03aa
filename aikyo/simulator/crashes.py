"""Companions die: in turn whoever composes, and anybody."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from ..wire import Event
from .cast import Member
from .scenario import Scenario

__all__ = ["Crashes"]

_WITHIN = 1.5
"""Seconds after somebody has begun to compose in which a crash comes."""


class Crashes:
    """Has a companion die every so many turns.

    Args:
        scenario: how often, and what is drawn from.
        members: the companions.
    """

    def __init__(self, scenario: Scenario, members: Sequence[Member]) -> None:
        self._random = scenario.random("crashes")
        self._every = scenario.crash_every
        self._members = members
        self._counted = self._due = self._begun = 0
        self._struck, self._strikes = trio.open_memory_channel[Member](16)

    def count(self, turns: int) -> None:
        """So many turns are over; may be told again."""
        if self._every and turns // self._every > self._counted:
            self._counted += 1
            self._due += 1

    def notice(self, event: Event) -> None:
        """Something happened: if a crash is due, it comes while somebody composes."""
        if not self._due or event.activity != "thinking":
            return
        self._due -= 1
        self._begun += 1
        there = [member for member in self._members if member.companion is not None]
        composing = [member for member in there if member.id == event.companion]
        self._struck.send_nowait(self._random.choice(composing if self._begun % 2 else there))

    async def run(self) -> None:
        """Let them die; runs until cancelled."""
        async for member in self._strikes:
            await trio.sleep(self._random.uniform(0.0, _WITHIN))
            member.crash()
