"""Whatever clients send to the firehose and the gateway: it is taken, or refused with a reason."""

from __future__ import annotations

import base64
import json

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.firehose.intake import Refused, read_frame
from aikyo.firehose.request import BadRequest, read_target
from aikyo.gateway.app import _read_context
from aikyo.gateway.problems import Problem, problem
from aikyo.wire import Context, Decoded, Topic, decode, encode
from tests.support.fuzz import deep_json, json_texts, json_values, mutations, within_seconds

BODIES = {
    "messages": {
        "from": "user_mika",
        "to": ["companion_alice"],
        "message": "hi",
        "metadata": {"a": [1]},
    },
    "actions": {"from": "user_mika", "name": "move", "params": {"x": 1, "y": 2}},
    "states": {"from": "user_mika", "messageId": "1", "state": "speak", "importance": 3},
    "queries": {"id": "q", "from": "user_mika", "type": "vision", "body": {}},
    "query-results": {"id": "q", "success": True, "body": {"text": "a cup"}},
    "contexts": {"type": "text", "context": "rain", "extra": {"deep": [1]}},
}
FRAMES = [json.dumps({"topic": topic, "body": body}).encode() for topic, body in BODIES.items()]
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
CONTEXTS = [
    json.dumps(body).encode()
    for body in (
        BODIES["contexts"],
        {
            "from": "user_mika",
            "to": ["x"],
            "type": "image",
            "context": PICTURE,
            "mediaType": "image/png",
        },
        {"from": "user_mika", "type": "image", "context": PICTURE, "id": "1"},
    )
]


def take(frame: str) -> tuple[Decoded, ...]:
    try:
        taken = read_frame(frame, lambda: "made-here")
    except Refused as refused:
        told = json.loads(refused.frame())["error"]
        assert told["code"] == refused.code
        assert len(refused.frame()) < 4000
        return ()
    for one in taken:
        sender = getattr(one.payload, "sender", "user_")
        assert sender.startswith("user_")
        assert one.topic is not Topic.PRESENCE
        _, data = encode(one.payload, body=one.body)
        assert decode(one.topic, data)[0].payload == one.payload
    return taken


@given(
    st.one_of(
        st.text(max_size=80), json_texts, mutations(FRAMES).map(lambda b: b.decode("utf-8", "replace"))
    )
)
@example('{"topic":"\\ud800","body":1}')
@example('{"topic":"messages","body":{"from":"user_a","message":"x","m":' + deep_json(980) + "}}")
@example('{"topic":"' + "x" * 100_000 + '","body":1}')
def test_any_frame_is_taken_or_refused(frame: str) -> None:
    take(frame)


@given(st.sampled_from(sorted(BODIES)), st.data())
def test_a_frame_with_any_value_is_taken_or_refused(topic: str, data: st.DataObject) -> None:
    body = dict(BODIES[topic])
    key = data.draw(st.sampled_from([*sorted(body), "id", "from", "unknown"]))
    body[key] = data.draw(json_values | st.sampled_from(["user_", "companion_alice", "user_\ud800"]))
    take(json.dumps({"topic": topic, "body": body}))


TARGETS = [b"/", b"/v1/stream", b"/v1/stream?topics=actions,messages&from=alice&since=41"]


@given(st.text(max_size=60) | mutations(TARGETS).map(lambda raw: raw.decode("latin-1")))
@example("/v1/stream?since=" + "9" * 5000)
@example("/v1/stream?topics=" + "messages," * 6000)
@example("/v1/stream?" + "a=1&" * 16_000)
@example("/v1/stream?" + "t" * 60_000 + "=1")
@example("//[::1")
def test_any_target_is_a_wish_or_refused_soon(target: str) -> None:
    with within_seconds(2):
        try:
            wanted = read_target(target)
        except BadRequest as bad:
            assert bad.status in {400, 404}
            assert 0 < len(str(bad)) < 1000
            f"{bad}\n".encode()
            return
    assert wanted.topics is None or wanted.topics <= {*Topic, "events"}
    assert wanted.since is None or 0 <= wanted.since < 10**15


@given(st.one_of(st.binary(max_size=60), json_texts.map(str.encode), mutations(CONTEXTS)))
@example(b'{"type":"text","context":"x","u":' + deep_json(970).encode() + b"}")
@example(b'{"type":"image","context":"AA==AAAA"}')
@example(b'{"type":"image","context":"\xc3\xa9"}')
def test_any_context_is_published_or_refused(body: bytes) -> None:
    check_context(body)


@given(
    st.sampled_from(CONTEXTS),
    st.sampled_from(["id", "from", "to", "type", "context", "mediaType", "unknown"]),
    json_values,
)
def test_a_context_with_any_value_is_published_or_refused(body: bytes, key: str, value: object) -> None:
    check_context(json.dumps({**json.loads(body), key: value}).encode())


def check_context(body: bytes) -> None:
    try:
        context, passed_on = _read_context(body, ("companion_alice",), lambda: "made-here")
    except Problem as refused:
        assert refused.status in {400, 422}
        answer = json.loads(bytes(problem(refused.status, str(refused)).body))
        assert 0 < len(answer["detail"]) < 1000
        return
    assert isinstance(context, Context)
    assert context.sender.startswith("user_")
    assert context.to == ("companion_alice",)
    (again,) = decode("contexts", bytes(passed_on))
    assert again.payload == context


@pytest.mark.parametrize("size", [1 << 10, 1 << 20])
def test_unknown_fields_of_any_size_are_passed_on_or_refused(size: int) -> None:
    filler = "x" * (size - 200)
    check_context(msgspec.json.encode({"type": "text", "context": "rain", "filler": filler}))
