"""What memory has brought up in a turn, and whether what is said only repeats that."""

from __future__ import annotations

from collections.abc import Iterable

from ..brain import Known, Moment
from ..memory import Entry
from .remembering.echo import repeats
from .world import World

__all__ = ["Reminded"]


class Reminded:
    """What memory has brought up in one turn.

    Args:
        world: tells what those who talk are called.

    Attributes:
        present: ids of those who talk.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: list[str] = []
        self._said: list[str] = []
        self.present: list[str] = []

    def of(self, moment: Moment) -> None:
        """The brain is told of this moment."""
        briefing = moment.briefing
        known = (*moment.known, *briefing.known, *briefing.itself, *briefing.threads)
        self._known += [each.text for each in known]
        self._said += [line.text for line in (*moment.recalled, *briefing.memories)]
        self.present += [someone.id for someone in moment.present]

    def by(self, known: Iterable[Known], turns: Iterable[Entry]) -> None:
        """The brain has looked into its memory, and found this."""
        self._known += [each.text for each in known]
        self._said += [entry.text for entry in turns]

    def repeats(self, text: str) -> bool:
        """Whether `text` says again what was brought up."""
        who = (self._world.me, *self.present)
        names = [name for ident in who for name in self._world.names_of(ident)]
        return repeats(text, self._known, self._said, names=names)
