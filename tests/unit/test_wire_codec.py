"""What is encoded decodes to the same; arbitrary bytes raise nothing but the decode error."""

from __future__ import annotations

import base64
import json
import time
from contextlib import suppress

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from aikyo.wire import (
    MAX_MESSAGE,
    MAX_PICTURE,
    MAX_TEXT,
    Action,
    Closing,
    Context,
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
    encode,
    encode_all,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128)
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
values = st.recursive(
    scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(text, v, max_size=4), max_leaves=8
)
objects = st.dictionaries(text, values, max_size=4)
recipients = st.lists(ids, max_size=4).map(tuple)
optional = st.none() | ids

payloads = st.one_of(
    st.builds(
        Message,
        id=ids,
        sender=ids,
        to=recipients,
        message=text,
        conversation=optional,
        reply_to=optional,
        metadata=objects,
    ),
    st.builds(Action, id=ids, sender=ids, name=words, params=objects),
    st.builds(
        State,
        sender=ids,
        message_id=ids,
        state=st.sampled_from(["speak", "listen", "composing"]),
        importance=st.floats(0, 10),
        selected=st.booleans(),
        closing=st.sampled_from(list(Closing)),
        rank=st.integers(0, 255),
    ),
    st.builds(Query, id=ids, sender=ids, to=recipients, type=words, body=objects),
    st.builds(QueryResult, id=ids, success=st.just(True), body=objects),
    st.builds(QueryResult, id=ids, success=st.just(False), error=text),
    st.builds(Context, id=ids, sender=ids, to=recipients, type=st.just("text"), context=words),
    st.builds(
        Context,
        id=ids,
        sender=ids,
        type=st.just("image"),
        context=st.binary(min_size=1, max_size=64).map(lambda b: base64.b64encode(b).decode()),
        media_type=st.just("image/png"),
    ),
    st.builds(
        Presence, id=ids, name=text, personality=text, story=text, sample=text, gone=st.booleans()
    ),
)


@given(payloads, st.sampled_from(list(Dialect)))
def test_what_is_encoded_decodes_to_the_same(payload: Payload, dialect: Dialect) -> None:
    topic, data = encode(payload, dialect)
    (decoded,) = decode(topic, data)
    assert decoded.payload == payload
    assert decoded.topic is payload.topic
    (again,) = decode(decoded.topic, bytes(decoded.body))
    assert again.payload == payload


@given(st.sampled_from(list(Topic)), st.binary(max_size=400))
@example(Topic.MESSAGES, b'{"from":"a","message":"\\ud800"}')
@example(Topic.ACTIONS, b'{"from":"a","name":"x","params":{"n":1e999}}')
@example(Topic.ACTIONS, b'{"from":"a","name":"x","params":{"n":' + b"9" * 5000 + b"}}")
@example(Topic.ACTIONS, b'{"from":"a","name":"x","params":{"n":' + b"[" * 200_000)
@example(Topic.STATES, b"[[]]")
@example(Topic.STATES, b"[" * 200_000)
@example(Topic.QUERIES, b'{"jsonrpc":"2.0"}')
@example(Topic.QUERIES, b'{"jsonrpc":"2.0","id":1,"result":3}')
@example(Topic.QUERIES, b'{"jsonrpc":"2.0","method":"query.send","params":{}}')
@example(Topic.QUERIES, b'{"jsonrpc":"2.0","result":{"success":true}}')
@example(Topic.QUERIES, b'{"jsonrpc":"2.0","error":"no"}')
@example(Topic.QUERIES, b'{"jsonrpc":"2.0","id":null,"error":{"message":[]}}')
@example(Topic.QUERIES, b'{"jsonrpc":"2.0","id":1.5,"error":{"code":1}}')
@example(Topic.QUERIES, b'{"jsonrpc":"2.0","id":{},"result":{}}')
@example(Topic.STATES, b'{"jsonrpc":"2.0","method":"state.send","params":[[1]]}')
def test_arbitrary_bytes_raise_only_the_decode_error(topic: Topic, data: bytes) -> None:
    try:
        decoded = decode(topic, data, new_id=lambda: "given")
    except WireError:
        return
    for one in decoded:
        encode(one.payload)


@given(st.sampled_from(list(Topic)), st.recursive(scalars, lambda v: st.lists(v) | objects))
def test_arbitrary_json_raises_only_the_decode_error(topic: Topic, value: object) -> None:
    with suppress(WireError):
        decode(topic, json.dumps(value), new_id=lambda: "given")


@given(payloads, st.data())
def test_a_mutilated_payload_raises_only_the_decode_error(payload: Payload, data: st.DataObject) -> None:
    topic, raw = encode(payload, data.draw(st.sampled_from(list(Dialect))))
    cut = data.draw(st.integers(0, len(raw)))
    broken = raw[:cut] + data.draw(st.binary(max_size=8)) + raw[cut + data.draw(st.integers(0, 8)) :]
    with suppress(WireError):
        decode(topic, broken, new_id=lambda: "given")


