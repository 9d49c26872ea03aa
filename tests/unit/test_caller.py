"""The one way to a model: what is tried again and when, what is told, and what is put on the account."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import BrainError, BrainFault, Usage
from aikyo.brain.calling import Answered, Breakers, Caller, CallFault, RetryBudget, seconds_to_wait
from aikyo.brain.cost import ModelCall

COST = Usage(calls=1, input=100, output=10)

Attempt = Callable[[], Awaitable[Answered[str]]]


@dataclass
class Purse:
    """Keeps what was spent; `empty` is a cap that is reached."""

    spent: list[ModelCall] = field(default_factory=list)
    empty: bool = False
    is_nearly_empty: bool = False

    def check(self) -> None:
        if self.empty:
            raise BrainError("the cap tokens_per_hour is reached", "limit", retry_in=60)

    def add(self, call: ModelCall) -> None:
        self.spent.append(call)


@dataclass
class Model:
    """Answers, or fails with what is in `faults`, one after the other."""

    faults: list[CallFault] = field(default_factory=list)
    seconds: float = 0
    asked: list[float] = field(default_factory=list)

    async def attempt(self) -> Answered[str]:
        self.asked.append(trio.current_time())
        await trio.sleep(self.seconds)
        if self.faults:
            raise self.faults.pop(0)
        return Answered("hello", COST)


def fault(kind: BrainFault, **more: Any) -> CallFault:
    return CallFault(kind, f"it is {kind}", **more)


def passing(kind: BrainFault = "cut") -> CallFault:
    return fault(kind, may_pass=True)


def caller(**more: Any) -> Caller:
    return Caller(**{"provider": "p", "server": "s", "random": Random(1)} | more)


async def call(by: Caller, model: Model, within: float = 30, name: str = "m") -> str:
    return await by.call("compose", name, model.attempt, deadline=trio.current_time() + within)


async def error_of(by: Caller, model: Model, within: float = 30) -> BrainError:
    with pytest.raises(BrainError) as caught:
        await call(by, model, within)
    assert "\n" not in str(caught.value)
    return caught.value


async def test_an_answer_is_given_and_put_on_the_account(autojump_clock: MockClock) -> None:
    purse = Purse()
    by = caller(companion="companion_alice", paid=True, purse=purse, clock=lambda: 1000.0)
    assert not by.has_called
    assert await call(by, Model(seconds=2)) == "hello"
    assert by.has_called
    (spent,) = purse.spent
    assert spent == ModelCall(
        time=1000.0,
        companion="companion_alice",
        provider="p",
        model="m",
        purpose="compose",
        usage=COST,
        seconds=spent.seconds,
        paid=True,
    )
    assert spent.seconds == pytest.approx(2)


async def test_a_caller_works_with_nothing_said(autojump_clock: MockClock) -> None:
    assert await call(Caller(), Model()) == "hello"


async def test_what_may_pass_is_tried_twice_more_with_a_pause(autojump_clock: MockClock) -> None:
    model = Model([passing(), passing("unreachable")])
    assert await call(caller(), model) == "hello"
    first, second = model.asked[1] - model.asked[0], model.asked[2] - model.asked[1]
    assert 0 < first <= 0.5
    assert 0 < second <= 1
    model = Model([passing("overload") for _ in range(9)])
    error = await error_of(caller(), model)
    assert (error.kind, len(model.asked)) == ("overload", 3)


async def test_several_companions_do_not_try_again_at_the_same_time(autojump_clock: MockClock) -> None:
    times = set()
    for seed in range(5):
        model, start = Model([passing()]), trio.current_time()
        await call(caller(random=Random(seed)), model)
        times.add(round(model.asked[1] - start, 3))
    assert len(times) == 5


@pytest.mark.parametrize(
    "kind",
    ["key", "credit", "model", "declined", "malformed", "too-long", "request", "timeout", "other"],
)
async def test_what_does_not_pass_is_not_tried_again(
    kind: BrainFault, autojump_clock: MockClock
) -> None:
    model = Model([fault(kind)])
    error = await error_of(caller(), model)
    assert (error.kind, len(model.asked)) == (kind, 1)
    assert f"it is {kind}" in str(error)


@pytest.mark.parametrize("kind", ["rate", "overload"])
@pytest.mark.parametrize(("wait", "requests"), [(3, 2), (5, 2), (5.1, 1), (3600, 1), (float("inf"), 1)])
async def test_a_short_wait_that_the_server_asks_for_is_waited_for(
    autojump_clock: MockClock, kind: BrainFault, wait: float, requests: int
) -> None:
    model = Model([fault(kind, wait=wait, may_pass=True)])
    if requests == 2:
        assert await call(caller(), model) == "hello"
        assert wait <= model.asked[1] - model.asked[0] <= wait + 0.5
    else:
        await error_of(caller(), model)
        assert len(model.asked) == 1


async def test_too_many_requests_without_a_word_on_when_are_not_made_more(
    autojump_clock: MockClock,
) -> None:
    model = Model([fault("rate", may_pass=True)])
    error = await error_of(caller(), model)
    assert (error.retry_in, len(model.asked)) == (pytest.approx(10), 1)


async def test_nothing_goes_on_past_the_deadline(autojump_clock: MockClock) -> None:
    model, start = Model([fault("rate", wait=4)]), trio.current_time()
    error = await error_of(caller(), model, within=3)
    assert (error.kind, trio.current_time()) == ("rate", start)  # it does not even wait
    model = Model([passing() for _ in range(9)], seconds=2.5)
    await error_of(caller(), model, within=6)
    assert trio.current_time() - start <= 6


async def test_a_slow_model_is_given_up_at_the_deadline(autojump_clock: MockClock) -> None:
    purse, start = Purse(), trio.current_time()
    error = await error_of(caller(purse=purse), Model(seconds=100), within=45)
    assert trio.current_time() - start == pytest.approx(45)
    assert (error.kind, str(error)) == ("timeout", "m did not answer in time")
    assert [(spent.fault, spent.usage) for spent in purse.spent] == [("timeout", Usage(calls=1))]


async def test_retries_end_with_what_the_swarm_has_of_them(autojump_clock: MockClock) -> None:
    budget = RetryBudget(3)
    asked = 0
    for _ in range(3):  # each on a server of its own, so that only the budget is shared
        model = Model([passing() for _ in range(9)])
        await error_of(caller(budget=budget), model)
        asked += len(model.asked)
    assert asked == 3 + 3


async def test_after_a_fault_that_lasts_no_request_is_made_until_it_is_time(
    autojump_clock: MockClock,
) -> None:
    evening = datetime(2026, 1, 5, 21, 4).timestamp()
    by = caller(clock=lambda: evening + trio.current_time() - start)
    model, start = Model([fault("key")]), trio.current_time()
    error = await error_of(by, model)
    assert (error.kind, error.retry_in) == ("key", pytest.approx(30))
    told = str(error)
    assert told == "it is key; it is tried again at 21:04:30"
    for _ in range(2):
        await trio.sleep(10)
        error = await error_of(by, model)
        assert (error.kind, str(error)) == ("resting", told)  # the same, so that it is told once
    assert error.retry_in == pytest.approx(10)
    assert len(model.asked) == 1
    await trio.sleep(10)
    assert await call(by, model) == "hello"
    async with trio.open_nursery() as nursery:  # from now on several at once again
        for _ in range(3):
            nursery.start_soon(call, by, Model(seconds=1))
    assert (await error_of(by, Model([fault("key")]))).retry_in == pytest.approx(30)


async def test_a_model_that_rests_is_asked_all_the_same_whether_it_is_well(
    autojump_clock: MockClock,
) -> None:
    by = caller()
    await error_of(by, Model([fault("model")]))
    assert (await error_of(by, Model())).kind == "resting"
    model = Model([fault("model")])

    async def wake() -> str:
        return await by.call("wake", "m", model.attempt, deadline=trio.current_time() + 9)

    with pytest.raises(BrainError) as caught:
        await wake()
    assert (caught.value.kind, caught.value.told) == ("model", "it is model")
    assert str(caught.value).startswith("it is model; it is tried again at ")
    assert await wake() == "hello"
    assert await call(by, Model()) == "hello"


async def test_a_breaker_is_shared_by_all_that_ask_the_same_model(autojump_clock: MockClock) -> None:
    breakers, model = Breakers(), Model([fault("model")])
    await error_of(caller(breakers=breakers), model)
    assert (await error_of(caller(breakers=breakers), model)).kind == "resting"
    assert await call(caller(breakers=breakers), model, name="another") == "hello"
    assert await call(caller(breakers=breakers, server="elsewhere"), model) == "hello"


async def test_three_faults_in_a_row_open_it_within_one_call_or_over_several(
    autojump_clock: MockClock,
) -> None:
    by = caller()
    error = await error_of(by, Model([passing() for _ in range(9)]))
    assert (error.kind, error.retry_in) == ("cut", pytest.approx(5))
    by = caller(budget=RetryBudget(0))
    model = Model([passing() for _ in range(9)])
    assert [(await error_of(by, model)).kind for _ in range(4)] == ["cut", "cut", "cut", "resting"]
    assert len(model.asked) == 3


async def test_a_probe_that_is_cancelled_lets_the_next_one_through(autojump_clock: MockClock) -> None:
    by = caller()
    await error_of(by, Model([fault("key")]))
    await trio.sleep(30)
    slow = Model(seconds=100)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(call, by, slow)
        await trio.sleep(1)
        error = await error_of(by, Model())
        assert (error.kind, str(error)) == ("resting", "it is key; it is being tried just now")
        nursery.cancel_scope.cancel()
    assert await call(by, Model()) == "hello"


async def test_a_model_with_too_little_time_is_not_blamed(autojump_clock: MockClock) -> None:
    by = caller()
    for _ in range(9):  # slow to decide, which is told within 5 seconds, it may be able to speak
        assert (await error_of(by, Model(seconds=8), within=5)).kind == "timeout"
    assert await call(by, Model(seconds=8), within=45) == "hello"
    for _ in range(3):
        assert (await error_of(by, Model(seconds=100), within=45)).kind == "timeout"
    assert (await error_of(by, Model(seconds=100), within=45)).kind == "resting"


async def test_what_only_one_companions_calls_run_into_rests_no_other(autojump_clock: MockClock) -> None:
    breakers = Breakers()
    alice, bob = (caller(breakers=breakers, companion=name) for name in ("alice", "bob"))
    fatal = Model([passing() for _ in range(99)])  # the server breaks down at Alice's prompt
    assert (await error_of(alice, fatal)).kind == "cut"
    assert (await error_of(alice, fatal)).kind == "resting"
    assert await call(bob, Model()) == "hello"
    assert (await error_of(alice, fatal)).kind == "cut"  # since it has answered somebody else
    down = Model([passing() for _ in range(99)])
    assert (await error_of(bob, down)).kind == "cut"
    for by in (alice, bob):
        assert (await error_of(by, Model())).kind == "resting"
    assert len(down.asked) == 1  # and no more, since it fails for both


@pytest.mark.parametrize("wait", [1e12, 1e300, 5000.0])
async def test_no_server_makes_a_companion_wait_for_years(
    wait: float, autojump_clock: MockClock
) -> None:
    error = await error_of(caller(), Model([fault("overload", wait=wait)]))
    assert (error.kind, error.retry_in) == ("overload", 900)


async def test_an_answer_that_nobody_has_thought_of_is_told_and_logged_once(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    purse = Purse()
    by = caller(purse=purse)

    async def stumbles() -> Answered[str]:
        raise KeyError("choices")

    for _ in range(3):
        with pytest.raises(BrainError, match=r"m failed \(KeyError: 'choices'\)") as caught:
            await by.call("compose", "m", stumbles, deadline=trio.current_time() + 9)
        assert caught.value.kind == "other"
    assert [bool(record.exc_info) for record in caplog.records if record.levelname == "ERROR"] == [True]
    assert [spent.fault for spent in purse.spent] == ["other"] * 3
    assert await call(by, Model()) == "hello"


async def test_a_call_whose_time_is_over_already_fails_at_once(autojump_clock: MockClock) -> None:
    model = Model(seconds=1)
    assert (await error_of(caller(), model, within=-1)).kind == "timeout"


async def test_every_attempt_is_on_the_account(autojump_clock: MockClock) -> None:
    purse = Purse()
    half = Usage(calls=1, input=100)
    model = Model([fault("cut", may_pass=True, usage=half)])
    await call(caller(purse=purse), model)
    assert [(spent.fault, spent.usage) for spent in purse.spent] == [("cut", half), (None, COST)]


async def test_what_was_streamed_before_a_cancellation_is_on_the_account(
    autojump_clock: MockClock,
) -> None:
    purse = Purse()
    by = caller(purse=purse)
    sent = Usage(calls=1, input=7, output=2)
    with trio.move_on_after(1):
        await by.call("compose", "m", Model(seconds=9).attempt, deadline=99, so_far=lambda: sent)
    assert [(spent.fault, spent.usage, spent.seconds) for spent in purse.spent] == [
        (None, sent, pytest.approx(1))
    ]


async def test_at_a_cap_no_request_is_made_where_it_would_cost_money(autojump_clock: MockClock) -> None:
    purse, model = Purse(empty=True), Model()
    error = await error_of(caller(purse=purse, paid=True), model)
    assert (error.kind, error.retry_in, model.asked) == ("limit", 60, [])
    assert await call(caller(purse=purse, paid=False), model) == "hello"


async def test_an_answer_of_no_use_leaves_the_breaker_alone(autojump_clock: MockClock) -> None:
    by = caller()

    async def declines() -> Answered[str]:
        raise BrainError("declined", "declined")

    for _ in range(5):
        with pytest.raises(BrainError, match="declined"):
            await by.call("compose", "m", declines, deadline=99)
    assert await call(by, Model()) == "hello"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "-7"}, 0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "nan"}, float("inf")),
        ({"retry-after": "soon"}, float("inf")),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, float("inf")),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:00 GMT",
                "date": "Wed, 21 Oct 2026 07:27:30 GMT",
            },
            30,
        ),
    ],
)
def test_what_a_server_asks_for_is_read(headers: dict[str, str], seconds: float | None) -> None:
    assert seconds_to_wait(headers) == seconds
