"""Real swarms, recorded and played back; and what is wrong with files of one's own, told in a line."""

from __future__ import annotations

import stat
import uuid
from pathlib import Path
from typing import Any

from tests.support.messages_api import companion, messages_api
from tests.support.processes import Up, aikyo, swarm_up

HERE = ("--listen", "127.0.0.1")
KEY = "sk-ant-a-key-that-is-none"


def a_mesh() -> str:
    return f"t{uuid.uuid4().hex[:12]}"


def said(up: Up) -> list[tuple[str, str]]:
    bodies: list[dict[str, Any]] = [line["body"] for line in up.lines if line["event"] == "messages"]
    return [(body["from"], body["message"]) for body in bodies]


async def test_a_swarm_that_was_recorded_is_played_back(tmp_path: Path) -> None:
    file, then, now = tmp_path / "talk.jsonl", tmp_path / "then", tmp_path / "now"
    paced = {"AIKYO_PACE": "0", "AIKYO_TURNS_PER_TALK": "2"}
    recorded = (*HERE, "--brain", "offline", "--topic", "fog", "--profiles", "bob,alice")
    async with swarm_up(
        then, *recorded, "--record", str(file), mesh=a_mesh(), companions=2, env=paced
    ) as up:
        await up.until("talk-resting")
        assert await up.end() == 0
        talk = said(up)
    assert len(talk) > 2
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # Neither whom nor what about is told again
    again = ["up", "--home", str(now), "--mesh", a_mesh(), "--json", "--brain", f"replay:{file}", *HERE]
    ports = ["--firehose-port", "0", "--gateway-port", "0", "--for", "8"]
    done = await aikyo(*again, *ports, env=paced)
    lines = done.json_lines()
    assert done.code == 0, done.err
    bodies = [line["body"] for line in lines if line["event"] == "messages"]
    assert [(body["from"], body["message"]) for body in bodies][: len(talk)] == talk
    assert lines[0]["reason"] == f"brain replay of {file}, as asked"


async def test_a_model_is_recorded_without_its_key_and_played_back_when_it_is_gone(
    tmp_path: Path,
) -> None:
    file = tmp_path / "talk.jsonl"
    args = (*HERE, "--topic", "", "--record", str(file))
    async with messages_api(companion("Words of a model.")) as api:
        env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}
        async with swarm_up(tmp_path / "then", *args, mesh=a_mesh(), companions=1, env=env) as up:
            assert (await aikyo("say", "alice", "hello", "--home", str(up.home))).code == 0
            assert await up.end() == 0
    assert KEY not in file.read_text()
    args = (*HERE, "--topic", "", "--brain", f"replay:{file}")
    async with swarm_up(tmp_path / "now", *args, mesh=a_mesh(), companions=1) as up:
        answer = await aikyo("say", "alice", "hello", "--home", str(up.home))
        assert (answer.code, answer.out) == (0, "alice: Words of a model.\n")
        strange = await aikyo("say", "alice", "good night", "--home", str(up.home), "--wait", "10")
        assert strange.code == 1
        resting = await up.until("activity", activity="resting")
        assert resting["reason"] == "the recording holds nothing more of alice"


async def test_files_that_are_wrong_are_told_in_a_line(tmp_path: Path) -> None:
    prompts, damaged = tmp_path / "home" / "prompts", tmp_path / "talk.jsonl"
    prompts.mkdir(parents=True)
    (prompts / "compose.en.md").write_text("## Now\nSpeak, {nmae}.")
    damaged.write_text('{"recording":1}\n{"companion":\n')
    up = ("up", "--home", str(tmp_path / "home"), "--brain")
    for args, told in (
        (
            ("offline",),
            f"{prompts / 'compose.en.md'}:2: unknown placeholder {{nmae}}; did you mean 'name'?",
        ),
        ((f"replay:{damaged}",), f"{damaged}:2: is damaged: "),
        ((f"replay:{tmp_path}/none",), f"{tmp_path}/none:1: cannot be read: no such file or directory"),
        (
            ("repaly",),
            "--brain: unknown brain 'repaly'; a recording is played by `aikyo up --brain replay:FILE`",
        ),
    ):
        done = await aikyo(*up, *args)
        assert (done.code, done.out) == (2, "")
        assert told in done.err
        assert done.err.count("\n") == 1
    (prompts / "compose.en.md").unlink()
    done = await aikyo(*up, "offline", "--record", str(damaged))
    assert done.code == 2
    assert f"--record {damaged}: it is there already" in done.err
