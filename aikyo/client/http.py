"""One HTTP request, with what the stream's client has loaded already (h11, trio).

A whole HTTP client would take longer to import than everything else that `aikyo say` does.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import urlsplit

import h11
import trio

__all__ = ["HttpError", "request"]

MAX_ANSWER = 4 << 20


class HttpError(Exception):
    """Nobody answers there, or not in HTTP."""


async def request(method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
    """Ask, on a connection of its own, which cancellation closes at once; deadlines are the caller's.

    Args:
        method: ``GET`` or ``POST``.
        url: ``http://HOST:PORT/PATH``, with or without a query.
        body: JSON.

    Returns:
        The status, and the answer's body.

    Raises:
        HttpError: it did not work; why is in `str()`.
    """
    parts = urlsplit(url)
    connection = h11.Connection(h11.CLIENT)
    headers = [("Host", parts.netloc), ("Connection", "close")]
    if body is not None:
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    asked = connection.send(h11.Request(method=method, target=target, headers=headers)) or b""
    asked += connection.send(h11.Data(data=body or b"")) or b""
    asked += connection.send(h11.EndOfMessage()) or b""
    try:
        async with await trio.open_tcp_stream(parts.hostname or "", parts.port or 80) as stream:
            # A server may refuse a body before it has read all of it; its answer is there to be read
            with suppress(trio.BrokenResourceError):
                await stream.send_all(asked)
            return await _receive(stream, connection)
    except (OSError, trio.BrokenResourceError, h11.RemoteProtocolError) as error:
        raise HttpError(str(error)) from None


async def _receive(stream: trio.SocketStream, connection: h11.Connection) -> tuple[int, bytes]:
    status, answer = 0, bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.receive_some())
        elif isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            answer += event.data
            if len(answer) > MAX_ANSWER:
                raise HttpError(f"the answer is over {MAX_ANSWER} bytes")
        elif isinstance(event, h11.EndOfMessage):
            return status, bytes(answer)
        elif isinstance(event, h11.ConnectionClosed):
            raise HttpError("the connection was closed before an answer")
