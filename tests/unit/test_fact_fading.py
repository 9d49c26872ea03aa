"""How strong a fact is, and how that fades."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aikyo.memory import Fact, FactKind
from aikyo.memory.facts import DAY
from aikyo.memory.facts.fading import half_life_of, lengthened, strength

T = 1_800_000_000.0


def fact(kind: FactKind = "opinion", **fields: object) -> Fact:
    given = {
        "number": 1,
        "uid": "u",
        "text": "Mika thinks that rain is cosy.",
        "kind": kind,
        "confirmed": T,
        "half_life": half_life_of(kind, "fact"),
        "sources": ("a",),
    }
    return Fact(**given | fields)  # type: ignore[arg-type]


def test_a_fact_counts_half_after_its_half_life() -> None:
    one = fact()
    assert one.half_life is not None
    assert strength(one, T + one.half_life) == pytest.approx(strength(one, T) / 2)


def test_who_somebody_is_never_fades() -> None:
    assert strength(fact("identity"), T + 10_000 * DAY) == strength(fact("identity"), T)


def test_a_plan_keeps_its_strength_until_its_time_and_fades_in_days_after_it() -> None:
    plan = fact("plan", happened=T + 60 * DAY)
    assert strength(plan, T + 59 * DAY) == strength(plan, T)
    assert strength(plan, T + 90 * DAY) < 0.1 * strength(plan, T)


def test_more_evidence_makes_stronger_and_evidence_against_weaker() -> None:
    one, two = fact(), fact(sources=("a", "b"))
    doubted = replace(one, against=("c",))
    assert strength(two, T) > strength(one, T) > strength(doubted, T)


def test_an_echo_chamber_makes_no_fact_outweigh_all_others() -> None:
    assert strength(fact(sources=tuple(map(str, range(1000)))), T) <= 2 * strength(fact(), T)


def test_what_matters_more_is_stronger() -> None:
    assert strength(fact(importance=9.0), T) > strength(fact(importance=2.0), T)


def test_each_confirmation_lengthens_the_half_life_within_bounds() -> None:
    half_life = half_life_of("opinion", "fact")
    assert half_life is not None
    assert (lengthened(half_life) or 0) > half_life
    for _ in range(100):
        half_life = lengthened(half_life)
    assert half_life is not None
    assert half_life <= 3600 * DAY
    assert lengthened(None) is None


def test_a_clock_that_was_set_back_makes_nothing_stronger_than_it_was() -> None:
    assert strength(fact(), T - 1000 * DAY) == strength(fact(), T)
