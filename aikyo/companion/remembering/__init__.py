"""How a companion learns from its journal, in the background."""

from .echo import OwnWords, repeats
from .remembering import IDLE, Remembering

__all__ = ["IDLE", "OwnWords", "Remembering", "repeats"]
