"""What the offline brain wants, and how it fills in what triggers ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain import Assessment, Line, Moment, Someone
from aikyo.brain.offline import OfflineBrain
from aikyo.wire import Closing
from tests.support.talkers import persona

NOW = datetime(2026, 1, 5, 20, 5, tzinfo=UTC)
MIKA = Someone("user_mika", "mika", "person", met=True)
BOB = Someone("companion_bob", "Bob", "companion", met=True)
CAROL = Someone("companion_carol", "Carol", "companion", met=True)
ALICE = persona("alice")


def moment(text: str, sender: Someone = MIKA, **fields: Any) -> Moment:
    said = Line("m-1", sender.id, sender.name, text, NOW.timestamp())
    present = (sender, *(who for who in (BOB, CAROL) if who.id != sender.id))
    usual: dict[str, Any] = {
        "now": NOW,
        "me": ALICE,
        "present": present,
        "message": said,
        "recent": (said,),
    }
    return Moment(**usual | fields)


async def assess(text: str, sender: Someone = MIKA, **fields: Any) -> Assessment:
    return await OfflineBrain(Random(1)).assess(moment(text, sender, **fields))


async def param(schema: Mapping[str, Any], text: str, name: str = "value", **fields: Any) -> Any:
    """The value for one property."""
    params = {"type": "object", "properties": {name: schema}, "required": [name]}
    return (await assess(text, params=params, **fields)).params[name]


async def test_wants_most_to_answer_when_it_is_addressed() -> None:
    assert (await assess("Alice, hello!", addressed=True)).importance >= 9
    assert (await assess("Hello!")).importance < 9


async def test_a_person_matters_more_than_a_companion() -> None:
    person, companion = await assess("It rained."), await assess("It rained.", BOB)
    assert person.importance > companion.importance


async def test_what_touches_its_interests_makes_it_want_to_speak() -> None:
    touched, other = await assess("I love old maps.", BOB), await assess("I love old hats.", BOB)
    assert touched.importance > other.importance


async def test_wants_less_right_after_it_has_spoken() -> None:
    said = moment("It rained.", BOB).recent
    mine = Line("m-0", ALICE.id, "Alice", "The tide is out.", NOW.timestamp())
    theirs = replace(mine, sender=CAROL.id, name="Carol")
    after_me = await assess("It rained.", BOB, recent=(mine, *said))
    after_her = await assess("It rained.", BOB, recent=(theirs, *said))
    assert after_me.importance < after_her.importance


async def test_leaves_to_others_what_is_put_to_them() -> None:
    put_to_all = await assess("What do you think?")
    put_to_bob = await assess("Bob, what do you think?")
    assert put_to_bob.importance < put_to_all.importance / 2


@pytest.mark.parametrize("sender", [MIKA, BOB])
async def test_listens_when_the_talk_is_over(sender: Someone) -> None:
    last = await assess("Bye!", sender, closing=Closing.TERMINAL, addressed=True)
    assert last == Assessment(False, 0, {})


async def test_says_goodbye_only_once() -> None:
    said = moment("Goodbye, all.", BOB).recent
    mine = Line("m-0", ALICE.id, "Alice", "Goodbye, all.", NOW.timestamp())
    assert (await assess("Goodbye, all.", BOB, closing=Closing.CLOSING)).speak
    assert not (await assess("Goodbye, all.", BOB, closing=Closing.CLOSING, recent=(mine, *said))).speak


async def test_wants_less_as_the_talk_winds_down_and_drags_on() -> None:
    fresh = await assess("It rained.", BOB)
    assert (await assess("It rained.", BOB, closing=Closing.PRE_CLOSING)).importance < fresh.importance
    assert (await assess("It rained.", BOB, turn=40)).importance < fresh.importance


async def test_does_not_answer_itself() -> None:
    assert not (await assess("It rained.", Someone(ALICE.id, "Alice", "companion"))).speak


async def test_wants_to_begin_a_talk() -> None:
    assert (await assess("", message=None, recent=())).speak


async def test_two_brains_assess_a_moment_alike() -> None:
    here, there = OfflineBrain(Random(1)), OfflineBrain(Random(2))
    asked = moment("What do you think of moths?")
    assert await here.assess(asked) == await there.assess(asked) == await here.assess(asked)


@pytest.mark.parametrize(
    ("name", "description", "yes", "no"),
    [
        ("greeting", "", "Hello!", "It rained."),
        ("farewell", "", "I have to go. Bye!", "Hello!"),
        ("question", "", "What is a moth?", "It rained."),
        ("thanks", "", "Thank you!", "It rained."),
        ("a", "whether they feel sad", "I'm so sad today.", "I'm happy."),
        ("b", "相手が落ちこんでいるかどうか", "今日はとても悲しいです。", "今日は晴れです。"),
        ("c", "whether they are talking about the sea", "The tide is out.", "I baked bread."),
        ("d", "星の話をしているかどうか", "満月がきれいですね。", "パンを焼きました。"),
        ("e", "whether they ask you to come", "Alice, come here!", "It rained."),
        ("f", "whether it touches an interest of yours", "I drew old maps.", "I drew a hat."),
    ],
)
async def test_fills_in_booleans_by_what_they_are_about(
    name: str, description: str, yes: str, no: str
) -> None:
    schema = {"type": "boolean", "description": description}
    assert await param(schema, yes, name) is True
    assert await param(schema, no, name) is False


async def test_knows_whether_it_meets_somebody_for_the_first_time() -> None:
    schema = {"type": "boolean", "description": "whether this is the first time you talk with them"}
    stranger = replace(MIKA, met=False)
    assert await param(schema, "Hello!", sender=stranger) is True
    assert await param(schema, "Hello!") is False


async def test_picks_the_choice_that_fits() -> None:
    schema = {"enum": ["tea", "coffee"]}
    assert await param(schema, "A coffee, please.") == "coffee"
    assert await param(schema, "It rained.") == "tea"
    moods = {"enum": ["happy", "calm", "sad"]}
    assert await param(moods, "I'm so lonely.") == "sad"
    assert await param(moods, "It rained.") == "calm"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer", "minimum": 3}, 3),
        ({"type": "number", "minimum": 1.5, "maximum": 2}, 1.5),
        ({"type": "integer", "maximum": -2}, -2),
        ({"type": "integer", "exclusiveMinimum": 4, "multipleOf": 5}, 5),
        ({"type": "string"}, ""),
        ({"type": "string", "minLength": 3}, "---"),
        ({"type": ["null", "string"]}, None),
        ({"const": 7}, 7),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [0, 0]),
        ({"type": "object", "properties": {"a": {"type": "boolean"}}}, {"a": False}),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 0),
    ],
)
async def test_fills_in_values_that_fit_the_schema(schema: Mapping[str, Any], value: object) -> None:
    assert await param(schema, "It rained.") == value


def schemas() -> st.SearchStrategy[dict[str, Any]]:
    numbers = st.integers(-1000, 1000)
    leaves = st.one_of(
        st.just({"type": "boolean"}),
        st.just({"type": "string"}),
        st.just({"type": "null"}),
        st.builds(
            lambda low, width: {"type": "integer", "minimum": low, "maximum": low + abs(width)},
            numbers,
            numbers,
        ),
        st.builds(
            lambda low, width: {"type": "number", "minimum": low, "maximum": low + abs(width)},
            numbers,
            numbers,
        ),
        st.builds(lambda choices: {"enum": choices}, st.lists(st.text() | numbers, min_size=1)),
    )
    return st.recursive(leaves, _deeper, max_leaves=8)


def _deeper(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    objects = st.dictionaries(st.text(max_size=8), inner, max_size=4).map(
        lambda found: {"type": "object", "properties": found, "required": list(found)}
    )
    lists = st.builds(
        lambda item, n: {"type": "array", "items": item, "minItems": n}, inner, st.integers(0, 3)
    )
    return objects | lists


def fits(value: object, schema: Mapping[str, Any]) -> bool:
    """Whether `value` is valid: all that JSON Schema asks of the schemas drawn here."""
    if "enum" in schema:
        return value in schema["enum"]
    match schema["type"]:
        case "object":
            properties = schema["properties"]
            return (
                isinstance(value, dict)
                and set(schema["required"]) <= set(value)
                and all(fits(value[name], properties[name]) for name in properties)
            )
        case "array":
            long_enough = isinstance(value, list) and len(value) >= schema["minItems"]
            return long_enough and all(fits(item, schema["items"]) for item in value)
        case "integer" | "number" as kind:
            right = isinstance(value, int if kind == "integer" else int | float)
            return (
                right and not isinstance(value, bool) and schema["minimum"] <= value <= schema["maximum"]
            )
        case kind:
            return isinstance(value, {"boolean": bool, "string": str, "null": type(None)}[kind])


@given(st.dictionaries(st.text(max_size=12), schemas(), max_size=5), st.text(max_size=80))
async def test_params_are_always_valid(properties: dict[str, Any], text: str) -> None:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    assessed = await assess(text, params=schema)
    assert fits(assessed.params, schema)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
WORDS = st.sampled_from(
    ["type", "enum", "properties", "required", "items", "minItems", "anyOf", "minimum", "multipleOf"]
)


@given(st.dictionaries(WORDS, JSON, max_size=5), st.dictionaries(WORDS, JSON, max_size=5))
async def test_a_malformed_schema_is_no_reason_to_fail(
    outer: dict[str, Any], inner: dict[str, Any]
) -> None:
    await assess("Hello!", params={**outer, "properties": {"value": inner}})
