"""The brain that thinks with Claude: one structured call to assess, one tool-using call to compose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import trio
from msgspec import Struct

from ..wire import is_companion
from .base import Assessment, Brain, BrainError, Moment, Toolbox, ToolError
from .messages import MessagesApi, Reply, ToolUse
from .prompts import assess_prompt, compose_prompt, looked_up, pictures, system_prompt
from .shown import first_message

__all__ = ["MODEL", "SMALL_MODEL", "AnthropicBrain"]

MODEL = "claude-sonnet-5-5"
"""What composes, unless told otherwise."""

SMALL_MODEL = "claude-haiku-5-5"
"""What assesses, unless told otherwise."""

_ASSESS_SECONDS = 5.0
_COMPOSE_SECONDS = 45.0

# Ceilings against a model that runs away. Thinking counts toward them, so they leave room for it.
_ASSESS_TOKENS = 2_048
_COMPOSE_TOKENS = 4_096

_EFFORT = "low"
"""These models think before they answer, at length unless told not to; a talk can't wait for that."""

_ROUNDS = 4
"""Requests in one turn. The last one lets no tool be called, so that it ends in words."""


_NO_NEWS = frozenset({"done", "said"})
"""What an action gives that gives nothing; more is for the model to hear."""


class AnthropicBrain(Brain):
    """Claude through the Messages API.

    Args:
        api_key: the key, or None when `auth_token` is given.
        auth_token: a bearer token in its place.
        base_url: another server that speaks the same API; None is Anthropic's own.
        model: what composes.
        small_model: what assesses.
    """

    paid = True

    def __init__(
        self,
        *,
        api_key: str | None,
        auth_token: str | None = None,
        base_url: str | None = None,
        model: str = MODEL,
        small_model: str = SMALL_MODEL,
    ) -> None:
        self.label = f"anthropic {model}"
        self._model = model
        self._small_model = small_model
        self._api = MessagesApi(api_key=api_key, auth_token=auth_token, base_url=base_url)

    async def assess(self, moment: Moment) -> Assessment:
        """As `Brain.assess`, within 10 seconds. Makes no call when a person turns to this companion
        and the profile wants no parameters filled in."""
        importance = _importance_for_a_person(moment)
        if importance and not moment.params:
            return Assessment(speak=True, importance=importance)
        answer = await self._decide(moment)
        params = answer.params if moment.params else {}
        if importance:
            return Assessment(True, importance, params, answer.circles)
        importance = min(max(answer.importance, 0.0), 10.0)
        return Assessment(answer.speak, importance, params, answer.circles)

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """As `Brain.compose`, within 45 seconds of thinking (the tools' own time not cut short).
        One request as a rule; more only when something is looked up, an action has something to
        tell, or a tool was called wrongly."""
        deadline = trio.current_time() + _COMPOSE_SECONDS
        specs = toolbox.specs
        turn = _Turn(toolbox, {spec.name: spec.kind for spec in specs})
        messages: list[dict[str, Any]] = [first_message(compose_prompt(moment), pictures(moment))]
        request = {
            "model": self._model,
            "max_tokens": _COMPOSE_TOKENS,
            "output_config": {"effort": _EFFORT},
            "system": _system(moment),
            "tools": [
                {"name": spec.name, "description": spec.description, "input_schema": dict(spec.schema)}
                for spec in specs
            ],
        }
        for rounds_left in reversed(range(_ROUNDS)):
            choice = {} if rounds_left else {"tool_choice": {"type": "none"}}
            reply = await self._ask({**request, **choice, "messages": messages}, deadline)
            results = await turn.act(reply.calls)
            if not (turn.waiting and rounds_left):
                await turn.finish(reply.text, self._model)
                return
            messages += [
                {"role": "assistant", "content": reply.blocks},
                {"role": "user", "content": results},
            ]

    async def aclose(self) -> None:
        """Close the connections to the server."""
        await self._api.aclose()

    async def _decide(self, moment: Moment) -> _Answer:
        request = {
            "model": self._small_model,
            "max_tokens": _ASSESS_TOKENS,
            "output_config": {
                "effort": _EFFORT,
                "format": {"type": "json_schema", "schema": _answer_schema(moment.params)},
            },
            "system": _system(moment),
            "messages": [first_message(assess_prompt(moment), pictures(moment, new=True))],
        }
        reply = await self._ask(request, trio.current_time() + _ASSESS_SECONDS)
        try:
            answer = msgspec.json.decode(reply.text, type=_Answer)
        except msgspec.DecodeError as error:
            raise BrainError(
                f"{self._small_model} did not answer in the form asked for ({error})"
            ) from None
        missing = [
            name for name in (moment.params or {}).get("required", ()) if name not in answer.params
        ]
        if missing:
            raise BrainError(f"{self._small_model} left out the parameter {missing[0]}")
        return answer

    async def _ask(self, request: Mapping[str, Any], deadline: float) -> Reply:
        reply = await self._api.ask(request, deadline=deadline)
        self.usage += reply.usage  # what is of no use is paid for all the same
        reply.check(request["model"])
        return reply


