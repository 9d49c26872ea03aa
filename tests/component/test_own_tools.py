"""Tools of one's own, called by a companion's hands."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from msgspec import Struct

from aikyo.companion.hands import Hands, Occasion
from aikyo.companion.running import MAX_RESULT
from aikyo.companion.surroundings import Surroundings
from aikyo.tools import MAX_THREADS, Here, Tool, ToolError, action, knowledge
from tests.support.own_tools import workbench


class Water(Struct):
    """Water a plant."""

    plant: str
    litres: float = 1


async def test_an_action_that_comes_back_is_published_and_remembered(tmp_path: Path) -> None:
    @action
    async def water(what: Water, here: Here) -> str:
        return f"{here.companion} has watered {what.plant} in {here.conversation}"

    async with workbench(tmp_path, water) as bench:
        done = await bench.hands.call("water", {"plant": "a fern"})
        await bench.settle()
        assert done == "companion_alice has watered a fern in talk"
        (seen,) = bench.actions()
        assert (seen.sender, seen.name) == ("companion_alice", "water")
        assert seen.params == {"plant": "a fern", "litres": 1}
        (entry,) = await bench.world.memory.recall("fern", 5)
        assert (entry.entry.uid, entry.entry.kind) == (seen.id, "did")
        assert entry.entry.to == ("companion_bob", "user_mika")


async def test_knowledge_publishes_nothing(tmp_path: Path) -> None:
    @knowledge
    def sky() -> list[str]:
        """What the sky is like."""
        return ["blue", "青い"]

    async with workbench(tmp_path, sky) as bench:
        assert await bench.hands.call("sky", {}) == '["blue","青い"]'
        await bench.settle()
        assert bench.heard == []


async def test_a_tool_is_told_who_stands_where(tmp_path: Path) -> None:
    @knowledge
    async def who_is_near(here: Here) -> list[str]:
        """Who is near."""
        return list(here.room.near(here.companion))

    async with workbench(tmp_path, who_is_near) as bench:
        await bench.hands.call("move", {"target": "Bob"})
        assert await bench.hands.call("who_is_near", {}) == '["companion_bob"]'


class _UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


@pytest.mark.parametrize("how", ["async", "thread"])
@pytest.mark.parametrize(
    "error",
    [
        ValueError("the can\nis empty"),
        SystemExit(3),
        StopIteration(),
        asyncio.CancelledError(),
        BaseExceptionGroup("both", [SystemExit(3), ValueError("the can is empty")]),
        _UnspeakableError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_tool_that_fails_is_told_in_a_line_and_found_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str, error: BaseException
) -> None:
    async with workbench(tmp_path, _failing(error, how)) as bench:
        with pytest.raises(ToolError) as told:
            await bench.hands.call("water", {"plant": "a fern"})
        await bench.settle()
        assert str(told.value).startswith("water failed: ")
        assert "\n" not in str(told.value)
        assert bench.actions() == []
    (record,) = [r for r in caplog.records if r.name.startswith("aikyo")]
    assert record.levelno == logging.WARNING
    assert record.exc_info is not None
    assert record.exc_info[2] is not None


def _failing(error: BaseException, how: str) -> Tool:
    if how == "async":

        @action(name="water")
        async def in_trio(what: Water) -> str:
            raise error

        return in_trio

    @action(name="water")
    def in_thread(what: Water) -> str:
        raise error

    return in_thread


async def test_what_a_tool_tells_the_brain_itself_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @action
    def water(what: Water) -> str:
        raise ToolError(f"there is no {what.plant}")

    async with workbench(tmp_path, water) as bench:
        with pytest.raises(ToolError, match=r"^there is no fern$"):
            await bench.hands.call("water", {"plant": "fern"})
    assert [r for r in caplog.records if r.name.startswith("aikyo")] == []


async def test_a_result_of_another_type_than_promised_is_a_failure(tmp_path: Path) -> None:
    @knowledge
    def count() -> int:
        """How many plants there are."""
        return "many"  # type: ignore[return-value]  # the mistake that is found

    async with workbench(tmp_path, count) as bench:
        with pytest.raises(ToolError, match=r"count failed: .*Expected `int`, got `str`"):
            await bench.hands.call("count", {})


async def test_what_has_no_json_is_a_failure_whoever_says_it(tmp_path: Path) -> None:
    @knowledge
    def half() -> str:
        """Half a character."""
        return "\ud800"

    @knowledge
    def complaint() -> str:
        """Half a character of an error."""
        raise ToolError("\ud800")

    async with workbench(tmp_path, half, complaint) as bench:
        for name in ("half", "complaint"):
            with pytest.raises(ToolError) as told:
                await bench.hands.call(name, {})
            str(told.value).encode()


async def test_a_long_result_is_cut(tmp_path: Path) -> None:
    @knowledge
    def book() -> str:
        """A book."""
        return "a" * 10_000_000

    async with workbench(tmp_path, book) as bench:
        told = await bench.hands.call("book", {})
        assert (len(told), told[-1]) == (MAX_RESULT, "…")


async def test_an_action_whose_input_cannot_travel_is_not_done(tmp_path: Path) -> None:
    done: list[str] = []

    @action
    def water(what: Water) -> None:
        done.append(what.plant)

    async with workbench(tmp_path, water) as bench:
        with pytest.raises(ToolError, match=r"^water: .*over the limit"):
            await bench.hands.call("water", {"plant": "a" * 20_000})
    assert done == []


async def test_an_async_tool_ends_when_its_time_is_up(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    ended: list[str] = []

    @knowledge(timeout=5)
    async def sky() -> str:
        """What the sky is like."""
        try:
            return await trio.sleep_forever()
        finally:
            ended.append("sky")

    async with workbench(tmp_path, sky) as bench:
        began = trio.current_time()
        with pytest.raises(ToolError, match="sky has not come back within 5 s"):
            await bench.hands.call("sky", {})
        assert trio.current_time() - began == pytest.approx(5)
        assert ended == ["sky"]


async def test_a_plain_tool_that_never_returns_holds_nobody_and_takes_so_many_threads(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    let_go = threading.Event()
    entered: list[int] = []

    @knowledge(timeout=5)
    def sky() -> str:
        """What the sky is like."""
        entered.append(1)
        let_go.wait(60)
        return "blue"

    async with workbench(tmp_path, sky) as bench:
        try:
            for _ in range(MAX_THREADS + 2):
                with pytest.raises(ToolError, match="sky has not come back"):
                    await bench.hands.call("sky", {})
            assert len(entered) == MAX_THREADS
        finally:
            let_go.set()
        while sky.threads.borrowed_tokens:
            await trio.sleep(0.1)
        assert await bench.hands.call("sky", {}) == "blue"


async def test_an_interrupted_tool_ends_at_once_and_nothing_of_it_is_published(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    ended: list[str] = []

    @action(timeout=100)
    async def water(what: Water) -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(what.plant)

    async with workbench(tmp_path, water) as bench:
        with trio.move_on_after(1) as turn:
            await bench.hands.call("water", {"plant": "a fern"})
        assert turn.cancelled_caught
        assert ended == ["a fern"]
        assert bench.actions() == []


@pytest.mark.parametrize("nested", [False, True])
async def test_an_interrupted_tool_that_fails_in_the_end_changes_nothing(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, nested: bool
) -> None:
    async def clean_up_badly() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("the can is stuck")

    @action(timeout=100)
    async def water(what: Water) -> None:
        if not nested:
            await clean_up_badly()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clean_up_badly)
            await trio.sleep_forever()

    async with workbench(tmp_path, water) as bench:
        with trio.move_on_after(1) as turn:
            try:
                await bench.hands.call("water", {"plant": "a fern"})
            finally:
                assert turn.cancel_called
        assert turn.cancelled_caught


async def test_what_is_about_to_be_said_when_a_person_interrupts_is_not(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        with trio.CancelScope() as turn:
            turn.cancel()
            await bench.hands.call("speak", {"message": "And another thing."})
        await bench.settle()
        assert (bench.hands.message, bench.heard) == (None, [])


async def test_what_a_tool_tells_the_brain_from_its_own_nursery_is_no_failure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def look() -> None:
        raise ToolError("the curtain is drawn")

    @knowledge
    async def sky() -> str:
        """What the sky is like."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(look)
        return "blue"

    async with workbench(tmp_path, sky) as bench:
        with pytest.raises(ToolError, match=r"^the curtain is drawn$"):
            await bench.hands.call("sky", {})
    assert [r for r in caplog.records if r.name.startswith("aikyo")] == []


