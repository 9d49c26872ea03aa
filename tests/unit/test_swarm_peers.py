"""Whom a person means, and what people are told of those who are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from aikyo.errors import UsageError
from aikyo.mesh.refusals import Refusals
from aikyo.mesh.roster import Roster
from aikyo.swarm.notices import COUNT_EVERY, HOUR, MOST_AN_HOUR, MOST_COMPANIONS, give_notice
from aikyo.swarm.peers import find_blocked, find_peer, noted
from aikyo.wire import Event, MeshStatus, PeerStatus, Presence

PEER = "12D3KooWGatU9DLhqRyHALw8V3MMVxcRc4xVWxR9ZdW3fQnZ"


def peer(end: str, companion: str = "", state: Any = "connected", **fields: Any) -> PeerStatus:
    return PeerStatus(peer=PEER + end, state=state, companion=companion, **fields)


KNOWN = (
    peer("carL", "companion_carol", name="Caroline"),
    peer("daVe", "companion_dave"),
    peer("eVee"),
    PeerStatus(peer="", state="refused", addresses=("192.0.2.1",)),
)


@pytest.mark.parametrize(
    ("who", "end"),
    [
        ("carol", "carL"),
        ("companion_carol", "carL"),
        ("Caroline", "carL"),
        (PEER + "daVe", "daVe"),
        ("…fQnZdaVe", "daVe"),
        ("QnZeVee", "eVee"),
    ],
)
def test_a_peer_is_found_by_what_it_is_shown_as(who: str, end: str) -> None:
    assert find_peer(who, KNOWN) == PEER + end


def test_a_whole_peer_id_need_not_be_known() -> None:
    assert find_peer(PEER + "newe", KNOWN) == PEER + "newe"


@pytest.mark.parametrize("who", ["", "…", "Vee", "frank", "companion_", "12D3KooX", "0OIl" * 12])
def test_nobody_is_found_where_nobody_is_meant(who: str) -> None:
    with pytest.raises(UsageError, match=r"nobody here is called|may be several"):
        find_peer(who, KNOWN)


def test_of_several_none_is_taken_and_all_are_named() -> None:
    with pytest.raises(UsageError, match="may be several") as caught:
        find_peer("12D3Koo", KNOWN)
    assert all(one.peer in str(caught.value) for one in KNOWN)


def test_nobody_is_meant_for_calling_itself_like_another() -> None:
    impostors = (peer("impA", "companion_x", name="carol"), peer("impB", "fQnZdaVe"))
    for who in ("carol", "fQnZdaVe"):
        with pytest.raises(UsageError, match="may be several"):
            find_peer(who, (*KNOWN, *impostors))


def test_who_is_blocked_is_found_by_the_name_in_its_note() -> None:
    known = (
        *KNOWN,
        peer("blo1", state="blocked", reason=noted(PEER + "carL", KNOWN, "floods")),
        peer("blo2", state="blocked", reason=noted(PEER + "daVe", KNOWN, "")),
        peer("blo3", state="blocked", reason=noted(PEER + "eVee", KNOWN, "frank: it is him")),
    )
    for who in ("carol", "companion_carol", PEER + "blo1"):
        assert find_blocked(who, known) == PEER + "blo1"
    assert find_blocked("dave", known) == PEER + "blo2"
    with pytest.raises(UsageError, match="nobody here is called 'Caroline'"):
        find_blocked("Caroline", known)


def test_two_of_one_name_are_both_named_before_one_is_let_in_again() -> None:
    known = [peer(f"car{n}", state="blocked", reason="carol: floods") for n in (1, 2)]
    with pytest.raises(UsageError, match="may be several"):
        find_blocked("carol", known)


class Mesh:
    """What is looked at of a mesh."""

    def __init__(self, *peers: PeerStatus) -> None:
        self.refusals = Refusals(trio.current_time)
        self.roster = Roster()
        self.trouble = ""
        self.peers = peers

    def status(self) -> MeshStatus:
        return MeshStatus(addresses=(), peers=self.peers)


@asynccontextmanager
async def noticing(mesh: Any) -> AsyncIterator[list[Event]]:
    told: list[Event] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(give_notice, mesh, told.append)
        yield told
        nursery.cancel_scope.cancel()


async def test_a_refusal_is_told_once_a_peer_and_reason(autojump_clock: trio.testing.MockClock) -> None:
    mesh = Mesh()
    note = mesh.refusals.note
    async with noticing(mesh) as told:
        await trio.sleep(10)
        assert told == []
        mesh.roster.bind(PEER + "eViL", Presence(id="companion_eve"))
        for _ in range(3):
            note(PEER + "eViL", "pinned", "companion_carol is Carol's")
        note("192.0.2.9", "wrong-network-key")
        note(PEER + "meh1", "unbound")
        await trio.sleep(100)
        first, second = told
        assert (first.type, first.peer) == ("notice", PEER + "eViL")
        assert f"refused eve ({PEER}eViL): companion_carol is Carol's" in str(first.reason)
        assert "192.0.2.9: has another network key" in str(second.reason)
        assert second.peer is None
        note(PEER + "eViL", "flood", "it sent too much")
        note(PEER + "eViL", "spoofed", "it spoke as Carol")
        await trio.sleep(100)
        assert "it sent too much" in str(told[-1].reason)
        assert len(told) == 3


async def test_made_up_peers_do_not_fill_the_log(autojump_clock: trio.testing.MockClock) -> None:
    mesh = Mesh()
    for number in range(200):
        mesh.refusals.note(f"{PEER}{number:04}", "flood")
    async with noticing(mesh) as told:
        await trio.sleep(HOUR - 10)
        assert len(told) == MOST_AN_HOUR
        await trio.sleep(20)
        assert len(told) == 2 * MOST_AN_HOUR


async def test_what_is_wrong_with_what_is_kept_is_told_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    mesh = Mesh()
    mesh.trouble = "the file is damaged"
    async with noticing(mesh) as told:
        await trio.sleep(60)
        assert [event.reason for event in told] == ["the file is damaged"]


async def test_too_many_companions_for_a_js_libp2p_peer_are_told_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ours = [peer(f"own{n}", f"companion_{n}", "own") for n in range(10)]
    firehose = peer("hose", state="own", name="firehose")
    python, js = peer("pyth", agent="py-libp2p/0.8.1"), peer("jsjs", agent="js-libp2p/2.9.0 node/20")
    mesh = Mesh(firehose, *ours, python)
    async with noticing(mesh) as told:
        await trio.sleep(2 * COUNT_EVERY)
        mesh.peers = (firehose, *ours[:MOST_COMPANIONS], js)
        await trio.sleep(2 * COUNT_EVERY)
        assert told == []
        mesh.peers = (firehose, *ours, js)
        await trio.sleep(10 * COUNT_EVERY)
        assert len(told) == 1
        assert "10 companions run here" in str(told[0].reason)
        assert "--companions 9" in str(told[0].reason)
