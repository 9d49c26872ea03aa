"""Entries as lines for a person to read. Pure but for the local time zone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from re import compile as pattern

from rich.cells import cell_len

from ..text import inert
from ..wire import bare_name
from .base import Entry, Row
from .digests import Digest
from .facts import Fact

__all__ = ["as_line", "days_as_markdown", "digest_line", "fact_line", "marked", "when"]

_WHO_CELLS = 24
_ID_CELLS = 8
_LATEST = 250_000_000_000.0  # in the year 9892; a clock may be wrong by any amount
_MARKUP = pattern(r"([\\`*_\[\]<>#|])")


def as_line(entry: Entry, paint: Callable[[str], str] = str, *, number: int = 0) -> str:
    """One line: local time, who → whom, what was said.

    Args:
        entry: its text may be anyone's, so what would steer a terminal is left out of the line.
        paint: colours a name.
        number: `Row.number`, to be shown first; 0: it is not.
    """
    names = [_name(ident) for ident in (entry.sender, *entry.to)]
    gap = " " * max(_WHO_CELLS - cell_len(_arrow(names)), 0)
    ident = _ident("j", number) if number else ""
    time = f"{_when(entry):%Y-%m-%d %H:%M:%S}"
    return f"{ident}{time}  {_arrow(map(paint, names))}{gap}  {_what(entry)}"


def fact_line(fact: Fact, origins: Sequence[Row] = (), paint: Callable[[str], str] = str) -> str:
    """One line: what is known, of what kind it is, and from when and whom.

    Args:
        fact: what is known.
        origins: the turns that it rests on, oldest first.
        paint: colours a name.
    """
    notes: list[str] = [fact.kind if fact.level == "fact" else fact.level]
    # What the companion said itself, nobody told it
    told = [row for row in origins if row.entry.kind not in {"said", "did"}] or origins
    if origins:
        first = told[0].entry
        whom = dict.fromkeys(_name(row.entry.sender) for row in told)
        notes.append(f"from {', '.join(paint(name) for name in list(whom)[:3])}, {when(first.time)}")
        notes += [f"{len(origins)} times"] if len(origins) > 1 else []
    else:
        notes.append(f"since {when(fact.learned)}")
    notes += ["as a person put it"] if fact.edited else []
    notes += [f"against it: {len(fact.against)}"] if fact.against else []
    notes += [f"until {when(fact.ended)}"] if fact.ended is not None else []
    return f"{_ident('f', fact.number)}{inert(fact.text)}  ({'; '.join(notes)})"


def digest_line(digest: Digest) -> str:
    """One line: what is summed up, how much it is, and the summary."""
    rows = f"{digest.rows} turn{'s' if digest.rows != 1 else ''}"
    what = f"{digest.level} {inert(digest.day)}".rstrip()
    return f"{_ident('d', digest.number)}{what} ({rows})  {inert(digest.text)}"


def when(time: float) -> str:
    """A day, in local time."""
    return f"{_local(time):%Y-%m-%d}"


def days_as_markdown(rows: Iterable[Row]) -> Iterator[str]:
    """A heading for each day, a list item for each row."""
    day = None
    for row in rows:
        entry = row.entry
        when = _when(entry)
        if when.date() != day:
            day = when.date()
            yield f"\n## {day}\n"
        names = _arrow(marked(_name(ident)) for ident in (entry.sender, *entry.to))
        yield f"- **j{row.number}** {when:%H:%M:%S} **{names}**: {marked(_what(entry))}"


def marked(text: str) -> str:
    """Text in which Markdown finds nothing to do."""
    return _MARKUP.sub(r"\\\1", text)


def _when(entry: Entry) -> datetime:
    return _local(entry.time)


def _local(time: float) -> datetime:
    return datetime.fromtimestamp(min(max(time, 0.0), _LATEST)).astimezone()


def _ident(letter: str, number: int) -> str:
    return f"{letter}{number}".ljust(_ID_CELLS)


def _name(ident: str) -> str:
    return inert(bare_name(ident))


def _arrow(names: Iterable[str]) -> str:
    who, *whom = names
    return f"{who} → {', '.join(whom) or 'all'}"


def _what(entry: Entry) -> str:
    text = inert(entry.text) + (" (edited)" if entry.edited else "")
    return text if entry.kind in {"heard", "said"} else f"({entry.kind}) {text}"
