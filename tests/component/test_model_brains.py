"""What every brain with a model behind it does, whatever API it speaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import BrainError, Picture
from aikyo.brain.prompts.quotes import quote
from tests.support.minds import BOB, Hands, line, moment
from tests.support.providers import KEY, Provider, every_provider

PARAMS = {
    "type": "object",
    "required": ["mood"],
    "properties": {"mood": {"type": "integer", "description": "how they feel"}},
}


@every_provider
async def test_assessing_is_one_structured_call_of_the_small_model(provider: Provider) -> None:
    async with provider.thinking(provider.api.in_order(provider.api.state(True, 6.5))) as (brain, api):
        found = await brain.assess(moment())
    assert (found.speak, found.importance, found.params) == (True, 6.5, {})
    (asked,) = api.asked
    assert asked.body["model"] == "small"
    assert asked.schema["required"] == ["speak", "importance", "circles"]
    assert "What is in the tide pool?" in asked.prompt
    assert KEY in str(asked.headers)


@every_provider
async def test_parameters_are_filled_in_and_circles_told_by_the_same_call(provider: Provider) -> None:
    answer = provider.api.state(False, 2, circles=True, params={"mood": 4})
    async with provider.thinking(provider.api.in_order(answer)) as (brain, api):
        found = await brain.assess(moment(params=PARAMS))
    assert (found.speak, found.params, found.circles) == (False, {"mood": 4}, True)
    assert api.asked[0].schema["properties"]["params"]["required"] == ["mood"]


@every_provider
@pytest.mark.parametrize(("given", "kept"), [(99, 10), (-3, 0), (4, 4)])
async def test_importance_stays_within_its_bounds(provider: Provider, given: float, kept: float) -> None:
    async with provider.thinking(provider.api.in_order(provider.api.state(True, given))) as (brain, _):
        assert (await brain.assess(moment())).importance == kept


@every_provider
async def test_a_companion_that_turns_to_another_is_thought_over(provider: Provider) -> None:
    async with provider.thinking(provider.api.in_order(provider.api.state(False, 3))) as (brain, api):
        found = await brain.assess(moment("Alice?", sender=BOB, addressed=True))
    assert not found.speak
    assert len(api.asked) == 1


@every_provider
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


@every_provider
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


@every_provider
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


@every_provider
async def test_text_without_a_call_is_spoken(provider: Provider) -> None:
    hands = Hands()
    async with provider.thinking(provider.api.in_order(provider.api.text(" A crab.\n"))) as (brain, _):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "A crab."})]


@every_provider
async def test_a_companion_speaks_once_a_turn(provider: Provider) -> None:
    answer = provider.api.calls(("speak", {"message": "One."}), ("speak", {"message": "Two."}))
    hands = Hands()
    async with provider.thinking(provider.api.in_order(answer)) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "One."})]
    assert len(api.asked) == 1


@every_provider
async def test_a_turn_can_be_taken_without_words(provider: Provider) -> None:
    hands = Hands()
    answer = provider.api.calls(("gesture", {"kind": "nod"}))
    async with provider.thinking(provider.api.in_order(answer)) as (brain, _):
        await brain.compose(moment(), hands)
    assert hands.done == [("gesture", {"kind": "nod"})]


@every_provider
async def test_looking_things_up_comes_to_an_end(provider: Provider) -> None:
    lookup = provider.api.calls(("recall", {"query": "more"}))
    hands = Hands()
    async with provider.thinking(lambda asked: lookup) as (brain, api):
        with pytest.raises(BrainError, match="empty answer"):
            await brain.compose(moment(), hands)
    assert len(api.asked) == 4
    assert [bool(asked.body.get("tool_choice")) for asked in api.asked] == [False, False, False, True]


@every_provider
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


@every_provider
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


@every_provider
async def test_what_calls_cost_adds_up_also_where_the_answer_is_of_no_use(provider: Provider) -> None:
    script = provider.api.in_order(provider.api.speaks("Hi."), provider.api.text(""))
    async with provider.thinking(script) as (brain, _):
        await brain.compose(moment(), Hands())
        with pytest.raises(BrainError):
            await brain.compose(moment(), Hands())
        assert brain.usage.calls == 2
        assert brain.usage.input + brain.usage.stored > 200
        assert brain.usage.output > 2


@every_provider
async def test_the_brain_is_usable_after_a_fault(provider: Provider) -> None:
    script = provider.api.in_order(provider.api.Fault(400), provider.api.state(True, 8))
    async with provider.thinking(script) as (brain, _):
        with pytest.raises(BrainError):
            await brain.assess(moment())
        assert (await brain.assess(moment())).importance == 8


@every_provider
async def test_a_tool_may_take_longer_than_the_model(provider: Provider, mock_clock: MockClock) -> None:
    async def slowly() -> None:
        mock_clock.jump(60)
        await trio.lowlevel.checkpoint()

    hands = Hands(before=slowly)
    async with provider.thinking(provider.api.in_order(provider.api.speaks("Here."))) as (brain, _):
        await brain.compose(moment(), hands)
    assert len(hands.done) == 1


@every_provider
async def test_a_model_that_runs_away_is_stopped_in_what_it_does(provider: Provider) -> None:
    waves = provider.api.calls(*[("gesture", {"kind": "wave"})] * 40)
    hands = Hands()
    async with provider.thinking(lambda asked: waves) as (brain, api):
        await brain.compose(moment(), hands)
    assert len(hands.done) == 16
    assert len(api.asked) == 4
