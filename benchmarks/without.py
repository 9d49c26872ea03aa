"""Takes one repair of libp2p out of this process, to see what it buys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from libp2p.host.basic_host import BasicHost
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.utils import maybe_consume_signed_record

from aikyo.mesh.host import repairs

__all__ = ["REPAIRS"]


def _left(name: str) -> Callable[[], None]:
    """One of those that are put right as names of a module stays as it is."""

    def take_out() -> None:
        plain = repairs._replaced
        assert any(item[1] == name for item in plain()), f"there is no repair of {name}"
        repairs._replaced = lambda: tuple(item for item in plain() if item[1] != name)

    return take_out


def _plain(kind: type, base: type, *names: str) -> Callable[[], None]:
    """Methods are those of libp2p."""

    def take_out() -> None:
        for name in names:
            assert name in vars(kind), f"there is no repair of {name}"
            setattr(kind, name, getattr(base, name))

    return take_out


def _verify_each_record() -> None:
    assert "_is_record_good" in vars(repairs.RepairedPubsub)

    def is_record_good(self: Any, rpc: Any, peer: Any) -> bool:
        return maybe_consume_signed_record(rpc, self.host, peer)

    repairs.RepairedPubsub._is_record_good = is_record_good  # type: ignore[method-assign]


def _keep_the_scorer() -> None:
    def set_attribute(self: Any, name: str, value: Any) -> None:
        if name not in {"scorer", "recent_message_deliveries"} or not hasattr(self, name):
            object.__setattr__(self, name, value)

    repairs.RepairedGossip.__setattr__ = set_attribute  # type: ignore[method-assign, assignment]


REPAIRS: dict[str, Callable[[], None]] = {
    "room in the queues": _left("RpcQueue"),
    "room for a reader": _left("SUBSCRIPTION_CHANNEL_SIZE"),
    "credit by half a window": _left("_auto_tune_and_send_window_update"),
    "a write in one piece": _left("write"),
    "a record verified once": _verify_each_record,
    "addresses worked out once": _plain(repairs.RepairedHost, BasicHost, "get_addrs"),
    "a stream read in order": _plain(repairs.RepairedPubsub, Pubsub, "continuously_read_stream"),
    "one writer a stream": _plain(repairs.RepairedPubsub, Pubsub, "write_msg"),
    "limits by author": _plain(repairs.RepairedPubsub, Pubsub, "validate_msg"),
    "own messages to everybody": _plain(repairs.RepairedGossip, GossipSub, "_get_peers_to_send"),
    "no scorer": _keep_the_scorer,
}
"""By what it does; each takes the repair out for as long as the process lives."""
