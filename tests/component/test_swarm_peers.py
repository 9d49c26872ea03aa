"""A swarm shows who is on its mesh, and shuts out whom it is told to."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio

from aikyo.errors import UsageError
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.wire import Message, PeerStatus, Presence
from tests.support.gathering import ScriptedBrain
from tests.support.swarms import Watched, swarm_of

CAROL = Presence(id="companion_carol", name="Carol")


def state_of(room: Watched, peer: str) -> PeerStatus | None:
    return next((one for one in room.swarm.peers.status().peers if one.peer == peer), None)


async def test_its_own_are_shown_by_name_and_others_beside_them(tmp_path: Path) -> None:
    lan = MemoryLan()
    async with (
        swarm_of(tmp_path, {"alice": ScriptedBrain()}, lan=lan) as room,
        MemoryMesh(lan) as mesh,
        mesh.join(tmp_path / "carol.key", CAROL) as carol,
    ):
        status = room.swarm.peers.status()
        own = {one.companion or one.name for one in status.peers if one.state == "own"}
        assert own == {"companion_alice", "firehose"}
        there = state_of(room, carol.peer)
        assert there is not None
        assert (there.state, there.companion) == ("connected", "companion_carol")
        assert set(there.neighbours) == {"companion_alice", "firehose"}


async def test_whom_it_blocks_is_heard_no_more_until_let_in_again(tmp_path: Path) -> None:
    lan, brain = MemoryLan(), ScriptedBrain()
    async with (
        swarm_of(tmp_path, {"alice": brain}, lan=lan) as room,
        MemoryMesh(lan) as mesh,
        mesh.join(tmp_path / "eve.key", None) as eve,
    ):
        peers = room.swarm.peers

        async def say(text: str) -> None:
            await eve.publish(Message(id=text, sender="user_eve", message=text))

        await say("one")
        await room.until(lambda: any(said.reply_to == "one" for said in room.messages))
        assert peers.block(eve.peer, "floods") == eve.peer
        await say("two")
        blocked = state_of(room, eve.peer)
        assert blocked is not None
        assert (blocked.state, blocked.reason) == ("blocked", "floods")
        assert peers.unblock(eve.peer[-8:]) == eve.peer
        with pytest.raises(UsageError, match="is not blocked"):
            peers.unblock(eve.peer)
        await say("three")
        with trio.fail_after(10):
            await room.until(lambda: any(said.reply_to == "three" for said in room.messages))
        heard = [moment.message.text for moment in brain.assessed if moment.message]
        assert heard == ["one", "three"]


async def test_a_companion_that_is_blocked_is_known_by_its_name_all_the_same(tmp_path: Path) -> None:
    lan = MemoryLan()
    async with (
        swarm_of(tmp_path, {"alice": ScriptedBrain()}, lan=lan) as room,
        MemoryMesh(lan) as mesh,
        mesh.join(tmp_path / "carol.key", CAROL) as carol,
    ):
        room.swarm.peers.block("carol", "floods")
        blocked = state_of(room, carol.peer)
        assert blocked is not None
        assert (blocked.state, blocked.companion) == ("blocked", "")
        assert blocked.reason == "carol: floods"
        assert "companion_carol" not in room.swarm.status().others
        assert room.swarm.peers.unblock("carol") == carol.peer


async def test_ones_own_cannot_be_shut_out(tmp_path: Path) -> None:
    async with swarm_of(tmp_path, {"alice": ScriptedBrain()}) as room:
        for who in ("alice", "firehose"):
            with pytest.raises(UsageError, match="one of your own"):
                room.swarm.peers.block(who)


async def test_only_an_id_that_is_kept_can_be_forgotten(tmp_path: Path) -> None:
    async with swarm_of(tmp_path, {"alice": ScriptedBrain()}) as room:
        room.swarm._mesh.household.pins.pin("companion_carol", "12D3KooWCarol")  # type: ignore[attr-defined]
        assert room.swarm.peers.forget("carol") == "companion_carol"
        with pytest.raises(UsageError, match="kept for nobody"):
            room.swarm.peers.forget("carol")
