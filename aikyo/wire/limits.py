"""The wire's limits. What is larger is refused at the edge where it came in."""

from __future__ import annotations

import re
from itertools import accumulate

__all__ = [
    "MAX_ADDRESSES",
    "MAX_DEPTH",
    "MAX_ID",
    "MAX_MESSAGE",
    "MAX_PICTURE",
    "MAX_QUIET",
    "MAX_RECIPIENTS",
    "MAX_TEXT",
    "nested_too_deeply",
    "text_problem",
]

MAX_MESSAGE = 1 << 20
"""Bytes of one payload on the wire."""

MAX_TEXT = 16 << 10
"""Bytes (UTF-8) of one text field."""

MAX_PICTURE = 700 << 10
"""Bytes of a picture before base64."""

MAX_ID = 128
"""Characters of an id."""

MAX_RECIPIENTS = 256
"""Recipients one payload may name."""

MAX_DEPTH = 64
"""How deep a payload's arrays and objects may nest: far below what Python can write again from any
place in the program, so that nothing fails later that was taken in."""


MAX_ADDRESSES = 16
"""Addresses one presence may carry."""

MAX_QUIET = 86_400.0
"""Seconds for which a companion may be asked to be quiet; for longer it is until further notice."""


_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def nested_too_deeply(json: bytes) -> bool:
    """Whether arrays and objects in `json` nest deeper than `MAX_DEPTH`. Takes linear time, also for
    bytes that are no JSON, of which it may say anything."""
    if json.count(b"[") + json.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub(b"", json).translate(None, _NOT_BRACKETS)
    return max(accumulate(1 if bracket in b"[{" else -1 for bracket in brackets), default=0) > MAX_DEPTH


def text_problem(text: str, limit: int = MAX_TEXT) -> str | None:
    """What is wrong with `text` as a text field of at most `limit` bytes, or None."""
    if len(text) <= limit // 4:  # four bytes is the longest character
        return _encoding_problem(text)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return "holds half a surrogate pair"
    return f"is {size} bytes, over the limit of {limit}" if size > limit else None


def _encoding_problem(text: str) -> str | None:
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half a surrogate pair"
    return None
