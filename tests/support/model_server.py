"""What the local servers that stand in for models have in common: HTTP, a script, what is asked kept."""

from __future__ import annotations

import argparse
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import h11
import trio

MAX_BODY = 4 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Raw:
    """Any body at all."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Outgoing:
    """The answer to one request, on its way."""

    connection: h11.Connection
    stream: trio.SocketStream
    headers: Mapping[str, str] = field(default_factory=dict)

    async def whole(
        self,
        body: bytes,
        content_type: str = "application/json",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """All of it at once."""
        await self.begin(content_type, status, {"content-length": str(len(body))} | dict(headers or {}))
        await self.data(body)
        await self.finish()

    async def begin(
        self,
        content_type: str = "text/event-stream; charset=utf-8",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Its head; without a content-length in `headers` the body comes in pieces."""
        fields = {"content-type": content_type, **self.headers, **(headers or {})}
        await self._send(h11.Response(status_code=status, headers=list(fields.items())))

    async def data(self, body: bytes) -> None:
        """A part of its body."""
        await self._send(h11.Data(data=body))

    async def finish(self) -> None:
        """Its end."""
        await self._send(h11.EndOfMessage())

    async def _send(self, event: h11.Event) -> None:
        await self.stream.send_all(self.connection.send(event) or b"")


A = TypeVar("A", bound=Request)


class ModelServer(ABC, Generic[A]):
    """The running server.

    Args:
        asked: the form in which requests are kept.

    Attributes:
        url: where it is.
        asked: the requests, in order.
        clients: how many connections there were.
        hung_up: how many clients closed their connection while they were owed an answer.
    """

    def __init__(self, asked: Callable[[str, Mapping[str, str], Mapping[str, Any]], A]) -> None:
        self.url = ""
        self.asked: list[A] = []
        self.clients = 0
        self.hung_up = 0
        self._form = asked
        self._changed = trio.Event()

    async def until(self, condition: Callable[[Any], bool]) -> None:
        """Wait until something that the server counts is so."""
        while not condition(self):
            await self._changed.wait()

    async def serve(self, stream: trio.SocketStream) -> None:
        """Answer one client until it leaves."""
        self.clients += 1
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_BODY)
        try:
            while (received := await _receive(connection, stream)) is not None:
                asked = self._form(*received)
                if not await self.answer(Outgoing(connection, stream), asked):
                    break
                connection.start_next_cycle()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._hang_up()
        finally:
            await trio.aclose_forcefully(stream)

    @abstractmethod
    async def answer(self, out: Outgoing, asked: A) -> bool:
        """Answer one request; returns whether that was all of the answer, so that another may come."""

    def keep(self, asked: A) -> None:
        """Count a request."""
        self.asked.append(asked)
        self._notify()

    async def hang(self, out: Outgoing) -> bool:
        """Say nothing (more) until the client leaves."""
        await out.stream.receive_some(1)
        self._hang_up()
        return False

    def _hang_up(self) -> None:
        self.hung_up += 1
        self._notify()

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


S = TypeVar("S", bound=ModelServer[Any])


@asynccontextmanager
async def serving(api: S, *, port: int = 0, path: str = "") -> AsyncIterator[S]:
    """Serve on 127.0.0.1 while the context is open; `path` is the end of its URL."""
    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1")
    api.url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}{path}"
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, api.serve, listeners)
        yield api
        nursery.cancel_scope.cancel()


async def _receive(
    connection: h11.Connection, stream: trio.SocketStream
) -> tuple[str, Mapping[str, str], Mapping[str, Any]] | None:
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
                return head.target.decode(), headers, json.loads(body or b"{}")
            case _:
                return None


def split(whole: str, size: int = 8) -> list[str]:
    """In pieces, as a stream brings it."""
    return [whole[start : start + size] for start in range(0, len(whole), size)]


def size_in_tokens(body: Any) -> int:
    """About how many tokens a text, or a part of a request, has."""
    whole = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    return len(whole) // 4 + 1


def sample(schema: Mapping[str, Any]) -> Any:
    """Something of the form that `schema` describes, on the affirmative side."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            return {name: sample(each) for name, each in schema.get("properties", {}).items()}
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


def main(what: str, serve: Callable[[str, int], AbstractAsyncContextManager[ModelServer[Any]]]) -> None:
    """Serve by hand: print the URL, and go on until Ctrl-C.

    Args:
        what: the API, for the help.
        serve: serves a companion that says these words, on this port.
    """
    parser = argparse.ArgumentParser(description=f"A scripted stand-in for {what}.")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--words", default="These words come from the scripted model.")
    options = parser.parse_args()

    async def run() -> None:
        async with serve(options.words, options.port) as api:
            print(api.url, flush=True)
            await trio.sleep_forever()

    try:
        trio.run(run)
    except* KeyboardInterrupt:
        pass
