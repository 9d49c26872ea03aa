"""A local server that speaks Anthropic's Messages API: scripted answers, what it is asked kept.

In tests: `async with messages_api(script) as api`. By hand, for a whole swarm without a real model:
`python tests/support/messages_api.py` prints its URL; start the swarm with ANTHROPIC_BASE_URL set to it
and any ANTHROPIC_API_KEY.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
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
    """An ordinary answer, whole or, when a stream was asked for, as server-sent events."""

    content: tuple[Mapping[str, Any], ...]
    stop_reason: str = "end_turn"
    usage: Mapping[str, int] = field(default_factory=lambda: {"input_tokens": 100, "output_tokens": 10})
    delay: float = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in the API's shape. `headers` may hold a retry-after."""

    status: int
    type: str = "api_error"
    message: str = "scripted"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Raw:
    """Any body at all."""

    body: bytes
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Cut:
    """Half an answer, then the connection is closed."""


@dataclass(frozen=True, slots=True)
class Hang:
    """No answer for as long as the client waits."""


Answer = Reply | Fault | Raw | Cut | Hang
Script = Callable[[Asked], Answer]


def text(*parts: str, stop_reason: str = "end_turn") -> Reply:
    return Reply(tuple({"type": "text", "text": part} for part in parts), stop_reason)


def calls(*tools: tuple[str, Mapping[str, Any]]) -> Reply:
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
            return text(json.dumps(_sample(asked.schema)))
        return speaks(words)

    return script


class MessagesApi:
    """The running server.

    Attributes:
        url: what to set ANTHROPIC_BASE_URL to.
        asked: the requests, in order.
        hung_up: how many clients closed their connection while they were owed an answer.
    """

    def __init__(self, script: Script) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.hung_up = 0
        self._script = script
        self._changed = trio.Event()

    async def until(self, condition: Callable[[MessagesApi], bool]) -> None:
        """Wait until something that the server counts is so."""
        while not condition(self):
            await self._changed.wait()

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one client until it leaves."""
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_BODY)
        try:
            while (asked := await _receive(connection, stream)) is not None:
                self.asked.append(asked)
                self._notify()
                if not await self._answer(connection, stream, asked):
                    break
                connection.start_next_cycle()
        except trio.BrokenResourceError:
            self._hang_up()
        finally:
            await trio.aclose_forcefully(stream)

    async def _answer(self, connection: h11.Connection, stream: trio.SocketStream, asked: Asked) -> bool:
        if asked.path.partition("?")[0] != "/v1/messages":
            answer: Answer = Fault(404, "not_found_error", "no such path")
        else:
            answer = self._script(asked)
        match answer:
            case Hang():
                await stream.receive_some(1)
                self._hang_up()
                return False
            case Cut():
                whole = json.dumps(_message(asked, speaks("cut off"))).encode()
                await _send(connection, stream, 200, [whole[: len(whole) // 2]], length=len(whole))
                return False
            case Fault(status, kind, message, headers):
                error = {"type": "error", "error": {"type": kind, "message": message}}
                await _send(connection, stream, status, [json.dumps(error).encode()], headers=headers)
            case Raw(body, content_type):
                await _send(connection, stream, 200, [body], content_type)
            case Reply(delay=delay):
                await trio.sleep(delay)
                await self._reply(connection, stream, asked, answer)
        return connection.our_state is h11.DONE

    async def _reply(
        self, connection: h11.Connection, stream: trio.SocketStream, asked: Asked, reply: Reply
    ) -> None:
        message = _message(asked, reply)
        if asked.body.get("stream"):
            await _send(connection, stream, 200, _events(message), "text/event-stream")
        else:
            await _send(connection, stream, 200, [json.dumps(message).encode()])

    def _hang_up(self) -> None:
        self.hung_up += 1
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


@asynccontextmanager
async def messages_api(script: Script, port: int = 0) -> AsyncIterator[MessagesApi]:
    """Serve on 127.0.0.1 while the context is open."""
    api = MessagesApi(script)
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    api.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, api.serve, listeners)
        yield api
        nursery.cancel_scope.cancel()


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


async def _send(
    connection: h11.Connection,
    stream: trio.SocketStream,
    status: int,
    chunks: list[bytes] | Iterator[bytes],
    content_type: str = "application/json",
    *,
    headers: Mapping[str, str] | None = None,
    length: int | None = None,
) -> None:
    fields = [("content-type", content_type), ("request-id", "req_scripted"), *(headers or {}).items()]
    if isinstance(chunks, list):
        fields.append(("content-length", str(length or sum(map(len, chunks)))))
    await stream.send_all(connection.send(h11.Response(status_code=status, headers=fields)) or b"")
    for chunk in chunks:
        await stream.send_all(connection.send(h11.Data(data=chunk)) or b"")
    if length is None:
        await stream.send_all(connection.send(h11.EndOfMessage()) or b"")


def _message(asked: Asked, reply: Reply) -> dict[str, Any]:
    return {
        "id": "msg_scripted",
        "type": "message",
        "role": "assistant",
        "model": asked.body.get("model", ""),
        "content": list(reply.content),
        "stop_reason": reply.stop_reason,
        "stop_sequence": None,
        "usage": dict(reply.usage),
    }


def _events(message: Mapping[str, Any]) -> Iterator[bytes]:
    """The message as the API streams it: each block opened empty, filled by deltas, closed."""
    yield _event("message_start", message={**message, "content": [], "stop_reason": None})
    for index, block in enumerate(message["content"]):
        if block["type"] == "tool_use":
            opened, whole = {**block, "input": {}}, json.dumps(block["input"])
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in _pieces(whole)]
        else:
            opened = {**block, "text": ""}
            deltas = [{"type": "text_delta", "text": part} for part in _pieces(block["text"])]
        yield _event("content_block_start", index=index, content_block=opened)
        for delta in deltas:
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    delta = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage=message["usage"])
    yield _event("message_stop")


def _event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def _pieces(whole: str, size: int = 8) -> list[str]:
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
    async with messages_api(companion(words), port) as api:
        print(api.url, flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A scripted stand-in for Anthropic's Messages API.")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--words", default="These words come from the scripted model.")
    options = parser.parse_args()
    try:
        trio.run(_main, options.port, options.words)
    except* KeyboardInterrupt:
        pass
