"""With a js-libp2p peer, as the TypeScript aikyo makes it, each on a machine of its own."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.interop.peers import ALICE, JAY, Peer, acquainted, js_peer, our_peer
from tests.support.machines import Machine

pytestmark = pytest.mark.netns

Pair = tuple[Machine, Machine]

BURST = 200
WHO_WE_ARE = {"personality": "calm", "story": "written in Python", "sample": "hm", "name": "Ours"}
WHO_JAY_IS = {"personality": "kind", "story": "written in JavaScript", "sample": "hi", "name": "Jay"}


def bodies(sender: str, to: str) -> dict[str, dict[str, Any]]:
    """A payload of every topic, in the plain dialect, with everything that the other dialect has."""
    return {
        "messages": {
            "id": uuid.uuid4().hex,
            "from": sender,
            "to": [to],
            "message": "Привет, 愛! 👋",
            "metadata": {"emotion": "happy"},
        },
        "actions": {
            "id": uuid.uuid4().hex,
            "from": sender,
            "name": "gesture",
            "params": {"kind": "wave", "target": to},
        },
        "states": {
            "from": sender,
            "messageId": uuid.uuid4().hex,
            "state": "speak",
            "importance": 7,
            "selected": True,
            "closing": "pre-closing",
        },
        "queries": {
            "id": uuid.uuid4().hex,
            "from": sender,
            "to": [to],
            "type": "vision",
            "body": {"prompt": "what is on the desk?"},
        },
        "query-results": {"id": uuid.uuid4().hex, "success": True, "body": {"text": "a cup"}},
        "contexts": {
            "id": uuid.uuid4().hex,
            "from": sender,
            "to": [to],
            "type": "text",
            "context": "It has started to rain.",
        },
    }


def as_rpc(topic: str, body: dict[str, Any]) -> tuple[str, Any]:
    """The topic and the body of the same thing in the JSON-RPC dialect."""
    params = {key: value for key, value in body.items() if key != "id"}
    match topic:
        case "messages":
            return topic, {"jsonrpc": "2.0", "method": "message.send", "params": body}
        case "actions":
            return topic, {"jsonrpc": "2.0", "method": "action.send", "params": body}
        case "states":
            return topic, [{"jsonrpc": "2.0", "method": "state.send", "params": body}]
        case "queries":
            call = {"jsonrpc": "2.0", "id": body["id"], "method": "query.send", "params": params}
            return "queries", call
        case "query-results":
            return "queries", {"jsonrpc": "2.0", "id": body["id"], "result": params}
    return topic, body  # contexts have no other form


def burst(sender: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("messages", {"id": f"{sender}-{number:03}", "from": sender, "message": "x" * 200})
        for number in range(BURST)
    ]


def ids_of_burst(listener: Peer, speaker: Peer) -> list[str]:
    heard = [body["id"] for body in listener.heard("messages", speaker)]
    return [ident for ident in heard if ident.startswith(f"{speaker.ident}-")]


@pytest.mark.parametrize("first", [ALICE, JAY])
async def test_each_finds_the_other_whoever_is_there_first(
    pair: Pair, mesh: str, tmp_path: Path, first: str
) -> None:
    running = {
        ALICE: our_peer(pair[0], mesh, tmp_path / "a"),
        JAY: js_peer(pair[1], mesh, tmp_path / "j"),
    }
    async with running.pop(first) as one:
        await trio.sleep(2)  # past the questions with which everybody begins
        async with running.popitem()[1] as other:
            jay, alice = (one, other) if first == JAY else (other, one)
            await jay.tells("found", peer=alice.peer)
            await acquainted(one, other)


@pytest.mark.parametrize("first", [ALICE, JAY])
async def test_ours_connects_to_one_that_only_announces_itself(
    pair: Pair, mesh: str, tmp_path: Path, first: str
) -> None:
    running = {
        ALICE: our_peer(pair[0], mesh, tmp_path / "a"),
        JAY: js_peer(pair[1], mesh, tmp_path / "j", passive=True),
    }
    async with running.pop(first) as one, running.popitem()[1] as other:
        await one.tells("connected", peer=other.peer)
        await acquainted(one, other)


async def test_on_one_machine_without_a_network_they_find_each_other(
    lone: Machine, mesh: str, tmp_path: Path
) -> None:
    async with our_peer(lone, mesh, tmp_path / "a") as alice, js_peer(lone, mesh, tmp_path / "j") as jay:
        await jay.tells("found", peer=alice.peer)
        await acquainted(alice, jay)


async def test_another_mesh_is_not_found(lone: Machine, mesh: str, tmp_path: Path) -> None:
    async with (
        our_peer(lone, mesh, tmp_path / "a") as alice,
        js_peer(lone, f"{mesh}-other", tmp_path / "other") as stranger,
        js_peer(lone, mesh, tmp_path / "j") as jay,
    ):
        await acquainted(alice, jay)
        assert not stranger.told("found")
        assert not alice.told("connected", peer=stranger.peer)


async def test_each_learns_who_the_other_is(pair: Pair, mesh: str, tmp_path: Path) -> None:
    async with (
        our_peer(pair[0], mesh, tmp_path / "a") as alice,
        js_peer(pair[1], mesh, tmp_path / "j") as jay,
    ):
        ours = await jay.tells("met", peer=alice.peer)
        theirs = await alice.tells("met", peer=jay.peer)
        assert ours["metadata"] == {"id": ALICE, **WHO_WE_ARE}  # these five, and nothing else
        assert theirs["metadata"] == {"id": JAY, **WHO_JAY_IS}


@pytest.mark.parametrize("dialect", ["plain", "jsonrpc"])
async def test_every_topic_flows_both_ways(pair: Pair, mesh: str, tmp_path: Path, dialect: str) -> None:
    async with (
        our_peer(pair[0], mesh, tmp_path / "a", dialect=dialect) as alice,
        js_peer(pair[1], mesh, tmp_path / "j") as jay,
    ):
        await acquainted(alice, jay)
        for topic, body in bodies(ALICE, JAY).items():
            await alice.say((topic, body))
            where, form = (topic, body) if dialect == "plain" else as_rpc(topic, body)
            await jay.tells("heard", topic=where, peer=alice.peer, body=form)
        for topic, body in bodies(JAY, ALICE).items():
            await jay.say((topic, body) if dialect == "plain" else as_rpc(topic, body))
            await alice.tells("heard", topic=topic, peer=jay.peer, body=body)
        for number in range(5):
            presence = {"id": JAY, **WHO_JAY_IS, "story": f"told anew, {number}"}
            await jay.say(("presence", presence))
            await alice.tells("met", peer=jay.peer, metadata=presence)
        await jay.until(lambda: any(body["id"] == ALICE for body in jay.heard("presence", alice)))


async def test_bursts_arrive_whole_and_once_both_ways(pair: Pair, mesh: str, tmp_path: Path) -> None:
    async with (
        our_peer(pair[0], mesh, tmp_path / "a") as alice,
        js_peer(pair[1], mesh, tmp_path / "j") as jay,
    ):
        await acquainted(alice, jay)
        await alice.say(*burst(ALICE))
        await jay.say(*burst(JAY))
        wanted = {peer.ident: [body["id"] for _, body in burst(peer.ident)] for peer in (alice, jay)}
        await jay.until(lambda: len(ids_of_burst(jay, alice)) >= BURST)
        await alice.until(lambda: len(ids_of_burst(alice, jay)) >= BURST)
        await acquainted(alice, jay)  # what is doubled would have come by then
        assert sorted(ids_of_burst(jay, alice)) == wanted[ALICE]
        assert sorted(ids_of_burst(alice, jay)) == wanted[JAY]


@pytest.mark.parametrize("how", [Peer.end, Peer.kill])
async def test_jay_comes_back(pair: Pair, mesh: str, tmp_path: Path, how: Any) -> None:
    async with our_peer(pair[0], mesh, tmp_path / "a") as alice:
        async with js_peer(pair[1], mesh, tmp_path / "j") as before:
            await acquainted(alice, before)
            await how(before)
            await alice.tells("disconnected", peer=before.peer)
        alice.events = alice.told("joined")
        async with js_peer(pair[1], mesh, tmp_path / "j") as jay:
            assert jay.peer == before.peer
            await alice.tells("met", peer=jay.peer)
            await acquainted(alice, jay)


@pytest.mark.parametrize("how", [Peer.end, Peer.kill])
async def test_ours_comes_back(pair: Pair, mesh: str, tmp_path: Path, how: Any) -> None:
    async with js_peer(pair[1], mesh, tmp_path / "j") as jay:
        async with our_peer(pair[0], mesh, tmp_path / "a") as before:
            await acquainted(before, jay)
            await how(before)
            await jay.tells("disconnected", peer=before.peer)
        jay.events = jay.told("joined")
        async with our_peer(pair[0], mesh, tmp_path / "a") as alice:
            assert alice.peer == before.peer
            await jay.tells("met", peer=alice.peer)
            await acquainted(alice, jay)


async def test_one_of_ours_relays_between_another_and_jay(
    row: tuple[Machine, Machine, Machine], mesh: str, tmp_path: Path
) -> None:
    left, middle, right = row
    async with (
        our_peer(left, mesh, tmp_path / "b", "companion_bob") as bob,
        our_peer(middle, mesh, tmp_path / "a") as alice,
        js_peer(right, mesh, tmp_path / "j") as jay,
    ):
        await acquainted(bob, alice)
        await acquainted(alice, jay)
        await jay.say(("presence", {"id": JAY, **WHO_JAY_IS}))
        await bob.tells("met", peer=jay.peer)
        await acquainted(bob, alice, jay)
        assert not bob.told("connected", peer=jay.peer)


@pytest.mark.soak
async def test_five_idle_minutes_do_not_part_them(pair: Pair, mesh: str, tmp_path: Path) -> None:
    async with (
        our_peer(pair[0], mesh, tmp_path / "a") as alice,
        js_peer(pair[1], mesh, tmp_path / "j") as jay,
    ):
        await acquainted(alice, jay)
        await trio.sleep(300)
        assert not [*alice.told("disconnected"), *jay.told("disconnected")]
        await acquainted(alice, jay)


@pytest.mark.soak
async def test_a_pulled_cable_is_noticed_and_healed(pair: Pair, mesh: str, tmp_path: Path) -> None:
    async with (
        our_peer(pair[0], mesh, tmp_path / "a") as alice,
        js_peer(pair[1], mesh, tmp_path / "j") as jay,
    ):
        await acquainted(alice, jay)
        pair[1].pull_out()
        await alice.tells("disconnected", peer=jay.peer)
        await jay.tells("disconnected", peer=alice.peer)
        alice.events, jay.events = alice.told("joined"), jay.told("joined")
        pair[1].plug_in()
        await alice.tells("met", peer=jay.peer)
        await jay.tells("met", peer=alice.peer)
        await acquainted(alice, jay)
