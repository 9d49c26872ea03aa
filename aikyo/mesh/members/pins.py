"""Whose an id is while nobody is there to say it, and who is shut out: what a home keeps of others.

Pure but for one event to wait on; `roster_file` keeps it across restarts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Annotated

import base58
import trio
from msgspec import Meta, Struct

__all__ = ["MAX_BLOCKS", "MAX_NOTE", "MAX_PINS", "Block", "Pin", "Pins", "is_numbered", "is_peer_id"]

MAX_PINS = 1024
"""Ids that are kept for their peers; past that, the one not seen for longest is let go."""

MAX_BLOCKS = 1024
"""Peers that can be shut out; past that, the one shut out first is let in again."""

MAX_NOTE = 256
"""Characters of a note beside a block."""

_KEPT_FOR = 30 * 86400.0

PeerId = Annotated[str, Meta(min_length=1, max_length=128)]
Time = Annotated[float, Meta(ge=0)]


class Pin(Struct, frozen=True, omit_defaults=True):
    """A companion id that is kept for one peer.

    Attributes:
        peer: the peer id.
        seen: when it last was on the mesh with this id, seconds since the epoch.
        own: whether the peer is one of this home's.
    """

    peer: PeerId
    seen: Time
    own: bool = False


class Block(Struct, frozen=True, omit_defaults=True):
    """A peer that is shut out.

    Attributes:
        note: why, for people.
        since: since when, seconds since the epoch.
    """

    note: Annotated[str, Meta(max_length=MAX_NOTE)] = ""
    since: Time = 0.0


class Pins:
    """The pinned ids and the blocked peers of one home on one mesh.

    Args:
        clock: seconds since the epoch.
        pins: by companion id, as they were kept; those not seen for 30 days are let go.
        blocks: by peer id.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        pins: Mapping[str, Pin] | None = None,
        blocks: Mapping[str, Block] | None = None,
    ) -> None:
        self._clock = clock
        self._pins = dict(pins or {})
        self._blocks = dict(blocks or {})
        self._changed = trio.Event()
        if self._pins:
            self.expire()

    def pinned(self) -> Mapping[str, Pin]:
        """The pins, by companion id; a live view."""
        return MappingProxyType(self._pins)

    def blocked(self) -> Mapping[str, Block]:
        """The blocks, by peer id; a live view."""
        return MappingProxyType(self._blocks)

    def owner(self, companion: str) -> Pin | None:
        """Whose the id `companion` is, if it is pinned."""
        return self._pins.get(companion)

    def is_blocked(self, peer: str) -> bool:
        """Whether `peer` is shut out."""
        return peer in self._blocks

    def pin(self, companion: str, peer: str, *, own: bool = False) -> None:
        """Keep the id `companion`, which is there now, for `peer`; done again, it is seen again. What
        else was kept for `peer` is let go: it goes by this name now."""
        before = self._pins.get(companion)
        if before is None or (before.peer, before.own) != (peer, own):
            self._drop(ident for ident, pin in self._pins.items() if pin.peer == peer)
            self._pins[companion] = Pin(peer, self._clock(), own)
            self._make_room()
            self._notify()
        else:
            self._pins[companion] = Pin(peer, self._clock(), own)

    def forget(self, companion: str) -> bool:
        """Free the id `companion`, and those of ours that were numbered because it was another's
        (``<id>-2``); whether it was pinned."""
        freed = self._drop(
            ident
            for ident, pin in self._pins.items()
            if ident == companion or (pin.own and is_numbered(ident, companion))
        )
        if freed:
            self._notify()
        return companion in freed

    def block(self, peer: str, note: str = "") -> None:
        """Shut `peer` out, and free the ids that are kept for it."""
        self._blocks.pop(peer, None)
        text = note[:MAX_NOTE].encode(errors="replace").decode()  # a command line may hold any bytes
        self._blocks[peer] = Block(text, self._clock())
        while len(self._blocks) > MAX_BLOCKS:
            del self._blocks[next(iter(self._blocks))]
        self._drop(ident for ident, pin in self._pins.items() if pin.peer == peer)
        self._notify()

    def unblock(self, peer: str) -> bool:
        """Let `peer` in again; whether it was blocked."""
        if self._blocks.pop(peer, None) is None:
            return False
        self._notify()
        return True

    def expire(self) -> None:
        """Let go of what was not seen for 30 days."""
        since = self._clock() - _KEPT_FOR
        if self._drop(ident for ident, pin in self._pins.items() if pin.seen < since):
            self._notify()

    async def changed(self) -> None:
        """Wait for the next change but of when somebody was seen (cancellable)."""
        await self._changed.wait()

    def _drop(self, idents: Iterable[str]) -> list[str]:
        dropped = list(idents)
        for ident in dropped:
            del self._pins[ident]
        return dropped

    def _make_room(self) -> None:
        """Of others first: what is ours cannot be crowded out."""
        while len(self._pins) > MAX_PINS:
            del self._pins[min(self._pins, key=lambda i: (self._pins[i].own, self._pins[i].seen))]

    def _notify(self) -> None:
        self._changed.set()
        self._changed = trio.Event()


def is_numbered(ident: str, wanted: str) -> bool:
    """Whether `ident` is what one takes that could not have `wanted`: ``<wanted>-2`` and so on."""
    number = ident.removeprefix(f"{wanted}-")
    return number != ident and number.isascii() and number.isdigit()


def is_peer_id(text: str) -> bool:
    """Whether `text` looks like a peer id: 20 to 128 characters of base58."""
    if not 20 <= len(text) <= 128:
        return False
    try:
        base58.b58decode(text)
    except ValueError:
        return False
    return True
