"""What can go wrong with the Messages API, in one request through the real SDK: each fault has its
kind, a line for people without a key in it, and an end."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import BrainError, Usage
from aikyo.brain.anthropic.api import MessagesApi as Client
from aikyo.brain.anthropic.brain import AnthropicBrain
from aikyo.brain.anthropic.reply import Pieces, Reply
from aikyo.brain.calling import Caller, CallFault
from tests.support.messages_api import (
    Answer,
    Cut,
    Events,
    Fault,
    Hang,
    MessagesApi,
    Raw,
    Script,
    in_order,
    messages_api,
    speaks,
    state,
    text,
)
from tests.support.minds import Hands, moment

KEY = "sk-very-secret"
REQUEST = {"model": "m", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}

PATIENCE = 0.2
"""Real seconds without traffic after which the virtual clock may jump: over any deadline."""


@asynccontextmanager
async def client(script: Script) -> AsyncIterator[tuple[Client, MessagesApi]]:
    async with messages_api(script) as api:
        asking = Client(api_key=KEY, auth_token=None, base_url=api.url)
        try:
            yield asking, api
        finally:
            await asking.aclose()


@asynccontextmanager
async def thinking(script: Script) -> AsyncIterator[AnthropicBrain]:
    async with messages_api(script) as api:
        brain = AnthropicBrain(api_key=KEY, base_url=api.url)
        try:
            yield brain
        finally:
            await brain.aclose()


async def ask(answer: Answer, request: dict[str, Any] = REQUEST) -> Reply:
    async with client(in_order(answer)) as (asking, _):
        return await asking.ask(request, Pieces())


async def fault_of(answer: Answer) -> CallFault:
    """What one request comes to that meets this answer."""
    async with client(in_order(answer)) as (asking, api):
        with pytest.raises(CallFault) as caught:
            await asking.ask(REQUEST, Pieces())
        assert len(api.asked) == 1
    told = caught.value.told
    assert "\n" not in told
    assert KEY not in told
    assert len(told) < 400
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (Fault(401, "authentication_error", f"bad {KEY}"), "key", "refused; check ANTHROPIC_API_KEY"),
        (Fault(403, "permission_error", "not for you"), "key", "(HTTP 403: not for you)"),
        (Fault(402, "billing_error", "pay first"), "credit", "no credit left: pay first"),
        (
            Fault(400, "invalid_request_error", "Your credit balance is too low to access the API."),
            "credit",
            "no credit left",
        ),
        (Fault(404, "not_found_error", "model: m"), "model", "no model 'm'"),
        (Fault(404, "not_found_error", "no such path"), "request", "check ANTHROPIC_BASE_URL"),
        (Raw(b"404 page not found", "text/plain", 404), "request", "check ANTHROPIC_BASE_URL"),
        (Fault(413, "request_too_large"), "too-long", "prompt is too long for m"),
        (
            Fault(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
            "too-long",
            "prompt is too long for m",
        ),
        (
            Fault(400, "invalid_request_error", "input length and `max_tokens` exceed context limit"),
            "too-long",
            "prompt is too long for m",
        ),
        (Fault(400, "invalid_request_error", f"no\n{KEY}"), "request", "(HTTP 400): no ***"),
        (Fault(400, "invalid_request_error", "long " * 999), "request", "…"),
        (Fault(302, headers={"location": "http://127.0.0.1:9/"}), "request", "HTTP 302"),
        (Fault(429, "rate_limit_error"), "rate", "too many requests"),
        (Raw(b"<html>log in to the hotel", "text/html"), "malformed", "no message"),
        (Raw(b"[]"), "malformed", "no message"),
        (Raw(b'{"type": "message", "content": null}'), "malformed", "no message"),
        (Raw(b'{"type": "message", "usage": {"input_tokens": "many"}}'), "malformed", "no message"),
        (
            Raw(b'{"type": "error", "error": {"type": "permission_error", "message": "not for you"}}'),
            "key",
            "(permission_error: not for you)",
        ),
        (Raw(b"", "text/event-stream"), "cut", "was cut"),
        (Raw(b"data: {not JSON\n\n", "text/event-stream"), "malformed", "no message"),
        (Raw(b"{}", headers={"content-encoding": "gzip"}), "malformed", "no message"),
        (Events(({"type": "content_block_start", "index": 5},)), "malformed", "out of order"),
    ],
)
async def test_what_asking_again_cannot_mend(answer: Answer, kind: str, told: str) -> None:
    fault = await fault_of(answer)
    assert (fault.kind, told in fault.told) == (kind, True), fault.told
    assert fault.may_pass == (kind == "cut")


@pytest.mark.parametrize("status", [408, 409, 500, 503, 529])
async def test_what_may_pass(status: int) -> None:
    fault = await fault_of(Fault(status))
    assert (fault.kind, fault.may_pass, fault.wait) == ("overload", True, None)
    assert f"HTTP {status}" in fault.told


@pytest.mark.parametrize(
    ("given", "wait"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2099 07:28:00 GMT"}, float("inf")),
    ],
)
async def test_how_long_the_server_asks_to_wait_is_told(given: dict[str, str], wait: float) -> None:
    for status, kind in ((429, "rate"), (529, "overload")):
        fault = await fault_of(Fault(status, headers=given))
        assert (fault.kind, fault.wait, fault.may_pass) == (kind, wait, False)


@pytest.mark.parametrize(
    ("name", "kind", "may_pass"),
    [
        ("overloaded_error", "overload", True),
        ("api_error", "overload", True),
        ("rate_limit_error", "rate", False),
        ("billing_error", "credit", False),
        ("invalid_request_error", "request", False),
        ("an_error_of_tomorrow", "overload", True),
    ],
)
async def test_an_error_in_the_middle_of_an_answer(name: str, kind: str, may_pass: bool) -> None:
    fault = await fault_of(Fault(200, name, f"not now, {KEY}", midway=True))
    assert (fault.kind, fault.may_pass) == (kind, may_pass)
    assert fault.usage.input > 0


@pytest.mark.parametrize("gently", [False, True])
async def test_an_answer_that_is_cut_may_be_asked_for_again_and_is_on_the_account(gently: bool) -> None:
    fault = await fault_of(Cut(gently))
    assert (fault.kind, fault.may_pass) == ("cut", True)
    assert fault.told == "the connection to 127.0.0.1 was cut before the answer was whole"
    assert fault.usage.input > 0


async def test_half_a_tool_call_is_never_made(autojump_clock: MockClock) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    hands = Hands()
    async with thinking(lambda asked: Cut()) as brain:
        with pytest.raises(BrainError, match="was cut"):
            await brain.compose(moment(), hands)
    assert hands.drafts
    assert hands.done == []


async def test_a_server_that_is_not_there_is_named() -> None:
    async with client(in_order()) as (asking, _):
        pass
    asking = Client(api_key=KEY, auth_token=None, base_url=str(asking._client.base_url))
    with pytest.raises(CallFault, match="cannot reach 127") as caught:
        await asking.ask(REQUEST, Pieces())
    assert (caught.value.kind, caught.value.may_pass) == ("unreachable", True)
    await asking.aclose()


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (Hang(), 40),
        (Hang(after="Once upon a time"), 20),
        (Events(({"type": "message_start", "message": {}}, {"type": "ping"}), hangs=True), 20),
    ],
)
async def test_a_model_that_says_nothing_more_is_given_up(
    autojump_clock: MockClock, answer: Answer, seconds: float
) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    async with client(in_order(answer)) as (asking, api):
        start = trio.current_time()
        with pytest.raises(CallFault, match="did not answer in time") as caught:
            await asking.ask(REQUEST, Pieces())
        assert trio.current_time() - start == pytest.approx(seconds)
        assert caught.value.kind == "timeout"
        await api.until(lambda api: api.hung_up == 1)


async def test_an_answer_is_done_when_it_is_whole_though_the_stream_does_not_end(
    autojump_clock: MockClock,
) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    events = (
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hi"}},
        {"type": "message_stop"},
    )
    reply = await ask(Events(events, hangs=True))
    assert reply.text == "Hi"
    assert trio.current_time() < 3


async def test_an_answer_that_is_not_streamed_is_taken_as_well() -> None:
    content = [{"type": "text", "text": "Hi"}]
    message = {"type": "message", "content": content, "stop_reason": "end_turn"}
    assert (await ask(Raw(json.dumps(message).encode()))).text == "Hi"


@pytest.mark.parametrize("answer", [Hang(), Hang(after="Once upon a time")])
async def test_cancelling_closes_the_connection_at_once(answer: Hang) -> None:
    async with client(lambda asked: answer) as (asking, api), trio.open_nursery() as nursery:
        pieces = Pieces()
        nursery.start_soon(asking.ask, REQUEST, pieces)
        await api.until(lambda api: len(api.asked) == 1)
        while answer.after and not pieces.usage.output > 1:
            await trio.sleep(0.001)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True), trio.fail_after(10):
            await api.until(lambda api: api.hung_up == 1)


async def test_a_connection_serves_many_requests() -> None:
    async with client(lambda asked: text("Hi")) as (asking, api):
        for _ in range(3):
            await asking.ask(REQUEST, Pieces())
        assert (len(api.asked), api.clients) == (3, 1)


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("packed", [False, True])
async def test_an_answer_without_an_end_is_not_kept_in_memory(content_type: str, packed: bool) -> None:
    body = b'{"content": [], "usage": {}}' + b" " * (5 << 20)
    answer = (
        Raw(gzip.compress(body), content_type, headers={"content-encoding": "gzip"})
        if packed
        else Raw(body, content_type)
    )
    fault = await fault_of(answer)
    why = "packed as gzip" if packed else "has no end"
    assert (fault.kind, why in fault.told) == ("malformed", True)


@pytest.mark.parametrize("headers", [{}, {"content-encoding": "gzip"}])
async def test_of_an_error_without_an_end_the_beginning_is_read(headers: dict[str, str]) -> None:
    fault = await fault_of(Raw(b"Bad gateway " * (1 << 18), "text/html", 502, headers))
    assert (fault.kind, "HTTP 502" in fault.told) == ("overload", True)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (text("", stop_reason="refusal"), "declined"),
        (text("", stop_reason="model_context_window_exceeded"), "too-long"),
    ],
)
async def test_a_decision_of_no_use_is_told_and_on_the_account(answer: Answer, kind: str) -> None:
    async with thinking(in_order(answer)) as brain:
        with pytest.raises(BrainError) as caught:
            await brain.assess(moment())
        assert brain.usage.calls == 1
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        (text('{"speak": tr', stop_reason="max_tokens"), 1),
        (text("I would love to speak!"), 2),
        (text('{"speak": "perhaps", "importance": 3}'), 2),
        (text('{"speak":true,"importance":1,"params":{"x":' + "[" * 50_000), 2),
        (text(), 2),
        (speaks("not what was asked"), 2),
        (state(params={}), 2),
    ],
)
async def test_a_decision_of_no_use_is_told(answer: Answer, calls: int) -> None:
    params = {"type": "object", "required": ["mood"], "properties": {"mood": {"type": "string"}}}
    async with thinking(lambda asked: answer) as brain:
        with pytest.raises(BrainError) as caught:
            await brain.assess(moment(params=params))
        assert brain.usage.calls == calls
    assert caught.value.kind == "malformed"


@pytest.mark.parametrize("first", ["Yes!", ""])
async def test_a_decision_that_cannot_be_read_is_asked_for_once_more_with_its_form(first: str) -> None:
    async with messages_api(in_order(text(first), state(True, 4))) as api:
        brain = AnthropicBrain(api_key=KEY, base_url=api.url)
        assert (await brain.assess(moment())).importance == 4
        await brain.aclose()
    before, again = (asked.body["messages"] for asked in api.asked)
    assert again[: len(before)] == before
    *said, told = again[len(before) :]
    assert [each["content"] for each in said] == ([first] if first else [])
    assert "no JSON object" in told["content"]
    assert '"importance"' in told["content"]


async def test_what_goes_wrong_with_the_second_answer_is_told() -> None:
    async with thinking(in_order(text("Yes!"), Fault(401))) as brain:
        with pytest.raises(BrainError) as caught:
            await brain.assess(moment())
    assert caught.value.kind == "key"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (text(), "malformed"),
        (text("far too long"), "malformed"),
        (text("", stop_reason="refusal"), "declined"),
    ],
)
async def test_a_turn_of_no_use_is_told(answer: Answer, kind: str) -> None:
    hands = Hands(refuse=("far too long",))
    async with thinking(in_order(answer)) as brain:
        with pytest.raises(BrainError) as caught:
            await brain.compose(moment(), hands)
    assert caught.value.kind == kind
    assert hands.done == []


async def test_parameters_that_cannot_be_asked_for_are_told() -> None:
    async with thinking(in_order()) as brain:
        with pytest.raises(BrainError, match=r"\[events.params\]") as caught:
            await brain.assess(moment(params={"type": "object", "properties": {"mood": {}}}))
    assert caught.value.kind == "request"


async def test_what_a_cancelled_call_has_cost_is_on_the_account() -> None:
    told = list[Usage]()

    class Watched(Caller):
        def tell(self, purpose: Any, model: str, usage: Usage, **more: Any) -> None:
            told.append(usage)

    async with messages_api(lambda asked: Hang(after="Once upon a time " * 9)) as api:
        brain = AnthropicBrain(api_key=KEY, base_url=api.url, caller=Watched())
        hands = Hands()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(brain.compose, moment(), hands)
            while not (hands.drafts and len(hands.drafts[-1]) > 140):
                await trio.sleep(0.001)
            nursery.cancel_scope.cancel()
        await brain.aclose()
    (usage,) = told
    assert (usage.calls, usage.input > 100, usage.output > 30) == (1, True, True)
