from __future__ import annotations

import math

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from aikyo.companion.quiet import Quiet
from aikyo.wire import MAX_QUIET


async def test_it_is_normal_until_asked_otherwise() -> None:
    quiet = Quiet()
    assert (quiet.mode, quiet.until) == ("normal", None)


async def test_without_a_time_it_holds_until_it_is_changed(autojump_clock: MockClock) -> None:
    quiet = Quiet()
    quiet.set("mention-only")
    await trio.sleep(10 * MAX_QUIET)
    assert (quiet.mode, quiet.until) == ("mention-only", None)
    quiet.set("normal")
    assert quiet.mode == "normal"


async def test_it_is_over_when_its_time_is(autojump_clock: MockClock) -> None:
    quiet = Quiet()
    started = trio.current_time()
    quiet.set("quiet", 600)
    assert quiet.until == started + 600
    await trio.sleep(599)
    assert quiet.mode == "quiet"
    await trio.sleep(1)
    assert (quiet.mode, quiet.until) == ("normal", None)


async def test_the_latest_wish_holds(autojump_clock: MockClock) -> None:
    quiet = Quiet()
    quiet.set("quiet", 600)
    quiet.set("mention-only", 60)
    await trio.sleep(61)
    assert quiet.mode == "normal"
    quiet.set("quiet", 60)
    quiet.set("quiet")
    await trio.sleep(61)
    assert quiet.mode == "quiet"


async def test_normal_has_no_end(autojump_clock: MockClock) -> None:
    quiet = Quiet()
    quiet.set("normal", 60)
    assert quiet.until is None


@pytest.mark.parametrize("seconds", [0, -1, math.nan, math.inf, MAX_QUIET + 1])
async def test_a_time_out_of_bounds_is_refused_and_changes_nothing(seconds: float) -> None:
    quiet = Quiet()
    quiet.set("mention-only")
    with pytest.raises(ValueError, match="at most 86400"):
        quiet.set("quiet", seconds)
    assert quiet.mode == "mention-only"


async def test_everybody_who_waits_hears_of_a_change_and_of_running_out(
    autojump_clock: MockClock,
) -> None:
    quiet = Quiet()
    seen: list[tuple[str, float]] = []
    started = trio.current_time()

    async def watch() -> None:
        while True:
            await quiet.changed()
            seen.append((quiet.mode, trio.current_time() - started))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        nursery.start_soon(watch)
        await wait_all_tasks_blocked()
        quiet.set("quiet", 0.1)
        await trio.sleep(50)
        quiet.set("mention-only", 100)
        await trio.sleep(50)
        quiet.set("mention-only", 100)  # longer: the first end is none
        await trio.sleep(500)
        nursery.cancel_scope.cancel()
    assert seen[::2] == seen[1::2]
    assert seen[::2] == [
        ("quiet", pytest.approx(0)),
        ("normal", pytest.approx(0.1)),
        ("mention-only", pytest.approx(50)),
        ("mention-only", pytest.approx(100)),
        ("normal", pytest.approx(200)),
    ]


async def test_what_ran_out_while_nobody_waited_is_told_once(autojump_clock: MockClock) -> None:
    quiet = Quiet()
    quiet.set("quiet", 5)
    await trio.sleep(10)
    with trio.fail_after(1):
        await quiet.changed()
    with trio.move_on_after(1000) as waiting:
        await quiet.changed()
    assert waiting.cancelled_caught


async def test_any_steady_clock_will_do(autojump_clock: MockClock) -> None:
    quiet = Quiet(lambda: trio.current_time() - 1000)
    quiet.set("quiet", 20)
    with trio.fail_after(21):
        await quiet.changed()
    assert quiet.mode == "normal"


async def test_a_clock_that_goes_on_while_it_is_looked_at_does_no_harm() -> None:
    times = iter([0.0, 9.9, 10.1])
    quiet = Quiet(lambda: next(times, 10.1))
    quiet.set("quiet", 10.0)
    with trio.fail_after(5):
        await quiet.changed()
    assert quiet.mode == "normal"
