"""Bodies of HTTP responses that must have an end. Loads the HTTP client: to be imported late."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

__all__ = ["bound"]


def bound(response: httpx2.Response, size: int) -> None:
    """See that of the body of `response` no more than `size` bytes are kept. The rest is read and
    dropped, until it ends or the caller gives up."""
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = _Bounded(response.stream, size)


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, size: int) -> None:
        self._stream = stream
        self._left = size

    async def __aiter__(self) -> AsyncIterator[bytes]:
        # To stop earlier would leave the client's iterators to the garbage collector
        async for chunk in self._stream:
            kept = chunk[: self._left]
            self._left -= len(kept)
            if kept:
                yield kept

    async def aclose(self) -> None:
        await self._stream.aclose()
