"""The processes of these tests: a js-libp2p peer (`peer.mjs`), and a companion of ours (`member.py`)."""

from __future__ import annotations

import json
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from subprocess import PIPE
from typing import Any

import trio

from tests.support.machines import Machine

__all__ = ["ALICE", "JAY", "PACKAGES", "Peer", "acquainted", "js_peer", "our_peer"]

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
DEADLINE = 60.0  # seconds, for whatever a test waits for
ENDS_WITHIN = 10.0
ALICE, JAY = "companion_alice", "companion_jay"
"""One of ours, and the one in JavaScript."""


@dataclass
class Peer:
    """A process that takes part, and what it has told so far."""

    process: trio.Process
    events: list[dict[str, Any]] = field(default_factory=list)
    errors: bytearray = field(default_factory=bytearray)
    _more: trio.Event = field(default_factory=trio.Event)
    _ended: bool = False

    @property
    def peer(self) -> str:
        """Its peer id."""
        return str(self.told("joined")[0]["peer"])

    @property
    def ident(self) -> str:
        """The id that it speaks as; nothing while it has not joined."""
        return next((str(told["id"]) for told in self.told("joined")), "")

    def told(self, event: str, **wanted: Any) -> list[dict[str, Any]]:
        """What it told of this event with these fields."""
        fields = {"event": event, **wanted}.items()
        return [told for told in self.events if fields <= told.items()]

    def heard(self, topic: str, other: Peer) -> list[Any]:
        """The bodies of `topic` that it heard from `other`, in the order in which they came."""
        return [told["body"] for told in self.told("heard", topic=topic, peer=other.peer)]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for a condition on what it told."""
        with trio.move_on_after(DEADLINE):
            while not condition() and not self._ended:
                await self._more.wait()
        if not condition():
            told = "\n".join(map(str, self.events[-12:]))
            raise AssertionError(f"{self.ident} told, in the end:\n{told}\n{self.errors.decode()}")

    async def tells(self, event: str, **wanted: Any) -> dict[str, Any]:
        """Wait for an event with these fields; the first of them."""
        await self.until(lambda: self.told(event, **wanted))
        return self.told(event, **wanted)[0]

    async def say(self, *lines: tuple[str, Any]) -> None:
        """Have it publish bodies, each on its topic, one right after the other."""
        assert self.process.stdin is not None
        text = "".join(json.dumps({"topic": topic, "body": body}) + "\n" for topic, body in lines)
        await self.process.stdin.send_all(text.encode())

    async def end(self) -> None:
        """Have it leave, and wait for its end."""
        assert self.process.stdin is not None
        await self.process.stdin.aclose()
        with trio.fail_after(ENDS_WITHIN):
            await self.process.wait()

    async def kill(self) -> None:
        """Let it die without a word."""
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def read(self) -> None:
        """Take in what it tells, until it ends."""
        assert self.process.stdout is not None
        rest = b""
        async for chunk in self.process.stdout:
            *lines, rest = (rest + chunk).split(b"\n")
            self.events += map(json.loads, lines)
            self._more.set()
            self._more = trio.Event()
        self._ended = True
        self._more.set()

    async def read_errors(self) -> None:
        """Take in what it complains of, until it ends."""
        assert self.process.stderr is not None
        async for chunk in self.process.stderr:
            self.errors += chunk


def js_peer(
    machine: Machine, mesh: str, key: Path, *, passive: bool = False
) -> AbstractAsyncContextManager[Peer]:
    """The js-libp2p peer Jay, while the context is open; passive, it dials nobody."""
    program = ["node", str(HERE / "peer.mjs"), *(["--passive"] if passive else [])]
    return _run(machine, program, mesh, JAY, key)


def our_peer(
    machine: Machine, mesh: str, key: Path, ident: str = ALICE, dialect: str = "plain"
) -> AbstractAsyncContextManager[Peer]:
    """A companion of ours, while the context is open; it must have nothing to complain of."""
    program = [sys.executable, str(HERE / "member.py"), "--dialect", dialect]
    return _run(machine, program, mesh, ident, key)


async def acquainted(*peers: Peer) -> None:
    """Wait until each hears what each other says."""
    for speaker in peers:
        word = {"id": uuid.uuid4().hex, "from": speaker.ident, "message": "hello"}
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_repeat, speaker, word)
            for other in peers:
                if other is not speaker:
                    await other.until(partial(_has_heard, other, speaker, word["id"]))
            nursery.cancel_scope.cancel()


def _has_heard(listener: Peer, speaker: Peer, ident: str) -> bool:
    """In either dialect."""
    return any(ident in json.dumps(body) for body in listener.heard("messages", speaker))


async def _repeat(speaker: Peer, word: dict[str, Any]) -> None:
    while True:
        await speaker.say(("messages", word))
        await trio.sleep(0.3)


@asynccontextmanager
async def _run(
    machine: Machine, program: list[str], mesh: str, ident: str, key: Path
) -> AsyncIterator[Peer]:
    command = [*machine.prefix(), *program, "--mesh", mesh, "--id", ident, "--key", str(key)]
    async with trio.open_nursery() as nursery:
        process = await trio.lowlevel.open_process(command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        peer = Peer(process)
        nursery.start_soon(peer.read)
        nursery.start_soon(peer.read_errors)
        try:
            await peer.tells("joined")
            yield peer
            if process.poll() is None:
                await peer.end()
        finally:
            if process.poll() is None:
                process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
    assert not peer.errors, peer.errors.decode()
