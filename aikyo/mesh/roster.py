"""Who is who: binds companion ids to peer ids. Pure but for one event to wait on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import trio
from msgspec import structs

from ..wire import Presence

__all__ = ["MAX_MEMBERS", "Member", "Roster"]

MAX_MEMBERS = 1024
"""How many companions a roster holds; beyond that nobody new is bound but one of our own."""


@dataclass(frozen=True, slots=True)
class Member:
    """A companion on the mesh: its metadata and the peer that presented it.

    Attributes:
        peer: the peer id that is bound to the companion's id.
        presence: its metadata.
        until: when it is forgotten unless it presents itself again, in the caller's seconds;
            infinity for one of our own and for a neighbour, who is known to leave.
        since: when it was bound, in the caller's seconds.
    """

    peer: str
    presence: Presence
    until: float = math.inf
    since: float = 0.0


class Roster:
    """The companions that are on the mesh now, by id; the first peer to present an id holds it."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._ids: dict[str, str] = {}  # peer -> the companion id it is bound to
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
        return self._ids.get(peer)

    def bind(
        self,
        peer: str,
        presence: Presence,
        *,
        until: float = math.inf,
        own: bool = False,
        since: float = 0.0,
    ) -> bool:
        """Bind `presence.id` to `peer`; a peer has one id, so an older one of its own is let go.

        What is bound for good is not shortened by a later `until`, and stays bound `since` it first was;
        a presence that does not tell its addresses and time (metadata has none) does not undo them.
        When the roster is full, who comes for good takes the place of whoever would be forgotten first,
        and one of our `own` always fits: names from beyond our neighbours cost nothing to make up.

        Returns:
            Whether it is bound now; False when another peer holds the id, or the roster is full.
        """
        holder = self._members.get(presence.id)
        if holder is not None and holder.peer != peer:
            return False
        if peer not in self._ids and not self._make_room(until) and not own:
            return False
        if holder is not None:
            until, since = max(until, holder.until), holder.since
            told = holder.presence
            if not presence.sent:
                presence = structs.replace(presence, addresses=told.addresses, sent=told.sent)
            if structs.replace(told, sent=presence.sent) == presence:  # it is still there: no news
                self._members[presence.id] = Member(peer, presence, until, since)
                return True
        member = Member(peer, presence, until, since)
        self._drop(peer)
        self._members[presence.id] = member
        self._ids[peer] = presence.id
        self._notify()
        return True

    def release(self, peer: str) -> str | None:
        """Forget what `peer` is bound to; returns the companion id that left, if any."""
        companion = self._drop(peer)
        if companion is not None:
            self._notify()
        return companion

    def limit(self, peer: str, until: float) -> None:
        """Forget `peer` at `until`, unless it presents itself again."""
        companion = self._ids.get(peer)
        if companion is not None:
            self._members[companion] = replace(self._members[companion], until=until)

    def expire(self, now: float) -> tuple[str, ...]:
        """Forget those whose time is up; returns the companion ids that left."""
        late = [member.peer for member in self._members.values() if member.until <= now]
        return tuple(companion for peer in late if (companion := self.release(peer)))

    async def changed(self) -> None:
        """Wait for the next change (cancellable; nothing is lost but the wait)."""
        await self._changed.wait()

    def _make_room(self, until: float) -> bool:
        """Whether there is room for one that stays `until`, once who has to has made way."""
        if len(self._members) < MAX_MEMBERS:
            return True
        first = min(self._members.values(), key=lambda member: member.until)
        if until < math.inf or first.until == math.inf:
            return False
        self._drop(first.peer)
        return True

    def _drop(self, peer: str) -> str | None:
        companion = self._ids.pop(peer, None)
        if companion is not None:
            del self._members[companion]
        return companion

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
