"""The swarm assembled on the in-memory mesh, with its real servers and memories."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from aikyo.brain import Assessment, Moment
from aikyo.errors import UsageError
from aikyo.mesh.memory import MemoryLan
from aikyo.wire import Message
from tests.support.gathering import ScriptedBrain
from tests.support.memories import spoil
from tests.support.swarms import QUIET, swarm_of


async def test_a_companion_that_crashes_comes_back_and_takes_nobody_with_it(tmp_path: Path) -> None:
    class Buggy(ScriptedBrain):
        async def assess(self, moment: Moment) -> Assessment:
            self.assessed.append(moment)
            if len(self.assessed) == 1:
                raise ZeroDivisionError("a bug")
            return Assessment(speak=True)

    async with swarm_of(tmp_path, {"alice": Buggy(), "bob": ScriptedBrain()}) as room:
        voice = room.swarm._voice
        assert voice is not None
        hello = Message(id="1", sender="user_mika", message="hello")
        await voice.publish(hello)
        await room.until(lambda: room.told("restart", "companion_alice"))
        assert "a bug" in str(room.told("restart", "companion_alice")[0].reason)
        await room.until(lambda: any(m.sender == "companion_bob" for m in room.messages))
        await room.until(lambda: room.told("activity", "companion_alice")[1:])
        alone = Message(id="2", sender="user_mika", to=("companion_alice",), message="again")
        await voice.publish(alone)
        await room.until(lambda: any(m.reply_to == "2" for m in room.messages))
        alice, bob = room.swarm.status().companions
        assert (alice.restarts, bob.restarts) == (1, 0)


async def test_the_rest_come_up_when_one_cannot(tmp_path: Path) -> None:
    spoil(tmp_path / "memories" / "alice.db")
    async with swarm_of(tmp_path, {"alice": ScriptedBrain(), "bob": ScriptedBrain()}) as room:
        (failed,) = room.told("failed")
        assert failed.companion == "companion_alice"
        assert "alice.db" in str(failed.reason)
        alice, bob = room.swarm.status().companions
        assert (alice.activity, bob.activity) == ("failed", "listening")
        (tmp_path / "memories" / "alice.db").unlink()
        await room.swarm.restart("alice")
        await room.until(lambda: room.told("activity", "companion_alice"))


async def test_a_name_that_is_held_elsewhere_gets_a_number_and_keeps_its_files(tmp_path: Path) -> None:
    lan = MemoryLan()
    brains = {"alice": ScriptedBrain()}
    async with (
        swarm_of(tmp_path / "one", brains, lan=lan) as one,
        swarm_of(tmp_path / "two", brains, lan=lan) as two,
    ):
        (status,) = two.swarm.status().companions
        assert (status.name, status.id) == ("alice", "companion_alice-2")
        assert "companion_alice-2" in str(two.told("notice")[0].reason)
        assert (tmp_path / "two" / "memories" / "alice.db").exists()
        assert one.swarm.status().others == ("companion_alice-2",)


async def test_a_talk_begins_of_itself_and_its_end_is_told_once(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(QUIET, topic="tea")
    brains = {name: ScriptedBrain() for name in ("alice", "bob", "carol")}
    async with swarm_of(tmp_path, brains, settings=settings) as room:
        await room.until(lambda: room.told("talk-ended"))
        assert len(room.told("talk-begun")) == 1
        (ended,) = room.told("talk-ended")
        assert ended.reason == "closed"
        assert {m.conversation for m in room.messages} == {ended.conversation}
        began = [b for b in brains.values() if b.composed[0].message is None]
        assert [b.composed[0].topic for b in began] == ["tea"]


async def test_an_answered_person_hears_that_the_talk_rests(tmp_path: Path) -> None:
    async with swarm_of(tmp_path, {"alice": ScriptedBrain()}) as room:
        hello = Message(
            id="1", sender="user_mika", to=("companion_alice",), message="hi", conversation="c"
        )
        assert room.swarm._voice is not None
        await room.swarm._voice.publish(hello)
        await room.until(lambda: room.told("talk-resting"))
        assert [(e.conversation, e.reason) for e in room.told("talk-resting")] == [
            ("c", "nobody-wanted")
        ]


async def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    async with swarm_of(tmp_path, {"alice": ScriptedBrain()}) as room:
        with pytest.raises(UsageError, match="did you mean 'alice'"):
            await room.swarm.restart("alcie")


async def test_a_name_goes_before_an_id_that_it_happens_to_be(tmp_path: Path) -> None:
    lan = MemoryLan()
    async with (
        swarm_of(tmp_path / "one", {"alice": ScriptedBrain()}, lan=lan),
        swarm_of(
            tmp_path / "two", {"alice": ScriptedBrain(), "alice-3": ScriptedBrain()}, lan=lan
        ) as two,
    ):
        ids = {one.name: one.id for one in two.swarm.status().companions}
        assert ids["alice"].startswith("companion_alice-")
        await two.swarm.stop("alice-3")
        await two.until(lambda: two.told("stopped"))
        assert two.told("stopped")[0].companion == ids["alice-3"]
        assert ids["alice-3"] not in two.swarm.status().others


async def test_a_brain_is_closed_whatever_ends_its_companion(tmp_path: Path) -> None:
    class Closing(ScriptedBrain):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    brain = Closing()
    spoil(tmp_path / "memories" / "alice.db")
    async with swarm_of(tmp_path, {"alice": brain, "bob": ScriptedBrain()}) as room:
        assert brain.closed == 1
        await room.swarm.restart("alice")
        await room.until(lambda: len(room.told("failed")) == 2)
        assert brain.closed == 2


async def test_coming_and_going_is_told(tmp_path: Path) -> None:
    async with swarm_of(tmp_path, {"alice": ScriptedBrain(), "bob": ScriptedBrain()}) as room:
        await room.swarm.stop("bob")
        await room.until(lambda: room.told("left"))
        joined = {e.companion for e in room.told("joined")}
        assert joined == {"companion_alice", "companion_bob"}
        assert [e.companion for e in room.told("left")] == ["companion_bob"]


async def test_when_no_companion_can_start_the_swarm_says_why_and_ends(tmp_path: Path) -> None:
    spoil(tmp_path / "memories" / "alice.db")
    with pytest.RaisesGroup(
        pytest.RaisesExc(UsageError, match=r"no companion could start: .*alice\.db"),
        flatten_subgroups=True,
    ):
        async with swarm_of(tmp_path, {"alice": ScriptedBrain()}):
            pass


async def test_a_companion_is_stopped_when_stop_returns(tmp_path: Path) -> None:
    async with swarm_of(tmp_path, {"alice": ScriptedBrain()}) as room:
        await room.swarm.stop("alice")
        assert room.swarm.status().companions[0].activity == "stopped"


async def test_the_same_seed_makes_the_same_talk(tmp_path: Path) -> None:
    talks = []
    for number in range(2):
        settings = msgspec.structs.replace(QUIET, topic="tea", seed=7)
        brains = {name: ScriptedBrain() for name in ("alice", "bob", "carol")}
        async with swarm_of(tmp_path / str(number), brains, settings=settings) as room:
            await room.until(lambda: room.told("talk-ended"))
            talks.append([message.sender for message in room.messages])
    assert talks[0] == talks[1]
