from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain.cost.spending import DAY, HOUR, Cap, Spending, Spent, caps_of
from aikyo.config import Settings

DOLLAR_AN_HOUR = Cap("money_per_hour", 1.0, "money", HOUR)
TEN_AN_HOUR = Cap("tokens_per_hour", 10, "tokens", HOUR)
TWENTY_A_DAY = Cap("tokens_per_day", 20, "tokens", DAY)
NOON = 1_000_000 * 60.0


def spend(spending: Spending, time: float, tokens: int = 0, money: float | None = 0.0) -> None:
    spending.add(time, tokens, money, paid=True)


def test_by_default_the_swarm_has_caps_and_a_companion_has_none() -> None:
    settings = Settings()
    assert [(cap.setting, cap.limit, cap.seconds) for cap in caps_of(settings)] == [
        ("tokens_per_hour", 1_000_000, HOUR),
        ("tokens_per_day", 5_000_000, DAY),
        ("money_per_hour", 1.0, HOUR),
        ("money_per_day", 5.0, DAY),
    ]
    assert caps_of(settings, companion=True) == ()
    own = caps_of(Settings(companion_money_per_day=0.5, money_per_day="none"), companion=True)
    assert own == (Cap("companion_money_per_day", 0.5, "money", DAY),)


def test_a_cap_is_reached_when_all_of_it_is_spent_and_lasts_until_a_tenth_is_free() -> None:
    spending = Spending([DOLLAR_AN_HOUR])
    for minute in range(10):
        assert spending.reached(NOON + 60 * minute) is None
        spend(spending, NOON + 60 * minute, money=0.1)
    reached = spending.reached(NOON + 600)
    assert reached is not None
    assert (reached.cap, reached.since) == (DOLLAR_AN_HOUR, NOON + 600)
    # Ten cents free is just what is asked for, which two minutes' cents give
    assert reached.until == NOON + 120 + HOUR
    assert spending.reached(reached.until - 1) == reached  # in the same words
    assert spending.reached(reached.until) is None


def test_below_a_cap_that_was_not_reached_one_may_spend() -> None:
    spending = Spending([DOLLAR_AN_HOUR])
    spend(spending, NOON, money=0.95)
    assert spending.reached(NOON) is None


def test_of_two_caps_the_one_that_lasts_longer_is_told() -> None:
    spending = Spending([TEN_AN_HOUR, TWENTY_A_DAY])
    spend(spending, NOON, 10)
    assert spending.reached(NOON) == (TEN_AN_HOUR, NOON, NOON + 60 + HOUR)
    spend(spending, NOON + 2 * HOUR, 10)
    reached = spending.reached(NOON + 2 * HOUR)
    assert reached == (TWENTY_A_DAY, NOON + 2 * HOUR, NOON + 60 + DAY)


def test_of_two_caps_that_are_reached_both_are_known() -> None:
    spending = Spending([TEN_AN_HOUR, TWENTY_A_DAY])
    spend(spending, NOON, 20)
    assert [(one.cap, one.until) for one in spending.all_reached(NOON)] == [
        (TEN_AN_HOUR, NOON + 60 + HOUR),
        (TWENTY_A_DAY, NOON + 60 + DAY),
    ]


def test_near_is_four_fifths() -> None:
    spending = Spending([TEN_AN_HOUR])
    spend(spending, NOON, 7)
    assert not spending.is_near(NOON)
    spend(spending, NOON, 1)
    assert spending.is_near(NOON)
    assert not spending.is_near(NOON + HOUR + 60)


@given(
    st.lists(st.tuples(st.integers(1, 90), st.integers(0, 6)), min_size=1, max_size=40),
    st.integers(0, 90),
)
def test_a_cap_that_was_reached_lasts_as_long_over_a_restart(
    spent: list[tuple[int, int]], later: int
) -> None:
    before, after, now = Spending([TEN_AN_HOUR]), Spending([TEN_AN_HOUR]), NOON
    for minutes, tokens in spent:
        for _ in range(minutes):
            now += 60
            before.reached(now)  # as it is asked for all the time
        for spending in (before, after):
            spend(spending, now, tokens)
        before.reached(now)
    for _ in range(later):
        now += 60
        before.reached(now)
    after.remember(now)
    old, new = before.reached(now), after.reached(now)
    assert (old and old.until) == (new and new.until)


def test_a_restart_does_not_end_a_rest_before_its_time() -> None:
    spending = Spending([DOLLAR_AN_HOUR])
    for minute in range(20):
        spend(spending, NOON + 60 * minute, money=0.05)
    now = NOON + 60 + HOUR  # 95 cents are left: less than the cap, but more than 90 % of it
    assert spending.reached(now) is None
    spending.remember(now)
    reached = spending.reached(now)
    assert reached is not None
    assert (reached.since, reached.until) == (NOON + 60 * 20, NOON + 180 + HOUR)


def test_what_costs_nobody_knows_what_is_told_of_caps_in_money() -> None:
    spending = Spending([TEN_AN_HOUR, DOLLAR_AN_HOUR])
    spend(spending, NOON, 5, None)
    spend(spending, NOON, 0, None)  # a call that came to nothing
    assert spending.unpriced(DOLLAR_AN_HOUR, NOON) == 5
    assert spending.unpriced(TEN_AN_HOUR, NOON) == 0


