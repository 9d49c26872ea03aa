"""What can go wrong with a Chat Completions server: each fault is of a kind and told in one line, in
bounded time, with no key in it. Retries and rests are the `Caller`'s, and so in its tests."""

from __future__ import annotations

import gzip
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import BrainError, Usage
from aikyo.brain.calling import CallFault
from aikyo.brain.openai.api import ChatApi
from aikyo.brain.openai.brain import OpenAIBrain
from aikyo.brain.openai.server import ChatServer
from tests.support.chat_api import (
    Answer,
    Chunks,
    Cut,
    Fault,
    Raw,
    Reply,
    Script,
    calls,
    chat_api,
    in_order,
    speaks,
    text,
)
from tests.support.chat_api import ChatApi as Server
from tests.support.minds import Hands, moment

KEY = "sk-very-secret"

FULL = {"prompt_tokens": 100, "completion_tokens": 2_048}
PATIENCE = 0.2
"""Real seconds without traffic after which the virtual clock may jump."""


@asynccontextmanager
async def thinking(script: Script, key: str = KEY) -> AsyncIterator[tuple[OpenAIBrain, Server]]:
    async with chat_api(script) as api:
        brain = OpenAIBrain(server=ChatServer(api.url, key), model="qwen3:8b", random=Random(1))
        try:
            yield brain, api
        finally:
            await brain.aclose()


async def error_of(*answers: Answer, key: str = KEY) -> tuple[str, str, int]:
    """The error's kind and text, and how many requests were made, when composing meets these answers."""
    hands = Hands()
    async with thinking(in_order(*answers), key) as (brain, api):
        with pytest.raises(BrainError) as caught:
            await brain.compose(moment(), hands)
    told = str(caught.value)
    assert "\n" not in told
    assert KEY not in told
    assert len(told) < 350
    assert hands.done == []
    return caught.value.kind, told, len(api.asked)


async def fault_of(answer: Answer) -> CallFault:
    """What one request gives that meets this answer."""
    async with chat_api(in_order(answer)) as server:
        api = ChatApi(ChatServer(server.url, KEY))
        with pytest.raises(CallFault) as caught:
            await api.ask({"model": "m", "messages": []})
        await api.aclose()
    return caught.value


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (Fault(401, f"bad key {KEY}"), "key", "the key was refused; check OPENAI_API_KEY"),
        (Fault(403, "not for you"), "key", "refused (HTTP 403): not for you"),
        (Fault(403, "your input was flagged"), "declined", "declined to answer this"),
        (Fault(400, "no", "content_filter"), "declined", "declined to answer this"),
        (Fault(402, "Insufficient Balance"), "credit", "no credit left; Insufficient Balance"),
        (Fault(429, "You exceeded your quota", "insufficient_quota"), "credit", "no credit left"),
        (Fault(429, "Check your plan and billing details."), "credit", "no credit left"),
        (Fault(404, 'model "qwen3:8b" not found, pull it'), "model", "no model 'qwen3:8b' at 127"),
        (Fault(404, "`qwen3:8b` does not exist", "model_not_found"), "model", "no model 'qwen3:8b'"),
        (Fault(400, "qwen3:8b is not a valid model ID"), "model", "no model 'qwen3:8b' at 127"),
        (Fault(404, "No models loaded. Please load a model"), "model", "no model loaded; load qwen3:8b"),
        (Raw(b"404 page not found", "text/plain", 404), "unreachable", "no Chat Completions there"),
        (Raw(b'{"detail":"Not Found"}', status=404), "unreachable", "ends in /v1 (Not Found)"),
        (Fault(404), "unreachable", "there, or no model 'qwen3:8b'"),
        (Fault(404, ""), "unreachable", "mostly ends in /v1"),
        (Raw(b"", status=405), "unreachable", "no Chat Completions there;"),
        (Fault(413), "too-long", "prompt is too long"),
        (Fault(400, "limit: 4096", "context_length_exceeded"), "too-long", "prompt is too long"),
        (Fault(400, "request exceeds the available context size"), "too-long", "prompt is too long"),
        (Fault(400, f"no\n{KEY}\nway"), "request", "(HTTP 400): no *** way"),
        (Fault(400, "long " * 999), "request", "…"),
        (Fault(301, "elsewhere"), "request", "(HTTP 301)"),
        (Raw(b'{"error": "Bad \\"thing\\""}', status=400), "request", 'Bad "thing"'),
        (Raw(b'{"detail": [{"msg": "field required"}]}', status=422), "request", "field required"),
        (Raw(b"\xff" * 100_000, "text/html", 400), "request", "(HTTP 400)"),
        (Raw(b"", status=400), "request", "no reason given"),
        (Raw(b'{"error": "no \xff way"}', status=400), "request", "way"),
    ],
)
async def test_what_a_retry_cannot_mend_is_told_at_once(answer: Answer, kind: str, told: str) -> None:
    found, text_told, requests = await error_of(answer)
    assert found == kind
    assert told in text_told
    assert requests == 1


