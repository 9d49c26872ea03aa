"""The HTTP API: what companions perceive, and control of the running swarm."""

from .control import Control
from .server import serve_gateway

__all__ = ["Control", "serve_gateway"]
