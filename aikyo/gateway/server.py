"""The HTTP server: hypercorn's connections on listeners and sockets of our own."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any, NoReturn

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState
from starlette.types import ASGIApp

from ..door import address_of, listen, own_origins
from .app import make_app
from .control import Control

__all__ = ["serve_gateway"]

MAX_CONNECTIONS = 256
SEND_DEADLINE = 10.0
REQUEST_DEADLINE = 75.0
"""Seconds that a request may take; a new session is waited for for up to a minute."""

IDLE_DEADLINE = 10.0
"""Seconds in which a connection without a request must bring one. hypercorn closes idle ones after
less, but not those that have switched to HTTP/2."""

_log = logging.getLogger(__name__)


async def serve_gateway(
    control: Control,
    *,
    new_id: Callable[[], str],
    host: str = "127.0.0.1",
    port: int = 3000,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> NoReturn:
    """Serve the HTTP API until cancelled, which cuts every connection at once.

    Args:
        control: the swarm.
        new_id: gives an id to a context that has none.
        host: a loopback address.
        port: 0 picks a free one.
        task_status: is given the URL that is really served.

    Raises:
        UsageError: the port cannot be had.
    """
    listener = await listen(host, port, flag="--gateway-port")
    url = f"http://{address_of(listener)}"
    connections = _Connections(make_app(control, new_id=new_id, origins=own_origins(url)))
    async with listener, trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, connections.handle, [listener])
        task_status.started(url)
        try:
            await trio.sleep_forever()
        finally:
            connections.cut()


class _Connections:
    """Everyone who is connected now; what goes wrong with one stays with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._config = Config()
        self._config.errorlog = _log
        self._config.include_server_header = False
        self._context = WorkerContext(max_requests=None)
        self._open: set[_Stream] = set()

    async def handle(self, socket: trio.SocketStream) -> None:
        """Serve one connection; over the limit it is closed at once."""
        if len(self._open) >= MAX_CONNECTIONS:
            _log.warning("more than %d connections: one was closed", MAX_CONNECTIONS)
            return
        stream = _Stream(socket)
        self._open.add(stream)
        try:
            with stream.life:
                app = ASGIWrapper(self._within_deadline(stream))
                # hypercorn types the stream as TLS, and asks no more of it than the interface
                await TCPServer(app, self._config, self._context, ConnectionState({}), stream)  # type: ignore[arg-type]
        except* Exception:
            _log.warning("a connection broke", exc_info=True)
        finally:
            self._open.discard(stream)

    def _within_deadline(self, stream: _Stream) -> ASGIFramework:
        """The app for one connection, which is cut when a request takes too long or none comes.

        hypercorn waits for ever for an app to take the rest of a body that it has answered already.
        """
        stream.life.deadline = trio.current_time() + IDLE_DEADLINE
        under_way = 0

        async def app(scope: Any, receive: Any, send: Any) -> None:
            nonlocal under_way
            under_way += 1
            stream.life.deadline = math.inf
            try:
                with trio.move_on_after(REQUEST_DEADLINE):
                    await self._app(scope, receive, send)
                    return
                stream.cut()
            finally:
                under_way -= 1
                if not under_way:
                    stream.life.deadline = trio.current_time() + IDLE_DEADLINE

        return app

    def cut(self) -> None:
        """Close all of them, whatever is being sent or awaited."""
        for stream in self._open:
            stream.cut()


class _Stream(trio.abc.HalfCloseableStream):
    """A connection whose sends have an end.

    hypercorn shields its sends from cancellation and gives them no deadline, so that one client that
    does not read would hold up the end of the program for ever.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self.life = trio.CancelScope()  # around all that is done for this connection
        self.socket = stream.socket  # where hypercorn looks for both ends' addresses
        self._stream = stream

    def cut(self) -> None:
        """End it at once, whatever is being sent or awaited; what is shielded loses its socket."""
        self.socket.close()
        self.life.cancel()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        with trio.move_on_after(SEND_DEADLINE):
            await self._stream.send_all(data)
            return
        self.cut()
        raise trio.BrokenResourceError("the client does not read")

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        await self._stream.aclose()
