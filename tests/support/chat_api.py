"""A local server that speaks Chat Completions: scripted answers, what it is asked kept.

In tests: `async with chat_api(script) as api`. By hand, for a whole swarm without a real model:
`python -m tests.support.chat_api` prints its URL; start the swarm with OPENAI_BASE_URL set to it.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
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

_REMEMBERED = 32
"""Requests whose beginnings count as cached."""

# Tokens, as OpenAI's own caches them
_CACHED_FROM = 1_024
_CACHED_BY = 128


@dataclass(frozen=True, slots=True)
class Asked(Request):
    """A request as it came in."""

    @property
    def schema(self) -> Mapping[str, Any] | None:
        """The form the answer is to have, if one was asked for."""
        form = self.body.get("response_format", {}).get("json_schema") or {}
        return form.get("schema")

    @property
    def system(self) -> str:
        """The text of the system message."""
        return str(self.body["messages"][0]["content"])

    @property
    def prompt(self) -> str:
        """The text of the first message after it."""
        content = self.body["messages"][1]["content"]
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)

    @property
    def pictures(self) -> list[str]:
        """The URLs of the pictures in that message."""
        content = self.body["messages"][1]["content"]
        if isinstance(content, str):
            return []
        return [part["image_url"]["url"] for part in content if part["type"] == "image_url"]

    @property
    def results(self) -> list[Mapping[str, Any]]:
        """The tool results at the end of the messages."""
        return [each for each in self.body["messages"][2:] if each["role"] == "tool"]


@dataclass(frozen=True, slots=True)
class Reply:
    """An ordinary answer, streamed or, for a client that wants no stream, whole.

    Attributes:
        content: its words.
        calls: tools to be called; a text in place of the input is sent as it is.
        ending: why it ends.
        refusal: that the model declines, and why.
        usage: what it costs; None: about what a real one would; empty: it is not told.
        pause: seconds before each piece but the first.
        gate: is awaited before each piece, with the piece's number.
    """

    content: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    ending: str = "stop"
    refusal: str = ""
    usage: Mapping[str, Any] | None = None
    pause: float = 0
    gate: Callable[[int], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in the API's shape. `headers` may hold a retry-after."""

    status: int
    message: str = "scripted"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunks:
    """A stream of these pieces, as they are; nothing after them, or, if it `hangs`, not even its end."""

    pieces: tuple[Mapping[str, Any] | str, ...]
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class Vectors:
    """An answer of the endpoint for embeddings."""

    vectors: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Cut:
    """Half a stream, then the connection is closed; or, `gently`, the stream ends as a whole one."""

    gently: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer for as long as the client waits; `after` says that much of one, and then nothing."""

    after: str = ""


Answer = Reply | Fault | Raw | Chunks | Cut | Hang | Vectors
Script = Callable[[Asked], Answer]


def text(content: str, ending: str = "stop") -> Reply:
    return Reply(content, ending=ending)


def calls(*tools: tuple[str, Any]) -> Reply:
    """Tools to be called; a text in place of the input is sent as it is."""
    return Reply(calls=tools, ending="tool_calls")


def speaks(message: str, **params: Any) -> Reply:
    return calls(("speak", {"message": message, **params}))


def state(speak: bool = True, importance: float = 7, **more: Any) -> Reply:
    return text(json.dumps({"speak": speak, "importance": importance, **more}))


def in_order(*answers: Answer) -> Script:
    """Answer the first request with the first, and so on; one too many is an error of the test's."""
    left = iter(answers)
    return lambda asked: next(left, Fault(418, "the script has no more answers"))


def companion(words: str) -> Script:
    """What keeps a whole swarm going: whoever is asked wants to speak, and says `words`."""

    def script(asked: Asked) -> Answer:
        if asked.schema is not None:
            return text(json.dumps(sample(asked.schema)))
        return speaks(words)

    return script


