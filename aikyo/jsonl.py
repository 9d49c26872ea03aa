"""Lines of JSON in a private file: written at its end, read back whatever happened to it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["append_lines", "read_lines", "replace_lines"]

_MODE = 0o600


def append_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write `lines` (without their ends) behind what is there. A line that was cut off ends there.

    Raises:
        OSError: it cannot be written; then, as far as that can be, nothing of `lines` is there.
    """
    data = b"".join(line + b"\n" for line in lines)
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _MODE)
    try:
        size = os.fstat(fd).st_size
        if size and os.pread(fd, 1, size - 1) != b"\n":
            data = b"\n" + data
        try:
            _write(fd, data)
        except OSError:
            with suppress(OSError):  # the first error tells more
                os.ftruncate(fd, size)  # a disk that is full takes a part
            raise
    finally:
        os.close(fd)


def replace_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Put `lines` in the place of all that is there, or leave that as it is.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(f"{path.name}.new")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    try:
        _write(fd, b"".join(line + b"\n" for line in lines))
        os.fsync(fd)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)
    beside.replace(path)


def read_lines(path: Path, most: int) -> Iterator[bytes]:
    """The lines within the last `most` bytes, without those that are empty; none where there is no such
    file. The first may be the rest of one, and the last one that was cut off."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - most))
            data = file.read(most)
    except OSError:
        return
    yield from filter(None, data.split(b"\n"))


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]
