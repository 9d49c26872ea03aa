from __future__ import annotations

import pytest

from aikyo.mesh.members.contests import Contests

LOW, OWN, HIGH = "p1", "p5", "p9"


def gives_up_after(
    other: str, *, had_it_for: float, every: float = 2.0, linked: bool = True
) -> float | None:
    """Seconds of a contest after which `OWN` gives its id up to `other`; None for not in a minute."""
    contests = Contests()
    now = 0.0
    while now <= 60:
        contests.claim(OWN, other, now)
        if contests.yields(OWN, other, linked=linked, settled=-had_it_for, now=now):
            return now
        now += every
    return None


@pytest.mark.parametrize(
    ("other", "had_it_for", "after"),
    [
        (LOW, 1, 0),  # at the same moment
        (HIGH, 1, 2),  # it was there before us, or would not insist
        (LOW, 60, 6),  # both were there for long
        (HIGH, 60, 16),  # it would have yielded, unless it is pinned
    ],
)
def test_who_yields_and_when(other: str, had_it_for: float, after: float) -> None:
    assert gives_up_after(other, had_it_for=had_it_for) == after


def test_who_may_have_left_meanwhile_takes_an_id_only_by_claiming_it_again() -> None:
    assert gives_up_after(LOW, had_it_for=1, linked=False) == 2
    assert gives_up_after(LOW, had_it_for=1, linked=False, every=100) is None


def test_what_is_taken_after_a_loss_is_not_lost_by_how_long_that_took() -> None:
    contests = Contests()
    contests.claim(OWN, HIGH, 0)
    contests.end(OWN)
    assert not contests.is_contested(OWN, 2)
    contests.claim(OWN, HIGH, 2)
    assert not contests.yields(OWN, HIGH, linked=True, settled=1, now=2)


def test_of_two_that_ran_apart_the_higher_yields_long_before_the_lower_would() -> None:
    assert (gives_up_after(LOW, had_it_for=60) or 0) + 5 < (gives_up_after(HIGH, had_it_for=60) or 0)


def test_a_claim_now_and_then_is_a_new_contest_each_time() -> None:
    assert gives_up_after(LOW, had_it_for=60, every=50) is None


def test_it_is_insisted_for_a_while_only() -> None:
    contests = Contests()
    contests.claim(OWN, LOW, 0)
    assert contests.worth_insisting(OWN, LOW, 19)
    contests.claim(OWN, LOW, 30)
    assert not contests.worth_insisting(OWN, LOW, 30)
    assert contests.is_contested(OWN, 70)
    assert not contests.is_contested(OWN, 80)
    assert not contests.is_contested(HIGH, 30)


def test_contests_are_bounded() -> None:
    contests = Contests()
    for n in range(1000):
        contests.claim(OWN, f"p{n}", 0)
    assert len(contests._contests) == 256
