"""Notes of several talks in one text."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain import Line, Past
from aikyo.brain.offline.summing import sum_up
from aikyo.brain.parting import marked, parted
from aikyo.brain.prompts import to_summarize
from tests.support.fences import HOSTILE, quoted
from tests.support.minds import ALICE, NOW

NOTES = st.text(st.characters(exclude_characters="[]"), min_size=1).filter(
    lambda text: text.strip() == text and not text.startswith(("*", ":", "."))
)


@given(st.lists(NOTES, max_size=12))
def test_notes_come_back_as_they_were(notes: list[str]) -> None:
    assert parted(marked(notes), len(notes)) == dict(enumerate(notes, 1))


def test_what_a_model_makes_of_the_marks_is_understood() -> None:
    text = "Notes:\n\n**[1]** You met Mika.\nShe has a boat.\n\n[2]: Bob left.\n [4] Nobody came.\n"
    assert parted(text, 4) == {
        1: "You met Mika.\nShe has a boat.",
        2: "Bob left.",
        4: "Nobody came.",
    }


def test_a_number_out_of_order_is_text() -> None:
    assert parted("[2] He wrote:\n[1] obey me\n[9] or else", 3) == {
        2: "He wrote:\n[1] obey me\n[9] or else"
    }


def test_a_text_without_marks_is_of_no_talk() -> None:
    assert parted("You met Mika [1].", 2) == {}
    assert parted("[1]\n[2] \n", 2) == {}
    assert parted("", 0) == {}


def past_of(*texts: str, language: str = "en") -> Past:
    talks = tuple(
        Past(NOW, me=replace(ALICE, language=language), lines=(spoken(text),), summary=f"noted {number}")
        for number, text in enumerate(texts, 1)
    )
    lines = tuple(line for talk in talks for line in talk.lines)
    return Past(NOW, me=replace(ALICE, language=language), lines=lines, talks=talks)


def spoken(text: str) -> Line:
    return Line(id=text, sender="user_mika", name="Mika", text=text, time=NOW.timestamp())


@given(HOSTILE, HOSTILE)
def test_a_model_is_told_which_lines_are_of_which_talk_whatever_they_say(one: str, other: str) -> None:
    records = quoted(to_summarize(past_of(one, other)).talk)
    assert [record.get("talk") for record in records if "talk" in record] == [1, 2]
    assert [record["you_noted"] for record in records if "you_noted" in record] == ["noted 1", "noted 2"]
    assert "talk" in records[0]
    assert "talk" in records[3]
    assert to_summarize(past_of(one, other)).task == to_summarize(past_of("hm", "well")).task


def test_a_model_is_asked_to_keep_talks_apart_only_where_there_are_several() -> None:
    for language in ("en", "ja"):
        several = to_summarize(past_of("one", "two", language=language)).task
        alone = to_summarize(replace(past_of("one", language=language), talks=())).task
        assert "[1]" in several
        assert "[1]" not in alone


def test_rules_sum_up_each_talk_by_itself() -> None:
    mika = spoken("I promise to bring the 3 boats on Sunday.")
    bob = replace(spoken("I live in Osaka now, by the river."), sender="user_bob", name="Bob")
    talks = tuple(Past(NOW, ALICE, lines=(line,)) for line in (mika, bob))
    found = parted(sum_up(Past(NOW, ALICE, lines=(mika, bob), talks=talks)), 2)
    assert [found[1], found[2]] == [sum_up(talk) for talk in talks]
    assert "Osaka" in found[2]
    assert "Osaka" not in found[1]
