"""Real companions on a medium that loses and delays, with brains that draw what they want, in virtual
time: how their turn-taking holds up, measured."""

from .run import Simulated, simulate
from .scenario import Scenario

__all__ = ["Scenario", "Simulated", "simulate"]
