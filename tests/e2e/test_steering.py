"""A running `aikyo up` that is steered: what companions think with, and who they are."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from tests.support.messages_api import (
    Answer,
    Asked,
    Fault,
    MessagesApi,
    companion,
    messages_api,
)
from tests.support.processes import Up, aikyo, swarm_up

KEY = "sk-ant-a-key-that-is-none"


@asynccontextmanager
async def talking(
    folder: Path, script: Callable[[Asked], Answer], *names: str
) -> AsyncIterator[tuple[Up, MessagesApi]]:
    """A swarm of these companions, each with a profile of its own in `folder`/profiles."""
    (folder / "profiles").mkdir()
    for name in names:
        write(folder, name, f'name = "{name.title()}"')
    async with messages_api(script) as api:
        env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": api.url}
        args = ["--profiles-dir", str(folder / "profiles"), "--profiles", ",".join(names)]
        args += ["--listen", "127.0.0.1", "--topic", ""]
        mesh = f"t{uuid.uuid4().hex[:12]}"
        async with swarm_up(folder / "home", *args, mesh=mesh, companions=len(names), env=env) as up:
            yield up, api


def write(folder: Path, name: str, text: str) -> None:
    (folder / "profiles" / f"{name}.toml").write_text(f"[metadata]\n{text}\n", encoding="utf-8")


async def say(up: Up, name: str, text: str) -> str:
    said = await aikyo("say", name, text, "--home", str(up.home), "--from", "mika")
    assert said.code == 0, said.err
    return said.out


def composed(api: MessagesApi) -> list[Asked]:
    """The requests in which companions were to speak."""
    return [asked for asked in api.asked if asked.schema is None and "tools" in asked.body]


async def test_another_model_is_set_while_they_talk_and_no_message_is_lost(tmp_path: Path) -> None:
    async with talking(tmp_path, companion("Words of a model."), "alice", "bob") as (up, api):
        answers: list[str] = []

        async def talk() -> None:
            answers.extend([await say(up, "alice", f"Question {number}?") for number in range(4)])

        async with trio.open_nursery() as nursery:
            nursery.start_soon(talk)
            done = await aikyo("set", "alice", "model=other", "--home", str(up.home), "--json")
        (now,) = done.json_lines()
        assert (done.code, now["session"], now["overrides"]) == (0, 2, {"model": "other"})
        assert "other" in now["brain"]
        assert [line for text in answers for line in text.splitlines() if "alice" in line] == [
            "alice: Words of a model."
        ] * 4
        await say(up, "alice", "And now?")
        assert composed(api)[-1].body["model"] == "other"
        assert (await up.until("session"))["companion"] == "companion_alice"
        shown = await aikyo("ps", "--home", str(up.home), "--json")
        brains = {one["name"]: one["brain"] for one in shown.json_lines()[0]["companions"]}
        assert "other" in brains["alice"]
        assert "other" not in brains["bob"]
        why = await aikyo("why", "--home", str(up.home))
        assert "in session 2" in " ".join(why.out.split())


async def test_a_model_that_the_server_does_not_have_changes_nothing(tmp_path: Path) -> None:
    ordinary = companion("Words of a model.")

    def script(asked: Asked) -> Answer:
        if asked.body["model"] == "none-such":
            return Fault(404, "not_found_error", "model: none-such")
        return ordinary(asked)

    async with talking(tmp_path, script, "alice") as (up, _):
        done = await aikyo("set", "alice", "model=none-such", "--home", str(up.home))
        assert (done.code, done.out) == (1, "")
        assert "none-such" in done.err
        assert "; alice keeps anthropic" in done.err
        wrong = await aikyo("set", "alice", "brain=offlin", "--home", str(up.home))
        assert wrong.code == 2
        assert "did you mean 'offline'?" in wrong.err
        assert await say(up, "alice", "Still there?") == "alice: Words of a model.\n"
        free = await aikyo("companion", "set", "alice", "brain=offline", "--home", str(up.home))
        assert free.out == "alice thinks with offline now (session 2), until the swarm ends\n"
        new = await aikyo("renew", "all", "--home", str(up.home))
        assert new.out == "alice has a new session (3)\n"


async def test_a_profile_is_edited_during_a_talk(tmp_path: Path) -> None:
    async with talking(tmp_path, companion("Words of a model."), "alice") as (up, api):
        await say(up, "alice", "Hello!")
        write(tmp_path, "alice", 'name = "Alice"\ncolor = 7')
        broken = await up.until("notice", companion="companion_alice")
        assert "alice.toml:3:9: " in broken["reason"]
        assert await say(up, "alice", "Are you well?") == "alice: Words of a model.\n"
        write(tmp_path, "alice", 'name = "Alice"\npersonality = "Fond of newts."')
        await up.until("session", companion="companion_alice")
        await say(up, "alice", "And now?")
        prompts = [json.dumps(asked.body["system"]) for asked in composed(api)]
        assert ["newts" in prompt for prompt in prompts] == [False] * (len(prompts) - 1) + [True]
        assert len(prompts) == 3
