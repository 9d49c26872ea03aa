"""How far back: ``30m``, ``12h``, ``7d``."""

from __future__ import annotations

import re

from .errors import UsageError

__all__ = ["seconds_of"]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds_of(text: str, called: str) -> float:
    """How many seconds `text` is.

    Args:
        text: as a person wrote it.
        called: what it was given as, for the error: ``--since``.

    Raises:
        UsageError: it is none of the kind.
    """
    match = re.fullmatch(r"(\d{1,9})([smhd])", text.strip(), re.ASCII)
    if match is None:
        raise UsageError(f"{called} {text[:40]!r}: this takes a number and s, m, h or d, such as 1h")
    return float(match[1]) * _UNITS[match[2]]
