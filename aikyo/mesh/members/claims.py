"""Who of all that claim an id has it.

An id that was held for 30 s in company is pinned to its peer, at each home that saw it: one of another
home's from what we saw of it, one of ours once a companion of another home has been there with it, since
from then on somebody may know us by it. A pinned id is nobody else's, whether its peer is there or away,
until that peer was not seen for 30 days, or somebody forgets the pin or blocks the peer. One of ours
with a pin takes its id whoever has it, and does not yield it. What nobody is known by goes to the first
that presents it; where two did, `contests` settle it. A pin is on the key, not on an address: it moves
with its home.
"""

from __future__ import annotations

import itertools
import logging
import math
import re
from collections.abc import Collection, Mapping

import trio

from ...wire import bare_name
from ..base import IdTakenError
from ..roster import Roster
from .contests import Contests
from .inbound import USER
from .local import LocalNode
from .pins import Pin, Pins, is_numbered

__all__ = ["Claims"]

log = logging.getLogger(__name__)

_KNOWN_BY = 30.0
"""Seconds after which somebody who is on the mesh with an id is known by it."""

_SHUNNED = 60.0
"""Seconds for which a node does not try again for an id that it had to give up: who took it can let
it go and take it again as often as it likes."""

_PLAIN = re.compile(r"[A-Za-z0-9_.-]+")


class Claims:
    """The rule, over live tables. All times are trio's, in seconds.

    Args:
        roster: who is there.
        pins: whose ids are kept.
        nodes: ours that are there, by peer id.
        ours: the peer ids of all of ours.
    """

    def __init__(
        self, roster: Roster, pins: Pins, nodes: Mapping[str, LocalNode], ours: Collection[str]
    ) -> None:
        self._roster = roster
        self._pins = pins
        self._nodes = nodes
        self._ours = ours
        self._contests = Contests()
        self._given_up: dict[tuple[str, str], float] = {}  # one of ours and an id -> until when

    def choose(self, peer: str, wanted: str) -> str:
        """The id that our `peer` may have: the one that is pinned to it; else the one it wants, or the
        next free ``<id>-2``, ``<id>-3``, …. What it had to give up lately is not free, nor what is
        pinned to another."""
        return self._pinned_to(peer, wanted) or self._free(peer, wanted)

    def refused(self, peer: str, ident: str, *, linked: bool) -> tuple[str, str] | None:
        """Why `peer`, which claims the id, may not have it, as counted and for people; None when it may.
        One of ours that had it has given it up then: its node ends with `IdTakenError`.

        Args:
            peer: who claims it.
            ident: the id.
            linked: whether `peer` is a neighbour.
        """
        if ident.startswith(USER):
            return "claim-refused", f"{ident!a} is the id of a person, not of a companion"
        pin, holder = self._pins.owner(ident), self._roster.get(ident)
        own = self._nodes.get(holder.peer) if holder else None
        kept = pin is not None and pin.peer != peer
        settling = own is not None and own.peer != peer and self._contest(own, peer)
        if pin is not None and kept and not settling:  # else the other may yet yield
            return "pinned", self._whose(ident, pin)
        if holder is None or holder.peer == peer:
            return None
        if own is not None and not kept and self._yields(own, peer, linked):
            self._give_up(own, ident, peer)
            return None
        return "claim-refused", f"{ident!a} is {holder.peer}, who is there"

    def review(self) -> None:
        """Pin the ids of those who are known by them now."""
        now = trio.current_time()
        company = math.inf  # since when somebody of another home is there
        for ident in self._roster:
            member = self._roster.get(ident)
            if member is None or member.peer in self._nodes:
                continue
            company = min(company, member.since)
            if now - member.since >= _KNOWN_BY:
                self._pins.pin(ident, member.peer)
        for node in self._nodes.values():
            if node.me is None or self._roster.held_by(node.peer) != node.me.id:
                continue
            known = now - max(company, node.settled_at) >= _KNOWN_BY
            if self._is_pinned(node) or (known and not self._contests.is_contested(node.peer, now)):
                self._pins.pin(node.me.id, node.peer, own=True)
        self._pins.expire()

    def _pinned_to(self, peer: str, wanted: str) -> str | None:
        """The id like `wanted` that is kept for `peer`; of several, the one it last had."""
        kept = {
            ident: pin.seen
            for ident, pin in self._pins.pinned().items()
            if pin.peer == peer and (ident == wanted or is_numbered(ident, wanted))
        }
        return max(kept, key=lambda ident: kept[ident], default=None)

    def _free(self, peer: str, wanted: str) -> str:
        now = trio.current_time()
        for number in itertools.count(1):
            ident = wanted if number == 1 else f"{wanted}-{number}"
            pin, holder = self._pins.owner(ident), self._roster.get(ident)
            if pin is not None and number == 1 and pin.peer not in self._ours:
                log.warning("%s", self._whose(ident, pin))
            lost = self._given_up.get((peer, ident), 0.0) > now
            if pin is None and not lost and (holder is None or holder.peer == peer):
                return ident
        raise AssertionError("there is always a free number")

    def _contest(self, own: LocalNode, peer: str) -> bool:
        """Whether it is still worth insisting that the id is ours."""
        now = trio.current_time()
        self._contests.claim(own.peer, peer, now)
        insists = self._contests.worth_insisting(own.peer, peer, now)
        if insists:
            own.insist()
        return insists

    def _yields(self, own: LocalNode, peer: str, linked: bool) -> bool:
        now = trio.current_time()
        return self._contests.yields(own.peer, peer, linked=linked, settled=own.settled_at, now=now)

    def _is_pinned(self, own: LocalNode) -> bool:
        pin = self._pins.owner(own.me.id) if own.me else None
        return pin is not None and pin.peer == own.peer

    def _whose(self, ident: str, pin: Pin) -> str:
        """Whose a pinned id is, and the way out, in words that can be pasted into a shell; who made the
        id up may have had that in mind."""
        forget = f"`aikyo peers forget {bare_name(ident)}`" if _PLAIN.fullmatch(ident) else ""
        if pin.peer in self._ours:
            whose = f"{ident!a} is our own companion's {pin.peer}"
            way_out = f"; to hear both, say {forget} in one of the two homes, and its own is renamed"
        else:
            whose = f"{ident!a} is kept for {pin.peer} until that was not seen for 30 days"
            way_out = f"; {forget} frees it"
        return whose + way_out if forget else whose

    def _give_up(self, own: LocalNode, companion: str, peer: str) -> None:
        now = trio.current_time()
        self._given_up = {key: until for key, until in self._given_up.items() if until > now}
        self._given_up[own.peer, companion] = now + _SHUNNED
        self._contests.end(own.peer)
        self._roster.release(own.peer)
        own.fail(IdTakenError(f"{companion} is taken by the peer {peer}; join again for another id"))
