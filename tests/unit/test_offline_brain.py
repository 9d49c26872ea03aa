"""The offline brain's manners, in both languages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from aikyo.brain import Brain, Instruction, Line, Moment, Persona, Someone, ToolError
from aikyo.brain.offline import OfflineBrain
from aikyo.wire import Closing
from tests.support.minds import Hands
from tests.support.talkers import SPECS, persona, say, words_of

NOW = datetime(2026, 1, 5, 20, 5, tzinfo=UTC)
MIKA = Someone("user_mika", "mika", "person", met=True)
BOB = Someone("companion_bob", "Bob", "companion", met=True)
SORA = Someone("companion_sora", "そら", "companion", met=True)
ALICE, HINA = persona("alice"), persona("hina")
SEEDS = range(12)


def line(text: str, sender: Someone = MIKA, **fields: Any) -> Line:
    usual: dict[str, Any] = {
        "id": "m-1",
        "sender": sender.id,
        "name": sender.name,
        "time": NOW.timestamp(),
    }
    return Line(**usual | {"text": text} | fields)


def moment(text: str, sender: Someone = MIKA, me: Persona = ALICE, **fields: Any) -> Moment:
    other = BOB if me is ALICE else SORA
    present = (sender,) if sender is other else (sender, other)
    said = line(text, sender)
    usual: dict[str, Any] = {
        "now": NOW,
        "me": me,
        "present": present,
        "message": said,
        "recent": (said,),
        "language": me.language,
        "addressed": True,
    }
    return Moment(**usual | fields)


async def answers(text: str, **fields: Any) -> list[str]:
    """What is answered, for a dozen seeds."""
    return [await say(OfflineBrain(Random(seed)), moment(text, **fields)) for seed in SEEDS]


async def deeds(text: str, **fields: Any) -> list[tuple[str, Any]]:
    hands = Hands(specs=SPECS)
    await OfflineBrain(Random(1)).compose(moment(text, **fields), hands)
    return hands.done


def test_it_says_what_it_is() -> None:
    brain: Brain = OfflineBrain(Random(1))
    assert brain.label == "offline"


@pytest.mark.parametrize(("me", "hello"), [(ALICE, "Hello!"), (HINA, "こんにちは！")])
async def test_greets_and_introduces_itself_to_whom_it_never_met(me: Persona, hello: str) -> None:
    stranger = replace(MIKA, met=False)
    for said in await answers(hello, sender=stranger, me=me):
        assert me.name in said
        assert "Mika" in said


@pytest.mark.parametrize(("me", "hello"), [(ALICE, "Hello!"), (HINA, "こんばんは")])
async def test_welcomes_back_whom_it_knows_without_introducing_itself(me: Persona, hello: str) -> None:
    for said in await answers(hello, me=me):
        assert "Mika" in said
        assert me.name not in said


async def test_leaves_a_greeting_to_whom_it_is_for() -> None:
    text = "Good evening to you, Mika. The tide is out."
    for said in await answers(text, sender=BOB, present=(BOB, MIKA), addressed=False):
        assert not said.startswith(("Good", "Hello", "Bob", "Ah, Bob"))


async def test_introduces_itself_once_even_when_told_to_every_time() -> None:
    brain = OfflineBrain(Random(1))
    order = (Instruction("speak", "Introduce yourself."),)
    first = await say(brain, moment("Hello!", sender=replace(MIKA, met=False), instructions=order))
    said = line(first, Someone(ALICE.id, "Alice", "companion"), id="m-2")
    recent = (line("Hello!"), said, line("The tide is out.", id="m-3"))
    again = await say(brain, moment("The tide is out.", recent=recent, instructions=order))
    assert "Alice" in first
    assert "Alice" not in again


@pytest.mark.parametrize(
    ("question", "me", "expected"),
    [
        ("What's your name?", ALICE, "Alice"),
        ("who are you", ALICE, "Alice"),
        ("What time is it?", ALICE, "8:05"),
        ("Who is here?", ALICE, "Bob"),
        ("名前は？", HINA, "ひな"),
        ("自己紹介してくれる？", HINA, "ひな"),
        ("いま何時？", HINA, "20時5分"),
        ("ほかに誰かいる？", HINA, "そら"),
    ],
)
async def test_answers_what_it_knows_of_itself_and_the_room(
    question: str, me: Persona, expected: str
) -> None:
    for said in await answers(question, me=me):
        assert expected in said


async def test_a_question_is_answered_however_brief_the_greeting() -> None:
    order = (Instruction("speak", "Introduce yourself, briefly."),)
    for said in await answers("What time is it?", sender=replace(MIKA, met=False), instructions=order):
        assert "8:05" in said


@pytest.mark.parametrize(("question", "me"), [("What do you like?", ALICE), ("何が好き？", HINA)])
async def test_tells_its_interests_when_asked_what_it_likes(question: str, me: Persona) -> None:
    for said in await answers(question, me=me):
        assert any(interest in said.lower() for interest in me.interests)


@pytest.mark.parametrize(
    ("question", "me"),
    [("Are you a language model?", ALICE), ("AIなの？", HINA), ("Are you human?", ALICE)],
)
async def test_never_claims_to_be_a_person_or_a_language_model(question: str, me: Persona) -> None:
    for said in await answers(question, me=me):
        assert "rules" in said or "決まりごと" in said


@pytest.mark.parametrize(
    ("question", "me", "admits"),
    [
        (
            "What is the capital of France?",
            ALICE,
            "know|knew|beyond me|idea|couldn't|lost|told|notion|got me|outside",
        ),
        (
            "フランスの首都はどこですか？",
            HINA,
            "わか|知ら|さっぱり|詳しい人|聞いたことが|お手上げ|教わり",
        ),
    ],
)
async def test_says_so_when_it_does_not_know_and_turns_to_what_it_does(
    question: str, me: Persona, admits: str
) -> None:
    for said in await answers(question, me=me):
        assert re.search(admits, said)
        assert any(interest in said.lower() for interest in me.interests)


@pytest.mark.parametrize(
    ("text", "me", "topic"),
    [
        ("I saw a whale from the pier today!", ALICE, "whale"),
        ("We planted tulips behind the school.", ALICE, "tulips"),
        ("昨日、大きな鯨を見ました。", HINA, "鯨"),
        ("ピアノを習い始めました。", HINA, "ピアノ"),
    ],
)
async def test_takes_up_what_the_message_is_about(text: str, me: Persona, topic: str) -> None:
    said = await answers(text, me=me, present=(MIKA,))
    assert sum(topic in one for one in said) >= len(said) * 2 / 3
    assert not any(text in one for one in said)


@pytest.mark.parametrize(("text", "me"), [("I like pizza.", ALICE), ("ピアノを習い始めました。", HINA)])
async def test_turns_the_topic_toward_its_own_interests(text: str, me: Persona) -> None:
    said = " ".join(await answers(text, me=me)).lower()
    assert any(interest in said for interest in me.interests)
    assert any(tale.lower() in said for tale in me.sample.splitlines() if tale)


@pytest.mark.parametrize(
    ("me", "question", "past", "kept"),
    [
        (
            ALICE,
            "What do you remember about the lighthouse?",
            "My grandmother kept a lighthouse near Brighton.",
            "Brighton",
        ),
        (HINA, "灯台について何を覚えてる？", "うちの祖母は岬の灯台を守っていました。", "岬の灯台"),
    ],
)
async def test_tells_what_it_remembers(me: Persona, question: str, past: str, kept: str) -> None:
    told = line(past, id="m-0", time=(NOW - timedelta(days=1)).timestamp())
    for said in await answers(question, me=me, recalled=(told,)):
        assert kept in said
        assert "yesterday" in said.lower() or "昨日" in said


async def test_remembers_what_people_said_before_what_companions_made_of_it() -> None:
    echo = line("A dragon! I could hear about that all week.", BOB, id="m-0")
    told = line("I saw a dragon on the roof.", id="m-2")
    for said in await answers("What do you remember about dragons?", recalled=(echo, told)):
        assert said.index("on the roof") < said.index("A dragon!")


@pytest.mark.parametrize(
    ("question", "me"),
    [("What do you remember about dragons?", ALICE), ("竜宮城について何を覚えてる？", HINA)],
)
async def test_remembers_nothing_that_was_not_said(question: str, me: Persona) -> None:
    unrelated = line("My bicycle has a flat tyre.", id="m-0", time=1.0)
    for said in await answers(question, me=me, recalled=(unrelated,)):
        assert "tyre" not in said
        assert "“" not in said
        assert "「" not in said


async def test_looks_for_what_it_is_asked_to_remember_with_its_recall_tool() -> None:
    class Found(Hands):
        async def call(self, name: str, params: Any) -> str:
            await super().call(name, params)
            return (
                "2026-01-04, user_mika said: I saw a dragon on the roof." if name == "recall" else "done"
            )

    hands = Found(specs=(*SPECS, replace(SPECS[0], name="recall", kind="knowledge")))
    await OfflineBrain(Random(1)).compose(moment("What do you remember about dragons?"), hands)
    assert ("recall", {"query": "dragons"}) in hands.done
    assert "I saw a dragon on the roof" in words_of(hands)


@pytest.mark.parametrize(
    ("me", "text", "past", "mention"),
    [
        (
            ALICE,
            "The harbour is quiet today.",
            "My grandmother kept a lighthouse by the harbour.",
            "your grandmother",
        ),
        (HINA, "今日は港が静かです。", "祖母は港で灯台を守っていました。", "祖母"),
    ],
)
async def test_mentions_what_was_told_before(me: Persona, text: str, past: str, mention: str) -> None:
    told = line(past, id="m-0", time=(NOW - timedelta(days=1)).timestamp())
    said = await answers(text, me=me, recalled=(told,))
    assert sum(mention in one for one in said) >= 2
    order = (Instruction("speak", "Mention something you remember."),)
    ordered = await answers(text, me=me, recalled=(told,), instructions=order)
    assert sum(mention in one for one in ordered) > sum(mention in one for one in said)


@pytest.mark.parametrize(("text", "me"), [("Alice, come here!", ALICE), ("ひな、こっちに来て！", HINA)])
async def test_comes_when_asked(text: str, me: Persona) -> None:
    assert ("move", {"target": MIKA.id}) in await deeds(text, me=me)


@pytest.mark.parametrize(
    ("text", "me", "target"),
    [("Please go to Bob.", ALICE, BOB.id), ("そらのところへ行って。", HINA, SORA.id)],
)
async def test_goes_to_somebody_when_asked(text: str, me: Persona, target: str) -> None:
    assert ("move", {"target": target}) in await deeds(text, me=me)


@pytest.mark.parametrize(
    ("text", "me"), [("Please walk to 30, 70.", ALICE), ("30、70のところへ行って。", HINA)]
)
async def test_goes_to_a_place_when_asked(text: str, me: Persona) -> None:
    assert ("move", {"x": 30.0, "y": 70.0}) in await deeds(text, me=me)


async def test_stays_within_the_room() -> None:
    assert ("move", {"x": 100.0, "y": 70.0}) in await deeds("Please walk to 300, 70.")


async def test_does_not_promise_what_it_has_no_tool_for() -> None:
    hands = Hands(specs=SPECS[:1])
    await OfflineBrain(Random(1)).compose(moment("Alice, come here!"), hands)
    assert [tool for tool, _ in hands.done] == ["speak"]
    assert "can't" in words_of(hands)


async def test_makes_the_gesture_that_it_is_asked_for() -> None:
    assert ("gesture", {"kind": "dance"}) in await deeds("Please dance!")
    assert ("gesture", {"kind": "wave", "target": MIKA.id}) in await deeds("手を振って！", me=HINA)


async def test_shows_its_mood_by_gestures_and_looks() -> None:
    tools = {tool for seed in SEEDS for tool in await _tools_used(seed)}
    assert {"look", "gesture"} <= tools


async def _tools_used(seed: int) -> list[str]:
    hands = Hands(specs=SPECS)
    await OfflineBrain(Random(seed)).compose(moment("I saw a whale from the pier!"), hands)
    return [tool for tool, _ in hands.done]


async def test_follows_what_its_triggers_say() -> None:
    orders = (Instruction("gesture", "お辞儀をしてください。"), Instruction("look", "Look at Bob."))
    done = await deeds("I like pizza.", instructions=orders)
    assert ("gesture", {"kind": "bow", "target": MIKA.id}) in done
    assert ("look", {"target": BOB.id}) in done


async def test_says_word_for_word_what_a_trigger_quotes() -> None:
    order = (Instruction("speak", 'Say "The ferry leaves at nine."'),)
    assert set(await answers("Hello!", instructions=order)) == {"The ferry leaves at nine."}


async def test_keeps_it_short_when_told_to() -> None:
    order = (Instruction("speak", "Keep it short."),)
    brief = await answers("What do you like?", instructions=order)
    usual = await answers("What do you like?")
    assert sum(map(len, brief)) < sum(map(len, usual))


async def test_answers_in_the_language_it_is_spoken_to() -> None:
    for said in await answers("昨日、大きな鯨を見ました。"):
        assert "鯨" in said or "。" in said
        assert "the" not in said.split()
    for said in await answers("I saw a whale from the pier today!", me=HINA):
        assert "。" not in said


async def test_a_name_in_another_script_does_not_change_the_language() -> None:
    for said in await answers("Hello ひな, how are you today?", me=HINA, language="ja"):
        assert "。" not in said


async def test_asks_back_at_most_every_third_turn() -> None:
    brain, asked = OfflineBrain(Random(3)), []
    for thing in (
        "boats",
        "gulls",
        "starfish",
        "letters",
        "trains",
        "moths",
        "apples",
        "violins",
        "owls",
    ):
        said = await say(brain, moment(f"I have been thinking about {thing}."))
        asked.append("?" in said)
    assert any(asked)
    assert all(sum(asked[i : i + 3]) <= 1 for i in range(len(asked) - 2))


async def test_turns_to_those_who_have_said_least() -> None:
    carol = Someone("companion_carol", "Carol", "companion", met=True)
    dave = Someone("companion_dave", "Dave", "companion", met=True)
    said = line("The tide is out.", BOB)
    talk = (*(line("It rained.", carol, id=f"m-{n}") for n in range(4)), said)
    present = (BOB, carol, dave)
    asked = moment("The tide is out.", BOB, present=present, recent=talk, addressed=False)
    turned_to = []
    for seed in range(40):
        hands = Hands(specs=SPECS)
        await OfflineBrain(Random(seed)).compose(asked, hands)
        turned_to += [params["to"] for tool, params in hands.done if tool == "speak" and "to" in params]
    assert turned_to
    assert all(to == [dave.id] for to in turned_to)


async def test_finds_other_words_where_its_own_were_just_said() -> None:
    for seed in SEEDS:
        asked = moment("I like pizza.", addressed=False)
        said = await say(OfflineBrain(Random(seed)), asked)
        echo = line(said.upper(), BOB, id="m-0")  # the rules against the same phrase see no match
        again = await say(OfflineBrain(Random(seed)), replace(asked, recent=(echo, *asked.recent)))
        assert again.upper() != said.upper()


async def test_takes_no_question_for_its_own_that_is_put_to_another() -> None:
    for said in await answers("Bob, what is the capital of France?", addressed=False):
        assert "Bob" not in said or "?" not in said


async def test_notices_what_happens_around_it() -> None:
    rain = line("The first snow is falling.", id="c-1", kind="perceived")
    said = await answers("I like pizza.", perceived=(rain,))
    assert any("snow" in one for one in said)


async def test_begins_a_talk_on_the_topic_given() -> None:
    for said in await answers("", message=None, recent=(), topic="old bridges", addressed=False):
        assert "old bridges" in said.lower()


async def test_begins_a_talk_on_an_interest_of_its_own() -> None:
    for said in await answers("", me=HINA, message=None, recent=(), addressed=False):
        assert any(interest in said for interest in HINA.interests)


@pytest.mark.parametrize(("me", "text"), [(ALICE, "The tide is out."), (HINA, "花火がきれいですね。")])
async def test_winds_down_in_stages(me: Persona, text: str) -> None:
    other = BOB if me is ALICE else SORA
    before = await answers(text, sender=other, me=me, closing=Closing.PRE_CLOSING)
    assert not any("?" in said[-2:] or "？" in said[-2:] for said in before)
    farewells = await answers(text, sender=other, me=me, closing=Closing.CLOSING)
    last = await answers(text, sender=other, me=me, closing=Closing.TERMINAL)
    assert all(farewells)
    assert all(last)
    assert max(map(len, last)) < min(map(len, before))


async def test_is_silent_at_the_end_when_it_has_said_goodbye() -> None:
    mine = line("Goodbye, everyone.", Someone(ALICE.id, "Alice", "companion"), id="m-0")
    said = await answers("Bye!", sender=BOB, recent=(mine, line("Bye!", BOB)), closing=Closing.TERMINAL)
    assert set(said) == {""}


async def test_a_refused_gesture_does_not_cost_the_turn() -> None:
    hands = Hands(specs=SPECS, refuse=("bow",))
    order = (Instruction("gesture", "Bow."),)
    await OfflineBrain(Random(1)).compose(moment("Hello!", instructions=order), hands)
    assert words_of(hands)


async def test_what_is_refused_is_left_for_another_time() -> None:
    """The talk has moved on: the turn is given up, and the tale is not lost."""
    tale = "My clock runs only when nobody is looking."
    me = Persona("companion_x", "X", sample=f"{tale}\n", interests=("clocks",))
    brain, asked = OfflineBrain(Random(1)), moment("Tell me about clocks.", me=me)

    class Late(Hands):
        async def call(self, name: str, params: Any) -> str:
            if name == "speak":
                assert tale in params["message"]
                raise ToolError("the conversation has moved on; this was not said")
            return await super().call(name, params)

    await brain.compose(asked, Late(specs=SPECS))
    assert tale in await say(brain, asked)
    assert tale not in await say(brain, asked)


async def test_gives_the_turn_up_when_it_may_not_speak() -> None:
    hands = Hands(specs=SPECS[1:])
    await OfflineBrain(Random(1)).compose(moment("Hello!"), hands)
    assert hands.done == []
