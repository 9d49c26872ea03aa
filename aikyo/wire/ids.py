"""Ids: of companions and people, and the time-ordered ids of what they say and do."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from hashlib import sha256
from random import Random

__all__ = [
    "NAME",
    "IdMaker",
    "bare_name",
    "companion_id",
    "derived_id",
    "is_companion",
    "made_at",
    "user_id",
]

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
"""What our own names look like; ids of others are opaque."""

_COMPANION = "companion_"
_USER = "user_"


def companion_id(name: str) -> str:
    """``alice`` → ``companion_alice``; an id stays as it is."""
    return name if name.startswith(_COMPANION) else _COMPANION + name


def user_id(name: str) -> str:
    """``mika`` → ``user_mika``; an id stays as it is."""
    return name if name.startswith(_USER) else _USER + name


def bare_name(ident: str) -> str:
    """``companion_alice`` → ``alice``, ``user_mika`` → ``mika``; anything else as it is."""
    return ident.removeprefix(_COMPANION).removeprefix(_USER)


def is_companion(ident: str) -> bool:
    """Whether this is the id of one of our companions (foreign ids are found in the roster)."""
    return ident.startswith(_COMPANION)


def derived_id(peer: str, sequence: bytes) -> str:
    """The id of a payload that came without one, the same at every receiver (a UUIDv8).

    Args:
        peer: the signed author.
        sequence: the author's sequence number, as it was signed.
    """
    digest = bytearray(sha256(peer.encode() + b"\0" + sequence).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x80
    digest[8] = digest[8] & 0x3F | 0x80
    return str(uuid.UUID(bytes=bytes(digest)))


def made_at(ident: str) -> float | None:
    """When an id was made, in seconds since the epoch by its maker's clock; None if unknown."""
    try:
        found = uuid.UUID(ident)
    except ValueError:
        return None
    return (found.int >> 80) / 1000 if found.version == 7 else None


class IdMaker:
    """Makes UUIDv7 ids (RFC 9562, 5.7) that never go backwards, even when the clock does.

    The twelve bits after the milliseconds are a counter (method 1 of RFC 9562, 6.2).

    Args:
        clock: seconds since the epoch.
        random: where the remaining 62 bits come from.
    """

    def __init__(self, clock: Callable[[], float], random: Random) -> None:
        self._clock = clock
        self._random = random
        self._last = 0  # milliseconds << 12 | counter

    def __call__(self) -> str:
        """The next id."""
        self._last = max(int(self._clock() * 1000) << 12, self._last + 1)
        millis, counter = self._last >> 12, self._last & 0xFFF
        value = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | counter << 64
        value |= 0b10 << 62 | self._random.getrandbits(62)
        return str(uuid.UUID(int=value))
