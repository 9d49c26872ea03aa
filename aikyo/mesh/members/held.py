"""Payloads of which it is too early to judge: a waiting room, bounded in all and for each author."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from ...wire import Decoded

__all__ = ["Held", "WaitingRoom"]

_MOST, _MOST_BYTES = 256, 8 << 20
_SHARE, _SHARE_BYTES = 64, 2 << 20  # of one author, so that it leaves room for others


@dataclass(frozen=True, slots=True)
class Held:
    """One payload that waits.

    Attributes:
        deadline: when it has waited too long, in trio's seconds.
        author: the peer id that signed it.
        sequence: the author's sequence number.
        decoded: the payload.
    """

    deadline: float
    author: str
    sequence: bytes
    decoded: Decoded

    @property
    def size(self) -> int:
        """Bytes of its body."""
        return memoryview(self.decoded.body).nbytes


class WaitingRoom:
    """What waits, by author and in order. Pure."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[Held]] = {}
        self._count = 0
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._queues)

    @property
    def deadline(self) -> float:
        """When the first of all has waited too long; only while there is one."""
        return min(queue[0].deadline for queue in self._queues.values())

    def add(self, held: Held) -> bool:
        """Let `held` wait; False when there is no room, or its author has its share."""
        queue = self._queues.get(held.author, deque())
        share = sum(waiting.size for waiting in queue) + held.size
        if len(queue) >= _SHARE or share > _SHARE_BYTES:
            return False
        if self._count >= _MOST or self._bytes + held.size > _MOST_BYTES:
            return False
        queue.append(held)
        self._queues[held.author] = queue
        self._count += 1
        self._bytes += held.size
        return True

    def review(self, settle: Callable[[Held], bool], author: str | None = None) -> None:
        """Let go, in order, all of whom `settle` says that they wait no longer.

        Args:
            settle: asked of each.
            author: look only at what this one has written.
        """
        for name in list(self._queues) if author is None else [author]:
            queue = self._queues.pop(name, deque())
            still = deque(held for held in queue if not settle(held))
            self._count += len(still) - len(queue)
            self._bytes += sum(held.size for held in still) - sum(held.size for held in queue)
            if still:
                self._queues[name] = still
