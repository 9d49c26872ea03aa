"""Offline brains together: properties that hold whatever is said, and talks worth watching."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aikyo.brain import Instruction, Line, Moment, Persona, Someone
from aikyo.brain.offline import OfflineBrain
from aikyo.brain.offline.habits import alike
from aikyo.wire import Closing
from tests.support.minds import Hands
from tests.support.talkers import SPECS, Talk, persona, words_of

ENGLISH, JAPANESE = ("alice", "bob", "carol"), ("hina", "sora")
EVERYBODY = [persona(name) for name in (*ENGLISH, *JAPANESE)]

texts = st.one_of(
    st.text(max_size=120),
    st.text("ab \n.,!?'\"“”[]{}<>|/@", max_size=120),
    st.text("海猫のをにだです。！？「」（）0９ー々", max_size=120),
    st.sampled_from(
        ["Alice, come here!", "What do you remember about me?", "tea or coffee?", "ひな、おいで"]
    ),
)
people = st.builds(
    Someone,
    id=st.sampled_from(["user_mika", "companion_bob", "companion_alice", "\0"]),
    name=texts,
    kind=st.sampled_from(["companion", "person"]),
    met=st.booleans(),
)
lines = st.builds(
    Line,
    id=texts,
    sender=st.sampled_from(["user_mika", "companion_bob", "companion_alice", ""]),
    name=texts,
    text=texts,
    time=st.floats(allow_nan=True) | st.floats(0, 2e9),
    kind=st.sampled_from(["heard", "said", "did", "perceived"]),
)
personas = st.sampled_from(EVERYBODY) | st.builds(
    Persona,
    id=st.just("companion_x"),
    name=texts,
    story=texts,
    sample=texts,
    language=st.sampled_from(["en", "ja", "fr", ""]),
    interests=st.lists(texts, max_size=3).map(tuple),
    phrases=st.lists(texts, max_size=3).map(tuple),
)
moments = st.builds(
    Moment,
    now=st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
    me=personas,
    present=st.lists(people, max_size=3).map(tuple),
    message=st.none() | lines,
    topic=texts,
    recent=st.lists(lines, max_size=4).map(tuple),
    recalled=st.lists(lines, max_size=3).map(tuple),
    perceived=st.lists(lines, max_size=2).map(tuple),
    instructions=st.lists(
        st.builds(Instruction, st.sampled_from(["speak", "gesture", "look", "move"]), texts), max_size=3
    ).map(tuple),
    closing=st.sampled_from(Closing),
    turn=st.integers(0, 1000),
    language=st.sampled_from(["en", "ja", ""]),
    addressed=st.booleans(),
)


@settings(max_examples=300)
@given(moments, st.integers(0, 9))
async def test_any_moment_is_answered_with_at_most_one_word_of_speech(moment: Moment, seed: int) -> None:
    brain, hands = OfflineBrain(Random(seed)), Hands(specs=SPECS)
    assessed = await brain.assess(moment)
    assert 0 <= assessed.importance <= 10
    await brain.compose(moment, hands)
    spoken = [params for tool, params in hands.done if tool == "speak"]
    assert len(spoken) <= 1
    assert all(len(params["message"]) < 4000 for params in spoken)
    for tool, params in hands.done:
        if tool == "move" and "x" in params:
            assert 0 <= params["x"] <= 100
            assert 0 <= params["y"] <= 100


@given(moments, st.integers(0, 9))
async def test_the_same_seed_says_the_same(moment: Moment, seed: int) -> None:
    here, there = Hands(specs=SPECS), Hands(specs=SPECS)
    await OfflineBrain(Random(seed)).compose(moment, here)
    await OfflineBrain(Random(seed)).compose(moment, there)
    assert here.done == there.done


async def test_the_longest_message_is_answered_at_once() -> None:
    brain, now = OfflineBrain(Random(1)), datetime(2026, 1, 5, tzinfo=UTC)
    for text in ("a" * 16384, "the map or " * 1400, "海と" * 8000, "？" * 16384, "come to " * 2000):
        said = Line("m-1", "user_mika", "mika", text, now.timestamp())
        long_ago = tuple(Line(f"m-{n}", "user_mika", "mika", text, 1.0) for n in range(16))
        moment = Moment(now, EVERYBODY[0], (), said, recent=(*long_ago, said), recalled=long_ago[:4])
        began = time.process_time()
        await brain.assess(moment)
        assert words_of(await _acted(brain, moment))
        assert time.process_time() - began < 0.5


async def _acted(brain: OfflineBrain, moment: Moment) -> Hands:
    hands = Hands(specs=SPECS)
    await brain.compose(moment, hands)
    return hands


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("names", [ENGLISH, JAPANESE], ids=["en", "ja"])
async def test_a_long_talk_never_repeats_itself(names: tuple[str, ...], seed: int) -> None:
    talk = Talk(seed, [persona(name) for name in names])
    await talk.go_on(60)
    said = [line.text for line in talk.lines]
    assert len(said) >= 30
    assert len(set(said)) == len(said)
    close = [alike(text, said[max(0, index - 16) : index]) for index, text in enumerate(said)]
    assert max(close) < 0.6  # what others would take for going in circles


@pytest.mark.parametrize("seed", range(4))
async def test_everybody_gets_a_word_in(seed: int) -> None:
    talk = Talk(seed, [persona(name) for name in ENGLISH])
    await talk.go_on(30)
    share = Counter(line.sender for line in talk.lines)
    assert len(share) == 3
    assert min(share.values()) >= 6


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("names", [ENGLISH, JAPANESE], ids=["en", "ja"])
async def test_tells_each_of_its_tales_once_at_the_most(names: tuple[str, ...], seed: int) -> None:
    talk = Talk(seed, [persona(name) for name in names])
    await talk.go_on(60)
    for me in talk.personas:
        for tale in me.sample.splitlines():
            assert sum(tale in line.text for line in talk.lines if tale) <= 1


@pytest.mark.parametrize("seed", range(3))
async def test_a_talk_runs_dry_of_itself(seed: int) -> None:
    talk = Talk(seed, [persona(name) for name in ENGLISH])
    await talk.go_on(500)
    assert 30 <= len(talk.lines) < 150


@pytest.mark.parametrize("seed", range(3))
async def test_at_the_close_everybody_says_goodbye_once(seed: int) -> None:
    talk = Talk(seed, [persona(name) for name in ENGLISH])
    await talk.go_on(12)
    await talk.go_on(20, Closing.CLOSING)
    assert sorted(line.sender for line in talk.lines[12:]) == sorted(me.id for me in talk.personas)


async def test_a_companion_without_a_character_still_talks() -> None:
    plain = [Persona("companion_x", "X"), Persona("companion_y", "Y"), Persona("companion_z", "Z")]
    talk = Talk(1, plain)
    await talk.go_on(6)
    assert len(talk.lines) == 6
    assert len({line.text for line in talk.lines}) == 6


async def test_twins_do_not_tell_the_same_tale() -> None:
    alice = persona("alice")
    twin = Persona(**{**{k: getattr(alice, k) for k in alice.__slots__}, "id": "companion_alice-2"})
    talk = Talk(2, [alice, twin, persona("bob")])
    await talk.go_on(24)
    for tale in alice.sample.splitlines():
        told = [n for n, line in enumerate(talk.lines) if tale and tale in line.text]
        assert all(later - earlier > 15 for earlier, later in pairwise(told))


@pytest.mark.parametrize("me", EVERYBODY, ids=lambda me: me.name)
def test_the_profiles_are_rich_enough_to_play(me: Persona) -> None:
    tales = [line for line in me.sample.splitlines() if line]
    assert len(me.interests) >= 5
    assert len(tales) == len(set(tales)) >= 15
    assert me.phrases
    assert me.role
    assert me.personality
    assert me.story
