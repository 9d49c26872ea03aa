"""A local server that speaks Chat Completions: scripted answers, what it is asked kept.

In tests: `async with chat_api(script) as api`. By hand, for a whole swarm without a real model:
`python tests/support/chat_api.py` prints its URL; start the swarm with OPENAI_BASE_URL set to it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import h11
import trio

MAX_BODY = 4 << 20


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

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

    `pause` is seconds before each piece but the first.
    """

    content: str = ""
    calls: tuple[tuple[str, Any], ...] = ()
    ending: str = "stop"
    refusal: str = ""
    usage: Mapping[str, Any] = field(
        default_factory=lambda: {"prompt_tokens": 100, "completion_tokens": 10}
    )
    pause: float = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in the API's shape. `headers` may hold a retry-after."""

    status: int
    message: str = "scripted"
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raw:
    """Any body at all."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Chunks:
    """A stream of these pieces, as they are; nothing after them, or, if it `hangs`, not even its end."""

    pieces: tuple[Mapping[str, Any] | str, ...]
    hangs: bool = False


@dataclass(frozen=True, slots=True)
class Cut:
    """Half a stream, then the connection is closed; or, `gently`, the stream ends as a whole one."""

    gently: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer for as long as the client waits; `after` says that much of one, and then nothing."""

    after: str = ""


Answer = Reply | Fault | Raw | Chunks | Cut | Hang
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
            return text(json.dumps(_sample(asked.schema)))
        return speaks(words)

    return script


