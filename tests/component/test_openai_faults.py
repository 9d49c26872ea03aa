"""What can go wrong with a Chat Completions server: each fault is a BrainError of one line, in bounded
time, with no key in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import BrainError
from aikyo.brain.chat_server import ChatServer
from aikyo.brain.openai import OpenAIBrain
from tests.support.chat_api import (
    Answer,
    ChatApi,
    Chunks,
    Cut,
    Fault,
    Hang,
    Raw,
    Reply,
    Script,
    calls,
    chat_api,
    in_order,
    speaks,
    state,
    text,
)
from tests.support.minds import Hands, moment

KEY = "sk-very-secret"
SOON = {"retry-after-ms": "1"}

PATIENCE = 0.2
"""Real seconds without traffic after which the virtual clock may jump."""


@asynccontextmanager
async def thinking(script: Script, key: str = KEY) -> AsyncIterator[tuple[OpenAIBrain, ChatApi]]:
    async with chat_api(script) as api:
        brain = OpenAIBrain(server=ChatServer(api.url, key), model="qwen3:8b", random=Random(1))
        try:
            yield brain, api
        finally:
            await brain.aclose()


async def error_of(*answers: Answer, key: str = KEY) -> tuple[str, int]:
    """The error's text, and how many requests were made, when composing meets these answers."""
    hands = Hands()
    async with thinking(in_order(*answers), key) as (brain, api):
        with pytest.raises(BrainError) as caught:
            await brain.compose(moment(), hands)
    told = str(caught.value)
    assert "\n" not in told
    assert KEY not in told
    assert len(told) < 350
    assert hands.done == []
    return told, len(api.asked)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Fault(401, f"bad key {KEY}"), "the key was refused; check OPENAI_API_KEY"),
        (Fault(403, "not for you"), "refused (HTTP 403): not for you"),
        (Fault(404, 'model "qwen3:8b" not found, try pulling it first'), "no model 'qwen3:8b' at 127"),
        (Fault(404, "The model `qwen3:8b` does not exist", "model_not_found"), "no model 'qwen3:8b'"),
        (Raw(b"404 page not found", "text/plain", 404), "mostly ends in /v1"),
        (Raw(b'{"detail":"Not Found"}', status=404), "mostly ends in /v1 (Not Found)"),
        (Fault(413), "prompt is too long"),
        (Fault(400, "maximum context length is 4096", "context_length_exceeded"), "prompt is too long"),
        (Fault(400, "request exceeds the available context size"), "prompt is too long"),
        (Fault(429, "You exceeded your quota", "insufficient_quota"), "no credit left"),
        (Fault(400, f"no\n{KEY}\nway"), "(HTTP 400): no *** way"),
        (Fault(400, "long " * 999), "…"),
        (Fault(301, "elsewhere"), "(HTTP 301)"),
        (Raw(b'{"error": "Bad \\"thing\\""}', status=400), 'Bad "thing"'),
        (Raw(b'{"detail": [{"loc": ["body"], "msg": "field required"}]}', status=422), "field required"),
        (Raw(b"\xff" * 100_000, "text/html", 400), "(HTTP 400)"),
        (Raw(b"", status=400), "no reason given"),
    ],
)
async def test_what_a_retry_cannot_mend_is_told_at_once(answer: Answer, told: str) -> None:
    text_told, requests = await error_of(answer)
    assert told in text_told
    assert requests == 1


async def test_a_server_that_wants_a_key_is_told_from_one_that_refuses_it() -> None:
    told, _ = await error_of(Fault(401, "who are you?"), key="")
    assert told == "127.0.0.1 wants a key; check OPENAI_API_KEY, or take --brain offline"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault(429, "slow down", headers=SOON), "too many requests"),
        (Fault(500, "out of memory", headers=SOON), "out of order (HTTP 500: out of memory)"),
        (Fault(503, "model is loading", headers=SOON), "HTTP 503"),
        (Cut(), "the connection to 127.0.0.1 was cut before the answer was whole"),
        (Cut(gently=True), "the connection to 127.0.0.1 was cut before the answer was whole"),
        (Chunks(({"error": {"code": 500, "message": "output does not match"}},)), "does not match"),
        (Chunks(({"error": {"message": "the engine died"}},)), "the engine died"),
    ],
)
async def test_a_passing_fault_is_retried_once(
    autojump_clock: MockClock, fault: Answer, told: str
) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    text_told, requests = await error_of(fault, fault)
    assert told in text_told
    assert requests == 2
    hands = Hands()
    async with thinking(in_order(fault, speaks("Here."))) as (brain, _):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "Here."})]


