"""This process's nodes, the one roster they share, and what is believed of others."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import trio
from msgspec.structs import replace

from ...wire import Payload, Presence
from ..refusals import Refusals
from ..roster import Roster
from .claims import Claims
from .local import LocalNode
from .pins import Pins
from .replays import WINDOW, Replays

__all__ = ["Household"]

_BEYOND = 90.0
"""Seconds for which somebody beyond our neighbours is believed to be there after its last presence."""

_GRACE = 10.0
"""Seconds for which those are remembered whom only a node that left was connected to."""

_REPEATED = WINDOW + 10.0
"""Seconds for which a presence numbered lower than the latest is an older one; afterwards it is of a
clock set back, unless it is a recording."""

_REMEMBERED = 1024


class _Heard(NamedTuple):
    sequence: bytes
    time: float
    refused: str | None


class Household:
    """One process's part of a mesh, whatever carries it. All times are trio's, in seconds, but those
    of the clock that is handed in.

    Args:
        clock: seconds since the epoch.
        pins: whose ids are kept, and who is shut out.
        refusals: told who is refused what.

    Attributes:
        roster: who is who.
        nodes: ours, by peer id.
        ours: the peer ids of all that are or were ours; one that starts again is no stranger meanwhile.
        pins: whose ids are kept, and who is shut out.
        heard: told of each presence that holds, with its peer.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        pins: Pins | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self.roster = Roster()
        self.nodes: dict[str, LocalNode] = {}
        self.ours: set[str] = set()
        self.pins = pins or Pins(clock)
        self.heard: Callable[[str, Presence], None] = lambda peer, presence: None
        self._refusals = refusals or Refusals(clock)
        self._clock = clock
        self._replays = Replays()
        self._claims = Claims(self.roster, self.pins, self.nodes, self.ours)
        self._links: dict[str, set[str]] = {}  # neighbour -> those of our nodes it is connected to
        self._heard: dict[str, _Heard] = {}  # author -> latest presence
        self._left: dict[str, tuple[Presence, float]] = {}  # whose connection was lost, until when
        self._noted: OrderedDict[tuple[str, bytes, str], None] = OrderedDict()

    def claim(self, node: LocalNode, wanted: Presence) -> None:
        """Give `node` the id that it may have: the one it wants, or one like it; see `Claims.choose`."""
        me = replace(wanted, id=self._claims.choose(node.peer, wanted.id))
        self.roster.bind(node.peer, me, own=True, since=trio.current_time())
        node.settle(me)

    def enter(self, node: LocalNode) -> None:
        """`node` is one of ours."""
        self.nodes[node.peer] = node
        self.ours.add(node.peer)

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
                self._remember(peer)
                self.roster.release(peer)

    def recall(self, peer: str, sender: str, sequence: bytes) -> bool:
        """`peer`, which is bound to nothing, spoke as `sender`. If that is who it was when its
        connection was lost, only that is gone: it is heard through others, and bound as before."""
        presence, until = self._left.get(peer, (None, 0.0))
        if presence is None or presence.id != sender or until < trio.current_time():
            return False
        return self.learn(peer, presence, sequence) is None

    def linked(self, peer: str, own: str | None = None) -> bool:
        """Whether any of our nodes, or the one of the peer id `own`, is connected to `peer`."""
        links = self._links.get(peer, ())
        return bool(links) if own is None else own in links

    def knows(self, peer: str) -> bool:
        """Whether `peer` is bound for as long as it is a neighbour."""
        companion = self.roster.held_by(peer)
        member = self.roster.get(companion) if companion else None
        return member is not None and member.until == math.inf

    def since(self, companion: str) -> float:
        """Since when `companion` is on the mesh, seconds since the epoch; 0 when it is not."""
        member = self.roster.get(companion)
        return 0.0 if member is None else self._clock() - (trio.current_time() - member.since)

    def is_blocked(self, peer: str) -> bool:
        """Whether `peer` is shut out."""
        return self.pins.is_blocked(peer)

    def block(self, peer: str, note: str) -> None:
        """Shut `peer` out; its ids are free."""
        self.pins.block(peer, note)
        self.roster.release(peer)

    def is_replay(self, author: str, sequence: bytes, payload: Payload) -> bool:
        """Whether what `author` signed is a recording; asked of all that comes in."""
        return self._replays.is_replay(
            author,
            int.from_bytes(sequence, "big"),
            payload,
            clock=self._clock(),
            now=trio.current_time(),
            linked=self.linked(author),
        )

    def note(self, author: str, sequence: bytes, counter: str, reason: str = "") -> None:
        """`author` was refused something; what several of our nodes have heard is noted once."""
        key = (author, sequence, counter)
        if key in self._noted:
            return
        self._noted[key] = None
        if len(self._noted) > _REMEMBERED:
            self._noted.popitem(last=False)
        self._refusals.note(author, counter, reason)

    def hear(self, peer: str, presence: Presence, sequence: bytes) -> str | None:
        """A presence that `peer` signed came in. Gossip repeats and reorders: what is older than the
        latest is not believed, and what another node of ours has heard is no news.

        Returns:
            Why it does not hold, as it is counted; None when it holds.
        """
        now = trio.current_time()
        last = self._heard.get(peer)
        if last is not None and sequence <= last.sequence and now - last.time < _REPEATED:
            if sequence == last.sequence:
                return last.refused
            if self._replays.counts(peer):
                return "stale"
        refused = None
        if not presence.gone:
            refused = self.learn(peer, presence, sequence)
        elif peer not in self.nodes:
            self._left.pop(peer, None)
            self.roster.release(peer)
        self._heard.pop(peer, None)
        self._heard[peer] = _Heard(sequence, now, refused)
        if len(self._heard) > _REMEMBERED:
            del self._heard[next(iter(self._heard))]
        if refused is None:
            self.heard(peer, presence)
        return refused

    def learn(self, peer: str, presence: Presence, sequence: bytes = b"") -> str | None:
        """`peer` presents itself, by a presence of this `sequence` or on a connection: bind it, or
        settle who keeps the id.

        Returns:
            Why it is not bound, as it is counted; None when it is.
        """
        if self.is_blocked(peer):
            return "blocked"
        linked = self.linked(peer)
        refused = self._claims.refused(peer, presence.id, linked=linked)
        if refused is not None:
            self.note(peer, sequence, *refused)
            return refused[0]
        until = math.inf if linked else trio.current_time() + _BEYOND
        if not self.roster.bind(peer, presence, until=until, since=trio.current_time()):
            return "roster-full"
        return None

    async def watch(self) -> None:
        """Forget those beyond our neighbours who have been silent too long, and keep the ids of those
        who are there; runs until cancelled."""
        while True:
            await trio.sleep(_BEYOND / 9)
            self.review()

    def review(self) -> None:
        """What is due as time passes; see `watch`."""
        self.roster.expire(trio.current_time())
        self._claims.review()

    def _remember(self, peer: str) -> None:
        companion = self.roster.held_by(peer)
        member = self.roster.get(companion) if companion else None
        if member is not None:
            self._left.pop(peer, None)
            self._left[peer] = (member.presence, trio.current_time() + _BEYOND)
            if len(self._left) > _REMEMBERED:
                del self._left[next(iter(self._left))]
