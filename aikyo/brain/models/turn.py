"""A turn with a model that calls tools: its calls made, what they found told, its words said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..base import BrainError, Toolbox, ToolError
from ..prompts import looked_up, refused

__all__ = ["COMPOSE_SECONDS", "ToolResult", "ToolUse", "Words", "take_turn"]

COMPOSE_SECONDS = 45.0
"""How long a model may think about one turn, all its requests together."""

_ROUNDS = 4
"""Requests in one turn. The last one lets no tool be called, so that it ends in words."""

_MAX_CALLS = 16
"""Tools that are called in one turn; the others would hear a model that runs away."""

_NO_NEWS = frozenset({"done", "said"})
"""What an action gives that gives nothing; more is for the model to hear."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that the model wants called; `problem` says why it can't be, where that is known."""

    id: str
    name: str
    params: Mapping[str, Any]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model is told of a call."""

    call: ToolUse
    content: str
    failed: bool


class Words(Protocol):
    """What a model has answered: words, tools to be called in order, or both."""

    @property
    def text(self) -> str:
        """The words, nothing around them."""
        ...

    @property
    def calls(self) -> Sequence[ToolUse]:
        """The tools."""
        ...


async def take_turn(
    toolbox: Toolbox, ask: Callable[[Sequence[ToolResult], bool], Awaitable[Words]], *, model: str
) -> None:
    """Let a model take a turn. One request as a rule; more only when something is looked up, an action
    has something to tell, or a tool was called wrongly.

    Args:
        toolbox: the companion's hands.
        ask: gets the model's next answer, given the results of what it called last (none at first) and
            whether it may call tools again.
        model: its name, for errors.

    Raises:
        BrainError: what `ask` raises, or the model said nothing that could be said.
    """
    turn = _Turn(toolbox, {spec.name: spec.kind for spec in toolbox.specs})
    results: Sequence[ToolResult] = ()
    for rounds_left in reversed(range(_ROUNDS)):
        words = await ask(results, rounds_left > 0)
        results = await turn.act(words.calls)
        if not (turn.waiting and rounds_left):
            await turn.finish(words.text, model)
            return


@dataclass(slots=True)
class _Turn:
    """What was done of a turn. `waiting` says whether the model is owed the results of its calls."""

    toolbox: Toolbox
    kinds: Mapping[str, str]
    acted: bool = False
    spoken: bool = False
    waiting: bool = False
    calls: int = 0

    async def act(self, calls: Sequence[ToolUse]) -> list[ToolResult]:
        """Call the tools one after the other."""
        self.waiting = False
        results = []
        for call in calls:
            self.calls += 1
            try:
                if self.calls > _MAX_CALLS:
                    raise ToolError("You have called enough tools for one turn.")
                content, failed = await self._call(call), False
            except ToolError as error:
                content, failed = refused(call.name, str(error)), True
            if not failed and (self.kinds.get(call.name) == "knowledge" or content not in _NO_NEWS):
                content = looked_up(call.name, content)
                self.waiting = True
            self.waiting |= failed
            results.append(ToolResult(call, content, failed))
        self.waiting &= not self.spoken
        return results

    async def finish(self, text: str, model: str) -> None:
        """Say what the model wrote instead of calling `speak`, if it did."""
        if self.spoken:
            return
        if not text:
            if self.acted:
                return  # a turn can be taken without words
            raise BrainError(f"{model} gave an empty answer", "malformed")
        try:
            await self._call(ToolUse("", "speak", {"message": text}))
        except ToolError as error:
            told = f"{model} wrote what cannot be said ({error})"
            raise BrainError(told, "malformed") from None

    async def _call(self, call: ToolUse) -> str:
        if call.problem:
            raise ToolError(call.problem)
        if call.name == "speak" and self.spoken:
            raise ToolError("You have spoken already; one `speak` a turn.")
        result = await self.toolbox.call(call.name, call.params)
        self.acted |= self.kinds.get(call.name) == "action"
        self.spoken |= call.name == "speak"
        return result
