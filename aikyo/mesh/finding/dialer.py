"""Keeps our hosts connected to whom they should be: to each other, and to those of other processes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import NoReturn, Protocol

import trio

from ..interfaces import ip_of
from .misses import Misses
from .ring import Ring

__all__ = ["Dialer", "Dialing", "Targets"]

_TICK = 1.0
_AT_ONCE = 8  # dials under way, of each kind (see `_turn`): more, and a busy machine ends none in time
_PLACES = 4  # addresses that one dial tries
_LONGEST = 10.0  # seconds that one dial takes at the most
_SURE = 2  # addresses that have their turn in that time, even if nobody answers at any
_COURTESY = 1.0  # seconds for which the higher peer id waits for the lower one to dial
_SPREAD = 0.5  # seconds over which the further links to another process are spread
_FIRST_WAIT, _LAST_WAIT = 1.0, 10.0  # between attempts, doubling with each failure
_DOUBLINGS = 4  # and the last wait is reached
_SOON, _SOON_TIMES = (
    2.0,
    30,
)  # the last wait for those we know, so often: they may be starting
_UNUSED = 30.0  # seconds after which a link that the ring does not want any more is given up
_REMEMBERED = 256

Targets = Mapping[str, tuple[str, ...]]
"""Multiaddrs by peer id."""


class Dialing(Protocol):
    """What a dialer needs of a host."""

    def connected(self, peer: str) -> bool:
        """Whether a connection to `peer` is open."""

    def inbound(self, peer: str) -> bool:
        """Whether `peer` opened a connection that is open."""

    async def dial(self, peer: str, addresses: Iterable[str]) -> bool:
        """Try to connect; whether it is connected now."""

    async def close(self, peer: str) -> None:
        """Close every connection to `peer`."""


@dataclass(slots=True)
class _Attempts:
    """At one peer, by one of our hosts or by any; times in trio's seconds."""

    addresses: tuple[str, ...]
    due: float
    failures: int = 0
    under_way: bool = False