class ChatApi(ModelServer[Asked]):
    """The running server; `url` is what to set OPENAI_BASE_URL to. Of the requests only those for
    completions and embeddings are kept.

    Attributes:
        listed: how often its models were asked for.
    """

    def __init__(self, script: Script, models: Iterable[str]) -> None:
        super().__init__(Asked)
        self.listed = 0
        self._script = script
        self._models = list(models)
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)

    async def answer(self, out: Outgoing, asked: Asked) -> bool:
        match asked.path:
            case "/v1/models":
                self.listed += 1
                listed = [{"id": name, "object": "model"} for name in self._models]
                await out.whole(json.dumps({"object": "list", "data": listed}).encode())
                return True
            case "/v1/chat/completions" | "/v1/embeddings":
                self.keep(asked)
                return await self._complete(out, asked, self._script(asked))
        await out.whole(b"404 page not found", "text/plain", 404)
        return True

    async def _complete(self, out: Outgoing, asked: Asked, answer: Answer) -> bool:
        model = asked.body.get("model", "")
        match answer:
            case Hang(after):
                if after:
                    await out.begin()
                    await out.data(_event(_chunk(model, {"content": after})))
                return await self.hang(out)
            case Cut(gently):
                await out.begin()
                await out.data(_event(_chunk(model, {"content": "Half an ans"})))
                if gently:
                    await out.finish()
                return gently
            case Fault(status, message, code, headers):
                error = {"error": {"message": message, "type": "scripted", "code": code}}
                await out.whole(json.dumps(error).encode(), status=status, headers=headers)
            case Raw(body, content_type, status, headers):
                await out.whole(body, content_type, status, headers)
            case Chunks(pieces, hangs):
                await out.begin()
                for piece in pieces:
                    await out.data(_event(piece))
                if hangs:
                    return await self.hang(out)
                await out.finish()
            case Vectors(vectors):
                data = [{"index": index, "embedding": each} for index, each in enumerate(vectors)]
                read = sum(map(size_in_tokens, asked.body["input"]))
                body = {"object": "list", "data": data, "usage": {"prompt_tokens": read}}
                await out.whole(json.dumps(body).encode())
            case Reply():
                await self._reply(out, asked, self._counted(asked, answer))
        return True

    async def _reply(self, out: Outgoing, asked: Asked, reply: Reply) -> None:
        model = asked.body.get("model", "")
        if not asked.body.get("stream"):
            await out.whole(json.dumps(whole(model, reply)).encode())
            return
        await out.begin()
        for number, piece in enumerate(_pieces(model, reply)):
            await trio.sleep(reply.pause if number else 0)
            if reply.gate is not None:
                await reply.gate(number)
            await out.data(_event(piece))
        await out.data(_event("[DONE]"))
        await out.finish()

    def _counted(self, asked: Asked, reply: Reply) -> Reply:
        """The answer with about the usage that a real one would have: of a long beginning that was read
        before, the most comes from the cache."""
        if reply.usage is not None:
            return reply
        read = json.dumps([asked.body.get("tools"), asked.body["messages"]], ensure_ascii=False)
        known = max((_in_common(read, seen) for seen in self._seen), default=0)
        self._seen.append(read)
        cached = known // 4 // _CACHED_BY * _CACHED_BY
        inputs = (given if isinstance(given, str) else json.dumps(given) for _, given in reply.calls)
        wrote = sum(map(size_in_tokens, [reply.content, *inputs]))
        usage = {
            "prompt_tokens": size_in_tokens(read),
            "completion_tokens": wrote,
            "prompt_tokens_details": {"cached_tokens": cached if cached >= _CACHED_FROM else 0},
        }
        return replace(reply, usage=usage)


def chat_api(
    script: Script, *, models: Iterable[str] = ("scripted",), port: int = 0
) -> AbstractAsyncContextManager[ChatApi]:
    """Serve on 127.0.0.1 while the context is open."""
    return serving(ChatApi(script, models), port=port, path="/v1")


def whole(model: str, reply: Reply) -> dict[str, Any]:
    """The answer in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.content or None}
    if reply.calls:
        message["tool_calls"] = [_call(number, *call) for number, call in enumerate(reply.calls)]
    if reply.refusal:
        message["refusal"] = reply.refusal
    choice = {"index": 0, "message": message, "finish_reason": reply.ending}
    return {"id": "chatcmpl-scripted", "object": "chat.completion", "model": model} | {
        "choices": [choice],
        "usage": dict(reply.usage or {}),
    }


def _in_common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _event(piece: Mapping[str, Any] | str) -> bytes:
    data = piece if isinstance(piece, str) else json.dumps(piece)
    return f"data: {data}\n\n".encode()


def _pieces(model: str, reply: Reply) -> Iterable[dict[str, Any]]:
    """The answer as it is streamed: words and tools' inputs a few letters at a time, then the ending,
    then what it cost."""
    yield _chunk(model, {"role": "assistant", "content": ""})
    for part in split(reply.content):
        yield _chunk(model, {"content": part})
    if reply.refusal:
        yield _chunk(model, {"refusal": reply.refusal})
    for number, (name, params) in enumerate(reply.calls):
        call = _call(number, name, params)
        given = call["function"]["arguments"]
        begun = {**call, "index": number, "function": {"name": name, "arguments": ""}}
        yield _chunk(model, {"tool_calls": [begun]})
        for part in split(given):
            yield _chunk(model, {"tool_calls": [{"index": number, "function": {"arguments": part}}]})
    yield _chunk(model, {}, reply.ending)
    if reply.usage:
        yield {"object": "chat.completion.chunk", "choices": [], "usage": dict(reply.usage)}


def _chunk(model: str, delta: Mapping[str, Any], ending: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": dict(delta), "finish_reason": ending}
    return {"object": "chat.completion.chunk", "model": model, "choices": [choice], "usage": None}


def _call(number: int, name: str, params: Any) -> dict[str, Any]:
    given = params if isinstance(params, str) else json.dumps(params)
    function = {"name": name, "arguments": given}
    return {"id": f"call_{number}", "type": "function", "function": function}


if __name__ == "__main__":
    main("a Chat Completions server", lambda words, port: chat_api(companion(words), port=port))
