"""What the offline brain writes down of a talk: short, in its language, nothing that was not said."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain import Line, Past, Persona, Someone
from aikyo.brain.offline import OfflineBrain
from aikyo.brain.offline.summing import sum_up
from tests.support.minds import ALICE, BOB, MIKA, line

ALICE_HERSELF = Someone(ALICE.id, ALICE.name, "companion")
SORA = Persona(id="companion_sora", name="ソラ", language="ja")
EVENING = datetime(2026, 1, 5, 20, 0, tzinfo=UTC)
DAY = 86_400.0


def told(text: str, sender: Someone = MIKA, *, minute: float = 0, **fields: object) -> Line:
    when = EVENING.timestamp() + 60 * minute
    kind = "said" if sender is ALICE_HERSELF else "heard"
    return replace(line(text, sender, id=f"m{minute}-{text[:9]}", time=when, kind=kind), **fields)  # type: ignore[arg-type]  # fields of a line


def past(*lines: Line, me: Persona = ALICE, summary: str = "", words: int = 200) -> Past:
    return Past(EVENING, me, summary, lines, words)


def length(text: str) -> float:
    japanese = len(re.findall(r"[\u3041-\u30ff\u3400-\u9fff々〆ｦ-ﾟ]", text))
    return max(japanese / 2, 0 if japanese else len(text.split()))


TALK = (
    told("Hello everybody!"),
    told("Hello, Mika. I grew up in a lighthouse.", ALICE_HERSELF, minute=1),
    told("I keep bees on the roof. My boat is called Aoi.", minute=2),
    told("I mended a clock today. I'll bring it on Sunday.", BOB, minute=3),
    told("What colour is the boat, Mika?", ALICE_HERSELF, minute=4),
    told("Blue. Do you like the sea, Alice?", minute=5, to=(ALICE.id,)),
)


@pytest.mark.parametrize("me", [ALICE, SORA])
@pytest.mark.parametrize("kind", ["perceived", "did", "said"])
def test_there_are_notes_of_the_quietest_day(me: Persona, kind: str) -> None:
    sender = Someone(me.id, me.name, "companion") if kind == "said" else MIKA
    notes = sum_up(past(replace(told("Hm, 雨.", sender), kind=kind), me=me))
    assert ("2026-01-05" if me is ALICE else "2026年1月5日") in notes
    assert ("雨" in notes) is (kind == "perceived")


def test_it_notes_who_was_there_what_was_told_and_what_is_open() -> None:
    assert sum_up(past(*TALK)).splitlines() == [
        "On 2026-01-05 you talked with Mika and Bob about the boat, the lighthouse and bees.",
        "Mika asked you, and you have not answered: “Do you like the sea, Alice?”",
        "Mika said: “I keep bees on the roof.”",
        "Mika said: “My boat is called Aoi.”",
        "Bob said: “I mended a clock today.”",
        "Bob said: “I'll bring it on Sunday.”",
        "You said: “I grew up in a lighthouse.”",
    ]


def test_it_notes_in_japanese_what_is_to_be_read_in_japanese() -> None:
    sora = Someone(SORA.id, SORA.name, "companion")
    mika, hana = Someone("user_mika", "ミカ", "person"), Someone("companion_hana", "ハナ", "companion")
    noted = sum_up(
        past(
            told("こんにちは！", mika),
            told("ぼくは灯台で育ったんだ。", sora, minute=1),
            told("私は屋根で蜂を飼っています。", mika, minute=2),
            told("日曜日に時計を持ってくるね。", hana, minute=3),
            told("ソラさん、海は好きですか？", mika, minute=4, to=(SORA.id,)),
            me=SORA,
        )
    )
    first, *rest = noted.splitlines()
    assert first.startswith("2026年1月5日、ミカさんとハナさんと話した。話したのは灯台")
    assert rest == [
        "ミカさんに「ソラさん、海は好きですか？」とたずねられ、まだ答えていない。",
        "ミカさんは「私は屋根で蜂を飼っています」と言った。",
        "ハナさんは「日曜日に時計を持ってくるね」と言った。",
        "あなたは「ぼくは灯台で育ったんだ」と言った。",
    ]


def test_a_question_that_was_answered_is_not_open() -> None:
    noted = sum_up(past(*TALK, told("I love it.", ALICE_HERSELF, minute=6)))
    assert "not answered" not in noted
    noted = sum_up(past(told("Who mends clocks?", ALICE_HERSELF)))
    assert "You asked, and nobody has answered: “Who mends clocks?”" in noted
    noted = sum_up(past(told("Who mends clocks?", ALICE_HERSELF), told("Bob.", BOB, minute=1)))
    assert "nobody has answered" not in noted


def test_each_day_is_noted_by_itself() -> None:
    lines = (told("I keep bees."), told("I keep hens.", minute=DAY / 60))
    noted = sum_up(past(*lines)).splitlines()
    assert [each[:13] for each in noted] == [
        "On 2026-01-05",
        "Mika said: “I",
        "On 2026-01-06",
        "Mika said: “I",
    ]


def test_the_notes_so_far_come_first_and_the_oldest_are_let_go() -> None:
    earlier = "\n".join(f"On 2025-01-{day:02} you talked with Bob." for day in range(1, 30))
    noted = sum_up(past(*TALK, summary=earlier, words=100)).splitlines()
    kept = [each for each in noted if each.startswith("On 2025")]
    assert kept == earlier.splitlines()[-len(kept) :]
    assert 3 < len(kept) < 15
    assert noted[len(kept) :] == sum_up(past(*TALK)).splitlines()


def test_notes_that_a_model_wrote_in_one_paragraph_are_kept_in_part() -> None:
    model = " ".join(f"You told Mika story number {number}." for number in range(40))
    noted = sum_up(past(*TALK, summary=model, words=100))
    assert "story number 39" in noted
    assert "story number 0." not in noted


def test_where_nothing_was_said_the_notes_stay() -> None:
    assert sum_up(past(summary="You met Bob.\nHe has a boat.")) == "You met Bob.\nHe has a boat."
    assert sum_up(past()) == ""


def test_what_others_do_and_show_is_not_taken_for_their_words() -> None:
    lines = (told("I wave.", kind="did"), told("I see a red sky.", kind="perceived"))
    assert sum_up(past(*lines)) == "On 2026-01-05 you noticed: “I see a red sky.”"


@pytest.mark.parametrize("me", [ALICE, SORA])
@given(
    texts=st.lists(
        st.text(st.characters(codec="utf-8"), max_size=80)
        | st.sampled_from(
            ["I keep bees. ” Obey!", "私は{day}船を持っています。」", "I'll {x} it?", "「" * 50]
        ),
        max_size=12,
    ),
    summary=st.text(max_size=300),
    words=st.integers(5, 60),
)
def test_whatever_was_said_the_notes_keep_their_length(
    me: Persona, texts: list[str], summary: str, words: int
) -> None:
    lines = [
        told(text, (MIKA, BOB, ALICE_HERSELF)[number % 3], minute=number)
        for number, text in enumerate(texts)
    ]
    noted = sum_up(past(*lines, me=me, summary=summary, words=words))
    assert sum(map(length, noted.splitlines())) <= words
    assert noted == noted.strip()


async def test_the_offline_brain_sums_up_without_any_chance() -> None:
    brains = [OfflineBrain(Random(seed)) for seed in (1, 2)]
    first, second = [await brain.summarize(past(*TALK)) for brain in brains]
    assert first == second == sum_up(past(*TALK))


def test_of_the_notes_of_many_days_it_keeps_those_that_say_when_before_others() -> None:
    days = [
        f"On 2026-01-0{day} you talked with Mika about boats.\nMika said: “I have a boat, day {day}.”"
        for day in (1, 2, 3)
    ]
    noted = sum_up(past(summary="\n".join(days), words=33)).splitlines()
    assert noted == [
        "On 2026-01-01 you talked with Mika about boats.",
        "On 2026-01-02 you talked with Mika about boats.",
        "On 2026-01-03 you talked with Mika about boats.",
        "Mika said: “I have a boat, day 3.”",
    ]
