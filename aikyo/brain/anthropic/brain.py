"""The brain that thinks with Claude: a small model assesses, sums up and learns, a large one takes the
turns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import trio

from ..base import Assessment, Brain, BrainError, Toolbox
from ..calling import Answered, Caller, Purpose
from ..models.asking import Ask
from ..models.deciding import ASSESS_SECONDS, decide, decision_schema
from ..models.findings import Duty
from ..models.learning import LEARN_SECONDS, find, findings_schema, findings_tokens
from ..models.shown import first_message
from ..models.speaking import Speaking
from ..models.summing import SUMMARIZE_SECONDS, summary_of, summary_tokens
from ..models.turn import COMPOSE_SECONDS, ToolResult, take_turn
from ..moment import Moment, Past, Picture
from ..prompts import (
    Prompt,
    Prompts,
    pictures,
    to_assess,
    to_compose,
    to_learn,
    to_reflect,
    to_summarize,
)
from ..study import Finding, Study
from .api import MessagesApi
from .reply import Pieces, Reply

__all__ = ["MODEL", "SMALL_MODEL", "AnthropicBrain"]

MODEL = "claude-sonnet-5-5"
"""What composes, unless told otherwise."""

SMALL_MODEL = "claude-haiku-5-5"
"""What assesses, sums up and learns, unless told otherwise."""

# Ceilings against a model that runs away. Thinking counts toward them, so they leave room for it.
_ASSESS_TOKENS = 2_048
_COMPOSE_TOKENS = 4_096

_EFFORT = "low"
"""These models think before they answer, at length unless told not to; a talk can't wait for that."""

_CACHED = {"cache_control": {"type": "ephemeral"}}
"""Marks the end of what the server may keep. A request may have four of them."""

_CHUNK = 1_000
"""Characters after which a new block of the talk begins. The server recognizes whole blocks alone, and
looks back twenty of them."""


