"""The supervisor and what it supervises, assembled in one place."""

from .bring_up import View, bring_up
from .kept_peers import KeptPeers
from .lock import hold_home
from .supervisor import Child
from .swarm import Swarm

__all__ = ["Child", "KeptPeers", "Swarm", "View", "bring_up", "hold_home"]
