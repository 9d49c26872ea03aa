"""A firehose and a gateway on real sockets, on an in-memory mesh with a companion that echoes."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import msgspec
import trio
from msgspec import Raw
from trio_websocket import WebSocketConnection, wrap_client_stream

from aikyo.brain.cost import Ledger, Prices
from aikyo.door import own_origins
from aikyo.errors import AikyoError, UsageError
from aikyo.firehose import Firehose, Hub
from aikyo.gateway import serve_gateway
from aikyo.memory.care import Corrected, Forgotten, Wish
from aikyo.mesh import Node
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.swarm.peers import find_peer
from aikyo.swarm.turn_finding import find_turn
from aikyo.wire import (
    CompanionStatus,
    Context,
    Event,
    IdMaker,
    MeshStatus,
    Message,
    PeerStatus,
    Presence,
    QuietMode,
    SwarmFile,
    SwarmStatus,
    TurnRecord,
    UsageBy,
    UsageReport,
    companion_id,
)

PAGE = "http://127.0.0.1:3000"


KNOWN = MeshStatus(
    addresses=("/ip4/192.0.2.7/tcp/4001/p2p/12D3KooWFirehose",),
    peers=(PeerStatus(peer="12D3KooWEve", state="connected", companion="companion_eve"),),
)


@dataclass(slots=True)
class SteeredPeers:
    """A gateway's `PeerControl` that writes down what it is asked for."""

    asked: list[tuple[str, ...]] = field(default_factory=list)
    known: MeshStatus = KNOWN

    def status(self) -> MeshStatus:
        return self.known

    def block(self, who: str, note: str = "") -> str:
        self.asked.append(("block", who, note))
        return find_peer(who, self.known.peers)

    def unblock(self, who: str) -> str:
        self.asked.append(("unblock", who))
        return find_peer(who, self.known.peers)

    def forget(self, name: str) -> str:
        self.asked.append(("forget", name))
        return companion_id(name)


@dataclass(slots=True)
class Steering:
    """A gateway's `Control` that writes down what it is asked for."""

    node: Node | None = None
    companions: tuple[CompanionStatus, ...] = (
        CompanionStatus(name="alice", id="companion_alice", activity="listening", brain="offline"),
        CompanionStatus(name="bob", id="companion_bob-2", activity="resting", mood="嬉しい"),
    )
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    perceived: list[Context] = field(default_factory=list)
    bodies: list[Raw | None] = field(default_factory=list)
    stopping: trio.Event = field(default_factory=trio.Event)
    wished: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    meant: list[tuple[str, Wish | tuple[str, str]]] = field(default_factory=list)
    problem: str = ""
    quieted: list[tuple[str | None, QuietMode, float | None]] = field(default_factory=list)
    swarm: SwarmFile | None = None
    peers: SteeredPeers = field(default_factory=SteeredPeers)
    turns: tuple[TurnRecord, ...] = ()
    ledger: Ledger = field(default_factory=lambda: Ledger(None, Prices()))

    def status(self) -> SwarmStatus:
        return SwarmStatus(
            companions=self.companions,
            others=("companion_carol",),
            started=1.0,
            pid=os.getpid(),
            mesh="",
            firehose=self.swarm.firehose if self.swarm else "",
            gateway=self.swarm.gateway if self.swarm else "",
        )

    async def stop(self, name: str | None) -> None:
        self.asked.append(("stop", name))
        if name is None:
            self.stopping.set()

    async def restart(self, name: str) -> str:
        if name == "bob":
            raise UsageError("bob is busy")
        self.asked.append(("restart", name))
        return self.problem

    async def change(self, name: str, wishes: Mapping[str, str]) -> CompanionStatus:
        self.wished.append((name, dict(wishes)))
        if name == "bob":
            raise AikyoError("no model of that name; bob keeps offline")
        if wishes.get("provider") == "nothing":
            raise UsageError("unknown brain 'nothing'")
        model = wishes.get("model", "")
        brain = f"openai {model}" if model else "offline"
        return self._changed(name, brain=brain, overrides={k: v for k, v in wishes.items() if v})

    async def renew(self, name: str) -> CompanionStatus:
        self.asked.append(("renew", name))
        if name == "bob":
            raise AikyoError("bob is too busy; bob keeps offline")
        return self._changed(name)

    def _changed(self, name: str, **fields: Any) -> CompanionStatus:
        there = next(one for one in self.companions if one.name == name)
        now = msgspec.structs.replace(there, session=there.session + 1, **fields)
        self.companions = tuple(now if one is there else one for one in self.companions)
        return now

    async def forget(self, name: str, wish: Wish) -> Forgotten:
        self.meant.append((name, wish))
        if wish.ids == ("j99",):
            raise UsageError("alice has no 'j99'")
        return Forgotten(companion=name, rows=2, others={"bob": ("1", "2")}, session=True)

    async def edit(self, name: str, ident: str, text: str) -> Corrected:
        self.meant.append((name, (ident, text)))
        return Corrected(id=ident, uid="uid", was="before", text=text, gone=("fact",), session=True)

    async def quiet(self, name: str | None, mode: QuietMode, seconds: float | None) -> None:
        self.quieted.append((name, mode, seconds))
        until = 0.0 if seconds is None else time.time() + seconds
        self.companions = tuple(
            msgspec.structs.replace(one, quiet=mode, quiet_until=until)
            if name in (None, one.name)
            else one
            for one in self.companions
        )

    async def usage(
        self, *, seconds: float, by: UsageBy = "companion", companion: str | None = None
    ) -> UsageReport:
        known = [one.id for one in self.companions]
        return await self.ledger.usage(seconds=seconds, by=by, companion=companion, known=known)

    def why(self, message: str | None, *, after: bool = False) -> TurnRecord:
        return find_turn(self.turns, message, after=after)

    async def perceive(self, context: Context, body: Raw | None = None) -> None:
        self.perceived.append(context)
        self.bodies.append(body)
        if self.node is not None:
            await self.node.publish(context, body=body)


