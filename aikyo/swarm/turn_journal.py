"""Keeps how turns went: in RAM, and as lines of JSON in the home. Nothing that was said is in it."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import msgspec
import trio
from msgspec.structs import replace

from ..jsonl import append_lines, read_lines
from ..paths import Home
from ..text import inert
from ..wire import Event, TurnNote, TurnRecord

__all__ = ["TurnLog", "read_turns"]

MAX_BYTES = 4 << 20
"""Of one file; when it is full it becomes `turns.1.jsonl`, in place of the one before."""

KEPT = 1000
"""Turns that are held in RAM."""

_NOTES = 16  # of one turn
_MAX_REASON = 500
_QUEUED = 1000
_GATHERS = 0.2  # seconds; then what has come is written at once

_RECORD = msgspec.json.Decoder(TurnRecord)
_ENCODER = msgspec.json.Encoder()


class TurnLog:
    """Takes in records and what companions note of their turns, and joins them.

    Args:
        file: where they are kept; None: in RAM alone.
        emit: told once with a ``notice`` when the file cannot be written.

    Attributes:
        counters: ``turns-unwritten``, those that the file did not take.
    """

    def __init__(self, file: Path | None, emit: Callable[[Event], None] | None = None) -> None:
        self._file = None if file is None else _File(file)
        self._emit = emit
        self._records: OrderedDict[str, TurnRecord] = OrderedDict()
        self._notes: OrderedDict[str, list[TurnNote]] = OrderedDict()
        self._queue: OrderedDict[str, None] = OrderedDict()  # ids of what is to be written
        self._queued = trio.Event()
        self._told = False
        self.counters: Counter[str] = Counter()

    def add(self, record: TurnRecord) -> None:
        """Take in how a turn went; given again, the later one counts. Returns at once."""
        self._records[record.message_id] = self._noted(record)
        self._records.move_to_end(record.message_id)
        _trim(self._records, KEPT)
        self._enqueue(record.message_id)

    def note(self, note: TurnNote) -> None:
        """Take in what a companion knows of a turn, before or after its record. Returns at once.

        What began a talk belongs to the turn of what was said.
        """
        ident = note.message_id or note.said
        if not ident:
            return
        notes = self._notes.setdefault(ident, [])
        self._notes.move_to_end(ident)
        _trim(self._notes, KEPT)
        if len(notes) >= _NOTES:
            return
        notes.append(_without_words(note))
        if ident in self._records:
            self.add(self._records[ident])

    def records(self, watched: Iterable[TurnRecord] = ()) -> tuple[TurnRecord, ...]:
        """The newest turns, oldest first.

        Args:
            watched: those that go on, as they stand; they too come back with what was noted of them.
        """
        found = self._records | {record.message_id: self._noted(record) for record in watched}
        return tuple(sorted(found.values(), key=lambda record: record.time))

    async def keep(self) -> NoReturn:
        """Write to the file what comes in, in a thread, until cancelled; `flush` writes the last."""
        while True:
            await self._queued.wait()
            await trio.sleep(_GATHERS)
            lines = self._take()
            if lines and self._file is not None:
                self._wrote(len(lines), await trio.to_thread.run_sync(self._file.write, lines))

    def flush(self) -> None:
        """Write what is left, before the end. Blocks for as long as the disk does."""
        lines = self._take()
        if lines and self._file is not None:
            self._wrote(len(lines), self._file.write(lines))

    def _noted(self, record: TurnRecord) -> TurnRecord:
        return replace(record, notes=tuple(self._notes.get(record.message_id, ())))

    def _enqueue(self, ident: str) -> None:
        if self._file is None:
            return
        self._queue[ident] = None
        while len(self._queue) > _QUEUED:
            self._queue.popitem(last=False)
            self.counters["turns-unwritten"] += 1
        self._queued.set()

    def _take(self) -> list[bytes]:
        lines = [_ENCODER.encode(self._records[one]) for one in self._queue if one in self._records]
        self._queue.clear()
        self._queued = trio.Event()
        return lines

    def _wrote(self, lines: int, problem: str) -> None:
        if not problem:
            self._told = False
            return
        self.counters["turns-unwritten"] += lines
        if not self._told and self._emit is not None and self._file is not None:
            self._told = True
            reason = f"cannot write {self._file.path} ({problem}); `aikyo why` will miss turns"
            self._emit(Event(type="notice", reason=reason))


class _File:
    """Appends lines to a private file and moves it aside when it is full. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, lines: Collection[bytes]) -> str:
        """Returns what went wrong, if something did; nothing is raised."""
        try:
            with suppress(FileNotFoundError):
                if self.path.stat().st_size + sum(len(line) + 1 for line in lines) > MAX_BYTES:
                    self.path.replace(_older(self.path))
            append_lines(self.path, lines)
        except OSError as error:
            return (error.strerror or str(error)).lower()
        return ""


def read_turns(home: Home) -> list[TurnRecord]:
    """The turns that are kept in `home`, oldest first, also while a swarm writes them.

    Lines that are no record, such as one that was cut off, are passed over. Blocks while it reads.
    """
    newest = {record.message_id: record for record in _read(home.turns)}
    # Read after them: the file may be moved aside meanwhile, and then they are in this one, too
    older = {record.message_id: record for record in _read(_older(home.turns))}
    return sorted((older | newest).values(), key=lambda record: record.time)


def _read(path: Path) -> Iterator[TurnRecord]:
    for line in read_lines(path, 2 * MAX_BYTES):
        with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
            yield _RECORD.decode(line)


def _older(path: Path) -> Path:
    return path.with_suffix(".1.jsonl")


def _without_words(note: TurnNote) -> TurnNote:
    """The note without parameters in words, which can hold what was said; fit to be written, whatever
    a brain put into it."""
    numbers = {key: value for key, value in note.params.items() if isinstance(value, bool | int | float)}
    params = {inert(key): value for key, value in numbers.items()}
    return replace(note, params=params, reason=inert(note.reason)[:_MAX_REASON])


def _trim(table: OrderedDict[str, TurnRecord] | OrderedDict[str, list[TurnNote]], most: int) -> None:
    while len(table) > most:
        table.popitem(last=False)
