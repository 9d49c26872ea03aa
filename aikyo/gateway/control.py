"""What the gateway needs of the swarm that it serves."""

from __future__ import annotations

from typing import Protocol

from msgspec import Raw

from ..wire import Context, SwarmStatus

__all__ = ["Control"]


class Control(Protocol):
    """The swarm, as seen from outside. Every method may raise `AikyoError` with what is wrong."""

    def status(self) -> SwarmStatus:
        """What runs now."""
        ...

    async def stop(self, name: str | None) -> None:
        """End the companion of this name, or with None the whole swarm (the gateway included)."""
        ...

    async def restart(self, name: str) -> None:
        """Start the companion of this name anew, also when it was stopped or has failed."""
        ...

    async def perceive(self, context: Context, body: Raw | None = None) -> None:
        """Publish `context` on the mesh.

        Args:
            context: from a person.
            body: the same as it came in, with the fields that we do not know.

        Raises:
            WireError: it is over the limit.
        """
        ...
