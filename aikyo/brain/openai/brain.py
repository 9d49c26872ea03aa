"""The brain that thinks with any server that speaks Chat Completions: Ollama, llama.cpp, LM Studio, vLLM
and OpenAI's own. A structured call to assess, a tool-using call to compose."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import Any

import msgspec
import trio

from ..base import Assessment, Brain, BrainError, Toolbox, Usage
from ..calling import FIRST_SECONDS, Answered, Caller, CallFault, Purpose
from ..models.asking import Ask
from ..models.deciding import ASSESS_SECONDS, decide, decision_schema
from ..models.findings import Duty
from ..models.learning import LEARN_SECONDS, find, findings_schema, findings_tokens
from ..models.shown import chat_message
from ..models.speaking import Speaking
from ..models.summing import SUMMARIZE_SECONDS, summary_of, summary_tokens
from ..models.turn import COMPOSE_SECONDS, ToolResult, take_turn
from ..models.written import plain_words
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
from .api import ChatApi
from .form import read_calls, said, told, tool_form
from .reply import Pieces, Reply
from .server import ChatServer

__all__ = ["OpenAIBrain"]

# Ceilings against a model that runs away. Thinking counts toward them, so they leave room for it.
_ASSESS_TOKENS = 1_024
_COMPOSE_TOKENS = 2_048

_EFFORT = "low"
"""For models that think before they answer; a talk can't wait for it. Left out where it is refused."""

_WAKE_SECONDS = FIRST_SECONDS + 5
_EMBED_SECONDS = 20.0
_EMBED_BATCH = 32
_EMBED_TEXT = 8_000
"""Characters of a text that are turned into a vector."""

_PACKAGED = Prompts()

_IMPORTANCE = {"type": "integer", "minimum": 0, "maximum": 10}
"""Small models that are held to the form otherwise write digits for seconds."""