def test_the_plain_forms_are_those_of_the_contract() -> None:
    message = Message(id="1", sender="companion_alice", to=("user_mika",), message="Hi", reply_to="0")
    assert json.loads(encode(message)[1]) == {
        "id": "1",
        "from": "companion_alice",
        "to": ["user_mika"],
        "message": "Hi",
        "replyTo": "0",
    }
    state = State(sender="companion_bob", message_id="1", state="composing", rank=1)
    assert json.loads(encode(state)[1]) == {
        "from": "companion_bob",
        "messageId": "1",
        "state": "composing",
        "rank": 1,
    }


def test_the_json_rpc_forms_are_those_of_the_contract() -> None:
    query = Query(id="q-1", sender="companion_alice", type="vision", body={"prompt": "?"})
    topic, data = encode(query, Dialect.JSONRPC)
    assert topic is Topic.QUERIES
    assert json.loads(data) == {
        "jsonrpc": "2.0",
        "id": "q-1",
        "method": "query.send",
        "params": {"from": "companion_alice", "type": "vision", "body": {"prompt": "?"}},
    }
    topic, data = encode(QueryResult(id="q-1", success=False, error="no camera"), Dialect.JSONRPC)
    assert topic is Topic.QUERIES
    assert json.loads(data) == {"jsonrpc": "2.0", "id": "q-1", "error": "no camera"}
    states = [State(sender=f"companion_{n}", message_id="1", state="speak") for n in ("bob", "carol")]
    calls = [
        {
            "jsonrpc": "2.0",
            "method": "state.send",
            "params": {
                "from": state.sender,
                "messageId": "1",
                "state": "speak",
                "importance": 0.0,
                "selected": False,
                "closing": "none",
            },
        }
        for state in states
    ]
    assert json.loads(encode(states[0], Dialect.JSONRPC)[1]) == calls[:1]
    topic, data = encode_all(states)
    assert (topic, json.loads(data)) == (Topic.STATES, calls)
    assert [one.payload for one in decode(topic, data)] == states


def test_what_the_typescript_schemas_ask_for_is_written_out() -> None:
    def params_of(payload: Payload, body: bytes | None = None) -> dict[str, object]:
        raw = Raw(body) if body else None
        everybody = ("companion_alice", "companion_bob")
        call = json.loads(encode(payload, Dialect.JSONRPC, body=raw, everybody=everybody)[1])
        found: dict[str, object] = call.get("params") or call["result"]
        return found

    to_all = Message(id="1", sender="user_a", message="hi")
    assert params_of(to_all)["to"] == ["companion_alice", "companion_bob"]
    body = b'{"id":"1","from":"user_a","to":[],"message":"hi","mine":1} '
    assert params_of(to_all, body) | {"mine": 1} == params_of(to_all, body)
    assert params_of(to_all, body)["to"] == ["companion_alice", "companion_bob"]
    to_bob = Message(id="1", sender="user_a", to=("companion_bob",), message="hi")
    assert params_of(to_bob)["to"] == ["companion_bob"]
    assert params_of(Action(id="1", sender="companion_a", name="bow"))["params"] == {}
    assert params_of(QueryResult(id="1", success=True)) == {"success": True, "body": {}}


def test_unknown_fields_are_kept_when_a_payload_is_passed_on() -> None:
    raw = b'{"id":"1","from":"user_a","message":"hi","mine":{"deep":[1]}}'
    (decoded,) = decode("messages", raw)
    _, passed_on = encode(decoded.payload, body=decoded.body)
    assert json.loads(passed_on)["mine"] == {"deep": [1]}
    _, as_call = encode(decoded.payload, Dialect.JSONRPC, body=decoded.body)
    assert json.loads(as_call)["params"]["mine"] == {"deep": [1]}


def test_what_is_no_text_is_refused_even_in_a_field_nobody_reads() -> None:
    with pytest.raises(WireError) as caught:
        decode("messages", b'{"id":"1","from":"a","message":"x","mine":"\xff"}')
    assert caught.value.reason is Reason.NOT_JSON


def test_a_short_form_is_given_an_id_and_keeps_its_other_fields() -> None:
    raw = b'{"from":"companion_x","name":"speak","params":{"message":"hi"},"extra":1}'
    (decoded,) = decode("actions", raw, new_id=lambda: "derived")
    assert isinstance(decoded.payload, Action)
    assert decoded.payload.id == "derived"
    assert json.loads(bytes(decoded.body)) == {"id": "derived", **json.loads(raw)}


def test_a_short_form_does_not_grow_when_it_is_given_an_id() -> None:
    numbers = "[" + ",".join(["1e15"] * 200_000) + "]"
    raw = '{"from":"user_a","message":"hi","metadata":{"n":' + numbers + "}}"
    (decoded,) = decode("messages", raw, new_id=lambda: "derived")
    assert len(bytes(decoded.body)) < len(raw) + 20
    (again,) = decode("messages", bytes(decoded.body))
    assert again.payload == decoded.payload


def test_a_short_form_is_refused_where_nothing_gives_it_an_id() -> None:
    with pytest.raises(WireError, match="id"):
        decode("contexts", b'{"type":"text","context":"rain"}')


