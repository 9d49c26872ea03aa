"""Keeps our hosts connected to whom they should be: to each other, and to who was sighted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from random import Random
from typing import NoReturn, Protocol

import trio

__all__ = ["Dialer", "Dialing"]

_TICK = 1.0
_AT_ONCE = 16  # dials to others under way
_PLACES = 4  # addresses that one dial tries
_LONGEST = 10.0  # seconds that one dial takes at the most
_SURE = 2  # addresses that have their turn in that time, even if nobody answers at any
_MOST = 12  # neighbours that a host dials for, siblings and others each: gossip relays beyond
_COURTESY = 1.0  # seconds for which the higher peer id waits for the lower one to dial
_SPREAD = 1.0  # seconds over which the further links to another process are spread
_FIRST_WAIT, _LAST_WAIT = 1.0, 15.0  # between attempts, doubling with each failure
_DOUBLINGS = 5  # and the last wait is reached

Targets = Mapping[str, tuple[str, ...]]
"""Multiaddrs by peer id."""


class Dialing(Protocol):
    """What a dialer needs of a host."""

    def connected(self, peer: str) -> bool:
        """Whether a connection to `peer` is open."""

    async def dial(self, peer: str, addresses: Iterable[str]) -> bool:
        """Try to connect; whether it is connected now."""


@dataclass(slots=True)
class _Pair:
    """One of our hosts and one peer that it should be connected to; times in trio's seconds."""

    addresses: tuple[str, ...]
    due: float
    failures: int = 0
    under_way: bool = False


class Dialer:
    """Dials what is missing, again and again with back-off.

    Siblings are dialed at once, whatever else is under way. Of another process's peer, one of our hosts
    dials at once, so that it is soon known who that is; the others follow, and the lower peer id of two
    is the first to dial.

    Args:
        hosts: our hosts, by their own peer id.
        siblings: where each of them listens.
        others: where those of other processes were sighted.
        random: for the choice and the jitter.
        failed: told of a peer of another process that could not be reached.
    """

    def __init__(
        self,
        hosts: Callable[[], Mapping[str, Dialing]],
        siblings: Callable[[], Targets],
        others: Callable[[], Targets],
        *,
        random: Random,
        failed: Callable[[str], None],
    ) -> None:
        self._hosts = hosts
        self._siblings = siblings
        self._others = others
        self._random = random
        self._failed = failed
        self._pairs: dict[tuple[str, str], _Pair] = {}
        self._woken = trio.Event()
        self._limit = trio.CapacityLimiter(_AT_ONCE)

    def wake(self) -> None:
        """Something changed: look at once."""
        self._woken.set()

    async def run(self) -> NoReturn:
        """Dial until cancelled."""
        async with trio.open_nursery() as nursery:
            while True:
                self._woken = trio.Event()
                hosts, siblings, others = self._hosts(), self._siblings(), self._others()
                self._forget(hosts, {**siblings, **others})
                self._greet(hosts, others, nursery)
                for own in hosts:
                    self._complete(own, hosts[own], siblings, 0.0, nursery)
                    self._complete(own, hosts[own], others, _SPREAD, nursery)
                with trio.move_on_after(_TICK):
                    await self._woken.wait()

    def _forget(self, hosts: Mapping[str, Dialing], targets: Targets) -> None:
        """Drop the pairs that nobody wants any more, and start anew with a peer that moved."""
        self._pairs = {
            (own, peer): pair
            for (own, peer), pair in self._pairs.items()
            if pair.under_way or (own in hosts and pair.addresses == targets.get(peer))
        }

    def _greet(self, hosts: Mapping[str, Dialing], others: Targets, nursery: trio.Nursery) -> None:
        """One of our hosts dials each peer that none of them has anything to do with yet."""
        for peer, addresses in others.items():
            if any((own, peer) in self._pairs or host.connected(peer) for own, host in hosts.items()):
                continue
            if free := [own for own in sorted(hosts) if self._room(own, hosts[own], others)]:
                own = self._random.choice(free)
                self._start(own, hosts[own], peer, _Pair(addresses, 0.0), nursery)

    def _complete(
        self, own: str, host: Dialing, targets: Targets, spread: float, nursery: trio.Nursery
    ) -> None:
        missing = [peer for peer in targets if peer != own and not host.connected(peer)]
        self._random.shuffle(missing)
        now = trio.current_time()
        for peer in missing[: self._room(own, host, targets)]:
            courtesy = 0.0 if own < peer else _COURTESY
            due = now + courtesy + spread * self._random.uniform(0.5, 1.5)
            pair = self._pairs.setdefault((own, peer), _Pair(targets[peer], due))
            if not pair.under_way and pair.due <= now:
                self._start(own, host, peer, pair, nursery)

    def _room(self, own: str, host: Dialing, targets: Targets) -> int:
        """How many more of `targets` the host should dial."""
        busy = {
            peer for (dialing, peer), pair in self._pairs.items() if dialing == own and pair.under_way
        }
        taken = sum(peer in busy or host.connected(peer) for peer in targets)
        return max(_MOST - taken, 0)

    def _start(self, own: str, host: Dialing, peer: str, pair: _Pair, nursery: trio.Nursery) -> None:
        self._pairs[own, peer] = pair
        pair.under_way = True
        nursery.start_soon(self._dial, host, peer, pair)

    async def _dial(self, host: Dialing, peer: str, pair: _Pair) -> None:
        reached = False
        try:
            # Anybody can announce what is slow to fail; siblings wait for none of that.
            async with nullcontext() if peer in self._hosts() else self._limit:
                with trio.move_on_after(_LONGEST):
                    reached = await host.dial(peer, _places(pair))
        finally:
            pair.under_way = False
        pair.failures = 0 if reached else pair.failures + 1
        wait = min(_FIRST_WAIT * 2 ** min(pair.failures, _DOUBLINGS), _LAST_WAIT)
        pair.due = trio.current_time() + wait * self._random.uniform(0.75, 1.25)
        if not reached:
            self._failed(peer)


def _places(pair: _Pair) -> tuple[str, ...]:
    """Where to try next: the nearest first, and after each failure from further on."""
    start = pair.failures * _SURE % len(pair.addresses)
    return (pair.addresses[start:] + pair.addresses[:start])[:_PLACES]
