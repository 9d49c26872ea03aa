"""The brain that thinks with any server that speaks Chat Completions: Ollama, llama.cpp, LM Studio, vLLM
and OpenAI's own. A structured call to assess, a tool-using call to compose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import msgspec
import trio

from .base import Assessment, Brain, BrainError, Moment, Toolbox
from .chat_api import ChatApi
from .chat_reply import Reply
from .chat_server import ChatServer
from .deciding import ASSESS_SECONDS, Decision, decision_schema, importance_for_a_person, missing_param
from .prompts import Prompts, assess_prompt, compose_prompt, pictures, system_prompt
from .shown import chat_message
from .turn import COMPOSE_SECONDS, ToolResult, ToolUse, take_turn
from .written import find_object, without_thoughts, written_calls

__all__ = ["OpenAIBrain"]

# Ceilings against a model that runs away. Thinking counts toward them, so they leave room for it.
_ASSESS_TOKENS = 1_024
_COMPOSE_TOKENS = 2_048

_EFFORT = "low"
"""For models that think before they answer; a talk can't wait for it. Left out where it is refused."""

_PACKAGED = Prompts()

_IMPORTANCE = {"type": "integer", "minimum": 0, "maximum": 10}
"""Small models that are held to the form otherwise write digits for seconds."""

_FORM = "Answer with one JSON object and nothing else. Its JSON Schema:\n{schema}"
_AGAIN = "That was not in the form asked for: {problem}. Answer again, with the JSON object alone."
_NO_TOOLS = "You have no tools now: answer with the words that are said aloud, and nothing else."


class OpenAIBrain(Brain):
    """A model behind the Chat Completions API.

    Args:
        server: where it is. Asking one on this network counts as free.
        model: what composes.
        small_model: what assesses; None: `model`.
        random: spreads retries.
        prompts: what it is told.
    """

    def __init__(
        self,
        *,
        server: ChatServer,
        model: str,
        small_model: str | None = None,
        random: Random,
        prompts: Prompts = _PACKAGED,
    ) -> None:
        self.label = f"openai {model}"
        self.paid = not server.is_local
        self._model = model
        self._small_model = small_model or model
        self._api = ChatApi(server, random)
        self._prompts = prompts

    async def assess(self, moment: Moment) -> Assessment:
        """As `Brain.assess`, within 5 seconds. Makes no call when a person turns to this companion
        and the profile wants no parameters filled in. An answer that cannot be read is asked for once
        more; if that is of no use either, a person who expects an answer gets one all the same."""
        importance = importance_for_a_person(moment)
        if importance and not moment.params:
            return Assessment(speak=True, importance=importance)
        try:
            return (await self._decide(moment)).assessment(moment)
        except _UnreadableError:
            if importance:
                return Assessment(speak=True, importance=importance)
            raise

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """As `Brain.compose`, within 45 seconds of thinking (the tools' own time not cut short).
        Tool calls that the model writes as text are made as well."""
        deadline = trio.current_time() + COMPOSE_SECONDS
        names = [spec.name for spec in toolbox.specs]
        prompt = compose_prompt(moment, self._prompts)
        if not self._api.takes_tools(self._model):
            prompt = f"{prompt}\n\n{_NO_TOOLS}"
        messages = [self._system(moment), chat_message(prompt, pictures(moment))]
        request = {
            "model": self._model,
            "max_tokens": _COMPOSE_TOKENS,
            "reasoning_effort": _EFFORT,
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": spec.name,
                        "description": spec.description,
                        "parameters": dict(spec.schema),
                    },
                }
                for spec in toolbox.specs
            ],
        }

        async def ask(results: Sequence[ToolResult], may_call: bool) -> Reply:
            messages.extend(_told(results))
            choice = {} if may_call else {"tool_choice": "none"}
            reply = await self._ask({**request, **choice, "messages": messages}, deadline)
            messages.append(_said(reply))
            return _read(reply, names, moment)

        await take_turn(toolbox, ask, model=self._model)

    async def aclose(self) -> None:
        """Close the connections to the server."""
        await self._api.aclose()

    async def _decide(self, moment: Moment) -> Decision:
        deadline = trio.current_time() + ASSESS_SECONDS
        schema = decision_schema(moment.params)
        schema["properties"]["importance"] = _IMPORTANCE
        form = _FORM.format(schema=msgspec.json.encode(schema).decode())
        prompt = f"{assess_prompt(moment, self._prompts)}\n\n{form}"
        messages = [self._system(moment), chat_message(prompt, pictures(moment, new=True))]
        request = {
            "model": self._small_model,
            "max_tokens": _ASSESS_TOKENS,
            "reasoning_effort": _EFFORT,
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "decision", "schema": schema},
            },
        }
        reply = await self._ask({**request, "messages": messages}, deadline)
        try:
            return _decision(reply.text, moment)
        except _UnreadableError as error:
            again = _AGAIN.format(problem=error)
        messages += [{"role": "assistant", "content": reply.text}, {"role": "user", "content": again}]
        reply = await self._ask({**request, "messages": messages}, deadline)
        try:
            return _decision(reply.text, moment)
        except _UnreadableError as error:
            told = f"{self._small_model} did not answer in the form asked for ({error})"
            raise _UnreadableError(told) from None

    def _system(self, moment: Moment) -> dict[str, Any]:
        """The same from turn to turn, so that a server that keeps what it has read need not read it
        again."""
        return {"role": "system", "content": system_prompt(moment.me, self._prompts)}

    async def _ask(self, request: Mapping[str, Any], deadline: float) -> Reply:
        reply = await self._api.ask(request, deadline=deadline)
        self.usage += reply.usage  # what is of no use is paid for all the same
        reply.check(request["model"])
        return reply


class _UnreadableError(BrainError):
    """An answer that is not in the form asked for."""


def _decision(text: str, moment: Moment) -> Decision:
    found = find_object(without_thoughts(text))
    if found is None:
        raise _UnreadableError("there is no JSON object in it")
    try:
        # Not strict: "true" and "7" are as good as true and 7
        decision = msgspec.convert(found, Decision, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise _UnreadableError(str(error)) from None
    missing = missing_param(moment, decision)
    if missing:
        raise _UnreadableError(f"it left out the parameter {missing}")
    return decision


def _read(reply: Reply, names: Sequence[str], moment: Moment) -> Reply:
    """The answer with the calls in it that were only written."""
    if reply.calls:
        return reply
    written, rest = written_calls(reply.text, names)
    calls = tuple(ToolUse("", name, params) for name, params in written)
    return replace(reply, text=rest.removeprefix(f"{moment.me.name}:").strip(), calls=calls)


def _said(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    if reply.calls:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {
                    # As servers take it, whatever the model called
                    "name": re.sub(r"[^a-zA-Z0-9_-]", "_", call.name)[:64],
                    "arguments": msgspec.json.encode(call.params).decode(),
                },
            }
            for call in reply.calls
        ]
    return message


def _told(results: Sequence[ToolResult]) -> list[dict[str, Any]]:
    """What came of calls: by their ids, or in words where they were only written."""
    if all(result.call.id for result in results):
        return [
            {"role": "tool", "tool_call_id": result.call.id, "content": result.content}
            for result in results
        ]
    told = "\n\n".join(f"{result.call.name}: {result.content}" for result in results)
    return [{"role": "user", "content": told}]
