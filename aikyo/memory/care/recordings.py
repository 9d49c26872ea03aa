"""Blanks what was forgotten in the recordings that swarms of a home have made."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from ...errors import UsageError
from ...jsonl import replace_lines
from ...paths import Home
from .needles import Needles

__all__ = ["Blank", "blanked", "blanker", "note_recording", "recordings_of", "unfinished_of"]

MAX_NOTED = 1000
"""Recordings that a home knows of; the oldest are forgotten first."""

_GONE = "[forgotten]"

# What is in no words, and must stay for the recording to be read
_OF_A_CALL = frozenset(["companion", "task", "brain", "fault", "cast"])
_ASKED = frozenset(["message", "sender", "opening", "closing", "language", "params", "present"]) | {
    "earlier", "recent", "recalled", "perceived", "known"
}  # fmt: skip
_CALLED = frozenset(["tool", "kind"])

Blank = Callable[[Iterable[bytes]], Iterator[bytes]]
"""Gives the lines of a recording, each as it is to be now."""


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


def blanker(texts: Collection[str], uids: Collection[str], matching: str = "") -> Blank:
    """What blanks, in the lines of a recording, all that tells of something forgotten: its texts; what
    was asked about one of its messages, and what was found in it; and what its companion summed up or
    reflected on from then on, which may tell of it in any words.

    Args:
        texts: what was forgotten.
        uids: of the same.
        matching: whatever has this text in it, in whatever case, is blanked too.
    """
    told = _Told(texts, matching)

    def lines(source: Iterable[bytes]) -> Iterator[bytes]:
        line = _Line(told, frozenset(uids))
        return map(line.blanked, source)

    return lines


def blanked(file: Path, blank: Blank) -> int:
    """Write a recording anew with its lines blanked, whole or not at all.

    Returns:
        How many lines are others now; 0 where the file stays as it is.

    Raises:
        OSError: it cannot be read or written.
    """
    lines = file.read_bytes().splitlines()
    made = list(blank(lines))
    changed = sum(new != old for new, old in zip(made, lines, strict=True))
    if changed:
        replace_lines(file, made)
    return changed


class _Told:
    """Whether a text tells of what was forgotten."""

    def __init__(self, texts: Collection[str], matching: str) -> None:
        plain = {" ".join(text.split()) for text in texts}
        self._alone = frozenset(filter(None, plain))
        self._within = Needles(self._alone | {text.rstrip("…") for text in self._alone})
        self._matching = _folded(matching)

    def __call__(self, text: str) -> bool:
        words = " ".join(text.split())
        return (
            words in self._alone
            or self._within.are_in(words)
            or bool(self._matching and self._matching in _folded(text))
            or any(part in self._alone for part in _quoted(text))
        )


class _Line:
    """Blanks the lines of one recording, in their order."""

    def __init__(self, told: _Told, uids: frozenset[str]) -> None:
        self._told = told
        self._uids = uids
        self._know = set[str]()  # companions that have summed it up, or learned from it

    def blanked(self, raw: bytes) -> bytes:
        try:
            value = msgspec.json.decode(raw)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return raw
        made = self._call(value) if isinstance(value, dict) else self._words(value)
        return raw if made == value else msgspec.json.encode(made)

    def _call(self, call: dict[str, Any]) -> dict[str, Any]:
        asked = call.get("asked")
        asked = asked if isinstance(asked, dict) else {}
        task, who = call.get("task"), str(call.get("companion", ""))
        if task in {"summarize", "learn"} and self._has_one(asked.get("recent")):
            self._know.add(who)
        made = {key: self._part(key, each) for key, each in call.items()}
        if who in self._know and task == "summarize" and call.get("summary"):
            made["summary"] = _GONE
        if who in self._know and task == "reflect":
            made.pop("findings", None)
        return made

    def _part(self, key: str, value: Any) -> Any:
        match key, value:
            case "asked", dict():
                about = self._uids_of(value.get("message"))
                hidden = {"text": _GONE} if about and value.get("text") else {}
                return self._fields(value, _ASKED) | hidden
            case "tools", list():
                return [
                    self._fields(each, _CALLED) if isinstance(each, dict) else each for each in value
                ]
            case "findings", list():
                return [each for each in value if not self._tells(each)]
        return value if key in _OF_A_CALL else self._words(value)

    def _fields(self, value: dict[str, Any], ours: frozenset[str]) -> dict[str, Any]:
        return {key: each if key in ours else self._words(each) for key, each in value.items()}

    def _tells(self, finding: Any) -> bool:
        if not isinstance(finding, dict):
            return False
        return self._has_one(finding.get("sources")) or self._words(finding.get("text")) == _GONE

    def _words(self, value: Any) -> Any:
        match value:
            case str():
                return _GONE if self._told(value) else value
            case dict():
                return {key: self._words(each) for key, each in value.items()}
            case list():
                return [self._words(each) for each in value]
        return value

    def _has_one(self, ids: Any) -> bool:
        return isinstance(ids, list) and any(map(self._uids_of, ids))

    def _uids_of(self, ident: Any) -> bool:
        return isinstance(ident, str) and ident in self._uids


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _quoted(text: str) -> Iterator[str]:
    """Each line, and what stands in it after a colon, as in what a companion recalls."""
    for line in text.splitlines():
        words = " ".join(line.split())
        while words:
            yield words
            words = words.partition(": ")[2]


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
