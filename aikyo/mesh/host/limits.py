"""What a neighbour may cost us: the numbers, and buckets that measure it. Pure; times are handed in.

A talkative companion never meets these numbers, a flood does.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Bucket", "Buckets", "Limits", "Rate"]

KiB, MiB = 1 << 10, 1 << 20

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Rate:
    """So much a second for ever, and so much at once."""

    second: float
    burst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one host puts up with. Times are in seconds.

    Attributes:
        connections: connections in all; the last 32 are kept for those that we open ourselves.
        connections_per_ip: those that one IP address may open; this machine's own four times as many.
        connections_per_peer: those that one peer may have.
        handshakes: connections that are not through with their handshake, in all.
        handshakes_per_ip: those of one IP address; this machine's own four times as many.
        handshake: the time that one has for it.
        arrivals: connections that one IP address may open; not this machine's own, where all are ours.
        streams: those that a neighbour may have open on one connection.
        unread: bytes that wait to be read on all streams of a connection; beyond it a stream is reset.
        gossip_streams: those of them that gossip; a newer one replaces the oldest.
        frame: bytes that a frame costs beyond its content, so that empty ones are not for nothing.
        new_stream: bytes that a new stream or a ping costs.
        traffic: bytes of a neighbour, on all its connections; more is read later.
        messages: messages of a neighbour and all else in its RPCs, before anything is verified; more is
            read later.
        control: entries of gossip's control messages of a neighbour; more is dropped.
        offered: message ids that a neighbour may offer or ask for; more is dropped.
        author_messages: messages of one author on one topic; more is dropped and not passed on. Each may
            make every companion think: much more than this they could not keep up with.
        author_bytes: bytes of one author; more is dropped and not passed on.
        queued: bytes that wait to be sent, to all neighbours together; when so many do, each may still
            have its equal part of as many.
        cached: bytes of messages that are kept to be asked for again.
        halves: bytes of RPCs that have begun to come and not ended, of all neighbours together.
        slow: the time that a neighbour may take none of what waits for it.
        flood: what a neighbour may drop of its own messages until it is sent away.
        garbage: the same, of what is unreadable or signed by nobody.
        banned: how long it is away, doubling each time…
        banned_at_most: …up to this.
    """

    connections: int = 256
    connections_per_ip: int = 64
    connections_per_peer: int = 4
    handshakes: int = 128
    handshakes_per_ip: int = 64
    handshake: float = 10.0
    arrivals: Rate = Rate(20, 400)
    streams: int = 64
    unread: int = 2 * MiB
    gossip_streams: int = 3
    frame: int = KiB
    new_stream: int = 64 * KiB
    traffic: Rate = Rate(16 * MiB, 64 * MiB)
    messages: Rate = Rate(1000, 4000)
    control: Rate = Rate(100, 500)
    offered: Rate = Rate(5000, 20_000)
    author_messages: Rate = Rate(10, 500)
    author_bytes: Rate = Rate(2 * MiB, 16 * MiB)
    queued: int = 64 * MiB
    cached: int = 64 * MiB
    halves: int = 64 * MiB
    slow: float = 20.0
    flood: Rate = Rate(5, 1000)
    garbage: Rate = Rate(0.5, 100)
    banned: float = 60.0
    banned_at_most: float = 600.0


class Bucket:
    """Holds up to `rate.burst` and fills by `rate.second`."""

    __slots__ = ("_left", "_rate", "_when")

    def __init__(self, rate: Rate, now: float) -> None:
        self._rate = rate
        self._left = rate.burst
        self._when = now

    def take(self, amount: float, now: float) -> bool:
        """Take `amount` if it is there."""
        self._fill(now)
        if amount > self._left:
            return False
        self._left -= amount
        return True

    def owe(self, amount: float, now: float) -> float:
        """Take `amount` in any case; the seconds to wait until that much is there."""
        self._fill(now)
        self._left -= amount
        return max(-self._left / self._rate.second, 0.0)

    def _fill(self, now: float) -> None:
        if now > self._when:
            self._left = min(self._left + (now - self._when) * self._rate.second, self._rate.burst)
            self._when = now


class Buckets(Generic[Key]):
    """One bucket each for the `most` keys used last.

    Keys cost nothing to make up, so that who comes back after so many others finds a full one; what
    all of them may do together is another's limit.
    """

    def __init__(self, rate: Rate, most: int = 4096) -> None:
        self._rate = rate
        self._most = most
        self._buckets: dict[Key, Bucket] = {}

    def __len__(self) -> int:
        return len(self._buckets)

    def of(self, key: Key, now: float) -> Bucket:
        """The bucket of `key`."""
        bucket = self._buckets.pop(key, None) or Bucket(self._rate, now)
        self._buckets[key] = bucket
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        return bucket
