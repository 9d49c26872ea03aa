"""Real hosts on loopback, and those who mean them no good: on the socket, on Yamux, on a stream."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import trio
from libp2p.abc import INetStream, ISecureConn
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.crypto.x25519 import create_new_key_pair as create_new_x25519_key_pair
from libp2p.custom_types import TProtocol
from libp2p.io.trio import TrioTCPStream
from libp2p.network.connection.raw_connection import RawConnection
from libp2p.peer.id import ID
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import PUBSUB_SIGNING_PREFIX
from libp2p.security.noise.transport import PROTOCOL_ID as NOISE
from libp2p.security.noise.transport import Transport as Noise
from libp2p.stream_muxer.yamux.yamux import PROTOCOL_ID, Yamux
from libp2p.transport.upgrader import TransportUpgrader
from libp2p.utils import encode_varint_prefixed

from aikyo.mesh.host.host import Host, Listener
from aikyo.mesh.host.limits import Limits
from aikyo.mesh.identity import Identity, load_identity
from aikyo.mesh.refusals import Refusals

__all__ = ["TOPIC", "Frames", "Running", "connect_all", "frames", "rpc", "running", "sent", "until"]

TOPIC = "topic"
MESHSUB = TProtocol("/meshsub/1.1.0")
PATIENCE = 20.0
HEADER = "!BBHII"


@dataclass
class Running:
    """A host that runs, and what it has heard and refused."""

    host: Host
    identity: Identity
    counters: Counter[str]
    refusals: Refusals
    heard: list[bytes] = field(default_factory=list)

    @property
    def peer(self) -> str:
        return self.identity.peer

    @property
    def id(self) -> ID:
        return ID.from_base58(self.peer)

    @property
    def address(self) -> str:
        return f"/ip4/127.0.0.1/tcp/{self.host.port}"

    async def dial(self, other: Running) -> bool:
        return await self.host.dial(other.peer, [other.address])

    async def gossip_to(self, other: Running) -> INetStream:
        """A stream of gossip to `other`, to write what one likes on."""
        return await self.host._host.new_stream(other.id, [MESHSUB])

    def message(self, text: bytes, number: int, topic: str = TOPIC) -> rpc_pb2.Message:
        """One that this host has signed."""
        message = rpc_pb2.Message(
            data=text, topicIDs=[topic], from_id=self.id.to_bytes(), seqno=number.to_bytes(8, "big")
        )
        pair = create_new_key_pair(self.identity.seed)
        payload = PUBSUB_SIGNING_PREFIX.encode() + message.SerializeToString()
        message.signature = pair.private_key.sign(payload)
        message.key = pair.public_key.serialize()
        return message


@asynccontextmanager
async def running(
    folder: Path, number: int, *, limits: Limits | None = None, keys: tuple[bytes | None, ...] = ()
) -> AsyncIterator[list[Running]]:
    """That many hosts; the first has `limits`, the others are as they come."""
    made = []
    for index in range(number):
        identity = load_identity(folder / uuid4().hex)
        counters, refusals, heard = Counter[str](), Refusals(trio.current_time), list[bytes]()
        host = Host(
            identity,
            listen="127.0.0.1",
            topics=[TOPIC],
            addresses=lambda: ("127.0.0.1",),
            listener=Listener(
                lambda topic, data, author, sequence, heard=heard: heard.append(data),  # type: ignore[misc]
                lambda peer: None,
                lambda peer: None,
            ),
            counters=counters,
            refusals=refusals,
            network_key=keys[index] if keys else None,
            limits=limits if limits is not None and index == 0 else Limits(),
        )
        made.append(Running(host, identity, counters, refusals, heard))
    async with trio.open_nursery() as nursery:
        for one in made:
            nursery.start_soon(one.host.run)
        try:
            for one in made:
                await one.host.started.wait()
            yield made
        finally:
            for one in made:
                one.host.stop()


async def until(condition, limit: float = PATIENCE) -> None:
    """Wait for what there is no event for."""
    with trio.fail_after(limit):
        while not condition():
            await trio.sleep(0.01)


def meshed(one: Running, *others: Running) -> bool:
    """Whether gossip of `one` goes to all `others`."""
    mesh = one.host._gossip.mesh.get(TOPIC, set())
    return all(other.id in mesh for other in others)


async def connect_all(*hosts: Running) -> None:
    """Everybody to everybody, gossip included."""
    for index, one in enumerate(hosts):
        for other in hosts[:index]:
            assert await one.dial(other)
    await until(
        lambda: all(meshed(one, *(other for other in hosts if other is not one)) for one in hosts)
    )


async def sent(one: Running, other: Running) -> None:
    """`one` and `other` still hear each other."""
    if not one.host.connected(other.peer):
        await connect_all(one, other)
    for speaker, listener in ((one, other), (other, one)):
        text = uuid4().bytes
        await speaker.host.publish(TOPIC, text)
        await until(lambda text=text, listener=listener: text in listener.heard)  # type: ignore[misc]


def rpc(**fields: object) -> bytes:
    """One of gossip, as it is written."""
    return encode_varint_prefixed(rpc_pb2.RPC(**fields).SerializeToString())


class Frames:
    """A connection that is secured and agreed to be Yamux; what is written on it is ours to choose."""

    def __init__(self, secured: ISecureConn) -> None:
        self._secured = secured

    async def send(
        self, kind: int, flags: int, stream: int, length: int = 0, body: bytes = b"", version: int = 0
    ) -> None:
        await self._secured.write(struct.pack(HEADER, version, kind, flags, stream, length) + body)

    async def ended(self) -> bool:
        """Read what comes until the other side closes; whether it did so in time."""
        with trio.move_on_after(PATIENCE):
            try:
                while await self._secured.read(1):
                    pass
            except Exception:
                return True
            return True
        return False

    async def close(self) -> None:
        await self._secured.close()


@asynccontextmanager
async def frames(folder: Path, host: Running) -> AsyncIterator[Frames]:
    """Connect to `host` as somebody new."""
    identity = load_identity(folder / uuid4().hex)
    pair = create_new_key_pair(identity.seed)
    noise = Noise(pair, noise_privkey=create_new_x25519_key_pair().private_key)
    upgrader = TransportUpgrader({NOISE: noise}, {TProtocol(PROTOCOL_ID): Yamux})
    stream = await trio.open_tcp_stream("127.0.0.1", host.host.port)
    raw = RawConnection(TrioTCPStream(stream), True)
    secured = await upgrader.upgrade_security(raw, True, host.id)
    await upgrader.muxer_multistream._selector.select(secured, True, 10)
    made = Frames(secured)
    try:
        yield made
    finally:
        with trio.CancelScope(shield=True):
            await made.close()
