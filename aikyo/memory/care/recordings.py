"""Blanks what was forgotten in the recordings that swarms of a home have made."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ...errors import UsageError
from ...jsonl import replace_lines
from ...paths import Home

__all__ = ["blanked", "blanker", "note_recording", "recordings_of", "unfinished_of"]

MAX_NOTED = 1000
"""Recordings that a home knows of; the oldest are forgotten first."""

_GONE = "[forgotten]"
_LONG = 12  # characters; a shorter text is blanked only where it stands alone


class _Noted(Struct, frozen=True):
    """A recording; `process` is who makes it, 0 once it is done."""

    file: str
    process: int = 0


@contextmanager
def note_recording(home: Home, file: Path | None) -> Iterator[None]:
    """Keep in mind that `file` is a recording of this home, which is being made while the context lasts.

    Raises:
        UsageError: the home cannot be written.
    """
    if file is None:
        yield
        return
    path = os.fspath(file.absolute())
    try:
        _note(home, _Noted(path, os.getpid()))
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot note in {home.recordings} where the recording is ({why})") from None
    try:
        yield
    finally:
        with suppress(OSError):  # then it is taken for one that is being made, and told
            _note(home, _Noted(path))


def recordings_of(home: Home) -> tuple[Path, ...]:
    """The recordings of this home that are where they were made, but for those that are being made."""
    return tuple(Path(one.file) for one in _noted(home) if not _is_made(one) and _is_there(one))


def unfinished_of(home: Home) -> tuple[Path, ...]:
    """Those that another process is making."""
    noted = (one for one in _noted(home) if one.process != os.getpid())
    return tuple(Path(one.file) for one in noted if _is_made(one) and _is_there(one))


def blanker(texts: Collection[str], uids: Collection[str]) -> Callable[[bytes], bytes]:
    """What blanks, in a line of JSON, whatever holds one of these texts, and what was asked about one of
    these messages."""
    plain = {" ".join(text.split()) for text in texts if text.strip()}
    alone = frozenset(plain)
    within = tuple(text for text in plain if len(text) >= _LONG)

    def blank(value: Any) -> Any:
        match value:
            case str():
                words = " ".join(value.split())
                if words in alone or any(text in words for text in within):
                    return _GONE
                return value
            case dict():
                asked = value.get("message")
                hidden = {"text": _GONE} if asked in uids and value.get("text") else {}
                return {key: blank(each) for key, each in value.items()} | hidden
            case list():
                return [blank(each) for each in value]
            case _:
                return value

    def line(raw: bytes) -> bytes:
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return raw
        made = blank(value)
        return raw if made == value else msgspec.json.encode(made)

    return line


def blanked(file: Path, blank: Callable[[bytes], bytes]) -> int:
    """Write a recording anew with its lines blanked, whole or not at all.

    Returns:
        How many lines are others now; 0 where the file stays as it is.

    Raises:
        OSError: it cannot be read or written.
    """
    changed = 0

    def lines(source: Iterable[bytes]) -> Iterator[bytes]:
        nonlocal changed
        for raw in source:
            new = blank(raw)
            changed += new != raw
            yield new

    made = list(lines(file.read_bytes().splitlines()))
    if changed:
        replace_lines(file, made)
    return changed


def _note(home: Home, new: _Noted) -> None:
    noted = [one for one in _noted(home) if one.file != new.file]
    replace_lines(home.recordings, [msgspec.json.encode([*noted, new][-MAX_NOTED:])])


def _noted(home: Home) -> list[_Noted]:
    try:
        return msgspec.json.decode(home.recordings.read_bytes(), type=list[_Noted])
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return []


def _is_there(one: _Noted) -> bool:
    try:
        return Path(one.file).is_file()
    except (OSError, ValueError):
        return False


def _is_made(one: _Noted) -> bool:
    if one.process <= 0:
        return False
    try:
        os.kill(one.process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
