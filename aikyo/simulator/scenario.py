"""What is simulated."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

__all__ = ["Scenario"]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated; the same scenario gives the same turns.

    Attributes:
        companions: how many there are.
        people: how many speak among them.
        turns: how many turns are followed.
        loss: the share of what is sent that is lost, drawn for each receiver, 0 to 1.
        delay: the longest that something is under way, in seconds, drawn for each receiver.
        crash_every: so many turns after each other a companion dies and starts again; 0: never.
        seed: what everything is drawn from.
    """

    companions: int = 8
    people: int = 1
    turns: int = 500
    loss: float = 0.0
    delay: float = 0.1
    crash_every: int = 50
    seed: int = 1

    def random(self, purpose: str) -> Random:
        """A source of chance of its own for each purpose."""
        return Random(f"{self.seed} {purpose}")
