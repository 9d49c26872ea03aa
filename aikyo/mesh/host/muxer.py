"""Yamux that believes no number it is told.

libp2p's reads frames of up to 16 MiB, keeps what exceeds the window that was granted, opens streams
without end, goes on after nonsense, and waits for ever for a neighbour that reads nothing.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import trio
from libp2p.abc import IMuxedConn, IMuxedStream, ISecureConn
from libp2p.custom_types import TProtocol
from libp2p.io.utils import read_exactly
from libp2p.peer.id import ID
from libp2p.stream_muxer.exceptions import MuxedStreamError
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream
from libp2p.stream_muxer.yamux import yamux
from libp2p.stream_muxer.yamux.yamux import (
    DEFAULT_WINDOW_SIZE,
    FLAG_ACK,
    FLAG_FIN,
    FLAG_RST,
    FLAG_SYN,
    GO_AWAY_PROTOCOL_ERROR,
    HEADER_SIZE,
    TYPE_DATA,
    TYPE_GO_AWAY,
    TYPE_PING,
    TYPE_WINDOW_UPDATE,
    YAMUX_HEADER_FORMAT,
    Yamux,
    YamuxStream,
)

from .guard import Guard

__all__ = ["GuardedMuxer", "GuardedYamux", "write"]

log = logging.getLogger(__name__)

_BODY = 60.0  # seconds in which what a frame announced must arrive
_CLEAN_UP = 2.0
_POLL = 0.01
_MOST_CREDIT = 1 << 31
_ANSWERS = 64


class _ViolationError(Exception):
    """The other side does what the protocol forbids."""


class GuardedMuxer(MuxerMultistream):
    """Makes every connection a guarded one."""

    def __init__(self, guard: Guard) -> None:
        super().__init__({TProtocol(yamux.PROTOCOL_ID): Yamux})
        self._guard = guard

    async def new_conn(self, conn: ISecureConn, peer_id: ID) -> IMuxedConn:
        """Agree on Yamux."""
        protocol, _ = await self._selector.select(conn, conn.is_initiator, self.negotiate_timeout)
        made = GuardedYamux(conn, peer_id, self._guard)
        return self._annotate_connection(made, conn, protocol)


class GuardedYamux(Yamux):
    """One connection to one neighbour.

    Args:
        secured_conn: what it goes through.
        peer_id: who is on the other side.
        guard: how much of it is read, and when it is given up.
    """

    def __init__(self, secured_conn: ISecureConn, peer_id: ID, guard: Guard) -> None:
        super().__init__(secured_conn, peer_id, is_initiator=secured_conn.is_initiator)
        self._guard = guard
        self._who = str(peer_id)
        self._theirs = 0 if secured_conn.is_initiator else 1  # the parity of the streams they open
        # Room for all of them and for some answers, since a reader that waits for a writer, on both
        # sides, waits for ever.
        channel = trio.open_memory_channel[YamuxStream](guard.limits.streams)
        self.new_stream_send_channel, self.new_stream_receive_channel = channel
        self._answers, self._to_answer = trio.open_memory_channel[bytes](_ANSWERS)

    async def handle_incoming(self) -> None:
        """Read frame after frame, until the connection ends; then wake everybody who waits for it."""
        limits = self._guard.limits
        assert self._nursery is not None  # `start` has opened it
        self._nursery.start_soon(self._answer)
        try:
            while not self.event_shutting_down.is_set():
                header = await read_exactly(self.secured_conn, HEADER_SIZE)
                version, kind, flags, stream, length = struct.unpack(YAMUX_HEADER_FORMAT, header)
                if version != 0:
                    raise _ViolationError(f"version {version}")
                cost = limits.frame + (length if kind == TYPE_DATA else 0)
                if flags & FLAG_SYN:
                    cost += limits.new_stream
                if wait := self._guard.traffic(self._who, cost):
                    await trio.sleep(min(wait, _BODY))
                if kind in (TYPE_DATA, TYPE_WINDOW_UPDATE):
                    await self._take(kind, flags, stream, length)
                elif kind == TYPE_PING:
                    self._pong(flags, length)
                elif kind == TYPE_GO_AWAY:
                    break
                else:
                    raise _ViolationError(f"frames of type {kind}")
        except _ViolationError as error:
            log.info("%s breaks the protocol: %s", self._who, error)
            self._guard.garbage(self._who, "broken-frames")
            await self._say_goodbye()
        except Exception as error:  # libp2p raises anything when a connection ends
            log.debug("the connection to %s ended: %r", self._who, error)
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(_CLEAN_UP):
                await self._cleanup_on_error()
            self.event_closed.set()

    async def accept_stream(self) -> IMuxedStream:
        """Wait for a stream that the other side opens, and tell it that it is open."""
        stream = await super().accept_stream()
        assert isinstance(stream, YamuxStream)
        with suppress(Exception):  # the connection ends, which the next wait tells
            await self._write_frame(_frame(TYPE_WINDOW_UPDATE, FLAG_ACK, stream.stream_id))
        return stream

    def give_up(self) -> None:
        """The neighbour takes nothing, or half a frame was written: nothing can be sent any more."""
        self.event_shutting_down.set()
        if self._nursery is not None:
            self._nursery.cancel_scope.cancel()

    def too_slow(self) -> NoReturn:
        """The neighbour reads nothing of what waits for it.

        Raises:
            MuxedStreamError: always.
        """
        self._guard.refuse(self._who, "slow-reader", "it reads nothing of what it is sent")
        self.give_up()
        raise MuxedStreamError("the other side reads nothing")

    @property
    def patience(self) -> float:
        """Seconds for which a write waits."""
        return self._guard.limits.slow

    async def _write_frame(self, data: bytes) -> None:
        """By default a frame whose writer is cancelled is written by half, and all that follows on the
        connection is nonsense; and a neighbour that reads nothing is waited for for ever."""
        async with self._write_lock:
            await trio.lowlevel.checkpoint_if_cancelled()
            written = False
            try:
                with trio.move_on_after(self.patience):
                    await self.secured_conn.write(data)
                    written = True
            finally:
                if not written:
                    self.give_up()
            if not written:
                self.too_slow()
        await trio.lowlevel.checkpoint()

    async def _take(self, kind: int, flags: int, number: int, length: int) -> None:
        body = b""
        if kind == TYPE_DATA and length:
            if length > DEFAULT_WINDOW_SIZE:
                raise _ViolationError(f"a frame of {length} bytes")
            with trio.fail_after(_BODY):
                body = await read_exactly(self.secured_conn, length, length)
        if flags & FLAG_SYN and not self._open(number, flags):
            return
        stream = self.streams.get(number)
        if stream is None:
            return  # what was under way when it was closed
        if kind == TYPE_WINDOW_UPDATE:
            stream.send_window = min(stream.send_window + length, _MOST_CREDIT)
        elif body:
            stream.recv_window -= len(body)
            if stream.recv_window < 0:
                raise _ViolationError("more data than there is room for")
            self.stream_buffers[number].extend(body)
            if sum(map(len, self.stream_buffers.values())) > self._guard.limits.unread:
                self._give_up_stream(stream)
                return
        if flags & FLAG_FIN:
            stream.recv_closed = True
            stream.closed = stream.closed or stream.send_closed
        if flags & FLAG_RST:
            stream.closed = stream.reset_received = True
        self.stream_events[number].set()
        if stream.closed:
            self._finalize_stream_locked(stream, fully_closed=True)

    def _open(self, number: int, flags: int) -> bool:
        """The other side opens a stream; whether it may."""
        if number % 2 != self._theirs or number == 0:
            raise _ViolationError(f"it opens the stream {number}, which is not its to open")
        theirs = sum(1 for one in self.streams if one % 2 == self._theirs)
        if number in self.streams or theirs >= self._guard.limits.streams or flags & FLAG_RST:
            if theirs >= self._guard.limits.streams:
                self._guard.refuse(self._who, "too-many-streams", "too many streams at once")
                self._guard.flood(self._who)
            self._reply(_frame(TYPE_WINDOW_UPDATE, FLAG_RST, number))
            return False
        stream = YamuxStream(number, self, False)
        self.streams[number] = stream
        self.stream_buffers[number] = bytearray()
        self.stream_events[number] = trio.Event()
        self.new_stream_send_channel.send_nowait(stream)
        return True

    def _give_up_stream(self, stream: YamuxStream) -> None:
        self._guard.refuse(self._who, "unread", "it sends what nobody reads")
        self._guard.flood(self._who)
        self._reply(_frame(TYPE_WINDOW_UPDATE, FLAG_RST, stream.stream_id))
        stream.closed = stream.send_closed = stream.recv_closed = stream.reset_received = True
        self.stream_buffers[stream.stream_id].clear()
        self.stream_events[stream.stream_id].set()
        self._finalize_stream_locked(stream, fully_closed=True)

    def _sweep_stale_streams(self, now: float | None = None) -> int:
        """By default a reader that is woken by the end of its stream leaves an event, for ever."""
        for number in self.stream_events.keys() - self.streams.keys():
            del self.stream_events[number]
        return super()._sweep_stale_streams(now)

    def _pong(self, flags: int, value: int) -> None:
        if flags & FLAG_SYN:
            self._reply(_frame(TYPE_PING, FLAG_ACK, 0, value))
        elif flags & FLAG_ACK:
            self._rtt = trio.current_time() - self._ping_sent_time
            self._ping_event.set()

    def _reply(self, frame: bytes) -> None:
        with suppress(trio.WouldBlock):  # who asks for so much at once misses none of it
            self._answers.send_nowait(frame)

    async def _answer(self) -> None:
        with suppress(Exception):  # the connection ends, which the reader notices
            async for frame in self._to_answer:
                await self._write_frame(frame)

    async def _say_goodbye(self) -> None:
        with trio.move_on_after(_CLEAN_UP):
            try:
                await self._write_frame(_frame(TYPE_GO_AWAY, 0, 0, GO_AWAY_PROTOCOL_ERROR))
            except Exception as error:  # it is going anyway
                log.debug("no goodbye to %s: %r", self._who, error)


async def write(self: YamuxStream, data: bytes) -> None:
    """What `YamuxStream.write` should be: by default a neighbour that is busy for 5 s loses all that
    waits for it, and one that reads nothing is written to again and again."""
    sent, closed = 0, _is_closed(self)
    while sent < len(data):
        if self.send_window <= 0 and not closed():
            await _wait_for_room(self, closed)
        if closed():
            raise MuxedStreamError("the stream is closed")
        size = min(self.send_window, yamux.MAX_MESSAGE_SIZE - HEADER_SIZE, len(data) - sent)
        self.send_window -= size
        header = _frame(TYPE_DATA, 0, self.stream_id, size)
        await self.conn._write_frame(header + data[sent : sent + size])
        sent += size


def _is_closed(stream: YamuxStream) -> Callable[[], bool]:
    return lambda: stream.send_closed or stream.closed


async def _wait_for_room(stream: YamuxStream, closed: Callable[[], bool]) -> None:
    connection = stream.conn
    with trio.move_on_after(connection.patience if isinstance(connection, GuardedYamux) else _BODY):
        while stream.send_window <= 0 and not closed():  # noqa: ASYNC110  # there is no event for it
            await trio.sleep(_POLL)
        return
    if isinstance(connection, GuardedYamux):
        connection.too_slow()
    raise MuxedStreamError("the other side reads nothing")


def _frame(kind: int, flags: int, stream: int, length: int = 0) -> bytes:
    return struct.pack(YAMUX_HEADER_FORMAT, 0, kind, flags, stream, length)
