"""What a model is told to learn from: all of it, in quotes, after what stays the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given

from aikyo.brain import Known, Persona, Someone, Study
from aikyo.brain.prompts import Prompt, Prompts, to_learn, to_reflect
from aikyo.brain.prompts.quotes import CLOSE, OPEN
from tests.support.fences import HOSTILE, outside, quoted
from tests.support.minds import ALICE, BOB, MIKA, NOW, line

LANGUAGES = ("en", "ja")
Ask = Callable[[Study], Prompt]
both = pytest.mark.parametrize("ask", [to_learn, to_reflect])

LEARNED = datetime(2026, 1, 2, tzinfo=UTC).timestamp()
ME = Someone(ALICE.id, ALICE.name, "companion")
STUDY = Study(
    NOW,
    ALICE,
    (MIKA, BOB),
    (
        line("I leave tomorrow!", id="u1", time=NOW.timestamp(), to=(ALICE.id,)),
        line("Mika leaves, I know.", BOB, id="u2", echo=True),
        line("Safe travels!", ME, id="u3", kind="said"),
        line("It has begun to snow.", BOB, id="u4", kind="perceived"),
    ),
    (Known("f7", "Mika lives in Kobe.", about=MIKA.id, learned=LEARNED, told_by=("Mika",)),),
    (Known("f9", "Mika is shy.", about=MIKA.id, level="reflection"),),
    most=7,
)


def in_language(language: str, study: Study = STUDY) -> Study:
    return replace(study, me=replace(study.me, language=language))


@both
@pytest.mark.parametrize("language", LANGUAGES)
@given(said=HOSTILE, name=HOSTILE, ident=HOSTILE)
def test_nothing_that_others_write_leaves_its_quotes(
    language: str, said: str, name: str, ident: str, ask: Ask
) -> None:
    def made_by(said: str, name: str, ident: str) -> Study:
        other = Someone(f"x{ident}", name, "person", said)
        lines = (
            line(said, other, to=(ident,)),
            line(said, other, kind="did"),
            line(said, other, echo=True),
        )
        known = (Known(ident, said, about=ident, told_by=(name,), happened=1.0),)
        return in_language(language, Study(NOW, ALICE, (other,), lines, known, known))

    hostile, harmless = ask(made_by(said, name, ident)), ask(made_by("hi", "Eve", "e"))
    assert hostile.system == harmless.system
    assert outside(hostile.task) == outside(harmless.task)
    assert hostile.task.count(OPEN) == hostile.task.count(CLOSE) == 1
    records = quoted(hostile.task)
    assert len(records) == (5 if ask is to_learn else 3)
    assert sum(said in record.values() for record in records) >= (4 if ask is to_learn else 2)


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_are_numbered_but_those_that_are_echoes(language: str) -> None:
    people, mika, known, *lines = quoted(to_learn(in_language(language)).task)
    day = Prompts().words(language).weekdays[0]
    assert people == {"id": MIKA.id, "name": "Mika", "kind": "person"}
    assert mika == {"id": BOB.id, "name": "Bob", "kind": "companion"}
    assert known == {
        "ref": "f7",
        "you_know": "Mika lives in Kobe.",
        "about": MIKA.id,
        "since": "2026-01-02",
        "from": ["Mika"],
    }
    assert lines[0] == {
        "n": 1,
        "time": f"2026-01-05 21:04 ({day})",
        "from": "Mika",
        "id": MIKA.id,
        "to": [ALICE.id],
        "said": "I leave tomorrow!",
    }
    assert [(each.get("n"), each.get("echo")) for each in lines] == [
        (1, None),
        (None, True),
        (3, None),
        (4, None),
    ]
    assert lines[2]["you_said"] == "Safe travels!"
    assert lines[3]["showed"] == "It has begun to snow."


def test_to_reflect_what_is_believed_comes_before_what_is_new() -> None:
    *_, believed, known = quoted(to_reflect(STUDY).task)
    assert (believed["ref"], believed["you_believe"]) == ("f9", "Mika is shy.")
    assert (known["ref"], known["you_know"]) == ("f7", "Mika lives in Kobe.")
    assert "snow" not in to_reflect(STUDY).task


@both
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_companion_is_and_how_to_learn_stays_the_same(language: str, ask: Ask) -> None:
    one, other = ask(in_language(language)), ask(Study(NOW, replace(ALICE, language=language), most=3))
    assert one.system == other.system
    assert (one.session, one.talk) == ("", "")
    assert "{" not in one.system
    for part in (ALICE.id, ALICE.personality, ALICE.story, ALICE.role, *ALICE.interests):
        assert part in one.system
    assert Prompts().words(language).languages[language] in one.system
    assert "7" in outside(one.task)
    assert "3" in outside(other.task)
    bare = ask(Study(NOW, Persona(id="companion_x", name="X", language=language)))
    assert one.system.count("\n## ") - bare.system.count("\n## ") == 4


@both
def test_in_a_language_without_prompts_it_is_asked_in_english(ask: Ask) -> None:
    assert ", in French, that" in ask(in_language("fr-CA")).system
    assert ", in nl, that" in ask(in_language("nl")).system


@both
def test_what_is_known_is_told_within_bounds(ask: Ask) -> None:
    known = tuple(Known(f"f{number}", "x" * 1_000) for number in range(100))
    people = tuple(Someone(f"user_{number}", "y" * 900, "person") for number in range(500))
    assert len(ask(replace(STUDY, people=people, known=known, beliefs=known)).task) < 70_000


def test_all_lines_are_told() -> None:
    lines = tuple(line(f"{number}", id=f"u{number}") for number in range(300))
    told = quoted(to_learn(replace(STUDY, lines=lines)).task)
    assert [each["said"] for each in told if "said" in each] == [each.text for each in lines]
