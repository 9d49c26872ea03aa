"""An answer in the form of Anthropic's Messages API, put together from the events it comes in. Pure.

https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Struct

from ..base import BrainError, Usage
from ..models.incoming import Told, told_by
from ..models.speaking import MAX_SHOWN, Speaking
from ..models.turn import ToolUse

__all__ = ["Pieces", "Reply"]

_MAX_BLOCKS = 64
"""Blocks in one answer; who wants more of them has lost its way."""

_LETTERS_A_TOKEN = 4
"""Where an answer is cut off before its cost is told, about what was written is what is paid for."""


class _Tokens(Struct, frozen=True):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None

    def updated(self, newer: _Tokens) -> _Tokens:
        """Counts are totals so far; what the newer ones leave out stays."""
        given = {
            name: value for name, value in msgspec.structs.asdict(newer).items() if value is not None
        }
        return msgspec.structs.replace(self, **given)


class _Delta(Struct, frozen=True):
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""
    stop_reason: str | None = None


class _Message(Struct, frozen=True):
    content: list[dict[str, Any]] = []
    stop_reason: str | None = None
    usage: _Tokens = _Tokens()


class _Event(Struct, frozen=True):
    type: str
    index: int = -1
    message: _Message | None = None
    content_block: dict[str, Any] | None = None
    delta: _Delta | None = None
    usage: _Tokens | None = None
    error: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer.

    Attributes:
        blocks: as they came, since they are sent back unchanged.
        calls: the tools to be called, in order.
        stop_reason: why it ended, in the API's words.
        usage: what it cost.
    """

    blocks: list[dict[str, Any]]
    calls: tuple[ToolUse, ...]
    stop_reason: str | None
    usage: Usage

    @property
    def text(self) -> str:
        """The text of all blocks, thinking left out."""
        parts = [str(block.get("text", "")) for block in self.blocks if block.get("type") == "text"]
        return "".join(parts).strip()

    def check(self, model: str, *, whole: bool = True) -> None:
        """See that the answer is of use.

        Args:
            model: its name, for errors.
            whole: whether one that was cut off, being too long, is of none.

        Raises:
            BrainError: `model` stopped before it was done, it declined, or there was no room for the
                prompt.
        """
        match self.stop_reason:
            case "refusal":
                raise BrainError(f"{model} declined to answer this", "declined")
            case "max_tokens" if whole:
                raise BrainError(f"the answer of {model} was cut off, being too long", "malformed")
            case "model_context_window_exceeded":
                raise BrainError(f"the prompt is too long for {model}", "too-long")


@dataclass(slots=True)
class _Block:
    """A block of which pieces have come. `problem` says why its input is none."""

    opened: dict[str, Any]
    parts: list[str] = field(default_factory=list)
    size: int = 0
    signature: str = ""
    problem: str = ""

    def add(self, delta: _Delta) -> None:
        part = delta.text or delta.partial_json or delta.thinking
        self.parts.append(part)
        self.size += len(part)
        self.signature = delta.signature or self.signature

    def whole(self) -> dict[str, Any]:
        text = "".join(self.parts)
        match self.opened:
            case {"type": "text"}:
                return {**self.opened, "text": f"{self.opened.get('text') or ''}{text}"}
            case {"type": "thinking"}:
                thought = f"{self.opened.get('thinking') or ''}{text}"
                signature = self.signature or self.opened.get("signature", "")
                return {**self.opened, "thinking": thought, "signature": signature}
            case {"type": "tool_use", "name": name}:
                return {**self.opened, "input": self._input(name, text)}
            case _:
                return self.opened

    def _input(self, name: object, text: str) -> dict[str, Any]:
        given = self.opened.get("input") or {}
        if text.strip():
            try:
                given = msgspec.json.decode(text)
            except (msgspec.DecodeError, RecursionError):
                given = None
        if isinstance(given, dict):
            return given
        self.problem = f"the input of `{name}` was no JSON object"
        return {}


