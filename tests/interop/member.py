"""A companion of ours in a process of its own, told what to say as `peer.mjs` is, and telling the same.

Usage: member.py --id ID --key FILE --mesh NAME [--listen IP] [--dialect plain|jsonrpc]. What it is told
to publish is always in the plain dialect. What goes wrong is on stderr, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import time
from pathlib import Path

import msgspec
import trio

from aikyo.mesh import Node
from aikyo.mesh.libp2p import Libp2pMesh, MeshOptions
from aikyo.wire import Dialect, Presence, decode


def tell(event: str, **fields: object) -> None:
    line = msgspec.json.encode({"event": event, "at": time.time(), **fields})
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


async def watch_neighbours(node: Node) -> None:
    known: set[str] = set()
    while True:
        now = {neighbour.peer for neighbour in node.peers()}
        for peer in sorted(now ^ known):
            tell("connected" if peer in now else "disconnected", peer=peer)
        known = now
        await trio.sleep(0.02)


async def watch_roster(node: Node) -> None:
    known: set[tuple[str, Presence]] = set()
    while True:
        members = [member for ident in node.roster if (member := node.roster.get(ident))]
        now = {(member.peer, member.presence) for member in members if member.peer != node.peer}
        for peer, presence in now - known:
            tell("met", peer=peer, metadata=presence)
        known = now
        await node.roster.changed()


async def listen(node: Node) -> None:
    async for received in node.received:
        if not received.own:
            tell("heard", peer=received.peer, topic=received.topic, body=received.body)


async def main(options: argparse.Namespace) -> None:
    taking_part = MeshOptions(name=options.mesh, listen=options.listen, dialect=Dialect(options.dialect))
    mesh = Libp2pMesh(taking_part, clock=time.time, random=random.Random())
    me = Presence(id=options.id, name="Ours", personality="calm", story="written in Python", sample="hm")
    async with mesh, mesh.join(options.key, me) as node, trio.open_nursery() as nursery:
        assert node.me is not None
        tell("joined", peer=node.peer, id=node.me.id)
        nursery.start_soon(watch_neighbours, node)
        nursery.start_soon(watch_roster, node)
        nursery.start_soon(listen, node)
        rest = b""
        async for chunk in trio.lowlevel.FdStream(sys.stdin.fileno()):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                told = json.loads(line)
                [decoded] = decode(told["topic"], json.dumps(told["body"]))
                await node.publish(decoded.payload)
        nursery.cancel_scope.cancel()


logging.basicConfig(level=logging.WARNING)
parser = argparse.ArgumentParser()
parser.add_argument("--id", required=True)
parser.add_argument("--key", required=True, type=Path)
parser.add_argument("--mesh", required=True)
parser.add_argument("--listen", default="0.0.0.0")
parser.add_argument("--dialect", default="plain")
trio.run(main, parser.parse_args())
