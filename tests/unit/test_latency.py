"""How long a State is waited for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import Patience
from aikyo.conversation.latency import BID_DEADLINE, LEAST

WHO = "companion_alice"


def test_of_whom_nothing_is_known_the_whole_time_is_given() -> None:
    assert Patience().seconds(WHO) == BID_DEADLINE


def test_whoever_is_quick_and_steady_is_soon_waited_for_briefly() -> None:
    patience = Patience()
    waits = []
    for _ in range(30):
        patience.took(WHO, 1.5)
        waits.append(patience.seconds(WHO))
    assert waits == sorted(waits, reverse=True)
    assert waits[0] == 1.5 + 4 * 0.75
    assert 1.5 < waits[-1] < 1.6


def test_whoever_is_unsteady_is_given_room() -> None:
    steady, unsteady = Patience(), Patience()
    for number in range(30):
        steady.took(WHO, 1.0)
        unsteady.took(WHO, 0.5 + number % 2)
    assert unsteady.seconds(WHO) > steady.seconds(WHO) + 1


def test_whoever_is_missed_is_given_twice_the_time_until_it_is_heard_again() -> None:
    patience = Patience()
    for _ in range(30):
        patience.took(WHO, 0.1)
    waits = []
    for _ in range(3):
        patience.missed(WHO)
        waits.append(patience.seconds(WHO))
    assert waits == [2 * LEAST, 4 * LEAST, BID_DEADLINE]
    patience.took(WHO, 0.1)
    assert patience.seconds(WHO) == LEAST


def test_whoever_is_always_silent_does_not_hold_up_every_turn() -> None:
    patience = Patience()
    for _ in range(100):
        patience.missed(WHO)
    assert patience.seconds(WHO) == LEAST
    patience.took(WHO, 8.0)  # slow, but there
    assert patience.seconds(WHO) == BID_DEADLINE


def test_one_that_came_very_late_is_soon_forgotten() -> None:
    patience = Patience()
    patience.took(WHO, 1e9)
    for _ in range(50):
        patience.took(WHO, 0.1)
    assert patience.seconds(WHO) < BID_DEADLINE


@given(st.lists(st.floats(-10, 1e9) | st.none(), max_size=50))
def test_the_wait_is_bounded_whatever_is_heard(heard: list[float | None]) -> None:
    patience = Patience()
    for seconds in heard:
        if seconds is None:
            patience.missed(WHO)
        else:
            patience.took(WHO, seconds)
        assert LEAST <= patience.seconds(WHO) <= BID_DEADLINE


def test_no_more_than_some_are_remembered() -> None:
    patience = Patience()
    for number in range(1000):
        patience.took(f"companion_{number}", 0.1)
    assert len(patience._known) == 256
    assert patience.seconds("companion_999") == LEAST
    assert patience.seconds("companion_0") == BID_DEADLINE
    for number in range(1000):
        patience.missed(f"companion_x{number}")
    assert len(patience._known) == 256
