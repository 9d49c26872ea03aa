"""Quoting what others have said, so that it can be read by a model but can't pass for instructions.

Each utterance is one JSON object on a line of its own, between `<quotes>` and `</quotes>`. Line breaks
and angle brackets inside are JSON escapes, so that nothing within a quote can end it or begin a line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

__all__ = ["CLOSE", "OPEN", "clip", "quote"]

OPEN, CLOSE = "<quotes>", "</quotes>"

_ESCAPES = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>\x7f\x85\u2028\u2029"}


def quote(records: Iterable[Mapping[str, object]]) -> str:
    """The fenced block of these records, or nothing if there are none."""
    lines = [msgspec.json.encode(record).decode().translate(_ESCAPES) for record in records]
    return "\n".join([OPEN, *lines, CLOSE]) if lines else ""


def clip(text: str, limit: int) -> str:
    """`text`, or its beginning with an ellipsis, in at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
