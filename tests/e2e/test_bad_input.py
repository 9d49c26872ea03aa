"""Bad input: one line that says what, where and the way out; nothing else is disturbed."""

from __future__ import annotations

import json
import os
import socket
import uuid
from pathlib import Path

import pytest
import trio
from trio_websocket import ConnectionClosed

from tests.support.processes import Finished, aikyo, swarm_up
from tests.support.servers import websocket

QUIET = ("--listen", "127.0.0.1", "--topic", "")
GARBAGE = b"garbage " * 100


@pytest.fixture
def mesh() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


def one_line(done: Finished, code: int, *says: str) -> None:
    assert done.code == code, done.err
    assert done.out == ""
    assert done.err.startswith("aikyo: ")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    for word in says:
        assert word in done.err


async def test_a_profile_with_a_typo(tmp_path: Path) -> None:
    (tmp_path / "mika.toml").write_text('[metadata]\nname = "Mika"\npersonalty = "kind"\n')
    done = await aikyo(
        "up", "--profiles-dir", str(tmp_path), "--profiles", "mika", "--home", str(tmp_path / "home")
    )
    one_line(done, 2, "mika.toml:3:1", "personalty", "personality")


async def test_an_unknown_companion(tmp_path: Path) -> None:
    one_line(await aikyo("up", "--profiles", "alise", "--home", str(tmp_path)), 2, "alise", "alice")


PORTS = ("--firehose-port", "--gateway-port", "--mesh-port")


@pytest.mark.parametrize("flag", PORTS)
async def test_a_port_in_use(tmp_path: Path, mesh: str, flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ports = [part for each in PORTS for part in (each, port if each == flag else "0")]
        args = ["up", *QUIET, "--mesh", mesh, *ports, "--no-dashboard"]
        done = await aikyo(*args, "--home", str(tmp_path))
    assert done.code == 2
    assert done.err.startswith("aikyo: ")
    assert done.err.count("\n") == 1
    assert port in done.err
    assert flag in done.err


async def test_a_peer_to_join_by_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "aikyo.toml").write_text('bootstrap = ["/ip4/192.0.2.7/tcp/4001"]')
    done = await aikyo("up", "--home", str(tmp_path))
    one_line(done, 2, "aikyo.toml:1:13", "/ip4/192.0.2.7/tcp/4001", "/p2p/", "aikyo peers")


async def test_a_network_key_that_is_not_there(tmp_path: Path) -> None:
    done = await aikyo("up", "--network-key", str(tmp_path / "key"), "--home", str(tmp_path))
    one_line(done, 2, str(tmp_path / "key"), "aikyo peers key")


async def test_an_unwritable_home(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    one_line(await aikyo("up", "--home", str(file / "home")), 2, str(file / "home"), "--home")


async def test_a_second_swarm_on_one_home(tmp_path: Path, mesh: str) -> None:
    async with swarm_up(tmp_path, *QUIET, mesh=mesh, companions=0) as up:
        done = await aikyo("up", "--home", str(tmp_path))
        one_line(done, 2, str(up.process.pid), "aikyo stop", "--home")


async def test_a_missing_key(tmp_path: Path) -> None:
    done = await aikyo("up", "--brain", "anthropic", "--home", str(tmp_path))
    one_line(done, 2, "ANTHROPIC_API_KEY", "--brain offline")


async def test_a_corrupt_key_stays_with_its_companion(tmp_path: Path, mesh: str) -> None:
    broken = tmp_path / "keys" / "alice.key"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(GARBAGE)
    broken.chmod(0o600)
    async with swarm_up(tmp_path, *QUIET, mesh=mesh, companions=2) as up:
        failed = await up.until("failed", companion="companion_alice")
        assert str(broken) in failed["reason"]
        home = ("--home", str(tmp_path))
        assert (await aikyo("say", "bob", "hello", *home)).code == 0
        listed = await aikyo("ps", *home)
        assert "failed" in listed.out
    assert broken.read_bytes() == GARBAGE


async def test_a_corrupt_memory_is_set_aside_and_its_companion_lives(tmp_path: Path, mesh: str) -> None:
    broken = tmp_path / "memories" / "alice.db"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(GARBAGE)
    async with swarm_up(tmp_path, *QUIET, mesh=mesh, companions=2) as up:
        assert (await aikyo("say", "alice", "hello", "--home", str(tmp_path))).code == 0
        (aside,) = broken.parent.glob("alice.db.damaged-*")
        assert aside.read_bytes() == GARBAGE
        assert any(str(aside) in line.get("reason", "") for line in up.lines)
    done = await aikyo("memory", "dump", "alice", "--home", str(tmp_path))
    assert "hello" in done.out


async def test_garbage_over_the_websocket_disturbs_nobody(tmp_path: Path, mesh: str) -> None:
    async with swarm_up(tmp_path, *QUIET, mesh=mesh, companions=1) as up:
        url = up.ready["firehose"] + "/v1/stream"
        async with websocket(url) as watcher, websocket(url) as client:
            for garbage in ("", "{", "[]", '"x"', '{"topic":"nowhere","body":{}}', os.urandom(64)):
                await client.send_message(garbage)
                with trio.fail_after(5):
                    while "error" not in json.loads(await client.get_message()):
                        pass
            impostor = {"topic": "messages", "body": {"from": "companion_alice", "message": "me!"}}
            await client.send_message(json.dumps(impostor))
            with trio.fail_after(5):
                while "error" not in json.loads(await client.get_message()):
                    pass
            hello = {"topic": "messages", "body": {"from": "user_mika", "message": "Alice?"}}
            await client.send_message(json.dumps(hello))
            with trio.fail_after(5):
                while b"companion_alice" not in (await watcher.get_message()).encode():
                    pass


async def test_a_message_of_two_mebibytes_closes_its_own_connection_only(
    tmp_path: Path, mesh: str
) -> None:
    async with swarm_up(tmp_path, *QUIET, mesh=mesh, companions=1) as up:
        async with websocket(up.ready["firehose"] + "/") as client:
            body = {"from": "user_mika", "message": "x" * (2 << 20)}
            with trio.fail_after(5), pytest.raises(ConnectionClosed) as closed:
                await client.send_message(json.dumps({"topic": "messages", "body": body}))
                while True:
                    await client.get_message()
            assert closed.value.reason is not None
            assert closed.value.reason.code == 1009
        assert (await aikyo("say", "alice", "hello", "--home", str(tmp_path))).code == 0