def test_a_call_without_tokens_costs_nothing_whatever_the_price() -> None:
    spending = Spending()
    spend(spending, NOON, 0, None)
    assert spending.spent(HOUR, NOON) == Spent(0, 0.0)


def test_what_costs_nothing_counts_for_no_cap_but_is_shown() -> None:
    spending = Spending([TEN_AN_HOUR])
    spending.add(NOON, 1000, None, paid=False)
    assert not spending.is_near(NOON)
    assert spending.spent(HOUR, NOON) == Spent(1000, 0.0)


def test_an_unknown_price_makes_the_sum_unknown_and_counts_in_tokens() -> None:
    spending = Spending([TEN_AN_HOUR, DOLLAR_AN_HOUR])
    spend(spending, NOON, 5, 0.5)
    spend(spending, NOON, 5, None)
    assert spending.spent(HOUR, NOON) == Spent(10, None)
    assert spending.used(DOLLAR_AN_HOUR, NOON) == 0.5
    reached = spending.reached(NOON)
    assert reached is not None
    assert reached.cap is TEN_AN_HOUR


def test_a_clock_that_is_put_back_loses_nothing() -> None:
    spending = Spending([TEN_AN_HOUR])
    spend(spending, NOON, 5)
    spend(spending, NOON - 300, 5)
    assert spending.used(TEN_AN_HOUR, NOON) == 10


def test_what_was_spent_by_a_clock_that_was_ahead_counts_as_of_now() -> None:
    spending = Spending([TEN_AN_HOUR])
    spend(spending, NOON + 1000 * DAY, 5)
    spend(spending, NOON + 1000 * DAY + 120, 5)
    assert spending.reached(NOON + 1000 * DAY + 120) is not None
    reached = spending.reached(NOON)
    assert reached == (TEN_AN_HOUR, NOON, NOON + 60 + HOUR)
    spend(spending, NOON, 1)
    assert spending.used(TEN_AN_HOUR, NOON) == 11
    assert spending.reached(NOON + 60 + HOUR) is None


def test_a_cap_that_comes_near_is_told_once_until_it_is_far_again() -> None:
    spending = Spending([TEN_AN_HOUR])
    spend(spending, NOON, 7)
    assert spending.nearing(NOON) == []
    spend(spending, NOON + 600, 2)
    assert spending.nearing(NOON + 600) == [TEN_AN_HOUR]
    assert spending.nearing(NOON + 600) == []
    spend(spending, NOON + HOUR + 60, 4)  # the seven are gone: six of ten
    assert spending.nearing(NOON + HOUR + 60) == []
    spend(spending, NOON + HOUR + 60, 3)
    assert spending.nearing(NOON + HOUR + 60) == []
    assert spending.nearing(NOON + 3 * HOUR) == []
    spend(spending, NOON + 3 * HOUR, 8)
    assert spending.nearing(NOON + 3 * HOUR) == [TEN_AN_HOUR]


def test_a_cap_that_is_passed_at_a_stroke_is_not_told_as_near() -> None:
    spending = Spending([TEN_AN_HOUR])
    spend(spending, NOON, 12)
    assert spending.nearing(NOON) == []
    assert spending.nearing(NOON) == []


def test_a_cap_that_lasts_is_not_told_as_near() -> None:
    spending = Spending([TEN_AN_HOUR])
    spend(spending, NOON - 1800, 2)
    spend(spending, NOON, 9)
    assert spending.reached(NOON)
    later = NOON - 1800 + HOUR + 60
    assert spending.used(TEN_AN_HOUR, later) == 9
    assert spending.reached(later)
    assert spending.nearing(later) == []


def test_what_costs_nothing_does_not_change_since_when_a_cap_is_reached() -> None:
    spending = Spending([TEN_AN_HOUR])
    spend(spending, NOON, 10)
    spending.add(NOON + 600, 1000, None, paid=False)
    reached = spending.reached(NOON + 700)
    assert reached is not None
    assert reached.since == NOON + 60


def test_only_a_day_is_held() -> None:
    spending = Spending()
    for minute in range(5000):
        spend(spending, NOON + 60 * minute, 1)
    assert spending.spent(2 * DAY, NOON + 60 * 4999).tokens <= 24 * 60 + 1


@given(st.lists(st.tuples(st.integers(0, 7200), st.integers(1, 50)), min_size=1, max_size=40))
def test_whoever_waits_as_long_as_told_may_spend_again(spent: list[tuple[int, int]]) -> None:
    spending = Spending([TEN_AN_HOUR, TWENTY_A_DAY])
    now = NOON
    for seconds, tokens in spent:
        now += seconds
        reached = spending.reached(now)
        if reached is None:
            spend(spending, now, tokens)
        else:
            assert now < reached.until <= now + reached.cap.seconds + 60
            assert reached.since <= now
    if (reached := spending.reached(now)) is not None:
        assert spending.reached(reached.until) is None


@pytest.mark.parametrize("seconds", [HOUR, DAY])
def test_nothing_spent_is_nothing(seconds: float) -> None:
    spending = Spending([TEN_AN_HOUR])
    assert spending.spent(seconds, NOON) == Spent(0, 0.0)
    assert spending.reached(NOON) is None
    assert not spending.is_near(NOON)
