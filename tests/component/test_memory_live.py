"""Companions that run forget and are corrected, in a real swarm on the in-memory mesh."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
import trio
from msgspec.structs import replace

from aikyo.companion import forgetful
from aikyo.errors import UsageError
from aikyo.memory import MemoryFile, NewFact
from aikyo.memory.care import Wish
from aikyo.memory.storage import opening
from aikyo.paths import Home
from aikyo.swarm import memories
from aikyo.wire import CompanionStatus, Message
from tests.support.gathering import ScriptedBrain
from tests.support.memories import entry
from tests.support.swarms import QUIET, Watched, swarm_of

SECRET = "xylophonequartz"
ALONE = replace(QUIET, backups=0)  # a backup that is being made cannot be reached


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With an alice who believes something about herself, from what she was told."""
    home = Home(tmp_path)
    home.create()
    with MemoryFile.open(home.memory("alice")) as memory:
        told = entry(f"My cat is called {SECRET}.", uid="told", time=time.time() - 3600)
        memory.append(told)
        known = NewFact(text=f"Mika's cat is called {SECRET}.", about="user_mika", sources=("told",))
        memory.facts.learn([known], upto=1, now=time.time())
        (fact,) = memory.facts.all()
        belief = NewFact(
            text=f"Alice looks after {SECRET}.",
            about="companion_alice",
            level="self",
            sources=(fact.uid,),
        )
        memory.facts.reflect([belief], upto=1, now=time.time())
    return tmp_path


def status(room: Watched) -> CompanionStatus:
    (alice,) = room.swarm.status().companions
    return alice


async def told_when_asked(room: Watched, brain: ScriptedBrain, ident: str) -> str:
    """All that the brain is told when somebody says something."""
    voice = room.swarm._voice
    assert voice is not None
    said = Message(
        id=ident, sender="user_ken", to=("companion_alice",), message="Which word do you keep?"
    )
    await voice.publish(said)
    await room.until(lambda: any(m.reply_to == ident for m in room.messages))
    (moment,) = [one for one in brain.composed if one.message and one.message.id == ident]
    return repr(moment)


async def test_what_waits_to_be_written_is_forgotten_too(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetful, "FIRST_PAUSE", 3600.0)
    monkeypatch.setattr(opening, "_BUSY_SECONDS", 0.01)
    path, brain = Home(home).memory("alice"), ScriptedBrain()
    async with swarm_of(home, {"alice": brain}, settings=ALONE) as room:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            voice = room.swarm._voice
            assert voice is not None
            said = Message(id="w", sender="user_ken", to=("companion_alice",), message=f"{SECRET}!")
            await voice.publish(said)
            await room.until(lambda: any(m.reply_to == "w" for m in room.messages))
        report = await room.swarm.forget("alice", Wish(matching=SECRET))
        assert report.rows == 2
    with MemoryFile.read(path) as file:
        assert not [row for row in file.rows() if SECRET in row.entry.text]


async def test_what_was_forgotten_is_not_told_to_the_brain_any_more(home: Path) -> None:
    brain = ScriptedBrain()
    async with swarm_of(home, {"alice": brain}, settings=ALONE) as room:
        assert SECRET in await told_when_asked(room, brain, "1")
        assert status(room).session == 1
        report = await room.swarm.forget("alice", Wish(matching=SECRET))
        assert (report.rows, report.facts, report.session) == (1, 2, True)
        assert report.unreached == ()
        assert status(room).session == 2
        assert SECRET not in await told_when_asked(room, brain, "2")


async def test_where_there_is_nothing_to_forget_the_session_goes_on(home: Path) -> None:
    async with swarm_of(home, {"alice": ScriptedBrain()}, settings=ALONE) as room:
        report = await room.swarm.forget("alice", Wish(matching="nothing of the kind"))
        assert (report.rows, report.session, report.unreached) == (0, False, ())
        assert status(room).session == 1


async def test_what_was_corrected_is_told_to_the_brain(home: Path) -> None:
    brain = ScriptedBrain()
    async with swarm_of(home, {"alice": brain}, settings=ALONE) as room:
        await told_when_asked(room, brain, "1")
        done = await room.swarm.edit("companion_alice", "f2", "Alice looks after Miso.")
        assert (done.was, done.session) == (f"Alice looks after {SECRET}.", True)
        assert "looks after Miso" in await told_when_asked(room, brain, "2")


async def test_what_cannot_be_meant_changes_nothing(home: Path) -> None:
    async with swarm_of(home, {"alice": ScriptedBrain()}, settings=ALONE) as room:
        with pytest.raises(UsageError, match="alice has no 'j9'"):
            await room.swarm.forget("alice", Wish(ids=("j9",)))
        with pytest.raises(UsageError, match="no companion 'zoe'"):
            await room.swarm.forget("zoe", Wish(ids=("j1",)))
        assert status(room).session == 1


async def test_one_that_is_stopped_forgets_in_its_file(home: Path) -> None:
    async with swarm_of(home, {"alice": ScriptedBrain()}, settings=ALONE) as room:
        await room.swarm.stop("alice")
        report = await room.swarm.forget("alice", Wish(ids=("j1",)))
        assert (report.rows, report.facts, report.session) == (1, 2, False)
    with MemoryFile.read(Home(home).memory("alice")) as memory:
        assert memory.count() == 0


async def test_a_session_that_cannot_be_renewed_is_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with swarm_of(home, {"alice": ScriptedBrain()}, settings=ALONE) as room:
        member = room.swarm._members.named("alice")
        assert member.companion is not None
        monkeypatch.setattr(member.companion, "forget", lambda _: trio.sleep_forever())
        monkeypatch.setattr(memories, "SESSION_WITHIN", 0.05)
        report = await room.swarm.forget("alice", Wish(ids=("j1",)))
    assert (report.rows, report.session) == (1, False)
    assert report.unreached == (
        "the session of alice, which goes on for now (no new session within 0 s)",
    )
