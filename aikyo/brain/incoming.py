"""What comes in answer to one request for a completion, and what is to be made of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from .chat_reply import Pieces, Told, told_by
from .events import MAX_SIZE, Events, TooMuch

__all__ = ["Incoming", "Unusable"]

_MAX_ERROR = 64 << 10
"""Bytes of an error that are read."""


class Unusable(Exception):  # noqa: N818 - told as a BrainError, never seen by itself
    """What came is no answer, and asking again would be of no use."""


class Incoming:
    """Takes in an HTTP response, streamed or whole.

    Attributes:
        status: its HTTP status; 0 as long as nothing has come. An error within the stream of an answer
            has its own, or 500.
        headers: its headers.
        told: what went wrong, in the server's words; None if nothing did.
        pieces: the answer so far.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.told: Told | None = None
        self.pieces = Pieces()
        self._events: Events | None = None
        self._body = bytearray()

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Its head has come."""
        self.status, self.headers = status, headers
        if status == 200 and headers.get("content-type", "").startswith("text/event-stream"):
            self._events = Events()

    def take(self, chunk: bytes) -> bool:
        """A part of its body has come; returns whether more of it is wanted.

        Raises:
            Unusable: why it is no answer.
        """
        if self.told is not None:
            return False
        if self._events is None:
            self._body += chunk
            if self.status != 200:
                return len(self._body) <= _MAX_ERROR
            if len(self._body) > MAX_SIZE:
                raise Unusable("it has no end")
            return True
        try:
            found = self._events.feed(chunk)
        except TooMuch:
            raise Unusable("it has no end") from None
        return all(self._add(data) for data in found)

    def end(self) -> None:
        """That was all of it.

        Raises:
            Unusable: as for `take`.
        """
        if self._events is not None:
            if self.told is None:
                _ = all(self._add(data) for data in self._events.end())
        elif self.status == 200:
            self._add(bytes(self._body))
        elif self.status:
            self.told = _error(bytes(self._body))

    def _add(self, data: str | bytes) -> bool:
        try:
            self.told = self.pieces.take(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Unusable(str(error) or type(error).__name__) from None
        if self.told is not None:
            self.status = self.told.status or 500
        return self.told is None


def _error(body: bytes) -> Told:
    try:
        return told_by(msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError):
        return Told(body.decode(errors="replace") or "no reason given")