class ChatApi:
    """The running server.

    Attributes:
        url: what to set OPENAI_BASE_URL to.
        asked: the requests for completions, in order.
        listed: how often its models were asked for.
        hung_up: how many clients closed their connection while they were owed an answer.
    """

    def __init__(self, script: Script, models: Iterable[str]) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.listed = 0
        self.hung_up = 0
        self._script = script
        self._models = list(models)
        self._changed = trio.Event()

    async def until(self, condition: Callable[[ChatApi], bool]) -> None:
        """Wait until something that the server counts is so."""
        while not condition(self):
            await self._changed.wait()

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one client until it leaves."""
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_BODY)
        try:
            while (asked := await _receive(connection, stream)) is not None:
                if not await self._answer(_Outgoing(connection, stream), asked):
                    break
                connection.start_next_cycle()
        except trio.BrokenResourceError:
            self._hang_up()
        finally:
            await trio.aclose_forcefully(stream)

    async def _answer(self, out: _Outgoing, asked: Asked) -> bool:
        match asked.path:
            case "/v1/models":
                self.listed += 1
                listed = [{"id": name, "object": "model"} for name in self._models]
                await out.whole(json.dumps({"object": "list", "data": listed}).encode())
                return True
            case "/v1/chat/completions":
                self.asked.append(asked)
                self._notify()
                return await self._complete(out, asked, self._script(asked))
        await out.whole(b"404 page not found", "text/plain", 404)
        return True

    async def _complete(self, out: _Outgoing, asked: Asked, answer: Answer) -> bool:
        model = asked.body.get("model", "")
        match answer:
            case Hang(after):
                if after:
                    await out.begin()
                    await out.event(_chunk(model, {"content": after}))
                await out.stream.receive_some(1)
                self._hang_up()
                return False
            case Cut(gently):
                await out.begin()
                await out.event(_chunk(model, {"content": "Half an ans"}))
                if gently:
                    await out.finish()
                return gently
            case Fault(status, message, code, headers):
                error = {"error": {"message": message, "type": "scripted", "code": code}}
                await out.whole(json.dumps(error).encode(), status=status, headers=headers)
            case Raw(body, content_type, status):
                await out.whole(body, content_type, status)
            case Chunks(pieces, hangs):
                await out.begin()
                for piece in pieces:
                    await out.event(piece)
                if hangs:
                    await out.stream.receive_some(1)
                    self._hang_up()
                    return False
                await out.finish()
            case Reply() if asked.body.get("stream"):
                await out.begin()
                for number, piece in enumerate(_pieces(model, answer)):
                    await trio.sleep(answer.pause if number else 0)
                    await out.event(piece)
                await out.event("[DONE]")
                await out.finish()
            case Reply():
                await out.whole(json.dumps(whole(model, answer)).encode())
        return True

    def _hang_up(self) -> None:
        self.hung_up += 1
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@asynccontextmanager
async def chat_api(
    script: Script, *, models: Iterable[str] = ("scripted",), port: int = 0
) -> AsyncIterator[ChatApi]:
    """Serve on 127.0.0.1 while the context is open."""
    api = ChatApi(script, models)
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    api.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}/v1"
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, api.serve, listeners)
        yield api
        nursery.cancel_scope.cancel()


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
        "usage": dict(reply.usage),
    }


@dataclass(slots=True)
class _Outgoing:
    connection: h11.Connection
    stream: trio.SocketStream

    async def whole(
        self,
        body: bytes,
        content_type: str = "application/json",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        fields = [("content-type", content_type), ("content-length", str(len(body)))]
        fields += list((headers or {}).items())
        await self._send(h11.Response(status_code=status, headers=fields))
        await self._send(h11.Data(data=body))
        await self.finish()

    async def begin(self) -> None:
        fields = [("content-type", "text/event-stream; charset=utf-8")]
        await self._send(h11.Response(status_code=200, headers=fields))

    async def event(self, piece: Mapping[str, Any] | str) -> None:
        data = piece if isinstance(piece, str) else json.dumps(piece)
        await self._send(h11.Data(data=f"data: {data}\n\n".encode()))

    async def finish(self) -> None:
        await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        await self.stream.send_all(self.connection.send(event) or b"")


async def _receive(connection: h11.Connection, stream: trio.SocketStream) -> Asked | None:
    head, body = None, bytearray()
    while True:
        match connection.next_event():
            case h11.NEED_DATA:
                connection.receive_data(await stream.receive_some(65_536))
            case h11.Request() as head:
                pass
            case h11.Data(data=data):
                body += data
                if len(body) > MAX_BODY:
                    return None
            case h11.EndOfMessage():
                assert head is not None
                headers = {name.decode(): value.decode() for name, value in head.headers}
                return Asked(head.target.decode(), headers, json.loads(body or b"{}"))
            case _:
                return None


def _pieces(model: str, reply: Reply) -> Iterable[dict[str, Any]]:
    """The answer as it is streamed: words and tools' inputs a few letters at a time, then the ending,
    then what it cost."""
    yield _chunk(model, {"role": "assistant", "content": ""})
    for part in _split(reply.content):
        yield _chunk(model, {"content": part})
    if reply.refusal:
        yield _chunk(model, {"refusal": reply.refusal})
    for number, (name, params) in enumerate(reply.calls):
        call = _call(number, name, params)
        given = call["function"]["arguments"]
        begun = {**call, "index": number, "function": {"name": name, "arguments": ""}}
        yield _chunk(model, {"tool_calls": [begun]})
        for part in _split(given):
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


def _split(whole: str, size: int = 8) -> list[str]:
    return [whole[start : start + size] for start in range(0, len(whole), size)]


def _sample(schema: Mapping[str, Any]) -> Any:
    """Something of the form that `schema` describes, on the affirmative side."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: _sample(each) for name, each in schema.get("properties", {}).items()}
        case "array":
            return []
        case "boolean":
            return True
        case "number" | "integer":
            return 7
        case "null":
            return None
        case _:
            return "scripted"


async def _main(port: int, words: str) -> None:
    async with chat_api(companion(words), port=port) as api:
        print(api.url, flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A scripted stand-in for a Chat Completions server.")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--words", default="These words come from the scripted model.")
    options = parser.parse_args()
    try:
        trio.run(_main, options.port, options.words)
    except* KeyboardInterrupt:
        pass
