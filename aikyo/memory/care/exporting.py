"""Writes a memory whole into a file that another machine can take in."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from ...errors import UsageError
from ..digests import DigestLevel
from .transfer import (
    MARKS,
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

if TYPE_CHECKING:
    from ..file import MemoryFile

__all__ = ["Exported", "export", "lines_of"]

_PAGE = 500
_GATHERS = 1000  # lines that are written at once
_LEVELS: tuple[DigestLevel, ...] = ("past", "month", "day", "talk")


class Exported(Struct, frozen=True, kw_only=True):
    """What an export holds: how many of each, and how many bytes they are."""

    rows: int = 0
    facts: int = 0
    digests: int = 0
    forgotten: int = 0
    bytes: int = 0


def export(
    file: MemoryFile, to: Path, *, now: float, told: Callable[[int], None] = lambda done: None
) -> Exported:
    """Write a memory into `to`, compressed where its name ends in ``.gz``: whole, or nothing.

    Args:
        file: opened to read or write; what is appended meanwhile is not in it.
        to: made now, readable by its owner alone.
        now: seconds since the epoch.
        told: told now and then how many rows are written.

    Raises:
        UsageError: it is there already, or cannot be made.
        MemoryFileError: the memory cannot be read.
    """
    unborn = to.with_name(f"{to.name}.new")
    try:
        if to.exists():
            raise UsageError(f"{to} is there already; give another name")
        try:
            written = _write(file, unborn, now, told, packed=to.suffix == ".gz")
            unborn.rename(to)
        except BaseException:
            unborn.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise UsageError(f"cannot write {to} ({reason})") from None
    return msgspec.structs.replace(written, bytes=to.stat().st_size)


def lines_of(file: MemoryFile, *, now: float) -> Iterator[Line]:
    """All that a memory holds, as it is at the first line."""
    with _snapshot(file):
        count = 0
        for line in _content(file, now):
            count += 1
            yield line
        yield End(lines=count)


def _write(
    file: MemoryFile, to: Path, now: float, told: Callable[[int], None], *, packed: bool
) -> Exported:
    encode = msgspec.json.Encoder().encode
    counts = {EntryLine: 0, FactLine: 0, DigestLine: 0, ForgottenLine: 0}
    fd = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(fd, "wb") as raw:  # noqa: PTH123 - of a descriptor
        out = gzip.GzipFile("", "wb", fileobj=raw, mtime=0) if packed else raw
        some: list[bytes] = []
        for line in lines_of(file, now=now):
            if type(line) in counts and not _is_a_place(line):
                counts[type(line)] += 1
            some += (encode(line), b"\n")
            if len(some) >= 2 * _GATHERS:
                out.write(b"".join(some))
                some.clear()
                told(counts[EntryLine])
        out.write(b"".join(some))
        if out is not raw:
            out.close()
        raw.flush()
        os.fsync(raw.fileno())
    told(counts[EntryLine])
    return Exported(
        rows=counts[EntryLine],
        facts=counts[FactLine],
        digests=counts[DigestLine],
        forgotten=counts[ForgottenLine],
    )


def _is_a_place(line: Line) -> bool:
    """Whether it is a digest that has lost its text, and only keeps its place."""
    return isinstance(line, DigestLine) and not line.digest.text


def _content(file: MemoryFile, now: float) -> Iterator[Line]:
    yield Header(version=VERSION, name=file.path.stem, time=now)
    last = 0
    while page := file.next_after(last, _PAGE):
        for row in page:
            yield EntryLine(number=row.number, entry=row.entry)
        last = page[-1].number
    for fact in sorted(file.facts.all(), key=lambda fact: fact.number):
        yield FactLine(fact=fact)
    for level in _LEVELS:  # what is a part comes after what it is a part of
        for digest in file.digests.all(places=True):
            if digest.level == level:
                yield DigestLine(digest=digest)
    for name in sorted(MARKS):
        yield MarkLine(name=name, upto=file.store.mark(name))
    for hashed, time in file.store.rows("SELECT hash, time FROM forgotten ORDER BY hash"):
        yield ForgottenLine(hash=hashed, time=time)


@contextmanager
def _snapshot(file: MemoryFile) -> Iterator[None]:
    """While it lasts, the file is read as it is now, whatever others write."""
    file.store.change("BEGIN")
    try:
        yield
    finally:
        file.store.change("COMMIT")
