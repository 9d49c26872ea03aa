"""A talk among companions comes to an end of itself, in stages that only go forward."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import Utterance, closing_stage, may_speak, similarity, speaking_time
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


def talk(texts: list[str], senders: str = "abc") -> list[Utterance]:
    return [Utterance(senders[i % len(senders)], text, False) for i, text in enumerate(texts)]


def varied(length: int) -> list[str]:
    return [f"{SENTENCES[i % len(SENTENCES)]} {hash((i, 'x'))}" for i in range(length)]


@given(st.lists(st.sampled_from(SENTENCES) | st.text(max_size=40), max_size=60), st.integers(2, 12))
def test_stages_only_go_forward_and_reach_the_end(texts: list[str], companions: int) -> None:
    stages = [closing_stage(talk(texts[:n]), companions) for n in range(len(texts) + 1)]
    order = [STAGES.index(stage) for stage in stages]
    assert order == sorted(order)
    assert all(after - before <= 1 for before, after in pairwise(order))
    assert closing_stage(talk(texts + varied(60)), companions) is Closing.TERMINAL


def test_a_talk_in_circles_winds_down_sooner() -> None:
    circling = talk([SENTENCES[0], SENTENCES[1]] * 4)
    assert closing_stage(circling, 3) is not Closing.NONE
    assert closing_stage(talk(SENTENCES), 3) is Closing.NONE


def test_at_the_end_everyone_says_one_farewell() -> None:
    length = next(n for n in range(80) if closing_stage(talk(varied(n)), 3) is Closing.CLOSING)
    ending = talk(varied(length))
    last = ending[-1].sender
    assert may_speak(ending, 3, last)
    ending.append(Utterance("a", "Good night!", False))
    assert not may_speak(ending, 3, "a")
    assert may_speak(ending, 3, "b")
    ending += [Utterance("b", "Bye!", False), Utterance("c", "See you.", False)]
    assert closing_stage(ending, 3) is Closing.TERMINAL
    assert not any(may_speak(ending, 3, who) for who in "abc")


def test_a_person_is_answered_and_then_left_in_peace() -> None:
    asked = [*talk(varied(50)), Utterance("user", "And you?", True)]
    assert closing_stage(asked, 2) is Closing.NONE
    assert may_speak(asked, 2, "a")
    asked.append(Utterance("a", "I am fine.", False))
    assert not may_speak(asked, 2, "a")
    assert may_speak(asked, 2, "b")
    asked.append(Utterance("b", "So am I.", False))
    assert not any(may_speak(asked, 2, who) for who in "ab")


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
