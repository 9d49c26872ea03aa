from __future__ import annotations

import socket

import pytest

from aikyo.door import address_of, listen, own_origins, refusal
from aikyo.errors import UsageError

PAGE = own_origins("http://127.0.0.1:3000")


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.0.0.2", "[::1]:80"]
)
def test_our_own_names_are_let_in(host: str) -> None:
    assert refusal(host, (), PAGE) is None


@pytest.mark.parametrize(
    "host",
    [None, "", "evil.example", "127.0.0.1.evil.example", "localhost.", "localhost:80@evil", "::1"],
)
def test_any_other_name_is_refused(host: str | None) -> None:
    assert refusal(host, (), PAGE) is not None


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:3000", "http://localhost:3000", "HTTP://[::1]:3000"]
)
def test_our_own_page_is_let_in(origin: str) -> None:
    assert refusal("localhost", (origin,), PAGE) is None


@pytest.mark.parametrize(
    "origin", ["null", "", "http://localhost:3001", "https://localhost:3000", "http://evil.example:3000"]
)
def test_other_pages_are_refused(origin: str) -> None:
    assert refusal("localhost", (origin,), PAGE) is not None
    assert refusal("localhost", ("http://localhost:3000", origin), PAGE) is not None


async def test_a_free_port_is_found_and_named() -> None:
    async with await listen("localhost", 0, flag="--port") as listener:
        host, _, port = address_of(listener).rpartition(":")
        assert host == "127.0.0.1"
        assert int(port) > 0


async def test_a_taken_port_is_told_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"port {port} on 127.0.0.1 is in use.*--gateway-port"):
            await listen("127.0.0.1", port, flag="--gateway-port")


@pytest.mark.parametrize(
    ("host", "port"), [("0.0.0.0", 0), ("192.0.2.1", 0), ("example.com", 0), ("127.0.0.1", 70000)]
)
async def test_where_nobody_can_or_should_listen_is_refused(host: str, port: int) -> None:
    with pytest.raises(UsageError):
        await listen(host, port, flag="--port")
