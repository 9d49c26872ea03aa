"""The wire's limits. What is larger is refused at the edge where it came in."""

from __future__ import annotations

__all__ = [
    "MAX_ADDRESSES",
    "MAX_ID",
    "MAX_MESSAGE",
    "MAX_PICTURE",
    "MAX_RECIPIENTS",
    "MAX_TEXT",
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


MAX_ADDRESSES = 16
"""Addresses one presence may carry."""


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
