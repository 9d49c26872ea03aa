"""What a companion's memory holds, as plain data."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from ..errors import AikyoError

__all__ = [
    "Durability",
    "Entry",
    "Hit",
    "Kind",
    "MemoryDamagedError",
    "MemoryFileError",
    "Row",
]

Kind = Literal["heard", "said", "did", "perceived"]

Durability = Literal["process", "power"]
"""What cannot take from a memory what it has acknowledged: the end of the process, or the loss of power
too."""


class MemoryFileError(AikyoError):
    """The file cannot be used (corrupt, not ours, locked, disk full).

    Args:
        message: what, where, the way out.
        why: the same in a few words.
    """

    def __init__(self, message: str, why: str = "its file cannot be used") -> None:
        super().__init__(message)
        self.why = why


class MemoryDamagedError(MemoryFileError):
    """The file is corrupt.

    Args:
        message: what, where, the way out.
        detail: what is wrong with it, in SQLite's words.
    """

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message, "its file is damaged")
        self.detail = detail


class Entry(Struct, frozen=True, kw_only=True):
    """One row of the journal. Append-only; nothing in it is invented.

    Attributes:
        uid: the payload's id; the same `uid` and `kind` is one row, however often it is appended.
        time: when it happened, seconds since the epoch.
        kind: heard, said, did (an action other than speak) or perceived (a context).
        topic: the mesh topic it travelled on.
        peer: peer id of its signed author.
        sender: id of who said or did it.
        to: ids of whom it was to; empty means everybody.
        conversation: the conversation's id, if it belongs to one.
        reply_to: id of the message it answers.
        text: what was said, done or perceived, as words; what full-text recall searches.
        body: the payload as JSON in the plain dialect.
        name: what the sender was called then.
        present: ids of who else was there, beside its companion.
        echo: whether it repeats what memory had brought up: nothing is learned from it again.
        edited: whether a person has corrected its words since.
    """

    uid: str
    time: float
    kind: Kind
    topic: str
    sender: str
    text: str
    peer: str = ""
    to: tuple[str, ...] = ()
    conversation: str | None = None
    reply_to: str | None = None
    body: str = "{}"
    name: str = ""
    present: tuple[str, ...] = ()
    echo: bool = False
    edited: bool = False


class Hit(Struct, frozen=True, kw_only=True):
    """An entry that recall found, with its score (higher is better) and which way found it, with what
    score."""

    entry: Entry
    score: float
    number: int = 0
    ways: dict[str, float] = {}


class Row(Struct, frozen=True, kw_only=True):
    """An entry with its place in the journal: each that is appended later has a higher `number`."""

    number: int
    entry: Entry
