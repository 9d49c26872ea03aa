"""WebSocket ↔ mesh: what happens goes out to every client, and what they send goes on the mesh."""

from .frames import Frame
from .hub import EVENTS, Hub, Subscription
from .server import Firehose

__all__ = ["EVENTS", "Firehose", "Frame", "Hub", "Subscription"]
