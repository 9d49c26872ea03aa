"""Spans of the calendar, as the first moment and the first past it; naive, in local time. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

__all__ = ["Span", "day", "month", "part_of", "past", "season", "units_ago", "week", "weekday", "year"]

Span = tuple[datetime, datetime]

_HOURS = {
    "morning": (4, 12),
    "noon": (11, 15),
    "afternoon": (12, 18),
    "evening": (17, 24),
    "night": (18, 28),
}
_THIRDS = {"beginning": 0, "middle": 1, "end": 2}


def day(now: datetime, back: int = 0) -> Span:
    """The day so many before today."""
    start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=back)
    return start, start + timedelta(days=1)


def week(now: datetime, back: int = 0) -> Span:
    """Monday to Sunday, so many weeks before this one."""
    start = day(now, now.weekday() + 7 * back)[0]
    return start, start + timedelta(days=7)


def weekday(now: datetime, which: int, *, over: bool = True) -> Span:
    """The latest of that weekday (Monday is 0); one that is `over` is not today."""
    back = (now.weekday() - which) % 7
    return day(now, back or 7 * over)


def month(year_: int, number: int) -> Span:
    """A month; numbers below 1 and above 12 reach into the years beside.

    Raises:
        ValueError: that year is in no calendar.
    """
    first, then = year_ * 12 + number - 1, year_ * 12 + number
    return datetime(first // 12, first % 12 + 1, 1), datetime(then // 12, then % 12 + 1, 1)


def year(number: int) -> Span:
    """A year.

    Raises:
        ValueError: that year is in no calendar.
    """
    return datetime(number, 1, 1), datetime(number + 1, 1, 1)


def season(now: datetime, which: int, of_year: int | None = None, *, over: bool = False) -> Span:
    """A northern season (0 is spring): of that year, or the latest that has begun, or that is `over`."""
    newest = now.year if of_year is None else of_year
    first, last = month(newest, 3 + 3 * which)[0], month(newest, 5 + 3 * which)[1]
    if of_year is None and (last if over else first) > now:
        return season(now, which, newest - 1)
    return first, last


def units_ago(now: datetime, unit: str, n: int) -> Span:
    """So many hours, days, weeks, months or years ago, as vaguely as people mean it.

    Raises:
        ValueError, OverflowError: that long ago there was no calendar.
    """
    match unit:
        case "minute" | "hour":
            then = now - timedelta(**{f"{unit}s": n})
            slack = timedelta(minutes=15) if unit == "minute" else timedelta(hours=1)
            return then - slack, then + slack
        case "day":
            return day(now, n)
        case "week":
            middle = day(now, 7 * n)
            return middle[0] - timedelta(days=3), middle[1] + timedelta(days=3)
        case "month":
            return month(now.year, now.month - n)
        case _:
            return year(now.year - n)


def past(now: datetime, unit: str, n: int) -> Span:
    """The so many hours, days, weeks, months or years up to now.

    Raises:
        OverflowError: that long ago there was no calendar.
    """
    days = {"day": 1, "week": 7, "month": 31, "year": 366}
    span = timedelta(days=days[unit] * n) if unit in days else timedelta(**{f"{unit}s": n})
    return now - span, now


def part_of(span: Span, part: str) -> Span:
    """Of a day its ``morning``, ``noon``, ``afternoon``, ``evening`` or ``night``; of anything longer
    the ``beginning``, ``middle`` or ``end``. What it has no such part of stays whole."""
    start, end = span
    if part in _HOURS and end - start <= timedelta(days=1):
        first, last = _HOURS[part]
        return start + timedelta(hours=first), start + timedelta(hours=last)
    if part in _THIRDS and end - start > timedelta(days=1):
        third = (end - start) / 3
        return start + _THIRDS[part] * third, start + (_THIRDS[part] + 1) * third
    return span
