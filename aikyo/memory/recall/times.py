"""Expressions of time in a question → the span that they mean. English and Japanese. Pure.

Read on a calendar: "last week" is Monday to Sunday before this one, "two months ago" that whole month,
"last Tuesday" the latest that is over, "in May" the latest May that has begun. What lies ahead
("tomorrow", 来週) is no filter: nothing was said there yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from . import english_times, japanese_times
from .words import folded

__all__ = ["When", "when"]

_LONGEST = 1000  # characters of a question that are read
_RULES = (*english_times.RULES, *japanese_times.RULES)


@dataclass(frozen=True, slots=True)
class When:
    """A span of time that a question names.

    Attributes:
        start: seconds since the epoch.
        end: the first second past it.
        rest: the question without what names the span: what was said yesterday holds no "yesterday".
    """

    start: float
    end: float
    rest: str


def when(query: str, now: datetime) -> When | None:
    """The span that a question names, or None; of several the one that is told most exactly.

    Args:
        query: any text.
        now: local time, aware of its zone.
    """
    text = folded(query[:_LONGEST])
    here = now.replace(tzinfo=None)
    for pattern, reading in _RULES:
        if found := pattern.search(text):
            try:
                start, end = (moment.replace(tzinfo=now.tzinfo) for moment in reading(found, here))
                return When(
                    start.timestamp(), end.timestamp(), f"{text[: found.start()]} {text[found.end() :]}"
                )
            except (ValueError, OverflowError):
                continue  # the 31st of June, and what was before all calendars
    return None
