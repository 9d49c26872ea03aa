"""A stranger on the network: floods the mesh, or sends garbage wherever it gets in, until stdin ends.
Says when it has begun.

Usage: hostile.py flood MESH RATE, or hostile.py garbage MESH MULTIADDR/p2p/PEER...
"""

from __future__ import annotations

import os
import random
import socket
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import trio
from libp2p.abc import INetStream
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.utils import encode_varint_prefixed

from aikyo.mesh.host.host import Host, Listener
from aikyo.mesh.host.metadata import METADATA
from aikyo.mesh.identity import load_identity
from aikyo.mesh.interfaces import ANY
from aikyo.mesh.libp2p import Libp2pMesh, Libp2pNode, MeshOptions
from aikyo.wire import Dialect, Message, Topic, encode
from aikyo.wire.ids import IdMaker

_MESHSUB = TProtocol("/meshsub/1.1.0")
_MDNS = ("224.0.0.251", 5353)
_HALF_OPEN = 32
_PAUSE = 0.05
_PATIENCE = 3.0


async def flood(mesh_name: str, rate: str) -> None:
    """Publish as a firehose, past our own side's limits; signed, and each message new."""
    mesh = Libp2pMesh(MeshOptions(name=mesh_name), clock=time.time, random=random.Random())
    new_id = IdMaker(time.time, random.Random())
    with tempfile.TemporaryDirectory() as folder:
        async with mesh, mesh.join(Path(folder) / "key", None) as node:
            assert isinstance(node, Libp2pNode)
            print("begun", flush=True)
            while True:
                message = Message(id=new_id(), sender="user_flood", message="y" * 200)
                topic, data = encode(message, Dialect.PLAIN)
                await node.host.publish(f"{mesh_name}/{topic}", data)
                await trio.sleep(1 / float(rate))


async def garbage(mesh_name: str, *targets: str) -> None:
    """All kinds, to one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        host = Host(
            load_identity(Path(folder) / "key"),
            listen=ANY,
            topics=[f"{mesh_name}/{topic}" for topic in Topic],
            addresses=lambda: (),
            listener=Listener(lambda *_: None, lambda _: None, lambda _: None),
            counters=Counter(),
        )
        host.serve(METADATA, _answer_rubbish)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(host.run)
            nursery.start_soon(_shout)
            await host.started.wait()
            print("begun", flush=True)
            held: list[trio.SocketStream] = []
            while True:
                for target in targets:
                    address, peer = target.split("/p2p/")
                    _, _, ip, _, port = address.split("/")
                    kinds: tuple[Callable[[], Awaitable[None]], ...] = (
                        partial(_knock, ip, int(port), held),
                        partial(_stream, host, address, peer, _MESHSUB),
                        partial(_stream, host, address, peer, METADATA),
                    )
                    for kind in kinds:
                        with trio.move_on_after(_PATIENCE):
                            try:
                                await kind()
                            except Exception:  # it was shown the door
                                await trio.sleep(0)
                        await trio.sleep(_PAUSE)


async def _knock(ip: str, port: int, held: list[trio.SocketStream]) -> None:
    """Bytes of no protocol, and a connection that stays half open."""
    stream = await trio.open_tcp_stream(ip, port)
    await stream.send_all(random.choice((b"", b"\x13/multistream/1.0.0\n", b"GET / HTTP/1.1\r\n\r\n")))
    await stream.send_all(random.randbytes(random.randrange(1, 4096)))
    held.append(stream)
    if len(held) > _HALF_OPEN:
        await held.pop(0).aclose()


async def _stream(host: Host, address: str, peer: str, protocol: TProtocol) -> None:
    """A proper stream, and nothing proper in it."""
    if not await host.dial(peer, [address]):
        return
    stream = await host._host.new_stream(ID.from_base58(peer), [protocol])
    for frame in _frames():
        await stream.write(frame)
        await trio.sleep(_PAUSE)
    await stream.reset()


def _frames() -> list[bytes]:
    """Broken in different places: the protobuf, a key, a signature, the sizes."""
    broken = rpc_pb2.Message(
        from_id=random.randbytes(38), seqno=random.randbytes(8), data=b"{", topicIDs=["messages"]
    )
    broken.signature, broken.key = random.randbytes(64), random.randbytes(36)
    many = [rpc_pb2.RPC.SubOpts(subscribe=True, topicid=random.randbytes(8).hex()) for _ in range(2000)]
    wanted = rpc_pb2.ControlMessage(
        ihave=[
            rpc_pb2.ControlIHave(topicID="messages", messageIDs=[os.urandom(20) for _ in range(2000)])
        ]
    )
    frames = [
        encode_varint_prefixed(random.randbytes(300)),
        encode_varint_prefixed(rpc_pb2.RPC(publish=[broken]).SerializeToString()),
        encode_varint_prefixed(rpc_pb2.RPC(subscriptions=many).SerializeToString()),
        encode_varint_prefixed(rpc_pb2.RPC(control=wanted).SerializeToString()),
        b"\xff" * 9 + b"\x7f" + random.randbytes(100),
    ]
    random.shuffle(frames)
    return frames


async def _answer_rubbish(stream: INetStream) -> None:
    await stream.write(random.randbytes(2000))
    await stream.close()


async def _shout() -> None:
    """Multicast of any shape, on the port of mDNS."""
    with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        while True:
            header = struct.pack(">6H", 0, random.choice((0, 0x8400)), 1, random.randrange(9), 0, 0)
            try:
                await sock.sendto(header + random.randbytes(random.randrange(1400)), _MDNS)
            except OSError:  # no route just now
                await trio.sleep(0)
            await trio.sleep(_PAUSE)


async def main(kind: str, *words: str) -> None:
    """Misbehave until stdin ends."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(flood if kind == "flood" else garbage, *words))
        async for _ in trio.lowlevel.FdStream(os.dup(0)):
            pass
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(partial(main, *sys.argv[1:]))
