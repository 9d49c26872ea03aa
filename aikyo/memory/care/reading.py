"""Reads what was exported, line by line, and says which one is wrong."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

import msgspec

from ...errors import UsageError
from .transfer import (
    MAX_LINE,
    VERSION,
    DigestLine,
    End,
    EntryLine,
    FactLine,
    ForgottenLine,
    Header,
    Line,
    MarkLine,
)

__all__ = ["MAX_BYTES", "checked_lines"]

MAX_BYTES = 8 << 30
"""Of a file, unpacked: some ten million rows."""

_ORDER: tuple[type[Line], ...] = (
    Header,
    EntryLine,
    FactLine,
    DigestLine,
    MarkLine,
    ForgottenLine,
    End,
)
_DECODER: msgspec.json.Decoder[Line] = msgspec.json.Decoder(Line)


def checked_lines(source: Path) -> Iterator[tuple[int, Line]]:
    """The lines of an exported memory, numbered from 1, each in its place; the last is the `End`.

    Raises:
        UsageError: the file cannot be read, or a line of it is wrong: which one. What came before it has
            been given already.
    """
    stage, number, size, line = 0, 0, 0, None
    for number, raw in _raw_lines(source):
        size += len(raw)
        if size > MAX_BYTES:
            raise UsageError(f"{source}:{number}: the file is over the limit of {MAX_BYTES >> 30} GiB")
        line = _decoded(raw, source, number)
        place = _ORDER.index(type(line))
        if place < stage or (number == 1) != isinstance(line, Header) or stage == len(_ORDER) - 1:
            raise UsageError(f"{source}:{number}: a {_called(line)} line is not in its place")
        stage = place
        if isinstance(line, Header) and line.version > VERSION:
            raise UsageError(
                f"{source}:1: was written by a newer aikyo (version {line.version}, "
                f"this one reads up to {VERSION}); update aikyo"
            )
        if isinstance(line, End) and line.lines != number - 1:
            raise UsageError(f"{source}:{number}: of {line.lines} lines {number - 1} are here")
        yield number, line
    if not isinstance(line, End):
        raise UsageError(f"{source}:{number + 1}: the file is cut off; export it again")


def _raw_lines(source: Path) -> Iterator[tuple[int, bytes]]:
    number = 0
    try:
        if source.exists() and not source.is_file():  # a pipe would wait for ever
            raise UsageError(f"{source}: is not a file")
        with source.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
            lines = BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw
            while line := lines.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise UsageError(f"{source}:{number}: a line is over {MAX_LINE >> 20} MiB")
                yield number, line
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UsageError(f"{source}:{number + 1}: cannot be read: {reason}") from None


def _decoded(raw: bytes, source: Path, number: int) -> Line:
    try:
        return _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        what = "is no exported memory" if number == 1 else "is damaged"
        raise UsageError(f"{source}:{number}: {what}: {str(error)[:200]}") from None


def _called(line: Line) -> str:
    return str(type(line).__struct_config__.tag)
