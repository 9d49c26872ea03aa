"""Learning by rule: from what was said to facts, and from facts to what they add up to. Pure."""

from .learning import learn, learn_in_steps, prepare
from .reflecting import reflect

__all__ = ["learn", "learn_in_steps", "prepare", "reflect"]
