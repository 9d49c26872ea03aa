"""A local server that speaks Anthropic's Messages API: scripted answers, what it is asked kept.

In tests: `async with messages_api(script) as api`. By hand, for a whole swarm without a real model:
`python -m tests.support.messages_api` prints its URL; start the swarm with ANTHROPIC_BASE_URL set to it
and any ANTHROPIC_API_KEY.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import trio

from .model_server import (
    ModelServer,
    Outgoing,
    Raw,
    Request,
    main,
    sample,
    serving,
    size_in_tokens,
    split,
)
from .prompt_cache import PromptCache


@dataclass(frozen=True, slots=True)
class Asked(Request):
    """A request as it came in."""

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The form the answer is to have, if one was asked for."""
        form = self.body.get("output_config", {}).get("format") or {}
        return form.get("schema")

    @property
    def prompt(self) -> str:
        """The text of the first message."""
        content = self.body["messages"][0]["content"]
        return (
            content if isinstance(content, str) else "".join(block.get("text", "") for block in content)
        )

    @property
    def pictures(self) -> list[Mapping[str, Any]]:
        """The sources of the pictures in the first message."""
        content = self.body["messages"][0]["content"]
        return [] if isinstance(content, str) else [b["source"] for b in content if b["type"] == "image"]

    @property
    def results(self) -> list[Mapping[str, Any]]:
        """The tool results in the last message."""
        content = self.body["messages"][-1]["content"]
        return [] if isinstance(content, str) else [b for b in content if b["type"] == "tool_result"]


