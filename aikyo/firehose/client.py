"""One WebSocket client: what it may have, what it sends, and when it is let go.

Frames are written by hand, all that waits in one go: they are the same bytes for every client, and
trio-websocket's own `send_message` would build each anew. That touches two private names of
trio-websocket 0.12, `_stream` and `_stream_lock`; nothing else in the house does.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

import msgspec
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from ..wire import MAX_MESSAGE
from .frames import text_frame
from .hub import Subscription

__all__ = ["Client"]

WRITE_DEADLINE = 10.0
"""Seconds in which a client must take what is written to it."""

PING_EVERY = 20.0
"""Seconds between pings, and how long an answer may take."""

GOODBYE_DEADLINE = 0.2
GOING_AWAY = 1001
TOO_BIG = 1009


class Client:
    """A connection with a deadline on everything that is written.

    Args:
        connection: after the handshake.
        rich: whether it speaks `/v1/stream`; otherwise it has the original form.
    """

    def __init__(self, connection: WebSocketConnection, *, rich: bool) -> None:
        self.rich = rich
        self._connection = connection
        self._torn = False

    async def messages(self) -> AsyncGenerator[str | None, None]:
        """What it sends, until it closes: the text of each frame, or None for a binary one.

        A frame over the limit ends the connection with 1009.
        """
        while True:
            try:
                message = await self._connection.get_message()
            except ConnectionClosed:
                return
            if isinstance(message, str) and len(message.encode()) > MAX_MESSAGE:
                await self.part(TOO_BIG, f"over {MAX_MESSAGE} bytes")
                return
            yield message if isinstance(message, str) else None

    async def feed(self, subscription: Subscription) -> None:
        """Write what `subscription` brings, for ever, telling of what it has missed.

        Raises:
            trio.TooSlowError: the client does not take it in time.
            trio.BrokenResourceError: the client has gone.
        """
        told = 0
        while True:
            frames = await subscription.take()
            parts = [frame.rich if self.rich else frame.bare for frame in frames]
            if subscription.dropped > told:
                missed, told = subscription.dropped - told, subscription.dropped
                parts.insert(0, text_frame(msgspec.json.encode({"dropped": missed})))
            await self._write(parts)

    async def tell(self, payload: bytes) -> None:
        """Write one JSON object. Raises as `feed` does."""
        await self._write((text_frame(payload),))

    async def keep_alive(self) -> None:
        """Ping it now and then, for ever.

        Raises:
            trio.TooSlowError: no answer in time.
            ConnectionClosed: it has gone.
        """
        while True:
            await trio.sleep(PING_EVERY)
            with trio.fail_after(PING_EVERY):
                await self._connection.ping()

    async def part(self, code: int = GOING_AWAY, reason: str | None = None) -> None:
        """Close it, if it has not closed itself, waiting 0.2 s for its goodbye even when cancelled."""
        if self._torn:
            return
        with trio.move_on_after(GOODBYE_DEADLINE, shield=True):
            await self._connection.aclose(code, reason)

    async def _write(self, frames: Iterable[bytes]) -> None:
        connection = self._connection
        with trio.fail_after(WRITE_DEADLINE):
            async with connection._stream_lock:
                if connection.closed is not None:  # nothing may follow a close frame (RFC 6455, 5.5.1)
                    return
                await trio.lowlevel.checkpoint_if_cancelled()
                self._torn = True  # a frame that is cut off can be followed by nothing
                await connection._stream.send_all(b"".join(frames))
                self._torn = False
