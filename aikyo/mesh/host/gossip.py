"""Gossip as it should be: a subclass that mends libp2p's, each method with its reason.

Importing this module imports libp2p (1.5 s).
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

import trio
from libp2p.peer.id import ID
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.utils import safe_bytes_from_hex

from .control import BoundedCache
from .limits import Limits
from .offers import Offers
from .presences import Presences

__all__ = ["RepairedGossip"]


class RepairedGossip(GossipSub):
    """Gossip that sends its own messages to every subscriber, keeps no endless lists, and offers to a
    newcomer what it may have missed.

    Args:
        counters: what was lost, by reason.
        limits: what a neighbour may cost.
        presences: the topic of which the latest message of each author is kept.
        args: as `GossipSub` takes them.
        kwargs: the same.
    """

    def __init__(
        self, *args: Any, counters: Counter[str], limits: Limits, presences: Presences, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._counters = counters
        self._offers = Offers()
        self.presences = presences
        # By default what comes before a peer has subscribed is kept for it, beside what it is offered.
        self._pending_messages = defaultdict(_Forgetful)
        # By default it keeps what a flood brings, of any size.
        window, history = self.mcache.window_size, self.mcache.history_size
        self.mcache = _Cache(window, history, limits.cached, self.presences)
        # By default one entry a message, for ever; only the adaptive mode, which is off, reads them.
        self.recent_message_deliveries = defaultdict(_Forgetful)
        # Its weights are 0 and its thresholds infinite: work without an effect.
        self.scorer = None

    def _get_peers_to_send(
        self, topic_ids: Iterable[str], msg_forwarder: ID, origin: ID, msg_id: bytes | None = None
    ) -> Iterable[ID]:
        """By default our own messages go to the mesh only, and whom a JS peer pruned goes mute."""
        if self.pubsub is None or origin != self.pubsub.my_id:
            return super()._get_peers_to_send(topic_ids, msg_forwarder, origin, msg_id)
        return {
            peer
            for topic in topic_ids
            for peer in self.pubsub.peer_topics.get(topic, ())
            if self._is_gossipsub_peer(peer)
        }

    async def publish(self, msg_forwarder: ID, pubsub_msg: rpc_pb2.Message) -> None:
        """By default the latest of each author is forgotten with all else, and a newcomer never hears
        it."""
        self.presences.put(pubsub_msg)
        await super().publish(msg_forwarder, pubsub_msg)

    async def send_recent_messages(self, peer_id: ID, topic: str) -> None:
        """By default the messages of the last seconds are sent whole to a newcomer by everybody that it
        connects to: of sixty hosts that start together, each message hundreds of times."""
        assert isinstance(self.mcache, BoundedCache)
        ids = self.presences.ids() if topic == self.presences.topic else self.mcache.recent(topic)
        if ids:
            await self.emit_ihave(topic, ids, peer_id)

    async def handle_ihave(self, ihave_msg: rpc_pb2.ControlIHave, sender_peer_id: ID) -> None:
        """By default what several offer is asked of all of them."""
        assert self.pubsub is not None
        seen = self.pubsub.seen_messages
        decoded = (safe_bytes_from_hex(wire) for wire in ihave_msg.messageIDs)
        unseen = [mid for mid in decoded if mid is not None and not seen.has(mid)]
        if accepted := self._offers.accept(unseen, trio.current_time()):
            offer = rpc_pb2.ControlIHave(topicID=ihave_msg.topicID, messageIDs=accepted)
            await super().handle_ihave(offer, sender_peer_id)

    async def handle_iwant(self, iwant_msg: rpc_pb2.ControlIWant, sender_peer_id: ID) -> None:
        """By default one message is sent as often as it is asked for, and thousands in one piece."""
        decoded = ((safe_bytes_from_hex(wire), wire) for wire in iwant_msg.messageIDs)
        ids = {mid: wire for mid, wire in decoded if mid is not None}
        assert isinstance(self.mcache, BoundedCache)
        if given := self.mcache.wanted(str(sender_peer_id), list(ids)):
            allowed = rpc_pb2.ControlIWant(messageIDs=[ids[mid] for mid in given])
            await super().handle_iwant(allowed, sender_peer_id)

    def _check_equivocation(self, msg: rpc_pb2.Message) -> bool:
        """By default it keeps whole messages, 500 and more, to find two under one id; the second of
        them is dropped as seen in any case."""
        return True

    def _periodic_security_cleanup(self) -> None:
        """By default who was asked to wait is remembered for ever, once it is gone."""
        super()._periodic_security_cleanup()
        now = time.time()
        for peers in self.back_off.values():
            for peer in [peer for peer, until in peers.items() if until <= now]:
                del peers[peer]

    def _handle_dropped_rpc(self, peer_id: ID, rpc: rpc_pb2.RPC, reason: str) -> None:
        """By default a full queue is not told to anybody."""
        self._counters["outbox-overflow"] += len(rpc.publish)
        super()._handle_dropped_rpc(peer_id, rpc, reason)


class _Forgetful(list[Any]):
    """A list that nobody reads."""

    def append(self, _: object) -> None:
        """Keep nothing."""


class _Cache(BoundedCache):
    """The messages of the last seconds, and of one topic the latest of each author."""

    def __init__(self, window_size: int, history_size: int, most: int, presences: Presences) -> None:
        super().__init__(window_size, history_size, most)
        self._presences = presences

    def get(self, mid: bytes) -> rpc_pb2.Message | None:
        """The message with the id `mid`, if it is kept."""
        return super().get(mid) or self._presences.get(mid)
