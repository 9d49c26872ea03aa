"""What the openai brain shows of a reply while it is still being composed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import trio

from aikyo.brain import BrainError
from aikyo.brain.calling import Caller
from aikyo.brain.cost import ModelCall
from aikyo.brain.openai.brain import OpenAIBrain
from aikyo.brain.openai.server import ChatServer
from tests.support.chat_api import (
    Answer,
    ChatApi,
    Cut,
    Fault,
    Script,
    calls,
    chat_api,
    in_order,
    speaks,
    text,
)
from tests.support.minds import Hands, moment

NO_TOOLS = Fault(400, "m does not support tools")


@asynccontextmanager
async def thinking(script: Script) -> AsyncIterator[tuple[OpenAIBrain, ChatApi]]:
    async with chat_api(script) as api:
        brain = OpenAIBrain(server=ChatServer(api.url), model="m")
        try:
            yield brain, api
        finally:
            await brain.aclose()


async def shown(*answers: Answer) -> tuple[list[str], list[object]]:
    """What was shown, and what was done in the end."""
    hands = Hands()
    async with thinking(in_order(*answers)) as (brain, _):
        await brain.compose(moment(), hands)
    return hands.drafts, list(hands.done)


async def test_words_are_shown_before_the_last_was_composed() -> None:
    said = "A crab, under the long green weed."
    hands, seen = Hands(), trio.Event()

    async def gate(number: int) -> None:
        if number == 5:
            await seen.wait()

    class Watching(Hands):
        def saying(self, text: str) -> None:
            hands.saying(text)
            seen.set()

    async with thinking(in_order(replace(speaks(said, emotion="happy"), gate=gate))) as (brain, _):
        with trio.fail_after(20):
            await brain.compose(moment(), Watching())
    assert 0 < len(hands.drafts[0]) < len(said)
    assert hands.drafts[-1] == said
    assert all(said.startswith(draft) for draft in hands.drafts)
    assert len(set(hands.drafts)) == len(hands.drafts)


async def test_no_letter_is_shown_in_halves() -> None:
    said = '猫が「にゃあ」と鳴いた。\n👍🏽 "quoted" \\ e\u0301nd'
    drafts, done = await shown(speaks(said))
    assert len(drafts) > 3
    assert all(said.startswith(draft) for draft in drafts)
    assert drafts[-1] == said
    assert done == [("speak", {"message": said})]


async def test_only_the_words_of_speak_are_shown() -> None:
    drafts, _ = await shown(
        calls(("recall", {"query": "the message was long"})),
        calls(
            ("gesture", {"kind": "wave", "message": "no words"}), ("speak", {"message": "Hello you."})
        ),
    )
    assert drafts
    assert all("Hello you.".startswith(draft) for draft in drafts)


async def test_text_that_may_still_be_followed_by_a_call_is_not_shown() -> None:
    drafts, done = await shown(text("Just words, and a lot of them."))
    assert drafts == []
    assert done == [("speak", {"message": "Just words, and a lot of them."})]


async def test_words_of_a_model_without_tools_are_shown() -> None:
    drafts, done = await shown(NO_TOOLS, text("Alice: A crab, I believe."))
    assert drafts[-1] == "A crab, I believe."
    assert all("A crab, I believe.".startswith(draft) for draft in drafts)
    assert done == [("speak", {"message": "A crab, I believe."})]


@pytest.mark.parametrize(
    "written",
    [
        '{"name": "speak", "arguments": {"message": "Hi."}}',
        '```json\n{"speak": {"message": "Hi."}}\n```',
        "<think>What is there to say about it?</think>Hi.",
        'speak("Hi.")',
    ],
)
async def test_what_a_model_without_tools_writes_in_another_form_is_not_shown(written: str) -> None:
    drafts, done = await shown(NO_TOOLS, text(written))
    assert drafts == []
    assert done == [("speak", {"message": "Hi."})]


async def test_in_the_last_round_words_are_shown() -> None:
    lookup = calls(("recall", {"query": "crab"}))
    drafts, done = await shown(lookup, lookup, lookup, text("I forgot about it."))
    assert drafts[-1] == "I forgot about it."
    assert done[-1] == ("speak", {"message": "I forgot about it."})


async def test_a_retry_begins_anew() -> None:
    drafts, _ = await shown(Cut(), speaks("The second attempt."))
    assert drafts[0] == "The second attempt."[: len(drafts[0])]
    assert drafts[-1] == "The second attempt."


async def test_a_hostile_stream_ends_in_bounded_work() -> None:
    wide = calls(("speak", '{"message": "' + "x" * 500_000))
    hands = Hands()
    async with thinking(lambda asked: wide) as (brain, api):
        with trio.fail_after(60), pytest.raises(BrainError):
            await brain.compose(moment(), hands)
    assert sum(map(len, hands.drafts)) < 32 << 20
    assert len(hands.drafts) < 2_000
    assert api.asked


class Account:
    """A purse that is never empty, and keeps what was spent."""

    is_nearly_empty = False

    def __init__(self) -> None:
        self.calls: list[ModelCall] = []

    def check(self) -> None:
        pass

    def add(self, call: ModelCall) -> None:
        self.calls.append(call)


async def test_what_an_interrupted_reply_has_cost_is_on_the_account() -> None:
    account, held = Account(), trio.Event()

    async def gate(number: int) -> None:
        if number == 6:
            held.set()
            await trio.sleep_forever()

    reply = replace(speaks("A long sentence that is never ended."), gate=gate)
    async with chat_api(lambda asked: reply) as api:
        caller = Caller(purse=account)
        brain = OpenAIBrain(server=ChatServer(api.url), model="m", caller=caller)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(brain.compose, moment(), Hands())
            await held.wait()
            nursery.cancel_scope.cancel()
        await brain.aclose()
    (call,) = account.calls
    assert call.usage.input > 100
    assert 0 < call.usage.output < 20