@dataclass(frozen=True, slots=True)
class Reply:
    """An ordinary answer, whole or, when a stream was asked for, as server-sent events.

    Attributes:
        content: its blocks.
        stop_reason: why it ends.
        usage: what it costs; None: about what the real one would.
        delay: seconds before it.
        pause: seconds before each piece of it but the first.
        gate: is awaited before each piece of it, with the piece's number.
    """

    content: tuple[Mapping[str, Any], ...]
    stop_reason: str = "end_turn"
    usage: Mapping[str, int] | None = None
    delay: float = 0
    pause: float = 0
    gate: Callable[[int], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in the API's shape. `headers` may hold a retry-after. If it comes `midway`, half an
    answer was streamed before it, and `status` is of no account."""

    status: int
    type: str = "api_error"
    message: str = "scripted"
    headers: Mapping[str, str] = field(default_factory=dict)
    midway: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """Half an answer, then the connection is closed; or, `gently`, the stream ends as a whole one."""

    gently: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer for as long as the client waits; `after` says that much of one, and then nothing."""

    after: str = ""


@dataclass(frozen=True, slots=True)
class Events:
    """A stream of these events, as they are; nothing after them, or, if it `hangs`, not even its end."""

    events: tuple[Mapping[str, Any] | str, ...]
    hangs: bool = False


Answer = Reply | Fault | Raw | Cut | Hang | Events
Script = Callable[[Asked], Answer]


def text(*parts: str, stop_reason: str = "end_turn") -> Reply:
    return Reply(tuple({"type": "text", "text": part} for part in parts), stop_reason)


def calls(*tools: tuple[str, Any]) -> Reply:
    """Tools to be called; a text in place of the input is streamed as it is."""
    blocks = [
        {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": params}
        for number, (name, params) in enumerate(tools)
    ]
    return Reply(tuple(blocks), "tool_use")


def speaks(message: str, **params: Any) -> Reply:
    return calls(("speak", {"message": message, **params}))


def state(speak: bool = True, importance: float = 7, **more: Any) -> Reply:
    return text(json.dumps({"speak": speak, "importance": importance, **more}))


def in_order(*answers: Answer) -> Script:
    """Answer the first request with the first, and so on; one too many is an error of the test's."""
    left = iter(answers)
    return lambda asked: next(left, Fault(418, "api_error", "the script has no more answers"))


def companion(words: str) -> Script:
    """What keeps a whole swarm going: whoever is asked wants to speak, and says `words`."""

    def script(asked: Asked) -> Answer:
        if asked.schema is not None:
            return text(json.dumps(sample(asked.schema)))
        return speaks(words)

    return script


class MessagesApi(ModelServer[Asked]):
    """The running server; `url` is what to set ANTHROPIC_BASE_URL to."""

    def __init__(self, script: Script) -> None:
        super().__init__(Asked)
        self._script = script
        self._cache = PromptCache()

    async def answer(self, out: Outgoing, asked: Asked) -> bool:
        self.keep(asked)
        out.headers = {"request-id": "req_scripted"}
        if asked.path.partition("?")[0] != "/v1/messages":
            answer: Answer = Fault(404, "not_found_error", "no such path")
        else:
            answer = self._script(asked)
        if isinstance(answer, Reply):
            await self._reply(out, asked, answer)
            return True
        return await self._fail(out, asked, answer)

    async def _reply(self, out: Outgoing, asked: Asked, reply: Reply) -> None:
        await trio.sleep(reply.delay)
        if asked.body.get("stream"):
            await self._stream(out, self._events(asked, reply), reply)
            await out.finish()
        else:
            await out.whole(json.dumps(self._message(asked, reply)).encode())

    async def _fail(self, out: Outgoing, asked: Asked, answer: Answer) -> bool:
        match answer:
            case Hang(after):
                if after:
                    await self._stream(out, self._events(asked, speaks(after))[:-3])
                return await self.hang(out)
            case Cut(gently):
                events = self._events(asked, speaks("Half of it is cut off."))
                await self._stream(out, events[: len(events) // 2])
                if gently:
                    await out.finish()
                return gently
            case Fault(_, kind, message, _, midway=True):
                events = self._events(asked, speaks("Half of it is a fault."))
                fault = _event({"type": "error", "error": {"type": kind, "message": message}})
                await self._stream(out, [*events[: len(events) // 2], fault])
                await out.finish()
            case Fault(status, kind, message, headers):
                error = {"type": "error", "error": {"type": kind, "message": message}}
                await out.whole(json.dumps(error).encode(), status=status, headers=headers)
            case Raw(body, content_type, status, headers):
                await out.whole(body, content_type, status, headers)
            case Events(events=raw, hangs=hangs):
                await self._stream(out, [_event(event) for event in raw])
                if hangs:
                    return await self.hang(out)
                await out.finish()
        return True

    async def _stream(self, out: Outgoing, events: list[bytes], reply: Reply | None = None) -> None:
        await out.begin("text/event-stream; charset=utf-8")
        for number, event in enumerate(events):
            if reply is not None:
                await trio.sleep(reply.pause if number else 0)
                if reply.gate is not None:
                    await reply.gate(number)
            await out.data(event)

    def _message(self, asked: Asked, reply: Reply) -> dict[str, Any]:
        read = self._cache.read(asked.body)
        return {
            "id": "msg_scripted",
            "type": "message",
            "role": "assistant",
            "model": asked.body.get("model", ""),
            "content": list(reply.content),
            "stop_reason": reply.stop_reason,
            "stop_sequence": None,
            "usage": reply.usage or {**read, "output_tokens": _output_tokens(reply)},
        }

    def _events(self, asked: Asked, reply: Reply) -> list[bytes]:
        return [_event(event) for event in _streamed(self._message(asked, reply))]


def messages_api(script: Script, port: int = 0) -> AbstractAsyncContextManager[MessagesApi]:
    """Serve on 127.0.0.1 while the context is open."""
    return serving(MessagesApi(script), port=port)


def _streamed(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The message as the API streams it: each block opened empty, filled by deltas, closed."""
    begun = {**message["usage"], "output_tokens": 1}
    yield {
        "type": "message_start",
        "message": {**message, "content": [], "stop_reason": None, "usage": begun},
    }
    for index, block in enumerate(message["content"]):
        opened, deltas = _opened(block)
        yield {"type": "content_block_start", "index": index, "content_block": opened}
        if index == 0:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": message["usage"]}
    yield {"type": "message_stop"}


def _opened(block: Mapping[str, Any]) -> tuple[Mapping[str, Any], list[dict[str, Any]]]:
    """A block as it is opened, and what fills it."""
    match block["type"]:
        case "tool_use":
            whole = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"])
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in split(whole)]
            return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": ""}, *deltas]
        case "text":
            return {**block, "text": ""}, [
                {"type": "text_delta", "text": part} for part in split(block["text"])
            ]
        case "thinking":
            deltas = [{"type": "thinking_delta", "thinking": part} for part in split(block["thinking"])]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {**block, "thinking": "", "signature": ""}, [*deltas, signed]
        case _:
            return block, []


def _output_tokens(reply: Reply) -> int:
    parts = (block.get("input", block.get("text", "")) for block in reply.content)
    return sum(map(size_in_tokens, parts))


def _event(event: Mapping[str, Any] | str) -> bytes:
    """One event; a text is sent as its data, as it is."""
    if isinstance(event, str):
        return f"data: {event}\n\n".encode()
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


if __name__ == "__main__":
    main("Anthropic's Messages API", lambda words, port: messages_api(companion(words), port))
