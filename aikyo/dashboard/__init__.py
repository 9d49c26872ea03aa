"""The live view of a swarm, fed by events; knows nothing of the mesh."""

from .live import run_dashboard
from .render import render
from .view import View

__all__ = ["View", "render", "run_dashboard"]
