"""Takes in what was exported, into a memory that may hold something already."""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import astuple, replace

from ...errors import UsageError
from ..base import Entry
from ..digests import Digest, DigestLevel
from ..facts import Fact
from ..storage.forgotten import is_forgotten
from ..storage.opening import log_of
from .reading import checked_lines
from .transfer import (
    MARKS,
    MAX_PLACE,
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

__all__ = ["Imported", "import_into", "import_memory"]


_NUMBER = re.compile(r"[jfd]\d+")
_MAX_UID = 256
_MAX_IMPORTANCE = 10
_MAX_FACT, _MAX_DIGEST = 2000, 65_536  # characters
_EARLIEST, _LATEST = -60e9, 250e9  # seconds since the epoch: what has a date, with room on either side
_PART: dict[DigestLevel, DigestLevel] = {"month": "day", "day": "talk"}
_EVERY = 1000  # rows; then it is told how far it is


class Imported(Struct, frozen=True, kw_only=True):
    """What came of an import.

    Attributes:
        rows: how many entries are new,
        facts: facts,
        digests: and digests.
        known: how many entries and facts were there already.
        forgotten: how many were left out, since they are to stay forgotten.
        remade: how many digests came in without their text, since what they tell of is not here as it
            was; they are made anew.
        pending: how many rows are to be learned from.
    """

    rows: int = 0
    facts: int = 0
    digests: int = 0
    known: int = 0
    forgotten: int = 0
    remade: int = 0
    pending: int = 0


def import_into(
    file: MemoryFile, source: Path, *, told: Callable[[int], None] = lambda done: None
) -> Imported:
    """Take in a file that `export` has written: all of it or nothing.

    What has the same uid is the same and stays as it is here; a fact gets the evidence of both. What was
    forgotten here stays forgotten.

    Args:
        file: opened to write.
        source: the file.
        told: told now and then how many rows were read.

    Raises:
        UsageError: the file cannot be read, or a line of it is wrong: which one.
        MemoryFileError: the memory cannot be written.
    """
    with file.store.transaction():
        taking = _Taking(file)
        for number, line in checked_lines(source):
            try:
                taking.take(line)
            except ValueError as error:
                raise UsageError(f"{source}:{number}: {error}") from None
            if number % _EVERY == 0:
                told(number)
        return taking.done()


def import_memory(
    path: Path, source: Path, *, told: Callable[[int], None] = lambda done: None
) -> Imported:
    """As `import_into`, for the memory at `path`. Where there is none it is made, and stays only if the
    import does.

    Raises:
        UsageError: see `import_into`.
        MemoryFileError: the memory cannot be written.
    """
    from ..file import MemoryFile

    is_new = not path.exists()
    try:
        with MemoryFile.open(path) as file:
            return import_into(file, source, told=told)
    except BaseException:
        if is_new:
            for made in (path, log_of(path), path.with_name(path.name + "-shm")):
                made.unlink(missing_ok=True)
        raise


@dataclass(slots=True)
class _Taking:
    """An import that goes on, within a transaction.

    Attributes:
        file: what it goes into.
        rows: how many entries were new; `facts`, `digests`, `known`, `forgotten`, `remade` likewise.
        marks: of the file.
    """

    file: MemoryFile
    rows: int = 0
    facts: int = 0
    digests: int = 0
    known: int = 0
    forgotten: int = 0
    remade: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    _facts: dict[int, int] = field(default_factory=dict)  # numbers of facts: there, here
    _there: array[int] = field(default_factory=lambda: array("q"))  # numbers of rows there,
    _here: array[int] = field(default_factory=lambda: array("q"))  # and here
    # Numbers there of what is to stay forgotten, each with its conversation
    _left_out: list[tuple[int, str | None]] = field(default_factory=list)
    # Numbers here, by the level of what may be a part of it and the number there
    _parents: dict[tuple[DigestLevel, int | None], int] = field(default_factory=dict)
    _last: int = 0
    _last_there: int = 0
    _was_empty: bool = True
    _was_done: bool = True  # whether nothing was left to learn from

    def __post_init__(self) -> None:
        last = int(self.file.store.rows("SELECT ifnull(max(row), 0) FROM entries")[0][0])
        # Not a number up to which something has been done: it would be taken for done too
        self._last = max(last, self.file.store.mark("learned"), self.file.store.mark("digested"))
        self._was_empty = not (last or self.file.facts.count() or self.file.digests.count())
        self._was_done = self.file.facts.pending() == 0

    def take(self, line: Line) -> None:
        """Take in a line.

        Raises:
            ValueError: it cannot be so.
        """
        match line:
            case EntryLine(number=number, entry=entry):
                self._take_entry(number, entry)
            case FactLine(fact=fact):
                self._take_fact(fact)
            case DigestLine(digest=digest):
                self._take_digest(digest)
            case MarkLine(name=name, upto=upto):
                self.marks[name] = upto
            case ForgottenLine(hash=hashed, time=time):
                self.file.store.change(
                    "INSERT OR IGNORE INTO forgotten (hash, time) VALUES (?, ?)", hashed, time
                )
            case Header() | End():
                pass

    def done(self) -> Imported:
        """The end of the file; what came of it."""
        self._set_marks()
        return Imported(
            rows=self.rows,
            facts=self.facts,
            digests=self.digests,
            known=self.known,
            forgotten=self.forgotten,
            remade=self.remade,
            pending=self.file.facts.pending(),
        )

    def _take_entry(self, number: int, entry: Entry) -> None:
        if number <= self._last_there:
            raise ValueError(f"turn {number} is not in its place")
        self._last_there = number
        _check(entry.uid, *(value for value in astuple(entry) if isinstance(value, str)))
        _check("to", *entry.to, *entry.present)
        _check_times(entry.time)
        if is_forgotten(self.file.store, entry.uid):
            self.forgotten += 1
            self._left_out.append((number, entry.conversation))
            return
        here = max(number, self._last + 1)
        if self.file.append(entry, number=here):
            self.rows += 1
            self._last = here
        else:
            self.known += 1
            here = self._place_of(entry)
        self._there.append(number)
        self._here.append(here)

    def _place_of(self, entry: Entry) -> int:
        rows = self.file.store.rows(
            "SELECT row FROM entries WHERE uid = ? AND kind = ?", entry.uid, entry.kind
        )
        return int(rows[0][0])

    def _take_fact(self, fact: Fact) -> None:
        _check_fact(fact)
        if is_forgotten(self.file.store, fact.uid):
            self.forgotten += 1
            return
        if self.file.facts.put(fact):
            self.facts += 1
        else:
            self.known += 1
        # By the uid alone: it may look like a number
        rows = self.file.store.rows("SELECT number FROM facts WHERE uid = ?", fact.uid)
        self._facts[fact.number] = int(rows[0][0])

    def _take_digest(self, digest: Digest) -> None:
        _check_digest(digest)
        if is_forgotten(self.file.store, digest.uid):
            self.forgotten += 1
        elif self.file.store.rows("SELECT 1 FROM digests WHERE uid = ?", digest.uid):
            self.known += 1
        else:
            self._put_digest(digest)

    def _put_digest(self, digest: Digest) -> None:
        begin, end = bisect_left(self._there, digest.first), bisect_right(self._there, digest.last)
        rows = self._here[begin:end]
        if not rows:  # nothing is left of what it tells of
            return
        parent = self._parents.get((digest.level, digest.parent))
        first, last = min(rows), max(rows)
        if rows == self._there[begin:end]:  # at its ends something may be forgotten, and keeps its place
            first, last = digest.first, min(digest.last, self._last_there)
        placed = replace(digest, first=first, last=last, parent=parent)
        if self._lacks_something(digest) or any(later < row for row, later in pairwise(rows)):
            self.remade += bool(digest.text)
            if digest.level in _PART:  # its parts are loose, and it is made of them
                return
            placed = replace(placed, text="", stale=digest.stale or bool(digest.text))
        kept = self.file.digests.put(placed)
        self.digests += bool(placed.text)
        if digest.level in _PART:
            self._parents[_PART[digest.level], digest.number] = kept.number

    def _lacks_something(self, digest: Digest) -> bool:
        """Whether it tells of something that is to stay forgotten."""
        begin = bisect_left(self._left_out, digest.first, key=itemgetter(0))
        end = bisect_right(self._left_out, digest.last, key=itemgetter(0))
        talks = {talk for _, talk in self._left_out[begin:end]}
        return bool(talks) if digest.level != "talk" else digest.conversation in talks

    def _set_marks(self) -> None:
        """What was done there need not be done again here, as far as it is in the same order."""
        if self._was_empty:
            for name in self.marks.keys() & MARKS:
                self.file.store.set_mark(name, self._upto(name))
        elif self._was_done and self.marks.get("learned", 0) >= self._last_there > 0:
            self.file.store.set_mark("learned", self._last)

    def _upto(self, name: str) -> int:
        if name != "reflected":
            return min(self.marks[name], self._last_there)
        return max((here for there, here in self._facts.items() if there <= self.marks[name]), default=0)


def _check(uid: str, *texts: str) -> None:
    """Raises `ValueError` where a line holds what no memory may."""
    if not uid or len(uid) > _MAX_UID:
        raise ValueError("it has no id of 1 to 256 characters")
    for text in texts:
        text.encode()  # half a surrogate pair could not be kept; the error is a ValueError


def _check_made(uid: str) -> None:
    if _NUMBER.fullmatch(uid):
        raise ValueError(f"its id is {uid!r}, which is how people call others")


def _check_fact(fact: Fact) -> None:
    _check_made(fact.uid)
    _check(fact.uid, fact.text, fact.about, fact.slot, fact.replaced_by, *fact.sources, *fact.against)
    _check_times(fact.learned, fact.confirmed, fact.happened, fact.ended)
    if not fact.text.strip() or "\n" in fact.text or len(fact.text) > _MAX_FACT:
        raise ValueError("its text is none")
    if not 0 < fact.number <= MAX_PLACE:
        raise ValueError("its number is none")
    if not 0 <= fact.importance <= _MAX_IMPORTANCE:
        raise ValueError("its importance is not 0 to 10")
    if fact.half_life is not None and not 0 < fact.half_life < math.inf:
        raise ValueError("its half-life is none")


def _check_digest(digest: Digest) -> None:
    _check_made(digest.uid)
    _check(digest.uid, digest.text, digest.day, digest.conversation or "")
    _check_times(digest.start, digest.end)
    places = (digest.number, digest.first, digest.last, digest.parent or 1)
    if not all(0 < place <= MAX_PLACE for place in places) or not 0 <= digest.rows <= MAX_PLACE:
        raise ValueError("its numbers are none")
    if len(digest.text) > _MAX_DIGEST:
        raise ValueError("its text is too long")
    match digest.level:
        case "month":
            _check_day(f"{digest.day}-01")
        case "day" | "talk":
            _check_day(digest.day)


def _check_day(day: str) -> None:
    if date.fromisoformat(day).isoformat() != day:
        raise ValueError(f"its day is {day!r}")


def _check_times(*times: float | None) -> None:
    if not all(time is None or _EARLIEST <= time <= _LATEST for time in times):
        raise ValueError("its time is none")
