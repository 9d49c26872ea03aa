from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.firehose.intake import Refused, read_frame
from aikyo.firehose.request import BadRequest, read_target
from aikyo.wire import Context, Message


def new_id() -> str:
    return "made-here"


def frame(topic: str, **body: object) -> str:
    return json.dumps({"topic": topic, "body": body})


def refusal(text: str) -> Refused:
    with pytest.raises(Refused) as caught:
        read_frame(text, new_id)
    return caught.value


def test_a_payload_is_read_and_given_an_id() -> None:
    (decoded,) = read_frame(frame("messages", **{"from": "user_mika"}, message="hi", extra=1), new_id)
    assert decoded.payload == Message(id="made-here", sender="user_mika", message="hi")
    assert msgspec.json.decode(decoded.body)["extra"] == 1


def test_a_context_in_the_short_form_is_from_the_firehose() -> None:
    (decoded,) = read_frame(frame("contexts", type="text", context="It rains.", extra=[1]), new_id)
    expected = Context(id="made-here", sender="user_firehose", type="text", context="It rains.")
    assert decoded.payload == expected
    body = msgspec.json.decode(decoded.body)
    assert body == {**msgspec.to_builtins(expected), "extra": [1]}


@pytest.mark.parametrize("sender", ["companion_alice", "alice", "user_", "USER_mika", "12D3KooW"])
def test_a_client_speaks_as_a_person_only(sender: str) -> None:
    refused = refusal(frame("messages", **{"from": sender}, message="hi"))
    assert refused.code == "forbidden"
    assert sender in refused.detail


def test_nobody_announces_themselves_through_the_firehose() -> None:
    assert refusal(frame("presence", id="user_mika", name="Mika")).code == "forbidden"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "not-json"),
        ("hello", "not-json"),
        ("[]", "invalid"),
        ("{}", "invalid"),
        ('"messages"', "invalid"),
        (frame("events", type="notice"), "unknown-topic"),
        (frame("mesages"), "unknown-topic"),
        (frame("messages", message="no from"), "invalid"),
        (frame("contexts", **{"from": "companion_alice"}, type="text", context="x"), "forbidden"),
        (frame("messages", **{"from": "user_"}, message="hi"), "forbidden"),
        (frame("messages", **{"from": "user_mika"}, message="x" * 20_000), "invalid"),
        ('{"topic": "messages", "body": ' + "[" * 100_000, "not-json"),
    ],
)
def test_what_is_wrong_is_named(text: str, code: str) -> None:
    refused = refusal(text)
    assert refused.code == code
    answer = json.loads(refused.frame())
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]


def test_what_is_nested_too_deeply_is_refused() -> None:
    # How deep that is depends on the Python
    assert refusal('{"topic": "messages", "body": ' + "[" * 9999 + "]" * 9999 + "}").code in {
        "not-json",
        "invalid",
    }


@given(st.one_of(st.text(), st.recursive(st.none() | st.text(), st.lists).map(json.dumps)))
def test_no_text_raises_anything_but_a_refusal(text: str) -> None:
    for sent in (text, '{"topic":"messages","body":' + text + "}"):
        with pytest.raises(Refused):
            read_frame(sent, new_id)


def test_the_original_form_carries_what_is_said_and_done() -> None:
    wanted = read_target("/")
    assert not wanted.rich
    assert wanted.topics == {"messages", "actions", "queries", "query-results"}


def test_the_rich_form_is_filtered_as_asked() -> None:
    wanted = read_target("/v1/stream?topics=actions,events&from=alice&since=41")
    assert wanted.rich
    assert (wanted.topics, wanted.sender, wanted.since) == ({"actions", "events"}, "alice", 41)
    bare = read_target("/v1/stream?topics=&from=")
    assert (bare.topics, bare.sender, bare.since) == (None, None, None)


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [
        ("/v2/stream", 404, "/v1/stream"),
        ("/v1/stream/", 404, "/v1/stream"),
        ("//[", 400, "no such target"),
        ("/v1/stream?topics=mesages", 400, "did you mean 'messages'"),
        ("/v1/stream?topic=messages", 400, "did you mean 'topics'"),
        ("/v1/stream?since=yesterday", 400, "whole number"),
        ("/v1/stream?since=-1", 400, "whole number"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(target: str, status: int, words: str) -> None:
    with pytest.raises(BadRequest, match=words) as caught:
        read_target(target)
    assert caught.value.status == status
