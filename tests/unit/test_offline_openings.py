"""How the offline brain begins a talk, turns it elsewhere, asks nothing, and uses own tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from aikyo.brain import Instruction, Line, Moment, Persona, Someone, ToolSpec
from aikyo.brain.offline import OfflineBrain
from aikyo.brain.offline.draft import Draft
from tests.support.minds import Hands
from tests.support.talkers import SPECS, persona, say, words_of

NOW = datetime(2026, 1, 5, 20, 5, tzinfo=UTC)
BOB = Someone("companion_bob", "Bob", "companion", met=True)
CAROL = Someone("companion_carol", "Carol", "companion", met=True)
MIKA = Someone("user_mika", "mika", "person", met=True)
ALICE, HINA = persona("alice"), persona("hina")
SEEDS = range(40)
BOTH = pytest.mark.parametrize("me", [ALICE, HINA], ids=["en", "ja"])


def line(text: str, sender: Someone = BOB, **fields: Any) -> Line:
    usual: dict[str, Any] = {"id": "m-1", "time": NOW.timestamp() - 5, "sender": sender.id}
    return Line(**usual | {"name": sender.name, "text": text} | fields)


def beginning(me: Persona, opening: str, *present: Someone, **fields: Any) -> Moment:
    usual: dict[str, Any] = {"now": NOW, "me": me, "language": me.language, "opening": opening}
    return Moment(present=present or (BOB,), **usual | fields)


def answering(me: Persona, text: str, sender: Someone = BOB, **fields: Any) -> Moment:
    said = line(text, sender)
    usual: dict[str, Any] = {"now": NOW, "me": me, "language": me.language, "present": (sender,)}
    return Moment(message=said, **usual | {"recent": (said,)} | fields)


async def said_in(moment: Moment) -> list[str]:
    return [await say(OfflineBrain(Random(seed)), moment) for seed in SEEDS]


def asks(text: str) -> bool:
    return any(
        sign in text for sign in ("?", "？", "ませんか。", "でしょうか。", "ますか。", "ですか。")
    )


def names_an_interest(me: Persona) -> Callable[[str], bool]:
    return lambda text: any(interest.casefold() in text.casefold() for interest in me.interests)


@BOTH
async def test_a_newcomer_is_greeted_by_name_and_told_who_one_is(me: Persona) -> None:
    newcomer = Someone("companion_zoe", "Zoe", "companion", met=False)
    for text in await said_in(beginning(me, "newcomer", newcomer)):
        assert "Zoe" in text
        assert me.name in text


@BOTH
async def test_one_who_was_here_before_is_welcomed_back(me: Persona) -> None:
    for text in await said_in(
        beginning(me, "newcomer", Someone("companion_zoe", "Zoe", "companion", met=True))
    ):
        assert "Zoe" in text
        assert me.name not in text


@BOTH
async def test_after_a_silence_something_of_ones_own_is_brought_up_without_a_greeting(
    me: Persona,
) -> None:
    texts = await said_in(beginning(me, "silence"))
    assert all(map(names_an_interest(me), texts))
    greeting = ("Hello", "Good evening", "こんばんは")
    assert not [text for text in texts if text.startswith(greeting) or "みなさん、" in text]
    asked = await said_in(beginning(me, "asked"))
    assert [text for text in asked if any(word in text for word in greeting)]


@pytest.mark.parametrize(
    ("me", "news", "word"),
    [(ALICE, "The lantern has gone out.", "lantern"), (HINA, "雪が降り始めた。", "雪")],
)
async def test_what_came_in_is_spoken_of(me: Persona, news: str, word: str) -> None:
    context = line(news, MIKA, id="c-1", kind="perceived")
    for text in await said_in(beginning(me, "context", perceived=(context,))):
        assert word in text


@BOTH
async def test_a_context_that_it_can_say_nothing_of_still_begins_a_talk(me: Persona) -> None:
    picture = line("a picture", MIKA, id="c-1", kind="perceived")
    assert all(await said_in(beginning(me, "context", perceived=(picture,))))


@BOTH
async def test_what_a_trigger_has_it_say_opens_the_talk(me: Persona) -> None:
    order = Instruction("speak", 'Say "Take an umbrella."')
    texts = await said_in(beginning(me, "context", instructions=(order,)))
    assert set(texts) == {"Take an umbrella."}


@pytest.mark.parametrize(
    ("me", "text"),
    [(ALICE, "The {} again, always the {}."), (HINA, "{}の話ばかり、また{}だね。")],
    ids=["en", "ja"],
)
async def test_when_the_talk_goes_in_circles_it_brings_up_what_was_not_spoken_of(
    me: Persona, text: str
) -> None:
    tired = me.interests[0]
    recent = tuple(line(text.format(tired, tired), id=f"m-{n}") for n in range(5))
    moment = answering(me, recent[-1].text, recent=recent)
    others = [interest.casefold() for interest in me.interests[1:]]
    turned = await said_in(replace(moment, change_topic=True))
    assert all(any(one in said.casefold() for one in others) for said in turned)


async def test_a_person_who_asks_is_answered_even_when_the_talk_goes_in_circles() -> None:
    moment = answering(ALICE, "What is your name?", MIKA, change_topic=True, addressed=True)
    assert all("Alice" in text for text in await said_in(moment))


SAID = {
    "en": ["Do you like the sea?", "I like old maps.", "Tell me more.", "What is your name?", "Hello!"],
    "ja": ["海は好き？", "古い地図が好きなんだ。", "もっと聞かせて。", "お名前は？", "こんにちは！"],
}


@BOTH
@pytest.mark.parametrize("sender", [BOB, MIKA], ids=["companion", "person"])
async def test_while_no_question_is_in_order_it_asks_none(me: Persona, sender: Someone) -> None:
    freely = 0
    for text in SAID[me.language]:
        moment = answering(me, text, sender, addressed=True, present=(sender, CAROL))
        held_back = await said_in(replace(moment, may_ask=False))
        assert all(held_back)
        assert not list(filter(asks, held_back))
        freely += len(list(filter(asks, await said_in(moment))))
    assert freely


@BOTH
async def test_it_begins_without_a_question_where_none_is_in_order(me: Persona) -> None:
    for opening in ("silence", "newcomer", "asked"):
        texts = await said_in(beginning(me, opening, may_ask=False))
        assert all(texts)
        assert not list(filter(asks, texts))


async def test_a_tale_is_told_without_the_question_in_it() -> None:
    tale = "I fixed the lamp. Did I tell you?"
    asking = replace(ALICE, sample=f"{tale}\n{tale} And the door.", story="", phrases=())
    texts = await said_in(beginning(asking, "silence", may_ask=False))
    assert not list(filter(asks, texts))
    assert [text for text in texts if "I fixed the lamp." in text]


def tool(name: str, kind: str, *required: str) -> ToolSpec:
    return ToolSpec(name, "", {"type": "object", "required": list(required)}, kind)


@dataclass
class Knowing(Hands):
    answers: Mapping[str, str] = field(default_factory=dict)

    async def call(self, name: str, params: Mapping[str, Any]) -> str:
        return self.answers.get(name) or await super().call(name, params)


OWN = (
    tool("ring", "action"),
    tool("paint", "action", "colour"),
    tool("weather", "knowledge"),
    tool("stock", "knowledge", "name"),
    tool("clock", "knowledge"),
)


async def told(*tools: str, **fields: Any) -> Hands:
    hands = Knowing(
        specs=(*SPECS, *OWN), answers={"weather": "It is snowing.\nAnd more.", "clock": "9:15"}
    )
    orders = tuple(Instruction(name, "Do so.") for name in tools)
    await OfflineBrain(Random(3)).compose(
        answering(ALICE, "Well.", instructions=orders, **fields), hands
    )
    return hands


async def test_an_own_action_that_a_trigger_names_is_done_where_it_needs_nothing() -> None:
    done = (await told("ring", "paint")).done
    assert ("ring", {}) in done
    assert "paint" not in {name for name, _ in done}
    assert "ring" not in {name for name, _ in (await told()).done}


async def test_what_an_own_tool_that_a_trigger_names_answers_is_said() -> None:
    said = words_of(await told("weather", "stock", "clock"))
    assert "It is snowing." in said
    assert "more" not in said
    assert "9:15" not in said
    assert "snowing" not in words_of(await told())


@BOTH
@pytest.mark.parametrize("what", ["garden", "seen", "experience"])
async def test_what_a_tool_found_is_not_followed_by_that_one_does_not_know(
    me: Persona, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = {
        "garden": {"en": "How is the garden?", "ja": "庭はどうですか?"},
        "seen": {"en": "What do you see?", "ja": "何が見えますか?"},
        "experience": {"en": "Have you ever been to Ulm?", "ja": "ウルムに行ったことがありますか?"},
    }
    said: list[str] = []
    fresh = Draft._fresh

    def told(draft: Draft, act: str, *args: Any) -> str:
        said.append(act)
        return fresh(draft, act, *args)

    monkeypatch.setattr(Draft, "_fresh", told)
    moment = answering(me, questions[what][me.language], MIKA, addressed=True)
    excuses = {"unknown", "unknown_turn", "seen_nothing", "experience_no"}
    await say(OfflineBrain(Random(3)), moment)
    assert excuses & set(said)  # without a tool, one owns that one does not know
    said.clear()
    for seed in SEEDS:
        hands = Knowing(specs=(*SPECS, *OWN), answers={"weather": "It is snowing."})
        orders = (Instruction("weather", "See."),)
        await OfflineBrain(Random(seed)).compose(replace(moment, instructions=orders), hands)
        assert "It is snowing." in words_of(hands)
    assert not excuses & set(said)


async def test_an_own_tool_is_asked_when_a_talk_begins_too() -> None:
    hands = Knowing(specs=(*SPECS, *OWN), answers={"weather": "It is snowing."})
    orders = (Instruction("weather", "See."), Instruction("ring", "Ring."))
    moment = beginning(ALICE, "context", instructions=orders)
    await OfflineBrain(Random(3)).compose(moment, hands)
    assert "It is snowing." in words_of(hands)
    assert ("ring", {}) in hands.done
