"""What the clients of models have in common where something goes wrong: waits, and words of a server."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CONNECT_SECONDS", "LONGEST_WAIT", "one_line", "seconds_to_wait", "when"]

CONNECT_SECONDS = 5.0

LONGEST_WAIT = 5.0
"""Seconds that a server may ask us to wait before the retry; some ask for hours."""

_MAX_TOLD = 200
"""Characters of a server's own words that go into an error."""


def one_line(text: str, secret: str) -> str:
    """One line of what a server said. It is not trusted to leave the key out."""
    line = " ".join((text.replace(secret, "***") if secret else text).split())
    return line if len(line) <= _MAX_TOLD else line[: _MAX_TOLD - 1] + "…"


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """What the server asks for; a date, which it may send as well, counts as for ever."""
    millis, seconds = headers.get("retry-after-ms"), headers.get("retry-after")
    if millis is None and seconds is None:
        return None
    try:
        return float(millis) / 1000 if millis is not None else float(seconds or "inf")
    except ValueError:
        return float("inf")


def when(headers: Mapping[str, str]) -> str:
    """The end of an error: when it may be tried again."""
    wait = seconds_to_wait(headers)
    if wait is None or not 1 <= wait < 86_400:
        return "; it is tried again later"
    return f"; it may be tried again in {wait:.0f} s"
