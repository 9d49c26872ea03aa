"""A crash stays with its child, which comes back with back-off, or is given up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from aikyo.errors import UsageError
from aikyo.mesh import IdTakenError, MeshError
from aikyo.swarm import Child
from aikyo.swarm.supervisor import Backoff
from aikyo.wire import Event


def child_of(run: Callable[[Child], Awaitable[None]]) -> tuple[Child, list[Event]]:
    events: list[Event] = []
    return Child("alice", run, emit=events.append, clock=trio.current_time), events


def test_waits_double_from_one_second_to_thirty() -> None:
    backoff = Backoff()
    waits, now = [], 0.0
    for _ in range(7):
        wait = backoff.after_crash(now, ran_for=20.0)
        assert wait is not None
        waits.append(wait)
        now += wait + 20.0
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_a_minute_of_health_forgives() -> None:
    backoff = Backoff()
    assert [backoff.after_crash(t, ran_for=0.0) for t in (0, 1, 3)] == [1, 2, 4]
    assert backoff.after_crash(100, ran_for=60.0) == 1


@given(st.lists(st.floats(0, 59), min_size=5, max_size=5).map(sorted))
def test_the_fifth_crash_in_a_minute_is_the_last(times: list[float]) -> None:
    backoff = Backoff()
    assert all(backoff.after_crash(t, ran_for=0.0) is not None for t in times[:4])
    assert backoff.after_crash(times[4], ran_for=0.0) is None


async def test_a_crash_stays_with_its_child(autojump_clock: trio.testing.MockClock) -> None:
    starts: list[float] = []

    async def crash(child: Child) -> None:
        starts.append(trio.current_time())
        child.started()
        raise ZeroDivisionError

    async def live(child: Child) -> None:
        child.started()
        await trio.sleep_forever()

    broken, events = child_of(crash)
    sound, _ = child_of(live)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(broken.keep)
        nursery.start_soon(sound.keep)
        await broken.settled.wait()
        assert trio.current_time() == starts[0]  # nobody waits for its next start
        await trio.sleep(3600)
        assert [round(b - a) for a, b in pairwise(starts)] == [1, 2, 4, 8]
        assert broken.condition == "failed"
        assert "ZeroDivisionError" in broken.reason
        assert [e.type for e in events] == ["restart"] * 4 + ["failed"]
        assert (sound.condition, sound.restarts) == ("running", 0)
        nursery.cancel_scope.cancel()


async def test_what_only_the_user_can_mend_is_not_tried_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    starts = 0

    async def run(child: Child) -> None:
        nonlocal starts
        starts += 1
        raise UsageError("the key is corrupt; delete it")

    child, events = child_of(run)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(child.keep)
        await child.settled.wait()
        await trio.sleep(100)
        assert (starts, child.condition, child.reason) == (1, "failed", "the key is corrupt; delete it")
        assert [(e.type, e.reason) for e in events] == [("failed", child.reason)]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("error", "wait"), [(IdTakenError("alice is taken"), 0.0), (MeshError("closed"), 1.0)]
)
async def test_what_passes_is_tried_again(
    error: Exception, wait: float, autojump_clock: trio.testing.MockClock
) -> None:
    starts: list[float] = []

    async def run(child: Child) -> None:
        starts.append(trio.current_time())
        if len(starts) == 1:
            raise ExceptionGroup("nested", [ExceptionGroup("deeper", [error])])
        child.started()
        await trio.sleep_forever()

    child, _ = child_of(run)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(child.keep)
        await trio.sleep(5)
        assert starts[1] - starts[0] == pytest.approx(wait)
        assert child.condition == "running"
        nursery.cancel_scope.cancel()


async def test_stop_and_restart_are_obeyed_in_every_condition(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ended = 0

    async def run(child: Child) -> None:
        nonlocal ended
        child.started()
        try:
            await trio.sleep_forever()
        finally:
            ended += 1

    child, events = child_of(run)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(child.keep)
        await child.settled.wait()
        child.stop()
        await trio.testing.wait_all_tasks_blocked()
        assert (child.condition, ended) == ("stopped", 1)
        child.stop()
        await trio.sleep(100)
        assert (child.condition, ended) == ("stopped", 1)
        child.restart()
        await trio.testing.wait_all_tasks_blocked()
        assert (child.condition, ended) == ("running", 1)
        child.restart()
        await trio.testing.wait_all_tasks_blocked()
        assert (child.condition, ended, child.restarts) == ("running", 2, 2)
        nursery.cancel_scope.cancel()
    assert ended == 3
    assert [e.type for e in events] == ["stopped"] * len(events)


async def test_a_child_that_was_given_up_can_be_started_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    mended = False

    async def run(child: Child) -> None:
        if not mended:
            raise UsageError("broken")
        child.started()
        await trio.sleep_forever()

    child, _ = child_of(run)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(child.keep)
        await child.settled.wait()
        mended = True
        child.restart()
        await trio.testing.wait_all_tasks_blocked()
        assert child.condition == "running"
        nursery.cancel_scope.cancel()


def test_a_loss_is_no_crash_but_waits_grow_all_the_same() -> None:
    backoff = Backoff()
    assert [backoff.after_crash(t, ran_for=0.0) for t in (0, 1, 2, 3)] == [1, 2, 4, 8]
    assert [backoff.after_loss(ran_for=0.0) for _ in range(3)] == [16, 30, 30]
    assert backoff.after_loss(ran_for=60.0) == 0


async def test_who_loses_its_id_again_and_again_is_never_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    starts: list[float] = []

    async def run(child: Child) -> None:
        starts.append(trio.current_time())
        child.started()
        await trio.sleep(0.5)
        raise IdTakenError("alice is taken")

    child, events = child_of(run)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(child.keep)
        await trio.sleep(300)
        waits = [round(later - earlier - 0.5) for earlier, later in pairwise(starts)]
        assert waits[:7] == [0, 2, 4, 8, 16, 30, 30]
        assert {event.type for event in events} == {"restart"}
        nursery.cancel_scope.cancel()
