"""What can go wrong: each fault is a one-line BrainError, in bounded time, with no key in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import BrainError
from aikyo.brain.anthropic import AnthropicBrain
from tests.support.messages_api import (
    Answer,
    Cut,
    Fault,
    Hang,
    MessagesApi,
    Raw,
    Reply,
    Script,
    in_order,
    messages_api,
    speaks,
    state,
    text,
)
from tests.support.minds import Hands, moment

KEY = "sk-very-secret"
SOON = {"retry-after-ms": "1"}

PATIENCE = 0.2
"""Real seconds without traffic after which the virtual clock may jump: over any deadline, and over the
SDK's own pause before a retry."""


@asynccontextmanager
async def thinking(script: Script) -> AsyncIterator[tuple[AnthropicBrain, MessagesApi]]:
    async with messages_api(script) as api:
        brain = AnthropicBrain(api_key=KEY, base_url=api.url)
        try:
            yield brain, api
        finally:
            await brain.aclose()


async def error_of(*answers: Answer) -> tuple[str, int]:
    """The error's text, and how many requests were made, when assessing meets these answers."""
    async with thinking(in_order(*answers)) as (brain, api):
        with pytest.raises(BrainError) as caught:
            await brain.assess(moment())
    told = str(caught.value)
    assert "\n" not in told
    assert KEY not in told
    return told, len(api.asked)


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (
            [Fault(401, "authentication_error", f"bad key {KEY}")],
            "key was refused; check ANTHROPIC_API_KEY",
        ),
        ([Fault(403, "permission_error", "not for you")], "refused (HTTP 403): not for you"),
        ([Fault(404, "not_found_error", "model: x")], "no model 'claude-haiku-5-5'"),
        ([Fault(413, "request_too_large")], "prompt is too long"),
        ([Fault(400, "invalid_request_error", f"no\n{KEY}\ncredit")], "(HTTP 400): no *** credit"),
        ([Fault(400, "invalid_request_error", "long " * 999)], "…"),
    ],
)
async def test_what_a_retry_cannot_mend_is_told_at_once(answers: list[Answer], told: str) -> None:
    text_told, requests = await error_of(*answers)
    assert told in text_told
    assert len(text_told) < 300
    assert requests == 1


@pytest.mark.parametrize(
    ("status", "told"), [(429, "too many requests"), (500, "HTTP 500"), (529, "overloaded")]
)
async def test_a_passing_fault_is_retried_once(status: int, told: str) -> None:
    fault = Fault(status, "scripted", headers=SOON)
    text_told, requests = await error_of(fault, fault)
    assert told in text_told
    assert requests == 2
    async with thinking(in_order(fault, state(True, 5))) as (brain, _):
        assert (await brain.assess(moment())).importance == 5


@pytest.mark.parametrize("wait", ["120", "Wed, 21 Oct 2099 07:28:00 GMT", "nan"])
async def test_a_long_retry_after_is_told_rather_than_waited_for(wait: str) -> None:
    told, requests = await error_of(Fault(429, "rate_limit_error", headers={"retry-after": wait}))
    assert ("in 120 s" in told) is (wait == "120")
    assert requests == 1


async def test_a_connection_that_is_cut_is_tried_again_once(autojump_clock: MockClock) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    told, requests = await error_of(Cut(), Cut())
    assert told == "the connection to 127.0.0.1 was cut before the answer was whole"
    assert requests == 2


async def test_a_server_that_is_not_there_is_named(autojump_clock: MockClock) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    async with messages_api(in_order()) as api:
        pass
    brain = AnthropicBrain(api_key=KEY, base_url=api.url)
    with pytest.raises(BrainError, match="cannot reach 127"):
        await brain.assess(moment())
    await brain.aclose()


@pytest.mark.parametrize(("act", "seconds"), [("assess", 5), ("compose", 45)])
async def test_a_model_that_never_answers_is_given_up(
    autojump_clock: MockClock, act: str, seconds: float
) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    async with thinking(lambda asked: Hang()) as (brain, api):
        start = trio.current_time()
        with pytest.raises(BrainError, match="did not answer in time"):
            await (brain.assess(moment()) if act == "assess" else brain.compose(moment(), Hands()))
        assert trio.current_time() - start == pytest.approx(seconds)
        await api.until(lambda api: api.hung_up == 1)
        assert len(api.asked) == 1


