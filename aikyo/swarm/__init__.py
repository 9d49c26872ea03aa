"""The supervisor and what it supervises, assembled in one place."""

from .bring_up import View, bring_up
from .supervisor import Child
from .swarm import Swarm

__all__ = ["Child", "Swarm", "View", "bring_up"]