@given(
    st.sampled_from(list(Topic)),
    st.fixed_dictionaries(
        {"jsonrpc": st.just("2.0")},
        optional={
            "method": st.sampled_from(["message.send", "query.send", "state.send", "x"]) | scalars,
            "id": scalars | objects,
            "params": objects | st.lists(objects, max_size=3) | scalars,
            "result": objects | scalars,
            "error": objects | scalars,
        },
    ),
)
def test_an_arbitrary_json_rpc_envelope_raises_only_the_decode_error(
    topic: Topic, envelope: dict[str, object]
) -> None:
    with suppress(WireError):
        decode(topic, json.dumps(envelope), new_id=lambda: "given")


def test_an_error_of_json_rpc_proper_is_told_in_its_words() -> None:
    error = {"jsonrpc": "2.0", "id": "q-1", "error": {"code": -32000, "message": "no camera"}}
    (decoded,) = decode("queries", json.dumps(error))
    assert decoded.payload == QueryResult(id="q-1", success=False, error="no camera")


def test_no_message_carries_states_without_bound() -> None:
    one = {"from": "a", "messageId": "1", "state": "listen"}
    call = {"jsonrpc": "2.0", "method": "state.send", "params": [one] * 200}
    decode("states", json.dumps(call))
    with pytest.raises(WireError, match="256"):
        decode("states", json.dumps([call, call]))


def test_an_array_of_states_decodes_to_each() -> None:
    states = [State(sender=f"companion_{n}", message_id="1", state="listen") for n in "ab"]
    decoded = decode("states", msgspec.json.encode(states))
    assert [one.payload for one in decoded] == states


@pytest.mark.parametrize(
    ("topic", "body", "reason", "says"),
    [
        ("nowhere", b"{}", Reason.UNKNOWN_TOPIC, "known: messages"),
        ("messages", b"{", Reason.NOT_JSON, "not JSON"),
        ("messages", b"[]", Reason.INVALID, "object"),
        ("messages", b'{"id":"1","from":"a"}', Reason.INVALID, "`message`"),
        ("messages", b'{"id":"1","from":"a","message":7}', Reason.INVALID, "$.message"),
        ("messages", b'{"id":"1","from":"","message":"x"}', Reason.INVALID, "$.from"),
        (
            "states",
            b'{"from":"a","messageId":"1","state":"speak","importance":11}',
            Reason.INVALID,
            "$.importance",
        ),
        (
            "contexts",
            b'{"id":"1","from":"a","type":"image","context":"%"}',
            Reason.INVALID,
            "base64",
        ),
    ],
)
def test_an_error_says_what_is_wrong_where(topic: str, body: bytes, reason: Reason, says: str) -> None:
    with pytest.raises(WireError) as caught:
        decode(topic, body)
    assert caught.value.reason is reason
    assert says in caught.value.detail


def test_text_over_the_limit_is_refused_with_the_limit() -> None:
    body = json.dumps({"id": "1", "from": "a", "message": "あ" * (MAX_TEXT // 3 + 1)})
    with pytest.raises(WireError, match=str(MAX_TEXT)):
        decode("messages", body)
    decode("messages", json.dumps({"id": "1", "from": "a", "message": "あ" * (MAX_TEXT // 3)}))


def test_a_picture_over_the_limit_is_refused_with_the_limit() -> None:
    picture = base64.b64encode(bytes(MAX_PICTURE + 1)).decode()
    with pytest.raises(WireError, match=str(MAX_PICTURE)):
        decode("contexts", json.dumps({"id": "1", "from": "a", "type": "image", "context": picture}))


def test_a_message_over_the_limit_is_refused_both_ways() -> None:
    big = Action(id="1", sender="a", name="x", params={"list": ["x" * 1000] * 1100})
    with pytest.raises(WireError) as caught:
        encode(big)
    assert caught.value.reason is Reason.TOO_LARGE
    with pytest.raises(WireError) as caught:
        decode("actions", msgspec.json.encode(big))
    assert caught.value.reason is Reason.TOO_LARGE
    assert str(MAX_MESSAGE) in caught.value.detail


def test_what_json_cannot_hold_is_refused_on_the_way_out() -> None:
    with pytest.raises(WireError):
        encode(Action(id="1", sender="a", name="x", params={"what": object()}))


@pytest.mark.parametrize("number", ["1e300", "5e-324", "123456789e290"])
def test_no_number_takes_long_to_read(number: str) -> None:
    def seconds(one: str) -> float:
        body = f'{{"id":"1","from":"a","name":"x","params":{{"n":[{",".join([one] * 5000)}]}}}}'
        times = []
        for _ in range(5):
            began = time.process_time()
            decode("actions", body)
            times.append(time.process_time() - began)
        return min(times)

    assert seconds(number) < 20 * seconds("1.5")


def test_a_number_that_is_out_of_range_is_refused() -> None:
    for number in ("1e400", "-1e400", "9" * 400 + ".0"):
        with pytest.raises(WireError) as caught:
            decode("actions", f'{{"id":"1","from":"a","name":"x","params":{{"n":{number}}}}}')
        assert caught.value.reason is Reason.INVALID
