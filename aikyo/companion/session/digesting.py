"""Puts a companion's past away: talks that leave its session, then days and months that are over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import partial

from msgspec.structs import replace

from ...memory import Digest, DigestLevel, MemoryFile, Row
from ..world import World
from .budget import block_room, summary_words
from .model import Session
from .summing import TOKENS_IN_A_WORD, Said, Summing
from .telling import dated, newest_digests, tell

__all__ = ["Digesting"]

_SOME = 64
"""Rows that are taken up at once of those that were passed over."""


@dataclass(frozen=True, slots=True)
class _Talk:
    """What is to be summed up of one conversation on one day.

    Attributes:
        digest: of what was summed up of it before; without text and rows if nothing was.
        rows: what comes to that.
    """

    digest: Digest
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class _Found:
    """What is to be summed up.

    Attributes:
        version: of the memory when it was found.
        talks: that are to be summed up.
        others: digests that change with that, and need no text.
    """

    version: int
    talks: tuple[_Talk, ...]
    others: tuple[Digest, ...] = ()


@dataclass(frozen=True, slots=True)
class _Period:
    """A day or a month that is over: its `digest`, without a text yet, and what it is made of."""

    version: int
    digest: Digest
    parts: tuple[Digest, ...]


class Digesting:
    """Makes digests of one companion's rows. It keeps nothing itself: all is in the memory.

    Args:
        world: all that the companion is handed.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    async def summary(self, session: Session) -> str:
        """What `session` is to hold of what was summed up, put together within its budget.

        Raises:
            MemoryFileError: the memory cannot be read.
        """
        digests = await self._world.memory.read(newest_digests)
        most = summary_words(session.budget) * TOKENS_IN_A_WORD
        return tell(digests, min(most, block_room(session.profile, session.budget)))

    async def put_away(self, session: Session, rows: Sequence[Row]) -> bool:
        """Sum up rows that leave a session, talk by talk. Those before them that were not are passed
        over: they are left to recall, and to `step`.

        Args:
            session: of it, what thinks, and how much that may be told.
            rows: at least one; a part of the journal without a gap.

        Returns:
            False where the memory was changed meanwhile: nothing is kept, and all is to be read again.

        Raises:
            BrainError: nothing came of it, and nothing is kept; cancelled, likewise.
            MemoryFileError: the memory cannot be used.
        """
        leaving = partial(_leaving, rows=rows, zone=self._world.zone)
        found = await self._world.memory.read(leaving)
        return await self._keep(session, found, upto=rows[-1].number)

    async def step(self, session: Session) -> bool:
        """Do one piece of work in the background: make one talk anew whose text had to go; or take up
        some rows that were passed over, where that costs nothing; or sum up one day or month that is
        over and has left the session. That takes a call of the brain, a few for what is long, and none
        where a day was one talk.

        For a time when nobody waits. The session is the one of now, kept open by `Sessions.use`.

        Returns:
            Whether something was done; it may be that there is more to do.

        Raises:
            BrainError: nothing came of it, and nothing is kept; cancelled, likewise.
            MemoryFileError: the memory cannot be used.
        """
        memory, world = self._world.memory, self._world
        found = await memory.read(_stale)
        if found is None and not session.brain.paid:
            found = await memory.read(partial(_passed_over, zone=world.zone))
        if found is not None:
            return await self._keep(session, found)
        today = world.now().date().isoformat()
        period = await memory.read(partial(_over, today=today, zone=world.zone))
        return period is not None and await self._sum_up(session, period)

    async def _keep(self, session: Session, found: _Found, upto: int | None = None) -> bool:
        digests = (*found.others, *await self._digests(session, found.talks))
        kept = await self._world.memory.write(
            lambda file: file.digests.keep(digests, version=found.version, upto=upto)
        )
        return kept is not None

    async def _sum_up(self, session: Session, period: _Period) -> bool:
        told = [part for part in period.parts if part.text]
        in_month = period.digest.level == "month"  # its notes are of different days
        notes = [dated(part) if in_month else part.text for part in told]
        text = told[0].text if len(told) == 1 else await self._summing(session).of_notes(notes)
        digest = replace(period.digest, text=text)
        kept = await self._world.memory.write(
            lambda file: file.digests.keep_over(digest, period.parts, version=period.version)
        )
        return kept is not None

    async def _digests(self, session: Session, talks: Sequence[_Talk]) -> list[Digest]:
        line = self._world.line
        said = [Said(talk.digest.text, [line(row.entry) for row in talk.rows]) for talk in talks]
        texts = await self._summing(session).of_each(said)
        return [_grown(talk, text) for talk, text in zip(talks, texts, strict=True)]

    def _summing(self, session: Session) -> Summing:
        world = self._world
        return Summing(session.brain, session.persona(world.me), world.now(), session.budget)


