"""The WebSocket server: `/` in the original form, `/v1/stream` with envelopes.

What each form takes and gives is written down in docs/reference/firehose.md.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import aclosing, suppress
from typing import NoReturn

import msgspec
import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, wrap_server_stream

from ..door import address_of, listen, refusal
from ..errors import AikyoError
from ..mesh.base import MeshError, Node
from ..wire import MAX_MESSAGE, Decoded, Payload, State, WireError
from .client import Client
from .hub import Hub
from .intake import Refused, read_frame
from .request import BadRequest, Wanted, read_target

__all__ = ["Firehose"]

HANDSHAKE_DEADLINE = 5.0
PUBLISH_DEADLINE = 10.0
LINGER = 1.0
MAX_CLIENTS = 1024

_SPARE = 64  # connections over the limit, so that those too many can be told

_log = logging.getLogger(__name__)


class Firehose:
    """Serves the hub over WebSocket, and feeds it with what the node receives.

    Args:
        node: this server's member of the mesh, which speaks as `user_…` only.
        hub: where all that happens is handed out.
        new_id: gives an id to what clients send without one.
        origins: the web pages that may connect, as `own_origins` gives them; looked at for each
            handshake, so that they may be added later.
        max_clients: connections at one time.

    Attributes:
        counters: clients that came (``clients``), were refused, were too slow, broke the protocol,
            and frames that were refused, by reason.
    """

    def __init__(
        self,
        node: Node,
        hub: Hub,
        *,
        new_id: Callable[[], str],
        origins: Collection[str] = (),
        max_clients: int = MAX_CLIENTS,
    ) -> None:
        self.counters: Counter[str] = Counter()
        self._node = node
        self._hub = hub
        self._new_id = new_id
        self._origins = origins
        self._max_clients = max_clients
        self._open = 0

    async def serve(
        self,
        host: str = "127.0.0.1",
        port: int = 8080,
        *,
        task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
    ) -> NoReturn:
        """Run until cancelled; then every client is told that we go away (1001), within 0.2 s.

        Args:
            host: a loopback address.
            port: 0 picks a free one.
            task_status: is given the URL that is really served.

        Raises:
            UsageError: the port cannot be had.
            MeshError: the node has left the mesh.
        """
        listener = await listen(host, port, flag="--firehose-port")
        async with listener, trio.open_nursery() as nursery:
            nursery.start_soon(self._pump)
            await nursery.start(trio.serve_listeners, self._welcome, [listener])
            task_status.started(f"ws://{address_of(listener)}")
            await trio.sleep_forever()

    async def _pump(self) -> None:
        async for received in self._node.received:
            sender = getattr(received.payload, "sender", "")
            self._hub.publish(received.topic, received.body, received.peer, sender=sender)
        raise MeshError("the firehose's node has left the mesh")

    async def _welcome(self, stream: trio.SocketStream) -> None:
        """One connection from its first byte to its last; whatever happens stays with it."""
        if self._open >= self._max_clients + _SPARE:
            self.counters["refused-full"] += 1
            return
        self._open += 1
        try:
            async with trio.open_nursery() as nursery:
                await self._converse(stream, nursery)
                nursery.cancel_scope.cancel()
            await _linger(stream)
        except* (
            trio.TooSlowError,
            trio.BrokenResourceError,
            trio.ClosedResourceError,
            ConnectionClosed,
        ):
            self.counters["lost"] += 1
        except* Exception:  # trio-websocket lets some malformed handshakes through as errors of its own
            self.counters["broken"] += 1
            _log.info("a client's connection broke", exc_info=True)
        finally:
            self._open -= 1

    async def _converse(self, stream: trio.SocketStream, nursery: trio.Nursery) -> None:
        with trio.fail_after(HANDSHAKE_DEADLINE):
            request = await wrap_server_stream(
                nursery, stream, max_message_size=MAX_MESSAGE, receive_buffer_size=1 << 16
            )
            wanted = await self._admit(request)
            if wanted is None:
                return
            connection = await request.accept()
        self.counters["clients"] += 1
        client = Client(connection, rich=wanted.rich)
        try:
            await self._attend(client, wanted)
        finally:
            await client.part()

    async def _admit(self, request: WebSocketRequest) -> Wanted | None:
        """What the client wants, or None when it has been turned away."""
        try:
            self._check_door(request)
            return read_target(request.path)
        except BadRequest as bad:
            self.counters[f"refused-{bad.status}"] += 1
            await request.reject(bad.status, body=f"{bad}\n".encode())
            return None

    def _check_door(self, request: WebSocketRequest) -> None:
        host = request._event.host  # trio-websocket keeps it out of `headers`
        origins = [value.decode("latin-1") for name, value in request.headers if name == b"origin"]
        reason = refusal(host, origins, self._origins)
        if reason is not None:
            raise BadRequest(403, reason)
        if self._open > self._max_clients:
            raise BadRequest(503, f"there are {self._max_clients} clients already; try again later")

    async def _attend(self, client: Client, wanted: Wanted) -> None:
        subscribe = self._hub.subscribe(wanted.topics, wanted.sender, deltas=wanted.deltas)
        with subscribe as subscription:
            if wanted.rich:
                await self._greet(client, wanted.since)
            async with trio.open_nursery() as nursery, aclosing(client.messages()) as messages:
                nursery.start_soon(client.feed, subscription)
                nursery.start_soon(client.keep_alive)
                async for message in messages:
                    await self._take(client, message)
                nursery.cancel_scope.cancel()

    async def _greet(self, client: Client, since: int | None) -> None:
        last = self._hub.seq
        await client.tell(msgspec.json.encode({"epoch": self._hub.epoch, "seq": last}))
        if since is not None and since < last:
            await client.tell(msgspec.json.encode({"gap": (since + 1, last)}))

    async def _take(self, client: Client, message: str | None) -> None:
        try:
            if message is None:
                raise Refused("not-json", "a frame is text, not binary")
            for decoded in read_frame(message, self._new_id):
                await self._publish(decoded)
                if client.rich:
                    await client.tell(msgspec.json.encode({"ack": _id_of(decoded.payload)}))
        except Refused as refused:
            self.counters[f"frame-{refused.code}"] += 1
            await client.tell(refused.frame())

    async def _publish(self, decoded: Decoded) -> None:
        try:
            with trio.fail_after(PUBLISH_DEADLINE):
                await self._node.publish(decoded.payload, body=decoded.body)
        except WireError as error:
            raise Refused(error.reason, "the mesh cannot carry it", error.detail) from None
        except (AikyoError, trio.TooSlowError) as error:
            raise Refused("unavailable", "the mesh has not taken it", str(error)) from None


def _id_of(payload: Payload) -> str:
    """What an ack names: the payload's id, or of a State the message it is about."""
    return payload.message_id if isinstance(payload, State) else getattr(payload, "id", "")


async def _linger(stream: trio.SocketStream) -> None:
    """Close our side and read on for a moment: the reset for unread bytes would overtake last words."""
    with trio.move_on_after(LINGER), suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        await stream.send_eof()
        while await stream.receive_some():
            pass
