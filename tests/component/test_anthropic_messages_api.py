"""The stand-in for the Messages API is close enough to it for the real SDK, streams included."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import anthropic
import pytest
import trio

from aikyo.brain.anthropic import AnthropicBrain
from tests.support import messages_api as stand_in
from tests.support.messages_api import Fault, Reply, calls, in_order, messages_api, text
from tests.support.minds import Hands, moment

REQUEST = {"model": "any", "max_tokens": 10, "messages": [{"role": "user", "content": "Hello"}]}


async def test_the_sdk_accumulates_a_stream_to_the_same_message() -> None:
    reply = Reply(text("One moment, please.").content + calls(("speak", {"message": "猫だ！"})).content)
    async with messages_api(in_order(reply, reply)) as api:
        async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as client:
            whole = await client.messages.create(**REQUEST)
            async with client.messages.stream(**REQUEST) as stream:
                pieces = [piece async for piece in stream.text_stream]
                streamed = await stream.get_final_message()
    assert "".join(pieces) == "One moment, please."
    assert len(pieces) > 1
    assert streamed.to_dict()["content"] == whole.to_dict()["content"]
    assert streamed.usage.output_tokens == whole.usage.output_tokens == 10


async def test_the_sdk_reads_its_errors() -> None:
    fault = Fault(429, "rate_limit_error", "slow down", {"retry-after": "7"})
    async with messages_api(in_order(fault)) as api:
        async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as client:
            with pytest.raises(anthropic.RateLimitError) as caught:
                await client.messages.create(**REQUEST)
    assert caught.value.type == "rate_limit_error"
    assert caught.value.api_message == "slow down"
    assert caught.value.response.headers["retry-after"] == "7"


async def test_it_runs_by_itself_and_keeps_a_companion_talking() -> None:
    command = [sys.executable, str(Path(stand_in.__file__)), "--words", "Scripted hello."]
    hands = Hands()
    params = {"type": "object", "required": ["new"], "properties": {"new": {"type": "boolean"}}}
    read, write = os.pipe()
    async with trio.lowlevel.FdStream(read) as output:
        process = await trio.lowlevel.open_process(command, stdout=write)
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
