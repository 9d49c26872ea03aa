"""A talk among companions comes to an end of itself, in stages that only go forward."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import WindingDown, speaking_time
from aikyo.conversation.repetition import REPETITION
from aikyo.embeddings import load_embedder
from aikyo.wire import Closing

STAGES = list(Closing)
NONE, PRE_CLOSING, CLOSING, TERMINAL = STAGES
SENTENCES = [
    "The harbour was quiet this morning.",
    "I have been reading about old maps of the coast.",
    "Carol, do tide pools freeze over in winter?",
    "Only the shallow ones, and only at the edge.",
    "今日は図書館で古い地図を見つけました。",
    "それは面白そう。どこの地図でしたか。",
    "Bread rises slowly when the kitchen is cold.",
]
FRIENDLY_LOOPS = {
    "farewells": [
        "It was lovely talking with you about the stars tonight!",
        "I loved talking with you about the stars too!",
        "Let's talk about the stars again soon!",
        "Yes, let's talk about the stars again soon, I'm looking forward to it!",
        "I'm looking forward to it too!",
        "Me too, I can't wait to talk about the stars again!",
    ],
    "questions": [
        "I think the sea is calming. What do you think about the sea?",
        "The sea calms me as well. What do you like about it most?",
        "I like the waves most. What about you, what do you like most about the sea?",
        "For me it's the waves too, they're so calming. And what do you think of the deep sea?",
        "The deep sea is calming as well, I think. What do you like about the deep sea?",
        "I like that the deep sea is so calm. What do you think about the waves?",
    ],
    "agreement": [
        "We should protect the old forest.",
        "I agree, the old forest must be protected.",
        "Absolutely, protecting the forest matters.",
        "Yes, it really matters that we protect the old forest.",
        "Exactly! The forest deserves our protection.",
        "I couldn't agree more, we must protect the forest.",
    ],
    "japanese": [
        "星の話ができてうれしかったです。",
        "私も星の話ができて本当にうれしかったです。",
        "また星の話をしましょうね。",
        "ええ、ぜひまた星の話をしましょう。",
        "楽しみにしていますね。",
        "私も楽しみにしています。",
    ],
}

stage_lists = st.lists(st.sampled_from(STAGES), max_size=8)
heard = st.tuples(
    st.sampled_from(["a", "b", "c", "user_mika"]),
    st.sampled_from(SENTENCES) | st.text(max_size=40),
    st.integers(1, 12),
    stage_lists,
)


def varied(number: int) -> str:
    return f"{chr(0x4E00 + number * 7)}{chr(0x5E00 + number * 11)}{chr(0x6E00 + number * 13)}" * 5


def say(talk: WindingDown, number: int, text: str = "", companions: int = 3, sender: str = "") -> None:
    """The talk's message of that number: by each in turn, unlike the others, unless told otherwise."""
    sender = sender or chr(ord("a") + number % companions)
    talk.hear(sender, text or varied(number), by_person=False, companions=companions)


def half_new(number: int) -> str:
    """A message half of which is the same for every number."""
    return varied(100)[:3] + varied(101)[:3] + varied(number)[:3] + varied(number + 50)[:2]


def stages(texts: Sequence[str], companions: int) -> list[Closing]:
    talk, found = WindingDown(), []
    for number, text in enumerate(texts):
        found.append(talk.stage)
        say(talk, number, text, companions)
    return [*found, talk.stage]


def talk_until(stage: Closing) -> WindingDown:
    talk = WindingDown()
    for number in range(100):
        if talk.stage is stage:
            return talk
        say(talk, number)
    raise AssertionError(f"it never came to {stage}")


def may_speak(talk: WindingDown) -> list[bool]:
    return [not talk.refusal(who) for who in "abc"]


@given(st.lists(st.sampled_from(SENTENCES) | st.text(max_size=40), max_size=60), st.integers(2, 12))
def test_stages_only_go_forward_one_by_one_and_reach_the_end(texts: list[str], companions: int) -> None:
    found = stages(texts + [varied(n) for n in range(60)], companions)
    order = [STAGES.index(stage) for stage in found]
    assert all(0 <= after - before <= 1 for before, after in pairwise(order))
    assert found[-1] is TERMINAL


