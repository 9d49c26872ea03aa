"""A process with some companions on the mesh, that talk at a steady rate and tell all they say and hear.

Usage: member.py MESH KEYS RATE NAME... The keys are kept in the folder KEYS, so that a process which
comes back is who it was. One JSON object a line on stdout, `at` on the monotonic clock, which all
processes of one system share. Lines on stdin: ``quiet`` ends the talk; the end of stdin ends it all.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import trio

from aikyo.mesh import MeshError, Node
from aikyo.mesh.libp2p import Libp2pMesh, Libp2pNode, MeshOptions
from aikyo.wire import Message, Presence
from aikyo.wire.ids import IdMaker

_LOOK = 0.1
_USAGE = 2.0
_AGAIN = 1.0


def tell(event: str, **more: object) -> None:
    """One line, in one write, so that whoever is killed leaves whole lines."""
    line = json.dumps({"at": time.monotonic(), "event": event, **more}) + "\n"
    os.write(1, line.encode())


class Talk:
    """One companion."""

    def __init__(self, name: str, rate: float) -> None:
        self.name = name
        self.rate = rate
        self.connections = 0
        self.quiet = trio.CancelScope()
        self._new_id = IdMaker(time.time, random.Random())

    async def run(self, mesh: Libp2pMesh, key: Path) -> None:
        """Take part, and again if the node fails, as a supervisor would have it."""
        while True:
            try:
                async with mesh.join(key, Presence(id=self.name)) as node:
                    assert isinstance(node, Libp2pNode)
                    assert node.me is not None
                    ident = node.me.id
                    tell("joined", host=self.name, id=ident, peer=node.peer, port=node.host.port)
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(self._say, node, ident)
                        nursery.start_soon(self._watch, node)
                        nursery.start_soon(self._count, node.counters)
                        await self._hear(node)
                        nursery.cancel_scope.cancel()
            except* MeshError as group:
                tell("failed", host=self.name, error=repr(group.exceptions[0]))
            await trio.sleep(_AGAIN)

    async def _say(self, node: Node, ident: str) -> None:
        with self.quiet:
            while True:
                await trio.sleep(random.uniform(0.5, 1.5) / self.rate)
                message = Message(id=self._new_id(), sender=ident, message="x" * 80)
                await node.publish(message)
                tell("said", host=self.name, id=message.id)

    async def _hear(self, node: Node) -> None:
        async for received in node.received:
            payload = received.payload
            if isinstance(payload, Message) and not received.own and payload.sender.startswith("comp"):
                tell("heard", host=self.name, sender=payload.sender, id=payload.id)

    async def _watch(self, node: Node) -> None:
        """Neighbours come and go without telling."""
        known: set[str] = set()
        while True:
            peers = node.peers()
            now = {peer.peer for peer in peers}
            self.connections = sum(len(peer.addresses) for peer in peers)
            for peer in now ^ known:
                tell("linked" if peer in now else "unlinked", host=self.name, peer=peer)
            known = now
            await trio.sleep(_LOOK)

    async def _count(self, counters: Counter[str]) -> None:
        while True:
            await trio.sleep(_USAGE)
            tell("counters", host=self.name, counters=counters)


async def weigh(mesh: Libp2pMesh, talks: Sequence[Talk]) -> None:
    """Tell what the process holds: file descriptors, those of connections, threads, resident KiB."""
    while True:
        status = dict(
            line.split(":", 1)
            for line in Path("/proc/self/status").read_text().splitlines()
            if ":" in line
        )
        tell(
            "usage",
            connections=sum(talk.connections for talk in talks),
            fds=len(list(Path("/proc/self/fd").iterdir())),
            threads=int(status["Threads"]),
            rss=int(status["VmRSS"].split()[0]),
            tasks=trio.lowlevel.current_statistics().tasks_living,
            counters=mesh.counters,
        )
        await trio.sleep(_USAGE)


async def main(mesh_name: str, keys: str, rate: str, *names: str) -> None:
    """Take part until stdin ends."""
    tell("begun")
    mesh = Libp2pMesh(MeshOptions(name=mesh_name), clock=time.time, random=random.Random())
    talks = [Talk(name, float(rate)) for name in names]
    stdin = trio.lowlevel.FdStream(os.dup(0))
    async with mesh, trio.open_nursery() as nursery:
        nursery.start_soon(weigh, mesh, talks)
        for talk in talks:
            nursery.start_soon(talk.run, mesh, Path(keys) / talk.name)
        async for command in stdin:
            if command.strip() == b"quiet":
                for talk in talks:
                    talk.quiet.cancel()
        nursery.cancel_scope.cancel()
    tell("left")


if __name__ == "__main__":
    trio.run(partial(main, *sys.argv[1:]))
