"""The anthropic brain, through the real SDK, against a local server that speaks the Messages API.

What it has in common with others is in `test_model_brains.py`.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
import trio

from aikyo.brain import Brain, BrainError, Briefing, Past, Picture, Usage, choose_brain, open_brain
from aikyo.brain.anthropic.brain import AnthropicBrain
from aikyo.brain.calling.switch import ONLY_LOCAL
from aikyo.errors import UsageError
from tests.support.messages_api import (
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
from tests.support.minds import ALICE, BOB, NOW, Hands, line, moment

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
    assert asked.body["stream"] is True
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


async def test_the_triggers_parameters_are_asked_for_in_what_structured_output_takes(
    thinking: Thinking,
) -> None:
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


async def test_a_person_is_answered_whatever_the_model_makes_of_it(thinking: Thinking) -> None:
    asked_by_person = moment("Alice?", addressed=True, params=PARAMS)
    async with thinking(in_order(state(False, 0, params={"mood": 4}))) as (brain, _):
        found = await brain.assess(asked_by_person)
        assert (found.speak, found.importance, found.params) == (True, 9, {"mood": 4})


async def test_what_stays_the_same_stands_first_and_is_marked(thinking: Thinking) -> None:
    lines = tuple(line(f"Line {n}. {'Word ' * 40}", BOB, id=f"m{n}") for n in range(12))
    briefing = Briefing(mood="cheerful", summary="You told Mika of crabs.")
    async with thinking(in_order(state(), speaks("Hi."))) as (brain, api):
        at = moment(recent=lines, briefing=briefing)
        await brain.assess(at)
        await brain.compose(at, Hands())
    for asked in api.asked:
        system, content = asked.body["system"], asked.body["messages"][0]["content"]
        assert ["lighthouse" in system[0]["text"], "crabs" in system[1]["text"]] == [True, True]
        marked = [block for block in [*system, *content] if "cache_control" in block]
        assert len(marked) == 3
        assert marked[:2] == system
        assert "Line 0" in content[0]["text"]
        assert "Line 11" in asked.prompt
        assert "What is in the tide pool?" in content[-1]["text"]
    assert api.asked[0].body["system"] == api.asked[1].body["system"]


async def test_of_a_talk_that_grows_only_what_is_new_is_read_in_full(thinking: Thinking) -> None:
    """The whole beginning of each request, to the last mark, is byte for byte in the next one."""
    briefing = Briefing(roster=(BOB,), summary="You told Mika of crabs. " * 150)
    everything = [
        line(f"{n}: {'a word or two ' * 9}", BOB if n % 2 else moment().present[0], id=f"m{n}")
        for n in range(60)
    ]
    hands = Hands()
    async with thinking(lambda asked: speaks("Hi.")) as (brain, api):
        spent = [brain.usage]
        for end in range(10, 60, 7):
            said = everything[: end + 1]
            at = moment(message=said[-1], recent=tuple(said), briefing=briefing, turn=end)
            await brain.compose(at, hands)
            spent.append(brain.usage)
    before, seen = "", 0
    for asked in api.asked:
        prefix = to_last_mark(asked)
        assert prefix.startswith(before)
        before, seen = prefix, seen + (prefix != before)
    assert seen > 3  # the talk's mark moved on
    each = [between(earlier, later) for earlier, later in pairwise(spent)]
    assert (each[0].cached, each[0].stored > 1_000) == (0, True)
    for earlier, later in pairwise(each):
        assert later.cached == earlier.cached + earlier.stored
        assert later.input + later.stored < 1_300


def to_last_mark(asked: Asked) -> str:
    """The beginning of a request that the server may keep, as it reads it."""
    blocks = [*asked.body["tools"], *asked.body["system"], *asked.body["messages"][0]["content"]]
    last = max(number for number, block in enumerate(blocks) if "cache_control" in block)
    plain = ({k: v for k, v in block.items() if k != "cache_control"} for block in blocks[: last + 1])
    return "\n".join(json.dumps(block) for block in plain)


def between(earlier: Usage, later: Usage) -> Usage:
    return Usage(
        calls=later.calls - earlier.calls,
        input=later.input - earlier.input,
        cached=later.cached - earlier.cached,
        output=later.output - earlier.output,
        stored=later.stored - earlier.stored,
    )


async def test_pictures_go_before_the_task_each_with_its_number(thinking: Thinking) -> None:
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


async def test_a_turn_is_asked_of_the_large_model_with_the_tools(thinking: Thinking) -> None:
    async with thinking(in_order(speaks("A crab!"))) as (brain, api):
        await brain.compose(moment(), Hands())
    (asked,) = api.asked
    assert asked.body["model"] == "claude-sonnet-5-5"
    assert [tool["name"] for tool in asked.body["tools"]] == ["speak", "gesture", "recall"]
    assert [tool.get("eager_input_streaming") for tool in asked.body["tools"]] == [True, None, None]
    assert "temperature" not in asked.body


async def test_thoughts_go_back_to_the_model_as_they_came(thinking: Thinking) -> None:
    thought = {"type": "thinking", "thinking": "A crab, or two?", "signature": "EqQBsealed"}
    redacted = {"type": "redacted_thinking", "data": "EmwKsealed"}
    preamble = {"type": "text", "text": "Let me think."}
    lookup = calls(("recall", {"query": "crab"})).content
    first = Reply((thought, redacted, preamble, *lookup), "tool_use")
    hands = Hands()
    async with thinking(in_order(first, speaks("You showed me one on Tuesday."))) as (brain, api):
        await brain.compose(moment(), hands)
    assert [name for name, _ in hands.done] == ["recall", "speak"]
    followup = api.asked[1].body["messages"]
    assert followup[:1] == api.asked[0].body["messages"]
    assert followup[1] == {"role": "assistant", "content": [thought, redacted, preamble, *lookup]}
    (result,) = api.asked[1].results
    assert (result["tool_use_id"], result["is_error"]) == ("toolu_0", False)


async def test_an_input_that_is_no_json_is_told_to_the_model_which_does_better(
    thinking: Thinking,
) -> None:
    script = in_order(calls(("speak", '{"message": "Hal')), speaks("Hello."))
    hands = Hands()
    async with thinking(script) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done == [("speak", {"message": "Hello."})]
    (result,) = api.asked[1].results
    assert result["is_error"]
    assert "no JSON object" in result["content"]


async def test_looking_things_up_ends_in_words(thinking: Thinking) -> None:
    lookup = calls(("recall", {"query": "more"}))
    hands = Hands()
    async with thinking(in_order(lookup, lookup, lookup, text("I don't know."))) as (brain, api):
        await brain.compose(moment(), hands)
    assert hands.done[-1] == ("speak", {"message": "I don't know."})
    assert [asked.body.get("tool_choice") for asked in api.asked] == [None, None, None, {"type": "none"}]
    assert hands.drafts[-1] == "I don't know."


async def test_what_is_said_is_shown_before_it_is_whole(thinking: Thinking) -> None:
    hands = Hands()
    seen = list[list[str]]()

    async def gate(number: int) -> None:
        await trio.testing.wait_all_tasks_blocked(0.01)
        seen.append(list(hands.drafts))

    words = "A crab lives there, under the flat stone."
    async with thinking(in_order(replace(speaks(words), gate=gate))) as (brain, _):
        await brain.compose(moment(), hands)
    assert all(words.startswith(draft) for draft in hands.drafts)
    assert 3 < len(hands.drafts) == len(set(hands.drafts))
    assert hands.drafts[-1] == words
    assert [] < seen[-8] < seen[-1]  # some of it was there while the rest was not even sent


async def test_text_beside_a_call_is_not_shown(thinking: Thinking) -> None:
    answer = Reply((*text("Let me greet them.").content, *speaks("Hello!").content), "tool_use")
    hands = Hands()
    async with thinking(in_order(answer)) as (brain, _):
        await brain.compose(moment(), hands)
    assert hands.drafts
    assert all("Hello!".startswith(draft) for draft in hands.drafts)


async def test_what_calls_cost_adds_up(thinking: Thinking) -> None:
    tokens = {
        "input_tokens": 50,
        "cache_creation_input_tokens": 7,
        "cache_read_input_tokens": 900,
        "output_tokens": 12,
    }
    spoken = replace(speaks("Hi."), usage=tokens)
    async with thinking(in_order(spoken, spoken)) as (brain, _):
        await brain.compose(moment(), Hands())
        await brain.compose(moment(), Hands())
        assert brain.usage == Usage(calls=2, input=100, stored=14, cached=1800, output=24)


@pytest.mark.parametrize(
    ("told", "part"),
    [
        ("This model does not support the effort parameter.", "effort"),
        (
            "tools.0.custom.eager_input_streaming: Extra inputs are not permitted",
            "eager_input_streaming",
        ),
    ],
)
async def test_what_a_server_does_not_take_is_left_out_from_then_on(
    thinking: Thinking, told: str, part: str
) -> None:
    refusal = Fault(400, "invalid_request_error", told)
    hands = Hands()
    async with thinking(in_order(refusal, speaks("Hi."), speaks("Hello."))) as (brain, api):
        await brain.compose(moment(), hands)
        await brain.compose(moment(), hands)
    assert len(hands.done) == 2
    assert [part in json.dumps(asked.body) for asked in api.asked] == [True, False, False]


async def test_where_effort_was_all_that_was_said_nothing_is(thinking: Thinking) -> None:
    refusal = Fault(400, "invalid_request_error", "This model does not support the effort parameter.")
    async with thinking(in_order(refusal, speaks("Hi."))) as (brain, api):
        await brain.compose(moment(), Hands())
    assert "output_config" not in api.asked[1].body


async def test_a_form_stays_where_effort_is_left_out(thinking: Thinking) -> None:
    refusal = Fault(400, "invalid_request_error", "This model does not support the effort parameter.")
    async with thinking(in_order(refusal, state())) as (brain, api):
        await brain.assess(moment())
    assert api.asked[1].schema


async def test_a_summary_is_asked_of_the_small_model(thinking: Thinking) -> None:
    past = Past(NOW, ALICE, "You know Mika.", (line("I found a crab."), line("Show me!", BOB)), 150)
    async with thinking(in_order(text("You met Mika.\n\nMika found\n a crab.\n"))) as (brain, api):
        assert await brain.summarize(past) == "You met Mika.\nMika found\na crab."
        assert brain.usage.calls == 1
    (asked,) = api.asked
    assert asked.body["model"] == "claude-haiku-5-5"
    assert all(words in asked.prompt for words in ("You know Mika.", "I found a crab.", "Show me!"))
    assert asked.body["max_tokens"] < 2_000
    assert "tools" not in asked.body


async def test_a_summary_that_was_cut_off_is_of_use_and_an_empty_one_is_not(thinking: Thinking) -> None:
    past = Past(NOW, ALICE, "", (line("I found a crab."),))
    script = in_order(
        text("You met Mi", stop_reason="max_tokens"), text(" "), text("", stop_reason="refusal")
    )
    async with thinking(script) as (brain, _):
        assert await brain.summarize(past) == "You met Mi"
        for kind in ("malformed", "declined"):
            with pytest.raises(BrainError) as caught:
                await brain.summarize(past)
            assert caught.value.kind == kind


async def test_waking_asks_each_model_for_a_token(thinking: Thinking) -> None:
    async with thinking(lambda asked: text("Hi", stop_reason="max_tokens")) as (brain, api):
        await brain.wake()
    assert [(asked.body["model"], asked.body["max_tokens"]) for asked in api.asked] == [
        ("claude-sonnet-5-5", 1),
        ("claude-haiku-5-5", 1),
    ]


async def test_waking_tells_of_a_model_that_is_not_there(thinking: Thinking) -> None:
    def script(asked: Asked) -> Reply | Fault:
        if asked.body["model"] == "claude-haiku-5-5":
            return Fault(404, "not_found_error", "model: claude-haiku-5-5")
        return text("Hi")

    async with thinking(script) as (brain, _):
        with pytest.raises(BrainError, match="no model 'claude-haiku-5-5'") as caught:
            await brain.wake()
    assert caught.value.kind == "model"


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


async def test_a_server_of_ones_own_costs_nothing_and_another_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at_home = AnthropicBrain(api_key="k", base_url="http://127.0.0.1:9")
    with pytest.raises(UsageError, match=ONLY_LOCAL):
        AnthropicBrain(api_key="k")
    monkeypatch.delenv(ONLY_LOCAL)
    elsewhere = AnthropicBrain(api_key="k")
    assert (at_home.paid, elsewhere.paid) == (False, True)
    await at_home.aclose()
    await elsewhere.aclose()