@dataclass(slots=True)
class House:
    """What runs, and a companion's node to speak from."""

    hub: Hub
    firehose: Firehose
    url: str
    alice: Node
    node: Node
    new_id: IdMaker

    async def alice_says(self, text: str, *, to: tuple[str, ...] = (), **fields: str) -> Message:
        message = Message(id=self.new_id(), sender="companion_alice", to=to, message=text, **fields)
        await self.alice.publish(message)
        return message


@asynccontextmanager
async def house(folder: Path, *, max_clients: int = 64) -> AsyncGenerator[House, None]:
    """A firehose, and alice on the same mesh, for ten seconds. What the block raises comes out whole."""
    new_id = IdMaker(time.time, Random(7))
    hub = Hub(time.time, "epoch-1")
    raised: Exception | None = None
    async with (
        MemoryMesh(MemoryLan()) as mesh,
        mesh.join(folder / "alice.key", Presence(id="companion_alice", name="Alice")) as alice,
        mesh.join(folder / "firehose.key", None) as node,
        trio.open_nursery() as nursery,
    ):
        firehose = Firehose(node, hub, new_id=new_id, origins=own_origins(PAGE), max_clients=max_clients)
        url = await nursery.start(firehose.serve, "127.0.0.1", 0)
        try:
            with trio.fail_after(10):
                yield House(hub, firehose, url, alice, node, new_id)
        except Exception as error:
            raised = error
        nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised


@asynccontextmanager
async def swarm(folder: Path) -> AsyncGenerator[tuple[SwarmFile, House, Steering], None]:
    """Firehose and gateway, and an alice who answers every person at once and then rests."""
    async with house(folder) as running, trio.open_nursery() as nursery:
        steering = Steering(node=running.node)
        serve = partial(serve_gateway, steering, new_id=running.new_id, port=0)
        gateway = await nursery.start(serve)
        steering.swarm = SwarmFile(pid=os.getpid(), started=1.0, firehose=running.url, gateway=gateway)
        nursery.start_soon(_echo, running)
        yield steering.swarm, running, steering
        nursery.cancel_scope.cancel()


async def _echo(running: House) -> None:
    with running.hub.subscribe(topics=("messages",)) as heard:
        async for envelope in heard:
            said = msgspec.json.decode(envelope.body, type=Message)
            if "mutely" in said.message:  # what becomes of it is the test's to say
                continue
            if said.sender.startswith("user_") and "quietly" not in said.message:
                answer = f"You said: {said.message}"
                await running.alice_says(answer, to=(said.sender,), conversation=said.conversation or "")
            else:
                closed = Event(type="talk-ended", conversation=said.conversation, reason="closed")
                running.hub.emit(closed)


@asynccontextmanager
async def websocket(url: str) -> AsyncGenerator[WebSocketConnection, None]:
    """A client; trio-websocket's own leaves its socket open when the server closes first."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}"
    async with await trio.open_tcp_stream(parts.hostname or "", parts.port or 0) as tcp:
        async with trio.open_nursery() as nursery:
            yield await wrap_client_stream(nursery, tcp, parts.netloc, target, max_message_size=2 << 20)
            nursery.cancel_scope.cancel()
