from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aikyo.memory.recall.ranking import Candidate, rank

DAY = 86_400.0
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        row=st.integers(1, 40),
        conversation=st.sampled_from([None, "a", "b"]),
        time=st.floats(0, 1e9),
        relevance=st.sampled_from([0.5, 1.0, 2.0]),
    ),
    unique_by=lambda one: one.row,
)


def order(*candidates: Candidate, newest: float = 0.0) -> list[int]:
    return [row for row, _ in rank(candidates, newest)]


def test_the_more_relevant_comes_first() -> None:
    assert order(Candidate(1, None, 0, 1.0), Candidate(2, None, 0, 3.0), Candidate(3, None, 0, 2.0)) == [
        2,
        3,
        1,
    ]


def test_a_row_gains_from_rows_near_it_in_the_same_conversation() -> None:
    lone = Candidate(10, "b", 0, 1.2)
    assert order(Candidate(1, "a", 0, 1.0), Candidate(2, "a", 0, 1.0), lone) == [2, 1, 10]
    assert order(Candidate(1, "a", 0, 1.0), Candidate(3, "a", 0, 1.1), lone) == [3, 1, 10]


def test_a_row_gains_nothing_from_another_conversation_or_from_afar() -> None:
    lone = Candidate(10, "b", 0, 1.2)
    assert order(Candidate(1, "a", 0, 1.0), Candidate(2, "c", 0, 1.0), lone)[0] == 10
    assert order(Candidate(1, None, 0, 1.0), Candidate(2, None, 0, 1.0), lone)[0] == 10
    assert order(Candidate(1, "a", 0, 1.0), Candidate(4, "a", 0, 1.0), lone)[0] == 10


def test_of_equals_the_newer_comes_first() -> None:
    old, new = Candidate(1, None, 0, 1.0), Candidate(2, None, 100 * DAY, 1.0)
    assert order(old, new, newest=100 * DAY) == [2, 1]
    assert order(Candidate(1, None, 100 * DAY, 1.0), Candidate(2, None, 0, 1.0), newest=100 * DAY) == [
        1,
        2,
    ]


def test_what_is_clearly_more_relevant_comes_first_however_old_it_is() -> None:
    assert order(Candidate(1, None, 0, 1.2), Candidate(2, None, 1000 * DAY, 1.0), newest=1000 * DAY) == [
        1,
        2,
    ]


@given(CANDIDATES, st.integers())
def test_the_order_in_which_candidates_come_makes_no_difference(
    candidates: list[Candidate], seed: int
) -> None:
    shuffled = list(candidates)
    Random(seed).shuffle(shuffled)
    assert rank(shuffled, 1e9) == rank(candidates, 1e9)
    assert {row for row, _ in rank(candidates, 1e9)} == {one.row for one in candidates}
