"""What comes in answer to one request, and what is to be made of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from ..base import Usage
from ..models.events import MAX_SIZE, Events, TooMuch
from .reply import Told, told_by

__all__ = ["Answer", "Incoming", "Unusable"]

_MAX_ERROR = 64 << 10
"""Bytes of an error that are read."""


class Unusable(Exception):  # noqa: N818 - told as a BrainError, never seen by itself
    """What came is no answer, and asking again would be of no use."""


class Answer(Protocol):
    """What an answer is put together in."""

    @property
    def whole(self) -> bool:
        """Whether nothing more is to come, but for its cost perhaps."""
        ...

    @property
    def cost(self) -> Usage | None:
        """What it has cost so far, if that is known."""
        ...

    def take(self, data: str) -> Told | None:
        """Take in a piece; returns what it tells went wrong, if it does.

        Raises:
            msgspec.DecodeError: it is no piece of an answer.
        """
        ...


class Incoming:
    """Takes in an HTTP response, streamed or whole.

    Args:
        answer: where its pieces go.

    Attributes:
        status: its HTTP status; 0 as long as nothing has come. An error within the stream of an answer
            has its own, or 500.
        headers: its headers.
        told: what went wrong, in the server's words; None if nothing did.
        answer: as given.
    """

    def __init__(self, answer: Answer) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.told: Told | None = None
        self.answer = answer
        self._events: Events | None = None
        self._body = bytearray()

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Its head has come.

        Raises:
            Unusable: why it is no answer.
        """
        packed = headers.get("content-encoding", "identity")
        if packed.lower() != "identity":
            raise Unusable(f"it is packed as {packed}, which it was not asked to be")
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
            self._add(self._body.decode(errors="replace"))
        elif self.status:
            self.told = _error(self._body.decode(errors="replace"))

    def _add(self, data: str) -> bool:
        try:
            self.told = self.answer.take(data)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Unusable(str(error) or type(error).__name__) from None
        if self.told is not None:
            self.status = self.told.status or 500
        return self.told is None


def _error(body: str) -> Told:
    try:
        return told_by(msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError):
        return Told(body or "no reason given")
