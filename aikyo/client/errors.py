"""What goes wrong between a client and a swarm."""

from __future__ import annotations

from ..errors import AikyoError

__all__ = ["ClientError", "no_swarm"]


class ClientError(AikyoError):
    """The swarm does not answer, or no longer."""


def no_swarm(url: str) -> str:
    """What to say when something else has taken the place of a swarm that ended without a word."""
    return f"what answers at {url} is no swarm; if yours has died, start it again with aikyo up"
