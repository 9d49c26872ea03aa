"""`aikyo peers` as lines."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from aikyo.cli.peer_lines import peer_lines
from aikyo.wire import MeshStatus, PeerStatus

PEER = "12D3KooWGatU9DLhqRyHALw8V3MMVxcRc4xVWxR9ZdW3fQnZ"
LAN = f"/ip4/192.168.1.5/tcp/4001/p2p/{PEER}fire"
LOOPBACK = f"/ip4/127.0.0.1/tcp/4001/p2p/{PEER}fire"


def peer(end: str, state: Any, **fields: Any) -> PeerStatus:
    return PeerStatus(peer=PEER + end, state=state, **fields)


OURS = (
    peer("fire", "own", name="firehose", found="own"),
    peer("alic", "own", companion="companion_alice", name="Alice", found="own", since=1000.0),
)
CAROL = peer(
    "caro",
    "connected",
    companion="companion_carol",
    name="Carol",
    agent="js-libp2p/2.9.0",
    found="mdns",
    addresses=("/ip4/192.168.1.7/tcp/40123", "/ip4/10.0.0.7/tcp/40123"),
    neighbours=("companion_alice", "firehose"),
    since=940.0,
)
EVE = peer(
    "evee",
    "refused",
    companion="companion_carol",
    found="inbound",
    reason=f"companion_carol is pinned to {PEER}caro; `aikyo peers forget carol` frees it",
    counters={"pinned": 12, "spoofed": 3},
    since=700.0,
)
NOBODY = PeerStatus(peer="", state="refused", addresses=("192.168.1.9",), reason="has no network key")
ALL = MeshStatus(addresses=(LOOPBACK, LAN), peers=(*OURS, EVE, CAROL, NOBODY), mesh="attic")


def lines(status: MeshStatus = ALL, width: int | None = None, **more: Any) -> list[str]:
    return peer_lines(status, 1000.0, width=width, **more)


def test_others_are_told_how_to_join_and_real_addresses_go_first() -> None:
    ways = [line for line in lines() if "--bootstrap" in line]
    assert ways == [f"aikyo up --mesh attic --bootstrap {where}" for where in (LAN, LOOPBACK)]
    private = MeshStatus(addresses=(LAN,), peers=OURS, private=True)
    assert lines(private)[1] == f"aikyo up --network-key FILE --bootstrap {LAN}"


def test_in_a_pipe_each_peer_is_one_line_with_all_of_it() -> None:
    heading, *rows = lines()[-6:]
    assert heading.split() == ["WHO", "STATE", "SINCE", "FOUND", "PEER", "WITH", "WHERE", "RUNS", "WHY"]
    assert [row.split()[:2] for row in rows] == [
        ["alice", "own"],
        ["firehose", "own"],
        ["carol", "connected"],
        ["192.168.1.9", "refused"],
        ["carol", "refused"],
    ]
    carol, _, eve = rows[2:]
    for part in (CAROL.peer, "1m", "mdns", "alice, firehose", ",".join(CAROL.addresses), CAROL.agent):
        assert part in carol
    assert EVE.reason in eve
    assert "(pinned 12, spoofed 3)" in eve
    assert carol.index("alice,") == heading.index("WITH")


@pytest.mark.parametrize("width", [20, 60, 80, 200])
def test_a_terminal_is_never_overrun_but_by_what_is_to_be_copied(width: int) -> None:
    shown = lines(width=width)
    overrun = [line for line in shown if cell_len(line) > max(width, 56)]
    assert all("--bootstrap" in line for line in overrun)
    text = " ".join(" ".join(shown).split())
    assert "192.168.1.7:40123" in text
    assert "connected with alice, firehose" in text
    assert "…fQnZcaro" in text


def test_who_is_alone_is_told_what_to_do() -> None:
    text = " ".join(lines(MeshStatus(addresses=(LAN,), peers=OURS, mesh="attic"), width=60))
    assert "Nobody else is on the mesh yet" in text
    assert "aikyo up --mesh attic" in text
    assert "Nobody else" not in " ".join(lines())


def test_what_others_are_called_does_nothing_to_the_terminal() -> None:
    escape = "\x1b]0;title\x07"
    bad = peer("evil", "connected", companion="companion_\x1b[2J\nalice", name=escape, agent=escape)
    for width in (None, 80):
        shown = lines(MeshStatus(addresses=(), peers=(bad,)), width=width)
        assert not any("\x1b" in line or "\n" in line for line in shown)


def test_colours_only_where_they_are_wanted() -> None:
    assert not any("\x1b" in line for line in lines(width=80))
    coloured = [line for line in lines(width=80, color=True) if "\x1b" in line]
    assert len(coloured) == 3
