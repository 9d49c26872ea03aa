"""Who is who: binds companion ids to peer ids. Pure but for one event to wait on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import trio

from ..wire import Presence

__all__ = ["Member", "Roster"]


@dataclass(frozen=True, slots=True)
class Member:
    """A companion on the mesh: its metadata and the peer that presented it."""

    peer: str
    presence: Presence


class Roster:
    """The companions that are on the mesh now, by id; the first peer to present an id holds it."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._changed = trio.Event()

    def __contains__(self, companion: str) -> bool:
        return companion in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._members))

    def __len__(self) -> int:
        return len(self._members)

    def get(self, companion: str) -> Member | None:
        """The member that holds the id `companion`, if any."""
        return self._members.get(companion)

    def held_by(self, peer: str) -> str | None:
        """The companion id that `peer` speaks as, if it is bound to one."""
        return next((i for i, member in self._members.items() if member.peer == peer), None)

    def bind(self, peer: str, presence: Presence) -> bool:
        """Bind `presence.id` to `peer`; a peer has one id, so an older one of its own is let go.

        Returns:
            Whether it is bound now; False when another peer holds the id.
        """
        holder = self._members.get(presence.id)
        if holder is not None and holder.peer != peer:
            return False
        self.release(peer)
        self._members[presence.id] = Member(peer, presence)
        self._notify()
        return True

    def release(self, peer: str) -> str | None:
        """Forget what `peer` is bound to; returns the companion id that left, if any."""
        companion = self.held_by(peer)
        if companion is not None:
            del self._members[companion]
            self._notify()
        return companion

    async def changed(self) -> None:
        """Wait for the next change (cancellable; nothing is lost but the wait)."""
        await self._changed.wait()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
