"""What the gateway needs of the swarm that it serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Raw

from ..memory.care import Corrected, Forgotten, Wish
from ..wire import (
    CompanionStatus,
    Context,
    MeshStatus,
    QuietMode,
    SwarmStatus,
    TurnRecord,
    UsageBy,
    UsageReport,
)

__all__ = ["Control", "PeerControl"]


class PeerControl(Protocol):
    """Who is on the mesh. Every method but `status` raises `UsageError` when nobody can be meant."""

    def status(self) -> MeshStatus:
        """Everybody who is known."""
        ...

    def block(self, who: str, note: str = "") -> str:
        """Shut out whom a person calls `who`; returns its peer id."""
        ...

    def unblock(self, who: str) -> str:
        """Let in again whom a person calls `who`; returns its peer id."""
        ...

    def forget(self, name: str) -> str:
        """Free the id of a companion that is away; returns the id."""
        ...


class Control(Protocol):
    """The swarm, as seen from outside. Every method may raise `AikyoError` with what is wrong."""

    @property
    def peers(self) -> PeerControl:
        """Who is on the mesh, and whom to shut out."""
        ...

    def status(self) -> SwarmStatus:
        """What runs now."""
        ...

    async def stop(self, name: str | None) -> None:
        """End the companion of this name, or with None the whole swarm (the gateway included)."""
        ...

    async def restart(self, name: str) -> str:
        """Start the companion of this name anew, also when it was stopped or has failed, with what
        stands in its profile now; what is wrong with that, if anything is: then it starts as it was."""
        ...

    async def change(self, name: str, wishes: Mapping[str, str]) -> CompanionStatus:
        """Set something for the companion of this name until the swarm ends; what is so now.

        Args:
            name: whom.
            wishes: by the keys of `SETTABLE`; an empty text takes back what was set.

        Raises:
            UsageError: a value is wrong; nothing is changed.
        """
        ...

    async def renew(self, name: str) -> CompanionStatus:
        """Give the companion of this name a new session; what is so now."""
        ...

    async def usage(
        self, *, seconds: float, by: UsageBy = "companion", companion: str | None = None
    ) -> UsageReport:
        """What was spent on thinking.

        Args:
            seconds: how far back.
            by: what there is a row for.
            companion: only this one.

        Raises:
            UsageError: nobody is known by that name.
        """
        ...

    def why(self, message: str | None, *, after: bool = False) -> TurnRecord:
        """The turn that led to a message.

        Args:
            message: its id or a part of it; None: the latest.
            after: the turn that the message opened, also where it was an answer itself.

        Raises:
            UsageError: there is no such turn, or not one alone.
        """
        ...

    async def forget(self, name: str, wish: Wish) -> Forgotten:
        """Have the companion of this name forget something for good; what went, and what did not.

        Raises:
            UsageError: it is not clear what is meant; nothing is forgotten.
        """
        ...

    async def edit(self, name: str, ident: str, text: str) -> Corrected:
        """Correct what the companion of this name remembers; what came of it.

        Raises:
            UsageError: there is no such thing, or it cannot say that; nothing is changed.
        """
        ...

    async def quiet(self, name: str | None, mode: QuietMode, seconds: float | None) -> None:
        """Have the companion of this name, or with None every one, be that quiet from now on.

        Args:
            name: whom.
            mode: how quiet.
            seconds: for how long, more than 0 and at most `MAX_QUIET`; None: until it is changed.
        """
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
