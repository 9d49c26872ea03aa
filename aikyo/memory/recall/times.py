"""Expressions of time in a question → the span that they mean. English and Japanese. Pure.

Read on a calendar: "last week" is Monday to Sunday before this one, "two months ago" that whole month,
"last Tuesday" the latest that is over, "in May" the latest May that has begun. What lies ahead
("tomorrow", 来週, "what will we do in May?") is no filter: nothing was said there yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from . import english_times, japanese_times
from .words import folded

__all__ = ["When", "when"]

_LONGEST = 1000  # characters of a question that are read
_KEPT = ("month", "season", "year")
_RULES = (*english_times.RULES, *japanese_times.RULES)


@dataclass(frozen=True, slots=True)
class When:
    """A span of time that a question names.

    Attributes:
        start: seconds since the epoch.
        end: the first second past it.
        rest: the question without what names the span, but for months, seasons and years: what was said
            yesterday holds no "yesterday", yet what is to be in June is told by that word at any time.
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
    is_ahead = english_times.is_ahead(text) or japanese_times.is_ahead(text)
    for pattern, reading in _RULES:
        if found := pattern.search(text):
            parts = found.groupdict()
            if is_ahead and _comes_again(parts):
                continue
            try:
                start, end = (moment.replace(tzinfo=now.tzinfo) for moment in reading(found, here))
                kept = [text[: found.start()], *(parts.get(name) or "" for name in _KEPT)]
                rest = " ".join([*kept, text[found.end() :]])
                return When(start.timestamp(), end.timestamp(), rest)
            except (ValueError, OverflowError):
                continue  # the 31st of June, and what was before all calendars
    return None


def _comes_again(parts: dict[str, str | None]) -> bool:
    """Whether what was read may as well be the next of its kind."""
    if parts.get("year") or parts.get("named"):
        return False
    if parts.get("relative") or parts.get("which") or parts.get("back") or parts.get("n"):
        return parts.get("which") in {"this", "on"} or parts.get("relative") in {"this", "today"}
    return any(parts.get(name) for name in ("month", "weekday", "season"))
