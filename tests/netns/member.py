"""A process that joins a mesh as one companion, says hello to whoever comes, and tells what it hears.

Usage: member.py MESH ID KEYFILE LISTEN. One JSON object a line on stdout; ends when stdin does.
"""

from __future__ import annotations

import json
import random
import sys
import time
import uuid
from pathlib import Path

import trio

from aikyo.mesh import Node
from aikyo.mesh.libp2p import Libp2pMesh, MeshOptions
from aikyo.wire import Message, Presence


def tell(**event: object) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


async def greet(node: Node) -> None:
    greeted: set[str] = set()
    while True:
        assert node.me is not None
        others = set(node.roster) - {node.me.id}
        newcomers, greeted = others - greeted, others
        for ident in newcomers:
            tell(event="met", id=ident)
            text = f"hello {ident}"
            await node.publish(Message(id=uuid.uuid4().hex, sender=node.me.id, message=text))
        await node.roster.changed()


async def listen(node: Node) -> None:
    async for received in node.received:
        if isinstance(received.payload, Message) and not received.own:
            tell(event="heard", sender=received.payload.sender, text=received.payload.message)


async def main(mesh_name: str, ident: str, key: str, address: str) -> None:
    options = MeshOptions(name=mesh_name, listen=address)
    mesh = Libp2pMesh(options, clock=time.time, random=random.Random())
    async with mesh, mesh.join(Path(key), Presence(id=ident)) as node, trio.open_nursery() as nursery:
        tell(event="joined", id=node.me.id if node.me else None, peer=node.peer)
        nursery.start_soon(greet, node)
        nursery.start_soon(listen, node)
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
        nursery.cancel_scope.cancel()


trio.run(main, *sys.argv[1:])
