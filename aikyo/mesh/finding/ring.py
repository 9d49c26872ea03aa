"""Who is connected to whom: the same few links for everybody who knows the same peers. Pure.

The peers stand in a ring, in the order of a hash of their ids. Up to 13 are all connected to each
other. Of more, each is connected to those at the distances 1, 2, 3, 5, 9, 17, 33, … up to half the
ring, both ways: 14 links a host for a hundred hosts, everybody a few steps away, and no few peers
whose loss would cut it in two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from hashlib import sha256

__all__ = ["FULL", "Ring"]

FULL = 13
"""How many peers, at the most, are all connected to each other."""


class Ring:
    """The peers that are there.

    Args:
        peers: their peer ids.
    """

    def __init__(self, peers: Iterable[str]) -> None:
        self._order = sorted(set(peers), key=_place)
        self._at = {peer: at for at, peer in enumerate(self._order)}

    def neighbours(self, own: str, skipped: Collection[str] = ()) -> frozenset[str]:
        """Whom `own`, one of the ring, should be connected to.

        Args:
            own: its peer id.
            skipped: peers that cannot be reached: further on in the same direction, the next one that
                can be stands in, so that all other links stay as they are.
        """
        size, at = len(self._order), self._at[own]
        if size <= FULL:
            return frozenset(self._order).difference(skipped, (own,))
        found: set[str] = set()
        for distance in _distances(size):
            for way in (1, -1):
                onward = (self._order[(at + way * step) % size] for step in range(distance, size))
                there = next((peer for peer in onward if peer not in skipped), None)
                if there is not None:
                    found.add(there)
        return frozenset(found)


def _distances(size: int) -> list[int]:
    """1, and 1 + 2^k, up to half the ring."""
    powers = (1 + (1 << k) for k in range(size.bit_length()))
    return [1, *(distance for distance in powers if distance <= size // 2)]


@lru_cache(maxsize=4096)
def _place(peer: str) -> bytes:
    return sha256(peer.encode()).digest()