class OpenAIBrain(Brain):
    """A model behind the Chat Completions API.

    Args:
        server: where it is. Asking one on this network counts as free.
        model: what composes.
        small_model: what assesses, sums up and learns; None: `model`.
        embedding_model: what makes vectors of texts; None: nothing does.
        random: spreads retries, where no `caller` is given.
        prompts: what it is told.
        caller: by which all requests go; None: one of its own.

    Raises:
        UsageError: only models of this machine may be asked, and the server is elsewhere.
    """

    def __init__(
        self,
        *,
        server: ChatServer,
        model: str,
        small_model: str | None = None,
        embedding_model: str | None = None,
        random: Random | None = None,
        prompts: Prompts = _PACKAGED,
        caller: Caller | None = None,
    ) -> None:
        self.label = f"openai {model}"
        self.paid = not server.is_local
        self._model = model
        self._small_model = small_model or model
        self._embedding_model = embedding_model
        self._api = ChatApi(server)
        self._prompts = prompts
        self._caller = caller or Caller(
            provider="openai", server=server.url, paid=self.paid, random=random
        )
        self._awake = trio.Event()
        self._awake.set()

    async def assess(self, moment: Moment) -> Assessment:
        """As `Brain.assess`, within 5 seconds, in which a model that is being loaded (`wake`) is waited
        for. An answer that cannot be read is asked for once more."""
        deadline = trio.current_time() + ASSESS_SECONDS
        with trio.move_on_at(deadline):
            await self._awake.wait()
        if not self._awake.is_set():
            raise BrainError(f"{self._small_model} is still being loaded", "timeout")
        schema = decision_schema(moment.params)
        schema["properties"]["importance"] = _IMPORTANCE
        prompt, language = to_assess(moment, self._prompts), moment.me.language
        ask = self._asking(
            "assess",
            prompt,
            pictures(moment, new=True),
            form=_form("decision", schema),
            language=language,
            deadline=deadline,
            most=_ASSESS_TOKENS,
        )
        return await decide(self._small_model, moment, ask)

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """As `Brain.compose`, within 45 seconds of thinking (the tools' own time not cut short).
        Tool calls that the model writes as text are made as well."""
        deadline = trio.current_time() + COMPOSE_SECONDS
        names = [spec.name for spec in toolbox.specs]
        prompt, me = to_compose(moment, self._prompts), moment.me
        after = "" if self._takes_tools else self._prompts.words(me.language).no_tools
        messages = [
            _system(prompt),
            chat_message(_lines(prompt.task, after), pictures(moment), talk=prompt.talk),
        ]
        request = {
            "model": self._model,
            "max_tokens": _COMPOSE_TOKENS,
            "reasoning_effort": _EFFORT,
            "tools": [tool_form(spec) for spec in toolbox.specs],
        }

        async def ask(results: Sequence[ToolResult], may_call: bool) -> Reply:
            messages.extend(told(results))
            choice = {} if may_call else {"tool_choice": "none"}

            def watch() -> Callable[[Pieces], None]:
                speaking = Speaking(toolbox)

                def see(pieces: Pieces) -> None:
                    if may_call and self._takes_tools:
                        size = pieces.size_of("speak")
                        speaking.feed("speak", size, lambda: pieces.input_of("speak"))
                    else:
                        speaking.aloud(pieces.size, lambda: plain_words(pieces.text, me.name, names))

                return see

            whole = {**request, **choice, "messages": messages}
            reply = await self._ask("compose", whole, deadline, watch)
            messages.append(said(reply))
            return read_calls(reply, names, me.name)

        await take_turn(toolbox, ask, model=self._model)

    async def summarize(self, past: Past) -> str:
        """As `Brain.summarize`, by the small model, within a minute. One that was cut off, being too
        long, is of use as well."""
        prompt = to_summarize(past, self._prompts)
        request = {
            "model": self._small_model,
            "max_tokens": summary_tokens(past),
            "reasoning_effort": _EFFORT,
            "messages": [_system(prompt), chat_message(prompt.task, (), talk=prompt.talk)],
        }
        deadline = trio.current_time() + SUMMARIZE_SECONDS
        reply = await self._ask("summarize", request, deadline, whole=False)
        return summary_of(reply.text, self._small_model)

    async def learn(self, study: Study) -> Sequence[Finding]:
        """As `Brain.learn`, by the small model, within a minute. An answer that cannot be read is asked
        for once more."""
        return await self._find("learn", study, to_learn(study, self._prompts))

    async def reflect(self, study: Study) -> Sequence[Finding]:
        """As `Brain.reflect`, in the same way."""
        return await self._find("reflect", study, to_reflect(study, self._prompts))

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]] | None:
        """As `Brain.embed`: None without an `embedding_model`. Of each text the first 8,000 characters
        count; within 20 seconds for each 32 texts."""
        model = self._embedding_model
        if model is None:
            return None
        vectors: list[Sequence[float]] = []
        for start in range(0, len(texts), _EMBED_BATCH):
            batch = [text[:_EMBED_TEXT] or " " for text in texts[start : start + _EMBED_BATCH]]

            async def attempt(batch: Sequence[str] = batch) -> Answered[Sequence[Sequence[float]]]:
                answered = await self._api.embed(model, batch)
                self.usage += answered.usage
                return answered

            deadline = trio.current_time() + _EMBED_SECONDS
            found = await self._caller.call("embed", model, attempt, deadline=deadline)
            vectors += found
        if len({len(vector) for vector in vectors}) > 1:
            raise BrainError(f"{model} gives vectors of several sizes", "malformed")
        return vectors

    async def wake(self) -> None:
        """As `Brain.wake`: one token of each model, the one that decides last, since a server that has
        room for one keeps that."""
        self._awake = awake = trio.Event()
        try:
            for model in dict.fromkeys((self._model, self._small_model)):
                await self._wake(model)
        finally:
            awake.set()

    async def aclose(self) -> None:
        """Close the connections to the server."""
        await self._api.aclose()

    @property
    def _takes_tools(self) -> bool:
        return self._api.takes_tools(self._model)

    async def _find(self, duty: Duty, study: Study, prompt: Prompt) -> Sequence[Finding]:
        deadline = trio.current_time() + LEARN_SECONDS
        schema = findings_schema(duty)
        schema["properties"]["findings"]["maxItems"] = study.most
        most, language, form = findings_tokens(study), study.me.language, _form("findings", schema)
        ask = self._asking(
            duty, prompt, form=form, language=language, deadline=deadline, most=most, whole=False
        )
        return await find(self._small_model, study, duty, ask)

    def _asking(
        self,
        purpose: Purpose,
        prompt: Prompt,
        shown: Sequence[Picture] = (),
        *,
        form: Mapping[str, Any],
        language: str,
        deadline: float,
        most: int,
        whole: bool = True,
    ) -> Ask:
        """What asks the small model for an answer in this form, of at most so many tokens; `whole` if
        one that was cut off, being too long, is of no use."""
        words = self._prompts.words(language)
        told = words.answer_form.replace("{schema}", msgspec.json.encode(form["schema"]).decode())
        messages = [_system(prompt), chat_message(_lines(prompt.task, told), shown, talk=prompt.talk)]
        request = {
            "model": self._small_model,
            "max_tokens": most,
            "reasoning_effort": _EFFORT,
            "response_format": {"type": "json_schema", "json_schema": form},
        }

        async def ask(before: str, problem: str) -> str:
            if problem:
                again = words.answer_again.replace("{problem}", problem)
                messages.append({"role": "assistant", "content": before})
                messages.append({"role": "user", "content": again})
            whole_request = {**request, "messages": messages}
            return (await self._ask(purpose, whole_request, deadline, whole=whole)).text

        return ask

    async def _wake(self, model: str) -> None:
        request = {"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}

        async def attempt() -> Answered[None]:
            try:
                answered = await self._api.ask(request)
            except CallFault as fault:
                if "output limit was reached" not in fault.told:  # of one that thinks before it answers
                    raise
                return Answered(None, fault.usage)
            self.usage += answered.usage
            return Answered(None, answered.usage)

        deadline = trio.current_time() + _WAKE_SECONDS
        await self._caller.call("wake", model, attempt, deadline=deadline)

    async def _ask(
        self,
        purpose: Purpose,
        request: Mapping[str, Any],
        deadline: float,
        watch: Callable[[], Callable[[Pieces], None]] | None = None,
        *,
        whole: bool = True,
    ) -> Reply:
        """The answer to a request, seen to be of use, and `whole` if it has to be. `watch` makes, for
        each attempt, what is told of its pieces."""
        model, going = str(request["model"]), Pieces()

        def attempt() -> Awaitable[Answered[Reply]]:
            see = watch() if watch else None

            def keep(pieces: Pieces) -> None:
                nonlocal going
                going = pieces
                if see:
                    see(pieces)

            nonlocal going
            going = Pieces()
            return self._api.ask(request, keep)

        def so_far() -> Usage:
            return going.cost or Usage(calls=1)

        reply = await self._caller.call(purpose, model, attempt, deadline=deadline, so_far=so_far)
        self.usage += reply.usage  # what is of no use is paid for all the same
        reply.check(model, request["max_tokens"], whole=whole)
        return reply


def _form(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "schema": schema}


def _system(prompt: Prompt) -> dict[str, Any]:
    """The same from turn to turn, so that a server that keeps what it has read need not read it
    again."""
    return {"role": "system", "content": _lines(prompt.system, prompt.session)}


def _lines(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)