async def test_a_server_that_wants_a_key_is_told_from_one_that_refuses_it() -> None:
    _, told, _ = await error_of(Fault(401, "who are you?"), key="")
    assert "127.0.0.1 wants a key; check OPENAI_API_KEY, or take --brain offline" in told


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        (Fault(429, "slow down"), "rate", "too many requests"),
        (
            Fault(429, "Limit: 3 / min. Please try again in 20s. Add a payment method at x.com/billing"),
            "rate",
            "too many requests",
        ),
        (Fault(429, "check your plan and billing details. Please retry in 9s."), "rate", "too many"),
        (Fault(500, "out of memory"), "overload", "out of order (HTTP 500: out of memory)"),
        (Fault(503, "model is loading"), "overload", "HTTP 503"),
        (Fault(408, "too slow"), "overload", "HTTP 408"),
        (Fault(400, "see 'failed_generation'", "tool_use_failed"), "malformed", "could not read"),
        (Cut(), "cut", "the connection to 127.0.0.1 was cut before the answer was whole"),
        (Cut(gently=True), "cut", "the connection to 127.0.0.1 was cut before the answer was whole"),
        (Chunks(({"error": {"code": 500, "message": "no match"}},)), "overload", "no match"),
        (Chunks(({"error": {"message": "the engine died"}},)), "overload", "the engine died"),
    ],
)
async def test_what_may_pass_is_told_as_that(fault: Answer, kind: str, told: str) -> None:
    found = await fault_of(fault)
    assert (found.kind, found.may_pass, found.wait) == (kind, True, None)
    assert told in found.told


@pytest.mark.parametrize(("asked", "wait"), [("7", 7), ("Wed, 21 Oct 2099 07:28:00 GMT", math.inf)])
async def test_what_a_server_asks_to_wait_is_told(asked: str, wait: float) -> None:
    for status in (429, 503):
        assert (await fault_of(Fault(status, headers={"retry-after": asked}))).wait == wait


async def test_what_came_before_a_cut_is_on_the_account() -> None:
    known = {"choices": [{"delta": {"content": "Hi"}}], "usage": {"prompt_tokens": 9}}
    assert (await fault_of(Chunks((known,)))).usage == Usage(calls=1, input=9)
    guessed = (await fault_of(Chunks(({"choices": [{"delta": {"content": "twelve chars"}}]},)))).usage
    assert guessed.input > 0
    assert guessed.output == 3


async def test_an_error_within_the_stream_that_is_of_the_request_is_not_retried() -> None:
    _, told, requests = await error_of(Chunks(({"error": {"code": 400, "message": "bad request"}},)))
    assert "(HTTP 400): bad request" in told
    assert requests == 1


@pytest.mark.parametrize(
    ("piece", "told"),
    [({"error": {"code": 400, "message": "bad request"}}, "bad request"), ("not JSON", "no completion")],
)
async def test_what_is_of_no_use_is_not_listened_to_any_longer(
    autojump_clock: MockClock, piece: dict[str, object] | str, told: str
) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    more = {"choices": [{"delta": {"content": "more"}}]}
    async with thinking(lambda asked: Chunks((piece, more, more), hangs=True)) as (brain, api):
        start = trio.current_time()
        with pytest.raises(BrainError, match=told):
            await brain.compose(moment(), Hands())
        assert trio.current_time() == start
        await api.until(lambda api: api.hung_up == 1)


