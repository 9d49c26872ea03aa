"""What a whole swarm has spent is known while it runs, and afterwards."""

from __future__ import annotations

import json
import stat
import uuid
from pathlib import Path
from typing import Any

from tests.support.messages_api import companion, messages_api
from tests.support.processes import aikyo, swarm_up


async def test_what_a_swarm_has_spent_outlasts_it(tmp_path: Path) -> None:
    async def asked(*args: str) -> dict[str, Any]:
        done = await aikyo("usage", *args, "--home", str(tmp_path), "--json")
        assert done.code == 0
        found: dict[str, Any] = json.loads(done.out)
        return found

    async with messages_api(companion("Words of a model.")) as api:
        env = {"ANTHROPIC_API_KEY": "sk-ant-none", "ANTHROPIC_BASE_URL": api.url}
        args = ("--listen", "127.0.0.1", "--topic", "")
        mesh = f"t{uuid.uuid4().hex[:12]}"
        async with swarm_up(tmp_path, *args, mesh=mesh, companions=1, env=env) as up:
            said = await aikyo("say", "alice", "the hedgehog hello", "--home", str(tmp_path))
            assert said.out == "alice: Words of a model.\n"
            running = await asked()
            (row,) = running["rows"]
            assert (row["name"], row["money"]) == ("companion_alice", 0)  # a server of one's own
            assert row["free"] == row["input"] + row["cached"] + row["stored"] + row["output"] > 0
            listed = json.loads((await aikyo("ps", "--home", str(tmp_path), "--json")).out)
            assert listed["companions"][0]["tokens_hour"] == row["free"]
            assert await up.end() == 0
    afterwards = await asked("alice", "--by", "purpose")
    assert {row["name"] for row in afterwards["rows"]} >= {"compose"}
    assert afterwards["total"]["calls"] >= row["calls"]
    kept = tmp_path / "usage.jsonl"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "hedgehog" not in kept.read_text()