@given(st.lists(heard, max_size=60))
def test_stages_go_forward_whatever_is_heard_until_a_person_speaks(
    messages: list[tuple[str, str, int, list[Closing]]],
) -> None:
    talk, before, with_person = WindingDown(), 0, False
    for sender, text, companions, others in messages:
        by_person = sender == "user_mika"
        with_person |= by_person
        talk.hear(sender, text, by_person=by_person, companions=companions)
        for _ in range(2):
            now = STAGES.index(talk.stage)
            assert now == 0 if with_person else 0 <= now - before <= 1
            before = now
            talk.hear_stages(others)
        before = STAGES.index(talk.stage)
        assert not (talk.change_topic and before)


def test_a_talk_that_circles_is_first_given_another_topic_and_then_closed() -> None:
    talk, found = WindingDown(), []
    for number in range(7):
        say(talk, number, SENTENCES[number % 2])
        found.append((talk.change_topic, talk.stage))
    assert found[3:7] == [(True, NONE), (False, PRE_CLOSING), (False, CLOSING), (False, CLOSING)]
    assert found[:3] == [(False, NONE)] * 3
    assert talk.has_circled


def test_a_talk_that_takes_up_another_topic_goes_on() -> None:
    talk = WindingDown()
    for number in range(4):
        say(talk, number, SENTENCES[number % 2])
    assert talk.change_topic
    for number in range(4, 19):
        say(talk, number)
        assert (talk.change_topic, talk.stage) == (False, NONE)


def test_a_circle_long_after_the_last_one_is_given_another_topic_again() -> None:
    talk = WindingDown()
    for number in range(24):
        is_again = number in {7, 21}
        say(talk, number, varied(number - 1) if is_again else "", 5)
        assert talk.change_topic is is_again
        assert talk.stage is NONE


def test_companions_that_say_much_the_same_for_long_are_noticed() -> None:
    talk = WindingDown()
    for number in range(6):
        say(talk, number, half_new(number), 2)
        assert talk.repeats < REPETITION
        assert talk.change_topic is (number == 5)
    for number in range(6, 10):  # what was said before is no part of the next circle
        say(talk, number, half_new(number) if number == 6 else "", 2)
        assert (talk.change_topic, talk.stage) == (False, NONE)


@pytest.mark.parametrize("loop", FRIENDLY_LOOPS.values(), ids=FRIENDLY_LOOPS.keys())
def test_companions_that_only_please_each_other_are_noticed(loop: list[str]) -> None:
    talk, wanted = WindingDown(load_embedder()), False
    for number, text in enumerate(loop):
        say(talk, number, text, 2)
        wanted |= talk.change_topic
    assert wanted


def test_greetings_are_no_circle() -> None:
    talk = WindingDown(load_embedder())
    for number, text in enumerate(["Hello!", "Hello, everybody!", "Hello, Alice!"]):
        say(talk, number, text)
        assert not talk.change_topic


def test_talk_that_goes_on_is_no_circle() -> None:
    for embed in (None, load_embedder()):
        talk = WindingDown(embed)
        for number, text in enumerate(SENTENCES):
            say(talk, number, text)
            assert not talk.change_topic


def test_two_that_talk_past_the_others_circle() -> None:
    talk, alone = WindingDown(), WindingDown()
    found = []
    for number in range(16):
        say(talk, number, sender="ab"[number % 2], companions=4)
        say(alone, number, sender="ab"[number % 2], companions=2)
        found.append(talk.change_topic)
        assert not alone.change_topic
    assert [number for number, wanted in enumerate(found) if wanted] == [7]
    assert talk.stage is PRE_CLOSING


def test_a_third_voice_breaks_the_loop_of_two() -> None:
    talk = WindingDown()
    for number in range(18):
        say(talk, number, sender="ab"[number % 2] if number % 6 else "c", companions=4)
        assert not talk.change_topic


def test_one_who_missed_messages_follows_the_others_a_stage_at_a_time() -> None:
    talk, found = WindingDown(), []
    for number in range(2):
        say(talk, number)
        found.append(talk.stage)
        for _ in range(3):  # however often it is told for one message
            talk.hear_stages([TERMINAL, TERMINAL, NONE])
        found.append(talk.stage)
    assert found == [NONE, PRE_CLOSING, CLOSING, TERMINAL]


@pytest.mark.parametrize("others", [[TERMINAL], [TERMINAL, NONE], [NONE, NONE, TERMINAL, CLOSING], []])
def test_one_alone_cannot_close_a_talk_nor_can_a_minority(others: list[Closing]) -> None:
    talk = WindingDown()
    for number in range(10):
        say(talk, number)
        talk.hear_stages(others)
        assert talk.stage is NONE


