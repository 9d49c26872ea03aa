"""The anthropic brain, through the real SDK, against a local server that speaks the Messages API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from aikyo.brain import Brain, BrainError, Moment, Picture, Usage, choose_brain, open_brain
from aikyo.brain.prompts.quotes import quote
from tests.support.messages_api import (
    Answer,
    Asked,
    Fault,
    MessagesApi,
    Reply,
    Script,
    calls,
    in_order,
    messages_api,
    speaks,
    state,
    text,
)
from tests.support.minds import BOB, Hands, line, moment

Thinking = Callable[[Script], AbstractAsyncContextManager[tuple[Brain, MessagesApi]]]

PARAMS = {
    "type": "object",
    "required": ["mood"],
    "properties": {"mood": {"type": "integer", "minimum": 1, "description": "how they feel"}},
}


@pytest.fixture
def thinking() -> Thinking:
    @asynccontextmanager
    async def open_with(script: Script) -> AsyncIterator[tuple[Brain, MessagesApi]]:
        async with messages_api(script) as api:
            environ = {"ANTHROPIC_API_KEY": "sk-test", "ANTHROPIC_BASE_URL": api.url}
            choice = choose_brain("auto", environ=environ)
            brain = open_brain(choice, environ=environ, random=Random(1))
            try:
                yield brain, api
            finally:
                await brain.aclose()

    return open_with


async def test_assessing_is_one_structured_call_of_the_small_model(thinking: Thinking) -> None:
    async with thinking(in_order(state(True, 6.5))) as (brain, api):
        found = await brain.assess(moment())
    assert (found.speak, found.importance, found.params) == (True, 6.5, {})
    (asked,) = api.asked
    assert asked.body["model"] == "claude-haiku-5-5"
    assert asked.schema == {
        "type": "object",
        "properties": {
            "speak": {"type": "boolean"},
            "importance": {"type": "number"},
            "circles": {"type": "boolean"},
        },
        "required": ["speak", "importance", "circles"],
        "additionalProperties": False,
    }
    assert "What is in the tide pool?" in asked.prompt
    assert asked.headers["authorization"] == "Bearer sk-test"


async def test_the_system_prompt_is_marked_for_caching_and_the_same_at_every_turn(
    thinking: Thinking,
) -> None:
    async with thinking(in_order(state(), state(), speaks("Hi."))) as (brain, api):
        await brain.assess(moment("one"))
        await brain.assess(moment("two", turn=5))
        await brain.compose(moment("three"), Hands())
    systems = [asked.body["system"] for asked in api.asked]
    assert systems[0] == systems[1] == systems[2]
    assert systems[0][0]["cache_control"] == {"type": "ephemeral"}
    assert "lighthouse" in systems[0][0]["text"]


async def test_the_triggers_parameters_are_filled_in_by_the_same_call(thinking: Thinking) -> None:
    async with thinking(in_order(state(False, 2, params={"mood": 4}))) as (brain, api):
        found = await brain.assess(moment(params=PARAMS))
    assert not found.speak
    assert found.params == {"mood": 4}
    schema = api.asked[0].schema
    assert schema is not None
    assert schema["required"] == ["speak", "importance", "circles", "params"]
    # `minimum` is not among what structured output takes; it goes into the description.
    mood = schema["properties"]["params"]["properties"]["mood"]
    assert set(mood) == {"type", "description"}
    assert "minimum: 1" in mood["description"]


@pytest.mark.parametrize("circles", [True, False])
async def test_whether_the_talk_goes_in_circles_is_told_by_the_same_call(
    thinking: Thinking, circles: bool
) -> None:
    async with thinking(
        in_order(state(circles=circles), state(circles=circles, params={"mood": 4}))
    ) as (
        brain,
        _,
    ):
        assert (await brain.assess(moment())).circles is circles
        assert (await brain.assess(moment("Alice?", addressed=True, params=PARAMS))).circles is circles


async def test_pictures_go_before_the_prompt_each_with_its_number(thinking: Thinking) -> None:
    pictures = tuple(
        line("a picture", id=f"c{n}", kind="perceived", picture=Picture("image/png", f"iVBORw0{n}"))
        for n in range(2)
    )
    async with thinking(in_order(state(), speaks("A crab."))) as (brain, api):
        await brain.assess(moment(perceived=pictures))
        await brain.compose(moment(perceived=pictures), Hands())
    for asked in api.asked:
        assert asked.pictures == [
            {"type": "base64", "media_type": "image/png", "data": f"iVBORw0{n}"} for n in range(2)
        ]
        blocks = asked.body["messages"][0]["content"]
        assert [block["type"] for block in blocks] == ["text", "image", "text", "image", "text"]
        assert (blocks[0]["text"], blocks[2]["text"]) == ("Picture 1:", "Picture 2:")
        assert '"picture":2' in blocks[-1]["text"]


async def test_a_picture_that_the_server_refuses_costs_no_turn_and_is_left_out_from_then_on(
    thinking: Thinking,
) -> None:
    def script(asked: Asked) -> Answer:
        if any(source["data"] == "broken" for source in asked.pictures):
            return Fault(
                400, "invalid_request_error", "messages.0.content.1.image: Could not process image"
            )
        return speaks("A crab.")

    def perceived(*data: str) -> Moment:
        shown = (Picture("image/png", each) for each in data)
        return moment(
            perceived=tuple(line("a picture", id=p.base64, kind="perceived", picture=p) for p in shown)
        )

    hands = Hands()
    async with thinking(script) as (brain, api):
        await brain.compose(perceived("broken"), hands)
        await brain.compose(perceived("broken", "whole"), Hands())
    assert [tool for tool, _ in hands.done] == ["speak"]
    assert [len(asked.pictures) for asked in api.asked] == [1, 0, 1]
    assert "cannot be shown" in api.asked[1].prompt


async def test_a_person_who_turns_to_a_companion_is_answered_without_a_call(thinking: Thinking) -> None:
    alone = moment("Hello", addressed=True)
    assert alone.message is not None
    async with thinking(in_order()) as (brain, api):
        by_name = await brain.assess(moment("Alice, are you there?", addressed=True))
        only_her = await brain.assess(
            moment(
                addressed=True,
                message=type(alone.message)("m", "user_x", "X", "Hi", 0, to=("companion_alice",)),
            )
        )
    assert (by_name.speak, by_name.importance) == (True, 9)
    assert (only_her.speak, only_her.importance) == (True, 10)
    assert api.asked == []
    assert brain.usage == Usage()


async def test_a_person_is_answered_whatever_the_model_fills_in(thinking: Thinking) -> None:
    async with thinking(in_order(state(False, 0, params={"mood": 4}))) as (brain, _):
        found = await brain.assess(moment("Alice?", addressed=True, params=PARAMS))
    assert (found.speak, found.importance, found.params) == (True, 9, {"mood": 4})


async def test_a_companion_that_turns_to_another_is_thought_over(thinking: Thinking) -> None:
    async with thinking(in_order(state(False, 3))) as (brain, api):
        found = await brain.assess(moment("Alice?", sender=BOB, addressed=True))
    assert not found.speak
    assert len(api.asked) == 1


@pytest.mark.parametrize(("given", "kept"), [(99, 10), (-3, 0), (4, 4)])
async def test_importance_stays_within_its_bounds(thinking: Thinking, given: float, kept: float) -> None:
    async with thinking(in_order(state(True, given))) as (brain, _):
        assert (await brain.assess(moment())).importance == kept


async def test_a_turn_is_one_request_when_only_actions_are_called(thinking: Thinking) -> None:
    answer = calls(("speak", {"message": "A crab!", "emotion": "happy"}), ("gesture", {"kind": "point"}))
    hands = Hands()
    async with thinking(in_order(answer)) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [
        ("speak", {"message": "A crab!", "emotion": "happy"}),
        ("gesture", {"kind": "point"}),
    ]
    (asked,) = api.asked
    assert asked.body["model"] == "claude-sonnet-5-5"
    assert [tool["name"] for tool in asked.body["tools"]] == ["speak", "gesture", "recall"]
    assert "temperature" not in asked.body


async def test_what_is_looked_up_goes_back_to_the_model(thinking: Thinking) -> None:
    thought = {"type": "thinking", "thinking": "", "signature": "sealed"}
    preamble = {"type": "text", "text": "Let me think."}
    lookup = calls(("recall", {"query": "crab"})).content
    first = Reply((thought, preamble, *lookup), "tool_use")
    hands = Hands()
    async with thinking(in_order(first, speaks("You showed me one on Tuesday."))) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [
        ("recall", {"query": "crab"}),
        ("speak", {"message": "You showed me one on Tuesday."}),
    ]
    followup = api.asked[1].body["messages"]
    assert followup[:1] == api.asked[0].body["messages"]
    assert followup[1] == {"role": "assistant", "content": [thought, preamble, *lookup]}
    (result,) = api.asked[1].results
    assert (result["tool_use_id"], result["is_error"]) == ("toolu_0", False)
    # It may be what others said once, and is quoted like it.
    assert result["content"] == quote([{"looked_up_with": "recall", "found": "a crab, on Tuesday"}])


async def test_a_wrong_call_is_told_to_the_model_which_does_better(thinking: Thinking) -> None:
    script = in_order(calls(("dance", {})), speaks("too long"), speaks("short"))
    hands = Hands(refuse=("too long",))
    async with thinking(script) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "short"})]
    told = [asked.results[0] for asked in api.asked[1:]]
    assert [result["is_error"] for result in told] == [True, True]
    # It may be in the words of whom the tool asked, and is quoted like them.
    assert [result["content"] for result in told] == [
        quote([{"tool": "dance", "refused": "there is no tool 'dance'"}]),
        quote([{"tool": "speak", "refused": "that is not possible"}]),
    ]


async def test_text_without_a_call_is_spoken(thinking: Thinking) -> None:
    hands = Hands()
    async with thinking(in_order(text("  A crab lives there.\n"))) as (brain, _):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "A crab lives there."})]


async def test_a_companion_speaks_once_a_turn(thinking: Thinking) -> None:
    script = in_order(calls(("speak", {"message": "One."}), ("speak", {"message": "Two."})))
    hands = Hands()
    async with thinking(script) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "One."})]
    assert len(api.asked) == 1


async def test_a_turn_can_be_taken_without_words(thinking: Thinking) -> None:
    hands = Hands()
    async with thinking(in_order(calls(("gesture", {"kind": "nod"})))) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [("gesture", {"kind": "nod"})]
    assert len(api.asked) == 1


async def test_what_an_own_action_gives_goes_back_to_the_model(thinking: Thinking) -> None:
    class Gardener(Hands):
        async def call(self, name: str, params: Mapping[str, Any]) -> str:
            done = await super().call(name, params)
            return "The fern looks better." if name == "gesture" else done

    hands = Gardener()
    script = in_order(calls(("gesture", {"kind": "water"})), speaks("It looks better."))
    async with thinking(script) as (brain, api):
        await brain.compose(moment(), hands)
    assert [name for name, _ in hands.done] == ["gesture", "speak"]
    (result,) = api.asked[1].results
    assert result["content"] == quote([{"looked_up_with": "gesture", "found": "The fern looks better."}])


async def test_looking_things_up_ends_in_words(thinking: Thinking) -> None:
    lookup = calls(("recall", {"query": "more"}))
    hands = Hands()
    async with thinking(in_order(lookup, lookup, lookup, text("I don't know."))) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done[-1] == ("speak", {"message": "I don't know."})
    assert [asked.body.get("tool_choice") for asked in api.asked] == [None, None, None, {"type": "none"}]


async def test_a_server_that_lets_tools_be_called_after_all_is_not_asked_for_ever(
    thinking: Thinking,
) -> None:
    lookup = calls(("recall", {"query": "more"}))
    hands = Hands()
    async with thinking(in_order(lookup, lookup, lookup, speaks("It is a crab."))) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done[-1] == ("speak", {"message": "It is a crab."})
    async with thinking(lambda asked: lookup) as (brain, api):
        with pytest.raises(BrainError, match="empty answer"):
            await brain.compose(moment(), hands)
    assert len(api.asked) == 4


async def test_what_calls_cost_adds_up(thinking: Thinking) -> None:
    tokens = {
        "input_tokens": 50,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 900,
        "output_tokens": 12,
    }
    spoken = Reply(speaks("Hi.").content, "tool_use", tokens)
    async with thinking(in_order(spoken, spoken)) as (brain, _):
        await brain.compose(moment(), Hands())
        await brain.compose(moment(), Hands())
        assert brain.usage == Usage(calls=2, input=114, cached=1800, output=24)


async def test_an_answer_of_no_use_is_counted_too(thinking: Thinking) -> None:
    async with thinking(in_order(text("", stop_reason="refusal"), text("no JSON"))) as (brain, _):
        for calls_made in (1, 2):
            with pytest.raises(BrainError):
                await brain.assess(moment())
            assert brain.usage.calls == calls_made


async def test_a_model_that_knows_no_effort_is_asked_without_it(thinking: Thinking) -> None:
    refusal = Fault(400, "invalid_request_error", "This model does not support the effort parameter.")
    async with thinking(in_order(refusal, state(), state())) as (brain, api):
        await brain.assess(moment())
        await brain.assess(moment())
    assert [asked.body["output_config"].get("effort") for asked in api.asked] == ["low", None, None]
    assert all(asked.schema for asked in api.asked)


async def test_a_tool_may_take_longer_than_the_model(thinking: Thinking, mock_clock: MockClock) -> None:
    async def slowly() -> None:
        mock_clock.jump(60)
        await trio.lowlevel.checkpoint()

    hands = Hands(before=slowly)
    async with thinking(in_order(speaks("Here I am."))) as (brain, _):
        await brain.compose(moment(), hands)
    assert len(hands.done) == 1


async def test_the_models_can_be_chosen() -> None:
    async with messages_api(in_order(state(), speaks("Hi."))) as api:
        environ = {"ANTHROPIC_AUTH_TOKEN": "token", "ANTHROPIC_BASE_URL": api.url}
        choice = choose_brain("anthropic", environ=environ)
        brain = open_brain(choice, environ=environ, random=Random(1), model="big", small_model="small")
        await brain.assess(moment())
        await brain.compose(moment(), Hands())
        await brain.aclose()
    assert brain.label == "anthropic big"
    assert [asked.body["model"] for asked in api.asked] == ["small", "big"]
    assert json.dumps([dict(asked.headers) for asked in api.asked]).count("Bearer token") == 2
