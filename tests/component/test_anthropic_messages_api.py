"""The stand-in for the Messages API is close enough to it for the real SDK, streams included."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anthropic
import pytest
import trio

from aikyo.brain.anthropic.brain import AnthropicBrain
from tests.support import messages_api as stand_in
from tests.support.messages_api import Fault, Reply, calls, in_order, messages_api, text
from tests.support.minds import Hands, moment

REQUEST = {"model": "any", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}


async def test_the_sdk_accumulates_a_stream_to_the_same_message() -> None:
    thought = {"type": "thinking", "thinking": "A cat, is it?", "signature": "EqQB"}
    redacted = {"type": "redacted_thinking", "data": "sealed"}
    spoken = calls(("speak", {"message": "猫だ！"})).content
    reply = Reply((thought, redacted, *text("One moment, please.").content, *spoken))
    async with messages_api(in_order(reply, reply)) as api:
        async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as client:
            whole = await client.messages.create(**REQUEST)
            async with client.messages.stream(**REQUEST) as stream:
                pieces = [piece async for piece in stream.text_stream]
                streamed = await stream.get_final_message()
    assert "".join(pieces) == "One moment, please."
    assert len(pieces) > 1
    assert streamed.to_dict()["content"] == whole.to_dict()["content"]
    assert streamed.usage.to_dict() == whole.usage.to_dict()
    assert streamed.usage.output_tokens > 5


async def test_the_sdk_reads_its_errors() -> None:
    fault = Fault(429, "rate_limit_error", "slow down", {"retry-after": "7"})
    async with messages_api(in_order(fault)) as api:
        async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as client:
            with pytest.raises(anthropic.RateLimitError) as caught:
                await client.messages.create(**REQUEST)
    assert caught.value.type == "rate_limit_error"
    assert caught.value.api_message == "slow down"
    assert caught.value.response.headers["retry-after"] == "7"


async def test_the_sdk_reads_its_errors_within_a_stream_too() -> None:
    async with messages_api(in_order(Fault(200, "overloaded_error", "Overloaded", midway=True))) as api:
        async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as client:
            async with client.messages.stream(**REQUEST) as stream:
                with pytest.raises(anthropic.APIStatusError) as caught:
                    await stream.until_done()
    assert (caught.value.type, caught.value.api_message) == ("overloaded_error", "Overloaded")


async def test_what_was_marked_before_comes_from_the_cache() -> None:
    def block(words: str, **fields: object) -> dict[str, object]:
        return {"type": "text", "text": words * 500, **fields}

    mark = {"cache_control": {"type": "ephemeral"}}

    def request(*content: dict[str, object], model: str = "any") -> dict[str, object]:
        messages = [{"role": "user", "content": list(content)}]
        return {**REQUEST, "model": model, "system": [block("Be brief. ", **mark)], "messages": messages}

    one, two = block("One. ", **mark), block("Two. ")
    requests = [
        request(one, two),
        request(one, two),
        request(block("One. "), {**two, **mark}),
        request(block("Something else. ")),
        request(one, two, model="another"),
    ]
    async with messages_api(lambda asked: text("Yes.")) as api:
        async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as client:
            usages = [(await client.messages.create(**asked)).usage for asked in requests]  # type: ignore[arg-type] # plain JSON
    read = [usage.cache_read_input_tokens or 0 for usage in usages]
    stored = [usage.cache_creation_input_tokens or 0 for usage in usages]
    whole = stored[0]
    assert 1_500 < whole < 2_500
    assert read[:3] == [0, whole, whole]
    assert stored[1] == 0
    assert stored[2] == pytest.approx(usages[0].input_tokens)
    assert (0 < read[3] < whole, stored[3]) == (True, 0)
    assert (read[4], stored[4]) == (0, whole)


async def test_it_runs_by_itself_and_keeps_a_companion_talking() -> None:
    command = [sys.executable, "-m", stand_in.__name__, "--words", "Scripted hello."]
    root = Path(stand_in.__file__).parents[2]
    hands = Hands()
    params = {"type": "object", "required": ["new"], "properties": {"new": {"type": "boolean"}}}
    read, write = os.pipe()
    async with trio.lowlevel.FdStream(read) as output:
        process = await trio.lowlevel.open_process(command, stdout=write, cwd=root)
        os.close(write)
        try:
            with trio.fail_after(20):
                url = (await output.receive_some(200)).decode().strip()
            brain = AnthropicBrain(api_key="any", base_url=url)
            found = await brain.assess(moment(params=params))
            await brain.compose(moment(), hands)
            await brain.aclose()
        finally:
            process.terminate()
            await process.wait()
    assert (found.speak, found.importance, found.params) == (True, 7, {"new": True})
    assert hands.done == [("speak", {"message": "Scripted hello."})]
