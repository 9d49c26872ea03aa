"""Learning by rule: from what was said to facts, and from facts to what they add up to. Pure."""

from .learning import learn, prepare
from .reflecting import reflect

__all__ = ["learn", "prepare", "reflect"]
