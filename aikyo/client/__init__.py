"""What programs outside use to talk to a running swarm: its stream, and control of it."""

from .control import Remote
from .find import find_swarm, wait_until_gone
from .names import is_known, person, recipients
from .render import render
from .stream import TOPICS, ClientError, Stream, open_stream
from .talk import Talk
from .telling import Telling

__all__ = [
    "TOPICS",
    "ClientError",
    "Remote",
    "Stream",
    "Talk",
    "Telling",
    "find_swarm",
    "is_known",
    "open_stream",
    "person",
    "recipients",
    "render",
    "wait_until_gone",
]
