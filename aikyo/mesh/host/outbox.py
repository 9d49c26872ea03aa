"""What waits to be sent: a queue for each neighbour, bounded in bytes, one by one and all together.

Importing this module imports libp2p (1.5 s).
"""

from __future__ import annotations

from libp2p.peer.id import ID
from libp2p.pubsub import rpc_queue
from libp2p.pubsub.pb import rpc_pb2

__all__ = ["MAX_RPC", "Queues", "RoomyQueue", "Total"]

MAX_RPC = 4 << 20
"""Bytes of one RPC, both ways; what is larger is lost without a word (1 MiB by default)."""

_QUEUE, _QUEUE_BYTES = 1024, 32 << 20
_NEARLY_FULL, _NEARLY_EMPTY = 0.75, 0.25


class RoomyQueue(rpc_queue.RpcQueue):
    """What waits to be sent to one peer: 1024 RPCs (32 by default, a burst of 100 loses 68) of up to
    4 MiB each, and so that this is no way to fill the memory, of 32 MiB in all."""

    def __init__(self) -> None:
        super().__init__(max_size=_QUEUE, max_message_size=MAX_RPC)
        self._bytes = 0
        self._given_up = False
        self._total = Total(_QUEUE_BYTES)

    def share(self, total: Total) -> None:
        """Be one of the queues whose bytes together are limited."""
        self._total = total
        total.queues += 1

    def worth_waiting_for(self, size: int) -> bool:
        """Whether it is nearly full, or soon so when all are given `size` bytes; and not of a peer that
        was waited for in vain already."""
        return self._is_nearly_full(size) and not self._given_up

    def give_up(self, size: int) -> None:
        """Wait no more for one that is nearly full, until it is nearly empty: a peer that makes room
        for one RPC at a time would slow every publish. What does not fit is lost."""
        self._given_up = self._given_up or self._is_nearly_full(size)

    def push(self, rpc: rpc_pb2.RPC, priority: bool = False) -> bool:
        """Queue `rpc`; False when there is no room."""
        size = rpc.ByteSize()
        if self._bytes + size > _QUEUE_BYTES or not self._total.has_room(size, self._bytes):
            return False
        if not super().push(rpc, priority):
            return False
        self._bytes += size
        self._total.bytes += size
        return True

    async def pop(self) -> rpc_pb2.RPC | None:
        """Wait for the next RPC; None once the queue is closed."""
        rpc = await super().pop()
        if rpc is not None:
            self._less(rpc.ByteSize())
            self._given_up = self._given_up and self._fuller_than(_NEARLY_EMPTY)
        return rpc

    def close(self) -> None:
        """The peer is gone, and what was left for it."""
        super().close()
        while (rpc := self._queue.pop()) is not None:
            self._less(rpc.ByteSize())
        self._total.queues -= 1

    def _less(self, size: int) -> None:
        self._bytes -= size
        self._total.bytes -= size

    def _is_nearly_full(self, size: int) -> bool:
        return self._fuller_than(_NEARLY_FULL) or not self._total.has_room_for_all(size, self._bytes)

    def _fuller_than(self, share: float) -> bool:
        return len(self) >= _QUEUE * share or self._bytes >= _QUEUE_BYTES * share


class Total:
    """Bytes that wait in all queues of a host."""

    def __init__(self, most: int) -> None:
        self.bytes = 0
        self.queues = 0
        self._most = most

    def has_room(self, size: int, own: int) -> bool:
        """Whether a queue that holds `own` bytes may take `size` more. When all is taken, each has still
        its equal part, so that those who read nothing take none of what the others need."""
        return self._is_fair(size, own) or self.bytes + size <= self._most

    def has_room_for_all(self, size: int, own: int) -> bool:
        """The same, when every queue takes `size` more."""
        return self._is_fair(size, own) or self.bytes + size * self.queues <= self._most

    def _is_fair(self, size: int, own: int) -> bool:
        return own == 0 or own + size <= self._most // max(self.queues, 1)


class Queues(dict[ID, rpc_queue.RpcQueue]):
    """The queues of a host, by peer; `Pubsub` makes them and tells them nothing of each other."""

    def __init__(self, total: Total) -> None:
        super().__init__()
        self._total = total

    def __setitem__(self, peer: ID, queue: rpc_queue.RpcQueue) -> None:
        if isinstance(queue, RoomyQueue):
            queue.share(self._total)
        super().__setitem__(peer, queue)
