"""Facts are found again by what is meant, and it is told which way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.memory import Fact, FactKind, MemoryFile
from aikyo.memory.facts import DAY
from aikyo.memory.facts.lexicon import lexicon
from tests.support.memories import entry

T = 1_800_000_000.0

FACTS: list[tuple[str, FactKind, str]] = [
    ("user_mika", "place", "Mika lives in a flat in Yokohama."),
    ("user_mika", "work", "Mika is a night nurse."),
    ("user_mika", "possession", "Mika has a grey cat called Tofu."),
    ("user_mika", "preference", "Mika loves spicy ramen."),
    ("user_ken", "place", "Ken lives in Osaka."),
    ("user_ken", "possession", "Ken keeps two goldfish."),
    ("user_ken", "event", "Ken told Mika of his trip to Rome."),
    ("user_yui", "possession", "結衣は柴犬を飼っている。"),
    ("user_yui", "work", "結衣は学校で数学を教えている。"),
    ("user_yui", "habit", "結衣は毎朝、川沿いを走る。"),
]


@pytest.fixture(scope="module")
def memory() -> Iterator[MemoryFile]:
    with MemoryFile.in_ram() as file:
        for who, name in (("user_mika", "Mika"), ("user_ken", "Ken"), ("user_yui", "結衣")):
            file.append(entry("hello", sender=who, name=name))
        for number, (about, kind, text) in enumerate(FACTS):
            fact = Fact(number=0, uid=f"u{number}", text=text, about=about, kind=kind, confirmed=T)
            assert file.facts.put(fact)
        yield file


def first(memory: MemoryFile, query: str) -> str:
    return memory.facts.recall(query, 1)[0].fact.text


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("What is Mika's pet?", "Mika has a grey cat called Tofu."),
        ("What is Mika's job?", "Mika is a night nurse."),
        ("Where is Mika's home?", "Mika lives in a flat in Yokohama."),
        ("What is Mika's favourite dish?", "Mika loves spicy ramen."),
        ("Who was in Rome?", "Ken told Mika of his trip to Rome."),
        ("What animals does Ken have?", "Ken keeps two goldfish."),
        ("結衣のペットは？", "結衣は柴犬を飼っている。"),
        ("結衣の職業は？", "結衣は学校で数学を教えている。"),
        ("結衣はどんな運動をしている？", "結衣は毎朝、川沿いを走る。"),
    ],
)
def test_a_question_in_other_words_finds_its_fact(memory: MemoryFile, query: str, text: str) -> None:
    assert first(memory, query) == text


def test_a_hit_tells_which_ways_found_it_and_their_sum_is_its_score(memory: MemoryFile) -> None:
    for hit in memory.facts.recall("What is the name of Mika's cat?", 5, now=T):
        assert hit.score == pytest.approx(sum(hit.ways.values()))
    best = memory.facts.recall("What is the name of Mika's cat?", 1, now=T)[0]
    assert {"name", "words", "concepts", "sense", "strength"} <= set(best.ways)


def test_recall_is_deterministic_and_equal_ones_come_latest_first(memory: MemoryFile) -> None:
    query = "Who lives where?"
    assert memory.facts.recall(query, 9) == memory.facts.recall(query, 9)
    with MemoryFile.in_ram() as other:
        for uid in "abc":
            other.facts.put(Fact(number=0, uid=uid, text="Tom likes tea.", about=uid, confirmed=T))
        assert [hit.fact.uid for hit in other.facts.recall("tea")] == ["c", "b", "a"]


def test_only_those_about_somebody_or_of_a_level_can_be_asked_for(memory: MemoryFile) -> None:
    hits = memory.facts.recall("where is home", 9, about="user_ken")
    assert {hit.fact.about for hit in hits} == {"user_ken"}
    assert memory.facts.recall("where is home", 9, about="user_nobody") == ()
    assert memory.facts.recall("where is home", 9, level="reflection") == ()


def test_what_has_ended_is_found_only_when_asked_for() -> None:
    with MemoryFile.in_ram() as memory:
        memory.facts.put(Fact(number=0, uid="a", text="Tom lives in Leeds.", ended=T))
        assert memory.facts.recall("Leeds") == ()
        assert [hit.fact.uid for hit in memory.facts.recall("Leeds", ended=True)] == ["a"]


def test_what_has_faded_comes_after_what_has_not() -> None:
    with MemoryFile.in_ram() as memory:
        for uid, confirmed in (("new", T), ("old", T - 300 * DAY)):
            memory.facts.put(
                Fact(
                    number=0,
                    uid=uid,
                    text="Tom finds rain cosy.",
                    about=uid,
                    confirmed=confirmed,
                    half_life=90 * DAY,
                    importance=9.0,
                    sources=("e",),
                )
            )
        assert [hit.fact.uid for hit in memory.facts.recall("rain", now=T)] == ["new", "old"]


def test_what_happened_when_the_question_says_comes_first() -> None:
    with MemoryFile.in_ram() as memory:
        for uid, days in (("three", 3), ("one", 1), ("thirty", 30)):
            memory.facts.put(
                Fact(
                    number=0,
                    uid=uid,
                    text="Tom went to the cinema.",
                    about="user_tom",
                    kind="event",
                    happened=T - days * DAY,
                    confirmed=T,
                )
            )
        hits = memory.facts.recall("What did Tom do yesterday?", now=T)
        assert hits[0].fact.uid == "one"
        assert hits[0].ways["time"] > 0
        assert memory.facts.recall("昨日トムは何をした？", now=T)[0].fact.uid == "one"
        assert "time" not in memory.facts.recall("What did Tom do?", now=T)[0].ways


def test_a_name_within_another_is_not_taken_for_it() -> None:
    with MemoryFile.in_ram() as memory:
        memory.facts.put(Fact(number=0, uid="a", text="Ann plays chess.", about="user_ann"))
        memory.facts.put(Fact(number=0, uid="b", text="Anna plays chess.", about="user_anna"))
        (best, *_) = memory.facts.recall("What does Anna play?")
        assert best.fact.uid == "b"
        assert "name" in best.ways


def test_nothing_is_found_for_nothing_and_by_nobody(memory: MemoryFile) -> None:
    assert memory.facts.recall("") == ()
    assert memory.facts.recall("  \n") == ()
    assert memory.facts.recall("cats", 0) == ()
    with MemoryFile.in_ram() as empty:
        assert empty.facts.recall("cats") == ()


def test_what_has_nothing_to_do_with_a_question_is_not_found(memory: MemoryFile) -> None:
    assert memory.facts.recall("zzqx", 9) == ()


def test_near_finds_what_is_known_of_the_same(memory: MemoryFile) -> None:
    near = memory.facts.near(["Mika's cat Tofu is ill", "Ken moved away from Osaka"], 2)
    assert {fact.text for fact in near} == {"Mika has a grey cat called Tofu.", "Ken lives in Osaka."}


@given(st.text(max_size=80), st.integers(0, 12))
def test_any_text_is_a_question(text: str, k: int) -> None:
    with MemoryFile.in_ram() as memory:
        memory.facts.put(Fact(number=0, uid="a", text="Mika likes cats.", about="user_mika"))
        memory.facts.put(Fact(number=0, uid="b", text="猫が好きだ。", about='"; DROP TABLE facts'))
        assert len(memory.facts.recall(text, k)) <= min(k, 2)


def test_concepts_join_words_of_everyday_life_in_both_languages() -> None:
    words = lexicon()
    assert words.concepts("her pet") & words.concepts("a kitten") & words.concepts("子猫を飼っている")
    assert "dog" in words.concepts("two dogs")
    assert "plan" in words.kinds(words.concepts("What is she going to do?"))
    assert sum(words.kinds(words.concepts("Where does she work and live?")).values()) == pytest.approx(1)
    assert words.kinds(()) == {}


def test_japanese_is_put_into_english_for_the_table_of_vectors() -> None:
    words = lexicon()
    assert words.in_english("運転免許を取った") == "driving licence"
    assert words.in_english("柴犬と散歩する") == "dog walk dog"
    assert words.in_english("Mikaのdogは犬だ") == "mika dog dog"
    assert words.in_english("Mika waits for her dog.") == ""


def test_each_word_of_the_lexicon_is_in_plain_form() -> None:
    from importlib.resources import files

    here = files("aikyo.memory.facts")
    lines = here.joinpath("glossary.txt").read_text("utf-8").splitlines()
    entries = [line.split() for line in lines if not line.startswith("#")]
    assert [entry for entry in entries if len(entry) < 2 or not entry[0].isascii()] == []
    words = [word for entry in entries for word in entry[1:]]
    assert sorted({word for word in words if words.count(word) > 1}) == []
