"""What the offline brain answers from: what it was told, what came in, who is near, and itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from aikyo.brain import Line, Moment, Persona, Someone, ToolSpec
from aikyo.brain.offline import OfflineBrain
from aikyo.wire import Closing
from tests.support.minds import Hands
from tests.support.talkers import SPECS, Talk, persona, say, words_of

NOW = datetime(2026, 1, 5, 14, 5, tzinfo=UTC)
MIKA = Someone("user_mika", "mika", "person", met=True)
BOB = Someone("companion_bob", "Bob", "companion", met=True)
ALICE, HINA = persona("alice"), persona("hina")
SEEDS = range(8)
KNOWING = (*SPECS, *(ToolSpec(name, "", {}, "knowledge") for name in ("companions", "recall")))


@dataclass
class Knowing(Hands):
    """Hands with the knowledge tools: who is near, and a memory that holds nothing."""

    specs: tuple[ToolSpec, ...] = KNOWING

    async def call(self, name: str, params: Mapping[str, Any]) -> str:
        await super().call(name, params)
        near = "companion_alice: Alice. Bright.\ncompanion_bob: Bob. Dry.\nAnd: patient, at times."
        return near if name == "companions" else "nothing comes to mind"


def line(text: str, sender: Someone = MIKA, *, ago: float = 0, **fields: Any) -> Line:
    time = (NOW - timedelta(seconds=ago)).timestamp()
    return Line(
        **{"id": text, "sender": sender.id, "name": sender.name, "text": text, "time": time} | fields
    )


def moment(text: str, *before: Line, me: Persona = ALICE, **fields: Any) -> Moment:
    """Mika says `text`, after what was said `before`."""
    said = line(text)
    usual: dict[str, Any] = {"present": (MIKA,), "recent": (*before, said), "addressed": True}
    return Moment(**{"now": NOW, "me": me, "message": said, "language": me.language} | usual | fields)


async def answers(asked: Moment) -> list[str]:
    return [await say(OfflineBrain(Random(seed)), asked) for seed in SEEDS]


async def test_knows_who_is_near_without_having_met_in_the_talk() -> None:
    hands = Knowing()
    await OfflineBrain(Random(1)).compose(moment("Who else is here?"), hands)
    assert "Bob" in words_of(hands)
    assert "Alice" not in words_of(hands)
    assert "And" not in words_of(hands).replace("And you", "").replace("And the two", "")


async def test_goes_to_somebody_who_is_not_in_the_talk() -> None:
    hands = Knowing()
    await OfflineBrain(Random(1)).compose(moment("Go to Bob."), hands)
    assert ("move", {"target": "companion_bob"}) in hands.done


@pytest.mark.parametrize("text", ["Come in, come in!", "Bob, come here!", "How do you come by that?"])
async def test_comes_only_when_it_is_asked_to(text: str) -> None:
    hands = Knowing()
    present = (MIKA, BOB)
    await OfflineBrain(Random(1)).compose(moment(text, present=present), hands)
    assert not [tool for tool, _ in hands.done if tool == "move"]


@pytest.mark.parametrize(
    ("context", "question", "me"),
    [
        ("It has started to rain.", "Did you notice the rain?", ALICE),
        ("It has started to rain.", "Is it raining?", ALICE),
        ("It has started to rain.", "What do you see?", ALICE),
        ("雨が降りはじめた。", "雨に気づいた？", HINA),
    ],
)
async def test_says_what_came_in_when_asked(context: str, question: str, me: Persona) -> None:
    rain = line(context, ago=400, kind="perceived")
    for said in await answers(moment(question, me=me, perceived=(rain,))):
        assert context.rstrip("。") in said


async def test_is_honest_about_pictures() -> None:
    image = line("a picture", kind="perceived")
    for said in await answers(moment("What do you see?", perceived=(image,))):
        assert "image" in said


async def test_says_that_it_noticed_nothing_where_nothing_came_in() -> None:
    rain = line("It has started to rain.", kind="perceived")
    for said in await answers(moment("Did you notice the elephant?", perceived=(rain,))):
        assert "rain" not in said


async def test_old_news_are_not_brought_up_unasked() -> None:
    snow = line("The first snow is falling.", ago=200, kind="perceived")
    for said in await answers(moment("I like pizza.", perceived=(snow,))):
        assert "snow" not in said


async def test_news_that_were_spoken_of_are_not_brought_up_again() -> None:
    snow = line("The first snow is falling.", ago=20, kind="perceived")
    spoken = line("Oh! Snow.", BOB, ago=10)
    for said in await answers(moment("I like pizza.", spoken, perceived=(snow,), present=(MIKA, BOB))):
        assert "snow" not in said


@pytest.mark.parametrize(
    ("told", "question", "kept", "me"),
    [
        ("I left my umbrella at the lighthouse.", "Where is my umbrella?", "at the lighthouse", ALICE),
        ("傘を駅に忘れました。", "私の傘はどこですか？", "駅に", HINA),
    ],
)
async def test_answers_from_what_it_was_told(told: str, question: str, kept: str, me: Persona) -> None:
    past = line(told, ago=9000)
    for said in await answers(moment(question, me=me, recalled=(past,))):
        assert kept in said
    for said in await answers(moment(question, past, me=me)):
        assert kept in said
    for said in await answers(moment(question, me=me)):
        assert kept not in said


@pytest.mark.parametrize(
    ("told", "question", "name", "me"),
    [
        ("Hello!", "What is my name?", "Mika", ALICE),
        ("My name is Kenji.", "What's my name?", "Kenji", ALICE),
        ("I'm Kenji, and I like tea.", "Do you know my name?", "Kenji", ALICE),
        ("I'm sorry.", "What is my name?", "Mika", ALICE),
        ("健二です。", "私の名前は何ですか？", "健二さん", HINA),
        ("健二といいます。", "僕の名前、わかる？", "健二さん", HINA),
        ("元気です。", "私の名前は何ですか？", "Mikaさん", HINA),
    ],
)
async def test_knows_the_name_of_who_asks(told: str, question: str, name: str, me: Persona) -> None:
    for said in await answers(moment(question, line(told, ago=60), me=me)):
        assert name in said


@pytest.mark.parametrize(
    ("told", "question", "kept", "me"),
    [
        ("My dog is called Rex.", "What do you remember about me?", "Rex", ALICE),
        ("わたしの犬はレックスといいます。", "私について何を覚えてる？", "レックス", HINA),
    ],
)
async def test_remembers_about_the_asker_what_they_said_of_themselves(
    told: str, question: str, kept: str, me: Persona
) -> None:
    hello = "Hello!" if me is ALICE else "こんにちは！"
    idle = (line(hello, ago=90), line("Tell me a story." if me is ALICE else "何か話して。", ago=80))
    other = line("Bob told me that his hat is blue.", BOB, ago=70)
    for said in await answers(moment(question, line(told, ago=60), other, *idle, me=me)):
        assert kept in said
        assert "hat" not in said
        assert "story" not in said


@pytest.mark.parametrize(
    ("question", "me"),
    [
        ("What are you reading?", ALICE),
        ("What are you thinking about?", ALICE),
        ("What are you working on?", ALICE),
        ("何を読んでいるの？", HINA),
        ("何してるの？", HINA),
    ],
)
async def test_says_what_it_is_doing(question: str, me: Persona) -> None:
    for said in await answers(moment(question, me=me)):
        assert any(interest in said.lower() for interest in me.interests)


@pytest.mark.parametrize(
    ("question", "result"),
    [("What is 2+2?", "4"), ("what's 7 times 6", "42"), ("2 / 8?", "0.25"), ("3足す4は？", "7")],
)
async def test_does_sums(question: str, result: str) -> None:
    for said in await answers(moment(question)):
        assert result in said


async def test_does_not_divide_by_nothing() -> None:
    assert all(await answers(moment("What is 1/0?")))


@pytest.mark.parametrize("hello", ["Good afternoon, everybody!", "Hello all"])
async def test_others_greet_back_whom_one_has_greeted(hello: str) -> None:
    brain = OfflineBrain(Random(1))
    greeted = line("Good afternoon, Mika! What brings you here?", BOB)
    first = line(hello, ago=3)
    asked = replace(moment(hello), message=greeted, recent=(first, greeted), addressed=False)
    asked = replace(asked, present=(BOB, MIKA))
    assert (await brain.assess(asked)).speak
    said = await say(brain, asked)
    assert "Mika" in said
    assert len(said) < 60
    mine = line("Hi, Mika.", Someone(ALICE.id, "Alice", "companion"))
    after = replace(asked, recent=(first, mine, greeted))
    assert (await brain.assess(after)).importance < (await brain.assess(asked)).importance


async def test_a_greeting_of_one_is_not_for_all() -> None:
    greeted = line("Good afternoon, Mika! What brings you here?", BOB)
    asked = replace(moment("x"), message=greeted, recent=(line("Hello Bob!", ago=3), greeted))
    asked = replace(asked, present=(BOB, MIKA), addressed=False)
    assert not (await OfflineBrain(Random(1)).assess(asked)).speak


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("topic", ["old bridges", "gardening", "the moon"])
async def test_a_topic_that_is_proposed_has_its_turns(seed: int, topic: str) -> None:
    talk = Talk(seed, [persona(name) for name in ("alice", "bob", "carol")])
    await talk.begin(topic)
    await talk.go_on(4)
    assert sum(topic in one.text.lower() for one in talk.lines[1:]) >= 3


@pytest.mark.parametrize("seed", range(6))
async def test_a_newcomer_is_known_by_their_one_sentence(seed: int) -> None:
    sample = "My hat has opinions of its own."
    me = Persona("companion_x", "Xenia", sample=sample, phrases=("Hark!",))
    talk = Talk(seed, [persona("alice"), me])
    await talk.begin("old bridges")
    await talk.go_on(4)
    mine = [one.text for one in talk.lines if one.sender == me.id][:2]
    assert any(sample in text for text in mine)


async def test_interests_stay_in_their_own_script() -> None:
    bob = persona("bob")
    said = " ".join(
        await answers(moment("何が好き？", me=bob)) + await answers(moment("こんにちは", me=bob))
    )
    assert not any(interest in said for interest in bob.interests)
    spoken = " ".join(await answers(moment("What do you like?", me=HINA)))
    assert not any(interest in spoken for interest in HINA.interests)


async def test_says_that_it_is_late_only_when_it_is() -> None:
    tide = moment("The tide is out.", closing=Closing.PRE_CLOSING)
    said = [await say(OfflineBrain(Random(seed)), tide) for seed in range(40)]
    assert not any("late," in one or "Goodnight" in one for one in said)
    night = replace(tide, now=NOW.replace(hour=22))
    said = [await say(OfflineBrain(Random(seed)), night) for seed in range(40)]
    assert any("late," in one for one in said)
