"""The latest message of each author on one topic, so that a newcomer learns at once who is there.

A newcomer is offered them by their ids (IHAVE) and asks its first neighbour for those it has not seen
(IWANT); its other neighbours offer them in vain. They are the signed originals; who asks judges them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import trio
from libp2p.peer.id import ID
from libp2p.pubsub import mcache
from libp2p.pubsub.pb import rpc_pb2

__all__ = ["Presences"]

_KEPT = 90.0  # seconds for which a presence holds
_MOST, _BYTES = 1024, 4 << 20


@dataclass(frozen=True, slots=True)
class _Kept:
    mid: bytes
    author: str
    message: rpc_pb2.Message
    until: float  # in trio's seconds
    size: int


class Presences:
    """What was said last, at most 90 s ago: of 1024 authors, 4 MiB; those heard longest ago go first.

    Args:
        topic: the topic that is kept.
        holds: whether what this peer said last is believed here; else it is not offered to others.
    """

    def __init__(self, topic: str, holds: Callable[[str], bool]) -> None:
        self.topic = topic
        self._holds = holds
        self._by_author: dict[bytes, _Kept] = {}  # the one heard longest ago first
        self._by_id: dict[bytes, _Kept] = {}
        self._bytes = 0

    def put(self, message: rpc_pb2.Message) -> None:
        """Keep `message`, which was verified, in the place of its author's last; what came late is not
        kept."""
        if self.topic not in message.topicIDs:
            return
        now = trio.current_time()
        last = self._by_author.get(message.from_id)
        if last is not None and last.until > now and message.seqno <= last.message.seqno:
            return
        self._drop(message.from_id)
        mid: bytes = mcache.default_msg_id_fn(message)
        author = str(ID(message.from_id))
        kept = _Kept(mid, author, message, now + _KEPT, message.ByteSize())
        self._by_author[message.from_id] = self._by_id[mid] = kept
        self._bytes += kept.size
        while len(self._by_author) > _MOST or self._bytes > _BYTES:
            self._drop(next(iter(self._by_author)))

    def get(self, mid: bytes) -> rpc_pb2.Message | None:
        """The message with the id `mid`, if it is kept."""
        kept = self._by_id.get(mid)
        return kept.message if kept is not None and kept.until > trio.current_time() else None

    def ids(self) -> list[bytes]:
        """The ids of those that hold, and are believed."""
        now = trio.current_time()
        for author in [author for author, kept in self._by_author.items() if kept.until <= now]:
            self._drop(author)
        return [mid for mid, kept in self._by_id.items() if self._holds(kept.author)]

    def _drop(self, author: bytes) -> None:
        kept = self._by_author.pop(author, None)
        if kept is not None:
            del self._by_id[kept.mid]
            self._bytes -= kept.size
