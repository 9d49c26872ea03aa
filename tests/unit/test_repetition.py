"""What says again what was said, and what only goes on, in both languages."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import Embed, similarity
from aikyo.conversation.repetition import REPETITION, Repetition
from aikyo.embeddings import load_embedder

PAIRS = Path(__file__).parents[2] / "benchmarks" / "repetition_pairs.txt"
REPEATING = {"same", "paraphrase", "question", "echo"}
SENTENCES = [
    "The harbour was quiet this morning.",
    "I have been reading about old maps of the coast.",
    "今日は図書館で古い地図を見つけました。",
    "それは面白そう。どこの地図でしたか。",
]

any_text = st.text(st.characters(exclude_categories=()), max_size=60) | st.sampled_from(SENTENCES)


def pairs(language: str) -> Iterator[tuple[bool, str, str]]:
    """Of each labelled pair of a language: whether it repeats, and its two texts."""
    for line in PAIRS.read_text(encoding="utf-8").splitlines():
        if line.count("|") == 2 and not line.startswith("#"):
            kind, one, other = (part.strip() for part in line.split("|"))
            if one.isascii() == (language == "en"):
                yield kind in REPEATING, one, other


@pytest.fixture(params=["letters", "sense"])
def embed(request: pytest.FixtureRequest) -> Embed | None:
    return load_embedder() if request.param == "sense" else None


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_labelled_pairs_are_told_apart(language: str, embed: Embed | None) -> None:
    told: dict[bool, list[bool]] = {True: [], False: []}
    for repeats, one, other in pairs(language):
        told[repeats].append(similarity(one, other, embed) >= REPETITION)
    assert min(map(len, told.values())) >= 30
    assert sum(told[True]) / len(told[True]) > (0.9 if embed else 0.85)
    assert sum(told[False]) / len(told[False]) < (0.05 if embed else 0.1)


def test_sense_tells_a_paraphrase_that_letters_miss() -> None:
    one = "I found an old map of the coast in the library."
    other = "In the library I came across an old coast map."
    assert similarity(one, other) < REPETITION <= similarity(one, other, load_embedder())


def test_the_same_two_questions_in_turn_repeat() -> None:
    talk = Repetition()
    questions = ["What kind of music do you like?", "Have you ever been to the mountains in winter?"]
    heard = [talk.hear(text) for text in questions * 2]
    assert [repeats >= REPETITION for repeats in heard] == [False, False, True, True]


def test_what_was_said_long_ago_may_be_said_again() -> None:
    talk, others = Repetition(), [chr(0x4E00 + 5 * number) * 8 for number in range(12)]
    talk.hear(SENTENCES[0])
    assert all(talk.hear(text) < REPETITION for text in others)
    assert talk.hear(SENTENCES[0]) < REPETITION


@given(any_text, any_text)
def test_similarity_is_symmetric_and_bounded(one: str, other: str) -> None:
    for embed in (None, load_embedder()):
        found = similarity(one, other, embed)
        assert found == similarity(other, one, embed)
        assert 0 <= found <= 1


@given(any_text)
def test_every_text_with_letters_is_the_same_as_itself(text: str) -> None:
    has_letters = any(character.isalnum() for character in text)
    assert similarity(text, text) == (1.0 if has_letters else 0.0)


def test_where_the_sense_of_one_is_not_known_letters_alone_count() -> None:
    known = iter([(1.0, 0.0), ()])
    talk = Repetition(lambda _: next(known))
    assert talk.hear(SENTENCES[0]) == 0.0
    assert talk.hear(SENTENCES[0]) == 1.0
    assert similarity(*SENTENCES[:2], lambda _: ()) == similarity(*SENTENCES[:2]) > 0


def test_writing_does_not_matter() -> None:
    assert similarity("The SEA is calm!", "the sea is calm") == 1.0
    assert similarity("ＡＢＣの歌、ﾗｼﾞｵ", "ABCの歌 ラジオ") == 1.0


def test_no_text_takes_long_or_much_room() -> None:
    seen: list[int] = []

    def embed(text: str) -> list[float]:
        seen.append(len(text))
        return [1.0]

    rng = random.Random(1)
    widest = "\ufdfa" * 16384  # one character that stands for eighteen
    mixed = "".join(chr(rng.randrange(0x3040, 0x9FFF)) for _ in range(16384))
    talk, began = Repetition(embed), time.process_time()
    for text in [widest, mixed, "a" * 16384] * 10:
        talk.hear(text)
    assert time.process_time() - began < 5.0
    assert max(seen) <= 300
    assert all(len(said.content | said.grammar) <= 6000 for said in talk._latest)
