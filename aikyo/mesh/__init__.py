"""The mesh: who is there, and how payloads get from one to the other.

Importing this package loads no libp2p; `aikyo.mesh.libp2p` does, and `aikyo.mesh.memory` is its twin.
"""

from .base import IdTakenError, Mesh, MeshError, Node, PeerInfo, Received
from .roster import Member, Roster

__all__ = [
    "IdTakenError",
    "Member",
    "Mesh",
    "MeshError",
    "Node",
    "PeerInfo",
    "Received",
    "Roster",
]
