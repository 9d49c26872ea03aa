"""The offline brain tells what it knows, with from when and whom; what it does not, it says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from aikyo.brain import Briefing, Line, Moment, Persona, Someone, ToolSpec
from aikyo.brain.moment import FindingKind, Known
from aikyo.brain.offline import OfflineBrain
from tests.support.minds import Hands
from tests.support.talkers import SPECS, persona, say, words_of

NOW = datetime(2026, 11, 20, 14, 5, tzinfo=UTC)  # a Friday
MIKA = Someone("user_mika", "Mika", "person", met=True)
MIKA_JA = Someone("user_mika", "ミカ", "person", met=True)
BOB = Someone("companion_bob", "Bob", "companion", met=True)
SORA = Someone("companion_sora", "ソラ", "companion", met=True)
ALICE, HINA = persona("alice"), persona("hina")
SEEDS = range(6)


def known(text: str, kind: FindingKind, about: str = MIKA.id, **fields: Any) -> Known:
    """What Mika told on Tuesday."""
    usual: dict[str, Any] = {"learned": (NOW - timedelta(days=3)).timestamp()}
    usual["told_by"] = ("ミカ",) if text.startswith(("ミカ", "ソラ")) else ("Mika",)
    return Known(text, text, about, kind=kind, **usual | fields)


ENGLISH = (
    known("Mika has a cat called Tofu.", "possession"),
    known("Mika lives in Osaka.", "place"),
    known("Mika no longer lives in Tokyo.", "place"),
    known("Mika is 27 years old.", "identity"),
    known("Mika works as a nurse.", "work"),
    known("Mika's favourite colour is green.", "preference"),
    known("Mika's sister is called Ann.", "relation"),
    known("Mika's birthday is on 3 May.", "identity"),
    known("Mika is allergic to peanuts.", "health"),
    known("Bob likes sushi.", "preference", BOB.id),
)
JAPANESE = (
    known("ミカはトーフという猫を飼っている。", "possession"),
    known("ミカは大阪に住んでいる。", "place"),
    known("ミカの誕生日は5月3日だ。", "identity"),
    known("ミカは看護師だ。", "work"),
    known("ミカの妹の名前はアンだ。", "relation"),
    known("ソラはお寿司が好きだ。", "preference", SORA.id),
)


def moment(text: str, me: Persona = ALICE, **fields: Any) -> Moment:
    """Mika says `text`."""
    who, friend = (MIKA_JA, SORA) if me is HINA else (MIKA, BOB)
    said = Line("m-1", who.id, who.name, text, NOW.timestamp())
    usual: dict[str, Any] = {"present": (who, friend), "recent": (said,), "addressed": True}
    usual["known"] = JAPANESE if me is HINA else ENGLISH
    return Moment(**{"now": NOW, "me": me, "message": said, "language": me.language} | usual | fields)


async def answers(asked: Moment) -> list[str]:
    return [await say(OfflineBrain(Random(seed)), asked) for seed in SEEDS]


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Do you remember my cat?", "you have a cat called Tofu"),
        ("What is my cat's name?", "you have a cat called Tofu"),
        ("What's my cat called?", "you have a cat called Tofu"),
        ("Do I have a pet?", "you have a cat called Tofu"),
        ("Where do I live?", "you live in Osaka"),
        ("Do you know where I live?", "you live in Osaka"),
        ("How old am I?", "you are 27 years old"),
        ("What do I do for work?", "you work as a nurse"),
        ("What's my favourite colour?", "your favourite colour is green"),
        ("Who is my sister?", "your sister is called Ann"),
        ("When is my birthday?", "your birthday is on 3 May"),
        ("Am I allergic to anything?", "you are allergic to peanuts"),
        ("What does Bob like?", "Bob likes sushi"),
    ],
)
async def test_tells_what_it_knows_with_from_when_and_whom(question: str, told: str) -> None:
    for answer in await answers(moment(question)):
        assert told in answer
        assert "you told me" in answer.lower()
        assert "on tuesday" in answer.lower()


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("うちの猫の名前は？", "トーフという猫を飼っている"),
        ("私はどこに住んでいる？", "大阪に住んでいる"),
        ("どこに住んでるか覚えてる？", "大阪に住んでいる"),
        ("私の誕生日はいつ？", "誕生日は5月3日だ"),
        ("私の仕事は何だっけ？", "看護師だ"),
        ("妹の名前は覚えてる？", "妹の名前はアンだ"),
        ("ソラは何が好き？", "ソラはお寿司が好きだ"),
    ],
)
async def test_tells_what_it_knows_in_japanese(question: str, told: str) -> None:
    for answer in await answers(moment(question, HINA)):
        assert told in answer
        assert "火曜日に" in answer


@pytest.mark.parametrize(
    ("question", "me", "told"),
    [
        ("What do you know about me?", ALICE, ("a cat called Tofu", "live in Osaka")),
        ("Do you remember me?", ALICE, ("a cat called Tofu",)),
        ("私のこと何か覚えてる？", HINA, ("トーフという猫", "大阪に住んでいる")),
        ("私について何を知っている？", HINA, ("トーフという猫",)),
    ],
)
async def test_tells_what_it_knows_of_the_asker(
    question: str, me: Persona, told: tuple[str, ...]
) -> None:
    for answer in await answers(moment(question, me)):
        assert all(one in answer for one in told)


@pytest.mark.parametrize(
    ("question", "me"),
    [
        ("What is my dog's name?", ALICE),
        ("Where am I from?", ALICE),
        ("Do I like coffee?", ALICE),
        ("うちの犬の名前は？", HINA),
        ("私の出身はどこ？", HINA),
    ],
)
async def test_what_it_does_not_know_it_says(question: str, me: Persona) -> None:
    for answer in await answers(moment(question, me)):
        assert any(word in answer for word in ("told me", "don't know", "聞いて", "聞いたこと"))
        assert not any(word in answer for word in ("Tofu", "Osaka", "トーフ", "大阪"))


async def test_who_told_it_is_named_if_that_is_somebody_else() -> None:
    told = known("Mika lives in Osaka.", "place", told_by=("Bob",))
    for answer in await answers(moment("Where do I live?", known=(told,))):
        assert "Bob" in answer
        assert "you live in Osaka" in answer


async def test_what_cannot_be_put_to_the_askers_face_is_quoted() -> None:
    told = known("Osaka is where Mika lives.", "place")
    for answer in await answers(moment("Where do I live?", known=(told,))):
        assert "“Osaka is where Mika lives.”" in answer


async def test_what_its_session_holds_is_known_too() -> None:
    briefing = Briefing(known=ENGLISH)
    for answer in await answers(moment("Where do I live?", known=(), briefing=briefing)):
        assert "you live in Osaka" in answer


async def test_a_question_about_itself_is_no_question_about_the_asker() -> None:
    for answer in await answers(moment("Where do you live?")):
        assert "Osaka" not in answer


@pytest.mark.parametrize(
    ("text", "me"),
    [
        ("Please remember that I'm allergic to nuts.", ALICE),
        ("Don't forget my birthday!", ALICE),
        ("私はナッツアレルギーだって覚えておいてね。", HINA),
    ],
)
async def test_what_it_is_told_to_remember_it_keeps_unless_it_cannot(text: str, me: Persona) -> None:
    keeps = await answers(moment(text, me, known=()))
    assert all(any(word in one for word in ("remember", "kept", "keep", "覚え")) for one in keeps)
    assert not any("disk" in one for one in keeps)
    for answer in await answers(moment(text, me, known=(), forgetful="the disk is full")):
        assert "the disk is full" in answer


def thread(days: float, **fields: Any) -> Known:
    happened = (NOW + timedelta(days=days)).timestamp()
    return known("Mika plans to go to Kyoto on 19 November 2026.", "plan", happened=happened, **fields)


async def asked_after(brain: OfflineBrain, open_thread: Known, **fields: Any) -> str:
    asked = moment("The sea was calm today.", known=(), **fields)
    return await say(brain, replace(asked, briefing=replace(asked.briefing, threads=(open_thread,))))


@pytest.mark.parametrize(
    ("days", "asks"), [(-1, "How"), (1, "you plan to go to Kyoto"), (-90, ""), (30, ""), (-0.01, "")]
)
async def test_asks_after_a_plan_when_it_is_over_or_near(days: float, asks: str) -> None:
    said = [await asked_after(OfflineBrain(Random(seed)), thread(days)) for seed in range(20)]
    about = [one for one in said if "you plan to go to Kyoto" in one]
    assert bool(about) is bool(asks)
    assert all(asks in one and "?" in one for one in about)


async def test_never_asks_after_a_plan_twice() -> None:
    for seed in range(5):
        brain = OfflineBrain(Random(seed))
        said = [await asked_after(brain, thread(-1)) for _ in range(12)]
        assert sum("Kyoto" in one for one in said) <= 1


async def test_does_not_ask_after_what_it_asked_in_an_earlier_life() -> None:
    said = Line(
        "m-0", ALICE.id, "Alice", "You told me that you plan to go to Kyoto on 19 November 2026.", 0
    )
    for seed in range(20):
        assert "Kyoto" not in await asked_after(OfflineBrain(Random(seed)), thread(-1), earlier=(said,))


async def test_does_not_ask_after_what_was_told_just_now() -> None:
    fresh = thread(1, learned=NOW.timestamp())
    for seed in range(20):
        assert "Kyoto" not in await asked_after(OfflineBrain(Random(seed)), fresh)


@dataclass
class Recalling(Hands):
    """Hands whose tool `recall` knows a fact."""

    specs: tuple[ToolSpec, ...] = (*SPECS, ToolSpec("recall", "", {}, "knowledge"))
    finds: str = ""

    async def call(self, name: str, params: Mapping[str, Any]) -> str:
        await super().call(name, params)
        return self.finds if name == "recall" else "done"


@pytest.mark.parametrize(
    ("finds", "told"),
    [
        ("2026-11-17, you know from Mika: Mika has a cat called Tofu.", "On Tuesday"),
        ("2026-99-17, you know from Mika: Mika has a cat called Tofu.", ""),
    ],
)
async def test_what_recall_finds_is_told(finds: str, told: str) -> None:
    for seed in SEEDS:
        hands = Recalling(finds=finds)
        await OfflineBrain(Random(seed)).compose(moment("Do you remember my cat?", known=()), hands)
        assert "you have a cat called Tofu" in words_of(hands)
        assert told.lower() in words_of(hands).lower()


def dated(text: str, days: float) -> Known:
    return known(text, "plan", happened=(NOW + timedelta(days=days)).timestamp())


THEIRS = (
    known("Mika's mother is a nurse.", "work"),
    known("Mika's mother lives in Cork.", "place"),
    known("Mika's sister Ann's birthday is on 9 June.", "identity"),
    dated("Mika has a dentist appointment on 24 November 2026.", 4),
    dated("Mika plans to go to Kyoto on 28 November 2026.", 8),
    known("Mika works as a cook.", "work"),
    known("Mika no longer lives in Tokyo.", "place"),
    known("Mika lives in Osaka.", "place"),
    known("Mika's birthday is on 3 May.", "identity"),
)
THEIRS_JA = (
    known("ミカの母は看護師だ。", "work"),
    known("ミカの彼氏の名前は悠斗だ。", "relation"),
    known("ミカの弟の名前は健太だ。", "relation"),
    known("ミカはコーヒーが苦手だ。", "preference"),
    dated("ミカは2026年11月24日に歯医者の予約がある。", 4),
    dated("ミカは2026年11月28日に鎌倉に行く予定だ。", 8),
    known("ミカはパン屋だ。", "work"),
    known("ミカの誕生日は5月3日だ。", "identity"),
)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("What do I do for work?", "you work as a cook"),
        ("What is my mother's job?", "your mother is a nurse"),
        ("Where do I live?", "you live in Osaka"),
        ("Where does my mother live?", "your mother lives in Cork"),
        ("When is my birthday?", "your birthday is on 3 May"),
        ("When is my sister's birthday?", "your sister Ann's birthday is on 9 June"),
        ("What am I doing next Saturday?", "you plan to go to Kyoto"),
        ("What am I doing on Tuesday?", "you have a dentist appointment"),
        ("お母さんの仕事は？", "母は看護師だ"),
        ("私の仕事は？", "に、パン屋だ"),
        ("弟の名前は何だっけ？", "弟の名前は健太だ"),
        ("彼氏の名前覚えてる？", "彼氏の名前は悠斗だ"),
        ("誕生日はいつか知ってる？", "誕生日は5月3日だ"),
        ("コーヒーは好きだったっけ？", "コーヒーが苦手だ"),
        ("来週の土曜日の予定は？", "鎌倉に行く予定だ"),
    ],
)
async def test_tells_what_is_asked_of_whom_and_of_which_day(question: str, told: str) -> None:
    in_japanese = not question.isascii()
    asked = moment(question, HINA if in_japanese else ALICE, known=THEIRS_JA if in_japanese else THEIRS)
    for answer in await answers(asked):
        assert told in answer.replace("火曜日に、", "に、")


@pytest.mark.parametrize(
    ("question", "me"),
    [
        ("What am I doing on 1 December?", ALICE),
        ("あなたの誕生日は知ってる？", HINA),
        ("織田信長の誕生日知ってる？", HINA),
        ("ヒナの誕生日いつだっけ？", HINA),
    ],
)
async def test_what_is_of_another_day_or_person_is_no_answer(question: str, me: Persona) -> None:
    for answer in await answers(moment(question, me, known=THEIRS_JA if me is HINA else THEIRS)):
        assert not any(word in answer for word in ("Kyoto", "dentist", "5月3日"))


@pytest.mark.parametrize(
    ("request_", "me", "told"),
    [
        ("Tell me everything you remember about me.", ALICE, "your mother is a nurse"),
        ("私について知っていることを教えて。", HINA, "母は看護師だ"),
    ],
)
async def test_tells_what_matters_most_where_it_is_asked_for_all(
    request_: str, me: Persona, told: str
) -> None:
    facts = (*THEIRS_JA, *THEIRS)
    weighed = tuple(
        replace(one, importance=8.0 if "nurse" in one.text or "母" in one.text else 3.0) for one in facts
    )
    for answer in await answers(moment(request_, me, known=weighed)):
        assert told in answer


async def test_what_is_told_is_no_question_about_itself() -> None:
    for answer in await answers(moment("実は、誕生日は7月16日なんだ。", HINA, known=())):
        assert "書いてない" not in answer


async def test_its_name_is_its_own_in_either_kana() -> None:
    for answer in await answers(moment("ヒナの名前は？", HINA)):
        assert "ひな" in answer


async def test_a_login_name_is_known_as_it_begins_a_sentence() -> None:
    login = Someone("user_mika", "mika", "person", met=True)
    facts = (known("Mikaの母は看護師だ。", "work", told_by=("mika",)),)
    asked = moment("お母さんの仕事は？", HINA, known=facts, present=(login, SORA))
    for answer in await answers(asked):
        assert "母は看護師だ" in answer
