"""Real processes: one command brings a swarm to life, and others talk to it."""

from __future__ import annotations

import json
import signal
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from trio_websocket import WebSocketConnection

from tests.support.processes import Up, aikyo, swarm_up
from tests.support.servers import websocket


@pytest.fixture
def mesh() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def swarm(tmp_path: Path, mesh: str) -> AsyncIterator[Up]:
    async with swarm_up(tmp_path / "home", "--listen", "127.0.0.1", mesh=mesh) as up:
        yield up


async def until(stream: WebSocketConnection, topic: str, **fields: object) -> dict[str, Any]:
    """The next envelope on `topic` whose body has these fields."""
    while True:
        envelope = json.loads(await stream.get_message())
        if envelope.get("topic") == topic and fields.items() <= envelope["body"].items():
            body: dict[str, Any] = envelope["body"]
            return body


async def test_a_hello_over_the_firehose_is_answered_and_remembered(tmp_path: Path, mesh: str) -> None:
    home = tmp_path / "home"
    async with swarm_up(home, "--listen", "127.0.0.1", mesh=mesh) as up:
        assert up.ready["companions"] == ["alice", "bob", "carol"]
        hello = {"from": "user_mika", "to": ["companion_alice"], "message": "Hello Alice, I am Mika!"}
        async with (
            websocket(up.ready["firehose"] + "/v1/stream") as stream,
            websocket(up.ready["firehose"] + "/") as plain,
        ):
            await plain.send_message(json.dumps({"topic": "messages", "body": hello}))
            with trio.fail_after(5):
                said = await until(stream, "messages", **{"from": "user_mika"})
                state = await until(stream, "states", messageId=said["id"], state="speak")
                reply = await until(stream, "messages", replyTo=said["id"])
                action = await until(stream, "actions", name="speak")
            assert state["from"] == reply["from"] == action["from"] == "companion_alice"
            assert reply["to"] == ["user_mika"]
        await up.end(signal.SIGKILL)
        dump = await aikyo("memory", "dump", "alice", "--home", str(home), "--json")
        texts = [row["text"] for row in dump.json_lines()]
        assert hello["message"] in texts
        assert reply["message"] in texts
    async with swarm_up(home, "--listen", "127.0.0.1", "--topic", "", mesh=mesh):
        found = await aikyo("memory", "search", "alice", "Mika", "--home", str(home), "--json")
        assert hello["message"] in found.out


async def test_all_three_take_part_when_all_are_addressed(swarm: Up) -> None:
    async with websocket(swarm.ready["firehose"] + "/v1/stream") as stream:
        body = {"from": "user_mika", "message": "Good morning, everybody!"}
        await stream.send_message(json.dumps({"topic": "messages", "body": body}))
        with trio.fail_after(5):
            said = await until(stream, "messages", **{"from": "user_mika"})
            states = [await until(stream, "states", messageId=said["id"]) for _ in range(3)]
            assert {s["from"] for s in states} == {f"companion_{n}" for n in ("alice", "bob", "carol")}
            await until(stream, "messages", replyTo=said["id"])


async def test_the_commands_work_on_a_running_swarm(swarm: Up) -> None:
    home = ("--home", str(swarm.home))
    said = await aikyo("say", "bob", "Hello Bob, do you like bread?", *home, "--from", "mika")
    assert (said.code, said.out.startswith("bob: ")) == (0, True)
    as_json = await aikyo("say", "all", "Hello!", *home, "--json")
    assert as_json.code == 0
    assert all(line["topic"] == "messages" for line in as_json.json_lines())
    listed = await aikyo("ps", *home, "--json")
    assert listed.code == 0
    assert "alice" in listed.out
    assert (await aikyo("context", "alice", "It has started to rain.", *home)).code == 0
    dump = await aikyo("memory", "dump", "alice", *home)
    assert "It has started to rain." in dump.out
    unknown = await aikyo("say", "alicia", "hello", *home)
    assert (unknown.code, unknown.out) == (2, "")
    assert "alice" in unknown.err
    assert unknown.err.count("\n") == 1


async def test_tail_shows_what_companions_do(swarm: Up) -> None:
    home = ("--home", str(swarm.home))
    async with trio.open_nursery() as nursery:
        tails: list[Any] = []

        async def tail() -> None:
            tails.append(await aikyo("tail", "actions", "-n", "1", *home, "--json"))
            nursery.cancel_scope.cancel()

        nursery.start_soon(tail)
        while not tails:
            await aikyo("say", "carol", "Hello Carol!", *home)
    (line,) = tails[0].json_lines()
    assert (tails[0].code, line["topic"]) == (0, "actions")


async def test_a_companion_can_be_stopped_and_restarted_while_the_rest_go_on(swarm: Up) -> None:
    home = ("--home", str(swarm.home))
    assert (await aikyo("stop", "carol", *home)).code == 0
    await swarm.until("stopped", companion="companion_carol")
    silent = await aikyo("say", "carol", "Are you there?", *home, "--wait", "2")
    assert silent.code == 1
    assert (await aikyo("say", "bob", "And you?", *home)).code == 0
    assert (await aikyo("restart", "carol", *home)).code == 0
    with trio.fail_after(30):
        while (await aikyo("say", "carol", "Are you back?", *home, "--wait", "2")).code != 0:
            pass


async def test_stop_ends_the_whole_swarm_and_leaves_nothing_behind(swarm: Up) -> None:
    assert (await aikyo("stop", "--home", str(swarm.home))).code == 0
    with trio.fail_after(5):
        assert await swarm.process.wait() == 0
    assert not (swarm.home / "swarm.json").exists()
    gone = await aikyo("ps", "--home", str(swarm.home))
    assert gone.code == 3
    assert "aikyo up" in gone.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
async def test_a_signal_ends_it_within_two_seconds(swarm: Up, number: signal.Signals, code: int) -> None:
    async with websocket(swarm.ready["firehose"] + "/v1/stream"):
        with trio.fail_after(2):
            assert await swarm.end(number) == code
    assert not (swarm.home / "swarm.json").exists()


async def test_a_talk_of_three_begins_and_comes_to_an_end_of_itself(tmp_path: Path, mesh: str) -> None:
    env = {"AIKYO_PACE": "0"}
    async with swarm_up(tmp_path, "--listen", "127.0.0.1", "--seed", "3", mesh=mesh, env=env) as up:
        await up.until("talk-begun")
        ended = await up.until("talk-ended", reason="closed")
        talk = [
            line["body"]
            for line in up.lines
            if line["event"] == "messages" and line["body"].get("conversation") == ended["conversation"]
        ]
        assert 8 <= len(talk) <= 40
        assert {m["from"] for m in talk} == {f"companion_{n}" for n in ("alice", "bob", "carol")}
        texts = [m["message"] for m in talk]
        assert len(set(texts)) == len(texts)


async def test_two_swarms_become_one_mesh_over_mdns(tmp_path: Path, mesh: str) -> None:
    quiet = ("--listen", "127.0.0.1", "--topic", "")
    async with (
        swarm_up(tmp_path / "one", *quiet, mesh=mesh, companions=2) as one,
        swarm_up(tmp_path / "two", *quiet, mesh=mesh, companions=2) as two,
    ):
        listed = (await aikyo("ps", "--home", str(tmp_path / "two"), "--json")).out
        assert "companion_alice-2" in listed
        home = ("--home", str(tmp_path / "one"))
        with trio.fail_after(30):
            while (await aikyo("say", "bob-2", "Hello over there!", *home, "--wait", "3")).code != 0:
                pass
        assert one.process.poll() is None
        assert two.process.poll() is None
