"""What goes wrong between a client and a swarm."""

from __future__ import annotations

from ..errors import AikyoError

__all__ = ["ClientError"]


class ClientError(AikyoError):
    """The swarm does not answer, or no longer."""