class _Answer(Struct, frozen=True):
    speak: bool
    importance: float
    circles: bool = False
    params: dict[str, Any] = {}


@dataclass(slots=True)
class _Turn:
    """What was done of a turn. `waiting` says whether the model is owed the results of its calls."""

    toolbox: Toolbox
    kinds: Mapping[str, str]
    acted: bool = False
    spoken: bool = False
    waiting: bool = False

    async def act(self, calls: Sequence[ToolUse]) -> list[dict[str, Any]]:
        """Call the tools one after the other; returns the blocks that answer for them."""
        self.waiting = False
        results = []
        for call in calls:
            try:
                content, failed = await self._call(call), False
            except ToolError as error:
                content, failed = str(error), True
            if not failed and (self.kinds.get(call.name) == "knowledge" or content not in _NO_NEWS):
                content = looked_up(call.name, content)
                self.waiting = True
            self.waiting |= failed
            results.append(
                {"type": "tool_result", "tool_use_id": call.id, "content": content, "is_error": failed}
            )
        self.waiting &= not self.spoken
        return results

    async def finish(self, text: str, model: str) -> None:
        """Say what the model wrote instead of calling `speak`, if it did."""
        if self.spoken:
            return
        if not text:
            if self.acted:
                return  # a turn can be taken without words
            raise BrainError(f"{model} gave an empty answer")
        try:
            await self._call(ToolUse("", "speak", {"message": text}))
        except ToolError as error:
            raise BrainError(f"{model} wrote what cannot be said ({error})") from None

    async def _call(self, call: ToolUse) -> str:
        if call.name == "speak" and self.spoken:
            raise ToolError("You have spoken already; one `speak` a turn.")
        result = await self.toolbox.call(call.name, call.params)
        self.acted |= self.kinds.get(call.name) == "action"
        self.spoken |= call.name == "speak"
        return result


def _importance_for_a_person(moment: Moment) -> float:
    """How much the answer matters that a person expects of this companion; 0 if none does."""
    message = moment.message
    if message is None or not moment.addressed:
        return 0
    sender = next((each for each in moment.present if each.id == message.sender), None)
    person = sender.kind == "person" if sender else not is_companion(message.sender)
    if not person:
        return 0
    return 10 if message.to == (moment.me.id,) else 9


def _system(moment: Moment) -> list[dict[str, Any]]:
    """The part that stays the same from turn to turn; the mark lets it, and the tools, be cached."""
    text = system_prompt(moment.me)
    return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]


def _answer_schema(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The form of an answer, in the part of JSON Schema that structured output takes."""
    from anthropic import transform_schema

    properties: dict[str, Any] = {
        "speak": {"type": "boolean"},
        "importance": {"type": "number"},
        "circles": {"type": "boolean"},
    }
    if params:
        try:
            properties["params"] = transform_schema(dict(params))
        except (AssertionError, AttributeError, TypeError, ValueError) as error:
            raise BrainError(
                f"[events.params] of the profile can't be asked of Claude: {error}"
            ) from None
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
