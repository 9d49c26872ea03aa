"""Gossip's RPCs as they come on a stream: where one ends, what it holds, and what is held of it before.

Importing this module imports libp2p (1.5 s).
"""

from __future__ import annotations

from collections import Counter

import trio
from libp2p.abc import INetStream
from libp2p.io.exceptions import MessageTooLarge
from libp2p.network.stream.exceptions import StreamEOF
from libp2p.peer.id import ID

__all__ = ["Frames", "Halves", "count"]

_CHUNK = 64 << 10
_CONTROL = 3
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Halves:
    """What has come of RPCs whose end has not, on all streams of a host.

    Args:
        most: bytes. Beyond it the longest of the peer that has most is given up: one RPC may be 4 MiB,
            and there are hundreds of streams on which it may begin and never end.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[Frames, int] = {}

    def __len__(self) -> int:
        """Bytes."""
        return sum(self._held.values())

    def hold(self, frames: Frames, size: int) -> None:
        """`frames` holds so many bytes now."""
        self._held.pop(frames, None)
        if size > _CHUNK:  # which each stream may
            self._held[frames] = size
        while len(self) > self._most:
            by_peer = Counter[ID]()
            for one, held in self._held.items():
                by_peer[one.peer] += held
            longest = max(self._held, key=lambda one: (by_peer[one.peer], self._held[one]))
            del self._held[longest]
            longest.give_up()


class Frames:
    """What is read of one stream. By default a length is read byte by byte, which takes longest.

    Args:
        stream: where the RPCs come from.
        most: bytes of one of them.
        halves: what all of them hold together.

    Attributes:
        peer: who writes on it.
    """

    def __init__(self, stream: INetStream, most: int, halves: Halves) -> None:
        self.peer = stream.muxed_conn.peer_id
        self._stream = stream
        self._most = most
        self._halves = halves
        self._buffer = bytearray()
        self._reading = trio.CancelScope()
        self._given_up = False

    async def next(self) -> bytes:
        """Wait for the next.

        Raises:
            MessageTooLarge: it is larger than allowed, or too much has come of all of them.
            StreamEOF: there is none.
        """
        while (frame := self._take()) is None:
            self._halves.hold(self, len(self._buffer))
            with trio.CancelScope() as self._reading:
                if self._given_up:
                    self._reading.cancel()
                data = await self._stream.read(_CHUNK)
                if not data:
                    raise StreamEOF
                self._buffer += data
            if self._given_up:
                raise MessageTooLarge("too much of it and of others has come without an end")
        return frame

    def give_up(self) -> None:
        """Let what is waited for be lost."""
        self._given_up = True
        self._reading.cancel()

    def close(self) -> None:
        """Nothing more is read."""
        self._halves.hold(self, 0)

    def _take(self) -> bytes | None:
        try:
            length, start = _varint(self._buffer, 0)
        except IndexError:
            return None
        if length > self._most:
            raise MessageTooLarge(f"{length} bytes")
        end = start + length
        if len(self._buffer) < end:
            return None
        frame = bytes(memoryview(self._buffer)[start:end])
        del self._buffer[:end]
        return frame


def count(frame: bytes, most: int) -> int:
    """How many things an RPC holds: messages, subscriptions, what control asks for. More than `most` are
    not counted. 4 MiB can be two million empty ones, which take 200 MiB and seconds when they are read.

    Args:
        frame: its bytes; where they are none, what comes before that is counted.
        most: after so many it ends.
    """
    number, at, ends = 0, 0, [len(frame)]
    try:
        while number <= most:
            while at >= ends[-1]:
                ends.pop()
            tag, at = _varint(frame, at)
            kind = tag & 7
            if kind == _BYTES:
                length, at = _varint(frame, at)
                if tag >> 3 == _CONTROL and len(ends) == 1:
                    ends.append(min(at + length, len(frame)))
                    number += 1
                    continue
                at += length
            elif kind == _VARINT:
                _, at = _varint(frame, at)
            else:
                at += {_FIXED64: 8, _FIXED32: 4}.get(kind, 0)
            number += 1
    except IndexError:  # the end
        pass
    return number


def _varint(data: bytes | bytearray, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80 or shift > 63:
            return value, at
        shift += 7
