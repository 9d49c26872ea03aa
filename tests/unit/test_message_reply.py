"""Answers of the Messages API, put together from their events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain import BrainError, Usage
from aikyo.brain.anthropic.reply import Pieces
from aikyo.brain.models.incoming import Told

START = {
    "type": "message_start",
    "message": {
        "content": [],
        "usage": {
            "input_tokens": 50,
            "cache_creation_input_tokens": 7,
            "cache_read_input_tokens": 900,
            "output_tokens": 1,
        },
    },
}
STOP = {"type": "message_stop"}


def opened(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": {"type": kind, **fields}}


def delta(index: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def ended(stop_reason: str = "end_turn", **usage: int) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": usage}


def take(*events: Mapping[str, Any]) -> Pieces:
    pieces = Pieces()
    for event in events:
        pieces.take(json.dumps(event))
    return pieces


def test_blocks_are_kept_as_they_came_since_they_are_sent_back() -> None:
    redacted = {"type": "redacted_thinking", "data": "sealed"}
    reply = take(
        START,
        opened(0, "thinking", thinking="", signature=""),
        delta(0, "thinking_delta", thinking="Hm, "),
        delta(0, "thinking_delta", thinking="well."),
        delta(0, "signature_delta", signature="EqQB"),
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": redacted},
        opened(2, "text", text=""),
        {"type": "ping"},
        delta(2, "text_delta", text="One moment"),
        delta(2, "text_delta", text="."),
        opened(3, "tool_use", id="t1", name="recall", input={}),
        delta(3, "input_json_delta", partial_json=""),
        delta(3, "input_json_delta", partial_json='{"que'),
        delta(3, "input_json_delta", partial_json='ry": "crab"}'),
        {"type": "something_new", "index": 3},
        ended("tool_use", output_tokens=40),
        STOP,
    ).reply()
    assert reply.blocks == [
        {"type": "thinking", "thinking": "Hm, well.", "signature": "EqQB"},
        redacted,
        {"type": "text", "text": "One moment."},
        {"type": "tool_use", "id": "t1", "name": "recall", "input": {"query": "crab"}},
    ]
    assert reply.text == "One moment."
    assert [(call.id, call.name, call.params, call.problem) for call in reply.calls] == [
        ("t1", "recall", {"query": "crab"}, "")
    ]
    assert reply.stop_reason == "tool_use"
    assert reply.usage == Usage(calls=1, input=50, stored=7, cached=900, output=40)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4), st.data())
def test_a_tools_input_is_the_same_in_whatever_pieces_it_comes(
    params: dict[str, str], data: st.DataObject
) -> None:
    whole = json.dumps(params)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(whole)), max_size=6)))
    parts = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    pieces = [delta(0, "input_json_delta", partial_json=part) for part in parts]
    reply = take(START, opened(0, "tool_use", id="t", name="speak", input={}), *pieces, STOP).reply()
    assert reply.calls[0].params == params


@pytest.mark.parametrize("given", ['{"message": "Hal', '["message"]', '"message"', "[" * 9_000])
def test_an_input_that_is_none_is_a_call_with_a_problem(given: str) -> None:
    tool = opened(0, "tool_use", id="t", name="speak", input={})
    reply = take(START, tool, delta(0, "input_json_delta", partial_json=given), STOP).reply()
    assert reply.calls[0].problem == "the input of `speak` was no JSON object"
    assert reply.blocks[0]["input"] == {}  # as the server takes it back


def test_a_tool_without_input_is_called_without() -> None:
    reply = take(START, opened(0, "tool_use", id="t", name="look", input={}), STOP).reply()
    assert (reply.calls[0].params, reply.calls[0].problem) == ({}, "")


def test_an_empty_text_is_not_sent_back() -> None:
    assert take(START, opened(0, "text", text=""), ended(), STOP).reply().blocks == []


def test_what_was_read_is_on_the_account_before_the_end_and_about_what_was_written() -> None:
    pieces = take(START, opened(0, "text", text=""), delta(0, "text_delta", text="word " * 20))
    assert not pieces.whole
    assert pieces.usage == Usage(calls=1, input=50, stored=7, cached=900, output=25)


def test_newer_counts_replace_older_ones_and_missing_ones_do_not() -> None:
    pieces = take(START, ended(output_tokens=3, cache_read_input_tokens=950), STOP)
    assert pieces.usage == Usage(calls=1, input=50, stored=7, cached=950, output=3)


def test_an_error_in_the_middle_is_kept_in_the_servers_words() -> None:
    told = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert take(START).take(json.dumps(told)) == Told("Overloaded", "overloaded_error")


def test_an_end_without_a_beginning_is_none() -> None:
    assert not take(STOP).whole


def test_an_answer_that_was_not_streamed_is_taken_as_well() -> None:
    pieces = Pieces()
    pieces.take('{"type":"message","content":[{"type":"text","text":"Hi"}],"usage":{"input_tokens":4}}')
    assert pieces.whole
    assert (pieces.reply().text, pieces.usage.input) == ("Hi", 4)


@pytest.mark.parametrize(
    "event",
    [
        "",
        "[DONE]",
        "[]",
        '{"type": 3}',
        '{"type": "message_start", "message": {"usage": {"input_tokens": "many"}}}',
        json.dumps(opened(1, "text")),
        json.dumps({"type": "content_block_start", "index": 0, "content_block": {}}),
        json.dumps(delta(0, "text_delta", text="before any block")),
        json.dumps(delta(-1, "text_delta", text="nowhere")),
    ],
)
def test_what_is_no_event_is_told(event: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        Pieces().take(event)


def test_an_answer_has_an_end() -> None:
    with pytest.raises(msgspec.DecodeError, match="too many"):
        take(START, *(opened(index, "text", text="") for index in range(65)))


@pytest.mark.parametrize(
    ("stop_reason", "kind"),
    [
        ("refusal", "declined"),
        ("max_tokens", "malformed"),
        ("model_context_window_exceeded", "too-long"),
    ],
)
def test_an_answer_of_no_use_is_told(stop_reason: str, kind: str) -> None:
    reply = take(START, ended(stop_reason), STOP).reply()
    with pytest.raises(BrainError) as caught:
        reply.check("m")
    assert caught.value.kind == kind
    if stop_reason == "max_tokens":
        reply.check("m", whole=False)
