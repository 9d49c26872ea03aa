"""A server's own words and headers, where something has gone wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

__all__ = ["one_line", "seconds_to_wait"]

_MAX_TOLD = 200
"""Characters of a server's own words that go into an error."""


def one_line(text: str, secret: str) -> str:
    """One line of what a server said. It is not trusted to leave the key out."""
    line = " ".join((text.replace(secret, "***") if secret else text).split())
    return line if len(line) <= _MAX_TOLD else line[: _MAX_TOLD - 1] + "…"


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """What the server asks for, in seconds or as a date (RFC 9110, 10.2.3), which is read by the
    server's own clock; infinite where it cannot be read. None where it asks for nothing."""
    millis, seconds = headers.get("retry-after-ms"), headers.get("retry-after")
    if millis is None and seconds is None:
        return None
    try:
        wait = float(millis) / 1000 if millis is not None else float(seconds or "inf")
    except ValueError:
        wait = _until(seconds or "", headers.get("date", ""))
    return math.inf if math.isnan(wait) else max(0.0, wait)


def _until(date: str, now: str) -> float:
    try:
        return (parsedate_to_datetime(date) - parsedate_to_datetime(now)).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return math.inf
