import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from aikyo.memory import Memory, MemoryFile, MemoryFileError
from tests.support.memories import assert_index_agrees, entry, remember, texts


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alice.db"


@contextmanager
def nobody_can_write(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_what_was_acknowledged_is_in_the_file(path: Path) -> None:
    async with Memory.open(path) as memory:
        assert await memory.append(entry("the lake"))
        with MemoryFile.read(path) as other:
            assert [one.text for one in other.dump()] == ["the lake"]


async def test_what_was_appended_is_recalled_at_once(path: Path) -> None:
    first = entry("the lake", conversation="c")
    async with Memory.open(path) as memory:
        assert await memory.append(first)
        assert not await memory.append(first)
        assert texts(await memory.recall("lake")) == ["the lake"]
        assert await memory.recall("lake", exclude={first.uid}) == ()
        assert await memory.recent("c", 5) == (first,)
        assert await memory.met("user_mika")
        assert not await memory.met("user_mika", before=first.time)
        assert await memory.count() == 1


async def test_many_tasks_append_at_once(path: Path) -> None:
    async def talk(memory: Memory) -> None:
        for _ in range(40):
            await memory.append(entry("the lake"))

    async with Memory.open(path) as memory:
        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(talk, memory)
        assert await memory.count() == 200
    assert_index_agrees(path)


async def test_reading_goes_on_while_writing_has_to_wait(path: Path) -> None:
    remember(path, "the lake")
    async with Memory.open(path) as memory, trio.open_nursery() as nursery:
        with nobody_can_write(path), trio.fail_after(4):
            nursery.start_soon(memory.append, entry("later"))
            await wait_all_tasks_blocked()
            assert texts(await memory.recall("lake")) == ["the lake"]
            assert await memory.count() == 1
    with MemoryFile.read(path) as other:
        assert other.count() == 2


async def test_a_cancelled_append_is_completed_if_begun_and_left_if_not(path: Path) -> None:
    async with Memory.open(path) as memory, trio.open_nursery() as nursery:
        with nobody_can_write(path):
            nursery.start_soon(memory.append, entry("begun"))
            await wait_all_tasks_blocked()
            nursery.start_soon(memory.append, entry("waiting"))
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    with MemoryFile.read(path) as other:
        assert [one.text for one in other.dump()] == ["begun"]


async def test_leaving_closes_the_file_even_when_cancelled(path: Path) -> None:
    with trio.CancelScope() as scope:
        async with Memory.open(path) as memory:
            await memory.append(entry())
            scope.cancel()
            await trio.sleep_forever()
    assert [file.name for file in path.parent.iterdir()] == ["alice.db"]


async def test_a_damaged_file_is_told_on_opening(path: Path) -> None:
    path.write_bytes(b"not a memory" * 1000)
    with pytest.raises(MemoryFileError, match="is damaged"):
        async with Memory.open(path):
            pytest.fail("it was opened")


async def test_damage_to_one_memory_is_nothing_to_another(path: Path) -> None:
    path.write_bytes(b"not a memory" * 1000)
    async with Memory.open(path.with_name("bob.db")) as bob:
        with pytest.raises(MemoryFileError):
            async with Memory.open(path):
                pytest.fail("it was opened")
        assert await bob.append(entry())