class Dialer:
    """Dials what is missing in the ring (see `Ring`), again and again with back-off.

    Siblings are dialed at once. Of another process's peer, one of our hosts dials at once, so that it
    is soon known who that is; the others follow, and the lower peer id of two is the first to dial. Who
    cannot be reached by any of our hosts is skipped in the ring, and tried again by one of them.

    Args:
        hosts: our hosts, by their own peer id.
        siblings: where each of them listens.
        others: where those of other processes may be reached.
        always: those of them that one of our hosts at least is to be connected to, whatever the ring.
        random: for the choice and the jitter.
        failed: told of a peer of another process that could not be reached.
    """

    def __init__(
        self,
        hosts: Callable[[], Mapping[str, Dialing]],
        siblings: Callable[[], Targets],
        others: Callable[[], Targets],
        *,
        always: Collection[str] = (),
        random: Random,
        failed: Callable[[str], None],
    ) -> None:
        self._hosts = hosts
        self._siblings = siblings
        self._others = others
        self._always = always
        self._random = random
        self._failed = failed
        self._wanted: Mapping[str, frozenset[str]] = {}  # whom each of ours should be connected to
        self._pairs: dict[tuple[str, str], _Attempts] = {}  # one of ours and a peer
        self._lost: dict[str, _Attempts] = {}  # who cannot be reached by any of ours
        self._met: dict[str, None] = {}  # those of other processes that we were connected to
        self._unused: dict[tuple[str, str], float] = {}  # links beyond the ring, since when
        self._misses = Misses()
        self._woken = trio.Event()
        kinds = ("sibling", "met", "new", "lost")
        self._turns = {kind: trio.CapacityLimiter(_AT_ONCE) for kind in kinds}

    @property
    def unreachable(self) -> frozenset[str]:
        """Those of other processes that none of our hosts could reach."""
        return frozenset(self._lost)

    def wake(self) -> None:
        """Something changed: look at once."""
        self._woken.set()

    def start_anew(self) -> None:
        """What failed may not fail any more: try everybody at once."""
        self._pairs = {pair: tries for pair, tries in self._pairs.items() if tries.under_way}
        for tries in self._lost.values():
            tries.due, tries.failures = 0.0, min(tries.failures, 1)
        self.wake()

    async def run(self) -> NoReturn:
        """Dial until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                self._woken = trio.Event()
                self._look(nursery)
                with trio.move_on_after(_TICK):
                    await self._woken.wait()

    def _look(self, nursery: trio.Nursery) -> None:
        """Start the dials that are due, and end the links that have been of no use for a while."""
        hosts, siblings = self._hosts(), self._siblings()
        others = {peer: places for peer, places in self._others().items() if peer not in siblings}
        targets = {**others, **siblings}
        met = {peer for peer in others if any(host.connected(peer) for host in hosts.values())}
        self._remember(met, others)
        ring = Ring(targets)
        skipped = {own: self._skipped(own, host) for own, host in hosts.items()}
        reachable = {own: ring.neighbours(own, skipped[own]) for own in hosts}
        wanted = {own: reachable[own] | (ring.neighbours(own) - self._lost.keys()) for own in hosts}
        self._wanted = wanted
        self._pairs = {
            (own, peer): tries
            for (own, peer), tries in self._pairs.items()
            if tries.under_way
            or (own in hosts and peer in wanted[own] and tries.addresses == targets[peer])
        }
        for own, host in hosts.items():
            near = {peer: siblings[peer] for peer in wanted[own] & siblings.keys()}
            self._complete(own, host, near, 0.0, nursery)
        self._greet(hosts, wanted, {peer: others[peer] for peer in others.keys() - met}, nursery)
        for own, host in hosts.items():
            far = {peer: others[peer] for peer in wanted[own] & others.keys()}
            self._complete(own, host, far, _SPREAD, nursery)
        # Whoever has not got what the ring wants may need all it has: anybody can fill the ring with
        # peers that are made up, and it takes a while until they are known to be out of reach.
        whole = [own for own in hosts if all(map(hosts[own].connected, reachable[own]))]
        self._give_up({own: targets.keys() - wanted[own] for own in whole}, hosts, nursery)

    def _remember(self, met: Collection[str], others: Targets) -> None:
        """Those who were met are not lost; nor, for now, is who moved."""
        self._lost = {
            peer: tries
            for peer, tries in self._lost.items()
            if peer not in met and (tries.under_way or tries.addresses == others.get(peer))
        }
        self._met = {peer: None for peer in self._met if peer not in met} | dict.fromkeys(met)
        for peer in list(self._met)[: max(len(self._met) - _REMEMBERED, 0)]:
            del self._met[peer]

    def _skipped(self, own: str, host: Dialing) -> frozenset[str]:
        """Whom `own` cannot reach."""
        failing = (
            peer
            for (dialing, peer), tries in self._pairs.items()
            if dialing == own and tries.failures and not host.connected(peer)
        )
        return frozenset((*self._lost, *failing))

    def _greet(
        self,
        hosts: Mapping[str, Dialing],
        wanted: Mapping[str, Collection[str]],
        unmet: Targets,
        nursery: trio.Nursery,
    ) -> None:
        """One of our hosts dials each peer that none of them has anything to do with yet, and each that
        was lost once its time has come."""
        now = trio.current_time()
        for peer, addresses in unmet.items():
            tries = self._lost.get(peer) or _Attempts(addresses, now)
            able = [own for own in sorted(hosts) if peer in wanted[own]]
            if not able and (peer in self._lost or peer in self._always):
                able = sorted(hosts)
            busy = tries.under_way or any((own, peer) in self._pairs for own in hosts)
            if not able or busy or tries.due > now:
                continue
            own = self._random.choice(able)
            if peer not in self._lost:
                self._pairs[own, peer] = tries
            self._start(own, hosts[own], peer, tries, nursery)

    def _complete(
        self, own: str, host: Dialing, wanted: Targets, spread: float, nursery: trio.Nursery
    ) -> None:
        now = trio.current_time()
        missing = [peer for peer in sorted(wanted) if not host.connected(peer)]
        self._random.shuffle(missing)
        for peer in missing:
            courtesy = 0.0 if own < peer else _COURTESY
            due = now + courtesy + spread * self._random.uniform(0.5, 1.5)
            tries = self._pairs.setdefault((own, peer), _Attempts(wanted[peer], due))
            if not tries.under_way and tries.due <= now:
                self._start(own, host, peer, tries, nursery)

    def _give_up(
        self,
        unwanted: Mapping[str, Collection[str]],
        hosts: Mapping[str, Dialing],
        nursery: trio.Nursery,
    ) -> None:
        """End a link that the ring has not wanted for a while and that we opened, one a host at a time:
        who else wants it opens it again, and then we leave it alone."""
        now = trio.current_time()
        self._unused = {
            (own, peer): self._unused.get((own, peer), now)
            for own, peers in unwanted.items()
            for peer in peers
            if hosts[own].connected(peer) and not hosts[own].inbound(peer) and peer not in self._always
        }
        ending: set[str] = set()
        for (own, peer), since in self._unused.items():
            if now - since > _UNUSED and own not in ending:
                ending.add(own)
                nursery.start_soon(hosts[own].close, peer)

    def _start(
        self, own: str, host: Dialing, peer: str, tries: _Attempts, nursery: trio.Nursery
    ) -> None:
        tries.under_way = True
        nursery.start_soon(self._dial, own, host, peer, tries)

    async def _dial(self, own: str, host: Dialing, peer: str, tries: _Attempts) -> None:
        reached = False
        try:
            async with self._turn(peer):
                if not self._is_wanted(own, peer):  # any more
                    return
                with trio.move_on_after(_LONGEST):
                    for place in _places(tries):
                        if reached := await self._try(host, peer, place):
                            break
        finally:
            tries.under_way = False
        tries.failures = 0 if reached else tries.failures + 1
        known = peer in self._met or peer in self._always
        longest = _SOON if known and tries.failures <= _SOON_TIMES else _LAST_WAIT
        wait = min(_FIRST_WAIT * 2 ** min(tries.failures, _DOUBLINGS), longest)
        tries.due = trio.current_time() + wait * self._random.uniform(0.75, 1.0)
        if reached:
            self.wake()
        elif peer not in self._hosts():
            if not any(other.connected(peer) for other in self._hosts().values()):
                self._pairs.pop((own, peer), None)
                self._lost.setdefault(peer, tries)
            self._failed(peer)

    async def _try(self, host: Dialing, peer: str, place: str) -> bool:
        ip = None if peer in self._hosts() else ip_of(place)
        if ip is None:
            return await host.dial(peer, (place,))
        key = (ip, self._is_known(peer))
        if not self._misses.allow(key, trio.current_time()):
            return False
        if reached := await host.dial(peer, (place,)):
            self._misses.forgive(key)
        return reached

    def _is_known(self, peer: str) -> bool:
        return peer in self._met or peer in self._always

    def _is_wanted(self, own: str, peer: str) -> bool:
        return peer in self._lost or peer in self._always or peer in self._wanted.get(own, ())

    def _turn(self, peer: str) -> trio.CapacityLimiter:
        """Anybody can announce what is slow to fail: siblings wait for none of that, nor do those we
        know for what is new, nor what is new for what failed before."""
        if peer in self._hosts():
            return self._turns["sibling"]
        if self._is_known(peer):
            return self._turns["met"]
        return self._turns["lost" if peer in self._lost else "new"]


def _places(tries: _Attempts) -> tuple[str, ...]:
    """Where to try next: the nearest first, and after each failure from further on."""
    start = tries.failures * _SURE % len(tries.addresses)
    return (tries.addresses[start:] + tries.addresses[:start])[:_PLACES]
