"""A connection is lost, and its peer is still there, or is not."""

from __future__ import annotations

import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from aikyo.mesh.interfaces import silence
from aikyo.mesh.members.household import Household
from aikyo.mesh.members.inbound import Inbound
from aikyo.wire import Message, Presence

ALICE = Presence(id="companion_alice")


class Home:
    """A household with one node, whose neighbour p1 is Alice."""

    def __init__(self) -> None:
        self.house = Household(lambda: 7.0)
        self.counters = Counter[str]()
        self.inbound = Inbound("me", self.house, clock=lambda: 7.0, counters=self.counters)
        self.node: Any = SimpleNamespace(peer="me")
        self._sequence = 0
        self.house.link("p1", self.node)
        self.house.learn("p1", ALICE)

    def hears(self, payload: Any, author: str = "p1") -> list[str]:
        """The ids of what is delivered of it."""
        self._sequence += 1
        topic = "presence" if isinstance(payload, Presence) else "messages"
        sequence = self._sequence.to_bytes(8, "big")
        self.inbound.take(topic, msgspec.json.encode(payload), author, sequence)
        found = []
        while self.inbound.received.statistics().current_buffer_used:
            found.append(getattr(self.inbound.received.receive_nowait().payload, "id", ""))
        return found


def said(ident: str, sender: str = ALICE.id) -> Message:
    return Message(id=ident, sender=sender, message="hello")


async def test_who_is_not_our_neighbour_any_more_is_gone_until_it_is_heard_through_others() -> None:
    home = Home()
    home.house.unlink("p1", home.node)
    assert ALICE.id not in home.house.roster
    assert home.hears(said("1")) == ["1"]
    assert home.house.roster.held_by("p1") == ALICE.id


async def test_who_was_somebody_else_is_not_recalled() -> None:
    home = Home()
    home.house.unlink("p1", home.node)
    assert home.hears(said("1", "companion_bob")) == []
    assert home.hears(said("2"), "p2") == []
    assert len(home.house.roster) == 0


async def test_who_said_goodbye_is_not_recalled() -> None:
    home = Home()
    home.house.unlink("p1", home.node)
    home.hears(msgspec.structs.replace(ALICE, gone=True))
    assert home.hears(said("1")) == []


async def test_whose_id_another_has_taken_is_not_recalled() -> None:
    home = Home()
    home.house.unlink("p1", home.node)
    home.house.learn("p2", ALICE)
    assert home.hears(said("1")) == []
    assert home.house.roster.held_by("p2") == ALICE.id


async def test_who_was_silent_for_long_is_not_recalled(autojump_clock: trio.testing.MockClock) -> None:
    home = Home()
    home.house.unlink("p1", home.node)
    await trio.sleep(91)
    assert home.hears(said("1")) == []


async def test_how_long_nothing_has_come_is_known_of_a_connection() -> None:
    accepted: list[trio.SocketStream] = []
    async with trio.open_nursery() as nursery:
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listener.socket.getsockname()[1]
        async with listener, await trio.open_tcp_stream("127.0.0.1", port) as stream:
            accepted.append(await listener.accept())
            time.sleep(0.3)  # the kernel's clock is not ours to move
            muxed = SimpleNamespace(secured_conn=SimpleNamespace(conn=stream))
            before, unanswered = silence(muxed)
            if before == 0.0:
                pytest.skip("this system does not tell")
            assert before >= 0.29
            assert not unanswered
            await accepted[0].send_all(b"x")
            await stream.receive_some(1)
            assert silence(muxed)[0] < before
            await accepted[0].aclose()
        assert silence(muxed) == (0.0, False)
        nursery.cancel_scope.cancel()
