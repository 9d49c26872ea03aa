"""Who judges for all in a mesh of the TypeScript aikyo: a recipient, elected by the message. Pure.

Everybody who hears a message comes to the same leader without asking: the MD5 of the message, as
JavaScript would write it, modulo the number of recipients that are there, in the order in which the
message lists them.
"""

from __future__ import annotations

from collections.abc import Container
from hashlib import md5

from ..wire.javascript import Hashed, hashed

__all__ = ["leader", "succession"]


def leader(raw: bytes | str, active: Container[str]) -> str | None:
    """Who is elected for a message.

    Args:
        raw: the whole JSON-RPC call, as it was on the wire.
        active: the companions that are there.

    Returns:
        The leader's id; None where nobody there is addressed, or where the TypeScript schema does not
        take the message.
    """
    message = hashed(raw)
    if message is None:
        return None
    return next(iter(succession(message, active)), None)


def succession(message: Hashed, active: Container[str]) -> tuple[str, ...]:
    """The leader, then those who take over one after the other when it is silent: the recipients after
    it, in the message's order and around."""
    there = [who for who in message.to if who in active]
    if not there:
        return ()
    digest = md5(message.text, usedforsecurity=False).digest()
    first = int.from_bytes(digest, "big") % len(there)
    return tuple(dict.fromkeys(there[first:] + there[:first]))
