"""A whole swarm that thinks with the real SDK, against a local server that speaks the Messages API."""

from __future__ import annotations

import uuid
from pathlib import Path

from tests.support.messages_api import Fault, companion, messages_api
from tests.support.processes import aikyo, swarm_up

KEY = "sk-ant-a-key-that-is-none"


async def test_a_companion_speaks_what_the_model_says(tmp_path: Path) -> None:
    async with messages_api(companion("Words of a model.")) as api:
        env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}
        args = ("--listen", "127.0.0.1", "--topic", "")
        mesh = f"t{uuid.uuid4().hex[:12]}"
        async with swarm_up(tmp_path, *args, mesh=mesh, companions=1, env=env) as up:
            said = await aikyo("say", "alice", "hello", "--home", str(tmp_path))
            assert (said.code, said.out) == (0, "alice: Words of a model.\n")
            notice = await up.until("notice")
            assert "anthropic" in notice["reason"]
        assert api.asked
        written = "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file())
        assert KEY not in written


async def test_a_model_that_refuses_makes_its_companion_rest_and_say_why(tmp_path: Path) -> None:
    refusal = Fault(401, "authentication_error", "invalid x-api-key")
    async with messages_api(lambda _: refusal) as api:
        env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}
        args = ("--listen", "127.0.0.1", "--topic", "")
        mesh = f"t{uuid.uuid4().hex[:12]}"
        async with swarm_up(tmp_path, *args, mesh=mesh, companions=1, env=env) as up:
            said = await aikyo("say", "alice", "hello", "--home", str(tmp_path), "--wait", "10")
            assert said.code == 1
            assert "alice rests: the key was refused" in said.err
            resting = await up.until("activity", activity="resting")
            assert "key" in resting["reason"]
            assert (await aikyo("ps", "--home", str(tmp_path))).code == 0
