"""Whatever bytes come from the mesh: a payload within the limits, or `WireError`, soon."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.wire import (
    MAX_MESSAGE,
    Action,
    Context,
    Decoded,
    Dialect,
    Message,
    Payload,
    Presence,
    Query,
    QueryResult,
    Reason,
    State,
    Topic,
    WireError,
    decode,
    derived_id,
    encode,
)
from aikyo.wire.limits import MAX_ADDRESSES, MAX_DEPTH, MAX_ID, MAX_RECIPIENTS, MAX_TEXT
from tests.support.fuzz import deep_json, json_texts, json_values, mutations, within_seconds

EXAMPLES: tuple[Payload, ...] = (
    Message(
        id="0199-1",
        sender="companion_alice",
        to=("companion_bob", "user_mika"),
        message="Hello, こんにちは 👋",
        conversation="0199-0",
        reply_to="0199-2",
        metadata={"emotion": "happy", "n": [1, 2.5, None, {"deep": True}]},
    ),
    Action(id="0199-3", sender="companion_bob", name="move", params={"x": 1.5, "y": -2e10}),
    State(sender="companion_bob", message_id="0199-1", state="speak", importance=7, selected=True),
    State(sender="companion_bob", message_id="0199-1", state="composing", rank=1),
    Query(id="q-1", sender="companion_alice", to=("user_mika",), type="vision", body={"prompt": "?"}),
    QueryResult(id="q-1", success=True, body={"text": "a cup"}),
    QueryResult(id="q-1", success=False, error="no camera"),
    Context(id="0199-4", sender="user_mika", type="text", context="It rains."),
    Context(
        id="0199-5", sender="user_mika", type="image", context="iVBORw0KGgo=", media_type="image/png"
    ),
    Presence(
        id="companion_alice", name="Alice", story="x", addresses=("/ip4/192.0.2.1/tcp/4",), sent=1e9
    ),
    Presence(id="companion_alice", gone=True),
)
VALID = {dialect: [encode(payload, dialect)[1] for payload in EXAMPLES] for dialect in Dialect}
SHORT = [
    b'{"from":"companion_x","name":"speak","params":{"message":"hi","target":"user_mika"}}',
    b'{"type":"text","context":"rain"}',
    b'{"jsonrpc":"2.0","id":"q","error":{"code":-32000,"message":"no"}}',
    b'{"jsonrpc":"2.0","method":"state.send","params":[{"from":"a","messageId":"1","state":"listen"}]}',
]
T = TypeVar("T")
TOPICS = st.sampled_from([str(topic) for topic in Topic])


def read(topic: str, data: bytes | str) -> tuple[Decoded, ...]:
    """What is decoded, once it is shown to be within the limits and to survive being passed on."""
    try:
        decoded = decode(topic, data, new_id=lambda: "made-here")
    except WireError as error:
        json.dumps(error.detail).encode()
        assert error.reason in Reason
        assert len(error.detail) < 1000
        return ()
    assert len(decoded) <= 256
    for one in decoded:
        _check_limits(one.payload)
        _check_passing_on(one)
    return decoded


def _check_limits(payload: Payload) -> None:
    plain = msgspec.to_builtins(payload)
    for key in ("id", "from", "messageId", "conversation", "replyTo"):
        assert plain.get(key) is None or 1 <= len(plain[key]) <= MAX_ID
    assert len(plain.get("to", ())) <= MAX_RECIPIENTS
    assert len(plain.get("addresses", ())) <= MAX_ADDRESSES
    for key in ("message", "error", "personality", "story", "sample"):
        assert len(plain.get(key, "").encode()) <= MAX_TEXT


def _check_passing_on(one: Decoded) -> None:
    """What was taken in can be written again, from deep inside the program too, and reads the same."""
    for dialect in Dialect:
        for body in (None, one.body):
            try:
                topic, data = _deep_down(100, partial(encode, one.payload, dialect, body=body))
            except WireError as error:  # the envelope needs some room too
                assert error.reason is Reason.TOO_LARGE or dialect is Dialect.JSONRPC
                continue
            (again,) = decode(topic, data)
            assert again.payload == _as_carried(one.payload, dialect)
            assert again.topic is one.topic


def _as_carried(payload: Payload, dialect: Dialect) -> Payload:
    """JSON-RPC has no place for the body of an answer that failed."""
    if isinstance(payload, QueryResult) and not payload.success and dialect is Dialect.JSONRPC:
        return msgspec.structs.replace(payload, body={})
    return payload


def _deep_down(frames: int, call: Callable[[], T]) -> T:
    return call() if frames == 0 else _deep_down(frames - 1, call)


@given(TOPICS | st.text(max_size=12), st.binary(max_size=300) | json_texts | st.text(max_size=80))
def test_anything_is_a_payload_or_a_wire_error(topic: str, data: bytes | str) -> None:
    read(topic, data)


@given(TOPICS, st.sampled_from(list(Dialect)).flatmap(lambda dialect: mutations(VALID[dialect] + SHORT)))
def test_a_payload_gone_wrong_is_a_payload_or_a_wire_error(topic: str, data: bytes) -> None:
    read(topic, data)


@given(st.data())
def test_a_payload_with_one_field_gone_wrong_is_a_payload_or_a_wire_error(data: st.DataObject) -> None:
    payload = data.draw(st.sampled_from(EXAMPLES))
    plain = msgspec.to_builtins(payload)
    field = data.draw(st.sampled_from([*sorted(plain), "unknown"]))
    wrong = json.dumps({**plain, field: data.draw(json_values)})
    if data.draw(st.booleans()):
        wrong = f'{{"jsonrpc":"2.0","method":"{payload.topic[:-1]}.send","id":"1","params":{wrong}}}'
    read(payload.topic, wrong)


def _envelope(parts: tuple[str, str, str]) -> str:
    kind, ident, inner = parts
    key = kind if kind in {"result", "error"} else "params"
    method = "" if key != "params" else f'"method":"{kind}.send",'
    return f'{{"jsonrpc":"2.0","id":{ident},{method}"{key}":{inner}}}'


KINDS = st.sampled_from(["message", "action", "state", "query", "result", "error", "other"])
IDENTS = st.sampled_from(['"1"', "1", "null", '""', "1e400", "[]", '"' + "x" * 200 + '"', '"\\ud800"'])
ENVELOPES = st.recursive(
    json_texts | st.sampled_from([data.decode() for data in (*VALID[Dialect.PLAIN], *SHORT)]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]"),
        st.tuples(KINDS, IDENTS, inner).map(_envelope),
    ),
    max_leaves=4,
)


@given(TOPICS, ENVELOPES)
@example("queries", _envelope(("error", '"1"', '{"message":{"message":1}}')))
@example("queries", _envelope(("query", '"1"', "{}")))
@example("states", _envelope(("state", "1", "[" + _envelope(("state", "1", "[[]]")) + "]")))
def test_an_envelope_of_anything_is_a_payload_or_a_wire_error(topic: str, data: str) -> None:
    read(topic, data)


@pytest.mark.parametrize("depth", [MAX_DEPTH - 1, MAX_DEPTH, 300, 950, 980, 990, 100_000])
@pytest.mark.parametrize("field", ["params", "unknown"])
def test_what_was_taken_in_can_be_written_wherever_it_gets_to(field: str, depth: int) -> None:
    taken = read("actions", f'{{"id":"1","from":"a","name":"x","{field}":{{"a":{deep_json(depth)}}}}}')
    assert bool(taken) == (depth <= MAX_DEPTH - 2)
    taken = read("actions", f'{{"id":"1","from":"a","name":"x","{field}":{{"a":{deep_json(9)}}}}}')
    assert taken


def test_brackets_in_a_text_are_no_nesting() -> None:
    said = Message(id="1", sender="a", message='[{"\\' * 1000)
    (decoded,) = decode("messages", encode(said)[1])
    assert decoded.payload == said


def _action(params: str) -> str:
    return f'{{"id":"1","from":"a","name":"x","params":{params}}}'


@pytest.mark.parametrize(
    ("topic", "data"),
    [
        ("actions", _action('{"l":[' + "[]," * 340_000 + "[]]}")),
        ("actions", _action("[" * 1_000_000)),
        ("actions", _action("]" * 1_000_000)),
        ("actions", "[" * 100 + '\\"' * 500_000),
        ("actions", "[" * 100 + '"\\' * 500_000),
        ("actions", _action('{"n":' + "9" * 1_000_000 + "}")),
        ("actions", _action('{"n":' + "9" * 500_000 + "." + "9" * 400_000 + "e-500000}")),
        ("actions", _action('{"n":[' + ",".join(["1.7976931348623157e-300"] * 40_000) + "]}")),
        ("actions", _action("{" + ",".join(f'"{n}":0' for n in range(100_000)) + "}")),
        ("actions", '{"' + "\\n" * 500_000 + '":1}'),
        ("messages", '{"id":"1","from":"a","to":[' + '"a",' * 250_000 + '"a"],"message":""}'),
        ("messages", '{"id":"1","from":"a","message":"' + "\\ud83d\\ude00" * 80_000 + '"}'),
        ("contexts", '{"id":"1","from":"a","type":"image","context":"' + "A" * 1_000_000 + '"}'),
        ("states", "[" + '{"jsonrpc":"2.0","method":"state.send","params":[]},' * 19_000 + "[]]"),
        ("states", '{"jsonrpc":"2.0","method":"state.send","params":[' * 19_000),
        ("states", _envelope(("state", "1", "[" * 30 + '"jsonrpc",' * 90_000))),
    ],
)
def test_a_megabyte_made_to_cost_time_costs_little(topic: str, data: str) -> None:
    assert len(data) <= MAX_MESSAGE
    with within_seconds(5), suppress(WireError):  # the worst takes a quarter of a second
        decode(topic, data, new_id=lambda: "made-here")


@given(st.text(max_size=200), st.binary(max_size=40), st.text(max_size=200), st.binary(max_size=40))
def test_a_derived_id_is_an_id_whatever_it_is_made_of(
    peer: str, sequence: bytes, other: str, second: bytes
) -> None:
    first = derived_id(peer, sequence)
    assert len(first) == 36
    assert (first == derived_id(other, second)) == ((peer, sequence) == (other, second))
