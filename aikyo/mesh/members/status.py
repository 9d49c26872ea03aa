"""What `aikyo peers` shows: everybody that is known, put together of what is known. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ...wire import Found, MeshStatus, PeerState, PeerStatus
from ..interfaces import ip_of, is_loopback
from ..refusals import Refusals
from .household import Household
from .local import LocalNode

__all__ = ["Sought", "mesh_status"]

_LATELY = 600.0
"""Seconds for which one that is bound to no id is shown as refused after it was."""

_NOBODY = "nobody answers at its addresses"


def _unknown(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Sought:
    """Those of other processes that are looked for, beside those who are there.

    Attributes:
        addresses: where each may be reached.
        unreachable: those who could not be.
        found: how a peer was found, and since when it is known, seconds since the epoch.
    """

    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unreachable: Collection[str] = ()
    found: Callable[[str], tuple[Found, float] | None] = _unknown


@dataclass(slots=True)
class _Link:
    addresses: list[str] = field(default_factory=list)
    neighbours: list[str] = field(default_factory=list)
    since: float = float("inf")
    agent: str = ""


def mesh_status(
    name: str,
    household: Household,
    refusals: Refusals,
    sought: Sought,
    *,
    now: float,
    steady: float,
    private: bool = False,
) -> MeshStatus:
    """Everybody, our own first.

    Args:
        name: the mesh's name.
        household: our nodes, and who is who.
        refusals: who was refused something.
        sought: whom we look for.
        now: seconds since the epoch.
        steady: the same moment in trio's seconds.
        private: whether a network key keeps strangers out.
    """
    nodes = sorted(household.nodes.values(), key=_order)
    view = _View(household, refusals, sought, _links(nodes), now)
    own = [view.own(node, now - (steady - node.settled_at)) for node in nodes]
    others = [view.other(peer) for peer in view.everybody() if peer not in household.nodes]
    return MeshStatus(
        addresses=tuple(_ways_in(nodes)), peers=(*own, *others), mesh=name, private=private
    )


class _View:
    def __init__(
        self,
        household: Household,
        refusals: Refusals,
        sought: Sought,
        links: Mapping[str, _Link],
        now: float,
    ) -> None:
        self._household = household
        self._refused = {refusal.who: refusal for refusal in refusals.all()}
        self._sought = sought
        self._links = links
        self._pinned = {pin.peer: ident for ident, pin in household.pins.pinned().items()}
        self._now = now

    def everybody(self) -> Iterable[str]:
        """Those who are there, then those who are not."""
        roster = self._household.roster
        members = [member.peer for ident in roster if (member := roster.get(ident)) is not None]
        absent = (*self._household.pins.blocked(), *self._pinned, *self._refused)
        return dict.fromkeys([*self._links, *members, *self._sought.addresses, *absent])

    def own(self, node: LocalNode, since: float) -> PeerStatus:
        link = self._links.get(node.peer, _Link())
        return PeerStatus(
            peer=node.peer,
            state="own",
            companion=node.me.id if node.me else "",
            name=node.me.name if node.me else "",
            found="own",
            addresses=node.reachable_at(),
            neighbours=tuple(sorted(link.neighbours)),
            since=since,
        )

    def other(self, peer: str) -> PeerStatus:
        state, link = self._state(peer), self._links.get(peer, _Link())
        companion = self._household.roster.held_by(peer) or self._pinned.get(peer, "")
        member = self._household.roster.get(companion)
        known, refusal = self._sought.found(peer), self._refused.get(peer)
        anonymous = ip_of(f"/ip4/{peer}/tcp/1") is not None  # it never told its peer id
        where = (peer,) if anonymous else self._sought.addresses.get(peer, ())
        return PeerStatus(
            peer="" if anonymous else peer,
            state=state,
            companion=companion,
            name=member.presence.name if member else "",
            agent=link.agent,
            found="own" if peer in self._household.ours else known[0] if known else "",
            addresses=tuple(dict.fromkeys(link.addresses)) or where,
            neighbours=tuple(sorted(link.neighbours)),
            since=self._since(peer, state, companion) or (known[1] if known else 0.0),
            reason=self._reason(peer, state),
            counters=dict(refusal.counters) if refusal else {},
        )

    def _state(self, peer: str) -> PeerState:
        bound = self._household.roster.held_by(peer) is not None
        refusal = self._refused.get(peer)
        lately = refusal is not None and self._now - refusal.latest < _LATELY
        if self._household.is_blocked(peer):
            return "blocked"
        if lately and not bound and peer not in self._sought.unreachable:
            return "refused"
        if peer in self._links:
            return "connected"
        if bound:
            return "beyond"
        if peer in self._sought.unreachable:
            return "unreachable"
        if peer in self._sought.addresses:
            return "beyond"  # it has no need to be our neighbour
        return "away" if peer in self._pinned else "refused"

    def _since(self, peer: str, state: PeerState, companion: str) -> float:
        match state:
            case "blocked":
                return self._household.pins.blocked()[peer].since
            case "connected":
                return self._links[peer].since
            case "away":
                return self._household.pins.pinned()[companion].seen
            case "refused":
                return self._refused[peer].since
            case _:
                return self._household.since(companion)

    def _reason(self, peer: str, state: PeerState) -> str:
        refusal = self._refused.get(peer)
        match state:
            case "blocked":
                return self._household.pins.blocked()[peer].note
            case "unreachable":
                return refusal.reason if refusal else _NOBODY
            case "refused":
                return refusal.reason if refusal else ""
            case _:
                return ""


def _links(nodes: Iterable[LocalNode]) -> dict[str, _Link]:
    links: dict[str, _Link] = {}
    for node in nodes:
        for neighbour in node.peers():
            link = links.setdefault(neighbour.peer, _Link())
            link.addresses += neighbour.addresses
            link.neighbours.append(node.me.id if node.me else "firehose")
            link.since = min(link.since, neighbour.since)
            link.agent = link.agent or neighbour.agent
    return links


def _ways_in(nodes: Iterable[LocalNode]) -> Iterable[str]:
    """The firehose's first; those on this machine alone only where there are no others."""
    ways = [(address, node.peer) for node in nodes for address in node.reachable_at()]
    far = [way for way in ways if not is_loopback(ip_of(way[0]) or "")]
    return (f"{address}/p2p/{peer}" for address, peer in far or ways)


def _order(node: LocalNode) -> tuple[bool, str]:
    return (node.me is not None, node.me.id if node.me else "")
