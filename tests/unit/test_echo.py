"""What says again what memory had brought up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.companion.remembering import OwnWords, repeats

NAMES = ("Mika", "ミカ", "Alice")
TOFU = "Mika has a cat called Tofu."
TOFU_JA = "ミカはトーフという猫を飼っている。"


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (TOFU, "You told me on Tuesday that your cat is called Tofu."),
        (TOFU, "How is Tofu? I do hope that your cat eats again."),
        (TOFU, "TOFU THE CAT! Of course."),
        (TOFU_JA, "ミカさんの猫、トーフっていうんですよね。"),
        (TOFU_JA, "トーフちゃんは元気ですか？　猫は寒がりですから。"),
        ("Mika lives in Osaka.", "So you live in Osaka, don't you?"),
        ("ミカは大阪に住んでいる。", "大阪にお住まいでしたよね。"),
        ("Mika is vegan.", "Since you're vegan, I left the eggs out."),
        ("Alice loves the sea.", "I love the sea, as I keep saying."),
    ],
)
def test_what_was_known_is_known_again(known: str, text: str) -> None:
    assert repeats(text, [known], names=NAMES)


@pytest.mark.parametrize(
    ("known", "text"),
    [
        (TOFU, "What a fine morning it is."),
        (TOFU, "My dog is called Rex."),
        (TOFU, "Mika, what are you up to?"),
        (TOFU_JA, "今日はいい天気ですね。"),
        (TOFU_JA, "うちの犬はポチといいます。"),
        ("Mika lives in Osaka.", "I would rather live in Kyoto."),
        ("Mika plays the piano on Sundays.", "On Sundays I clean my room."),
        ("", "Anything at all."),
        (TOFU, ""),
        (TOFU, "…!?"),
    ],
)
def test_other_things_are_no_echo(known: str, text: str) -> None:
    assert not repeats(text, [known], names=NAMES)


def test_one_sentence_of_a_longer_line_is_enough_but_a_few_words_are_not() -> None:
    said = "Hello there! I left my umbrella at the lighthouse. See you."
    assert repeats("Your umbrella? You left it at the lighthouse.", said=[said])
    assert not repeats("Hello! See you at the lighthouse.", said=[said])


def test_names_alone_are_no_echo() -> None:
    assert not repeats("Mika and Alice!", ["Mika knows Alice."], names=NAMES)


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_can_be_compared(one: str, other: str) -> None:
    assert repeats(one, [other], [other]) in {True, False}


def test_another_companion_that_repeats_us_tells_nothing_new() -> None:
    own = OwnWords()
    own.add("Mika has a cat called Tofu, you know.")
    assert own.are_in("A cat called Tofu, really?", by_person=False)
    assert not own.are_in("I have a cat called Tofu as well.", by_person=False)  # of itself
    assert not own.are_in("She sings in a choir.", by_person=False)


def test_a_person_who_says_the_same_confirms_it_but_not_word_for_word() -> None:
    own = OwnWords()
    own.add("The library closes at five.")
    assert not own.are_in("Yes, the library closes at five.", by_person=True)
    assert own.are_in("the library closes at five!", by_person=True)
    own.forget()
    assert not own.are_in("The library closes at five.", by_person=True)


@pytest.mark.parametrize(
    ("own", "theirs"),
    [
        ("I love ramen!", "I love ramen."),
        ("僕はラーメンが好き。", "僕はラーメンが好き！"),
        ("ラーメンが好き？", "ラーメンが好き。"),
        ("Born in Osaka?", "Born in Osaka."),
    ],
)
def test_what_a_person_tells_of_themselves_or_answers_is_no_echo(own: str, theirs: str) -> None:
    words = OwnWords()
    words.add(own)
    assert not words.are_in(theirs, by_person=True)


def test_only_the_latest_of_ones_own_words_are_kept() -> None:
    own = OwnWords()
    for number in range(1_000):
        own.add(f"Number {number} is a lighthouse {number}.")
    assert own.are_in("Number 999 is a lighthouse 999.", by_person=True)
    assert not own.are_in("Number 1 is a lighthouse 1.", by_person=True)
