"""The metadata protocol: who a neighbour is, asked on a stream of its own.

The answerer writes one JSON object in one piece, exactly five strings, and closes. js-libp2p peers
answer with nothing when they have our metadata already; so theirs is asked for before ours is given.
"""

from __future__ import annotations

import logging

import msgspec
from libp2p.abc import INetStream
from libp2p.custom_types import TProtocol
from libp2p.network.stream.exceptions import StreamEOF

from ...wire import Presence

__all__ = ["METADATA", "read_metadata", "write_metadata"]

log = logging.getLogger(__name__)

METADATA = TProtocol("/aikyo/metadata/1.0.0")

_KEYS = ("id", "name", "personality", "story", "sample")
_MAX = 6 * 64 << 10  # four texts of 16 KiB, each byte escaped as six at the worst
_CHUNK = 16 << 10
_DECODER = msgspec.json.Decoder(Presence)


async def write_metadata(stream: INetStream, me: Presence | None) -> None:
    """Answer with `me`, or with nothing, and close; the caller sets the deadline."""
    if me is not None:
        await stream.write(msgspec.json.encode({key: getattr(me, key) for key in _KEYS}))
    await stream.close()


async def read_metadata(stream: INetStream) -> Presence | None:
    """Read an answer to its end and close; the caller sets the deadline.

    Returns:
        What the peer presents; None when that is nothing, or nothing valid.
    """
    data = bytearray()
    try:
        while len(data) <= _MAX and (chunk := await stream.read(_CHUNK)):
            data += chunk
    except StreamEOF:
        pass
    await stream.close()
    if not data:
        return None
    try:
        return msgspec.structs.replace(_DECODER.decode(data), gone=False)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        log.info("metadata that is none: %s", error)
        return None
