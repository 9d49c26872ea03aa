"""Two swarms on one mesh, and `aikyo peers` between them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.support.processes import aikyo, swarm_up


def alone(name: str) -> tuple[str, ...]:
    return ("--listen", "127.0.0.1", "--topic", "", "--brain", "offline", "--profiles", name)


@pytest.fixture
def mesh() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


async def peers(home: Path, condition: Callable[[list[dict[str, Any]]], object]) -> dict[str, Any]:
    """What `aikyo peers` tells, once the condition holds of it."""
    with trio.fail_after(60):
        while True:
            done = await aikyo("peers", "--json", "--home", str(home))
            assert done.code == 0, done.err
            status: dict[str, Any] = json.loads(done.out)
            if condition(status["peers"]):
                return status
            await trio.sleep(0.2)


def has(companion: str, state: str) -> Callable[[list[dict[str, Any]]], object]:
    return lambda known: (companion, state) in [(one["companion"], one["state"]) for one in known]


async def test_others_are_seen_blocked_and_let_in_again(tmp_path: Path, mesh: str) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    async with (
        swarm_up(one, *alone("alice"), mesh=mesh, companions=1),
        swarm_up(two, *alone("bob"), mesh=mesh, companions=1),
    ):
        status = await peers(one, has("companion_bob", "connected"))
        own = {peer["companion"] or peer["name"] for peer in status["peers"] if peer["state"] == "own"}
        assert own == {"companion_alice", "firehose"}
        firehose = next(peer["peer"] for peer in status["peers"] if peer["name"] == "firehose")
        assert status["addresses"][0].endswith(f"/p2p/{firehose}")
        assert status["mesh"] == mesh
        bob = next(peer for peer in status["peers"] if peer["companion"] == "companion_bob")
        assert bob["found"]
        assert bob["addresses"]

        blocked = await aikyo("peers", "block", "bob", "--note", "floods", "--home", str(one))
        assert (blocked.code, blocked.out) == (0, f"{bob['peer']} is blocked\n")
        status = await peers(one, lambda known: (bob["peer"], "blocked") in states(known))
        reasons = [peer["reason"] for peer in status["peers"] if peer["peer"] == bob["peer"]]
        assert "floods" in " ".join(reasons)
        listed = await aikyo("ps", "--home", str(one))
        assert "bob" not in listed.out

        unblocked = await aikyo("peers", "unblock", bob["peer"][-8:], "--home", str(one))
        assert unblocked.code == 0
        await peers(one, has("companion_bob", "connected"))


async def test_another_network_key_is_refused_and_people_hear_of_it(tmp_path: Path, mesh: str) -> None:
    for key in ("right", "wrong"):
        assert (await aikyo("peers", "key", str(tmp_path / key))).code == 0
    right, wrong = ("--network-key", str(tmp_path / "right")), ("--network-key", str(tmp_path / "wrong"))
    async with (
        swarm_up(tmp_path / "one", *alone("alice"), *right, mesh=mesh, companions=1) as one,
        swarm_up(tmp_path / "two", *alone("bob"), *right, mesh=mesh, companions=1),
        swarm_up(tmp_path / "three", *alone("carol"), *wrong, mesh=mesh, companions=1),
    ):
        status = await peers(
            tmp_path / "one",
            lambda known: (
                has("companion_bob", "connected")(known)
                and any("wrong-network-key" in peer["counters"] for peer in known)
            ),
        )
        assert status["private"]
        assert "companion_carol" not in [peer["companion"] for peer in status["peers"]]
        with trio.fail_after(30):
            while not any("network key" in line.get("reason", "") for line in one.lines):
                await trio.sleep(0.1)


def states(known: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(peer["peer"], peer["state"]) for peer in known]
