"""Notes of several talks in one text: each begins with its number in brackets. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["marked", "parted"]

_MARK = re.compile(r"^[ \t*]*\[(\d{1,4})\][ \t*:.]*", re.MULTILINE)


def marked(notes: Iterable[str]) -> str:
    """One text of the notes of each, in order."""
    return "\n".join(f"[{number}] {text}" for number, text in enumerate(notes, 1))


def parted(text: str, count: int) -> dict[int, str]:
    """The notes of each of `count` talks, by their number from 1; those that are empty, or not there,
    are left out. A number that comes out of order is no mark but a part of a text."""
    marks: list[re.Match[str]] = []
    for mark in _MARK.finditer(text):
        if (int(marks[-1][1]) if marks else 0) < int(mark[1]) <= count:
            marks.append(mark)
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    found = {
        int(mark[1]): text[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=False)
    }
    return {number: notes for number, notes in found.items() if notes}
