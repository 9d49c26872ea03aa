"""A companion's live context with its brain, and how the next one takes its place without a pause."""

from .closing import close
from .model import Change, Overrides, Session
from .sessions import Sessions, lighter

__all__ = ["Change", "Overrides", "Session", "Sessions", "close", "lighter"]