class AnthropicBrain(Brain):
    """Claude through the Messages API.

    Args:
        api_key: the key, or None when `auth_token` is given.
        auth_token: a bearer token in its place.
        base_url: another server that speaks the same API; None is Anthropic's own. Asking one on this
            network counts as free.
        model: what composes.
        small_model: what assesses, sums up and learns.
        prompts: what they are told; None: as it comes with the program.
        caller: the way to them; None: one without caps.

    Raises:
        UsageError: the switch is on that lets no server elsewhere be asked.
    """

    def __init__(
        self,
        *,
        api_key: str | None,
        auth_token: str | None = None,
        base_url: str | None = None,
        model: str = MODEL,
        small_model: str = SMALL_MODEL,
        prompts: Prompts | None = None,
        caller: Caller | None = None,
    ) -> None:
        self.label = f"anthropic {model}"
        self._model = model
        self._small_model = small_model
        self._prompts = prompts or Prompts()
        self._caller = caller or Caller(provider="anthropic")
        self._api = MessagesApi(api_key=api_key, auth_token=auth_token, base_url=base_url)
        self.paid = not self._api.is_local

    async def assess(self, moment: Moment) -> Assessment:
        """As `Brain.assess`, within 5 seconds. An answer that cannot be read, as of a server that knows
        of no form for answers, is asked for once more."""
        deadline = trio.current_time() + ASSESS_SECONDS
        told = _told(to_assess(moment, self._prompts), pictures(moment, new=True))
        request = {**told, "max_tokens": _ASSESS_TOKENS}
        schema = _answer_schema(moment.params)
        ask = self._asking("assess", request, schema, moment.me.language, deadline)
        return await decide(self._small_model, moment, ask)

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """As `Brain.compose`, within 45 seconds of thinking (the tools' own time not cut short).
        One request as a rule; more only when something is looked up, an action has something to
        tell, or a tool was called wrongly."""
        deadline = trio.current_time() + COMPOSE_SECONDS
        told = _told(to_compose(moment, self._prompts), pictures(moment))
        messages: list[dict[str, Any]] = told["messages"]
        request = {
            "model": self._model,
            "max_tokens": _COMPOSE_TOKENS,
            "output_config": {"effort": _EFFORT},
            **told,
            "tools": [
                {"name": spec.name, "description": spec.description, "input_schema": dict(spec.schema)}
                # So that its words come as they are composed, not when they are whole
                | ({"eager_input_streaming": True} if spec.name == "speak" else {})
                for spec in toolbox.specs
            ],
        }

        async def ask(results: Sequence[ToolResult], may_call: bool) -> Reply:
            if results:
                messages.append({"role": "user", "content": [_result(each) for each in results]})
            choice = {} if may_call else {"tool_choice": {"type": "none"}}
            reply = await self._ask(
                "compose", {**request, **choice}, deadline, toolbox=toolbox, aloud=not may_call
            )
            reply.check(self._model)
            messages.append({"role": "assistant", "content": reply.blocks})
            return reply

        await take_turn(toolbox, ask, model=self._model)

    async def summarize(self, past: Past) -> str:
        """As `Brain.summarize`, by the small model, within a minute. One that was cut off, being too
        long, is of use as well."""
        request = {
            "model": self._small_model,
            "max_tokens": summary_tokens(past),
            "output_config": {"effort": _EFFORT},
            **_told(to_summarize(past, self._prompts)),
        }
        reply = await self._ask("summarize", request, trio.current_time() + SUMMARIZE_SECONDS)
        reply.check(self._small_model, whole=False)
        return summary_of(reply.text, self._small_model)

    async def learn(self, study: Study) -> Sequence[Finding]:
        """As `Brain.learn`, by the small model, within a minute. An answer that cannot be read is asked
        for once more."""
        return await self._find("learn", study, to_learn(study, self._prompts))

    async def reflect(self, study: Study) -> Sequence[Finding]:
        """As `Brain.reflect`, in the same way."""
        return await self._find("reflect", study, to_reflect(study, self._prompts))

    async def wake(self) -> None:
        """As `Brain.wake`: a word from each of both models, within 45 seconds."""
        deadline = trio.current_time() + COMPOSE_SECONDS
        for model in dict.fromkeys((self._model, self._small_model)):
            message = {"role": "user", "content": "Hello"}
            await self._ask("wake", {"model": model, "max_tokens": 1, "messages": [message]}, deadline)

    async def aclose(self) -> None:
        """Close the connections to the server."""
        await self._api.aclose()

    async def _find(self, duty: Duty, study: Study, prompt: Prompt) -> Sequence[Finding]:
        deadline = trio.current_time() + LEARN_SECONDS
        request = {**_told(prompt), "max_tokens": findings_tokens(study)}
        form, language = findings_schema(duty), study.me.language
        ask = self._asking(duty, request, form, language, deadline, whole=False)
        return await find(self._small_model, study, duty, ask)

    def _asking(
        self,
        purpose: Purpose,
        request: dict[str, Any],
        schema: Mapping[str, Any],
        language: str,
        deadline: float,
        *,
        whole: bool = True,
    ) -> Ask:
        """What asks the small model for an answer in the form of `schema`; `whole` if one that was cut
        off, being too long, is of no use."""
        messages: list[dict[str, Any]] = request["messages"]
        form = {"type": "json_schema", "schema": schema}
        request |= {
            "model": self._small_model,
            "output_config": {"effort": _EFFORT, "format": form},
        }

        async def ask(before: str, problem: str) -> str:
            if before:  # an empty text is not taken back
                messages.append({"role": "assistant", "content": before})
            if problem:
                words = self._prompts.words(language)
                again = words.answer_again.replace("{problem}", problem)
                told = words.answer_form.replace("{schema}", msgspec.json.encode(schema).decode())
                messages.append({"role": "user", "content": f"{again}\n\n{told}"})
            reply = await self._ask(purpose, request, deadline)
            reply.check(self._small_model, whole=whole)
            return reply.text

        return ask

    async def _ask(
        self,
        purpose: Purpose,
        request: Mapping[str, Any],
        deadline: float,
        *,
        toolbox: Toolbox | None = None,
        aloud: bool = False,
    ) -> Reply:
        """One call; what will be said is shown to `toolbox`, text among it if it is said `aloud`."""
        pieces = Pieces()

        async def attempt() -> Answered[Reply]:
            nonlocal pieces
            pieces = Pieces(Speaking(toolbox) if toolbox else None, aloud)
            reply = await self._api.ask(request, pieces)
            return Answered(reply, reply.usage)

        reply = await self._caller.call(
            purpose, request["model"], attempt, deadline=deadline, so_far=lambda: pieces.usage
        )
        self.usage += reply.usage  # what is of no use is paid for all the same
        return reply


def _told(prompt: Prompt, shown: Iterable[Picture] = ()) -> dict[str, Any]:
    """The parts of a request that hold the prompt, from what changes least to what changes most. The
    ends of what stays the same, or only grows, are marked."""
    system = [
        {"type": "text", "text": text, **_CACHED} for text in (prompt.system, prompt.session) if text
    ]
    *settled, newest = _chunks(prompt.talk)
    talk: list[dict[str, Any]] = [{"type": "text", "text": text} for text in settled]
    if talk:
        talk[-1] |= _CACHED
    if newest:
        talk.append({"type": "text", "text": f"{newest}\n\n"})
    task = first_message(prompt.task, shown)["content"]
    if isinstance(task, str):
        task = [{"type": "text", "text": task}]
    return {"system": system, "messages": [{"role": "user", "content": [*talk, *task]}]}


def _chunks(talk: str) -> list[str]:
    """The talk in blocks of whole lines. It grows at its end, where its last line moves on, so that all
    blocks but the last stay as they are."""
    chunks, size = [""], 0
    for line in talk.splitlines(keepends=True):
        if size >= _CHUNK:
            chunks.append("")
            size = 0
        chunks[-1] += line
        size += len(line)
    return chunks


def _result(result: ToolResult) -> dict[str, Any]:
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
        told = f"[events.params] of the profile can't be asked of Claude: {error}"
        raise BrainError(told, "request") from None
