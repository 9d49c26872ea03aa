"""A whole swarm whose model takes its time: what it says appears on the terminal as it is composed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio

from tests.support import chat_api, messages_api
from tests.support.processes import Up, aikyo, swarm_up

BEGINNING = "These are the first words, which are a few more than there need to be"
REST = ", and then come others, of which nobody has thought yet, and these are the last."

AT_ONCE = 10
"""Pieces that come at once: more than the first words, and not yet the last."""


APIS = {
    "anthropic": (messages_api, messages_api.messages_api, "ANTHROPIC"),
    "openai": (chat_api, partial(chat_api.chat_api, models=["tiny"]), "OPENAI"),
}


class Slow:
    """A model that says the rest of its first answers only when it is let go on.

    Args:
        api: how it is spoken to, `messages_api` or `chat_api`.

    Attributes:
        held: of how many answers.
    """

    def __init__(self, api: Any) -> None:
        self.go_on = trio.Event()
        self.answers = 0
        self.held = 1
        self._api = api

    def script(self, asked: Any) -> Any:
        answer = self._api.companion("And this comes at once.")(asked)
        if asked.schema is not None or not asked.body.get("tools"):
            return answer
        self.answers += 1
        if self.answers > self.held:
            return answer
        return replace(self._api.speaks(BEGINNING + REST), gate=self._gate)

    async def _gate(self, piece: int) -> None:
        # Longer than a companion keeps back what it is about to say, the last time by far
        await trio.sleep(0.5 if piece == AT_ONCE else 0.06)
        if piece > AT_ONCE:
            await self.go_on.wait()


class Terminal:
    """What a command has printed on a terminal."""

    def __init__(self, process: trio.Process, leader: int) -> None:
        self.process = process
        self.text = ""
        self._leader = leader
        self._news = trio.Event()

    async def read(self) -> None:
        """Take in what it prints, until nobody has the terminal open any more."""
        os.set_blocking(self._leader, False)
        seen = b""
        while True:
            await trio.lowlevel.wait_readable(self._leader)
            try:
                seen += os.read(self._leader, 4096)
            except OSError:  # that is how a terminal ends on Linux
                return
            plain = re.sub(rb"\x1b\[[0-9;]*m", b"", seen)
            self.text = plain.decode(errors="ignore").replace("\r\n", "\n")
            self._news.set()
            self._news = trio.Event()

    async def until(self, condition: Callable[[str], bool]) -> None:
        with trio.fail_after(30):
            while not condition(self.text):
                await self._news.wait()


@asynccontextmanager
async def on_terminal(*args: str) -> AsyncIterator[Terminal]:
    leader, follower = os.openpty()
    process = await trio.lowlevel.open_process(
        [sys.executable, "-m", "aikyo", *args], stdout=follower, stderr=subprocess.DEVNULL
    )
    os.close(follower)
    try:
        async with trio.open_nursery() as nursery:
            terminal = Terminal(process, leader)
            nursery.start_soon(terminal.read)
            yield terminal
            with trio.fail_after(30):
                await process.wait()
    finally:
        if process.poll() is None:
            process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()
        os.close(leader)


@asynccontextmanager
async def slow_swarm(home: Path, provider: str) -> AsyncIterator[tuple[Slow, Up]]:
    module, serve, name = APIS[provider]
    slow = Slow(module)
    async with serve(slow.script) as api:
        env = {f"{name}_API_KEY": "sk-a-key-that-is-none", f"{name}_BASE_URL": api.url}
        args = ("--listen", "127.0.0.1", "--topic", "")
        mesh = f"t{uuid.uuid4().hex[:12]}"
        async with swarm_up(home, *args, mesh=mesh, companions=1, env=env) as up:
            yield slow, up


@pytest.mark.parametrize("provider", APIS)
async def test_the_first_words_are_seen_before_the_last_are_composed(
    tmp_path: Path, provider: str
) -> None:
    async with slow_swarm(tmp_path, provider) as (slow, _):
        async with on_terminal("say", "alice", "hello", "--home", str(tmp_path)) as said:
            await said.until(lambda text: "alice: These are the first" in text)
            assert "the last" not in said.text
            slow.go_on.set()
        assert said.text == f"alice: {BEGINNING}{REST}\n"
        assert said.process.returncode == 0


async def test_an_interrupted_reply_is_marked_and_is_no_message(tmp_path: Path) -> None:
    async with slow_swarm(tmp_path, "anthropic") as (_, up):
        async with on_terminal("say", "alice", "hello", "--home", str(tmp_path)) as said:
            await said.until(lambda text: "alice: These are the first" in text)
            stop = await aikyo("say", "alice", "Stop, Alice.", "--from", "kai", "--home", str(tmp_path))
            assert stop.out == "alice: And this comes at once.\n"
        interrupted, again = said.text.splitlines()
        assert interrupted.startswith("alice: These are the first")
        assert interrupted.endswith(" (interrupted)")
        assert again == "alice: And this comes at once."
        messages = [line["body"]["message"] for line in up.lines if line["event"] == "messages"]
        assert not [message for message in messages if "first words" in message]
        assert "deltas" not in {line["event"] for line in up.lines}


async def test_who_interrupts_sees_the_reply_grow(tmp_path: Path) -> None:
    home = ("--home", str(tmp_path))
    async with slow_swarm(tmp_path, "anthropic") as (slow, _):
        slow.held = 2
        async with on_terminal("say", "alice", "hello", *home) as said:
            await said.until(lambda text: "alice: These are the first" in text)
            async with on_terminal("say", "alice", "Stop, Alice.", "--from", "kai", *home) as stop:
                await stop.until(lambda text: "alice: These are the first" in text)
                assert "the last" not in stop.text
                slow.go_on.set()
            assert stop.text == f"alice: {BEGINNING}{REST}\n"
        interrupted, again = said.text.splitlines()
        assert interrupted.endswith(" (interrupted)")
        assert again == "alice: And this comes at once."
