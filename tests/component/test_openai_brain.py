"""The openai brain, through the real HTTP client, against a local server that speaks Chat Completions;
what it has in common with others is in test_model_brains."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import Brain, BrainError, Usage, choose_brain, open_brain
from aikyo.errors import UsageError
from tests.support.chat_api import (
    Answer,
    Asked,
    ChatApi,
    Chunks,
    Fault,
    Raw,
    Reply,
    Script,
    calls,
    chat_api,
    in_order,
    speaks,
    state,
    text,
    whole,
)
from tests.support.minds import Hands, moment

PARAMS = {
    "type": "object",
    "required": ["mood"],
    "properties": {"mood": {"type": "integer", "minimum": 1}},
}


@asynccontextmanager
async def thinking(
    script: Script, *models: str, model: str | None = None, **environ: str
) -> AsyncIterator[tuple[Brain, ChatApi]]:
    async with chat_api(script, models=models or ("scripted",)) as api:
        known = {"OPENAI_BASE_URL": api.url, **environ}
        choice = choose_brain("auto", environ=known)
        brain = await trio.to_thread.run_sync(
            lambda: open_brain(choice, environ=known, random=Random(1), model=model)
        )
        try:
            yield brain, api
        finally:
            await brain.aclose()


async def spoken(*answers: Answer) -> tuple[list[object], list[Asked]]:
    """What is done when composing meets these answers, and what was asked."""
    hands = Hands()
    async with thinking(in_order(*answers), model="m") as (brain, api):
        await brain.compose(moment(), hands)
    return list(hands.done), api.asked


async def test_a_server_that_is_named_needs_neither_key_nor_model() -> None:
    async with thinking(in_order(state(), speaks("Hi."))) as (brain, api):
        await brain.assess(moment())
        await brain.compose(moment(), Hands())
    assert brain.label == "openai scripted"
    assert not brain.paid
    assert [asked.body["model"] for asked in api.asked] == ["scripted", "scripted"]
    assert all("authorization" not in asked.headers for asked in api.asked)


async def test_a_key_goes_with_each_request() -> None:
    async with thinking(in_order(state()), OPENAI_API_KEY="sk-test") as (brain, api):
        await brain.assess(moment())
    assert api.asked[0].headers["authorization"] == "Bearer sk-test"


async def test_a_proxy_of_the_environment_is_not_asked_for_a_server_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with thinking(in_order(state())) as (brain, _):
        assert (await brain.assess(moment())).speak


async def test_the_first_model_that_talks_is_taken_and_none_asked_for_where_one_is_named() -> None:
    async with thinking(in_order(), "nomic-embed-text", "qwen3:8b", "llama3.2") as (brain, api):
        assert (brain.label, api.listed) == ("openai qwen3:8b", 1)
    async with thinking(in_order(), "qwen3:8b", model="gemma3") as (brain, api):
        assert (brain.label, api.listed) == ("openai gemma3", 0)


async def test_a_server_without_a_model_is_an_error_that_tells_the_way_out() -> None:
    async with chat_api(in_order(), models=["nomic-embed-text"]) as api:
        environ = {"OPENAI_BASE_URL": api.url}
        choice = choose_brain("openai", environ=environ)
        with pytest.raises(UsageError, match="no model yet; load one there, or set `model`"):
            await trio.to_thread.run_sync(lambda: open_brain(choice, environ=environ, random=Random(1)))


async def test_a_server_that_is_not_there_is_an_error_at_the_start() -> None:
    async with chat_api(in_order()) as api:
        pass
    environ = {"OPENAI_BASE_URL": api.url}
    choice = choose_brain("openai", environ=environ)
    with pytest.raises(UsageError, match=r"cannot reach 127.0.0.1 to ask for its models"):
        await trio.to_thread.run_sync(lambda: open_brain(choice, environ=environ, random=Random(1)))


async def test_the_system_prompt_comes_first_and_is_the_same_at_every_turn() -> None:
    async with thinking(in_order(state(), state(), speaks("Hi.")), model="m") as (brain, api):
        await brain.assess(moment("one"))
        await brain.assess(moment("two", turn=5))
        await brain.compose(moment("three"), Hands())
    systems = [asked.body["messages"][0] for asked in api.asked]
    assert systems[0] == systems[1] == systems[2]
    assert systems[0]["role"] == "system"
    assert "lighthouse" in systems[0]["content"]


async def test_pieces_of_a_stream_are_put_together() -> None:
    done, asked = await spoken(calls(("speak", {"message": "猫 — a longer sentence."}), ("gesture", {})))
    assert done == [("speak", {"message": "猫 — a longer sentence."}), ("gesture", {})]
    assert asked[0].body["stream"] is True


async def test_a_server_that_does_not_stream_is_understood() -> None:
    body = json.dumps(whole("m", speaks("All at once."))).encode()
    done, _ = await spoken(Raw(body))
    assert done == [("speak", {"message": "All at once."})]


async def test_calls_are_told_apart_where_the_server_numbers_them_all_the_same() -> None:
    pieces = [
        {"index": 0, "id": "a", "function": {"name": "gesture", "arguments": '{"kind": "nod"}'}},
        {"index": 0, "id": "b", "function": {"name": "speak", "arguments": '{"mess'}},
        {"index": 0, "function": {"arguments": 'age": "Hi."}'}},
    ]
    sent = [{"choices": [{"delta": {"tool_calls": [piece]}}]} for piece in pieces]
    done, _ = await spoken(Chunks((*sent, {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})))
    assert done == [("gesture", {"kind": "nod"}), ("speak", {"message": "Hi."})]


@pytest.mark.parametrize(
    "written",
    [
        '<tool_call>\n{"name": "speak", "arguments": {"message": "Hi."}}\n</tool_call>',
        '```json\n{"name": "speak", "parameters": {"message": "Hi."}}\n```',
        '[TOOL_CALLS] [{"name": "speak", "arguments": "{\\"message\\": \\"Hi.\\"}"}]',
        'speak("Hi.")',
        '<think>\nI should greet {"name": "gesture"}\n</think>\n{"speak": {"message": "Hi."}}',
        "<function=speak>\n<parameter=message>\nHi.\n</parameter>\n</function>",
        "Alice: Hi.",
        "</think>\n\nHi.",
    ],
)
async def test_what_small_models_write_as_text_is_done(written: str) -> None:
    done, asked = await spoken(text(written))
    assert done == [("speak", {"message": "Hi."})]
    assert len(asked) == 1


async def test_what_was_looked_up_by_a_written_call_is_told_in_words() -> None:
    lookup = '<tool_call>{"name": "recall", "arguments": {"query": "crab"}}</tool_call>'
    done, asked = await spoken(text(lookup), speaks("On Tuesday."))
    assert [name for name, _ in done] == ["recall", "speak"]  # type: ignore[misc]  # they are pairs
    said, told = asked[1].body["messages"][2:]
    assert said == {"role": "assistant", "content": lookup}
    assert told["role"] == "user"
    assert "a crab, on Tuesday" in told["content"]


async def test_a_call_whose_input_is_no_json_is_told_to_the_model() -> None:
    done, asked = await spoken(calls(("speak", '{"message": "Hi')), speaks("Hi."))
    assert done == [("speak", {"message": "Hi."})]
    assert "no JSON object" in asked[1].results[0]["content"]
    # Templates of servers read it, so that it must be JSON.
    assert asked[1].body["messages"][2]["tool_calls"][0]["function"]["arguments"] == "{}"


@pytest.mark.parametrize(
    "answer",
    [
        'Sure! ```json\n{"speak": true, "importance": 6}\n```',
        '<think>{"speak": false}</think>{"speak": "true", "importance": "6"}',
        '{"speak": true, "importance": 6, "reason": "it is about me", "circles": false}',
    ],
)
async def test_json_with_words_around_it_is_read(answer: str) -> None:
    async with thinking(in_order(text(answer)), model="m") as (brain, api):
        found = await brain.assess(moment())
    assert (found.speak, found.importance) == (True, 6)
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("I would love to speak!", "no JSON object"),
        ('{"speak": "perhaps", "importance": 3}', "speak"),
        ('{"importance": 3}', "speak"),
        ('{"speak": true, "importance": NaN}', "no JSON object"),
        ("[" * 5_000, "no JSON object"),
        ('{"a":' * 1_500, "no JSON object"),
    ],
)
async def test_an_answer_in_another_form_is_asked_for_once_more(wrong: str, told: str) -> None:
    async with thinking(in_order(text(wrong), state(True, 4)), model="m") as (brain, api):
        assert (await brain.assess(moment())).importance == 4
    said, again = api.asked[1].body["messages"][2:]
    assert said == {"role": "assistant", "content": wrong}
    assert told in again["content"]


async def test_one_that_never_fits_is_asked_for_no_further_and_told() -> None:
    async with thinking(lambda asked: text("Hm."), model="m") as (brain, api):
        for _ in range(2):
            with pytest.raises(BrainError, match="m decides nothing: there is no JSON object") as caught:
                await brain.assess(moment())
            assert caught.value.kind == "malformed"
    assert len(api.asked) == 4
    assert brain.usage.calls == 4


async def test_a_decision_without_an_end_is_told() -> None:
    endless = Reply('{"speak": tru', ending="length", usage={})
    async with thinking(lambda asked: endless, model="m") as (brain, api):
        with pytest.raises(BrainError, match="the answer of m was cut off") as caught:
            await brain.assess(moment())
    assert caught.value.kind == "malformed"
    assert len(api.asked) == 1


async def test_parameters_that_are_not_filled_in_are_told() -> None:
    async with thinking(lambda asked: state(), model="m") as (brain, _):
        with pytest.raises(BrainError, match="it left out the parameter"):
            await brain.assess(moment("Alice?", addressed=True, params=PARAMS))


REFUSED = {
    "response_format": Fault(400, "'response_format.type' must be 'text'"),
    "stream_options": Fault(400, "Unrecognized request argument supplied: stream_options"),
    "reasoning_effort": Fault(400, 'think value "low" is not supported: no reasoning'),
    "max_tokens": Fault(400, "'max_tokens' is not supported. Use 'max_completion_tokens' instead."),
}


@pytest.mark.parametrize("part", REFUSED)
async def test_what_a_server_refuses_is_left_out_from_then_on(part: str) -> None:
    def script(asked: Asked) -> Answer:
        return REFUSED[part] if part in asked.body else state(True, 5)

    async with thinking(script, model="m") as (brain, api):
        for _ in range(2):
            assert (await brain.assess(moment())).importance == 5
    assert [part in asked.body for asked in api.asked] == [True, False, False]
    assert all('"speak"' in asked.prompt for asked in api.asked)  # the form is asked for in words, too
    kept = {"max_tokens", "response_format", "stream_options", "reasoning_effort"} - {part}
    assert kept <= set(api.asked[-1].body)


async def test_everything_may_be_refused_at_once() -> None:
    def script(asked: Asked) -> Answer:
        wrong = next((fault for part, fault in REFUSED.items() if part in asked.body), None)
        return wrong or state(True, 5)

    async with thinking(script, model="m") as (brain, api):
        assert (await brain.assess(moment())).importance == 5
    assert len(api.asked) == 5
    assert api.asked[-1].body["max_completion_tokens"] > 0


async def test_a_model_without_tools_speaks_in_plain_words() -> None:
    def script(asked: Asked) -> Answer:
        if "tools" in asked.body:
            return Fault(400, "registry.ollama.ai/library/tool-9000 does not support tools")
        return text("A crab.")

    first, second = Hands(), Hands()
    async with thinking(script, model="tool-9000") as (brain, api):
        await brain.compose(moment(), first)
        await brain.compose(moment(), second)
    assert first.done == second.done == [("speak", {"message": "A crab."})]
    assert ["tools" in asked.body for asked in api.asked] == [True, False, False]
    assert "no tools now" in api.asked[2].prompt


async def test_a_model_whose_name_is_that_of_a_part_loses_nothing_for_not_being_there(
    autojump_clock: MockClock,
) -> None:
    autojump_clock.autojump_threshold = 0.2
    missing = Fault(404, 'model "tool-9000" not found, try pulling it first')
    async with thinking(in_order(missing, speaks("Hi.")), model="tool-9000") as (brain, api):
        with pytest.raises(BrainError, match=r"no model 'tool-9000' at 127.0.0.1"):
            await brain.compose(moment(), Hands())
        await trio.sleep(60)
        await brain.compose(moment(), Hands())
    assert all("tools" in asked.body for asked in api.asked)


async def test_what_was_read_from_a_cache_is_counted_apart() -> None:
    tokens = {
        "prompt_tokens": 900,
        "completion_tokens": 12,
        "prompt_tokens_details": {"cached_tokens": 800, "cache_write_tokens": 60},
    }
    async with thinking(in_order(Reply("Hi.", usage=tokens)), model="m") as (brain, _):
        await brain.compose(moment(), Hands())
        assert brain.usage == Usage(calls=1, input=40, cached=800, stored=60, output=12)


async def test_a_server_that_tells_no_usage_is_counted_by_calls() -> None:
    async with thinking(in_order(Reply("Hi.", usage={})), model="m") as (brain, _):
        await brain.compose(moment(), Hands())
        assert brain.usage == Usage(calls=1)
