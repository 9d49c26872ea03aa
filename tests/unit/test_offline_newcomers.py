"""What a person who has just come asks and says first: who one is, what one can, and goodbye."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from aikyo.brain import Instruction, Moment, Persona, Someone, ToolSpec
from aikyo.brain.offline import OfflineBrain
from aikyo.brain.offline.language import tongue_named
from tests.support.minds import MIKA, Hands, line, moment
from tests.support.talkers import SPECS, persona, words_of

ALICE, BOB, HINA, SORA = map(persona, ("alice", "bob", "hina", "sora"))
MET = replace(MIKA, met=True)
SEEDS = range(12)


@dataclass
class Knowing(Hands):
    """Hands that know who is near."""

    specs: tuple[ToolSpec, ...] = (*SPECS, ToolSpec("companions", "", {}, "knowledge"))

    async def call(self, name: str, params: Mapping[str, Any]) -> str:
        await super().call(name, params)
        return "companion_bob: Bob. Dry." if name == "companions" else "done"


def asked(text: str, me: Persona, sender: Someone = MET, **fields: Any) -> Moment:
    usual: dict[str, Any] = {"me": me, "present": (sender,), "addressed": True, "language": me.language}
    return moment(text, sender, **usual | fields)


async def answers(now: Moment) -> list[str]:
    found = []
    for seed in SEEDS:
        hands = Knowing()
        await OfflineBrain(Random(seed)).compose(now, hands)
        found.append(words_of(hands))
    return found


def says_one_of(text: str, me: Persona, *acts: str) -> bool:
    """Whether `text` has a phrase for one of `acts` in it."""
    phrases = tongue_named(me.language).book.phrases
    return any(pattern_of(each).search(text) for act in acts for each in phrases[act])


def pattern_of(phrase: str) -> re.Pattern[str]:
    """Finds `phrase`, however it is filled."""
    parts = re.split(r"([\[\]|<>/]|\{\w+\})", phrase)
    signs = {"[": "(?:", "<": "(?:", "]": ")", ">": ")", "|": "|", "/": "|"}
    found = (".+?" if part[:1] == "{" else signs.get(part, re.escape(part)) for part in parts)
    return re.compile("".join(found))


@pytest.mark.parametrize(
    ("text", "me", "acts"),
    [
        ("How old are you?", ALICE, ["life"]),
        ("Where do you live?", ALICE, ["life"]),
        ("どこに住んでいるの？", HINA, ["life"]),
        ("何歳？", SORA, ["life"]),
        ("How old are you?", replace(BOB, story=""), ["life_none"]),
        ("What is your favourite food?", BOB, ["prefer"]),
        ("What's your favourite colour?", ALICE, ["favourite_none"]),
        ("好きな食べ物は何？", HINA, ["prefer"]),
        ("好きな色は？", HINA, ["favourite_none"]),
        ("Do you speak Japanese?", ALICE, ["languages"]),
        ("日本語は話せる？", SORA, ["languages"]),
        ("Shall we go for a walk?", ALICE, ["invited"]),
        ("一緒に散歩に行かない？", HINA, ["invited"]),
        ("Can you help me write a poem about the sea?", BOB, ["cannot"]),
        ("宿題を手伝って", HINA, ["cannot"]),
        ("Do you like Bob?", ALICE, ["fond"]),
        ("Tell me about black holes", BOB, ["unknown"]),
        ("What can you do?", BOB, ["identity"]),
        ("何ができるの？", SORA, ["identity"]),
        ("何か面白い話をして", SORA, ["share"]),
        ("My cat died yesterday.", BOB, ["comfort"]),
        ("昨日、うちの猫が死んじゃった", HINA, ["comfort"]),
    ],
)
async def test_answers_what_a_newcomer_asks(text: str, me: Persona, acts: list[str]) -> None:
    for answer in await answers(asked(text, me)):
        assert says_one_of(answer, me, *acts), answer


@pytest.mark.parametrize(
    ("text", "me", "never"),
    [
        ("What is your favourite colour?", BOB, "colour"),
        ("今日は仕事で失敗して落ち込んでいるんだ", HINA, "仕事"),
        ("こんにちは！ミカです。はじめまして。", SORA, "ミカが"),
    ],
)
async def test_what_is_said_in_passing_is_not_made_the_subject(
    text: str, me: Persona, never: str
) -> None:
    for answer in await answers(asked(text, me)):
        assert never not in answer


@pytest.mark.parametrize(
    ("me", "who"),
    [
        (ALICE, "Who are you?"),
        (BOB, "Tell me about yourself."),
        (HINA, "あなたは誰ですか？"),
        (SORA, "君のことを教えて"),
    ],
)
async def test_who_is_asked_who_they_are_says_so_once(me: Persona, who: str) -> None:
    briefly = (Instruction("speak", "Keep it short."),)
    for now in (asked(who, me, MIKA), asked(who, me, MIKA, instructions=briefly)):
        for answer in await answers(now):
            assert answer.count(me.name) == 1, answer


@pytest.mark.parametrize(
    ("text", "me", "name"),
    [
        ("Hi, I'm Anna!", ALICE, "Anna"),
        ("こんにちは！アンナです。はじめまして。", HINA, "アンナさん"),
        ("こんにちは。元気です。", HINA, "Mikaさん"),
    ],
)
async def test_whoever_gives_a_name_is_greeted_by_it(text: str, me: Persona, name: str) -> None:
    for answer in await answers(asked(text, me, MIKA)):
        assert name in answer
        assert (name == "Mikaさん") is ("Mika" in answer)


@pytest.mark.parametrize(
    ("bye", "answer", "me", "other"),
    [
        ("Goodbye everybody, thanks for the chat!", "See you, Mika. I'll be around.", ALICE, BOB),
        (
            "そろそろ寝るね。おやすみなさい！",
            "Mikaさん、気をつけてお帰りください。",
            HINA,
            SORA,
        ),
    ],
)
async def test_a_goodbye_to_all_is_returned_and_then_nobody_talks_on(
    bye: str, answer: str, me: Persona, other: Persona
) -> None:
    carol = Someone("companion_carol", "Carol", "companion", met=True)
    them = Someone(other.id, other.name, "companion", met=True)
    parting, first = line(bye, MET, id="1"), line(answer, them, id="2")
    present: dict[str, Any] = {"me": me, "present": (MET, them, carol), "language": me.language}
    now = moment(answer, them, **present | {"recent": (parting, first), "message": first})
    assert (await OfflineBrain(Random(1)).assess(now)).speak
    for text in await answers(now):
        assert says_one_of(text, me, "farewell_one"), text
    mine = line("Bye!", Someone(me.id, me.name, "companion"), id="3")
    last = line(answer, carol, id="4")
    over = replace(now, message=last, recent=(parting, first, mine, last))
    assert not (await OfflineBrain(Random(1)).assess(over)).speak
    back = line("Wait!", MET, id="5")
    again = replace(over, message=back, recent=(*over.recent, back))
    assert (await OfflineBrain(Random(1)).assess(again)).speak


async def test_says_what_it_spoke_of_in_another_talk() -> None:
    for text, me in (("What are you all talking about?", ALICE), ("何の話をしているの？", HINA)):
        brain = OfflineBrain(Random(3))
        await brain.compose(asked("", me, message=None, recent=(), opening="silence"), Hands())
        hands = Hands()
        await brain.compose(asked(text, me), hands)
        assert any(interest.lower() in words_of(hands).lower() for interest in me.interests)


async def test_a_question_of_another_that_is_about_nothing_is_not_answered_with_ignorance() -> None:
    bob = Someone(BOB.id, BOB.name, "companion", met=True)
    now = asked("Have you something?", ALICE, bob, addressed=False, present=(bob, MET))
    for text in await answers(now):
        assert not says_one_of(text, ALICE, "unknown"), text
