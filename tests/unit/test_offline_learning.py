"""The offline brain learns what people say of themselves in so many words, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import trio

from aikyo.brain import Line, Persona, Someone
from aikyo.brain.moment import Known
from aikyo.brain.offline import OfflineBrain
from aikyo.brain.offline.learning import learn
from aikyo.brain.study import Finding, Study
from tests.support.talkers import BEGINNING, Talk, persona
from tests.support.told import ENGLISH, JAPANESE, NOTHING_IN_ENGLISH, NOTHING_IN_JAPANESE

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
ALICE = Persona(id="companion_alice", name="Alice", sample="Oh!\nI saw a whale last summer.")
HINA = Persona(id="companion_hina", name="ヒナ", language="ja")
MIKA = Someone("user_mika", "Mika", "person")
MIKA_JA = Someone("user_mika", "ミカ", "person")
BOB = Someone("companion_bob", "Bob", "companion")
SORA = Someone("companion_sora", "ソラ", "companion")


def line(text: str, sender: Someone = MIKA, ident: str = "m-1", **fields: Any) -> Line:
    usual: dict[str, Any] = {"time": NOW.timestamp(), "to": (ALICE.id,)}
    return Line(**{"id": ident, "sender": sender.id, "name": sender.name, "text": text} | usual | fields)


def study(*lines: Line, **fields: Any) -> Study:
    return Study(**{"now": NOW, "me": ALICE, "people": (MIKA, BOB), "lines": lines} | fields)


def learned(*lines: Line | str, **fields: Any) -> tuple[Finding, ...]:
    said = (one if isinstance(one, Line) else line(one, ident=one) for one in lines)
    return learn(study(*said, **fields))


def only(*lines: Line | str, **fields: Any) -> Finding:
    (finding,) = learned(*lines, **fields)
    return finding


def japanese(text: str) -> Study:
    said = line(text, MIKA_JA, to=(HINA.id,))
    return study(said, me=HINA, people=(MIKA_JA, SORA))


@pytest.mark.parametrize(("said", "facts"), ENGLISH.items())
def test_learns_what_is_told_in_english(said: str, facts: tuple[str, ...]) -> None:
    assert tuple(finding.text for finding in learned(said)) == facts


@pytest.mark.parametrize(("said", "facts"), JAPANESE.items())
def test_learns_what_is_told_in_japanese(said: str, facts: tuple[str, ...]) -> None:
    assert tuple(finding.text for finding in learn(japanese(said))) == facts


@pytest.mark.parametrize("said", NOTHING_IN_ENGLISH)
def test_learns_nothing_from_what_tells_nothing_in_english(said: str) -> None:
    assert learned(said) == ()


@pytest.mark.parametrize("said", NOTHING_IN_JAPANESE)
def test_learns_nothing_from_what_tells_nothing_in_japanese(said: str) -> None:
    assert learn(japanese(said)) == ()


def test_a_finding_says_of_whom_what_from_where_and_when() -> None:
    said = line("I have a dentist appointment tomorrow at 3pm.", ident="m-9")
    assert only(said) == Finding(
        text="Mika has a dentist appointment on 21 November 2026.",
        about="user_mika",
        kind="plan",
        importance=6,
        happened=datetime(2026, 11, 21, 15, 0, tzinfo=UTC).timestamp(),
        sources=("m-9",),
    )


def test_a_day_is_counted_from_when_it_was_said() -> None:
    said = line("I went to Kyoto yesterday.", time=(NOW - timedelta(days=10)).timestamp())
    assert only(said).text == "Mika went to Kyoto on 9 November 2026."


@pytest.mark.parametrize(
    ("said", "slot"),
    [
        ("I live in Osaka.", "home"),
        ("I moved to Osaka last month.", "home"),
        ("I'm 27 years old.", "age"),
        ("I work as a nurse.", "work"),
        ("My favourite colour is green.", "favourite colour"),
        ("My sister lives in Nara.", "home of sister"),
        ("I have a cat called Tofu.", ""),
    ],
)
def test_settles_what_there_can_be_only_one_of(said: str, slot: str) -> None:
    assert only(said).slot == slot


def test_what_is_said_of_somebody_present_is_about_them() -> None:
    assert only("Bob likes sushi.").about == BOB.id
    assert only("My sister likes sushi.").about == MIKA.id


@pytest.mark.parametrize(
    ("known", "kind", "said"),
    [
        ("Mika lives in Tokyo.", "place", "I moved to Osaka last month."),
        ("Mika lives in Tokyo.", "place", "I don't live in Tokyo any more."),
        ("Mika likes strong coffee.", "preference", "I no longer like coffee."),
        ("Mika works as a nurse.", "work", "I quit my job last week."),
        ("Mika is 26 years old.", "identity", "I turned 27 yesterday."),
        ("ミカは東京に住んでいる。", "place", "先月、大阪に引っ越しました。"),
        ("ミカはコーヒーが好きだ。", "preference", "もうコーヒーは好きじゃない。"),
    ],
)
def test_what_is_no_longer_so_is_replaced(known: str, kind: Any, said: str) -> None:
    before = Known("f7", known, MIKA.id, kind=kind)
    who = MIKA_JA if known.startswith("ミカ") else MIKA
    finding = only(line(said, who), known=(before,), people=(who, BOB))
    assert (finding.replaces, finding.same_as) == ("f7", "")


@pytest.mark.parametrize(
    ("known", "kind", "about"),
    [
        ("Mika lives with their sister.", "relation", MIKA.id),
        ("Mika loves Tokyo.", "preference", MIKA.id),
        ("Bob lives in Tokyo.", "place", BOB.id),
        ("Mika's sister lives in Tokyo.", "place", MIKA.id),
    ],
)
def test_what_is_still_so_is_not_replaced(known: str, kind: Any, about: str) -> None:
    before = Known("f7", known, about, kind=kind)
    assert only("I moved to Osaka last month.", known=(before,)).replaces == ""


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ("Mika has a cat called Tofu.", "I have a cat named Tofu."),
        ("Mika likes old trains.", "I really love old trains!"),
        ("ミカは犬を二匹飼っている。", "犬を二匹飼ってるんだ。"),
    ],
)
def test_what_is_known_is_found_as_the_same(known: str, said: str) -> None:
    before = Known("f3", known, MIKA.id, kind="possession")
    who = MIKA_JA if known.startswith("ミカ") else MIKA
    assert only(line(said, who), known=(before,), people=(who,)).same_as == "f3"


def test_what_is_said_twice_is_one_fact_with_two_sources() -> None:
    twice = only(line("I live in Osaka.", ident="m-1"), line("Well, I live in Osaka.", ident="m-2"))
    assert twice.sources == ("m-1", "m-2")


def test_an_echo_teaches_nothing() -> None:
    assert learned(line("I have a cat called Tofu.", echo=True)) == ()


@pytest.mark.parametrize("kind", ["perceived", "did"])
def test_only_what_is_said_teaches(kind: str) -> None:
    assert learned(line("I have a cat called Tofu.", kind=kind)) == ()


def test_a_companion_does_not_learn_its_own_profile() -> None:
    own = Someone(ALICE.id, "Alice", "companion")
    assert learned(line("I saw a whale last summer.", own, kind="said")) == ()
    assert learned(line("I have a cat called Tofu.", own, kind="said")) == ()
    assert only(line("I saw a whale last summer.", kind="heard")).about == MIKA.id


def test_what_the_offline_brain_says_of_its_own_teaches_nothing() -> None:
    assert learned(line("I've had my share of tide pools this week.", BOB)) == ()
    assert learned(line("I've had my share of tide pools this week.", MIKA)) != ()


def test_of_other_companions_it_learns_what_they_tell() -> None:
    assert only(line("I live in Osaka.", BOB)).about == BOB.id
    assert learned(line("I think that fog is fine.", BOB)) == ()


def test_a_companion_keeps_in_mind_what_it_promises() -> None:
    own = Someone(ALICE.id, "Alice", "companion")
    said = line("I'll bring you the old map tomorrow.", own, kind="said", to=(MIKA.id,))
    assert only(said).text == "Alice promised to bring Mika the old map on 21 November 2026."
    assert only(said).about == ALICE.id


def test_of_too_many_the_most_important_are_kept() -> None:
    told = ("I like tea.", "I'm allergic to nuts.", "My name is Mika Tanaka.", "I like cake.")
    kept = learned(*told, most=2)
    assert [finding.text for finding in kept] == [
        "Mika is allergic to nuts.",
        "Mika's name is Mika Tanaka.",
    ]


def test_you_is_nobody_where_several_are_spoken_to() -> None:
    assert learned(line("I'll bring you the map tomorrow.", to=(ALICE.id, BOB.id))) == ()


async def test_companions_small_talk_teaches_nothing() -> None:
    """Bound: of all that five offline companions say, at most one fact in twenty may be learned that
    nobody would miss; as it is, none is learned at all."""
    talk = Talk(5, [persona(name) for name in ("alice", "hina", "bob", "carol", "sora")])
    await talk.begin("the harbour")
    await talk.go_on(60)
    assert len(talk.lines) > 50
    people = tuple(Someone(one.id, one.name, "companion") for one in talk.personas)
    found = learn(Study(now=BEGINNING, me=talk.personas[1], people=people, lines=tuple(talk.lines)))
    assert found == ()


@pytest.mark.parametrize("text", ["", " ", "\n", "。", "?!", "I " * 5000, "私は" * 3000, "\ud800", "("])
def test_nothing_that_is_said_breaks_it(text: str) -> None:
    assert learned(text) == ()


@pytest.mark.parametrize("time", [0.0, -5.0, 1e20, float("inf"), float("nan")])
def test_a_time_that_is_none_is_now(time: float) -> None:
    said = line("I went to Kyoto yesterday.", time=time)
    assert only(said).text == "Mika went to Kyoto on 19 November 2026."


def test_long_messages_are_read_to_their_bound_and_quickly() -> None:
    said = line("I have " + "a very " * 400 + "big cat and " * 400)
    assert learned(*[said] * 40) == ()


def test_the_same_study_gives_the_same_findings() -> None:
    told = study(*(line(said, ident=said) for said in ENGLISH), most=200)
    assert learn(told) == learn(told)


@pytest.mark.parametrize(
    ("before", "kind", "said"),
    [
        ("Mika's brother is called Sean.", "relation", "My brother's name is Pat, not Sean."),
        ("Mika is allergic to shellfish.", "health", "I'm not allergic to shellfish after all."),
        ("Mika plans to go to Kyoto on 21 November 2026.", "plan", "I'm not going to Kyoto any more."),
        ("ミカの弟の名前は健太だ。", "relation", "弟の名前は健太じゃなくて健司だよ。"),
        ("ミカはコーヒーが苦手だ。", "preference", "もうコーヒーは苦手じゃないよ。"),
        ("ミカはえびアレルギーだ。", "health", "えびアレルギーは治ったよ。"),
        ("ミカの彼氏の名前は悠斗だ。", "relation", "悠斗とは別れたんだ。"),
        ("ミカは2026年11月28日に鎌倉に行く予定だ。", "plan", "鎌倉に行くのは中止になった。"),
    ],
)
def test_a_correction_takes_the_place_of_what_it_corrects(before: str, kind: Any, said: str) -> None:
    known = (Known("f1", before, MIKA.id, kind=kind),)
    asked = japanese(said) if before.startswith("ミカ") else study(line(said))
    (finding,) = learn(replace(asked, known=known))
    assert finding.replaces == "f1"


def test_another_brother_is_no_correction() -> None:
    known = (Known("f1", "Mika's brother is called Sean.", MIKA.id, kind="relation"),)
    assert only("My brother is called Pat.", known=known).replaces == ""


async def test_while_it_learns_from_many_lines_others_have_their_turn() -> None:
    said = study(*(line(f"I have a cat called {name}.", ident=name) for name in ("Tofu", "Miso", "Rex")))
    steps, brain = 0, OfflineBrain(Random(1))

    async def others() -> None:
        nonlocal steps
        while True:
            await trio.lowlevel.checkpoint()
            steps += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(others)
        found = await brain.learn(said)
        nursery.cancel_scope.cancel()
    assert found == learn(said)
    assert len(found) == 3
    assert steps >= 2
