"""The offline brain's languages: what it hears in a text, and how its phrases become sentences."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain import Line, Moment, Someone
from aikyo.brain.offline.book import Cue, load_book
from aikyo.brain.offline.habits import Habits, alike
from aikyo.brain.offline.language import tongue_named, tongues
from aikyo.brain.offline.phrasing import core_of, fill, slots_of, tidy
from aikyo.brain.offline.reading import Reading, cues_in, read
from aikyo.brain.offline.tongue import Tongue
from tests.support.talkers import persona

ENGLISH, JAPANESE = tongue_named("en"), tongue_named("ja-JP")
BOOKS = (load_book("en"), load_book("ja"))
SLOTS = {
    *("me", "i", "you", "hello", "name", "topic", "interest", "interest2"),
    *("who", "what", "when", "quote", "clock", "names", "answer", "goodbye", "late", "said", "why"),
}
NOW = datetime(2026, 1, 5, 20, 5, tzinfo=UTC)
BOB = Someone("companion_bob", "Bob", "companion")
MIKA = Someone("user_mika", "mika", "person")


def surest(tongue: Tongue, text: str) -> str:
    """How one would refer to what `text` is about."""
    topics = tongue.topics(text)
    return tongue.refer(topics[0]) if topics else ""


def reading(text: str, tongue: Tongue, sender: Someone) -> Reading:
    said = Line("m-1", sender.id, sender.name, text, NOW.timestamp())
    me = persona("alice" if tongue is ENGLISH else "hina")
    return read(Moment(NOW, me, (BOB, MIKA), said, recent=(said,)), tongue)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("I saw a whale from the ferry today!", "that whale"),
        ("My grandmother kept a lighthouse.", "your grandmother"),
        ("What is the capital of France?", "the capital of France"),
        ("I have been learning to play the violin.", "the violin"),
        ("We saw penguins at the zoo.", "penguins"),
        ("Do you know about clock repair?", "clock repair"),
        ("Yesterday was really good.", ""),
        ("The station has a polite one.", "the station"),
        ("She told me that it went wrong.", ""),
    ],
)
def test_hears_what_english_is_about(text: str, topic: str) -> None:
    assert surest(ENGLISH, text) == topic


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("昨日、海で大きな鯨を見ました。", "鯨"),
        ("うちの猫が逃げた。", "猫"),
        ("ピアノを習い始めました。", "ピアノ"),
        ("フランスの首都はどこですか？", "フランスの首都"),
        ("数学の試験がつらい。", "数学の試験"),
        ("角を曲がるのはどきどきする。", "角"),
        ("それはよかったですね。", ""),
        ("三日も待っていたんだよ。", ""),
    ],
)
def test_hears_what_japanese_is_about(text: str, topic: str) -> None:
    assert surest(JAPANESE, text) == topic


def test_notices_its_own_interests_by_any_form_of_their_words() -> None:
    assert "chess by post" in [
        t.words for t in ENGLISH.topics("Chess is played by post.", ("chess by post",))
    ]
    assert "路地の猫" in [t.words for t in JAPANESE.topics("路地の猫を見た。", ("路地の猫",))]


def test_speaks_of_what_others_own_as_theirs() -> None:
    boat = ENGLISH.topics("I painted my boat.")[0]
    assert ENGLISH.refer(boat) == "your boat"
    assert ENGLISH.refer(boat, owner="Bob") == "Bob's boat"
    assert ENGLISH.refer(boat, owner="*") == "their boat"
    assert ENGLISH.refer(ENGLISH.topics("I like your boat.")[0], to_me=True) == "my boat"


@pytest.mark.parametrize("tongue", tongues(), ids=["en", "ja"])
def test_what_one_says_anyway_is_never_a_topic(tongue: Tongue) -> None:
    for field in tongue.book.fields.values():
        for say in field.says:
            for polite in (True, False):
                remark = fill(say, {}, Random(1), polite=polite)
                assert tongue.topics(tongue.without_remarks(remark)) == ()
    for act in ("agree", "ask_person", "wind_down", "unknown", "opinion_plain"):
        for phrase in tongue.book.phrases[act]:
            slots = dict.fromkeys(SLOTS, "")
            for polite in (True, False):
                assert tongue.topics(fill(phrase, slots, Random(1), polite=polite)) == (), phrase


def test_both_books_tell_the_same() -> None:
    english, japanese = BOOKS
    for part in ("phrases", "cues", "orders", "params", "gestures", "moods", "fields", "words"):
        ours, theirs = set(getattr(english, part)), set(getattr(japanese, part))
        assert part == "words" or ours == theirs
        assert part != "words" or theirs <= ours
    assert set(english.cues) == set(Cue)


@pytest.mark.parametrize("book", BOOKS, ids=["en", "ja"])
def test_every_phrase_can_be_filled(book: object) -> None:
    assert isinstance(book, type(BOOKS[0]))
    for act, phrases in book.phrases.items():
        for phrase in phrases:
            assert slots_of(phrase) <= SLOTS, (act, phrase)
            for polite, seed in itertools.product((True, False), range(3)):
                text = fill(phrase, dict.fromkeys(SLOTS, "x"), Random(seed), polite=polite)
                assert not re.search(r"[\[\]{}<>|/]", text), (act, text)
                assert not re.search(r"[,.!?。、！？]{2,}|\s\s", text.replace("...", "…")), (act, text)


@pytest.mark.parametrize("tongue", tongues(), ids=["en", "ja"])
@pytest.mark.parametrize("act", ["ask", "ask_person", "hand_over"])
def test_what_it_asks_it_can_answer(act: str, tongue: Tongue) -> None:
    slots = {"topic": "ラムネ" if tongue is JAPANESE else "tide pools", "you": "そちら"}
    slots["name"] = "ひな" if tongue is JAPANESE else "Alice"
    for phrase in tongue.book.phrases[act]:
        for seed, polite in itertools.product(range(6), (True, False)):
            text = fill(phrase, slots, Random(seed), polite=polite)
            heard = reading(text, tongue, BOB)
            assert not heard.question or heard.cues, text


@pytest.mark.parametrize("tongue", tongues(), ids=["en", "ja"])
@pytest.mark.parametrize("act", ["farewell", "farewell_one", "last_word"])
def test_its_farewells_are_heard_as_farewells(act: str, tongue: Tongue) -> None:
    goodbyes = (fill(tongue.word(f"goodbye_{part}"), {}, Random(1)) for part in ("day", "evening"))
    for phrase, goodbye in itertools.product(tongue.book.phrases[act], goodbyes):
        for seed, polite in itertools.product(range(9), (True, False)):
            slots = dict.fromkeys(SLOTS, "x") | {"goodbye": goodbye}
            text = fill(phrase, slots, Random(seed), polite=polite)
            assert Cue.FAREWELL in cues_in(text, tongue), text


def test_companions_who_wonder_aloud_ask_nothing() -> None:
    assert not reading("Honestly? I like it.", ENGLISH, BOB).question
    assert not reading("What I know would fit in a thimble.", ENGLISH, BOB).question
    assert reading("Honestly? I like it. Do you?", ENGLISH, BOB).question


def test_people_are_answered_wherever_they_ask() -> None:
    assert reading("What time is it? I forgot my watch.", ENGLISH, MIKA).question
    assert reading("what time is it", ENGLISH, MIKA).question
    assert reading("今、何時ですか。時計を忘れました。", JAPANESE, MIKA).question


def test_a_figure_of_speech_of_a_companion_is_no_feeling() -> None:
    assert Cue.HIGH in reading("I am glad today!", ENGLISH, MIKA).cues
    assert Cue.HIGH not in reading("I'm glad you did.", ENGLISH, BOB).cues


def test_fills_choices_registers_and_slots() -> None:
    phrase = "{Topic}<です/だよ>[。|！]"
    polite = {fill(phrase, {"topic": "海"}, Random(seed)) for seed in range(9)}
    assert polite == {"海です。", "海です！"}
    assert fill("{Topic}, [then].", {"topic": "tide"}, Random(1), polite=False) == "Tide, then."


@given(st.text(max_size=40))
def test_what_is_filled_in_is_never_taken_for_a_template(text: str) -> None:
    filled = fill("a{topic}b", {"topic": text}, Random(1))
    assert filled == tidy(f"a{text}b")


@pytest.mark.parametrize(
    ("rough", "smooth"),
    [
        ("what is it?.", "What is it?"),
        ("yes!. And no..", "Yes! And no."),
        ("well... no", "Well... no"),
        ("“more soon.”.", "“more soon.”"),
        ("雨ですか？。", "雨ですか？"),
    ],
)
def test_tidies_the_edges(rough: str, smooth: str) -> None:
    assert tidy(rough) == smooth


def test_the_core_of_a_phrase_is_what_stays_the_same() -> None:
    assert core_of("[Oh|Ah], I came for {interest} and stayed for {topic}.") == "and stayed for"


def test_alike_is_1_for_the_same_and_little_for_others() -> None:
    text = "There's a crab in the third tide pool."
    assert alike(text, [text.upper()]) == 1
    assert alike(text, ["The moon pulls the tide and, I suspect, the dough."]) < 0.2
    assert alike("Bye!", ["Bye, all!"]) == 0
    assert alike(text, []) == 0


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=4))
def test_alike_stays_within_bounds(text: str, others: list[str]) -> None:
    assert 0 <= alike(text, others) <= 1


@given(st.integers(1, 9), st.integers(0, 99))
def test_a_bag_gives_everything_once_before_anything_twice(size: int, seed: int) -> None:
    habits, random = Habits(), Random(seed)
    choices = [str(number) for number in range(size)]
    for _ in range(3):
        assert sorted(habits.pick("bag", choices, random) for _ in choices) == choices
