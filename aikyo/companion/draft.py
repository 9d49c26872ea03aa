"""What a companion is about to say, told to this swarm's watchers while its brain still composes it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import trio

from ..text import settled
from ..wire import MAX_TEXT, Delta

__all__ = ["Draft"]

EVERY = 0.05
"""Seconds between two deltas, at least: for the eye 20 in a second are as good as any more."""


class Draft:
    """One turn's words as they come, each attempt under a message id of its own.

    Deltas hold only whole characters, with all their marks; so they can be shown as they come.

    Args:
        sender: the companion's id.
        conversation: the talk it speaks in.
        new_id: makes ids of messages.
        tell: is given each delta; must be quick, and raise nothing.
    """

    def __init__(
        self, sender: str, conversation: str, new_id: Callable[[], str], tell: Callable[[Delta], None]
    ) -> None:
        self._sender = sender
        self._conversation = conversation
        self._new_id = new_id
        self._tell = tell
        self._ident = ""  # of the attempt that is under way
        self._told = ""
        self._next = -math.inf
        self._over = False

    def saying(self, text: str) -> None:
        """See `Toolbox.saying`. Of what is longer than a Message may be, only the beginning is told."""
        text = text[:MAX_TEXT].strip()
        if self._over or not text:
            return
        if not (text.startswith(self._told) or self._told.startswith(text)):
            self.end("dropped")
        if (now := trio.current_time()) < self._next:
            return
        if more := settled(text[len(self._told) :]):
            self._ident = self._ident or self._new_id()
            self._next = now + EVERY
            self._send(more)
            self._told += more

    def take(self, text: str) -> str:
        """The id for a Message of this text: that of the draft if it comes to just this, otherwise a new
        one, and the draft is dropped."""
        if self._ident and not text.startswith(self._told):
            self.end("dropped")
        return self._ident or self._new_id()

    def said(self, text: str) -> None:
        """The Message is published; nothing is told any more."""
        self._over = True
        if self._ident:
            self._send(text[len(self._told) :], "said")

    def end(self, why: Literal["interrupted", "dropped"]) -> None:
        """What has been told is not said. No effect where nothing is being told."""
        if self._ident and not self._over:
            self._send("", why)
            self._ident = self._told = ""

    def _send(self, text: str, end: Literal["said", "interrupted", "dropped"] | None = None) -> None:
        text = text.encode(errors="replace").decode()  # half a surrogate would not be JSON
        self._tell(
            Delta(
                id=self._ident,
                sender=self._sender,
                conversation=self._conversation,
                text=text,
                end=end,
            )
        )