def _leaving(file: MemoryFile, rows: Sequence[Row], zone: tzinfo | None) -> _Found:
    """The talks that `rows` are of, as they are to be summed up."""
    version = file.digests.version()
    new = [row for row in rows if not file.digests.is_told(row)]  # some are, after an import
    passed_over = file.digests.passed_over(rows[0].number)
    return _Found(version, _talks(file, new, zone), () if passed_over is None else (passed_over,))


def _passed_over(file: MemoryFile, zone: tzinfo | None) -> _Found | None:
    """The newest rows that were passed over, and what is left of the others."""
    version, past = file.digests.version(), file.digests.stale("past")
    if past is None:
        return None
    rows = file.digests.newest_rows_of(past, _SOME)
    left = replace(past, rows=0)
    if len(rows) == _SOME:
        oldest = rows[0]
        end, rest = min(past.end, oldest.entry.time), max(1, past.rows - _SOME)
        left = replace(past, last=oldest.number - 1, end=end, rows=rest)
    return _Found(version, _talks(file, rows, zone), (left,))


def _talks(file: MemoryFile, rows: Sequence[Row], zone: tzinfo | None) -> tuple[_Talk, ...]:
    days = _Days(file, zone)
    talks: dict[tuple[str, str | None], list[Row]] = {}
    for row in rows:
        talks.setdefault((days.of(row), row.entry.conversation), []).append(row)
    return tuple(_talk(file, day, talk, new) for (day, talk), new in talks.items())


def _talk(file: MemoryFile, day: str, conversation: str | None, rows: Sequence[Row]) -> _Talk:
    digest = file.digests.talk(day, conversation)
    if digest is None:
        place = rows[0].number
        return _Talk(_nothing("talk", day, place, conversation), tuple(rows))
    if digest.stale:
        rows = (*file.digests.rows_of(digest.number), *rows)
        digest = replace(digest, rows=0)
    return _Talk(digest, tuple(rows))


class _Days:
    """Tells on which day a row was. A conversation that flies west does not come to an earlier day: its
    days must not overlap, since rows are found again by their times.

    Args:
        file: what was summed up before.
        zone: local time; None: the machine's.
    """

    def __init__(self, file: MemoryFile, zone: tzinfo | None) -> None:
        self._file = file
        self._zone = zone
        self._newest: dict[str | None, tuple[float, str]] = {}  # its beginning and day, by conversation

    def of(self, row: Row) -> str:
        """The local date, ``2026-11-20``."""
        day, time, talk = _date(row, self._zone), row.entry.time, row.entry.conversation
        if talk not in self._newest:
            newest = self._file.digests.newest_of(talk)
            self._newest[talk] = (newest.start, newest.day) if newest else (time, day)
        start, newest_day = self._newest[talk]
        if time >= start:
            day = max(day, newest_day)
            if day > newest_day:
                self._newest[talk] = (time, day)
        return day


def _date(row: Row, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(row.entry.time, zone).date().isoformat()


def _stale(file: MemoryFile) -> _Found | None:
    """The talk that is to be made anew next; without rows it is to be dropped."""
    version, digest = file.digests.version(), file.digests.stale("talk")
    if digest is None:
        return None
    digest, rows = replace(digest, rows=0), file.digests.rows_of(digest.number)
    return _Found(version, (_Talk(digest, rows),)) if rows else _Found(version, (), (digest,))


def _over(file: MemoryFile, today: str, zone: tzinfo | None) -> _Period | None:
    """The day, or else the month, that is to be summed up next: none of it is still to come, or in a
    session."""
    version, digests = file.digests.version(), file.digests
    left = [_date(row, zone) for row in file.next_after(digests.upto(), 1)]
    before = min([today, *left])
    parts = digests.loose("day", before)
    if parts:
        day = _nothing("day", parts[0].day, parts[0].first)
        return _Period(version, _around(day, parts), parts)
    parts = digests.loose("month", before[:7])
    if not parts:
        return None
    month = _nothing("month", parts[0].day[:7], parts[0].first)
    return _Period(version, _around(month, parts), parts)


def _nothing(level: DigestLevel, day: str, place: int, conversation: str | None = None) -> Digest:
    """A digest of nothing yet."""
    return Digest(
        level=level,
        text="",
        first=place,
        last=place,
        start=float("inf"),
        end=float("-inf"),
        rows=0,
        conversation=conversation,
        day=day,
    )


def _around(digest: Digest, parts: Sequence[Digest]) -> Digest:
    return replace(
        digest,
        first=min(part.first for part in parts),
        last=max(part.last for part in parts),
        start=min(part.start for part in parts),
        end=max(part.end for part in parts),
        rows=sum(part.rows for part in parts),
    )


def _grown(talk: _Talk, text: str) -> Digest:
    """The digest of a talk with its new text, and with its new rows."""
    numbers, times = zip(*((row.number, row.entry.time) for row in talk.rows), strict=True)
    digest = talk.digest
    return replace(
        digest,
        text=text,
        first=min(digest.first, *numbers),
        last=max(digest.last, *numbers),
        start=min(digest.start, *times),
        end=max(digest.end, *times),
        rows=digest.rows + len(talk.rows),
        parent=None,
        stale=False,
    )
