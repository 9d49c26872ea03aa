"""Companions that are changed while they run, in a real swarm on the in-memory mesh."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
import trio

from aikyo.brain import Assessment, Brain, BrainError, Moment, Toolbox
from aikyo.companion import Profile, choose_profiles
from aikyo.companion.profile import load_again
from aikyo.errors import AikyoError, UsageError
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.paths import Home
from aikyo.swarm import Swarm, profile_watch, steering
from aikyo.wire import CompanionStatus, Message
from tests.support.gathering import ScriptedBrain
from tests.support.memories import spoil
from tests.support.swarms import QUIET, Watched, swarm_of


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_watch, "LOOKS_EVERY", 0.02)


@dataclass
class Asleep(ScriptedBrain):
    """Is ready once it is let."""

    ready: Callable[[], object] = lambda: None
    label: str = "scripted other"
    closed: int = 0

    async def wake(self) -> None:
        result = self.ready()
        if hasattr(result, "__await__"):
            await result

    async def aclose(self) -> None:
        self.closed += 1


def fails(error: Exception) -> Callable[[], object]:
    def fail() -> object:
        raise error

    return fail


def write(home: Path, text: str, name: str = "alice") -> None:
    """As an editor saves: aside, then in its place."""
    aside = home / f"{name}.toml.new"
    aside.write_text(f"[metadata]\n{text}\n", encoding="utf-8")
    aside.rename(home / f"{name}.toml")


def status(room: Watched, name: str = "alice") -> CompanionStatus:
    return next(one for one in room.swarm.status().companions if one.name == name)


async def say(room: Watched, ident: str, text: str, *to: str) -> Message:
    """Say it to companions; their first answer."""
    voice = room.swarm._voice
    assert voice is not None
    await voice.publish(Message(id=ident, sender="user_mika", to=to, message=text))
    await room.until(lambda: any(m.reply_to == ident for m in room.messages))
    return next(m for m in room.messages if m.reply_to == ident)


async def until(condition: Callable[[], object]) -> None:
    with trio.fail_after(30):
        while not condition():
            await trio.sleep(0.01)


async def up_again(room: Watched, restarts: int = 1) -> None:
    await until(lambda: status(room).restarts == restarts and status(room).activity == "listening")


@asynccontextmanager
async def one(home: Path, brain: Brain, other: Brain | None = None) -> AsyncIterator[Watched]:
    def others(model: str) -> Brain:
        if other is None:
            raise UsageError(f"no model {model}")
        return other

    async with swarm_of(home, {"alice": brain}, others=others) as room:
        yield room


# What it thinks with -----------------------------------------------------------------------------


async def test_the_next_turn_is_taken_with_what_was_set(tmp_path: Path) -> None:
    old, new = ScriptedBrain(), Asleep()
    async with one(tmp_path, old, new) as room:
        await say(room, "1", "hello", "companion_alice")
        now = await room.swarm.change("alice", {"model": "other"})
        assert (now.session, now.brain, now.model) == (2, "scripted other", "other")
        assert now.overrides == {"model": "other"}
        await say(room, "2", "and now?", "companion_alice")
    assert [m.message.id for m in old.composed if m.message] == ["1"]
    assert [m.message.id for m in new.composed if m.message] == ["2"]
    assert new.closed


async def test_a_turn_that_has_begun_is_ended_with_what_it_began_with(tmp_path: Path) -> None:
    begun, may_end = trio.Event(), trio.Event()

    async def compose(_: Moment, toolbox: Toolbox) -> None:
        begun.set()
        await may_end.wait()
        await toolbox.call("speak", {"message": "Said by the old one."})

    async with one(tmp_path, ScriptedBrain(on_compose=compose), Asleep()) as room:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(say, room, "1", "hello", "companion_alice")
            await begun.wait()
            assert (await room.swarm.change("alice", {"model": "other"})).session == 2
            may_end.set()
        assert [m.message for m in room.messages if m.sender != "user_mika"] == ["Said by the old one."]


async def test_what_was_set_outlives_a_restart_and_is_taken_back_by_nothing(tmp_path: Path) -> None:
    old, new = ScriptedBrain(), Asleep()
    async with one(tmp_path, old, new) as room:
        await room.swarm.change("alice", {"model": "other"})
        await room.swarm.restart("alice")
        await up_again(room)
        await say(room, "1", "hello", "companion_alice")
        assert new.composed
        assert status(room).overrides == {"model": "other"}
        now = await room.swarm.change("alice", {"model": ""})
        assert (now.brain, now.overrides) == ("scripted", {})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BrainError("the server knows no model other", "model"), "the server knows no model other"),
        (UsageError("it lacks a key"), "it lacks a key"),
    ],
)
async def test_what_cannot_be_had_changes_nothing_and_is_told(
    tmp_path: Path, error: Exception, words: str
) -> None:
    old, new = ScriptedBrain(), Asleep(ready=fails(error))
    async with one(tmp_path, old, new) as room:
        with pytest.raises(AikyoError, match=f"{words}; alice keeps scripted"):
            await room.swarm.change("alice", {"model": "other"})
        await room.until(lambda: room.told("session", "companion_alice"))
        assert words in str(room.told("session")[0].reason)
        now = status(room)
        assert (now.session, now.brain, now.overrides) == (1, "scripted", {})
        assert new.closed == 1
        assert (await say(room, "1", "hello", "companion_alice")).message


async def test_what_nobody_tries_again_is_not_told_to_be(tmp_path: Path) -> None:
    again = BrainError("there is no model", "model", retry_in=30, again="; it is tried again at 9:00")
    async with one(tmp_path, ScriptedBrain(), Asleep(ready=fails(again))) as room:
        with pytest.raises(AikyoError, match=r"^there is no model; alice keeps scripted$"):
            await room.swarm.change("alice", {"model": "other"})
        await room.until(lambda: room.told("session", "companion_alice"))
        assert "again" not in str(room.told("session")[0].reason)


async def test_a_brain_that_may_not_think_for_now_is_taken_and_rests(tmp_path: Path) -> None:
    @dataclass
    class Spent(Asleep):
        paid: bool = True

        def check(self) -> None:
            raise BrainError("it has spent all", "limit", retry_in=600)

    spent = Spent(ready=fails(BrainError("it has spent all", "limit", retry_in=600)))
    async with one(tmp_path, ScriptedBrain(), spent) as room:
        assert (await room.swarm.change("alice", {"model": "other"})).session == 2
        assert (status(room).activity, status(room).reason) == ("resting", "it has spent all")
        assert status(room).brain == "scripted other"


async def test_an_unknown_brain_is_a_wrong_call(tmp_path: Path) -> None:
    async with one(tmp_path, ScriptedBrain()) as room:
        with pytest.raises(UsageError, match="unknown brain 'ofline'; did you mean 'offline'"):
            await room.swarm.change("alice", {"provider": "ofline"})


@pytest.mark.parametrize("runs", [True, False])
async def test_a_model_is_not_set_for_the_offline_brain(tmp_path: Path, runs: bool) -> None:
    offline = Asleep(label="offline")
    async with one(tmp_path, Asleep(label="offline"), offline) as room:
        if not runs:
            await room.swarm.stop("alice")
        for key in ("model", "small_model"):
            with pytest.raises(UsageError, match="the offline brain has no models; set provider=… too"):
                await room.swarm.change("alice", {key: "other"})
        assert status(room).overrides == {}


async def test_who_does_not_run_thinks_so_from_its_next_start(tmp_path: Path) -> None:
    new = Asleep()
    async with one(tmp_path, ScriptedBrain(), new) as room:
        await room.swarm.stop("alice")
        now = await room.swarm.change("alice", {"model": "other"})
        assert (now.session, now.activity) == (0, "stopped")
        assert new.closed == 1  # it was only tried
        await room.swarm.restart("alice")
        await up_again(room)
        assert status(room).brain == "scripted other"


async def test_nothing_is_set_for_who_does_not_run_that_cannot_be_had(tmp_path: Path) -> None:
    async with one(tmp_path, ScriptedBrain()) as room:
        await room.swarm.stop("alice")
        with pytest.raises(UsageError, match="no model other; alice stays as it was"):
            await room.swarm.change("alice", {"model": "other"})
        assert status(room).overrides == {}


async def test_who_asks_is_not_kept_waiting_for_ever_and_it_comes_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steering, "SWAPS_WITHIN", 0.1)
    woken = trio.Event()
    async with one(tmp_path, ScriptedBrain(), Asleep(ready=woken.wait)) as room:
        with pytest.raises(AikyoError, match="takes longer than 0 s; until then alice keeps scripted"):
            await room.swarm.change("alice", {"model": "other"})
        woken.set()
        await room.until(lambda: room.told("session"))
        await until(lambda: status(room).overrides)
        assert status(room).brain == "scripted other"


async def test_a_companion_that_ends_meanwhile_keeps_nobody_waiting(tmp_path: Path) -> None:
    begun = trio.Event()

    async def never() -> None:
        begun.set()
        await trio.sleep_forever()

    async with one(tmp_path, ScriptedBrain(), Asleep(ready=never)) as room:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _stop() -> None:
                await begun.wait()
                await room.swarm.stop("alice")

            with trio.fail_after(10), pytest.raises(AikyoError, match="it has ended meanwhile"):
                await room.swarm.change("alice", {"model": "other"})
        assert status(room).overrides == {}


async def test_a_companion_that_ends_before_it_is_up_keeps_nobody_waiting(tmp_path: Path) -> None:
    spoil(tmp_path / "memories" / "bob.db")
    told = trio.Event()
    async with swarm_of(tmp_path, {"alice": ScriptedBrain(), "bob": ScriptedBrain()}) as room:
        child = room.swarm._members.named("bob").child
        child.condition = "starting"  # for whom alice waits, when she starts again
        await room.swarm.restart("alice")
        await until(lambda: status(room).session == 1 and status(room).activity == "starting")
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _ask() -> None:
                with trio.fail_after(10), pytest.raises(AikyoError, match="has no session"):
                    await room.swarm.renew("alice")
                told.set()

            await until(room.swarm._members.named("alice").changing.locked)
            assert not told.is_set()
            await room.swarm.stop("alice")


async def test_changes_at_once_are_all_made(tmp_path: Path) -> None:
    async with one(tmp_path, ScriptedBrain(), Asleep()) as room:
        async with trio.open_nursery() as nursery:
            for key in ("model", "small_model"):
                nursery.start_soon(room.swarm.change, "alice", {key: "other"})
        assert status(room).overrides == {"model": "other", "small_model": "other"}


async def test_a_bug_in_a_brain_that_was_to_be_leaves_the_old_one(tmp_path: Path) -> None:
    async with one(tmp_path, ScriptedBrain(), Asleep(ready=fails(ZeroDivisionError("a bug")))) as room:
        with pytest.raises(AikyoError, match=r"a bug in aikyo: .*; alice keeps scripted"):
            await room.swarm.change("alice", {"model": "other"})
        assert (status(room).brain, status(room).restarts) == ("scripted", 0)
        assert (await say(room, "1", "hello", "companion_alice")).message


# Sessions ----------------------------------------------------------------------------------------


async def test_a_new_session_can_be_asked_for(tmp_path: Path) -> None:
    async with one(tmp_path, ScriptedBrain()) as room:
        assert (await room.swarm.renew("alice")).session == 2
        assert (await room.swarm.renew("alice")).session == 3
        await say(room, "1", "hello", "companion_alice")
        await until(lambda: room.swarm.why(None).notes)
        assert room.swarm.why(None).notes[0].session == 3


async def test_who_rests_and_gets_a_new_session_is_tried_at_once(tmp_path: Path) -> None:
    problem: list[BrainError] = [BrainError("nobody answers", "unreachable", retry_in=600)]

    def ready() -> None:
        for each in problem:
            raise each

    async with one(tmp_path, Asleep(ready=ready)) as room:
        await until(lambda: status(room).activity == "resting")
        problem[0] = BrainError("there is no model", "model", retry_in=600)
        await room.swarm.renew("alice")
        assert (status(room).activity, status(room).reason) == ("resting", "there is no model")
        problem.clear()
        await room.swarm.renew("alice")
        assert status(room).activity == "listening"
        assert (await say(room, "1", "hello", "companion_alice")).message


async def test_who_does_not_run_has_no_session(tmp_path: Path) -> None:
    async with one(tmp_path, ScriptedBrain()) as room:
        await room.swarm.stop("alice")
        with pytest.raises(AikyoError, match="alice has no session: it is stopped"):
            await room.swarm.renew("alice")


# Profiles ----------------------------------------------------------------------------------------


async def test_a_saved_profile_is_taken_up_and_everybody_learns_of_it(tmp_path: Path) -> None:
    brain, lan = ScriptedBrain(), MemoryLan()
    async with (
        swarm_of(tmp_path / "one", {"alice": brain}, lan=lan) as room,
        swarm_of(tmp_path / "two", {"bob": ScriptedBrain()}, lan=lan) as other,
    ):
        write(tmp_path / "one", 'name = "Alicia"\npersonality = "Calm."\ncolor = "red"')
        await room.until(lambda: room.told("session"))
        await until(lambda: status(room).display_name == "Alicia")
        assert (status(room).color, status(room).session) == ("red", 2)
        await say(room, "1", "hello", "companion_alice")
        assert (brain.composed[-1].me.name, brain.composed[-1].me.personality) == ("Alicia", "Calm.")
        roster = other.swarm._mesh.roster
        with trio.fail_after(10):
            while (there := roster.get("companion_alice")) is None or there.presence.name != "Alicia":
                await roster.changed()
        assert there.presence.personality == "Calm."


async def test_a_broken_save_is_told_once_with_its_place_and_the_next_good_one_taken(
    tmp_path: Path,
) -> None:
    brain = ScriptedBrain()
    async with one(tmp_path, brain) as room:
        write(tmp_path, 'name = "Alicia"\ncolor = "no colour"')
        await room.until(lambda: room.told("notice"))
        reason = str(room.told("notice")[0].reason)
        assert reason.startswith("keeps the profile as it was: ")
        assert "alice.toml:3:9: " in reason
        await trio.sleep(0.2)  # ten looks
        assert status(room).display_name == "Alice"
        await say(room, "1", "hello", "companion_alice")
        assert brain.composed[-1].me.name == "Alice"
        write(tmp_path, 'name = "Alicia"')
        await room.until(lambda: room.told("session"))
        assert len(room.told("notice")) == 1
        await say(room, "2", "hello", "companion_alice")
        assert brain.composed[-1].me.name == "Alicia"


async def test_a_save_while_the_file_is_read_is_read_again_and_told_once(tmp_path: Path) -> None:
    saves = ['name = "Alicia"', 'color = "no colour"']
    async with one(tmp_path, ScriptedBrain()) as room:

        def read(name: str, profile: Profile) -> Profile:
            if saves:
                write(tmp_path, saves.pop())
            return load_again(name, profile)

        room.swarm._steering._reload = read
        write(tmp_path, 'name = "Alison"')
        await room.until(lambda: room.told("session"))
        await until(lambda: status(room).display_name == "Alicia")
        assert (saves, room.told("notice")) == ([], [])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda home: (home / "alice.toml").unlink(), "alice.toml is gone or empty"),
        (lambda home: write(home, 'name = "Eve"\nid = "companion_eve"'), "alice.toml:3:6: the id is"),
    ],
)
async def test_a_profile_that_is_gone_or_somebody_elses_leaves_the_companion_as_it_was(
    tmp_path: Path, spoil: Callable[[Path], object], words: str
) -> None:
    async with one(tmp_path, ScriptedBrain()) as room:
        spoil(tmp_path)
        await room.until(lambda: room.told("notice"))
        assert words in str(room.told("notice")[0].reason)
        assert (status(room).id, status(room).display_name) == ("companion_alice", "Alice")
        assert (await say(room, "1", "hello", "companion_alice")).sender == "companion_alice"


async def test_a_file_that_was_only_touched_changes_nothing(tmp_path: Path) -> None:
    async with one(tmp_path, ScriptedBrain()) as room:
        write(tmp_path, 'name = "Alice"  # with a remark')
        await trio.sleep(0.2)
        assert status(room).session == 1


async def test_a_restart_reads_the_profile_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_watch, "LOOKS_EVERY", 1000)
    async with one(tmp_path, ScriptedBrain()) as room:
        write(tmp_path, 'name = "Alicia"')
        assert await room.swarm.restart("alice") == ""
        await up_again(room)
        assert status(room).display_name == "Alicia"
        write(tmp_path, "name = 7")
        assert "alice.toml:2:8: " in await room.swarm.restart("alice")
        await up_again(room, 2)
        assert status(room).display_name == "Alicia"


async def test_what_is_wrong_with_a_profile_is_told_once_also_by_a_restart(tmp_path: Path) -> None:
    async with one(tmp_path, ScriptedBrain()) as room:
        write(tmp_path, 'name = "Alice"\nid = "companion_other"')
        await room.until(lambda: room.told("notice"))
        assert "the id is companion_other now" in await room.swarm.restart("alice")
        await up_again(room)
        write(tmp_path, 'name = "Alicia"')
        await room.until(lambda: room.told("session"))
        assert len(room.told("notice")) == 1


async def test_a_mended_profile_starts_who_had_failed_and_leaves_who_was_stopped(tmp_path: Path) -> None:
    spoil(tmp_path / "memories" / "alice.db")
    brains = {name: ScriptedBrain() for name in ("alice", "bob", "carol")}
    async with swarm_of(tmp_path, brains) as room:
        await room.swarm.stop("bob")
        (tmp_path / "memories" / "alice.db").unlink()
        write(tmp_path, 'name = "Robert"', "bob")
        write(tmp_path, 'name = "Alicia"')
        await room.until(lambda: room.told("activity", "companion_alice"))
        assert (status(room).display_name, status(room).activity) == ("Alicia", "listening")
        await until(lambda: status(room, "bob").display_name == "Robert")
        assert status(room, "bob").activity == "stopped"


async def test_each_change_is_made_while_they_talk_and_no_message_is_lost(tmp_path: Path) -> None:
    """Twenty saves while twenty messages are answered."""

    def quick(_: Moment) -> Assessment:
        return Assessment(speak=True, importance=9)

    brains = {name: ScriptedBrain(on_assess=quick) for name in ("alice", "bob")}
    async with swarm_of(tmp_path, brains) as room:
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def _save() -> None:
                for number in range(20):
                    write(tmp_path, f'name = "Alice"\nstory = "Number {number}."')
                    await trio.sleep(0.05)

            for number in range(20):
                await say(room, str(number), f"message {number}", "companion_alice")
        answered = [m.reply_to for m in room.messages if m.sender == "companion_alice"]
        assert sorted(filter(None, answered)) == sorted(map(str, range(20)))
        await until(lambda: status(room).session > 1)


async def test_copies_of_one_profile_follow_it_and_keep_their_numbers(tmp_path: Path) -> None:
    write(tmp_path, 'name = "Alice"')
    home = Home(tmp_path / "home")
    home.create()
    cast = choose_profiles(2, (), [tmp_path])
    async with MemoryMesh(MemoryLan()) as mesh, trio.open_nursery() as nursery:
        swarm = Swarm(
            QUIET, home, cast, lambda *_: ScriptedBrain(), mesh=mesh, clock=time.time, seeded=Random
        )
        with swarm.hub.subscribe() as envelopes:
            nursery.start_soon(swarm.run)
            room = Watched(swarm, aiter(envelopes))
            await room.until(lambda: room.told("ready"))
            write(tmp_path, 'name = "Alicia"')
            await room.until(lambda: len(room.told("session")) == 2)
            for name, shown in (("alice", "Alicia"), ("alice-2", "Alicia 2")):
                await until(lambda name=name, shown=shown: status(room, name).display_name == shown)
                assert status(room, name).id == f"companion_{name}"
            write(tmp_path, "name = 7")
            await room.until(lambda: room.told("notice"))
            reason = str(room.told("notice")[0].reason)
            assert reason.startswith("alice, alice-2 keep the profile as it was: ")
            assert len(room.told("notice")) == 1
        nursery.cancel_scope.cancel()
