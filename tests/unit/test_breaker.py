"""When a model is left alone, for how long, how it is tried again, and how many retries there are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain import BrainFault
from aikyo.brain.calling.breaker import MAX_BREAKERS, Breaker, Breakers, Pass, Resting
from aikyo.brain.calling.budget import RetryBudget


def go(breaker: Breaker, now: float) -> Pass:
    leave = breaker.enter(now)
    assert isinstance(leave, Pass)
    return leave


def fail(breaker: Breaker, now: float, kind: BrainFault = "key", wait: float | None = None) -> None:
    breaker.failed(go(breaker, now), now, kind, "it is so", wait)


def rests(breaker: Breaker, now: float) -> float:
    found = breaker.enter(now)
    assert isinstance(found, Resting)
    assert found.why == "it is so"
    return found.seconds


@pytest.mark.parametrize("kind", ["key", "credit", "model"])
def test_a_fault_that_lasts_opens_it_at_once_and_for_twice_as_long_each_time(kind: BrainFault) -> None:
    breaker, now = Breaker(), 100.0
    for seconds in (30, 60, 120, 240, 480, 600, 600):
        fail(breaker, now, kind)
        assert rests(breaker, now) == seconds
        assert rests(breaker, now + seconds - 1) == 1
        now += seconds


@pytest.mark.parametrize("kind", ["overload", "unreachable", "timeout", "cut"])
def test_a_fault_that_may_pass_opens_it_the_third_time_in_a_row(kind: BrainFault) -> None:
    breaker, now = Breaker(), 0.0
    fail(breaker, now, kind)
    fail(breaker, now, kind)
    breaker.succeeded(go(breaker, now))
    fail(breaker, now, kind)
    fail(breaker, now, kind)
    fail(breaker, now, kind)
    for seconds in (5, 10, 20, 40, 80, 120, 120):
        assert rests(breaker, now) == seconds
        now += seconds
        fail(breaker, now, kind)  # the probe: one is enough


def test_faults_of_calls_at_the_same_time_are_one() -> None:
    breaker = Breaker()
    for _ in range(2):
        for leave in [go(breaker, 0) for _ in range(9)]:
            breaker.failed(leave, 0, "overload", "it is so")
    assert breaker.seconds_left(0) is None
    fail(breaker, 0, "overload")
    assert rests(breaker, 0) == 5


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, 10), (7, 7), (0, 0), (86_400, 900), (float("inf"), 900)]
)
def test_too_many_requests_open_it_for_as_long_as_the_server_asks(
    asked: float | None, seconds: float
) -> None:
    breaker = Breaker()
    fail(breaker, 0, "rate", asked)
    assert breaker.seconds_left(0) == seconds
    assert isinstance(breaker.enter(seconds), Pass)


@pytest.mark.parametrize("kind", ["declined", "malformed", "too-long", "request", "limit", "other"])
def test_what_a_model_that_is_well_gives_never_opens_it(kind: BrainFault) -> None:
    breaker = Breaker()
    for _ in range(10):
        fail(breaker, 0, kind)
    assert breaker.seconds_left(0) is None
    fail(breaker, 0, "cut")
    fail(breaker, 0, "cut")
    fail(breaker, 0, kind)  # it has answered: they are no longer in a row
    fail(breaker, 0, "cut")
    assert breaker.seconds_left(0) is None


def test_when_the_time_is_over_exactly_one_call_is_let_through() -> None:
    breaker = Breaker()
    fail(breaker, 0)
    probe = go(breaker, 30)
    assert probe.probe
    assert rests(breaker, 30) > 0
    assert rests(breaker, 1000) > 0
    breaker.succeeded(probe)
    assert not go(breaker, 1000).probe
    assert not go(breaker, 1000).probe


def test_who_insists_is_let_through_and_finds_out_for_all() -> None:
    breaker = Breaker()
    fail(breaker, 0)
    leave = breaker.enter(10, insist=True)
    assert isinstance(leave, Pass)
    breaker.succeeded(leave)
    assert not go(breaker, 10).probe


def test_who_insists_in_vain_makes_nobody_wait_for_longer() -> None:
    breaker = Breaker()
    fail(breaker, 0)
    for now in (1, 2, 3):
        leave = breaker.enter(now, insist=True)
        assert isinstance(leave, Pass)
        breaker.failed(leave, now, "model", "it is so")
    assert rests(breaker, 3) == 27
    fail(breaker, 30)
    assert rests(breaker, 30) == 60


def test_who_insists_does_not_wait_for_another_probe() -> None:
    breaker = Breaker()
    fail(breaker, 0)
    probe, other = go(breaker, 30), breaker.enter(30, insist=True)
    assert isinstance(other, Pass)
    breaker.failed(probe, 30, "key", "it is so")
    breaker.failed(other, 30, "key", "it is so")
    assert rests(breaker, 30) == 60


def test_a_probe_that_was_cancelled_leaves_its_place_to_another() -> None:
    breaker = Breaker()
    fail(breaker, 0)
    breaker.freed(go(breaker, 30))
    assert go(breaker, 30).probe


def test_a_probe_that_fails_in_another_way_opens_it_as_well() -> None:
    breaker = Breaker()
    fail(breaker, 0, "key")
    fail(breaker, 30, "cut")
    assert rests(breaker, 30) == 10


def test_faults_that_one_companion_alone_runs_into_rest_no_other() -> None:
    breaker = Breaker()

    def fails(who: str, now: float = 0) -> None:
        leave = breaker.enter(now, who)
        assert isinstance(leave, Pass)
        breaker.failed(leave, now, "cut", "it is so")

    for _ in range(3):
        fails("alice")
    assert (breaker.seconds_left(0, "alice"), breaker.seconds_left(0, "bob")) == (5, None)
    probe, leave = breaker.enter(5, "alice"), breaker.enter(5, "bob")
    assert isinstance(probe, Pass)
    assert isinstance(leave, Pass)
    assert (probe.probe, leave.probe) == (True, False)
    breaker.freed(leave)
    assert isinstance(breaker.enter(5, "alice"), Resting)  # the probe is still out
    breaker.failed(probe, 5, "cut", "it is so")
    assert (breaker.seconds_left(5, "alice"), breaker.seconds_left(5, "bob")) == (10, None)
    fails("bob", 5)
    assert (breaker.seconds_left(5, "alice"), breaker.seconds_left(5, "bob")) == (20, 20)


def test_of_faults_of_several_companions_it_is_open_for_all() -> None:
    breaker = Breaker()
    for who in ("alice", "bob", "alice"):
        leave = breaker.enter(0, who)
        assert isinstance(leave, Pass)
        breaker.failed(leave, 0, "cut", "it is so")
    assert breaker.seconds_left(0, "carol") == 5
    breaker = Breaker()
    leave = breaker.enter(0, "alice")
    assert isinstance(leave, Pass)
    breaker.failed(leave, 0, "key", "it is so")
    assert breaker.seconds_left(0, "carol") == 30


def test_after_it_went_well_the_next_pause_is_short_again() -> None:
    breaker = Breaker()
    fail(breaker, 0)
    fail(breaker, 30)
    assert rests(breaker, 30) == 60
    breaker.succeeded(go(breaker, 90))
    fail(breaker, 90)
    assert rests(breaker, 90) == 30


def test_what_calls_of_before_tell_is_no_news() -> None:
    breaker = Breaker()
    early = [go(breaker, 0) for _ in range(4)]
    breaker.failed(early[0], 0, "key", "it is so")
    breaker.failed(early[1], 0, "key", "it is so")
    assert rests(breaker, 0) == 30
    breaker.succeeded(early[2])
    assert rests(breaker, 0) == 30
    probe = go(breaker, 30)
    breaker.freed(early[3])
    assert rests(breaker, 30) > 0  # the probe is still out
    breaker.failed(probe, 30, "key", "it is so")
    assert rests(breaker, 30) == 60


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["key", "rate", "cut", "declined", "well", "freed", "never"]),
            st.floats(0, 700),
        ),
        max_size=60,
    )
)
def test_there_is_never_more_than_one_probe_and_no_pause_without_an_end(
    steps: list[tuple[str, float]],
) -> None:
    breaker, now = Breaker(), 0.0
    out: list[Pass] = []
    for what, seconds in steps:
        now += seconds
        leave = breaker.enter(now)
        if isinstance(leave, Resting):
            assert 0 < leave.seconds <= 900
        else:
            out.append(leave)
        assert len({each.opened for each in out if each.probe}) == sum(each.probe for each in out)
        if not out or what == "never":
            continue
        told = out.pop(0)
        match what:
            case "well":
                breaker.succeeded(told)
            case "freed":
                breaker.freed(told)
            case "key" | "rate" | "cut" | "declined":
                breaker.failed(told, now, what, "it is so")  # type: ignore[arg-type]  # one of the kinds


def test_models_and_servers_have_breakers_of_their_own() -> None:
    breakers = Breakers(clock=lambda: 0)
    fail(breakers.of("openai", "http://a", "m"), 0)
    for other in [("openai", "http://a", "n"), ("openai", "http://b", "m"), ("own", "http://a", "m")]:
        assert breakers.of(*other).seconds_left(0) is None
    assert breakers.of("openai", "http://a", "m").seconds_left(0) == 30


def test_the_table_forgets_what_it_has_not_heard_of_for_longest() -> None:
    breakers = Breakers(clock=lambda: 0)
    for number in range(MAX_BREAKERS):
        fail(breakers.of("", "", str(number)), 0)
    breakers.of("", "", "0")
    breakers.of("", "", "one more")
    assert breakers.of("", "", "0").seconds_left(0) == 30
    assert breakers.of("", "", "1").seconds_left(0) is None


# Retries -------------------------------------------------------------------------------------------


def test_a_minute_has_so_many_retries_and_they_come_back_evenly() -> None:
    now = 0.0
    budget = RetryBudget(6, clock=lambda: now)
    assert [budget.take() for _ in range(7)] == [True] * 6 + [False]
    times = []
    for step in range(1, 601):
        now = step / 10
        if budget.take():
            times.append(now)
    assert len(times) in {5, 6}
    assert all(9.9 <= later - earlier <= 10.2 for earlier, later in pairwise(times))


def test_what_is_not_used_is_not_saved_up() -> None:
    now = 0.0
    budget = RetryBudget(3, clock=lambda: now)
    assert budget.take()
    now = 3600
    assert [budget.take() for _ in range(4)] == [True, True, True, False]


def test_none_is_none() -> None:
    now = 0.0
    budget = RetryBudget(0, clock=lambda: now)
    assert not budget.take()
    now = 1e6
    assert not budget.take()
