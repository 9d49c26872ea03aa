"""Who comes in, and how much of whom: connections counted, floods measured, offenders sent away.

Bookkeeping of one host, with nothing of libp2p in it. Times are trio's, in seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from ..refusals import Refusals
from .limits import Bucket, Buckets, Limits

__all__ = ["Guard"]

_OWN = 4  # times as much for this machine's own addresses, where a whole swarm may be
_KEPT = 32  # connections for those whom we dial
_REMEMBERED = 1024
_FORGIVEN = 3600.0  # seconds after which a ban no longer makes the next one longer
_SPARE_FILES = 256


@dataclass(slots=True)
class _Neighbour:
    """What a peer may still do."""

    traffic: Bucket
    messages: Bucket
    control: Bucket
    offered: Bucket
    flood: Bucket
    garbage: Bucket


@dataclass(slots=True)
class _Ban:
    until: float
    times: int


class Guard:
    """What one host allows.

    Args:
        limits: how much.
        blocked: whether the person of this home has shut a peer out.
        addresses: this machine's own addresses, now.
        counters: what was refused, by reason.
        refusals: who was refused, and why.
        banned: told of a peer whose connections are to be closed.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        blocked: Callable[[str], bool],
        addresses: Callable[[], tuple[str, ...]],
        counters: Counter[str],
        refusals: Refusals,
        banned: Callable[[str], None],
    ) -> None:
        self.limits = limits
        self.counters = counters
        self.refusals = refusals
        self._blocked = blocked
        self._addresses = addresses
        self._banned = banned
        self._inbound = Counter[str]()  # IP address -> connections that it opened
        self._handshakes = Counter[str]()
        self._neighbours: dict[str, _Neighbour] = {}
        self._bans: dict[str, _Ban] = {}
        self._arrivals = Buckets[str](limits.arrivals)
        self._authors = Buckets[tuple[str, str]](limits.author_messages)
        self._author_bytes = Buckets[str](limits.author_bytes)

    # Connections

    def enter(self, ip: str) -> bool:
        """One more connection from `ip`, with its handshake to come, if there is room for it."""
        is_own = ip.startswith("127.") or ip in self._addresses()
        own = _OWN if is_own else 1
        limits, now = self.limits, trio.current_time()
        full = (
            self._inbound.total() >= limits.connections - _KEPT
            or self._inbound[ip] >= limits.connections_per_ip * own
            or self._handshakes.total() >= limits.handshakes
            or self._handshakes[ip] >= limits.handshakes_per_ip * own
            or _PROCESS.connections >= _PROCESS.most
            or not (is_own or self._arrivals.of(ip, now).take(1, now))
        )
        if full:
            self.refuse(ip, "too-many-connections", "too many connections from there")
            return False
        _PROCESS.connections += 1
        self._inbound[ip] += 1
        self._handshakes[ip] += 1
        return True

    def shaken_hands(self, ip: str) -> None:
        """The handshake of one from `ip` is over, well or not."""
        _less(self._handshakes, ip)

    def leave(self, ip: str) -> None:
        """A connection from `ip` is closed."""
        _PROCESS.connections -= 1
        _less(self._inbound, ip)

    def shuts_out(self, peer: str) -> str:
        """Why there may be no connection to `peer` now; empty when there may."""
        if self._blocked(peer):
            return "blocked"
        return "banned" if self._is_banned(peer) else ""

    def blocks(self, peer: str) -> bool:
        """Whether nothing that `peer` signed is to be passed on."""
        return self._blocked(peer)

    # What a neighbour sends

    def traffic(self, peer: str, amount: int) -> float:
        """`peer` sent that many bytes; the seconds until more should be read."""
        return self._of(peer).traffic.owe(amount, trio.current_time())

    def messages(self, peer: str, amount: int) -> float:
        """`peer` sent that many things in an RPC; the seconds until they should be looked at."""
        return self._of(peer).messages.owe(amount, trio.current_time())

    def control(self, peer: str, amount: int = 1) -> bool:
        """Whether `peer` may ask for that many things of gossip's control; else it floods."""
        if self._of(peer).control.take(amount, trio.current_time()):
            return True
        self.counters["control-flood"] += 1
        self.flood(peer)
        return False

    def offered(self, peer: str, amount: int) -> bool:
        """Whether `peer` may offer or ask for that many messages."""
        if self._of(peer).offered.take(amount, trio.current_time()):
            return True
        self.counters["control-flood"] += 1
        self.flood(peer)
        return False

    def admits(self, forwarder: str, author: str, topic: str, size: int) -> bool:
        """Whether a message that `author` signed is within its limits."""
        now = trio.current_time()
        messages = self._authors.of((author, topic), now)
        if messages.take(1, now) and self._author_bytes.of(author, now).take(size, now):
            return True
        self.refuse(author, "flood", "it says more than anybody could hear")
        if forwarder == author:  # who passes it on may know no better
            self.flood(forwarder)
        return False

    # Offences

    def refuse(self, who: str, counter: str, reason: str = "") -> None:
        """Count and note that `who` (a peer id, or the IP address of one unknown) was refused. Of who is
        sent away it stays noted why, whatever comes afterwards."""
        self.counters[counter] += 1
        noted = self.refusals.get(who)
        if noted is not None and self._is_banned(who):
            reason = noted.reason
        self.refusals.note(who, counter, reason)

    def flood(self, peer: str) -> None:
        """`peer` sent something beyond its limits."""
        if not self._of(peer).flood.take(1, trio.current_time()):
            self._ban(peer, "flooding")

    def garbage(self, peer: str, counter: str) -> None:
        """`peer` sent what is unreadable, or not signed by whom it names."""
        self.refuse(peer, counter)
        if not self._of(peer).garbage.take(1, trio.current_time()):
            self._ban(peer, "sending garbage")

    def _ban(self, peer: str, what: str) -> None:
        now = trio.current_time()
        before = self._bans.pop(peer, _Ban(0.0, 0))
        if before.until > now:
            self._bans[peer] = before
            return
        times = before.times + 1 if now - before.until < _FORGIVEN else 1
        seconds = min(self.limits.banned * 2 ** min(times - 1, 16), self.limits.banned_at_most)
        self.refuse(peer, "banned", f"sent away for {seconds:.0f} s for {what}")
        self._bans[peer] = _Ban(now + seconds, times)
        if len(self._bans) > _REMEMBERED:
            del self._bans[next(iter(self._bans))]
        self._neighbours.pop(peer, None)
        self._banned(peer)

    def _is_banned(self, peer: str) -> bool:
        ban = self._bans.get(peer)
        return ban is not None and ban.until > trio.current_time()

    def _of(self, peer: str) -> _Neighbour:
        """Kept beyond the end of its connections, so that nothing is won by coming anew."""
        neighbour = self._neighbours.pop(peer, None)
        if neighbour is None:
            now, limits = trio.current_time(), self.limits
            neighbour = _Neighbour(
                traffic=Bucket(limits.traffic, now),
                messages=Bucket(limits.messages, now),
                control=Bucket(limits.control, now),
                offered=Bucket(limits.offered, now),
                flood=Bucket(limits.flood, now),
                garbage=Bucket(limits.garbage, now),
            )
            if len(self._neighbours) >= _REMEMBERED:
                del self._neighbours[next(iter(self._neighbours))]
        self._neighbours[peer] = neighbour
        return neighbour


@dataclass(slots=True)
class _Process:
    """Connections from outside of all hosts of this process, which share its files."""

    connections: int = 0
    most: int = field(default_factory=lambda: _files() // 2)


def _less(counts: Counter[str], key: str) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]


def _files() -> int:
    """How many a process of this system may have open, less what else it needs."""
    try:
        import resource
    except ImportError:  # not everywhere
        return 65536
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft - _SPARE_FILES, 128) if soft != resource.RLIM_INFINITY else 65536


_PROCESS = _Process()
