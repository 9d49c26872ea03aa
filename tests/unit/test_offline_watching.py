"""What somebody who watches companions talk for a while would notice: nothing announced and not said,
nothing said over and over, no answer beside the question, names and subjects that can be read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from aikyo.brain import Moment, Persona, Someone
from aikyo.brain.offline import OfflineBrain
from aikyo.brain.offline.book import Cue
from aikyo.brain.offline.character import character_of
from aikyo.brain.offline.draft import Draft
from aikyo.brain.offline.habits import Habits
from aikyo.brain.offline.language import tongue_named
from aikyo.brain.offline.phrasing import core_of
from aikyo.brain.offline.scene import scene_of
from aikyo.brain.offline.telling import show_oneself
from tests.support.minds import ALICE, BOB, MIKA, NOW, Hands, line, moment

ENGLISH, JAPANESE = tongue_named("en"), tongue_named("ja")
HINA = Persona(
    id="companion_hina",
    name="ひな",
    language="ja",
    personality="明るくて、人なつっこい。",
    sample="うちの看板猫のきなこ、いちばん高い棚で寝るのが仕事だと思ってるんだよ。",
    interests=("駄菓子", "路地の猫", "夜釣り"),
)
HINA_HERSELF = Someone(HINA.id, HINA.name, "companion", HINA.personality, met=True)
SORA = Someone("companion_sora", "そら", "companion", "静かで、ていねい。", met=True)
BLANK = Persona(id="companion_ann", name="Ann", interests=("stamps",))


async def said(now: Moment, seed: int = 1, brain: OfflineBrain | None = None) -> str:
    hands = Hands()
    await (brain or OfflineBrain(Random(seed))).compose(now, hands)
    return "".join(str(params["message"]) for tool, params in hands.done if tool == "speak")


def drafting(now: Moment, heard: Iterable[str] = (), seed: int = 1) -> Draft:
    habits = Habits()
    habits.hear(heard)
    return Draft(scene_of(now), habits, Random(seed))


def among(text: str, me: Persona = ALICE, sender: Someone = BOB, **fields: Any) -> Moment:
    """A companion says something to all, in a talk that has begun."""
    return moment(text, sender, **{"me": me, "present": (sender,), "language": me.language} | fields)


# What is announced comes -------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ja"])
async def test_nothing_is_announced_that_does_not_come(language: str) -> None:
    book = tongue_named(language).book
    assert book.announcing
    endings = [
        core_of(phrase, polite=polite).rstrip(".。:,、 ")
        for phrase in book.announcing
        for polite in (True, False)
    ]
    for acts in (("take_up", "echo"), ("opinion",), ("share",)):
        for seed in range(80):
            me = replace(BLANK, language=language)
            draft = drafting(among("おもちゃ。" if language == "ja" else "Stamps.", me), seed=seed)
            draft.slots["topic"] = "切手" if language == "ja" else "stamps"
            draft.say(*acts)
            draft.settle()
            assert draft.parts
            assert not any(
                draft.text.rstrip(".。:,、 ").endswith(end) for end in endings if len(end) > 7
            )


def test_what_is_announced_stays_where_something_comes() -> None:
    announcing = ENGLISH.book.announcing
    for seed in range(40):
        draft = drafting(among("Stamps."), seed=seed)
        draft.say("share")
        draft.parts.append("A tale.")
        before = list(draft.parts)
        draft.settle()
        assert draft.parts == before
    assert all(phrase in announcing for phrase in ENGLISH.book.phrases["share"])


# Nothing is said over and over -------------------------------------------------------------------


@pytest.mark.parametrize("act", ["echo", "take_up", "aside", "agree"])
def test_a_phrase_that_was_said_politely_is_not_said_again_plainly(act: str) -> None:
    topic = {"topic": "切手", "i": "ぼく"}
    phrases = [
        p for p in JAPANESE.book.phrases[act] if len(core_of(p)) > 5 and "[" not in p and "{i}" not in p
    ]
    heard = [drafting(among("x"))._fill(phrase, topic) for phrase in phrases[1:]]
    now = among("あのね。", HINA, SORA)
    assert not character_of(HINA, JAPANESE).manner.polite
    draft = drafting(now, heard)
    _, text = draft._fresh(act, phrases, topic)
    assert core_of(phrases[0], polite=False) in text


def test_where_all_was_said_it_is_what_was_said_longest_ago() -> None:
    phrases = [p for p in ENGLISH.book.phrases["take_up"] if "[" not in p and len(core_of(p)) > 12]
    for seed in range(20):
        draft = drafting(among("x"), seed=seed)
        heard = [draft._fill(phrase, {"topic": "stamps"}) for phrase in phrases]
        draft = drafting(among("x"), heard, seed)
        phrase, _ = draft._fresh("take_up", phrases, {"topic": "stamps"})
        assert phrases.index(phrase) <= len(phrases) // 3


@pytest.mark.parametrize("polite", [True, False])
def test_a_remark_that_somebody_made_is_not_made_again(polite: bool) -> None:
    says = JAPANESE.book.fields["plants"].says
    other = drafting(
        among("花。", HINA if not polite else replace(HINA, sample="私は花が好きです。"), SORA)
    )
    heard = [other._fill(each) for each in says[1:]]
    draft = drafting(among("花。", HINA, SORA), heard)
    assert draft.remark(["plants"])
    assert core_of(says[0], polite=False) in draft.text
    assert not drafting(among("花。", HINA, SORA), [*heard, draft.text]).remark(["plants"])


def test_among_those_who_know_each_other_few_talk_of_something_else_at_once() -> None:
    def asides(met: bool) -> int:
        other = replace(BOB, met=met)
        drafts = [drafting(among("Stamps.", sender=other), seed=seed) for seed in range(100)]
        for draft in drafts:
            show_oneself(draft)
        return sum(bool(draft.parts) for draft in drafts)

    assert asides(met=False) == 100
    assert 5 < asides(met=True) < 50


async def test_what_one_has_to_tell_of_is_not_remembered_as_anothers() -> None:
    old = line("Old maps are best by the fire.", BOB, id="old", time=NOW.timestamp() - 4000)
    for seed in range(60):
        text = await said(among("A fire and a book.", recalled=(old,), turn=4), seed)
        assert "told me" not in text
        assert "mentioned" not in text


async def test_memories_are_not_answered_with_memories() -> None:
    recalls = [
        core_of(p)
        for act in ("recall_you", "recall_other", "recall_self")
        for p in ENGLISH.book.phrases[act]
    ]
    old = line("I mended the harbour bell with tin.", BOB, id="old", time=NOW.timestamp() - 4000)
    just = line("You told me about the harbour bell the other day.", BOB, id="m-9")
    for seed in range(60):
        now = among("", recalled=(old,), turn=4)
        text = await said(replace(now, message=just, recent=(just,)), seed)
        assert not any(core in text for core in recalls)


# Answers are to what was asked -------------------------------------------------------------------


def cues(text: str, me: Persona, sender: Someone) -> set[Cue]:
    return set(scene_of(among(text, me, sender, addressed=True)).reading.cues)


def test_what_only_sounds_like_a_question_is_none() -> None:
    assert Cue.NAME not in cues("こんにちは、ひな。お名前は聞いてたよ。", HINA, SORA)
    assert Cue.NAME in cues("お名前は？", HINA, MIKA)
    assert Cue.NAME in cues("お名前を聞かせてください。", HINA, MIKA)
    assert Cue.REMEMBER_ME not in cues("And so that you know me: rust is only iron.", ALICE, BOB)
    assert Cue.REMEMBER_ME in cues("Do you remember me?", ALICE, MIKA)


async def test_who_is_asked_what_they_think_says_so_whatever_the_words() -> None:
    opinions = [core_of(p, polite=False) for p in JAPANESE.book.phrases["opinion"]]
    for seed in range(20):
        now = among("灯台が好きなんだ。ひなはどう？", HINA, SORA, addressed=True, turn=3)
        text = await said(now, seed)
        assert any(core in text for core in opinions)


async def test_a_question_to_all_that_proposes_a_subject_is_taken_up() -> None:
    unknown = [core_of(phrase) for phrase in ENGLISH.book.phrases["unknown"]]
    for seed in range(40):
        text = await said(among("What do we know about games, between us?", turn=1), seed)
        assert not any(core in text for core in unknown if len(core) > 8)
        assert "games" in text.casefold()


def test_something_of_some_minutes_ago_is_not_of_a_moment_ago() -> None:
    assert ENGLISH.when(NOW.timestamp() - 400, NOW) == "earlier today"
    assert ENGLISH.when(NOW.timestamp() - 200, NOW) == "a moment ago"


# Words that can be read --------------------------------------------------------------------------


def test_a_noun_that_ends_in_a_verb_is_found_and_a_phrase_is_none() -> None:
    assert JAPANESE.stems("夜釣りは好き？") == {"夜釣り"}
    assert [topic.words for topic in JAPANESE.topics("古い地図の出番だと思います。")] == ["地図"]


async def test_in_english_a_name_in_another_script_is_read_as_the_id_is() -> None:
    for seed in range(20):
        text = await said(among("Hello! I'm Bob.", HINA, replace(BOB, met=False), language="en"), seed)
        assert "Hina" in text
        assert "ひな" not in text
    hears = scene_of(among("Hina, what do you make of old maps?", HINA, language="en"))
    assert hears.reading.calls_me
    assert [topic.words for topic in hears.reading.topics] == ["maps"]
    hears = scene_of(among("Hina likes the ferry.", ALICE, present=(BOB, HINA_HERSELF)))
    assert [topic.words for topic in hears.reading.topics] == ["ferry"]


def test_in_another_language_one_speaks_of_the_parts_of_the_world_one_likes() -> None:
    assert [each.text for each in character_of(HINA, ENGLISH).interests] == ["breakfast", "cats"]
    assert "海" in {each.text for each in character_of(ALICE, JAPANESE).interests}
    for tongue in (ENGLISH, JAPANESE):
        for name, field in tongue.book.fields.items():
            assert name in tongue.fields(tongue.stems(field.called)), field.called


@pytest.mark.parametrize(
    ("present", "language"),
    [
        ((BOB, replace(BOB, id="companion_carol")), "en"),
        ((BOB, SORA), "ja"),
        ((SORA,), "ja"),
        ((MIKA,), "ja"),
    ],
)
async def test_a_talk_is_begun_in_the_language_of_most(
    present: tuple[Someone, ...], language: str
) -> None:
    for seed in range(5):
        now = moment(me=HINA, message=None, recent=(), present=present, opening="silence", language="ja")
        text = await said(now, seed)
        assert JAPANESE.fits(text) is (language == "ja"), text


async def test_a_topic_that_was_given_says_in_which_language_to_begin() -> None:
    now = moment(me=HINA, message=None, recent=(), present=(BOB, replace(BOB, id="c")), opening="asked")
    assert JAPANESE.fits(await said(replace(now, topic="灯台", language="ja")))


# A long talk -------------------------------------------------------------------------------------


def test_of_a_long_talk_only_the_end_is_looked_at() -> None:
    long = tuple(line(f"Tale {number}.", id=f"m{number}") for number in range(5_000))
    scene = scene_of(moment(recent=long))
    assert scene.moment.recent == long[-16:]


def test_a_sentence_that_tells_nothing_is_no_tale() -> None:
    told = character_of(replace(ALICE, sample="Oh! That reminds me of the sea."), ENGLISH).tales
    assert [tale.text for tale in told][:1] == ["That reminds me of the sea."]
