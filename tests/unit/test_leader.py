"""The elected leader is the one that the TypeScript aikyo elects, to the byte of what is hashed.

The expected texts and leaders were worked out with node 20 and zod 3.25 from the original's schema.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation.leader import leader, succession
from aikyo.wire.javascript import Hashed, hashed, stringify

ACTIVE = frozenset("abc")
COMMON = '"from":"u","id":"1","to":["a","b","c"]'
CALL = '{"jsonrpc":"2.0","method":"message.send","params":{"id":"1","from":"u","to":["a","b","c"],'

VALID = {
    "in the schema's order": (f'{{"message":"hi",{COMMON}}}', f'{CALL}"message":"hi"}}}}', "a"),
    "numbers": (
        f'{{{COMMON},"message":"x","metadata":{{"n":[1.0,-0,-0.0,1e21,1e20,123456789012345678,1e-6,'
        "1e-7,5e-324,9007199254740993,0.1,-1.5e-9,1e400,1.7976931348623157e308,100,0.00001234]}}",
        f'{CALL}"message":"x","metadata":{{"n":[1,0,0,1e+21,100000000000000000000,123456789012345680,'
        "0.000001,1e-7,5e-324,9007199254740992,0.1,-1.5e-9,null,1.7976931348623157e+308,100,"
        "0.00001234]}}}",
        "b",
    ),
    "keys that are array indices go first, and of two with one key the last holds": (
        f'{{{COMMON},"message":"x","metadata":{{"b":1,"10":2,"2":3,"a":4,"01":5,"-1":6,"4294967294":7,'
        '"4294967295":8,"1.5":9,"b":10,"2":11}}',
        f'{CALL}"message":"x","metadata":{{"2":11,"10":2,"4294967294":7,"b":10,"a":4,"01":5,"-1":6,'
        '"4294967295":8,"1.5":9}}}',
        "c",
    ),
    "the schema drops one key of a record": (
        f'{{{COMMON},"message":"x","metadata":{{"__proto__":{{"x":1}},"deep":{{"__proto__":{{"y":2}}}}}}}}',
        f'{CALL}"message":"x","metadata":{{"deep":{{"__proto__":{{"y":2}}}}}}}}}}',
        "c",
    ),
    "strings": (
        f'{{{COMMON},"message":"\\u2028\\u2029\\u007f\\u0000\\b\\f\\n\\r\\t\\u001f\\/\\"\\\\ \\ud800 '
        '\\udc00 \\ud83d\\ude00 日本 😀 "}',
        f'{CALL}"message":"\u2028\u2029\u007f\\u0000\\b\\f\\n\\r\\t\\u001f/\\"\\\\ \\ud800 \\udc00 '
        '😀 日本 😀 "}}',
        "b",
    ),
    "unknown params are left out": (
        f'{{{COMMON},"message":"x","conversation":"t","replyTo":"0","metadata":{{}}}}',
        f'{CALL}"message":"x","metadata":{{}}}}}}',
        "c",
    ),
    "who is listed twice counts twice, who is not there not at all": (
        '{"message":"x","from":"u","id":"1","id":"2","to":["c","a","c","zz","b","c"],'
        '"metadata":{"t":[true,false,null,[],{},""]}}',
        '{"jsonrpc":"2.0","method":"message.send","params":{"id":"2","from":"u",'
        '"to":["c","a","c","zz","b","c"],"message":"x","metadata":{"t":[true,false,null,[],{},""]}}}',
        "a",
    ),
}

REFUSED = [
    '{"message":"x","from":"u","id":"1"}',
    '{"message":"x","from":"u","to":[]}',
    f'{{{COMMON},"message":"x","metadata":null}}',
    f'{{{COMMON},"message":"x","metadata":[]}}',
    f'{{{COMMON},"message":1}}',
    '{"message":"x","from":"u","id":"1","to":["a",1]}',
    f'{{{COMMON},"message":"x","metadata":{{"x":NaN}}}}',
    f'{{{COMMON},"message":"x","metadata":{{"x":{"[" * 100_000}',
    "[]",
]


def call(params: str, more: str = "") -> str:
    return f'{{"method":"message.send","params":{params},"jsonrpc":"2.0"{more}}}'


@pytest.mark.parametrize("case", VALID)
def test_a_message_elects_whom_javascript_elects(case: str) -> None:
    params, text, elected = VALID[case]
    for raw in (call(params), call(params).encode()):
        found = hashed(raw)
        assert found is not None
        assert found.text.decode() == text
        assert leader(raw, ACTIVE) == elected
    assert hashed(params, enveloped=False) == hashed(call(params))


def test_what_the_schema_refuses_elects_nobody() -> None:
    good = f'{{{COMMON},"message":"x"}}'
    assert leader(call(good), ACTIVE) is not None
    others = [good, call(good, ',"id":1'), call(good).replace("message.send", "action.send"), "", '"x"']
    for raw in (*map(call, REFUSED), *others, b"\xff"):
        assert leader(raw, ACTIVE) is None


def test_nobody_there_is_nobody_elected() -> None:
    raw = call(f'{{{COMMON},"message":"x"}}')
    assert leader(raw, frozenset("z")) is None
    assert leader(call('{"message":"x","from":"u","id":"1","to":[]}'), ACTIVE) is None


def test_those_who_take_over_follow_the_leader_around_the_list_each_once() -> None:
    message = hashed(call(VALID["who is listed twice counts twice, who is not there not at all"][0]))
    assert message is not None
    assert succession(message, ACTIVE) == ("a", "c", "b")
    assert succession(message, frozenset("bc"))[0] in "bc"
    assert succession(message, frozenset()) == ()


@given(st.text() | st.binary())
def test_no_bytes_raise(raw: str | bytes) -> None:
    assert leader(raw, ACTIVE) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_back_as_the_same(number: float) -> None:
    assert float(stringify(number)) == number


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3),
        max_leaves=8,
    )
)
def test_what_is_written_means_the_same(value: Any) -> None:
    assert json.loads(stringify(value), parse_int=float) == value


def test_what_is_no_json_is_not_written() -> None:
    with pytest.raises(TypeError):
        stringify({"a": object()})


@given(st.lists(st.sampled_from("abcdez"), max_size=8), st.frozensets(st.sampled_from("abcde")))
def test_all_who_are_there_and_nobody_else_may_lead(to: list[str], active: frozenset[str]) -> None:
    order = succession(Hashed(tuple(to), b"x"), active)
    assert sorted(order) == sorted(set(to) & active)


def test_numbers_are_written_as_javascript_does_at_the_edges_of_each_form() -> None:
    text = (
        "[999999999999999,-999999999999999,1000000000000000,9999999999999998,9999999999999999,0.0001,"
        "0.00001,1234567890123456.7,-0,1e15,1e16,123456789012345.6]"
    )
    raw = f'{{{COMMON},"message":"x","metadata":{{"n":{text}}}}}'
    message = hashed(call(raw))
    assert message is not None
    assert message.text.decode().endswith(  # worked out with node
        '{"n":[999999999999999,-999999999999999,1000000000000000,9999999999999998,10000000000000000,'
        "0.0001,0.00001,1234567890123456.8,0,1000000000000000,10000000000000000,123456789012345.6]}}}"
    )


def test_what_all_companions_of_a_process_hear_is_worked_out_once() -> None:
    raw = call(f'{{{COMMON},"message":"x"}}')
    assert hashed(raw) is hashed("".join(raw))
