"""What every brain with a model behind it does, whatever API it speaks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import Brain, BrainError, Picture, Usage, choose_brain, open_brain
from aikyo.brain.prompts.quotes import quote
from tests.support import chat_api, messages_api
from tests.support.minds import BOB, Hands, line, moment

KEY = "sk-very-secret"

PARAMS = {
    "type": "object",
    "required": ["mood"],
    "properties": {"mood": {"type": "integer", "description": "how they feel"}},
}

PATIENCE = 0.2
"""Real seconds without traffic after which the virtual clock may jump: over any deadline, and over a
pause before a retry."""


class Provider:
    """A brain, and the server that stands in for its own.

    Attributes:
        api: the module of the stand-in; both have the same names for the same things.
    """

    def __init__(self, name: str) -> None:
        self.api: Any = {"anthropic": messages_api, "openai": chat_api}[name]
        self._name = name

    @asynccontextmanager
    async def thinking(self, script: Callable[[Any], Any]) -> AsyncIterator[tuple[Brain, Any]]:
        serve = getattr(self.api, "messages_api" if self._name == "anthropic" else "chat_api")
        served: AbstractAsyncContextManager[Any] = serve(script)
        async with served as api:
            prefix = self._name.upper()
            environ = {f"{prefix}_API_KEY": KEY, f"{prefix}_BASE_URL": api.url}
            choice = choose_brain(self._name, environ=environ)
            brain = open_brain(
                choice, environ=environ, random=Random(1), model="big", small_model="small"
            )
            try:
                yield brain, api
            finally:
                await brain.aclose()


@pytest.fixture(params=["anthropic", "openai"])
def provider(request: pytest.FixtureRequest) -> Provider:
    return Provider(request.param)


async def test_assessing_is_one_structured_call_of_the_small_model(provider: Provider) -> None:
    async with provider.thinking(provider.api.in_order(provider.api.state(True, 6.5))) as (brain, api):
        found = await brain.assess(moment())
    assert (found.speak, found.importance, found.params) == (True, 6.5, {})
    (asked,) = api.asked
    assert asked.body["model"] == "small"
    assert asked.schema["required"] == ["speak", "importance", "circles"]
    assert "What is in the tide pool?" in asked.prompt
    assert KEY in str(asked.headers)


async def test_parameters_are_filled_in_and_circles_told_by_the_same_call(provider: Provider) -> None:
    answer = provider.api.state(False, 2, circles=True, params={"mood": 4})
    async with provider.thinking(provider.api.in_order(answer)) as (brain, api):
        found = await brain.assess(moment(params=PARAMS))
    assert (found.speak, found.params, found.circles) == (False, {"mood": 4}, True)
    assert api.asked[0].schema["properties"]["params"]["required"] == ["mood"]


@pytest.mark.parametrize(("given", "kept"), [(99, 10), (-3, 0), (4, 4)])
async def test_importance_stays_within_its_bounds(provider: Provider, given: float, kept: float) -> None:
    async with provider.thinking(provider.api.in_order(provider.api.state(True, given))) as (brain, _):
        assert (await brain.assess(moment())).importance == kept


async def test_a_person_who_turns_to_a_companion_is_answered_without_a_call(provider: Provider) -> None:
    async with provider.thinking(provider.api.in_order()) as (brain, api):
        found = await brain.assess(moment("Alice, are you there?", addressed=True))
    assert (found.speak, found.importance) == (True, 9)
    assert api.asked == []
    assert brain.usage == Usage()


async def test_a_companion_that_turns_to_another_is_thought_over(provider: Provider) -> None:
    async with provider.thinking(provider.api.in_order(provider.api.state(False, 3))) as (brain, api):
        found = await brain.assess(moment("Alice?", sender=BOB, addressed=True))
    assert not found.speak
    assert len(api.asked) == 1


async def test_a_turn_is_one_request_when_only_actions_are_called(provider: Provider) -> None:
    answer = provider.api.calls(
        ("speak", {"message": "A crab!", "emotion": "happy"}), ("gesture", {"kind": "point"})
    )
    hands = Hands()
    async with provider.thinking(provider.api.in_order(answer)) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [
        ("speak", {"message": "A crab!", "emotion": "happy"}),
        ("gesture", {"kind": "point"}),
    ]
    (asked,) = api.asked
    assert asked.body["model"] == "big"
    assert len(asked.body["tools"]) == 3


async def test_what_is_looked_up_goes_back_to_the_model_quoted(provider: Provider) -> None:
    script = provider.api.in_order(
        provider.api.calls(("recall", {"query": "crab"})), provider.api.speaks("On Tuesday.")
    )
    hands = Hands()
    async with provider.thinking(script) as (brain, api):
        await brain.compose(moment(), hands)
    assert [name for name, _ in hands.done] == ["recall", "speak"]
    (result,) = api.asked[1].results
    assert result["content"] == quote([{"looked_up_with": "recall", "found": "a crab, on Tuesday"}])


async def test_a_wrong_call_is_told_to_the_model_which_does_better(provider: Provider) -> None:
    script = provider.api.in_order(
        provider.api.calls(("dance", {})),
        provider.api.speaks("too long"),
        provider.api.speaks("short"),
    )
    hands = Hands(refuse=("too long",))
    async with provider.thinking(script) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "short"})]
    told = [asked.results[-1]["content"] for asked in api.asked[1:]]
    assert "there is no tool 'dance'" in told[0]
    assert "that is not possible" in told[1]


async def test_text_without_a_call_is_spoken(provider: Provider) -> None:
    hands = Hands()
    async with provider.thinking(provider.api.in_order(provider.api.text(" A crab.\n"))) as (brain, _):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "A crab."})]


async def test_a_companion_speaks_once_a_turn(provider: Provider) -> None:
    answer = provider.api.calls(("speak", {"message": "One."}), ("speak", {"message": "Two."}))
    hands = Hands()
    async with provider.thinking(provider.api.in_order(answer)) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "One."})]
    assert len(api.asked) == 1


async def test_a_turn_can_be_taken_without_words(provider: Provider) -> None:
    hands = Hands()
    answer = provider.api.calls(("gesture", {"kind": "nod"}))
    async with provider.thinking(provider.api.in_order(answer)) as (brain, _):
        await brain.compose(moment(), hands)
    assert hands.done == [("gesture", {"kind": "nod"})]


async def test_looking_things_up_comes_to_an_end(provider: Provider) -> None:
    lookup = provider.api.calls(("recall", {"query": "more"}))
    hands = Hands()
    async with provider.thinking(lambda asked: lookup) as (brain, api):
        with pytest.raises(BrainError, match="empty answer"):
            await brain.compose(moment(), hands)
    assert len(api.asked) == 4
    assert [bool(asked.body.get("tool_choice")) for asked in api.asked] == [False, False, False, True]


async def test_what_an_own_action_gives_goes_back_to_the_model(provider: Provider) -> None:
    class Gardener(Hands):
        async def call(self, name: str, params: Mapping[str, Any]) -> str:
            done = await super().call(name, params)
            return "The fern looks better." if name == "gesture" else done

    script = provider.api.in_order(
        provider.api.calls(("gesture", {"kind": "water"})), provider.api.speaks("It looks better.")
    )
    async with provider.thinking(script) as (brain, api):
        await brain.compose(moment(), Gardener())
    assert "The fern looks better." in api.asked[1].results[0]["content"]


async def test_pictures_go_with_the_prompt_and_a_refused_one_costs_no_turn(provider: Provider) -> None:
    def script(asked: Any) -> Any:
        if any("broken" in str(picture) for picture in asked.pictures):
            return provider.api.Fault(400, "Could not process image", "Could not process image")
        return provider.api.speaks("A crab.")

    def perceived(*data: str) -> Any:
        shown = [Picture("image/png", each) for each in data]
        return moment(
            perceived=tuple(line("a picture", id=p.base64, kind="perceived", picture=p) for p in shown)
        )

    hands = Hands()
    async with provider.thinking(script) as (brain, api):
        await brain.compose(perceived("broken"), hands)
        await brain.compose(perceived("broken", "whole"), Hands())
    assert [tool for tool, _ in hands.done] == ["speak"]
    assert [len(asked.pictures) for asked in api.asked] == [1, 0, 1]
    assert "cannot be shown" in api.asked[1].prompt


async def test_what_calls_cost_adds_up_also_where_the_answer_is_of_no_use(provider: Provider) -> None:
    script = provider.api.in_order(provider.api.speaks("Hi."), provider.api.text(""))
    async with provider.thinking(script) as (brain, _):
        await brain.compose(moment(), Hands())
        with pytest.raises(BrainError):
            await brain.compose(moment(), Hands())
        assert brain.usage == Usage(calls=2, input=200, output=20)


async def test_a_passing_fault_is_retried_once(provider: Provider, autojump_clock: MockClock) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    fault = provider.api.Fault(429, "scripted", headers={"retry-after": "2"})
    script = provider.api.in_order(fault, provider.api.state(True, 5), fault, fault)
    async with provider.thinking(script) as (brain, api):
        assert (await brain.assess(moment())).importance == 5
        assert trio.current_time() >= 2
        with pytest.raises(BrainError, match="too many requests"):
            await brain.assess(moment())
    assert len(api.asked) == 4


@pytest.mark.parametrize("wait", ["120", "Wed, 21 Oct 2099 07:28:00 GMT", "nan"])
async def test_a_long_retry_after_is_told_rather_than_waited_for(provider: Provider, wait: str) -> None:
    fault = provider.api.Fault(429, "scripted", headers={"retry-after": wait})
    async with provider.thinking(provider.api.in_order(fault)) as (brain, api):
        with pytest.raises(BrainError) as caught:
            await brain.assess(moment())
    assert ("in 120 s" in str(caught.value)) is (wait == "120")
    assert len(api.asked) == 1


@pytest.mark.parametrize(("act", "seconds"), [("assess", 5), ("compose", 45)])
async def test_a_model_that_never_answers_is_given_up(
    provider: Provider, autojump_clock: MockClock, act: str, seconds: float
) -> None:
    autojump_clock.autojump_threshold = PATIENCE
    async with provider.thinking(lambda asked: provider.api.Hang()) as (brain, api):
        start = trio.current_time()
        with pytest.raises(BrainError, match="did not answer in time"):
            await (brain.assess(moment()) if act == "assess" else brain.compose(moment(), Hands()))
        assert trio.current_time() - start <= seconds + 0.01
        await api.until(lambda api: api.hung_up == 1)


async def test_a_key_that_is_refused_is_told_without_showing_it(provider: Provider) -> None:
    fault = provider.api.Fault(401, f"bad key {KEY}", f"bad key {KEY}")
    async with provider.thinking(provider.api.in_order(fault)) as (brain, _):
        with pytest.raises(BrainError, match=r"key was refused; check \w+_API_KEY") as caught:
            await brain.assess(moment())
    assert KEY not in str(caught.value)


async def test_cancelling_closes_the_connection_at_once(provider: Provider) -> None:
    async with provider.thinking(lambda asked: provider.api.Hang()) as (brain, api):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(brain.compose, moment(), Hands())
            await api.until(lambda api: len(api.asked) == 1)
            nursery.cancel_scope.cancel()
            with trio.CancelScope(shield=True), trio.fail_after(10):
                await api.until(lambda api: api.hung_up == 1)


async def test_the_brain_is_usable_after_a_fault(provider: Provider) -> None:
    script = provider.api.in_order(provider.api.Fault(401), provider.api.state(True, 8))
    async with provider.thinking(script) as (brain, _):
        with pytest.raises(BrainError):
            await brain.assess(moment())
        assert (await brain.assess(moment())).importance == 8


async def test_a_tool_may_take_longer_than_the_model(provider: Provider, mock_clock: MockClock) -> None:
    async def slowly() -> None:
        mock_clock.jump(60)
        await trio.lowlevel.checkpoint()

    hands = Hands(before=slowly)
    async with provider.thinking(provider.api.in_order(provider.api.speaks("Here."))) as (brain, _):
        await brain.compose(moment(), hands)
    assert len(hands.done) == 1


async def test_a_model_that_runs_away_is_stopped_in_what_it_does(provider: Provider) -> None:
    waves = provider.api.calls(*[("gesture", {"kind": "wave"})] * 40)
    hands = Hands()
    async with provider.thinking(lambda asked: waves) as (brain, api):
        await brain.compose(moment(), hands)
    assert len(hands.done) == 16
    assert len(api.asked) == 4
