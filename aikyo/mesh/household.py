"""This process's nodes, the one roster they share, and who keeps an id that two peers want."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Self

import msgspec
import trio

from ..wire import MeshStatus, Presence
from .base import IdTakenError, Mesh, MeshError, Node
from .inbound import USER
from .local import LocalNode, background
from .refusals import Refusals
from .roster import Roster

__all__ = ["Household", "LocalMesh"]

_BEYOND = 90.0
"""Seconds for which somebody beyond our neighbours is believed to be there after its last presence."""

_GRACE = 10.0
"""Seconds for which those are remembered whom only a node that left was connected to."""

_CLAIM_WINDOW = 10.0
"""Seconds after taking an id within which a better claim to it is yielded to; later we keep it."""

_PATIENCE = 1.5
"""Seconds after which a peer that goes on claiming our id is taken for one who had it before us."""

_SHUNNED = 60.0
"""Seconds for which a node does not try again for an id that it had to give up: who took it can let
it go and take it again as often as it likes."""

_REPEATED = 20.0
"""Seconds for which gossip may repeat what is old; afterwards a lower number is a clock set back."""

_REMEMBERED = 1024


class Household:
    """One process's part of a mesh, whatever carries it. All times are trio's, in seconds."""

    def __init__(self) -> None:
        self.roster = Roster()
        self.nodes: dict[str, LocalNode] = {}
        self._links: dict[str, set[str]] = {}  # neighbour -> those of our nodes it is connected to
        self._heard: dict[str, tuple[bytes, float]] = {}  # author -> latest presence: number, time
        self._given_up: dict[tuple[str, str], float] = {}  # one of ours and an id -> until when

    def claim(self, node: LocalNode, wanted: Presence) -> None:
        """Give `node` the id it wants, or the next free ``<id>-2``, ``<id>-3``, …; what it had to give
        up lately is not free."""
        now = trio.current_time()
        for number in itertools.count(1):
            me = wanted if number == 1 else msgspec.structs.replace(wanted, id=f"{wanted.id}-{number}")
            holder = self.roster.get(me.id)
            lost = self._given_up.get((node.peer, me.id), 0.0) > now
            if not lost and (holder is None or holder.peer == node.peer):
                break
        self.roster.bind(node.peer, me, own=True)
        node.settle(me)

    def enter(self, node: LocalNode) -> None:
        """`node` is one of ours."""
        self.nodes[node.peer] = node

    def leave(self, node: LocalNode) -> None:
        """`node` is gone and its id is free. Whom only it was connected to is remembered for a moment,
        so that a node which joins again at once takes no id that is another's."""
        self.nodes.pop(node.peer, None)
        self.roster.release(node.peer)
        for peer in [peer for peer, links in self._links.items() if links == {node.peer}]:
            del self._links[peer]
            if peer not in self.nodes:
                self.roster.limit(peer, trio.current_time() + _GRACE)
        for links in self._links.values():
            links.discard(node.peer)

    def link(self, peer: str, node: LocalNode) -> None:
        """`peer` is a neighbour of `node` now."""
        self._links.setdefault(peer, set()).add(node.peer)

    def unlink(self, peer: str, node: LocalNode) -> None:
        """`node` has no connection to `peer` any more; with the last of ours, it is gone."""
        links = self._links.get(peer)
        if links is None or node.peer not in links:
            return
        links.discard(node.peer)
        if not links:
            del self._links[peer]
            if peer not in self.nodes:
                self.roster.release(peer)

    def linked(self, peer: str, own: str | None = None) -> bool:
        """Whether any of our nodes, or the one of the peer id `own`, is connected to `peer`."""
        links = self._links.get(peer, ())
        return bool(links) if own is None else own in links

    def knows(self, peer: str) -> bool:
        """Whether `peer` is bound for as long as it is a neighbour."""
        companion = self.roster.held_by(peer)
        member = self.roster.get(companion) if companion else None
        return member is not None and member.until == math.inf

    def hear(self, peer: str, presence: Presence, sequence: bytes) -> bool:
        """A presence that `peer` signed came in; says whether it holds.

        Gossip repeats and reorders: what is older than the latest is not believed.
        """
        now = trio.current_time()
        latest, when = self._heard.pop(peer, (b"", now))
        stale = sequence < latest and now - when < _REPEATED
        self._heard[peer] = (latest, when) if stale else (sequence, now)
        if len(self._heard) > _REMEMBERED:
            del self._heard[next(iter(self._heard))]
        if stale:
            return False
        if presence.gone:
            if peer not in self.nodes:
                self.roster.release(peer)
            return True
        return self.learn(peer, presence)

    def learn(self, peer: str, presence: Presence) -> bool:
        """`peer` presents itself; bind it, or settle who keeps the id. Says whether it is bound."""
        if presence.id.startswith(USER):
            return False
        until = math.inf if self.linked(peer) else trio.current_time() + _BEYOND
        if self.roster.bind(peer, presence, until=until):
            return True
        holder = self.roster.get(presence.id)
        own = self.nodes.get(holder.peer) if holder else None
        if own is None or not self._yields(own, peer):
            return False
        self._give_up(own.peer, presence.id)
        own.fail(IdTakenError(f"{presence.id} is taken by the peer {peer}; join again for another id"))
        return self.roster.bind(peer, presence, until=until)

    async def watch(self) -> None:
        """Forget those beyond our neighbours who have been silent too long; runs until cancelled."""
        while True:
            await trio.sleep(_BEYOND / 9)
            self.roster.expire(trio.current_time())

    def _give_up(self, peer: str, companion: str) -> None:
        now = trio.current_time()
        self._given_up = {key: until for key, until in self._given_up.items() if until > now}
        self._given_up[peer, companion] = now + _SHUNNED
        self.roster.release(peer)

    def _yields(self, own: LocalNode, peer: str) -> bool:
        """Of two that took one id at the same moment, the lower peer id keeps it.

        Whoever has had it for longer does not yield and says so again (`LocalNode.insist`), which is
        how a newcomer with a lower peer id learns that it was not at the same moment.
        """
        own.insist()
        now = trio.current_time()
        if now - own.settled_at > _CLAIM_WINDOW:
            return False
        if own.contested_at is None:
            own.contested_at = now
        return peer < own.peer or now - own.contested_at > _PATIENCE


