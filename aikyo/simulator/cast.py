"""The companions that are simulated: who they are, how they live, die and come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NoReturn

import trio

from ..companion import Companion, Profile, Quiet, TurnsTaken, World
from ..companion.profile import Metadata
from ..companion.toolset import Toolset
from ..conversation.triggers import Triggers
from ..memory import Memory
from ..mesh import Mesh
from ..wire import Event, IdMaker, companion_id
from .brain import CHARACTERS, DrawnBrain
from .scenario import Scenario

__all__ = ["Member", "cast"]

_NAMES = (
    "alice", "bob", "carol", "dan", "erin", "frank", "grace", "heidi",
    "ivan", "judy", "kim", "leo", "mona", "nils", "olga", "piet",
)  # fmt: skip


@dataclass(slots=True, eq=False)
class Member:
    """A companion and what outlives it.

    Attributes:
        profile: its character.
        memory: its memory, in which a crash leaves what was written.
        brain: what it thinks with.
        new_id: makes its ids.
        random: draws how long it is away.
        quiet: whether it speaks as it likes.
        taken: how many turns it has taken.
        companion: what runs of it now, None while it is away.
        crashes: how often it has died.
    """

    profile: Profile
    memory: Memory
    brain: DrawnBrain
    new_id: IdMaker
    random: Random
    quiet: Quiet = field(default_factory=Quiet)
    taken: TurnsTaken = field(default_factory=TurnsTaken)
    companion: Companion | None = None
    crashes: int = 0
    _scope: trio.CancelScope | None = None

    @property
    def id(self) -> str:
        """Its companion id."""
        return self.profile.metadata.id

    def crash(self) -> None:
        """End it wherever it is; it starts again after some seconds. Nothing, while it is away."""
        if self._scope is not None:
            self._scope.cancel()

    async def live(
        self,
        mesh: Mesh,
        clock: Callable[[], float],
        emit: Callable[[Event], None],
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> NoReturn:
        """Live, one life after the other, until cancelled."""
        while True:
            with trio.CancelScope() as self._scope:
                async with mesh.join(Path(self.id), self.profile.presence(self.id)) as node:
                    self.companion = Companion(
                        self.profile,
                        World(
                            node=node,
                            memory=self.memory,
                            brain=self.brain,
                            clock=clock,
                            new_id=self.new_id,
                            emit=emit,
                            quiet=self.quiet,
                            taken=self.taken,
                        ),
                    )
                    task_status.started()
                    task_status = trio.TASK_STATUS_IGNORED
                    await self.companion.run()
            self._scope = self.companion = None
            self.crashes += 1
            await trio.sleep(self.random.uniform(2.0, 8.0))


def cast(scenario: Scenario, clock: Callable[[], float], memories: Callable[[], Memory]) -> list[Member]:
    """Those who take part.

    Args:
        scenario: how many, and what they are drawn from.
        clock: seconds since the epoch.
        memories: makes a memory.
    """
    return [
        Member(
            profile=_profile(name),
            memory=memories(),
            brain=DrawnBrain(CHARACTERS[number % len(CHARACTERS)], scenario.random(f"brain of {name}")),
            new_id=IdMaker(clock, scenario.random(f"ids of {name}")),
            random=scenario.random(f"life of {name}"),
        )
        for number, name in enumerate(map(_name, range(scenario.companions)))
    ]


def _name(number: int) -> str:
    again, which = divmod(number, len(_NAMES))
    return f"{_NAMES[which]}-{again + 1}" if again else _NAMES[which]


def _profile(name: str) -> Profile:
    who = Metadata(name=name.capitalize(), id=companion_id(name))
    return Profile(metadata=who, file=Path(f"{name}.toml"), triggers=Triggers(), toolset=Toolset())
