"""Server-sent events, as far as models' servers use them: the data of each, bounded. Pure.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

__all__ = ["MAX_SIZE", "Events", "TooMuch"]

MAX_SIZE = 4 << 20
"""Bytes of one answer; a thousand times what is asked for."""


class TooMuch(Exception):  # noqa: N818 - told as a BrainError, never seen by itself
    """The answer has no end."""


class Events:
    """Takes in what comes and gives the data of the events that are whole."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []  # the pieces of a line that has no end yet
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[str]:
        """The data of the events that end in `chunk`.

        Raises:
            TooMuch: more than `MAX_SIZE` bytes have come.
        """
        self._size += len(chunk)
        if self._size > MAX_SIZE:
            raise TooMuch
        self._rest.append(chunk)
        if b"\n" not in chunk:
            return []
        *lines, rest = b"".join(self._rest).split(b"\n")
        self._rest = [rest]
        found = []
        for line in lines:
            stripped = line.rstrip(b"\r")
            if stripped.startswith(b"data:"):
                self._data.append(stripped[5:].removeprefix(b" "))
            elif not stripped and self._data:
                found.append(b"\n".join(self._data).decode(errors="replace"))
                self._data = []
        return found

    def end(self) -> list[str]:
        """The last one, where the server left out the blank line after it."""
        return self.feed(b"\n\n")
