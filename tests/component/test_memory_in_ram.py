"""A memory that is no file: the same as one, without threads and without a trace."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from aikyo.memory import Memory
from tests.support.memories import entry, texts

LINES = ("the lake is cold", "an old boat", "the boat on the lake", "nothing to see")


async def test_it_remembers_as_a_file_does(tmp_path: Path) -> None:
    entries = [
        entry(line, conversation="c" if number % 2 else None) for number, line in enumerate(LINES)
    ]
    async with Memory.open(tmp_path / "alice.db") as file:
        with Memory.in_ram() as ram:
            for one in entries:
                assert await file.append(one)
                assert await ram.append(one)
                assert not await ram.append(one)
            for query in ("lake", "boat", "the lake and the boat", "mountain"):
                assert await ram.recall(query) == await file.recall(query)
            assert await ram.recent(None, 3) == await file.recent(None, 3)
            assert await ram.recent("c", 9) == await file.recent("c", 9)
            assert await ram.met("user_mika")
            assert not await ram.met("user_nobody")
            assert await ram.count() == len(LINES)


async def test_two_share_nothing() -> None:
    with Memory.in_ram() as one, Memory.in_ram() as other:
        await one.append(entry("the lake"))
        assert texts(await one.recall("lake")) == ["the lake"]
        assert await other.recall("lake") == ()


async def test_it_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Memory.in_ram() as memory:
        await memory.append(entry("the lake"))
    assert list(tmp_path.iterdir()) == []


async def test_it_uses_no_thread(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread at work looks idle to trio, and a virtual clock would jump ahead meanwhile."""

    async def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a thread was used")

    monkeypatch.setattr(trio.to_thread, "run_sync", refuse)
    with Memory.in_ram() as memory:
        assert await memory.append(entry("the lake"))
        assert texts(await memory.recall("lake")) == ["the lake"]


async def test_a_cancelled_call_does_nothing() -> None:
    with Memory.in_ram() as memory:
        with trio.CancelScope() as scope:
            scope.cancel()
            await memory.append(entry("the lake"))
        assert scope.cancelled_caught
        assert await memory.count() == 0
