"""What the openai brain does beside deciding and composing: prompts laid out, a model woken, the past
summed up, vectors of texts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import BrainError, Briefing, Past, Picture, Usage
from aikyo.brain.openai.brain import OpenAIBrain
from aikyo.brain.openai.server import ChatServer
from aikyo.brain.prompts import to_compose
from tests.support.chat_api import (
    Answer,
    Asked,
    ChatApi,
    Fault,
    Hang,
    Raw,
    Reply,
    Script,
    Vectors,
    chat_api,
    in_order,
    speaks,
    state,
    text,
)
from tests.support.minds import ALICE, BOB, Hands, line, moment

PATIENCE = 0.2
"""Real seconds without traffic after which the virtual clock may jump."""

PAST = Past(datetime(2026, 1, 5, 21, 4, tzinfo=UTC), ALICE, "You met Bob.", (line("A crab!", BOB),), 50)


@asynccontextmanager
async def thinking(script: Script, **options: Any) -> AsyncIterator[tuple[OpenAIBrain, ChatApi]]:
    async with chat_api(script) as api:
        server = ChatServer(api.url)
        brain = OpenAIBrain(server=server, **{"model": "big", "small_model": "small", **options})
        try:
            yield brain, api
        finally:
            await brain.aclose()


async def test_what_changes_least_comes_first() -> None:
    now = moment(briefing=Briefing(mood="happy", summary="You talked of the tide."))
    now = replace(now, recent=(line("The tide is out.", BOB, id="m-0"), *now.recent))
    parts = to_compose(now)
    async with thinking(in_order(speaks("Hi."))) as (brain, api):
        await brain.compose(now, Hands())
    system, said = (message["content"] for message in api.asked[0].body["messages"])
    assert system == f"{parts.system}\n\n{parts.session}"
    assert said == f"{parts.talk}\n\n{parts.task}"
    assert "You talked of the tide." in system
    assert said.index("The tide is out.") < said.index("What is in the tide pool?")


async def test_where_nothing_was_said_before_there_is_no_gap() -> None:
    async with thinking(in_order(speaks("Hi."))) as (brain, api):
        await brain.compose(moment(), Hands())
    system, said = (message["content"] for message in api.asked[0].body["messages"])
    assert (system, said) == (to_compose(moment()).system, to_compose(moment()).task)


async def test_pictures_come_after_the_talk_that_stays_the_same() -> None:
    picture = line("a picture", id="p", kind="perceived", picture=Picture("image/png", "abc"))
    now = moment(perceived=(picture,))
    now = replace(now, recent=(line("The tide is out.", BOB, id="m-0"), *now.recent))
    async with thinking(in_order(speaks("Hi."))) as (brain, api):
        await brain.compose(now, Hands())
    content = api.asked[0].body["messages"][1]["content"]
    assert [part["type"] for part in content] == ["text", "text", "image_url", "text"]
    assert "The tide is out." in content[0]["text"]
    assert "What is in the tide pool?" in content[3]["text"]


async def test_a_talk_that_grows_is_read_from_the_cache() -> None:
    heard = tuple(line(f"{number} " * 40, BOB, id=f"m-{number}") for number in range(60))
    async with thinking(lambda asked: speaks("Hi."), model="m") as (brain, _):
        for upto in (40, 50, 60):
            before = brain.usage
            last = heard[upto - 1]
            await brain.compose(moment(message=last, recent=heard[:upto]), Hands())
        last_turn = brain.usage.cached - before.cached
    assert last_turn > 0.6 * (brain.usage.input + brain.usage.cached - before.input - before.cached)


async def test_it_is_asked_in_the_language_of_the_companion() -> None:
    def script(asked: Asked) -> Answer:
        if "tools" in asked.body:
            return Fault(400, "big does not support tools")
        return text("にゃあ。") if asked.schema is None else text("はい")

    me = replace(ALICE, language="ja")
    async with thinking(script) as (brain, api):
        for _ in range(2):
            await brain.compose(moment(me=me), Hands())
        with pytest.raises(BrainError, match="decides nothing"):
            await brain.assess(moment(me=me))
    words = brain._prompts.words("ja")
    assert words.no_tools in api.asked[2].prompt
    assert words.answer_form.partition("{schema}")[0].strip() in api.asked[3].prompt
    again = api.asked[4].body["messages"][-1]["content"]
    assert words.answer_again.partition("{problem}")[0] in again


async def test_a_model_is_woken_by_one_token_of_each() -> None:
    async with thinking(lambda asked: Reply("H", ending="length")) as (brain, api):
        await brain.wake()
    assert [asked.body["model"] for asked in api.asked] == ["big", "small"]
    assert {asked.body["max_tokens"] for asked in api.asked} == {1}


async def test_a_model_that_thinks_longer_than_a_token_is_awake() -> None:
    full = Fault(400, "Could not finish since max_tokens or model output limit was reached.")
    async with thinking(lambda asked: full, small_model=None) as (brain, api):
        await brain.wake()
    assert len(api.asked) == 1


async def test_a_model_that_is_not_there_does_not_wake() -> None:
    async with thinking(in_order(Fault(404, "model 'big' not found"))) as (brain, _):
        with pytest.raises(BrainError, match="no model 'big'") as caught:
            await brain.wake()
    assert caught.value.kind == "model"


async def test_a_model_that_is_being_loaded_has_time_for_it(autojump_clock: MockClock) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    loading = trio.Event()

    async def load(number: int) -> None:
        if number == 0:
            loading.set()
            await trio.sleep(30)

    async with thinking(lambda asked: Reply("H", gate=load), small_model=None) as (brain, _):
        start = trio.current_time()
        await brain.wake()
        assert trio.current_time() - start == pytest.approx(30)


async def test_nobody_waits_for_long_for_a_decision_of_a_model_that_is_being_loaded(
    autojump_clock: MockClock,
) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    async with thinking(lambda asked: Hang(), small_model=None) as (brain, api):
        async with trio.open_nursery() as nursery:

            async def wake() -> None:
                with pytest.raises(BrainError):
                    await brain.wake()

            nursery.start_soon(wake)
            await api.until(lambda api: len(api.asked) == 1)
            start = trio.current_time()
            with pytest.raises(BrainError, match="is still being loaded") as caught:
                await brain.assess(moment())
            assert caught.value.kind == "timeout"
            assert trio.current_time() - start == pytest.approx(5)
            assert len(api.asked) == 1


async def test_a_decision_is_made_once_the_model_is_loaded(autojump_clock: MockClock) -> None:
    autojump_clock.autojump_threshold = PATIENCE

    async def load(number: int) -> None:
        await trio.sleep(0 if number else 2)

    def script(asked: Asked) -> Answer:
        return state(True, 6) if asked.schema else Reply("H", gate=load)

    async with thinking(script, small_model=None) as (brain, api):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(brain.wake)
            await api.until(lambda api: len(api.asked) == 1)
            assert (await brain.assess(moment())).importance == 6


async def test_the_past_is_summed_up_by_the_small_model() -> None:
    answer = text("You told Bob of a crab.\n\n\nHe  liked it.\n")
    async with thinking(in_order(answer)) as (brain, api):
        assert await brain.summarize(PAST) == "You told Bob of a crab.\nHe liked it."
        assert brain.usage.calls == 1
    (asked,) = api.asked
    assert asked.body["model"] == "small"
    assert asked.body["max_tokens"] < 2_000
    assert ALICE.personality not in asked.system
    assert "You met Bob." in asked.prompt
    assert "A crab!" in asked.prompt


async def test_a_summary_that_was_cut_off_is_of_use() -> None:
    async with thinking(in_order(Reply("You met", ending="length", usage={}))) as (brain, _):
        assert await brain.summarize(PAST) == "You met"


@pytest.mark.parametrize(
    "answer", [text(""), text("<think>Hm."), Reply("<think>Hm", ending="length", usage={})]
)
async def test_a_summary_that_is_none_is_told(answer: Answer) -> None:
    async with thinking(in_order(answer)) as (brain, _):
        with pytest.raises(BrainError) as caught:
            await brain.summarize(PAST)
    assert caught.value.kind == "malformed"


async def test_a_brain_without_a_model_for_it_has_no_vectors() -> None:
    async with thinking(in_order()) as (brain, api):
        assert await brain.embed(["a"]) is None
    assert api.asked == []


async def test_vectors_come_in_the_order_of_their_texts_and_in_batches() -> None:
    def script(asked: Asked) -> Answer:
        found = [
            {"index": n, "embedding": [float(len(each)), 1]}
            for n, each in enumerate(asked.body["input"])
        ]
        return Raw(msgspec.json.encode({"data": found[::-1], "usage": {"prompt_tokens": 5}}))

    texts = ["x" * size for size in range(70)]
    async with thinking(script, embedding_model="e") as (brain, api):
        found = await brain.embed([*texts, "y" * 100_000])
        assert brain.usage == Usage(calls=3, input=15)
    assert found is not None
    assert [vector[0] for vector in found] == [1, *range(1, 70), 8_000]
    assert [len(asked.body["input"]) for asked in api.asked] == [32, 32, 7]
    assert all(asked.path == "/v1/embeddings" for asked in api.asked)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Vectors(()), "malformed"),
        (Vectors(((1.0,),)), "malformed"),
        (Vectors(((1.0,), (1.0, 2.0))), "malformed"),
        (Vectors(((), ())), "malformed"),
        (Raw(b'{"data": [{"embedding": [NaN]}, {"embedding": [1]}]}'), "malformed"),
        (Raw(b"<html>"), "malformed"),
        (Raw(b'{"error": "this model does not embed"}'), "overload"),
        (Fault(404, "model 'e' not found"), "model"),
        (Raw(b"404 page not found", "text/plain", 404), "unreachable"),
        (Fault(501, "This server does not support embeddings. Start it with `--embeddings`"), "request"),
    ],
)
async def test_vectors_that_are_none_are_told(answer: Answer, kind: str) -> None:
    async with thinking(lambda asked: answer, embedding_model="e") as (brain, _):
        with pytest.raises(BrainError) as caught:
            await brain.embed(["a", "b"])
    assert caught.value.kind == kind


async def test_no_text_needs_no_request() -> None:
    async with thinking(in_order(), embedding_model="e") as (brain, _):
        assert await brain.embed([]) == []
