"""Answers put together from pieces, events from bytes, and requests that are made to fit."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain.models.events import MAX_SIZE, Events, TooMuch
from aikyo.brain.models.incoming import Incoming, told_by
from aikyo.brain.openai.fitting import Fitting
from aikyo.brain.openai.reply import Pieces
from aikyo.brain.openai.vectors import Vectors


@given(st.lists(st.text(min_size=1), min_size=1), st.sampled_from(["\n", "\r\n"]), st.data())
def test_events_are_the_same_however_their_bytes_are_cut(
    data: list[str], newline: str, cuts: st.DataObject
) -> None:
    sent = [json.dumps(each) for each in data]
    stream = "".join(
        f": ping{newline}{newline}event: x{newline}data: {each}{newline}{newline}" for each in sent
    )
    raw, found, events = stream.encode(), [], Events()
    while raw:
        size = cuts.draw(st.integers(1, len(raw)))
        found += events.feed(raw[:size])
        raw = raw[size:]
    assert found == sent


def test_the_last_event_needs_no_blank_line() -> None:
    events = Events()
    assert events.feed(b"data: [DONE]") == []
    assert events.end() == ["[DONE]"]


def test_a_stream_has_an_end() -> None:
    events = Events()
    events.feed(b"x" * MAX_SIZE)
    with pytest.raises(TooMuch):
        events.feed(b"x")


def _calls(*pieces: dict[str, Any]) -> list[tuple[str, str, Any, str]]:
    found = Pieces()
    for piece in pieces:
        found.take(json.dumps({"choices": [{"delta": {"tool_calls": [piece]}}]}))
    return [(call.id, call.name, call.params, call.problem) for call in found.reply().calls]


def test_an_answer_calls_so_many_tools_and_no_more() -> None:
    pieces = [{"index": index, "function": {"name": "wave"}} for index in range(65)]
    assert len(_calls(*pieces[:64])) == 64
    with pytest.raises(msgspec.DecodeError, match="too many tools"):
        _calls(*pieces)


def _piece(name: str | None, arguments: Any, **more: Any) -> dict[str, Any]:
    return {**more, "function": {"name": name, "arguments": arguments}}


@pytest.mark.parametrize(
    "pieces",
    [
        # As it should be
        [
            _piece("a", "", index=0, id="x"),
            _piece(None, '{"n', index=0),
            _piece(None, '": 1}', index=0),
            _piece("b", "{}", index=1, id="y"),
        ],
        # All with one number
        [_piece("a", '{"n": 1}', index=0, id="x"), _piece("b", "{}", index=0, id="y")],
        # No numbers
        [_piece("a", '{"n":', id="x"), _piece(None, " 1}"), _piece("b", "{}", id="y")],
        # The id and the name again with each piece
        [
            _piece("a", '{"n":', index=0, id="x"),
            _piece("a", " 1}", index=0, id="x"),
            _piece("b", None, index=1, id="y"),
        ],
        # The input as what it is, not as text
        [_piece("a", {"n": 1}, index=0, id="x"), _piece("b", {}, index=1, id="y")],
        # In turns
        [
            _piece("a", '{"n":', index=0, id="x"),
            _piece("b", "{", index=1, id="y"),
            _piece(None, " 1}", index=0),
            _piece(None, "}", index=1),
        ],
    ],
)
def test_calls_come_together_from_what_servers_send(pieces: list[dict[str, Any]]) -> None:
    assert _calls(*pieces) == [("x", "a", {"n": 1}, ""), ("y", "b", {}, "")]


def test_calls_without_ids_are_told_apart_by_their_names_and_get_ids() -> None:
    assert _calls(_piece("a", "{}"), _piece("a", "{}")) == [
        ("call_0", "a", {}, ""),
        ("call_1", "a", {}, ""),
    ]


@pytest.mark.parametrize("arguments", ["{", "[1]", '"text"', "null", "[" * 50_000])
def test_an_input_that_is_no_object_is_told(arguments: str) -> None:
    ((_, _, params, problem),) = _calls(_piece("a", arguments))
    assert params == {}
    assert "no JSON object" in problem


def test_an_answer_is_whole_once_it_says_so() -> None:
    pieces = Pieces()
    pieces.take('{"choices": [{"delta": {"content": "Hi."}}]}')
    assert not pieces.whole
    pieces.take('{"choices": [{"delta": {}, "finish_reason": "stop"}]}')
    assert pieces.whole


def test_parts_of_a_content_that_are_no_text_are_left_out() -> None:
    pieces = Pieces()
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "Hi."}, 7]
    pieces.take(json.dumps({"choices": [{"delta": {"content": parts}}]}))
    assert pieces.reply().text == "Hi."


@pytest.mark.parametrize(
    ("error", "text", "status"),
    [
        ({"error": {"message": "m", "type": "t", "code": 500}}, "m", 500),
        ({"error": "m"}, "m", 0),
        ({"message": "m", "code": "c"}, "m", 0),
        ({"detail": "m"}, "m", 0),
        ("m", "m", 0),
        (7, "7", 0),
    ],
)
def test_errors_are_read_in_all_their_forms(error: Any, text: str, status: int) -> None:
    told = told_by(error)
    assert (told.text, told.status) == (text, status)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_no_piece_raises_anything_else_than_a_decode_error(piece: Any) -> None:
    for sent in (piece, {"choices": piece}, {"choices": [{"delta": piece}]}, {"error": piece}):
        pieces = Pieces()
        try:
            pieces.take(json.dumps(sent))
        except msgspec.DecodeError:
            continue
        pieces.reply()


PARTS = st.sampled_from(
    [
        b'data: {"choices": [{"delta": {"content": "Hi \\u732b \\ud83d\\udc4d"}}]}\n\n',
        b'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [{"function": {"name": "speak"}}]}}]}\n\n',
        b'data: {"choices": [{"delta": {"tool_calls": [{"function": {"arguments": "{\\"m"}}]}}]}\n\n',
        b'data: {"choices": [], "usage": {"prompt_tokens": 9}}\n\n',
        b'data: {"error": {"message": "no", "code": 429}}\n\n',
        b"data: [DONE]\n\n",
        b": ping\n\n",
        b'{"choices": [{"message": {"content": "\xed\xa0\x80"}, "finish_reason": "stop"}]}',
    ]
)


@given(st.sampled_from(["text/event-stream", "application/json"]), st.lists(PARTS | st.binary()))
def test_whatever_a_server_sends_is_an_answer_an_error_or_unusable(
    content_type: str, chunks: list[bytes]
) -> None:
    pieces = Pieces(asked=9)
    incoming = Incoming(pieces)
    incoming.begin(200, {"content-type": content_type})
    for chunk in chunks:
        if not incoming.take(chunk):
            break
        pieces.input_of("speak")
    incoming.end()
    assert not (incoming.told and incoming.problem)
    cost = pieces.cost
    assert cost is None or cost.tokens > 0
    pieces.reply()


def test_no_more_is_read_of_an_error_than_is_told_of_it() -> None:
    incoming = Incoming(Pieces())
    incoming.begin(400, {})
    assert incoming.take(b"no ")
    assert not incoming.take(b"x" * 100_000)
    incoming.end()
    assert incoming.told is not None
    assert incoming.told.text.startswith("no x")


def test_vectors_are_of_one_size() -> None:
    with pytest.raises(msgspec.DecodeError, match="one size"):
        Vectors(2).take('{"data": [{"embedding": [1]}, {"embedding": [1, 2]}]}')


REQUEST = {
    "model": "m",
    "messages": [],
    "max_tokens": 9,
    "tools": [{}],
    "tool_choice": "none",
    "stream_options": {},
}


def test_what_is_refused_is_left_out_for_that_model_alone() -> None:
    fitting = Fitting()
    assert fitting.learn(REQUEST, 400, "stream_options is not permitted")
    assert "stream_options" not in fitting.fit(REQUEST)
    assert "stream_options" in fitting.fit({**REQUEST, "model": "other"})


def test_tools_that_must_not_be_called_are_left_out_where_that_cannot_be_said() -> None:
    fitting = Fitting()
    assert fitting.learn(REQUEST, 422, "tool_choice: none is not supported")
    fitted = fitting.fit(REQUEST)
    assert "tools" not in fitted
    assert fitting.takes_tools("m")
    assert "tools" in fitting.fit({key: REQUEST[key] for key in REQUEST if key != "tool_choice"})


NO_TOOLS = [
    # Ollama
    (400, "registry.ollama.ai/library/gemma3:4b does not support tools"),
    # llama.cpp, with the years
    (500, "Unsupported param: tools"),
    (500, "tools param requires --jinja flag"),
    # vLLM
    (400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'),
    # OpenAI, Azure, OpenRouter, DeepInfra and others
    (400, "tools is not supported in this model. For a list of supported models, refer to https://x"),
    (400, "Functions are not supported for this API version or this model version."),
    (400, "Unsupported parameter: 'tools' is not supported with this model."),
    (400, "Unrecognized request argument supplied: tools"),
    (404, "No endpoints found that support tool use. To learn more, visit: https://x"),
    (405, "deepinfra error: Tool calling is not supported for model: m"),
    (400, "Function call is not supported for this model. (request id: 2025)"),
    (400, "Function calling is not enabled for models/m"),
    (400, "No connected provider supports tool calling for this model."),
    (422, "[{'loc': ['body', 'tools'], 'msg': 'Extra inputs are not permitted'}]"),
]

SOME_TOOL = [
    (400, "Failed to call a function. Please adjust your prompt. See 'failed_generation'"),
    (400, "Invalid schema for function 'move': 'minimum' is not supported"),
    (400, "tools[0].function.parameters: keyword 'oneOf' is not supported"),
    (400, "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'"),
    (400, "tool call validation failed: attempted to call tool 'dance' which was not in request.tools"),
    (400, "An assistant message with 'tool_calls' must be followed by tool messages"),
    (500, "Failed to parse tool call arguments as JSON: this is not supported"),
    (400, "Invalid parameter: there is no function 'dance'"),
]


@pytest.mark.parametrize(("status", "told"), NO_TOOLS)
def test_a_server_that_takes_no_tools_is_asked_without_them(status: int, told: str) -> None:
    fitting, request = Fitting(), {key: REQUEST[key] for key in REQUEST if key != "tool_choice"}
    assert fitting.learn(request, status, told)
    assert not fitting.takes_tools("m")
    assert "tools" not in fitting.fit(request)
    assert not fitting.learn(fitting.fit(request), status, told)


@pytest.mark.parametrize(("status", "told"), SOME_TOOL)
def test_tools_are_kept_where_one_of_them_or_a_call_was_wrong(status: int, told: str) -> None:
    fitting, request = Fitting(), {key: REQUEST[key] for key in REQUEST if key != "tool_choice"}
    assert not fitting.learn(request, status, told)
    assert fitting.takes_tools("m")


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (400, "I don't like it"),
        (500, "the tool call could not be parsed"),  # the model's fault, this time
        (429, "tools are used too often"),
        (401, "no tools for you"),
        (404, "model m not found"),
    ],
)
def test_nothing_is_learnt_from_other_faults(status: int, told: str) -> None:
    assert not Fitting().learn(REQUEST, status, told)


def test_a_server_that_fails_for_what_it_does_not_have_is_learnt_from() -> None:
    fitting = Fitting()
    assert fitting.learn({**REQUEST, "tool_choice": "none"}, 500, "tools param requires --jinja flag")
    assert not fitting.takes_tools("m")
    assert not fitting.learn(fitting.fit(REQUEST), 500, "tools param requires --jinja flag")


WITH_EFFORT = (
    "Function tools with reasoning_effort are not supported for m in /v1/chat/completions. To use "
    "function tools, use /v1/responses or set reasoning_effort to 'none'."
)
NO_NONE = (
    "Unsupported value: 'reasoning_effort' does not support 'none' with this model. "
    "Supported values are: 'low', 'medium', and 'high'."
)


@pytest.mark.parametrize("effort", [{"reasoning_effort": "low"}, {}])
def test_a_model_that_takes_tools_only_without_effort_is_asked_for_none(effort: dict[str, str]) -> None:
    fitting = Fitting()
    request = {"model": "m", "messages": [], "tools": [{}], **effort}
    assert fitting.learn(request, 400, WITH_EFFORT)
    assert fitting.fit(request) == {**request, "reasoning_effort": "none"}
    deciding = {"model": "m", "messages": [], **effort}
    assert fitting.fit(deciding) == deciding


def test_a_model_that_takes_tools_with_no_effort_at_all_is_asked_without_them() -> None:
    fitting = Fitting()
    request = {"model": "m", "messages": [], "tools": [{}], "reasoning_effort": "low"}
    assert fitting.learn(fitting.fit(request), 400, WITH_EFFORT)
    assert fitting.learn(fitting.fit(request), 400, NO_NONE)
    assert fitting.fit(request) == {"model": "m", "messages": [], "reasoning_effort": "low"}
    assert not fitting.takes_tools("m")
