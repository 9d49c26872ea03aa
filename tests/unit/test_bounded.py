"""Bodies of HTTP responses have an end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from aikyo.brain.models.bounded import bound


class Body(httpx2.AsyncByteStream):
    def __init__(self, *chunks: bytes) -> None:
        self.left = list(chunks)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.left:
            yield self.left.pop(0)


@pytest.mark.parametrize(
    ("chunks", "kept"),
    [
        ((b"short",), b"short"),
        ((b"just", b"ten by"), b"justten by"),
        ((b"a bit", b" over it"), b"a bit over"),
        ((b"0123456789", b"x" * 99, b"x" * 99), b"0123456789"),
    ],
)
async def test_of_a_body_without_an_end_the_beginning_is_kept(
    chunks: tuple[bytes, ...], kept: bytes
) -> None:
    body = Body(*chunks)
    response = httpx2.Response(500, stream=body)
    bound(response, 10)
    assert await response.aread() == kept
    assert body.left == []  # read to its end, so that the connection is clean
