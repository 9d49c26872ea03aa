"""What a memory holds, as lines for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING

from ..memory import Digest, Fact, FactHit, Hit, Row
from ..memory.care import BEYOND, origins
from ..memory.format import as_line, days_as_markdown, digest_line, fact_line, marked
from ..text import inert

if TYPE_CHECKING:
    from ..memory import MemoryFile
    from ..memory.care import Corrected, Exported, Forgotten, Imported, Statistics

__all__ = [
    "corrected_lines",
    "documented",
    "explained",
    "exported_line",
    "forgotten_lines",
    "imported_lines",
    "listed",
    "number_of",
    "statistics_lines",
]

_PAGE = 500
_IDS = 3  # that are named in a line


def listed(
    memory: MemoryFile, things: Iterable[Row | Fact | Digest], paint: Callable[[str], str] = str
) -> Iterator[str]:
    """A line each."""
    for some in _pages(things):
        whence = origins(memory, [one for one in some if isinstance(one, Fact)])
        for one in some:
            match one:
                case Row():
                    yield as_line(one.entry, paint, number=one.number)
                case Fact():
                    yield fact_line(one, whence[one.uid], paint)
                case Digest():
                    yield digest_line(one)


def documented(
    memory: MemoryFile, things: Iterable[Row | Fact | Digest], paint: Callable[[str], str] = str
) -> Iterator[str]:
    """A Markdown document: facts, digests, and the journal by day, as far as they are among `things`, in
    this order."""
    yield f"# Memory of {marked(memory.path.stem)}"
    stream = iter(things)
    section = ""
    for some in _pages(stream):
        whence = origins(memory, [one for one in some if isinstance(one, Fact)])
        for place, one in enumerate(some):
            if isinstance(one, Row):
                rows = (each for each in chain(some[place:], stream) if isinstance(each, Row))
                yield from days_as_markdown(rows)
                return
            line = fact_line(one, whence[one.uid]) if isinstance(one, Fact) else digest_line(one)
            title = "What it knows" if isinstance(one, Fact) else "In short"
            if title != section:
                section = title
                yield f"\n## {section}\n"
            ident, text = line.split(maxsplit=1)
            yield f"- **{ident}** {marked(text)}"


def explained(hit: Hit | FactHit, *, on: bool) -> str:
    """Which ways found it, with what score; nothing unless it is `on`."""
    if not on:
        return ""
    ways = " ".join(f"{way} {score:.2f}" for way, score in hit.ways.items() if score)
    return f"\n        {hit.score:.2f}: {ways}" if ways else f"\n        {hit.score:.2f}"


def statistics_lines(counted: Statistics) -> list[str]:
    """A memory in numbers."""
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in counted.kinds.items())
    lines = [
        f"{counted.companion}: {number_of(counted.rows, 'turn')}" + (f" ({kinds})" if kinds else "")
    ]
    if counted.oldest is not None and counted.newest is not None:
        lines.append(f"  from {_moment(counted.oldest)} to {_moment(counted.newest)}")
        lines.append(
            f"  {counted.week:,} in the last week of it; {number_of(counted.people, 'other')} heard"
        )
    levels = ", ".join(f"{level} {count:,}" for level, count in counted.facts.items()) or "none"
    lines.append(
        f"  knows: {levels}" + (f"; {counted.ended:,} that are so no more" * bool(counted.ended))
    )
    digests = ", ".join(f"{level} {count:,}" for level, count in counted.digests.items())
    lines += [f"  summed up: {digests}"] if digests else []
    lines += [f"  not learned from yet: {number_of(counted.pending, 'turn')}"] if counted.pending else []
    lines += [f"  corrected by a person: {number_of(counted.edited, 'turn')}"] if counted.edited else []
    lines += (
        [f"  kept forgotten: {number_of(counted.forgotten, 'hash', 'hashes')}"]
        if counted.forgotten
        else []
    )
    lines.append(f"  on the disk: {_size(counted.bytes)}, {_size(counted.bytes_per_row)} a turn")
    last = "none" if counted.last_backup is None else f"the newest of {_moment(counted.last_backup)}"
    lines.append(f"  backups: {counted.backups or ''}{', ' * bool(counted.backups)}{last}")
    return lines


def forgotten_lines(report: Forgotten) -> list[str]:
    """What went, and what could not."""
    went = _many((report.rows, "turn"), (report.facts, "fact"), (report.digests, "digest"))
    went = went or "nothing"
    copies = _many((report.backups, "backup"), (report.recordings, "recording"), (report.logs, "log"))
    lines = [f"{report.companion} has forgotten {went}" + (f", in {copies} too" if copies else "")]
    lines += ["it talks on without them, in a new session"] if report.session else []
    for who, ids in report.others.items():
        named = " ".join(ids[:_IDS]) + (" …" if len(ids) > _IDS else "")
        still = f"{who} still remembers {number_of(len(ids), 'turn')} of them"
        lines.append(f"{still}: aikyo memory forget {who} {named}")
    lines += [f"not forgotten: {inert(left)}" for left in report.unreached]
    return [*lines, f"out of reach: {'; '.join(BEYOND)}"]


def corrected_lines(done: Corrected) -> list[str]:
    """What was put right, and what came of it."""
    lines = [f"{done.id} said: {inert(done.was)}", f"{done.id} says: {inert(done.text)}"]
    if done.gone:
        things = number_of(len(done.gone), "fact or digest", "facts and digests")
        lines.append(f"with the old wording went {things} that came of it")
    copies = _many((done.backups, "backup"), (done.recordings, "recording"), (done.logs, "log"))
    lines += [f"done in {copies} too"] if copies else []
    lines += ["it has a new session"] if done.session else []
    return lines + [f"not corrected: {inert(left)}" for left in done.unreached]


def exported_line(name: str, file: str, done: Exported) -> str:
    """What was written."""
    held = _many((done.rows, "turn"), (done.facts, "fact"), (done.digests, "digest")) or "nothing"
    return f"{name}: {held} in {file} ({_size(done.bytes)})"


def imported_lines(name: str, done: Imported) -> list[str]:
    """What came in, and what did not."""
    new = _many((done.rows, "turn"), (done.facts, "fact"), (done.digests, "digest"))
    lines = [f"{name} remembers {new} more" if new else f"{name} remembers nothing more"]
    lines += [f"known already: {done.known:,}"] if done.known else []
    lines += [f"left out, since it is to stay forgotten: {done.forgotten:,}"] if done.forgotten else []
    lines += [f"to be summed up anew: {number_of(done.remade, 'digest')}"] if done.remade else []
    lines += [f"to be learned from: {number_of(done.pending, 'turn')}"] if done.pending else []
    return lines


def number_of(count: int, one: str, many: str = "") -> str:
    """``1 turn``, ``2 turns``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def _many(*counts: tuple[int, str]) -> str:
    return ", ".join(number_of(count, what) for count, what in counts if count)


def _pages(things: Iterable[Row | Fact | Digest]) -> Iterator[list[Row | Fact | Digest]]:
    """As many at a time as are looked up together; the first at once."""
    stream = iter(things)
    size = 1
    while some := list(islice(stream, size)):
        yield some
        size = _PAGE


def _moment(time: float) -> str:
    return f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d %H:%M}"


def _size(count: int) -> str:
    if count < 10_000:
        return f"{count:,} bytes"
    return f"{count / 1000:,.0f} kB" if count < 10_000_000 else f"{count / 1_000_000:,.1f} MB"
