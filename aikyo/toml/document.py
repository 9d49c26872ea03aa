"""A TOML file as data that knows where each key and value stands."""

from __future__ import annotations

import copy
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from .places import Path, Span, locate

__all__ = ["Document", "Path", "Problem", "TomlError", "parse_toml", "read_toml"]

MAX_FILE = 1 << 20
"""Bytes of a file that is read at all."""

_MAX_WHAT = 500


class Problem(NamedTuple):
    """What is wrong in a file, and where; lines and columns count from 1, columns in characters."""

    line: int
    column: int
    what: str


class TomlError(ValueError):
    """The file is no TOML, or cannot be read."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.what)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Document:
    """A file that parsed.

    Attributes:
        data: what `tomllib` makes of it.
        text: its source.
    """

    data: dict[str, Any]
    text: str
    _places: dict[Path, tuple[int, Span]]

    def get(self, path: Path) -> Any:
        """The value at `path`, which must be there."""
        found: Any = self.data
        for part in path:
            found = found[part]
        return found

    def at_key(self, path: Path, what: str) -> Problem:
        """A problem with the key at `path` (an item of an array: with the item)."""
        return self._problem(self._nearest(path)[0], what)

    def at_value(self, path: Path, what: str) -> Problem:
        """A problem with the value at `path`."""
        return self._problem(self._nearest(path)[1].start, what)

    def inside(self, path: Path, line: int, column: int, what: str) -> Problem:
        """A problem at `line` and `column` (from 1) of the string at `path`.

        Where the string is written with escapes its own columns cannot be told, so it is the start.
        """
        start, end = self._nearest(path)[1]
        source = self.text[start:end]
        quotes = 3 if source[:3] in {'"""', "'''"} else 1
        body = source[quotes:-quotes].replace("\r\n", "\n")
        opening = len(body) - len(body.removeprefix("\n")) if quotes == 3 else 0
        if "\\" in body and source[:1] == '"':
            return self._problem(start, what)
        lines = body[opening:].split("\n")
        row, before = self._row_column(start + quotes)
        if opening:
            row, before = row + 1, 1
        column += before - 1 if line == 1 else 0
        return Problem(row + min(line, len(lines)) - 1, column, _short(what))

    def moved(self, old: Path, new: Path) -> Document:
        """The same, with what stands at `old` (not an item of an array) at `new`, where nothing is."""
        moved = Document(copy.deepcopy(self.data), self.text, {})
        value = moved.get(old[:-1]).pop(old[-1])
        moved.get(new[:-1])[new[-1]] = value
        size = len(old)
        places = {
            (*new, *path[size:]) if path[:size] == old else path: place
            for path, place in self._places.items()
        }
        return Document(moved.data, self.text, places)

    def _nearest(self, path: Path) -> tuple[int, Span]:
        """The place of `path`, or of the nearest table around it."""
        while path and path not in self._places:
            path = path[:-1]
        return self._places.get(path, (0, Span(0, 0)))

    def _problem(self, offset: int, what: str) -> Problem:
        return Problem(*self._row_column(offset), _short(what))

    def _row_column(self, offset: int) -> tuple[int, int]:
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def read_toml(file: FilePath) -> Document:
    """Read and parse a file.

    Raises:
        TomlError: it cannot be read, is too large, is not UTF-8 or is not TOML.
    """
    try:
        if file.exists() and not file.is_file():  # a pipe would wait for ever
            raise TomlError(Problem(1, 1, "is not a file"))
        with file.open("rb") as source:
            raw = source.read(MAX_FILE + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TomlError(Problem(1, 1, f"cannot be read: {reason}")) from None
    if len(raw) > MAX_FILE:
        raise TomlError(Problem(1, 1, f"is over the limit of {MAX_FILE >> 10} KiB"))
    try:
        return parse_toml(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line_start = before.rfind(b"\n") + 1
        column = len(before[line_start:].decode("utf-8", "replace")) + 1
        what = f"is not UTF-8: byte 0x{raw[error.start]:02x}; save it as UTF-8"
        raise TomlError(Problem(before.count(b"\n") + 1, column, what)) from None


def parse_toml(text: str) -> Document:
    """Parse TOML.

    Raises:
        TomlError: and nothing else.
    """
    try:
        data = tomllib.loads(text)
    except RecursionError:
        raise TomlError(Problem(1, 1, "is nested too deeply")) from None
    except ValueError as error:  # beside TOMLDecodeError: numbers of thousands of digits
        raise TomlError(_syntax_problem(str(error), text)) from None
    try:
        return Document(data, text, locate(text))
    except RecursionError:
        raise TomlError(Problem(1, 1, "is nested too deeply")) from None


def _short(what: str) -> str:
    """What quotes a key or a value, which may be as long as the file and hold what a terminal obeys."""
    what = what if len(what) <= _MAX_WHAT else what[: _MAX_WHAT - 1] + "…"
    if what.isprintable():
        return what
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in what)


def _syntax_problem(error: str, text: str) -> Problem:
    found = re.fullmatch(r"(?s)(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", error)
    if found is None:
        return Problem(1, 1, _short(f"not TOML: {error}"))
    what, line, column = found.groups()
    if line is None:
        lines = text.split("\n")
        what = _short(f"not TOML: {what} at the end of the file")
        return Problem(len(lines), len(lines[-1]) + 1, what)
    return Problem(int(line), int(column), _short(f"not TOML: {what[:1].lower()}{what[1:]}"))
