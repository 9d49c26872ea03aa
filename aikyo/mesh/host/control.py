"""What neighbours may ask for in gossip's control messages; the rest is cut off before libp2p sees it.

libp2p 0.8.1 keeps what it is told under any topic, asks for every id that is offered, sends one message
as often as it is asked for in one RPC, and dials whom a stranger names.
"""

from __future__ import annotations

from collections.abc import Container

from libp2p.pubsub import mcache
from libp2p.pubsub.pb import rpc_pb2

from .guard import Guard

__all__ = ["BoundedCache", "tame"]

_LONGEST_ID = 128
_BACK_OFF = 60  # seconds for which a neighbour may ask not to be grafted; js-libp2p asks for so many
_AT_ONCE = 8 << 20  # bytes of messages that one RPC may ask for
_TIMES = 3  # that one message is sent again to one neighbour
_REMEMBERED = 4096


def tame(
    control: rpc_pb2.ControlMessage, peer: str, topics: Container[str], guard: Guard
) -> rpc_pb2.ControlMessage:
    """What remains of `control` when `peer` has sent it.

    Args:
        control: as it came in.
        peer: the neighbour.
        topics: those that we take part in; others are not talked about.
        guard: how much `peer` may ask for.
    """
    tamed = rpc_pb2.ControlMessage()
    for ihave in control.ihave:
        ids = ihave.messageIDs
        if ihave.topicID in topics and guard.control(peer) and guard.offered(peer, len(ids)):
            short = [one for one in ids if len(one) <= _LONGEST_ID]
            tamed.ihave.add(topicID=ihave.topicID, messageIDs=short)
    for iwant in control.iwant:
        if guard.control(peer) and guard.offered(peer, len(iwant.messageIDs)):
            tamed.iwant.add(messageIDs=dict.fromkeys(iwant.messageIDs))
    for graft in control.graft:
        if guard.control(peer) and graft.topicID in topics:
            tamed.graft.add(topicID=graft.topicID)
    for prune in control.prune:
        if guard.control(peer) and prune.topicID in topics:  # and without the peers that it names
            tamed.prune.add(topicID=prune.topicID, backoff=min(prune.backoff, _BACK_OFF))
    return tamed


class BoundedCache(mcache.MessageCache):
    """The messages of the last seconds, up to so many bytes; the oldest go first.

    Args:
        window_size: heartbeats for which a message is offered.
        history_size: heartbeats for which it is kept.
        most: bytes.
    """

    def __init__(self, window_size: int, history_size: int, most: int) -> None:
        super().__init__(window_size, history_size)
        self._most = most
        self._bytes = 0
        self._asked: dict[tuple[str, bytes], int] = {}

    def put(self, msg: rpc_pb2.Message) -> None:
        """Keep `msg`."""
        before = len(self.msgs)
        super().put(msg)
        if len(self.msgs) == before:
            return
        self._bytes += msg.ByteSize()
        while self._bytes > self._most and len(self.msgs) > 1:
            self._drop(next(iter(self.msgs)))

    def window(self, topic: str) -> list[bytes]:
        """The ids of what is offered, and sent to newcomers: the oldest first. By default the newest
        are, and whoever was away for a moment hears what was said backwards."""
        return self._latest(topic, self.window_size)

    def recent(self, topic: str) -> list[bytes]:
        """The ids of all that is kept long enough yet to be asked for, the oldest first: for one who may
        have been on the way to another connection for longer than the window."""
        return self._latest(topic, self.history_size - 2)

    def _latest(self, topic: str, heartbeats: int) -> list[bytes]:
        entries = (entry for past in reversed(self.history[:heartbeats]) for entry in past)
        return [entry.mid for entry in entries if topic in entry.topics]

    def shift(self) -> None:
        """A heartbeat has passed."""
        for entry in self.history[-1]:
            self._drop(entry.mid)
        super().shift()

    def wanted(self, peer: str, ids: list[bytes]) -> list[bytes]:
        """Those of `ids` that `peer` may have (again): not one message over and over."""
        room, given = _AT_ONCE, []
        for mid in ids:
            message = self.get(mid)
            times = self._asked.get((peer, mid), 0)
            if message is None or times >= _TIMES or message.ByteSize() > room:
                continue
            room -= message.ByteSize()
            given.append(mid)
            self._asked[peer, mid] = times + 1
            if len(self._asked) > _REMEMBERED:
                del self._asked[next(iter(self._asked))]
        return given

    def _drop(self, mid: bytes) -> None:
        message = self.msgs.pop(mid, None)
        if message is not None:
            self._bytes -= message.ByteSize()
