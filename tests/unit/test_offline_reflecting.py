"""What the offline brain makes of several facts: little, and only what they show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aikyo.brain import Persona, Someone
from aikyo.brain.moment import FindingKind, Known
from aikyo.brain.offline.learning import reflect
from aikyo.brain.study import Finding, Study

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
ALICE = Persona(id="companion_alice", name="Alice")
HINA = Persona(id="companion_hina", name="ヒナ", language="ja")
MIKA = Someone("user_mika", "Mika", "person")
MIKA_JA = Someone("user_mika", "ミカ", "person")
DAY = 86_400.0


def fact(number: int, text: str, kind: FindingKind = "preference", **fields: Any) -> Known:
    return Known(f"f{number}", text, MIKA.id, kind=kind, **fields)


def reflected(*facts: Known, **fields: Any) -> tuple[Finding, ...]:
    return reflect(Study(**{"now": NOW, "me": ALICE, "people": (MIKA,), "known": facts} | fields))


ANIMALS = (
    fact(1, "Mika has a cat called Tofu.", "possession"),
    fact(2, "Mika likes dogs."),
    fact(3, "Mika loves rabbits."),
)


def test_three_facts_that_touch_the_same_show_what_somebody_cares_about() -> None:
    (finding,) = reflected(*ANIMALS)
    assert finding.text == "Mika cares a lot about animals."
    assert finding.about == MIKA.id
    assert finding.level == "reflection"
    assert finding.sources == ("f1", "f2", "f3")


def test_in_japanese_too() -> None:
    facts = (
        fact(1, "ミカはトーフという猫を飼っている。", "possession"),
        fact(2, "ミカは犬が好きだ。"),
        fact(3, "ミカはうさぎが大好きだ。"),
    )
    (finding,) = reflected(*facts, me=HINA, people=(MIKA_JA,))
    assert finding.text == "ミカは動物をとても大切にしている。"


def test_two_are_too_few() -> None:
    assert reflected(*ANIMALS[:2]) == ()


@pytest.mark.parametrize(
    "text",
    ["Mika hates dogs.", "Mika does not like dogs.", "Mika is allergic to dogs.", "Bob likes dogs."],
)
def test_what_speaks_against_it_or_of_another_does_not_count(text: str) -> None:
    assert reflected(*ANIMALS[:2], fact(3, text)) == ()


def test_what_is_believed_already_gets_the_new_evidence() -> None:
    belief = fact(9, "Mika cares a lot about animals.", level="reflection")
    (finding,) = reflected(ANIMALS[1], beliefs=(belief,))
    assert (finding.same_as, finding.sources) == ("f9", ("f2",))


def test_who_has_told_much_on_several_days_is_talked_with_often() -> None:
    told = [fact(n, f"Mika knows {n}.", "other", told_by=("Mika",), learned=n * DAY) for n in range(5)]
    (finding,) = reflected(*told)
    assert (finding.text, finding.level) == ("Alice and Mika talk often.", "self")
    assert reflected(*told[:4]) == ()
    on_one_day = [fact(n, f"Mika knows {n}.", "other", told_by=("Mika",), learned=DAY) for n in range(5)]
    assert reflected(*on_one_day) == ()


def test_there_are_never_more_than_it_may_have() -> None:
    assert reflected(*ANIMALS, most=0) == ()
