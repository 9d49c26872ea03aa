"""The firehose's `/v1/stream`, seen from a client: envelopes come out, payloads go in."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import h11
import msgspec
import trio
from msgspec import Raw, Struct
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    wrap_client_stream,
)
from wsproto.utilities import LocalProtocolError

from ..errors import AikyoError, UsageError, leaves
from ..text import inert
from ..wire import MAX_MESSAGE, Envelope, Payload, SwarmFile, Topic
from .errors import ClientError, no_swarm

__all__ = ["TOPICS", "ClientError", "Stream", "open_stream"]

TOPICS = (*Topic, "events", "deltas")
"""Every topic of the stream; `deltas` alone comes only when it is asked for."""

CONNECT_DEADLINE = 5.0
GOODBYE_DEADLINE = 0.5
ACK_DEADLINE = 10.0

_log = logging.getLogger(__name__)

_ENVELOPE_OVERHEAD = 4096
_BUFFERED = 256
_DELTAS_BUFFERED = 128  # so that events have room
_GOING_AWAY = 1001
_REFUSALS = frozenset({400, 403, 404, 503})  # the firehose gives no other
_MAX_REASON = 500
_OUR_SIDE = "unavailable"  # the one error code for which the sender is not to blame


class _Error(Struct):
    code: str
    message: str
    detail: str = ""


class _Incoming(Struct):
    """Any frame that the server sends: exactly one of these groups is there."""

    seq: int = 0
    time: float = 0
    topic: str = ""
    peer: str | None = None
    body: Raw = Raw(b"null")
    epoch: str = ""
    ack: str | None = None
    error: _Error | None = None
    dropped: int = 0


_INCOMING = msgspec.json.Decoder(_Incoming)


@dataclass(slots=True, eq=False)
class _Answer:
    """What the server says to one frame of ours; it answers them in the order in which they came."""

    there: trio.Event = field(default_factory=trio.Event)
    ident: str = ""
    error: AikyoError | None = None


class Stream:
    """An open stream: an async iterator of envelopes, which never ends of itself.

    Attributes:
        dropped: events that this client has missed, for being slow: the server keeps 1024 of them
            for it, and 256 wait here; the oldest go first.
    """

    def __init__(self, connection: WebSocketConnection) -> None:
        self.dropped = 0
        self._connection = connection
        self._answers: deque[_Answer] = deque()
        self._send_channel, self._envelopes = trio.open_memory_channel[Envelope](_BUFFERED)
        self._lost: ClientError | None = None

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> Envelope:
        """The next event.

        Raises:
            ClientError: the connection was lost, or the swarm has stopped.
        """
        try:
            return await self._envelopes.receive()
        except trio.EndOfChannel:
            raise self._lost or ClientError("the stream is closed") from None

    async def send(self, payload: Payload) -> str:
        """Publish `payload` (from `user_…`) on its topic and wait until the mesh has taken it.

        Returns:
            Its id.

        Raises:
            UsageError: the swarm refuses it.
            ClientError: the mesh or the swarm does not take it in time.
        """
        if self._lost is not None:
            raise self._lost
        answer = _Answer()
        self._answers.append(answer)
        frame = msgspec.json.encode({"topic": payload.topic, "body": payload}).decode()
        try:
            with trio.fail_after(ACK_DEADLINE):
                await self._connection.send_message(frame)
                await answer.there.wait()
        except trio.TooSlowError:
            raise ClientError(f"the swarm has not acknowledged within {ACK_DEADLINE:g} s") from None
        except ConnectionClosed as closed:
            raise _lost(closed) from None
        if answer.error is not None:
            raise answer.error
        return answer.ident

    async def _read(self) -> None:
        """Sort what comes, until the connection ends."""
        with self._send_channel:
            try:
                while True:
                    self._sort(_INCOMING.decode(await self._connection.get_message()))
            except ConnectionClosed as closed:
                self._lost = _lost(closed)
            except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
                self._lost = ClientError(inert(f"the swarm sent what is no event ({error})"))
        for answer in self._answers:
            answer.error = self._lost
            answer.there.set()

    def _sort(self, frame: _Incoming) -> None:
        if frame.topic:
            self._keep(
                Envelope(
                    seq=frame.seq, time=frame.time, topic=frame.topic, peer=frame.peer, body=frame.body
                )
            )
        elif frame.ack is not None or frame.error is not None:
            self._settle(frame)
        else:
            self.dropped += max(frame.dropped, 0)

    def _keep(self, envelope: Envelope) -> None:
        """Never waits: answers stand behind the events, and must be read even when no event is."""
        waiting = self._envelopes.statistics().current_buffer_used
        if envelope.topic == "deltas" and waiting >= _DELTAS_BUFFERED:
            return  # what is said comes whole, too
        if waiting == _BUFFERED:
            self._envelopes.receive_nowait()
            self.dropped += 1
        self._send_channel.send_nowait(envelope)

    def _settle(self, frame: _Incoming) -> None:
        if not self._answers:
            return
        answer = self._answers.popleft()
        answer.ident = frame.ack or ""
        if frame.error is not None:
            kind = ClientError if frame.error.code == _OUR_SIDE else UsageError
            detail = f" ({frame.error.detail})" if frame.error.detail else ""
            answer.error = kind(inert(frame.error.message + detail)[:_MAX_REASON])
        answer.there.set()


@asynccontextmanager
async def open_stream(
    swarm: SwarmFile, *, topics: Iterable[str] = (), sender: str | None = None, deltas: bool = False
) -> AsyncGenerator[Stream, None]:
    """Watch `swarm` while the context is open, from now on.

    Args:
        swarm: from `find_swarm`.
        topics: only these of `TOPICS`; none is all but `deltas`.
        sender: only what is from this id or bare name.
        deltas: what is being composed, too, whatever the topics.

    Raises:
        ClientError: it does not answer.
        UsageError: it refuses what is asked for.
    """
    asked = {"topics": ",".join(topics), "from": sender or ""}
    if deltas:
        asked["deltas"] = "1"
    target = f"/v1/stream?{urlencode(asked)}"
    failure: Exception | None = None
    async with await _dial(swarm.firehose) as tcp:
        try:
            async with trio.open_nursery() as nursery:
                with trio.fail_after(CONNECT_DEADLINE):
                    connection = await _shake_hands(nursery, tcp, swarm.firehose, target)
                stream = Stream(connection)
                nursery.start_soon(stream._read)
                try:
                    yield stream
                except Exception as error:  # carried out of the nursery as it is, not in a group
                    failure = error
                with trio.move_on_after(GOODBYE_DEADLINE):
                    await connection.aclose()
                nursery.cancel_scope.cancel()
        except* ConnectionRejected as group:
            failure = _refused(swarm.firehose, group)
        except* h11.ProtocolError:  # trio-websocket lets it through when the answer is not HTTP
            failure = ClientError(no_swarm(swarm.firehose))
        except* LocalProtocolError as group:
            # trio-websocket answers a ping that comes while it closes, which wsproto forbids
            _log.debug("the goodbye was cut short: %r", group)
        except* trio.TooSlowError:
            failure = ClientError(f"the swarm does not answer at {swarm.firehose}")
    if failure is not None:
        raise failure


async def _dial(url: str) -> trio.SocketStream:
    parts = urlsplit(url)
    try:
        return await trio.open_tcp_stream(parts.hostname or "", parts.port or 80)
    except OSError:
        raise ClientError(f"the swarm does not answer at {url}") from None


async def _shake_hands(
    nursery: trio.Nursery, tcp: trio.SocketStream, url: str, target: str
) -> WebSocketConnection:
    most = MAX_MESSAGE + _ENVELOPE_OVERHEAD
    return await wrap_client_stream(nursery, tcp, urlsplit(url).netloc, target, max_message_size=most)


def _refused(url: str, group: BaseExceptionGroup[ConnectionRejected]) -> AikyoError:
    rejected = next(error for error in leaves(group) if isinstance(error, ConnectionRejected))
    if rejected.status_code not in _REFUSALS:
        return ClientError(no_swarm(url))
    reason = inert((rejected.body or b"").decode(errors="replace")[:_MAX_REASON])
    return UsageError(f"the swarm at {url} refuses: {reason}")


def _lost(closed: ConnectionClosed) -> ClientError:
    if closed.reason is not None and closed.reason.code == _GOING_AWAY:
        return ClientError("the swarm has stopped")
    return ClientError("the connection to the swarm was lost")
