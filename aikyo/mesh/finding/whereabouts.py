"""Where the peers of other processes may be reached, and how we came to know. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import trio

from ...wire import Found, Presence
from ..interfaces import ip_of, is_loopback
from .bootstrap import Bootstrap
from .mdns import Sighting

__all__ = ["Whereabouts"]

_MOST = 256
_REMEMBERED = 1024
_KEPT = 600.0
"""Seconds for which we go on looking for one that was heard of and went without a word: where there is
no multicast, a network that was cut for longer than a presence lasts is mended by nothing else."""

_RANK: dict[Found, int] = {"own": 4, "bootstrap": 3, "mdns": 2, "mesh": 1, "inbound": 0}


@dataclass(slots=True)
class _Known:
    found: Found
    since: float


@dataclass(frozen=True, slots=True)
class _Heard:
    far: tuple[str, ...]
    near: tuple[str, ...]  # loopback
    until: float  # in trio's seconds


class Whereabouts:
    """What mDNS shows, what presences tell of those whom it does not show, and whom the user named.

    Args:
        bootstrap: whom the user named.
        clock: seconds since the epoch.
    """

    def __init__(self, bootstrap: Iterable[Bootstrap], *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._named: dict[str, tuple[str, ...]] = {}
        for place in bootstrap:
            self._named[place.peer] = (*self._named.get(place.peer, ()), place.address)
        self._heard: dict[str, _Heard] = {}
        self._known: dict[str, _Known] = {}
        for peer in self._named:
            self.note(peer, "bootstrap")

    @property
    def named(self) -> Collection[str]:
        """The peer ids of those whom the user named."""
        return self._named.keys()

    def hear(self, peer: str, presence: Presence, ours: Collection[str]) -> bool:
        """`peer` says where it is, or that it leaves; `ours` are this machine's addresses.

        Returns:
            Whether that is news.
        """
        before = self._heard.pop(peer, None)
        if presence.gone:
            return False
        far, near = _reachable(presence.addresses, ours)
        if not far and not near:
            return False
        self.note(peer, "mesh")
        self._heard[peer] = _Heard(far, near, trio.current_time() + _KEPT)
        if len(self._heard) > _MOST:
            del self._heard[next(iter(self._heard))]
        return before is None or (before.far, before.near) != (far, near)

    def note(self, peer: str, found: Found) -> None:
        """`peer` was found; the most telling way in which it ever was is remembered."""
        known = self._known.pop(peer, None)
        if known is None:
            known = _Known(found, self._clock())
        elif _RANK[found] > _RANK[known.found]:
            known.found = found
        self._known[peer] = known
        if len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    def found(self, peer: str) -> tuple[Found, float] | None:
        """How `peer` was found, and since when it is known, seconds since the epoch."""
        known = self._known.get(peer)
        return None if known is None else (known.found, known.since)

    def targets(
        self, sightings: Iterable[Sighting], ours: Collection[str]
    ) -> Mapping[str, tuple[str, ...]]:
        """Where everybody may be reached: what the user named goes first, then what mDNS shows, then
        what the peer itself tells. None takes another's place: anybody can announce anybody.

        Anybody can also say that it is on this machine; what listens on loopback is called for that only
        while `ours`, this machine's addresses, are no others.
        """
        now = trio.current_time()
        alone = all(map(is_loopback, ours))
        told = (
            (peer, (*heard.far, *heard.near) if alone else heard.far)
            for peer, heard in self._heard.items()
            if heard.until > now and (heard.far or alone)
        )
        shown = ((sighting.peer, sighting.addresses) for sighting in sightings)
        found: dict[str, dict[str, None]] = {}
        for peer, addresses in (*self._named.items(), *shown, *told):
            found.setdefault(peer, {}).update(dict.fromkeys(addresses))
        return {peer: tuple(addresses) for peer, addresses in found.items()}


def _reachable(
    addresses: Iterable[str], ours: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those that we can dial, and those on loopback. These are ours only when their owner is on this
    machine: when it has another address that is ours too, or when we have no other ourselves."""
    ips = {address: ip for address in addresses if (ip := ip_of(address))}
    lan = {ip for ip in ours if not is_loopback(ip)}
    same_machine = not lan or not lan.isdisjoint(ips.values())
    near = tuple(address for address, ip in ips.items() if is_loopback(ip))
    far = tuple(address for address, ip in ips.items() if not is_loopback(ip))
    return far, near if same_machine else ()
