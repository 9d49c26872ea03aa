"""A talk among companions comes to an end of itself, in stages that only go forward."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import WindingDown, similarity, speaking_time
from aikyo.wire import Closing

STAGES = list(Closing)
SENTENCES = [
    "The harbour was quiet this morning.",
    "I have been reading about old maps of the coast.",
    "Carol, do tide pools freeze over in winter?",
    "Only the shallow ones, and only at the edge.",
    "今日は図書館で古い地図を見つけました。",
    "それは面白そう。どこの地図でしたか。",
    "Bread rises slowly when the kitchen is cold.",
]


def varied(number: int) -> str:
    return f"{chr(0x4E00 + number * 7)}{chr(0x5E00 + number * 11)}{chr(0x6E00 + number * 13)}" * 5


def stages(texts: Sequence[str], companions: int) -> list[Closing]:
    talk, found = WindingDown(), []
    for index, text in enumerate(texts):
        found.append(talk.stage(companions))
        talk.hear("abc"[index % 3], text, by_person=False, companions=companions)
    return [*found, talk.stage(companions)]


def talk_until(stage: Closing) -> WindingDown:
    talk = WindingDown()
    for index in range(100):
        if talk.stage(3) is stage:
            return talk
        talk.hear("abc"[index % 3], varied(index), by_person=False, companions=3)
    raise AssertionError(f"it never came to {stage}")


@given(st.lists(st.sampled_from(SENTENCES) | st.text(max_size=40), max_size=60), st.integers(2, 12))
def test_stages_only_go_forward_and_reach_the_end(texts: list[str], companions: int) -> None:
    found = stages(texts + [varied(n) for n in range(60)], companions)
    order = [STAGES.index(stage) for stage in found]
    assert all(0 <= after - before <= 1 for before, after in pairwise(order))
    assert found[-1] is Closing.TERMINAL


def test_a_talk_in_circles_winds_down_sooner() -> None:
    assert stages([SENTENCES[0], SENTENCES[1]] * 4, 3)[-1] is not Closing.NONE
    assert stages(SENTENCES, 3)[-1] is Closing.NONE


def test_at_the_end_everyone_says_one_farewell() -> None:
    talk = talk_until(Closing.CLOSING)
    assert all(talk.may_speak(who, 3) for who in "abc")
    talk.hear("a", "Good night!", by_person=False, companions=3)
    assert [talk.may_speak(who, 3) for who in "abc"] == [False, True, True]
    talk.hear("b", "Bye!", by_person=False, companions=3)
    talk.hear("c", "See you.", by_person=False, companions=3)
    assert talk.stage(3) is Closing.TERMINAL
    assert not any(talk.may_speak(who, 3) for who in "abc")


def test_a_person_is_answered_once_by_each_and_then_left_in_peace() -> None:
    talk = talk_until(Closing.CLOSING)
    talk.hear("user", "And you?", by_person=True, companions=3)
    assert talk.stage(3) is Closing.NONE
    for who in "abc":
        assert talk.may_speak(who, 3)
        talk.hear(who, f"{who} is fine.", by_person=False, companions=3)
        assert not talk.may_speak(who, 3)
    talk.hear("user", "Good.", by_person=True, companions=3)
    assert all(talk.may_speak(who, 3) for who in "abc")


@given(st.text(), st.text())
def test_similarity_is_symmetric_and_bounded(one: str, other: str) -> None:
    assert similarity(one, other) == similarity(other, one)
    assert 0 <= similarity(one, other) <= 1


def test_similarity_knows_the_same_from_the_different_in_both_languages() -> None:
    assert similarity("The sea is calm today.", "the sea is calm today!") == 1
    assert similarity("今日は海が静かです。", "今日は海が静かですね。") > 0.6
    assert similarity(SENTENCES[0], SENTENCES[1]) < 0.2
    assert similarity(SENTENCES[4], SENTENCES[5]) < 0.2


@given(st.text(max_size=2000))
def test_a_pause_is_never_long(text: str) -> None:
    assert 1 <= speaking_time(text) <= 6


def test_whoever_is_chosen_by_another_answers_more_than_once_but_not_for_ever() -> None:
    talk, answered = WindingDown(), 0
    talk.hear("user_mika", varied(0), by_person=True, companions=2)
    while talk.may_speak("a", 2, chosen=True):
        talk.hear("ab"[answered % 2], varied(answered + 1), by_person=False, companions=2)
        assert not talk.may_speak("a", 2)
        answered += 1
    assert 2 < answered <= 40
    talk.hear("user_mika", varied(99), by_person=True, companions=2)
    assert talk.may_speak("a", 2, chosen=True)
