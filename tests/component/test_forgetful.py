"""A companion whose memory takes nothing (a full disk, a file that is held) talks on, and tells."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest
import trio

from aikyo.brain import Assessment, Moment, Toolbox, ToolError
from aikyo.companion import forgetful
from aikyo.companion.journal import journal
from aikyo.memory import Memory, MemoryFile, MemoryFileError
from aikyo.memory.storage import opening
from aikyo.memory.storage.forgotten import keep_forgotten
from aikyo.wire import Message
from tests.support.gathering import Gathering, ScriptedBrain, gathering
from tests.support.memories import assert_index_agrees, entry

ALICE = "companion_alice"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetful, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(opening, "_BUSY_SECONDS", 0.01)


async def set_room(memory: Memory, pages: int) -> None:
    """Leave the file no more room than these pages beyond what it has."""

    def bound(file: MemoryFile) -> None:
        used = file.store.rows("PRAGMA page_count")[0][0]
        file.store.rows(f"PRAGMA max_page_count = {used + pages}")

    await memory.write(bound)


@asynccontextmanager
async def full_disk(room: Gathering) -> AsyncIterator[None]:
    memory = room.memories["alice"]
    await set_room(memory, 0)
    for length in (2000, 1):  # the last bytes too
        with pytest.raises(MemoryFileError, match="the disk is full"):
            for number in range(2000):
                uid = f"filler-{length}-{number}"
                await memory.append(entry("x" * length, uid=uid, kind="did"))
    yield
    await set_room(memory, 100_000)


@contextmanager
def held(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def told(room: Gathering) -> list[str]:
    return [str(event.reason) for event in room.events if event.type == "memory" and not event.routine]


async def talk(room: Gathering, text: str) -> str:
    """Say something, and wait for the answer."""
    said = await room.say(text, ALICE)
    await room.until(lambda: [m for m in room.messages(said.conversation) if m.sender == ALICE])
    (answer,) = [m for m in room.messages(said.conversation) if m.sender == ALICE]
    return answer.message


async def journaled(room: Gathering) -> list[str]:
    entries = await room.memories["alice"].recent(None, 100)
    return [entry.text for entry in entries if not entry.uid.startswith("filler")]


async def until_told(room: Gathering, n: int) -> None:
    with trio.fail_after(20):
        while len(told(room)) < n:
            await trio.sleep(0.01)


async def test_on_a_full_disk_it_goes_on_talking_and_remembers_when_there_is_room(
    tmp_path: Path,
) -> None:
    brain = ScriptedBrain()
    async with gathering(tmp_path, {"alice": brain}) as room:
        before = await talk(room, "one")
        async with full_disk(room):
            during = [await talk(room, "two"), await talk(room, "three")]
            assert len(told(room)) == 1
            assert told(room)[0].startswith("cannot remember now: the disk is full")
            assert "the disk is full" in room.companions["alice"].forgetful
            assert await journaled(room) == ["one", before]  # and nothing of that was harmed
        full = "the disk is full"
        assert [moment.forgetful for moment in brain.composed] == ["", full, full]
        await until_told(room, 2)
        assert told(room)[1] == "remembers again"
        assert room.companions["alice"].forgetful == ""
        after = await talk(room, "four")
        assert brain.composed[-1].forgetful == ""
        texts = ["one", before, "two", during[0], "three", during[1], "four", after]
        assert await journaled(room) == texts
    assert_index_agrees(tmp_path / "alice.db")


async def test_what_comes_twice_is_new_but_once_also_while_nothing_can_be_written(
    tmp_path: Path,
) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        await talk(room, "one")
        world = room.worlds["alice"]
        (one, _) = await room.memories["alice"].recent(None, 2)
        old = Message(id=one.uid, sender="user_mika", message="one")
        new = Message(id="new", sender="user_mika", message="two")
        async with full_disk(room):
            for expected in (True, False):
                assert await journal(world, new, "heard", "two", peer=one.peer) is expected
            assert not await journal(world, old, "heard", "one", peer=one.peer)
        await until_told(room, 2)
        assert (await journaled(room)).count("two") == 1
        assert not await journal(world, new, "heard", "two", peer=one.peer)


async def test_what_was_forgotten_is_not_heard_again(tmp_path: Path) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        world = room.worlds["alice"]
        secret = Message(id="secret", sender="user_mika", message="my secret")
        await world.memory.write(lambda file: keep_forgotten(file.store, ["secret"], 1.0))
        assert not await journal(world, secret, "heard", "my secret", peer="mika's peer")
        assert await journaled(room) == []


async def test_more_than_can_wait_is_counted_as_lost_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetful, "MAX_WAITING", 3)
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        async with full_disk(room):
            for text in ("one", "two", "three"):
                await talk(room, text)
        await until_told(room, 2)
        assert told(room)[1] == "remembers again; of what happened meanwhile, 3 could not be kept"
        assert room.worlds["alice"].forgetful.lost == 3
        assert len(await journaled(room)) == 3


async def test_a_file_that_is_held_for_a_while_costs_nothing(tmp_path: Path) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        with held(tmp_path / "alice.db"):
            answer = await talk(room, "one")
            assert "held by another program" in told(room)[0]
        await until_told(room, 2)
        assert await journaled(room) == ["one", answer]


async def test_one_whose_memory_cannot_be_read_talks_on_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    async def look_up(moment: Moment, toolbox: Toolbox) -> None:
        try:
            await toolbox.call("recall", {"query": "one"})
        except ToolError as error:
            refused.append(str(error))
        await toolbox.call("speak", {"message": "Hm."})

    async def fails(*args: object, **fields: object) -> None:
        raise MemoryFileError("the memory is held by another program", "it is held")

    brain = ScriptedBrain(on_compose=look_up)
    async with gathering(tmp_path, {"alice": brain}) as room:
        await talk(room, "one")
        with monkeypatch.context() as patch:
            for name in ("read", "recall", "recent", "after", "heard_from", "met", "author"):
                patch.setattr(room.memories["alice"], name, fails)
            said = await room.say("two", ALICE, sender="user_ken")
            await room.until(lambda: [m for m in room.messages(said.conversation) if m.sender == ALICE])
        assert refused == ["recall: you cannot remember now (it is held)"]
        await talk(room, "three")
        assert [moment.forgetful for moment in brain.composed] == ["", "it is held", ""]
        assert [line.text for line in brain.composed[1].recent] == ["two"]
        assert [line.text for line in brain.composed[2].earlier] == ["one", "Hm.", "two", "Hm."]
        assert told(room) == []


async def test_what_waits_is_written_when_the_companion_ends(tmp_path: Path) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(forgetful, "FIRST_PAUSE", 3600.0)
            with held(tmp_path / "alice.db"):
                answer = await talk(room, "one")
        room.scopes["alice"].cancel()
        await until_told(room, 2)
    with MemoryFile.read(tmp_path / "alice.db") as memory:
        assert [row.entry.text for row in memory.rows()] == ["one", answer]


async def test_what_could_not_be_written_until_the_end_is_told(tmp_path: Path) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        with held(tmp_path / "alice.db"):
            await talk(room, "one")
            room.scopes["alice"].cancel()
            await until_told(room, 2)
        assert told(room)[1] == "ends, and could not keep 2 of what happened"


async def test_the_journal_tells_who_was_there_and_what_they_were_called(tmp_path: Path) -> None:
    brains = {"alice": ScriptedBrain(), "bob": ScriptedBrain(on_assess=_unwilling)}
    async with gathering(tmp_path, brains) as room:
        said = await room.say("hello", ALICE, "companion_bob", "user_aya")
        await room.until(lambda: [m for m in room.messages(said.conversation) if m.sender == ALICE])
        with trio.fail_after(10):
            while len(kept := await room.memories["bob"].recent(None, 5)) < 2:
                await trio.sleep(0.01)
        heard, answer = kept
        assert (heard.name, heard.present) == ("mika", ("user_mika", ALICE, "user_aya"))
        assert answer.name == "Alice"
        assert set(answer.present) == {ALICE, "user_mika", "user_aya"}
        own = (await room.memories["alice"].recent(None, 5))[-1]
        assert (own.kind, own.name) == ("said", "Alice")
        assert set(own.present) == {"user_mika", "companion_bob", "user_aya"}


async def test_who_was_heard_in_a_talk_before_is_there(tmp_path: Path) -> None:
    brains = {"alice": ScriptedBrain(), "bob": ScriptedBrain(on_assess=_unwilling)}
    async with gathering(tmp_path, brains) as room:
        said = await room.say("hello, all of you")
        await room.until(lambda: [m for m in room.messages(said.conversation) if m.sender == ALICE])
        with trio.fail_after(10):
            while len(kept := await room.memories["bob"].recent(said.conversation, 5)) < 2:
                await trio.sleep(0.01)
        own = (await room.memories["alice"].recent(said.conversation, 5))[-1]
        for answer, others in ((kept[-1], {ALICE, "user_mika"}), (own, {"companion_bob", "user_mika"})):
            assert answer.to == ()
            assert set(answer.present) == others


def _unwilling(moment: Moment) -> Assessment:
    return Assessment(speak=False)
