"""Entries as lines for a person to read. Pure but for the local time zone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from re import compile as pattern

from rich.cells import cell_len

from ..text import inert
from ..wire import bare_name
from .base import Entry

__all__ = ["as_line", "as_markdown"]

_WHO_CELLS = 24
_LATEST = 250_000_000_000.0  # in the year 9892; a clock may be wrong by any amount
_MARKUP = pattern(r"([\\`*_\[\]<>#|])")


def as_line(entry: Entry, paint: Callable[[str], str] = str) -> str:
    """One line: local time, who → whom, what was said.

    Args:
        entry: its text may be anyone's, so what would steer a terminal is left out of the line.
        paint: colours a name.
    """
    names = [_name(ident) for ident in (entry.sender, *entry.to)]
    gap = " " * max(_WHO_CELLS - cell_len(_arrow(names)), 0)
    return f"{_when(entry):%Y-%m-%d %H:%M:%S}  {_arrow(map(paint, names))}{gap}  {_what(entry)}"


def as_markdown(title: str, entries: Iterable[Entry]) -> Iterator[str]:
    """A document: `title`, a heading for each day, a list item for each entry."""
    yield f"# {_marked(title)}"
    day = None
    for entry in entries:
        when = _when(entry)
        if when.date() != day:
            day = when.date()
            yield f"\n## {day}\n"
        names = _arrow(_marked(_name(ident)) for ident in (entry.sender, *entry.to))
        yield f"- {when:%H:%M:%S} **{names}**: {_marked(_what(entry))}"


def _when(entry: Entry) -> datetime:
    return datetime.fromtimestamp(min(max(entry.time, 0.0), _LATEST)).astimezone()


def _name(ident: str) -> str:
    return inert(bare_name(ident))


def _arrow(names: Iterable[str]) -> str:
    who, *whom = names
    return f"{who} → {', '.join(whom) or 'all'}"


def _what(entry: Entry) -> str:
    text = inert(entry.text)
    return text if entry.kind in {"heard", "said"} else f"({entry.kind}) {text}"


def _marked(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)