async def test_an_error_within_the_stream_that_is_of_the_request_is_not_retried() -> None:
    told, requests = await error_of(Chunks(({"error": {"code": 400, "message": "bad request"}},)))
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
    with pytest.raises(BrainError, match=r"cannot reach 127.0.0.1; check that it runs"):
        await brain.assess(moment())
    await brain.aclose()


@pytest.mark.parametrize(("after", "seconds"), [("", 40), ("Once upon", 20)])
async def test_a_model_that_says_nothing_more_is_given_up_before_the_whole_time_is_over(
    autojump_clock: MockClock, after: str, seconds: float
) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    async with thinking(lambda asked: Hang(after)) as (brain, api):
        start = trio.current_time()
        with pytest.raises(BrainError, match="did not answer in time"):
            await brain.compose(moment(), Hands())
        assert trio.current_time() - start == pytest.approx(seconds)
        await api.until(lambda api: api.hung_up == 1)


async def test_a_model_that_dawdles_is_given_up_when_the_whole_time_is_over(
    autojump_clock: MockClock,
) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    slow = Reply("word " * 20, pause=14)
    async with thinking(lambda asked: slow) as (brain, _):
        start = trio.current_time()
        with pytest.raises(BrainError, match=r"qwen3:8b did not answer in time$"):
            await brain.compose(moment(), Hands())
        assert trio.current_time() - start == pytest.approx(45)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Reply(refusal="I can't help with that."), "declined"),
        (text("", "content_filter"), "declined"),
        (text("Once upon a ti", "length"), "cut off, being too long"),
        (Reply(calls=(("speak", {"message": "Once upon a ti"}),), ending="length"), "cut off"),
        (text(""), "empty answer"),
        (text("<think>What to say?</think>"), "empty answer"),
        (Raw(b"<html>log in to the hotel", "text/html"), "no completion"),
        (Raw(b"[]"), "no completion"),
        (Raw(b'{"choices": [{"message": 7}]}'), "no completion"),
        (Raw(b'{"choices":' + b"[" * 50_000), "no completion"),
        (Chunks(("not JSON",)), "no completion"),
        (Chunks(({"choices": [{"delta": {"tool_calls": [{"index": "x"}]}}]},)), "no completion"),
        (Chunks(({"choices": [], "usage": {"prompt_tokens": "many"}},)), "no completion"),
        (Raw(b"data: " + b"x" * (5 << 20), "text/event-stream"), "it has no end"),
        (Raw(b" " * (5 << 20)), "it has no end"),
    ],
)
async def test_an_answer_that_is_none_is_told(answer: Answer, told: str) -> None:
    text_told, requests = await error_of(answer)
    assert told in text_told
    assert requests == 1


async def test_words_that_cannot_be_said_are_told() -> None:
    async with thinking(in_order(text("far too long"))) as (brain, _):
        with pytest.raises(BrainError, match="cannot be said"):
            await brain.compose(moment(), Hands(refuse=("far too long",)))


async def test_a_tool_that_is_not_there_is_told_to_the_model_as_often_as_it_is_asked() -> None:
    async with thinking(lambda asked: calls(("dance", {}))) as (brain, api):
        with pytest.raises(BrainError, match="empty answer"):
            await brain.compose(moment(), Hands())
    assert len(api.asked) == 4
    assert "no tool 'dance'" in api.asked[1].results[0]["content"]


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


async def test_the_brain_is_usable_after_a_fault() -> None:
    async with thinking(in_order(Cut(), Cut(), state(True, 8))) as (brain, _):
        with pytest.raises(BrainError):
            await brain.assess(moment())
        assert (await brain.assess(moment())).importance == 8
