"""Bodies of HTTP responses that must have an end. Loads the HTTP client: to be imported late."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

__all__ = ["bound"]


def bound(response: httpx2.Response, size: int) -> None:
    """See that of the body of `response` no more than `size` bytes are kept. A longer one is a fault of
    the connection, once it has ended; one without an end is read until the caller gives up."""
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream, size)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, size: int) -> None:
        self._stream = stream
        self._left = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left >= 0:
                yield chunk
        # Not earlier, since that would leave the client's iterators to the garbage collector
        if self._left < 0:
            raise httpx2.RemoteProtocolError("the answer is too long")

    async def aclose(self) -> None:
        await self._stream.aclose()
