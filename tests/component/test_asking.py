"""Questions of tools to others, and others' questions to tools.

All tools are async: a virtual clock does not wait for threads.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec import Struct
from trio.testing import MockClock, wait_all_tasks_blocked

from aikyo.companion.asking import MAX_OPEN
from aikyo.companion.surroundings import MAX_ANSWERS_FOR_ONE
from aikyo.tools import Here, Tool, ToolError, action, knowledge
from aikyo.wire import Dialect, Query, QueryResult
from tests.support.own_tools import Workbench, workbench


class Desk(Struct):
    """What is on a desk."""

    whose: str = ""


def here(bench: Workbench) -> Here:
    return bench.surroundings.here(caller="companion_alice", audience=("user_mika",))


async def asked(bench: Workbench) -> Query:
    """The latest question that the person's client has heard, once there is one."""
    with trio.fail_after(10):
        while True:
            if found := [payload for payload in bench.heard if isinstance(payload, Query)]:
                return found[-1]
            await trio.sleep(0.01)


async def reply(bench: Workbench, by: str, **fields: object) -> None:
    result = QueryResult(id=(await asked(bench)).id, **{"success": True} | fields)  # type: ignore[arg-type]
    await (bench.bob if by == "bob" else bench.person).publish(result)


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_the_first_answer_comes_back(
    tmp_path: Path, autojump_clock: MockClock, dialect: Dialect
) -> None:
    async with workbench(tmp_path, dialect=dialect) as bench, trio.open_nursery() as nursery:

        async def answer_twice() -> None:
            await reply(bench, "person", body={"text": "a cup"})
            await reply(bench, "person", body={"text": "a spoon"})

        nursery.start_soon(answer_twice)
        assert await here(bench).ask("vision", {"prompt": "what is there?"}) == {"text": "a cup"}
        question = await asked(bench)
        assert question.id.startswith("q-")
        assert (question.sender, question.to, question.type) == ("companion_alice", (), "vision")
        assert question.body == {"prompt": "what is there?"}


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_a_failure_is_told_with_its_reason(
    tmp_path: Path, autojump_clock: MockClock, dialect: Dialect
) -> None:
    async with workbench(tmp_path, dialect=dialect) as bench, trio.open_nursery() as nursery:

        async def fail() -> None:
            await reply(bench, "person", success=False, error="no camera")

        nursery.start_soon(fail)
        with pytest.raises(ToolError, match="'vision' failed: no camera"):
            await here(bench).ask("vision")


