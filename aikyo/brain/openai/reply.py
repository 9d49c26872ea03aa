"""An answer in the Chat Completions form, put together from the pieces it comes in. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

from ..base import BrainError, Usage
from ..models.incoming import Told, told_by
from ..models.turn import ToolUse
from ..models.written import without_thoughts

__all__ = ["Pieces", "Reply", "about"]

_MAX_CALLS = 64
"""Tool calls in one answer; who wants more of them has lost its way."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer. `ending` is why it ended, in the server's words."""

    text: str
    calls: tuple[ToolUse, ...]
    ending: str
    refused: bool
    usage: Usage

    def check(self, model: str, most: int, *, whole: bool = True) -> None:
        """See that the answer is of use.

        Args:
            model: whose it is.
            most: how many tokens it might have.
            whole: whether one that was cut off, being too long, is of none.

        Raises:
            BrainError: it was cut off or declined, or there was no room for it.
        """
        if self.refused or self.ending == "content_filter":
            raise BrainError(f"{model} declined to answer this", "declined")
        if self.ending != "length":
            return
        if 0 < self.usage.output < most // 2:  # it had more room than that, but not in its context
            raise BrainError(f"the prompt leaves {model} no room in its context to answer", "too-long")
        if whole:
            raise BrainError(f"the answer of {model} was cut off, being too long", "malformed")


class _Function(Struct, frozen=True):
    name: str | None = None
    arguments: Any = None


class _Call(Struct, frozen=True):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(Struct, frozen=True):
    content: Any = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(Struct, frozen=True):
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None


class _Cached(Struct, frozen=True):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _Tokens(Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Cached | None = None


class _Chunk(Struct, frozen=True):
    choices: list[_Choice] | None = None
    usage: _Tokens | None = None
    error: Any = None


@dataclass(slots=True)
class _Begun:
    """A tool call of which pieces have come."""

    index: int | None
    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    size: int = 0  # characters of them
    params: dict[str, Any] | None = None  # where they came as what they are


@dataclass(slots=True)
class Pieces:
    """The pieces so far.

    Attributes:
        asked: about how many tokens the request has.
        whole: whether the server has called the answer complete.
        size: characters of its words so far.
    """

    asked: int = 0
    whole: bool = False
    size: int = 0
    _text: list[str] = field(default_factory=list)
    _calls: list[_Begun] = field(default_factory=list)
    _ending: str = ""
    _refused: bool = False
    _tokens: _Tokens = _Tokens()  # noqa: RUF009 - frozen

    def take(self, data: str) -> Told | None:
        """Take in a piece (or a whole answer); returns what it tells went wrong, if it does.

        Raises:
            msgspec.DecodeError: it is no piece of an answer.
        """
        if data == "[DONE]":
            self.whole = True
            return None
        chunk = msgspec.json.decode(data, type=_Chunk)
        if chunk.error:
            return told_by(chunk.error)
        self._tokens = chunk.usage or self._tokens
        for choice in (chunk.choices or ())[:1]:
            self._add(choice.delta or choice.message or _Delta())
            if choice.finish_reason:
                self._ending = choice.finish_reason
                self.whole = True
        return None

    @property
    def text(self) -> str:
        """Its words so far, with all that is around them."""
        return "".join(self._text)

    @property
    def usage(self) -> Usage:
        """What it has cost, as far as the server has told."""
        return _usage(self._tokens)

    @property
    def cost(self) -> Usage | None:
        """What an answer that breaks off here has cost; mostly a guess, since servers tell that at the
        end. None as long as nothing has come."""
        if self.usage.tokens:
            return self.usage
        inputs = [part for call in self._calls for part in call.arguments]
        came = sum(map(about, [*self._text, *inputs]))
        return Usage(calls=1, input=self.asked, output=came) if came else None

    def size_of(self, tool: str) -> int:
        """How many characters have come of the input of the first call of a tool."""
        return next((each.size for each in self._calls if each.name == tool), 0)

    def input_of(self, tool: str) -> str:
        """The input of the first call of a tool as far as it has come, as JSON."""
        return next(("".join(each.arguments) for each in self._calls if each.name == tool), "")

    def reply(self) -> Reply:
        """The answer."""
        calls = tuple(_finished(number, call) for number, call in enumerate(self._calls) if call.name)
        return Reply(without_thoughts(self.text), calls, self._ending, self._refused, self.usage)

    def _add(self, delta: _Delta) -> None:
        match delta.content:
            case str(text):
                self._add_text(text)
            case list(parts):
                for part in parts:
                    if isinstance(part, dict) and isinstance(part.get("text"), str):
                        self._add_text(part["text"])
        self._refused |= bool(delta.refusal)
        for call in delta.tool_calls or ():
            self._add_call(call)

    def _add_text(self, text: str) -> None:
        self._text.append(text)
        self.size += len(text)

    def _add_call(self, call: _Call) -> None:
        function = call.function or _Function()
        begun = self._begun(call, function)
        begun.name = begun.name or function.name or ""
        match function.arguments:
            case str(text):
                begun.arguments.append(text)
                begun.size += len(text)
            case dict(params):
                begun.params = params

    def _begun(self, call: _Call, function: _Function) -> _Begun:
        """The call that this is a piece of. Some servers give no index, some all calls the same: a new
        id, or without ids a new name, begins a new one."""
        same = [each for each in self._calls if call.index is None or each.index == call.index]
        if same:
            last = same[-1]
            is_new = call.id != last.id if call.id and last.id else bool(function.name and last.name)
            if not is_new:
                last.id = last.id or call.id or ""
                return last
        if len(self._calls) == _MAX_CALLS:
            raise msgspec.ValidationError("it calls too many tools")
        begun = _Begun(call.index, call.id or "")
        self._calls.append(begun)
        return begun


def about(text: str | bytes) -> int:
    """About how many tokens a text has that is no longer than a few words, or a whole request."""
    return -(-len(text.encode() if isinstance(text, str) else text) // 4)


def _finished(number: int, call: _Begun) -> ToolUse:
    ident = call.id or f"call_{number}"
    params: Any = call.params
    if params is None:
        arguments = "".join(call.arguments)
        try:
            params = msgspec.json.decode(arguments) if arguments.strip() else {}
        except (msgspec.DecodeError, RecursionError):
            params = None
    if not isinstance(params, dict):
        return ToolUse(ident, call.name, {}, f"the input of `{call.name}` was no JSON object")
    return ToolUse(ident, call.name, params)


def _usage(tokens: _Tokens) -> Usage:
    details = tokens.prompt_tokens_details
    cached = max(0, (details.cached_tokens if details else None) or 0)
    stored = max(0, (details.cache_write_tokens if details else None) or 0)
    read = max(0, tokens.prompt_tokens or 0)
    wrote = max(0, tokens.completion_tokens or 0)
    return Usage(
        calls=1, input=max(0, read - cached - stored), cached=cached, stored=stored, output=wrote
    )
