"""Peers that are named by hand: how they are read, and how their names are looked up."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from aikyo.errors import UsageError
from aikyo.mesh.finding.bootstrap import Bootstrap, parse_bootstrap, resolve

PEER = "12D3KooWP89sveD2nscDrpQGpN11WG8SNwNiLz5AA3y4WDiRcfHN"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}", "/ip4/192.0.2.7/tcp/4001"),
        (f" /dns4/mesh.example.org/tcp/65535/p2p/{PEER}/\n", "/dns4/mesh.example.org/tcp/65535"),
        (f"/dns/alice-pc/tcp/1/p2p/{PEER}", "/dns/alice-pc/tcp/1"),
    ],
)
def test_what_is_understood(text: str, address: str) -> None:
    assert parse_bootstrap(text) == Bootstrap(PEER, address)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no address of a peer"),
        ("192.0.2.7:4001", "is no address of a peer"),
        ("/ip4/192.0.2.7/tcp/4001", r"it needs /p2p/<peer id> at its end.*aikyo peers"),
        (f"/ip4/192.0.2.7/udp/4001/p2p/{PEER}", "is no address of a peer"),
        (f"/ip6/::1/tcp/4001/p2p/{PEER}", "use /ip4/ or /dns4/"),
        (f"/ip4/192.0.2.700/tcp/4001/p2p/{PEER}", "'192.0.2.700' is not an IPv4 address"),
        (f"/ip4/0.0.0.0/tcp/4001/p2p/{PEER}", "'0.0.0.0' is not an IPv4 address"),
        (f"/dns4/-x/tcp/4001/p2p/{PEER}", "'-x' is not the name of a machine"),
        (f"/ip4/192.0.2.7/tcp/0/p2p/{PEER}", "no TCP port"),
        (f"/ip4/192.0.2.7/tcp/65536/p2p/{PEER}", "no TCP port"),
        (f"/ip4/192.0.2.7/tcp/٣/p2p/{PEER}", "no TCP port"),
        ("/ip4/192.0.2.7/tcp/4001/p2p/alice", "'alice' is no peer id"),
        (f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER[:-1]}", "is no peer id"),
        (f"/ip4/192.0.2.7/tcp/4001/ws/p2p/{PEER}", "only /p2p/<peer id> may stand"),
        (f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}/p2p-circuit", "only /p2p/<peer id> may stand"),
    ],
)
def test_what_is_wrong_is_told(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse_bootstrap(text)


@given(
    st.one_of(
        st.text(max_size=200),
        st.lists(
            st.sampled_from(["", "ip4", "dns4", "dns", "tcp", "p2p", "127.0.0.1", "1", "x", PEER])
            | st.text(max_size=9),
            max_size=9,
        ).map("/".join),
        st.tuples(st.text(max_size=20), st.text(max_size=8), st.text(max_size=60)).map(
            lambda parts: f"/ip4/{parts[0]}/tcp/{parts[1]}/p2p/{parts[2]}"
        ),
    )
)
@example("/ip4//tcp//p2p/")
@example("/dns4/\ud800/tcp/1/p2p/x")
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(UsageError):
        place = parse_bootstrap(text)
        assert parse_bootstrap(f"{place.address}/p2p/{place.peer}") == place


class Names(trio.abc.HostnameResolver):
    def __init__(self, answer: list[str] | Exception) -> None:
        self.answer = answer
        self.asked: list[Any] = []

    async def getaddrinfo(self, host: Any, *_: Any) -> Any:
        self.asked.append(host)
        if isinstance(self.answer, Exception):
            raise self.answer
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 0)) for ip in self.answer]

    async def getnameinfo(self, *_: Any) -> Any:
        raise NotImplementedError


async def test_a_name_is_looked_up_anew_each_time() -> None:
    names = Names(["192.0.2.1", "192.0.2.1", "192.0.2.2"])
    trio.socket.set_custom_hostname_resolver(names)
    assert await resolve("/dns4/alice.local/tcp/4001") == (
        "/ip4/192.0.2.1/tcp/4001",
        "/ip4/192.0.2.2/tcp/4001",
    )
    names.answer = ["192.0.2.3"]
    assert await resolve("/dns/alice.local/tcp/1") == ("/ip4/192.0.2.3/tcp/1",)
    assert names.asked == [b"alice.local", b"alice.local"]


async def test_a_name_that_nobody_knows_leads_nowhere() -> None:
    trio.socket.set_custom_hostname_resolver(Names(socket.gaierror(-2, "Name or service not known")))
    assert await resolve("/dns4/nobody.invalid/tcp/4001") == ()


async def test_an_address_is_looked_up_nowhere() -> None:
    names = Names([])
    trio.socket.set_custom_hostname_resolver(names)
    assert await resolve("/ip4/192.0.2.1/tcp/4001") == ("/ip4/192.0.2.1/tcp/4001",)
    assert names.asked == []