async def test_nobody_has_to_answer(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with workbench(tmp_path) as bench:
        began = trio.current_time()
        with pytest.raises(ToolError, match="nobody has answered 'vision' within 30 s"):
            await here(bench).ask("vision")
        assert trio.current_time() - began == pytest.approx(30)


@pytest.mark.parametrize(
    ("to", "by", "counts"),
    [
        ("Bob", "bob", True),
        ("companion_bob", "person", False),
        ("user_mika", "person", True),
        ("Mika", "person", True),
        ("user_mika", "bob", False),
        (("bob", "user_mika"), "bob", True),
        (("companion_carol", "user_mika"), "bob", False),
        ((), "bob", True),
    ],
)
async def test_only_who_was_asked_answers(
    tmp_path: Path, autojump_clock: MockClock, to: str | tuple[str, ...], by: str, *, counts: bool
) -> None:
    async with workbench(tmp_path) as bench, trio.open_nursery() as nursery:
        nursery.start_soon(reply, bench, by)
        try:
            await here(bench).ask("vision", to=to, timeout=5)
        except ToolError:
            assert not counts
        else:
            assert counts


async def test_a_question_that_is_given_up_leaves_nothing(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with workbench(tmp_path) as bench:
        with trio.move_on_after(1):
            await here(bench).ask("vision")
        question = await asked(bench)
        await bench.person.publish(QueryResult(id=question.id, success=True))
        await bench.settle()
        for _ in range(MAX_OPEN):  # there is room for as many as ever
            with trio.move_on_after(1) as given_up:
                await here(bench).ask("vision")
            assert given_up.cancelled_caught


async def test_so_many_questions_wait_at_once_and_no_more(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with workbench(tmp_path) as bench, trio.open_nursery() as nursery:
        for _ in range(MAX_OPEN):
            nursery.start_soon(here(bench).ask, "vision")
        await wait_all_tasks_blocked()
        with pytest.raises(ToolError, match="wait for an answer already"):
            await here(bench).ask("vision")
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("kind", "body", "timeout"),
    [("", {}, 1), ("x" * 65, {}, 1), ("a", {"b": object()}, 1), ("a", {}, 0), ("a", {}, float("nan"))],
)
async def test_a_question_that_is_none_is_refused(
    tmp_path: Path, autojump_clock: MockClock, kind: str, body: dict[str, object], timeout: float
) -> None:
    async with workbench(tmp_path) as bench:
        with pytest.raises(ToolError, match="ask: "):
            await here(bench).ask(kind, body, timeout=timeout)
        await bench.settle()
        assert bench.heard == []


async def test_a_tool_may_ask_and_the_brain_is_told_what_came_of_it(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    @knowledge(timeout=60)
    async def desk(what: Desk, here: Here) -> str:
        return str((await here.ask("vision", {"of": what.whose}, timeout=20))["text"])

    async with workbench(tmp_path, desk) as bench:
        async with trio.open_nursery() as nursery:

            async def answer() -> None:
                await reply(bench, "person", body={"text": "a cup"})

            nursery.start_soon(answer)
            assert await bench.hands.call("desk", {"whose": "Mika"}) == "a cup"
        with pytest.raises(ToolError, match="nobody has answered 'vision' within 20 s"):
            await bench.hands.call("desk", {})


async def test_a_tool_that_asks_has_as_long_as_its_question(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    @knowledge
    async def desk(here: Here) -> str:
        """What is on the desk."""
        return str((await here.ask("vision"))["text"])

    @knowledge
    async def for_ever(here: Here) -> str:
        """Asks and asks."""
        while True:
            with suppress(ToolError):
                await here.ask("vision")

    async with workbench(tmp_path, desk, for_ever) as bench, trio.open_nursery() as nursery:

        async def answer_late() -> None:
            await trio.sleep(25)
            await reply(bench, "person", body={"text": "a cup"})

        nursery.start_soon(answer_late)
        assert await bench.hands.call("desk", {}) == "a cup"
        with pytest.raises(ToolError, match="nobody has answered 'vision' within 30 s"):
            await bench.hands.call("desk", {})
        with pytest.raises(ToolError, match="for_ever has not come back within 120 s"):
            await bench.hands.call("for_ever", {})


# Answering -----------------------------------------------------------------------------------------


@knowledge(answers=True)
async def desk(what: Desk, here: Here) -> str:
    return f"{what.whose} asked by {here.caller}"


@knowledge(name="desk")
def closed_desk(what: Desk) -> str:
    return "nobody's business"


@action(name="tidy")
def tidy(what: Desk) -> None:
    raise AssertionError


def query(sender: str = "user_mika", **fields: object) -> Query:
    usual = {"id": "q-1", "sender": sender, "type": "desk", "body": {"whose": "Alice"}}
    return Query(**usual | fields)  # type: ignore[arg-type]


async def results(bench: Workbench) -> list[QueryResult]:
    await trio.sleep(1)
    return [payload for payload in bench.heard if isinstance(payload, QueryResult)]


async def test_a_tool_that_may_answers_others(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with workbench(tmp_path, desk) as bench:
        await bench.person.publish(query(to=("companion_alice",)))
        (result,) = await results(bench)
        assert (result.id, result.success) == ("q-1", True)
        assert result.body == {"text": "Alice asked by user_mika"}


@pytest.mark.parametrize(
    "question",
    [query(to=("companion_bob",)), query(type="tidy"), query(type="vision"), query(type="clock")],
)
async def test_what_is_not_for_it_is_not_answered(
    tmp_path: Path, autojump_clock: MockClock, question: Query
) -> None:
    async with workbench(tmp_path, desk, tidy) as bench:
        await bench.person.publish(question)
        assert await results(bench) == []


async def test_tools_answer_nobody_unless_they_say_so(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with workbench(tmp_path, closed_desk) as bench:
        await bench.person.publish(query())
        assert await results(bench) == []


async def test_a_wrong_question_is_answered_by_what_is_wrong(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with workbench(tmp_path, desk) as bench:
        await bench.person.publish(query(body={"whose": 3}))
        (result,) = await results(bench)
        assert (result.success, result.error) == (
            False,
            "desk: Expected `str`, got `int` - at `$.whose`",
        )


class Picky(Struct):
    """A Struct with a bug."""

    whose: str

    def __post_init__(self) -> None:
        raise KeyError(self.whose)


@knowledge(name="desk", answers=True)
async def picky_desk(what: Picky) -> str:
    raise AssertionError


@knowledge(name="desk", answers=True)
async def large_desk(what: Desk) -> str:
    return "a" * 1_000_000


@knowledge(name="desk", answers=True)
async def deep_desk(what: Desk) -> list[Any]:
    deep: list[Any] = []
    for _ in range(100):
        deep = [deep]
    return deep


@pytest.mark.parametrize("tool", [picky_desk, large_desk])
async def test_a_tool_that_cannot_answer_says_so(
    tmp_path: Path, autojump_clock: MockClock, tool: Tool
) -> None:
    async with workbench(tmp_path, tool) as bench:
        await bench.person.publish(query())
        (result,) = await results(bench)
        assert not result.success
        assert result.error.startswith("desk")


async def test_what_the_wire_does_not_take_is_not_answered(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with workbench(tmp_path, deep_desk) as bench:
        await bench.person.publish(query())
        assert await results(bench) == []
        await bench.person.publish(query(id="q-2", type="vision"))  # and nothing has broken
        await bench.settle()


async def test_one_peer_gets_so_many_answers_at_once_and_others_theirs(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    release = trio.Event()

    @knowledge(name="desk", answers=True)
    async def slow(what: Desk) -> dict[str, int]:
        await release.wait()
        return {"cups": 1}

    async with workbench(tmp_path, slow) as bench:
        for number in range(20):
            await bench.person.publish(query(id=f"q-{number}"))
        await bench.bob.publish(query("companion_bob", id="q-bob"))
        await wait_all_tasks_blocked()
        assert bench.surroundings.dropped == 20 - MAX_ANSWERS_FOR_ONE
        release.set()
        found = await results(bench)
        assert {result.id for result in found} == {"q-0", "q-1", "q-bob"}
        assert found[0].body == {"cups": 1}
        await bench.person.publish(query(id="q-again"))
        assert "q-again" in {result.id for result in await results(bench)}
