import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aikyo.conversation.triggers import Facts, TriggerError, Triggers, compile_triggers
from aikyo.wire import Fired

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["first_meeting"],
    "properties": {
        "first_meeting": {"type": "boolean"},
        "mood": {"type": "string"},
        "count": {"type": "integer"},
        "warmth": {"type": "number"},
        "topics": {"type": "array", "items": {"type": "string"}},
        "place": {"type": "object"},
        "anything": {},
    },
}
FACTS = Facts(
    message="Hello, Alice! 猫は好き？",
    sender="user_mika",
    to=("companion_alice", "companion_bob"),
    language="en",
    hour=21,
    known=True,
    context="text",
)


def speak_when(*expressions: str, schema: Any = SCHEMA) -> Triggers:
    """Triggers that tell `speak` the number of the condition."""
    return compile_triggers(
        schema, [(expression, [("speak", str(number))]) for number, expression in enumerate(expressions)]
    )


def holds(expression: str, facts: Facts = FACTS, **params: Any) -> bool:
    return bool(speak_when(expression).evaluate(params, facts))


def told(fired: tuple[Fired, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((one.tool, one.instruction) for one in fired)


def problems_of(*expressions: str, schema: Any = SCHEMA) -> list[tuple[Any, int, int, str]]:
    with pytest.raises(TriggerError) as caught:
        speak_when(*expressions, schema=schema)
    return [tuple(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "expression",
    [
        "true",
        "message.contains('猫')",
        "message.matches('^Hello')",
        "from == 'user_mika'",
        "from.startsWith('user_')",
        "'companion_alice' in to && size(to) == 2",
        "to.exists(who, who.endsWith('bob'))",
        "language == 'en'",
        "hour >= 20 || hour < 6",
        "known",
        "context == 'text'",
    ],
)
def test_the_facts_of_the_message_can_be_asked_for(expression: str) -> None:
    assert holds(expression)
    assert not holds(f"!({expression})")


def test_parameters_have_the_types_of_their_schema() -> None:
    assert holds("first_meeting", first_meeting=True)
    assert not holds("first_meeting", first_meeting=False)
    assert holds("mood == 'glad' && count > 2 && warmth > 0.5", mood="glad", count=3, warmth=1)
    assert holds("'sea' in topics && place.name == 'shore'", topics=["sea"], place={"name": "shore"})
    assert holds("anything == 3", anything=3)
    assert holds("anything", anything=True)


def test_the_first_condition_that_holds_wins_for_each_tool() -> None:
    triggers = compile_triggers(
        SCHEMA,
        [
            ("false", [("speak", "never")]),
            ("first_meeting", [("speak", "introduce"), ("gesture", "wave")]),
            ("known", [("speak", "carry on"), ("look", "at them")]),
            ("true", [("gesture", "nod")]),
        ],
    )
    assert dict(told(triggers.evaluate({"first_meeting": True}, FACTS))) == {
        "speak": "introduce",
        "gesture": "wave",
        "look": "at them",
    }
    assert dict(told(triggers.evaluate({"first_meeting": False}, FACTS))) == {
        "speak": "carry on",
        "look": "at them",
        "gesture": "nod",
    }


def test_what_fired_is_told_with_the_condition_it_came_from() -> None:
    triggers = compile_triggers(SCHEMA, [("false", [("look", "x")]), ("known", [("speak", "Hi.")])])
    assert triggers.evaluate({}, FACTS) == (
        Fired(number=2, expression="known", tool="speak", instruction="Hi."),
    )


COMES_IN = Facts(sender="user_mika", language="en", hour=21, context="image")


def starts(*conditions: tuple[str, str], facts: Facts = COMES_IN) -> list[str]:
    """What fires for a context that comes in, as tools and numbers."""
    triggers = compile_triggers(
        SCHEMA, [(expression, [(tool, "Do so.")]) for expression, tool in conditions]
    )
    return [f"{fired.tool} {fired.number}" for fired in triggers.starts_on(facts)]


@pytest.mark.parametrize(
    "expression",
    [
        "context == 'image'",
        "context != ''",
        "hour > 5 && (context == 'image' || known)",
        "['image', 'text'].exists(one, one == context)",
        "context == 'image' && from == 'user_mika' && message == ''",
    ],
)
def test_a_condition_on_the_context_starts_a_turn(expression: str) -> None:
    assert starts((expression, "speak")) == ["speak 1"]


@pytest.mark.parametrize(
    "expression",
    [
        "true",
        "hour == 21",
        "language != 'context'",
        "to.all(context, context != 'x')",
        "true // context",
        "!has(place.context)",
        "context == 'text'",
        "context == 'image' && message.contains('look')",
        "context == 'image' && first_meeting",
    ],
)
def test_one_that_does_not_ask_for_it_or_does_not_hold_starts_none(expression: str) -> None:
    facts_given = compile_triggers(SCHEMA, [(expression, [("speak", "x")])])
    assert facts_given.starts_on(COMES_IN) == ()


def test_only_what_is_told_to_speak_starts_a_turn_and_then_all_that_fired_counts() -> None:
    assert starts(("context == 'image'", "look")) == []
    assert starts(("context == 'image'", "speak"), ("true", "look")) == ["speak 1", "look 2"]


def test_the_first_that_holds_wins_for_a_context_too() -> None:
    assert starts(("true", "speak"), ("context == 'image'", "speak")) == []
    assert starts(("known", "speak"), ("context == 'image'", "speak")) == ["speak 2"]


def test_a_context_that_starts_nothing_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    assert starts(("context == 'image' && count > 1", "speak")) == []
    assert caplog.text == ""


def test_without_conditions_nothing_is_said() -> None:
    assert Triggers().evaluate({"x": 1}, FACTS) == ()
    assert compile_triggers(None, []).evaluate({}, FACTS) == ()


@pytest.mark.parametrize(
    ("expression", "params"),
    [
        ("first_meeting", {}),
        ("first_meeting", {"first_meeting": "yes"}),
        ("first_meeting", {"first_meeting": None}),
        ("count > 1", {"count": "many"}),
        ("count > 1", {"count": 1 << 70}),
        ("count / 0 == 1", {"count": 1}),
        ("topics[5] == 'x'", {"topics": []}),
        ("place.name == 'x'", {"place": {}}),
        ("anything", {"anything": "true"}),
        ("anything > 1", {"anything": "x"}),
        ("mood == 'x'", {"mood": "\ud800"}),
        ("message.matches('(')", {}),
        ("size(topics) > 1", {"topics": ["x" * 16385, "y"]}),
    ],
)
def test_what_cannot_be_evaluated_does_not_hold_and_is_reported(
    expression: str, params: dict[str, Any]
) -> None:
    reports: list[str] = []
    found = speak_when(expression, "true").evaluate(params, FACTS, report=reports.append)
    assert told(found) == (("speak", "1"),)
    assert len(reports) == 1
    assert reports[0].startswith("condition 1 could not be evaluated: ")


def test_the_report_says_what_went_wrong() -> None:
    reports: list[str] = []
    speak_when("hour / (hour - hour) == 1", "anything").evaluate(
        {"anything": 3}, FACTS, report=reports.append
    )
    assert "divide by zero" in reports[0]
    assert "it is int, not true or false" in reports[1]


def test_by_default_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    speak_when("first_meeting").evaluate({}, FACTS)
    assert "condition 1 could not be evaluated" in caplog.text


def test_a_value_so_deep_that_it_would_crash_the_process_is_left_out() -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"deeper": deep}
    reports: list[str] = []
    found = speak_when("has(anything.deeper)").evaluate({"anything": deep}, FACTS, report=reports.append)
    assert (found, len(reports)) == ((), 1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    st.dictionaries(st.sampled_from([*SCHEMA["properties"], "message", "unasked", "\ud800"]), JSON),
    st.text(),
)
@settings(deadline=None, max_examples=40)
def test_nothing_that_a_brain_fills_in_raises(params: dict[str, Any], message: str) -> None:
    triggers = speak_when(
        "first_meeting && mood.contains('x') && count > 1 && warmth < 2.0",
        "topics.exists(t, t == 'x') || place.x == 1 || anything == [1]",
        "message.size() >= 0",
    )
    found = triggers.evaluate(params, Facts(message=message), report=lambda _: None)
    assert told(found) in {(("speak", "0"),), (("speak", "1"),), (("speak", "2"),)}


def test_what_was_not_asked_for_cannot_replace_a_fact() -> None:
    assert not holds("from == 'companion_eve'", **{"from": "companion_eve"})


@pytest.mark.parametrize(
    ("expression", "line", "column", "what"),
    [
        ("first_meting", 1, 1, "unknown name 'first_meting'; did you mean 'first_meeting'?"),
        ("known &&\n  nonsense", 2, 3, "unknown name 'nonsense'"),
        ("'日本' == nonsense", 1, 9, "unknown name 'nonsense'"),
        ("hour >", 1, 7, "the end"),
        ("hour", 1, 1, "is int, not true or false"),
        ("'yes'", 1, 1, "is string, not true or false"),
        ("", 1, 1, "is empty"),
        ("  ", 1, 1, "is empty"),
        ("hour && known", 1, 6, "'&&' does not take (int, bool)"),
        ("warmth > 1", 1, 8, "a number is written 1.0"),
        ("message.shout()", 1, 14, "unknown name 'shout'"),
        ("(" * 40 + "true" + ")" * 40, 1, 1, "limit"),
        ("true" + " " * 1000, 1, 1, "over the limit of 1000"),
    ],
)
def test_a_wrong_condition_is_told_with_line_column_and_way_out(
    expression: str, line: int, column: int, what: str
) -> None:
    ((where, *place, said),) = problems_of("true", expression)
    assert (where, place) == (("conditions", 1), [line, column])
    assert what in said
    assert "\n" not in said


def test_all_wrong_conditions_are_told() -> None:
    assert [problem[0] for problem in problems_of("nope", "true", "hour")] == [
        ("conditions", 0),
        ("conditions", 2),
    ]


@pytest.mark.parametrize(
    "expression",
    [
        "to.all(a, to.all(b, a == b))",
        "to.exists(a, message.matches('(x+x+)+y'))",
        "to . filter (a, message . matches (a)).size() > 0",
        "topics.all(a, size(topics + topics) > 0)",
        "to.all(a, 'matches(' == a || to.map(b, b).size() > 1)",
        """'''\\'''' == "'" || to.all(a, to.all(b, a == b)) || "" == ''""",
        """b'''\\'''' == b"'" || to.all(a, to.all(b, a == b)) || "" == ''""",
    ],
)
def test_a_bomb_is_refused(expression: str) -> None:
    ((_, line, column, what),) = problems_of(expression)
    assert "run too long" in what
    assert (line, column) != (1, 1)


@pytest.mark.parametrize(
    "expression",
    [
        "to.exists(a, a == 'x') || to.all(b, b != '.all(')",
        "to.all(a, a != 'matches(') && message.matches('x')",
        "to.all(a, a != 'one + two') && hour + 1 > 0",
        "// to.all(a, to.all(\n true",
        'to.all(a, a != """ .map( """)',
    ],
)
def test_what_only_looks_like_a_bomb_is_taken(expression: str) -> None:
    speak_when(expression)


def test_what_is_too_long_for_a_loop_is_left_out() -> None:
    reports: list[str] = []
    found = speak_when("topics.all(a, topics == topics)").evaluate(
        {"topics": ["x"] * 101}, FACTS, report=reports.append
    )
    assert (found, len(reports)) == ((), 1)
    crowd = Facts(to=tuple(f"companion_{number}" for number in range(250)))
    assert holds("size(to) == 100", crowd)


def test_loops_are_few() -> None:
    with pytest.raises(TriggerError, match="loops over 16 times"):
        speak_when(*["to.all(a, a != 'x') || to.exists(a, a == 'y')"] * 9)
    speak_when(*["to.all(a, a != 'x') || to.exists(a, a == 'y')"] * 8)


def test_the_worst_loop_that_is_taken_ends_soon() -> None:
    long = ",".join("1" * 450)
    triggers = speak_when(f"[{long}].all(a, !message.contains('aaaaaaaaaaaaaaaaaaaaaaab'))")
    start = time.perf_counter()
    triggers.evaluate({}, Facts(message="a" * 16000))
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("schema", "where", "what"),
    [
        ({"type": "array"}, ("type",), 'params takes type = "object"'),
        ({}, (), 'params takes type = "object"'),
        ({"type": "object", "properties": []}, ("properties",), "is a table"),
        ({"type": "object", "properties": {"a": 1}}, ("properties", "a"), "must be a table"),
        ({"type": "object", "properties": {"a b": {}}}, ("properties", "a b"), "letters, digits"),
        ({"type": "object", "properties": {"from": {}}}, ("properties", "from"), "choose another"),
        ({"type": "object", "properties": {"in": {}}}, ("properties", "in"), "choose another"),
        ({"type": "object", "properties": {"null": {}}}, ("properties", "null"), "choose another"),
        ({"type": "object", "properties": {"dyn": {}}}, ("properties", "dyn"), "choose another"),
        ({"type": "object", "properties": {"as": {}}}, ("properties", "as"), "choose another"),
        ({"type": "object", "properties": {"int": {}}}, ("properties", "int"), "choose another"),
        (
            {"type": "object", "properties": {"a": {"type": "bolean"}}},
            ("properties", "a"),
            "did you mean 'boolean'?",
        ),
        (
            {"type": "object", "properties": {"a": {"type": [1]}}},
            ("properties", "a"),
            "unknown type '1'",
        ),
        ({"type": "object", "required": "a"}, ("required",), "is a list"),
        (
            {"type": "object", "properties": {"mood": {}}, "required": ["moood"]},
            ("required", 0),
            "did you mean 'mood'?",
        ),
        (
            {"type": "object", "properties": {f"p{n}": {} for n in range(101)}},
            ("properties",),
            "over 100 parameters",
        ),
    ],
)
def test_a_wrong_schema_is_told_with_its_place(schema: Any, where: tuple[Any, ...], what: str) -> None:
    (problem,) = problems_of("true", schema=schema)
    assert problem[0] == ("params", *where)
    assert what in problem[3]


@pytest.mark.parametrize("name", ["x", "size", "has", "matches", "all", "duration", "user_name", "_"])
def test_a_name_that_is_taken_as_a_parameter_can_be_read(name: str) -> None:
    schema = {"type": "object", "properties": {name: {"type": "boolean"}}}
    assert told(speak_when(name, schema=schema).evaluate({name: True}, FACTS)) == (("speak", "0"),)


def test_a_schema_with_types_to_choose_from_is_open() -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}}
    assert speak_when("a == null", schema=schema).evaluate({"a": None}, FACTS)


def test_too_many_conditions_are_refused() -> None:
    (problem,) = problems_of(*["true"] * 101)
    assert problem[0] == ("conditions",)


@pytest.mark.parametrize(
    "expression",
    ["to.//\nall(a, to.all(b, a == b))", 'to.all //\n(a, !message.matches("((a?){9}){9}b"))'],
)
def test_a_comment_hides_no_bomb(expression: str) -> None:
    with pytest.raises(TriggerError, match="could run too long"):
        compile_triggers(None, [(expression, [("speak", "x")])])


def test_patterns_are_few_and_read_little() -> None:
    many = [('message.matches("a+b")', [("speak", "x")])] * 17
    with pytest.raises(TriggerError, match="over 16 times"):
        compile_triggers(None, many)
    found = compile_triggers(None, [('message.endsWith("end")', [("speak", "x")])])
    assert found.evaluate({}, Facts(message="the end"))
    assert not found.evaluate({}, Facts(message="x" * 16_000 + "end"))
