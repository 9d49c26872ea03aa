"""Finds where keys and values stand in TOML that has already been parsed.

`tomllib` tells no positions. Since the text is known to be valid, this needs to know only where
things begin and end, not whether they are right.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Path", "Span", "locate"]

Path = tuple[str | int, ...]
"""Keys and indices from the top of a document down."""


class Span(NamedTuple):
    """From the first character of a value to behind its last."""

    start: int
    end: int


_MAX_KEYS = 256  # parts of a dotted key: each prefix has a place, so that many would fill the memory

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[^,\]}#\n]*")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{1,2}(?!"))?', re.DOTALL),
    re.compile(r"'''.*?'''(?:'{1,2}(?!'))?", re.DOTALL),
    re.compile(r'"(?:[^"\\]|\\.)*"'),
    re.compile(r"'[^']*'"),
)
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}


def locate(text: str) -> dict[Path, tuple[int, Span]]:
    """For each path of the valid TOML `text`: the offset of its key, and the span of its value.

    An item of an array has no key, so its offset is that of the item. A table's value is its header.

    Raises:
        RecursionError: it is nested too deeply.
    """
    return _Scanner(text).document()


class _Scanner:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._places: dict[Path, tuple[int, Span]] = {}
        self._lengths: dict[Path, int] = {}  # of arrays of tables

    def document(self) -> dict[Path, tuple[int, Span]]:
        table: Path = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self._places

    def _header(self) -> Path:
        start = self._at
        double = self._text.startswith("[[", start)
        self._at += 2 if double else 1
        keys = self._keys()
        path: Path = ()
        for key, place in keys:
            path = (*path, key)
            self._places.setdefault(path, (place, Span(place, place + 1)))
            if path in self._lengths and (key, place) != keys[-1]:
                path = (*path, self._lengths[path] - 1)
        self._at = self._text.index("]", self._at) + (2 if double else 1)
        if double:
            index = self._lengths.get(path, 0)
            self._lengths[path] = index + 1
            path = (*path, index)
        key_at = start if double else keys[-1][1]
        self._places[path] = (key_at, Span(start, self._at))
        return path

    def _pair(self, table: Path) -> None:
        path = table
        place = self._at
        for key, place in self._keys():
            path = (*path, key)
            self._places.setdefault(path, (place, Span(place, place + 1)))
        self._at = self._text.index("=", self._at) + 1
        self._skip(_SPACE)
        self._places[path] = (place, self._value(path))

    def _keys(self) -> list[tuple[str, int]]:
        """A key or a dotted key: its parts, each with its offset."""
        found: list[tuple[str, int]] = []
        while True:
            self._skip(_SPACE)
            start = self._at
            if self._text[start] in "\"'":
                self._string()
                found.append((_unquoted(self._text[start : self._at]), start))
            else:
                self._skip(_BARE)
                found.append((self._text[start : self._at], start))
            self._skip(_SPACE)
            if self._text[self._at] != ".":
                return found
            if len(found) >= _MAX_KEYS:
                raise RecursionError
            self._at += 1

    def _value(self, path: Path) -> Span:
        start = self._at
        match self._text[start]:
            case '"' | "'":
                self._string()
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case _:
                self._skip(_PLAIN)
                plain = self._text[start : self._at].rstrip()
                return Span(start, start + len(plain))
        return Span(start, self._at)

    def _array(self, path: Path) -> None:
        self._at += 1
        index = 0
        while self._next_item("]"):
            start = self._at
            item = (*path, index)
            self._places[item] = (start, self._value(item))
            index += 1
        self._at += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._next_item("}"):
            self._pair(path)
        self._at += 1

    def _next_item(self, end: str) -> bool:
        self._skip(_BLANK)
        if self._text[self._at] == ",":
            self._at += 1
            self._skip(_BLANK)
        return self._text[self._at] != end

    def _string(self) -> None:
        for kind in _STRINGS:
            if found := kind.match(self._text, self._at):
                self._at = found.end()
                return

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at


def _unquoted(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1]) or chr(int(found[1][1:], 16)), key[1:-1])