@dataclass(slots=True)
class Pieces:
    """The pieces so far.

    Attributes:
        speaking: is shown the words that will be said, as they come.
        aloud: whether text will be said, since no tool can be called.
        whole: whether the server has called the answer complete.
    """

    speaking: Speaking | None = None
    aloud: bool = False
    whole: bool = False
    _begun: bool = False
    _blocks: list[_Block] = field(default_factory=list)
    _stop_reason: str | None = None
    _tokens: _Tokens = _Tokens()  # noqa: RUF009 - frozen

    def take(self, data: str) -> Told | None:
        """Take in an event, or all of the answer of a server that does not stream; returns what it tells
        went wrong, if it does.

        Raises:
            msgspec.DecodeError: it is none of an answer.
        """
        event = msgspec.json.decode(data, type=_Event)
        match event.type:
            case "message_start":
                self._begin(event.message or _Message())
            case "content_block_start":
                self._open(event.index, event.content_block or {})
            case "content_block_delta":
                self._add(event.index, event.delta or _Delta())
            case "message_delta":
                self._stop_reason = (event.delta or _Delta()).stop_reason or self._stop_reason
                self._tokens = self._tokens.updated(event.usage or _Tokens())
            case "message_stop":
                self.whole = self._begun
            case "message":
                self._take_whole(msgspec.json.decode(data, type=_Message))
            case "error":
                return told_by(event.error or "")
        return None

    @property
    def usage(self) -> Usage:
        """What it has cost so far."""
        tokens = self._tokens
        written = sum(block.size for block in self._blocks) // _LETTERS_A_TOKEN
        told = tokens.output_tokens or 0
        return Usage(
            calls=1,
            input=max(0, tokens.input_tokens or 0),
            cached=max(0, tokens.cache_read_input_tokens or 0),
            output=max(0, told) if self.whole else max(told, written),
            stored=max(0, tokens.cache_creation_input_tokens or 0),
        )

    def reply(self) -> Reply:
        """The answer."""
        wholes = [(block.whole(), block) for block in self._blocks]
        calls = tuple(
            ToolUse(str(whole.get("id", "")), str(whole["name"]), whole["input"], block.problem)
            for whole, block in wholes
            if whole["type"] == "tool_use" and whole.get("name")
        )
        # Empty texts are not taken back
        blocks = [whole for whole, _ in wholes if whole["type"] != "text" or whole["text"].strip()]
        return Reply(blocks, calls, self._stop_reason, self.usage)

    def _begin(self, message: _Message) -> None:
        self._begun = True
        self._tokens = self._tokens.updated(message.usage)
        self._stop_reason = message.stop_reason

    def _take_whole(self, message: _Message) -> None:
        self._begin(message)
        for index, block in enumerate(message.content):
            self._open(index, block)
        self.whole = bool(message.stop_reason or message.content)

    def _open(self, index: int, block: dict[str, Any]) -> None:
        if index != len(self._blocks) or not isinstance(block.get("type"), str):
            raise msgspec.ValidationError("its parts are out of order")
        if index == _MAX_BLOCKS:
            raise msgspec.ValidationError("it has too many parts")
        self._blocks.append(_Block(block))

    def _add(self, index: int, delta: _Delta) -> None:
        if not 0 <= index < len(self._blocks):
            raise msgspec.ValidationError("its parts are out of order")
        block = self._blocks[index]
        block.add(delta)
        if self.speaking is None or block.size > MAX_SHOWN:
            return
        match block.opened:
            case {"type": "tool_use", "name": str(name)}:
                self.speaking.feed(name, block.size, lambda: "".join(block.parts))
            case {"type": "text"} if self.aloud:
                texts = [each for each in self._blocks if each.opened.get("type") == "text"]
                size = sum(each.size for each in texts)
                self.speaking.aloud(size, lambda: "".join(part for each in texts for part in each.parts))
