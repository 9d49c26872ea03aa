"""The first bytes of a connection: a private mesh's key, and whether the other side speaks as we do."""

from __future__ import annotations

import os

from Crypto.Cipher import Salsa20
from libp2p.io.abc import ReadWriteCloser
from libp2p.io.exceptions import IOException

__all__ = ["ForeignError", "Opening"]

_GREETING = b"\x13/multistream/1.0.0\n"  # what either side says first, in the clear or by the key
_NONCE = 8
_MOST = 64 << 10


class ForeignError(IOException):
    """The other side has another network key, or none, or is no libp2p at all."""


class Opening(ReadWriteCloser):
    """A connection's bytes, enciphered where the mesh has a key.

    libp2p's own (`PskConn`) takes what a wrong key makes of the first bytes for a length, and waits for
    so many until the handshake's time is over; and it fails where the nonce arrives in two pieces. The
    cipher is the same: Salsa20, with a fresh random nonce for each direction of each connection. It
    hides, but it authenticates nobody; Noise does so inside it.

    Args:
        stream: the connection.
        key: the 32 bytes of the network key; None: in the clear.

    Attributes:
        foreign: whether the other side has begun otherwise than we do.
    """

    def __init__(self, stream: ReadWriteCloser, key: bytes | None) -> None:
        self._stream = stream
        self._key = key
        self._reader: Salsa20.Salsa20Cipher | None = None
        self._writer: Salsa20.Salsa20Cipher | None = None
        self._greeting = bytearray()
        self._greeted = False
        self._begun = False
        self.foreign = False

    async def read(self, n: int | None = None) -> bytes:
        """Up to `n` bytes.

        Raises:
            ForeignError: the first are not what everybody begins with.
        """
        if not self._greeted:
            await self._greet()
        if self._greeting:
            taken = bytes(self._greeting[:n])
            del self._greeting[: len(taken)]
            return taken
        # a length that a stranger sent is allocated as it is
        data = await self._stream.read(_MOST if n is None else min(n, _MOST))
        return data if self._reader is None else self._reader.decrypt(data)

    async def write(self, data: bytes) -> None:
        """Write all of `data`."""
        if self._key is None:
            await self._stream.write(data)
            return
        head = b""
        if self._writer is None:
            head = os.urandom(_NONCE)
            self._writer = Salsa20.new(key=self._key, nonce=head)
        await self._stream.write(head + self._writer.encrypt(data))

    async def close(self) -> None:
        """Close the connection."""
        await self._stream.close()

    def get_remote_address(self) -> tuple[str, int] | None:
        """The other side's IP address and port."""
        return self._stream.get_remote_address()

    async def _greet(self) -> None:
        if self._key is not None:
            nonce = await self._exactly(_NONCE)
            self._reader = Salsa20.new(key=self._key, nonce=nonce)
        data = await self._exactly(len(_GREETING))
        greeting = data if self._reader is None else self._reader.decrypt(data)
        if greeting != _GREETING:
            self.foreign = True
            raise ForeignError("the other side does not begin as libp2p does")
        self._greeting += greeting
        self._greeted = True

    async def _exactly(self, number: int) -> bytes:
        data = b""
        while len(data) < number:
            try:
                piece = await self._stream.read(number - len(data))
            except IOException:
                piece = b""
            if not piece:
                # One without a key says too little for one who has a key, and goes.
                self.foreign = self._begun
                raise ForeignError("the other side closed the connection before it had begun")
            self._begun = True
            data += piece
        return data
