"""A whole swarm that thinks with a local server that speaks Chat Completions."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.support.chat_api import Fault, chat_api, companion
from tests.support.processes import aikyo, swarm_up

KEY = "sk-a-key-that-is-none"


async def test_a_companion_speaks_what_the_model_says(tmp_path: Path) -> None:
    async with chat_api(companion("Words of a model."), models=["tiny"]) as api:
        env = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": api.url}
        args = ("--listen", "127.0.0.1", "--topic", "")
        mesh = f"t{uuid.uuid4().hex[:12]}"
        async with swarm_up(tmp_path, *args, mesh=mesh, companions=1, env=env) as up:
            said = await aikyo("say", "alice", "hello", "--home", str(tmp_path))
            assert (said.code, said.out) == (0, "alice: Words of a model.\n")
            notice = await up.until("notice")
            assert notice["reason"] == "brain openai, since OPENAI_BASE_URL is set"
            shown = await aikyo("ps", "--json", "--home", str(tmp_path))
            assert "openai tiny" in shown.out
        assert api.asked
        written = "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file())
        assert KEY not in written


async def test_a_model_that_fails_makes_its_companion_rest_and_say_why(tmp_path: Path) -> None:
    missing = Fault(404, 'model "tiny" not found, try pulling it first')
    async with chat_api(lambda _: missing) as api:
        env = {"OPENAI_BASE_URL": api.url}
        args = ("--listen", "127.0.0.1", "--topic", "", "--brain", "openai", "--model", "tiny")
        mesh = f"t{uuid.uuid4().hex[:12]}"
        async with swarm_up(tmp_path, *args, mesh=mesh, companions=1, env=env) as up:
            said = await aikyo("say", "alice", "hello", "--home", str(tmp_path), "--wait", "10")
            assert said.code == 1
            resting = await up.until("activity", activity="resting")
            assert "no model 'tiny'" in resting["reason"]


async def test_a_server_that_is_not_there_ends_it_with_a_line(tmp_path: Path) -> None:
    async with chat_api(lambda _: Fault(500)) as api:
        pass
    args = ("--listen", "127.0.0.1", "--mesh", f"t{uuid.uuid4().hex[:12]}", "--no-dashboard")
    ports = ("--firehose-port", "0", "--gateway-port", "0")
    env = {"OPENAI_BASE_URL": api.url}
    done = await aikyo("up", "--home", str(tmp_path), *args, *ports, env=env)
    assert done.code == 2
    assert "cannot reach 127.0.0.1 to ask for its models" in done.err
    assert "Traceback" not in done.err
