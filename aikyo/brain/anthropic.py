"""The brain that thinks with Claude: one structured call to assess, one tool-using call to compose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import trio

from .base import Assessment, Brain, BrainError, Moment, Toolbox
from .deciding import ASSESS_SECONDS, Decision, decision_schema, importance_for_a_person, missing_param
from .messages import MessagesApi, Reply
from .prompts import Prompts, assess_prompt, compose_prompt, pictures, system_prompt
from .shown import first_message
from .turn import COMPOSE_SECONDS, ToolResult, take_turn

__all__ = ["MODEL", "SMALL_MODEL", "AnthropicBrain"]

MODEL = "claude-sonnet-5-5"
"""What composes, unless told otherwise."""

SMALL_MODEL = "claude-haiku-5-5"
"""What assesses, unless told otherwise."""

# Ceilings against a model that runs away. Thinking counts toward them, so they leave room for it.
_ASSESS_TOKENS = 2_048
_COMPOSE_TOKENS = 4_096

_EFFORT = "low"
"""These models think before they answer, at length unless told not to; a talk can't wait for that."""


class AnthropicBrain(Brain):
    """Claude through the Messages API.

    Args:
        api_key: the key, or None when `auth_token` is given.
        auth_token: a bearer token in its place.
        base_url: another server that speaks the same API; None is Anthropic's own.
        model: what composes.
        small_model: what assesses.
        prompts: what they are told; None: as it comes with the program.
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
        prompts: Prompts | None = None,
    ) -> None:
        self.label = f"anthropic {model}"
        self._model = model
        self._small_model = small_model
        self._prompts = prompts or Prompts()
        self._api = MessagesApi(api_key=api_key, auth_token=auth_token, base_url=base_url)

    async def assess(self, moment: Moment) -> Assessment:
        """As `Brain.assess`, within 5 seconds. Makes no call when a person turns to this companion
        and the profile wants no parameters filled in."""
        importance = importance_for_a_person(moment)
        if importance and not moment.params:
            return Assessment(speak=True, importance=importance)
        return (await self._decide(moment)).assessment(moment)

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """As `Brain.compose`, within 45 seconds of thinking (the tools' own time not cut short).
        One request as a rule; more only when something is looked up, an action has something to
        tell, or a tool was called wrongly."""
        deadline = trio.current_time() + COMPOSE_SECONDS
        prompt = compose_prompt(moment, self._prompts)
        messages: list[dict[str, Any]] = [first_message(prompt, pictures(moment))]
        request = {
            "model": self._model,
            "max_tokens": _COMPOSE_TOKENS,
            "output_config": {"effort": _EFFORT},
            "system": self._system(moment),
            "tools": [
                {"name": spec.name, "description": spec.description, "input_schema": dict(spec.schema)}
                for spec in toolbox.specs
            ],
        }

        async def ask(results: Sequence[ToolResult], may_call: bool) -> Reply:
            if results:
                messages.append({"role": "user", "content": [_told(each) for each in results]})
            choice = {} if may_call else {"tool_choice": {"type": "none"}}
            reply = await self._ask({**request, **choice, "messages": messages}, deadline)
            messages.append({"role": "assistant", "content": reply.blocks})
            return reply

        await take_turn(toolbox, ask, model=self._model)

    async def aclose(self) -> None:
        """Close the connections to the server."""
        await self._api.aclose()

    async def _decide(self, moment: Moment) -> Decision:
        request = {
            "model": self._small_model,
            "max_tokens": _ASSESS_TOKENS,
            "output_config": {
                "effort": _EFFORT,
                "format": {"type": "json_schema", "schema": _answer_schema(moment.params)},
            },
            "system": self._system(moment),
            "messages": [
                first_message(assess_prompt(moment, self._prompts), pictures(moment, new=True))
            ],
        }
        reply = await self._ask(request, trio.current_time() + ASSESS_SECONDS)
        try:
            answer = msgspec.json.decode(reply.text, type=Decision)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BrainError(
                f"{self._small_model} did not answer in the form asked for ({error})"
            ) from None
        missing = missing_param(moment, answer)
        if missing:
            raise BrainError(f"{self._small_model} left out the parameter {missing}")
        return answer

    def _system(self, moment: Moment) -> list[dict[str, Any]]:
        """The part that stays the same from turn to turn; the mark lets it, and the tools, be cached."""
        text = system_prompt(moment.me, self._prompts)
        return [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]

    async def _ask(self, request: Mapping[str, Any], deadline: float) -> Reply:
        reply = await self._api.ask(request, deadline=deadline)
        self.usage += reply.usage  # what is of no use is paid for all the same
        reply.check(request["model"])
        return reply


def _told(result: ToolResult) -> dict[str, Any]:
    return {
        "type": "tool_result",
        "tool_use_id": result.call.id,
        "content": result.content,
        "is_error": result.failed,
    }


def _answer_schema(params: Mapping[str, Any] | None) -> dict[str, Any]:
    """The form of an answer, in the part of JSON Schema that structured output takes."""
    from anthropic import transform_schema

    try:
        return decision_schema(transform_schema(dict(params)) if params else None)
    except (AssertionError, AttributeError, TypeError, ValueError) as error:
        raise BrainError(f"[events.params] of the profile can't be asked of Claude: {error}") from None