async def test_cancelling_closes_the_connection_at_once() -> None:
    async with thinking(lambda asked: Hang()) as (brain, api), trio.open_nursery() as nursery:
        nursery.start_soon(brain.compose, moment(), Hands())
        await api.until(lambda api: len(api.asked) == 1)
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True), trio.fail_after(2):
            await api.until(lambda api: api.hung_up == 1)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (text("", stop_reason="refusal"), "declined"),
        (text('{"speak": tr', stop_reason="max_tokens"), "cut off, being too long"),
        (text("", stop_reason="model_context_window_exceeded"), "prompt is too long"),
        (Raw(b"<html>log in to the hotel", "text/html"), "no message"),
        (Raw(b"[]"), "no message"),
        (Raw(b'{"content": null}'), "no message"),
        (Raw(b'{"content": [], "usage": {"input_tokens": "many"}}'), "no message"),
        (text("I would love to speak!"), "form asked for"),
        (text('{"speak": "yes", "importance": 3}'), "form asked for"),
        (text(), "form asked for"),
        (speaks("not what was asked"), "form asked for"),
    ],
)
async def test_an_answer_that_is_none_is_told(answer: Reply | Raw, told: str) -> None:
    text_told, requests = await error_of(answer)
    assert told in text_told
    assert requests == 1


async def test_a_parameter_left_out_is_told() -> None:
    params = {"type": "object", "required": ["mood"], "properties": {"mood": {"type": "string"}}}
    async with thinking(in_order(state(params={}))) as (brain, _):
        with pytest.raises(BrainError, match="left out the parameter mood"):
            await brain.assess(moment(params=params))


async def test_parameters_that_cannot_be_asked_for_are_told() -> None:
    async with thinking(in_order()) as (brain, api):
        with pytest.raises(BrainError, match=r"\[events.params\]"):
            await brain.assess(moment(params={"type": "object", "properties": {"mood": {}}}))
    assert api.asked == []


async def test_an_empty_turn_is_told() -> None:
    hands = Hands()
    async with thinking(in_order(text())) as (brain, _):
        with pytest.raises(BrainError, match="empty answer"):
            await brain.compose(moment(), hands)
    assert hands.done == []


async def test_words_that_cannot_be_said_are_told() -> None:
    async with thinking(in_order(text("far too long"))) as (brain, _):
        with pytest.raises(BrainError, match="cannot be said"):
            await brain.compose(moment(), Hands(refuse=("far too long",)))


async def test_half_a_tool_call_is_never_made() -> None:
    hands = Hands()
    half = Reply(speaks("Once upon a ti").content, "max_tokens")
    async with thinking(in_order(half)) as (brain, _):
        with pytest.raises(BrainError, match="cut off"):
            await brain.compose(moment(), hands)
    assert hands.done == []


async def test_the_brain_is_usable_after_a_fault() -> None:
    async with thinking(in_order(Fault(401), state(True, 8))) as (brain, _):
        with pytest.raises(BrainError):
            await brain.assess(moment())
        assert (await brain.assess(moment())).importance == 8


async def test_an_answer_without_an_end_is_not_kept_in_memory() -> None:
    body = b'{"content": [], "usage": {}}' + b" " * (5 << 20)
    async with thinking(lambda asked: Raw(body)) as (brain, _):
        with pytest.raises(BrainError, match="was cut before the answer was whole"):
            await brain.compose(moment(), Hands())


async def test_a_decision_nested_without_an_end_is_told() -> None:
    deep = text('{"speak":true,"importance":1,"params":{"x":' + "[" * 50_000)
    async with thinking(lambda asked: deep) as (brain, _):
        with pytest.raises(BrainError, match="did not answer in the form"):
            await brain.assess(moment(message=None))
