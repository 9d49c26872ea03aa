"""What comes in answer to one request, streamed or whole, and what is to be made of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import trio

from ..calling.fault import NEXT_SECONDS
from .events import MAX_SIZE, Events, TooMuch

__all__ = ["Answer", "Incoming", "Told", "receive", "told_by"]

_MAX_ERROR = 64 << 10
"""Bytes of an error that are read."""

_END_SECONDS = 2.0
"""Until what may follow the end of an answer (its cost) has come; some never close the stream."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a server says went wrong: its words, its own names for it, and an HTTP status if it gives
    one in the error itself."""

    text: str
    code: str = ""
    status: int = 0


class Answer(Protocol):
    """What an answer is put together in."""

    @property
    def whole(self) -> bool:
        """Whether nothing more is to come, but for its cost perhaps."""
        ...

    def take(self, data: str) -> Told | None:
        """Take in a piece, or all of it; returns what it tells went wrong, if it does.

        Raises:
            msgspec.DecodeError: it is no piece of an answer.
        """
        ...


class Incoming:
    """Takes in an HTTP response. Pure; never raises.

    Args:
        answer: where its pieces go.

    Attributes:
        status: its HTTP status; 0 as long as nothing has come. An error within the stream of an answer
            has its own, or 500.
        headers: its headers.
        told: what went wrong, in the server's words; None if nothing did.
        problem: why what came is no answer at all, in ours; empty if it is one.
        answer: as given.
    """

    def __init__(self, answer: Answer) -> None:
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.told: Told | None = None
        self.problem = ""
        self.answer = answer
        self._events: Events | None = None
        self._body = bytearray()

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Its head has come. What is packed is not unpacked, since that has no bounds."""
        self.status, self.headers = status, headers
        packed = headers.get("content-encoding", "identity")
        if packed.lower() != "identity":
            self.problem = f"it is packed as {packed}, which it was not asked to be"
        if status == 200 and headers.get("content-type", "").startswith("text/event-stream"):
            self._events = Events()

    def take(self, chunk: bytes) -> bool:
        """A part of its body has come; returns whether more of it is wanted."""
        if self.problem or self.told is not None:
            return False
        if self._events is not None:
            try:
                found = self._events.feed(chunk)
            except TooMuch:
                self.problem = "it has no end"
                return False
            return all(self._add(data) for data in found)
        self._body += chunk
        if self.status != 200:
            return len(self._body) <= _MAX_ERROR
        if len(self._body) > MAX_SIZE:
            self.problem = "it has no end"
        return not self.problem

    def end(self) -> None:
        """That was all of it."""
        if self.problem or self.told is not None:
            return
        if self._events is not None:
            _ = all(self._add(data) for data in self._events.end())
        elif self.status == 200:
            self._add(self._body.decode(errors="replace"))
        elif self.status:
            self.told = _error(self._body.decode(errors="replace"))

    def _add(self, data: str) -> bool:
        try:
            self.told = self.answer.take(data)
        except (msgspec.DecodeError, RecursionError) as error:
            self.problem = str(error) or type(error).__name__
        if self.told is not None:
            self.status = self.told.status or 500
        return self.told is None and not self.problem


async def receive(
    incoming: Incoming,
    chunks: AsyncIterator[bytes],
    patience: trio.CancelScope,
    seen: Callable[[], None] | None = None,
) -> None:
    """Take in a body to its end, or until no more of it is wanted.

    Args:
        incoming: what takes it in; has begun.
        chunks: the body.
        patience: a scope around this, which is given more time as more comes.
        seen: told of each part of it.
    """
    async for chunk in chunks:
        ended = incoming.answer.whole
        wanted = incoming.take(chunk)
        if seen is not None:
            seen()
        if not incoming.answer.whole:
            patience.deadline = trio.current_time() + NEXT_SECONDS
        elif not ended:
            patience.deadline = trio.current_time() + _END_SECONDS
        if not wanted:
            patience.cancel()  # to break would leave the client's iterators to the garbage collector
    incoming.end()


def told_by(error: Any) -> Told:
    """What an error object says, in any of the forms there are."""
    match error:
        case {"error": inner} if inner:
            return told_by(inner)
        case {"message": str(text), **more}:
            code, kind = more.get("code") or "", more.get("type") or ""
            status = code if isinstance(code, int) and 400 <= code < 600 else 0
            return Told(text, f"{code} {kind}".strip(), status)
        case {"detail": detail}:
            return Told(detail if isinstance(detail, str) else str(detail))
        case str(text):
            return Told(text)
    return Told(str(error))


def _error(body: str) -> Told:
    try:
        return told_by(msgspec.json.decode(body))
    except (msgspec.DecodeError, RecursionError):
        return Told(body or "no reason given")