async def test_no_tool_ends_the_mesh_with_its_own_nursery(tmp_path: Path) -> None:
    @knowledge
    async def sky() -> str:
        """What the sky is like."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_burst)
        return "blue"

    async def _burst() -> Any:
        raise OSError("no window")

    async with workbench(tmp_path, sky) as bench:
        with pytest.raises(ToolError, match="sky failed: OSError: no window"):
            await bench.hands.call("sky", {})
        await bench.hands.call("gesture", {"kind": "wave"})
    assert sys.exc_info() == (None, None, None)


async def test_the_room_is_told_as_it_is(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        await bench.hands.call("move", {"x": 10, "y": 10})
        await bench.hands.call("look", {"target": "Bob"})
        first, *others = (await bench.hands.call("room", {})).split("\n")
        assert first == "you are at (10, 10), looks at companion_bob"
        assert sorted(line.split(":")[0] for line in others) == ["companion_bob", "user_mika"]


async def test_who_has_moved_knows_it_before_the_mesh_has_told(tmp_path: Path) -> None:
    async with workbench(tmp_path) as bench:
        deaf = Surroundings(bench.world, lambda: bench.toolset)
        hands = Hands(bench.world, Occasion("talk", ()), bench.toolset, deaf)
        await hands.call("move", {"x": 10, "y": 10})
        assert "you are at (10, 10)" in await hands.call("room", {})
