"""One thing that happened, and its WebSocket frames, built once however many clients there are."""

from __future__ import annotations

import msgspec

from ..wire import Envelope, bare_name

__all__ = ["Frame", "text_frame"]


class Frame:
    """An envelope on its way out.

    Attributes:
        envelope: what happened.
        sender: id of whom it is from; empty where nobody is.
    """

    __slots__ = ("_bare", "_rich", "envelope", "sender")

    def __init__(self, envelope: Envelope, sender: str) -> None:
        self.envelope = envelope
        self.sender = sender
        self._rich: bytes | None = None
        self._bare: bytes | None = None

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(memoryview(self.envelope.body))

    @property
    def rich(self) -> bytes:
        """The frame of `/v1/stream`: the whole envelope."""
        if self._rich is None:
            self._rich = text_frame(msgspec.json.encode(self.envelope))
        return self._rich

    @property
    def bare(self) -> bytes:
        """The frame of `/`: the body alone."""
        if self._bare is None:
            self._bare = text_frame(bytes(self.envelope.body))
        return self._bare

    def is_from(self, name: str) -> bool:
        """Whether it is from `name`, which is an id or a bare name."""
        return name in (self.sender, bare_name(self.sender))


def text_frame(payload: bytes) -> bytes:
    """A server's unmasked, unfragmented text frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes((0x81, size)) + payload
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return b"\x81\x7f" + size.to_bytes(8, "big") + payload