async def test_a_server_that_is_not_there_is_named(autojump_clock: MockClock) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    async with chat_api(in_order()) as api:
        pass
    brain = OpenAIBrain(server=ChatServer(api.url), model="m", random=Random(1))
    with pytest.raises(BrainError, match=r"cannot reach 127.0.0.1; check that it runs") as caught:
        await brain.assess(moment())
    assert caught.value.kind == "unreachable"
    await brain.aclose()


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (Reply(refusal="I can't help with that."), "declined", "declined"),
        (text("", "content_filter"), "declined", "declined"),
        (Reply("Once upon a ti", ending="length", usage=FULL), "malformed", "cut off, being too long"),
        (Reply("Once upon a ti", ending="length", usage={}), "malformed", "cut off, being too long"),
        (Reply("Once upon a ti", ending="length"), "too-long", "no room in its context"),
        (Reply(calls=(("speak", {"message": "Once"}),), ending="length", usage={}), "malformed", "cut"),
        (text(""), "malformed", "empty answer"),
        (text("<think>What to say?</think>"), "malformed", "empty answer"),
        (Raw(b"<html>log in to the hotel", "text/html"), "malformed", "no completion"),
        (Raw(b"[]"), "malformed", "no completion"),
        (Raw(b'{"choices": [{"message": 7}]}'), "malformed", "no completion"),
        (Raw(b'{"choices":' + b"[" * 50_000), "malformed", "no completion"),
        (Raw(b'{"choices": "\xff"}'), "malformed", "no completion"),
        (Chunks(("not JSON",)), "malformed", "no completion"),
        (
            Chunks(({"choices": [{"delta": {"tool_calls": [{"index": "x"}]}}]},)),
            "malformed",
            "no completion",
        ),
        (Chunks(({"usage": {"prompt_tokens": "many"}},)), "malformed", "no completion"),
        (Raw(b"data: " + b"x" * (5 << 20), "text/event-stream"), "malformed", "it has no end"),
        (Raw(b" " * (5 << 20)), "malformed", "it has no end"),
        (Raw(gzip.compress(b"{}"), headers={"content-encoding": "gzip"}), "malformed", "packed as gzip"),
    ],
)
async def test_an_answer_that_is_none_is_told(answer: Answer, kind: str, told: str) -> None:
    found, text_told, requests = await error_of(answer)
    assert found == kind
    assert told in text_told
    assert requests == 1


async def test_words_that_cannot_be_said_are_told() -> None:
    async with thinking(in_order(text("far too long"))) as (brain, _):
        with pytest.raises(BrainError, match="cannot be said"):
            await brain.compose(moment(), Hands(refuse=("far too long",)))


async def test_a_stream_that_is_cut_after_its_end_is_whole() -> None:
    done = {"choices": [{"delta": {"content": "Hi."}, "finish_reason": "stop"}]}
    hands = Hands()
    async with thinking(in_order(Chunks((done,)))) as (brain, _):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "Hi."})]


async def test_a_stream_that_never_closes_is_left_soon_after_the_end_of_the_answer(
    autojump_clock: MockClock,
) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    done = {
        "choices": [{"delta": {"content": '{"speak":true,"importance":3}'}, "finish_reason": "stop"}]
    }
    async with thinking(lambda asked: Chunks((done, "[DONE]"), hangs=True)) as (brain, api):
        assert (await brain.assess(moment(message=None))).importance == 3
        await api.until(lambda api: api.hung_up == 1)


async def test_a_name_that_no_tool_can_have_is_sent_back_as_one_that_a_tool_can() -> None:
    async with thinking(in_order(calls(("wave to: Bob", {})), speaks("Hi."))) as (brain, api):
        await brain.compose(moment(), Hands())
    told = api.asked[1].body["messages"][-2]["tool_calls"][0]["function"]["name"]
    assert told == "wave_to__Bob"
