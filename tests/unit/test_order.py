from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from aikyo.mesh.members.order import LONGEST, WAITS, Arrival, Order

FIRST = 10**18


def arrival(number: int, author: str = "p1", data: bytes = b"") -> Arrival:
    return Arrival("messages", data, author, (FIRST + number).to_bytes(8, "big"))


def numbers(arrivals: Iterable[Arrival]) -> list[int]:
    return [int.from_bytes(one.sequence, "big") - FIRST for one in arrivals]


def put(order: Order, now: float, *given: int) -> list[int]:
    return [n for number in given for n in numbers(order.put(arrival(number), now))]


def test_what_overtook_another_waits_for_it() -> None:
    order = Order()
    assert put(order, 0, 1, 3, 4) == [1]
    assert order
    assert put(order, 0.05, 2) == [2, 3, 4]
    assert not order


def test_what_is_lost_is_waited_for_for_a_moment_only() -> None:
    order = Order()
    assert put(order, 0, 1, 4, 3) == [1]
    assert order.deadline == WAITS
    assert numbers(order.overdue(WAITS - 0.01)) == []
    assert numbers(order.overdue(WAITS)) == [3, 4]
    assert put(order, 0.2, 2, 5) == [2, 5]  # late is better than never


def test_an_author_whose_gaps_are_not_filled_is_not_held_up_again_and_again() -> None:
    order = Order()
    put(order, 0, 1, 3)
    assert numbers(order.overdue(1)) == [3]
    assert put(order, 2, 5, 7) == [5, 7]
    assert put(order, 20, 9) == []


def test_what_comes_too_late_is_waited_for_longer_the_next_time() -> None:
    order, now, waited = Order(), 0.0, []
    put(order, now, 1)
    for number in range(3, 20, 2):
        assert put(order, now, number) == []
        waited.append(round(order.deadline - now, 2))
        now = order.deadline
        assert numbers(order.overdue(now)) == [number]
        assert put(order, now, number - 1) == [number - 1]
    assert waited[:5] == [WAITS, 2 * WAITS, 4 * WAITS, 8 * WAITS, LONGEST]
    assert set(waited[4:]) == {LONGEST}


def test_after_a_restart_nothing_is_waited_for() -> None:
    order = Order()
    assert put(order, 0, 1, 10**9, 10**9 + 1) == [1, 10**9, 10**9 + 1]


def test_what_waited_before_a_restart_comes_before_it() -> None:
    order = Order()
    assert put(order, 0, 1, 3, 10**9) == [1, 3, 10**9]
    assert not order


def test_authors_do_not_wait_for_each_other() -> None:
    order = Order()
    assert put(order, 0, 1, 3) == [1]
    assert numbers(order.put(arrival(9, "p2"), 0)) == [9]


def test_what_waits_is_bounded_in_number_and_bytes() -> None:
    order = Order()
    for n in range(2000):
        list(order.put(arrival(0, f"p{n}"), 0))
        list(order.put(arrival(2, f"p{n}"), 0))
    assert order._count == 256
    assert len(order._authors) == 1024
    large = Order()
    for n in range(10):
        list(large.put(arrival(0, f"p{n}"), 0))
        list(large.put(arrival(2, f"p{n}", bytes(1 << 20)), 0))
    assert large._bytes == 4 << 20
    for one in (order, large):
        list(one.overdue(1))
        assert (one._count, one._bytes) == (0, 0)


@given(st.lists(st.tuples(st.integers(0, 90), st.floats(0, 0.3)), max_size=60))
def test_nothing_is_lost_or_doubled_and_what_was_held_is_in_order(
    given_: list[tuple[int, float]],
) -> None:
    order, now, out = Order(), 0.0, []
    for number, later in given_:
        now += later
        out += numbers(order.overdue(now))
        out += put(order, now, number)
    out += numbers(order.overdue(now + LONGEST))
    unique = {number for number, _ in given_}
    assert set(out) == unique
    assert len(out) <= len(given_)
    assert (order._count, order._bytes) == (0, 0)


@given(st.permutations(range(2, 12)))
def test_whatever_the_order_it_came_in_it_goes_on_in_its_own(given_: list[int]) -> None:
    order = Order()
    assert put(order, 0, 1, *given_) == list(range(1, 12))