class LocalMesh(Mesh):
    """What both implementations of a mesh share: a household, and tasks that end with the block.

    Args:
        clock: seconds since the epoch.
        roster_file: where pinned ids and blocked peers are kept; None: in memory alone.
        name: the mesh's name, under which they are kept.

    Attributes:
        refusals: who was refused something, and why.
    """

    def __init__(
        self, clock: Callable[[], float], *, roster_file: Path | None = None, name: str = ""
    ) -> None:
        self.clock = clock
        self.household = Household()
        self.roster = self.household.roster
        self.counters = Counter[str]()
        self.refusals = Refusals(clock)
        self._name = name
        self._open: AsyncExitStack | None = None

    def join(self, key: Path, me: Presence | None) -> AbstractAsyncContextManager[Node]:
        """See `Mesh.join`."""
        if self._open is None:
            raise MeshError("the mesh is not open")
        return self._join(key, me)

    def status(self) -> MeshStatus:
        """See `Mesh.status`."""
        return MeshStatus(addresses=(), peers=(), mesh=self._name)

    def owns(self, peer: str) -> bool:
        """See `Mesh.owns`."""
        return peer in self.household.nodes

    def block(self, peer: str, note: str = "") -> None:
        """See `Mesh.block`."""

    def unblock(self, peer: str) -> bool:
        """See `Mesh.unblock`."""
        return False

    def forget(self, companion: str) -> bool:
        """See `Mesh.forget`."""
        return False

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            nursery = await stack.enter_async_context(background())
            nursery.start_soon(self.household.watch)
            await self._start(nursery)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        stack, self._open = self._open, None
        if stack is not None:
            await stack.aclose()  # what the block raised goes on by itself; here only the tasks end

    async def _start(self, nursery: trio.Nursery) -> None:
        """Start what the whole process needs once."""

    @abstractmethod
    def _join(self, key: Path, me: Presence | None) -> AbstractAsyncContextManager[Node]:
        """Join; see `Mesh.join`."""