def test_companions_cannot_close_a_talk_with_a_person() -> None:
    talk = WindingDown()
    talk.hear("user_mika", "Hello?", by_person=True, companions=3)
    talk.hear_stages([TERMINAL, TERMINAL])
    say(talk, 1)
    talk.hear_stages([TERMINAL, TERMINAL])
    assert talk.stage is NONE


def test_at_the_end_everyone_says_one_farewell() -> None:
    talk = talk_until(CLOSING)
    assert may_speak(talk) == [True, True, True]
    say(talk, 0, "Good night!", sender="a")
    assert talk.refusal("a") == "closed"
    assert may_speak(talk) == [False, True, True]
    say(talk, 1, "Bye!", sender="b")
    say(talk, 2, "See you.", sender="c")
    assert talk.stage is TERMINAL
    assert [talk.refusal(who) for who in "abc"] == ["closed"] * 3


def test_in_a_crowd_not_everybody_says_goodbye() -> None:
    talk, farewells = WindingDown(), 0
    for number in range(100):
        farewells += talk.stage is CLOSING
        say(talk, number, companions=12)
    assert farewells == 8
    assert talk.refusal("somebody") == "closed"


def test_a_newcomer_does_not_open_a_closed_talk() -> None:
    talk = talk_until(TERMINAL)
    say(talk, 99, companions=8)
    assert talk.stage is TERMINAL


def test_a_person_is_answered_once_by_each_and_then_left_in_peace() -> None:
    talk = talk_until(CLOSING)
    talk.hear("user", "And you?", by_person=True, companions=3)
    assert talk.stage is NONE
    for who in "abc":
        assert not talk.refusal(who)
        talk.hear(who, f"{who} is fine.", by_person=False, companions=3)
        assert talk.refusal(who) == "had-say"
    talk.hear("user", "Good.", by_person=True, companions=3)
    assert may_speak(talk) == [True, True, True]


def test_the_topic_is_a_persons_to_choose() -> None:
    talk = WindingDown()
    for number in range(4):
        say(talk, number, SENTENCES[number % 2])
    assert talk.change_topic
    talk.hear("user", SENTENCES[0], by_person=True, companions=3)
    assert talk.repeats == 1.0
    assert not talk.change_topic


@pytest.mark.parametrize("text_of", [half_new, varied], ids=["much the same", "two alone"])
def test_what_came_before_a_persons_word_is_no_part_of_a_circle(text_of: Callable[[int], str]) -> None:
    talk, before = WindingDown(), 5 if text_of is half_new else 7
    for number in range(before + 3):
        if number == before:
            talk.hear("user", varied(70), by_person=True, companions=3)
        say(talk, number, text_of(number), sender="ab"[number % 2])
        assert not talk.change_topic


def test_whoever_is_chosen_by_another_answers_more_than_once_but_not_for_ever() -> None:
    talk, answered = WindingDown(), 0
    talk.hear("user_mika", varied(0), by_person=True, companions=2)
    while not talk.refusal("a", chosen=True):
        talk.hear("ab"[answered % 2], varied(answered + 1), by_person=False, companions=2)
        assert talk.refusal("a") == "had-say"
        answered += 1
    assert 2 < answered <= 40
    talk.hear("user_mika", varied(99), by_person=True, companions=2)
    assert not talk.refusal("a", chosen=True)


def test_whoever_is_chosen_stops_when_the_talk_circles() -> None:
    talk, answered = WindingDown(), 0
    talk.hear("user_mika", varied(0), by_person=True, companions=2)
    while not talk.refusal("a", chosen=True):
        talk.hear("ab"[answered % 2], SENTENCES[answered % 2], by_person=False, companions=2)
        answered += 1
    assert answered == 4


def test_a_talk_however_long_takes_little_time_and_room() -> None:
    talk, rng = WindingDown(), random.Random(1)
    talk.hear("user", "Talk!", by_person=True, companions=3)
    began = time.process_time()
    for number in range(2000):
        talk.hear(f"{number}", rng.randbytes(400).hex(), by_person=False, companions=3)
    assert time.process_time() - began < 10.0
    kept = [value for value in vars(talk).values() if hasattr(value, "__len__")]
    assert sum(len(value) for value in kept) < 400
    assert sum(map(sys.getsizeof, kept)) < 50_000


@given(st.text(max_size=2000))
def test_a_pause_is_never_long(text: str) -> None:
    assert 1 <= speaking_time(text) <= 6
