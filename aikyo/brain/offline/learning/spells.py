"""Spells of time that people name: a day, a weekend, a month. Pure calendar arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Literal

__all__ = [
    "Grain",
    "Named",
    "Spell",
    "Tense",
    "always",
    "dated",
    "day",
    "exists",
    "month",
    "season",
    "week",
    "weekday",
    "weekend",
    "year",
]

Grain = Literal["day", "week", "weekend", "month", "season", "year"]
Tense = Literal["past", "future", ""]

_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "winter": 12}
_NOON = 12


@dataclass(frozen=True, slots=True)
class Spell:
    """A spell of time, its last day included.

    Attributes:
        start: its first day.
        end: its last day.
        grain: as what it was named.
        hour: and minute of the day, where they were told; as hours, so that half past nine is 9.5.
        season: which, if it is one.
    """

    start: date
    end: date
    grain: Grain = "day"
    hour: float | None = None
    season: str = ""

    def middle(self, now: datetime) -> float:
        """When that is, in seconds since the epoch, in the zone of `now`: at the hour that was told,
        else noon in the middle of it."""
        hour = _NOON if self.hour is None else self.hour
        mid = self.start + (self.end - self.start) / 2
        at = datetime.combine(mid, time(int(hour), int(hour * 60) % 60), now.tzinfo)
        return at.timestamp()

    def fits(self, tense: Tense, today: date) -> bool:
        """Whether it can be spoken of in `tense` on the day `today`."""
        match tense:
            case "past":
                return self.start <= today
            case "future":
                return self.end >= today
            case _:
                return True


@dataclass(frozen=True, slots=True)
class Named:
    """An expression of time in a sentence.

    Attributes:
        start: where it begins in the sentence.
        end: where it ends.
        spell: what it means, by the tense of the sentence: last Friday or the next.
    """

    start: int
    end: int
    spell: Callable[[Tense], Spell]


def day(of: date, hour: float | None = None) -> Spell:
    """One day."""
    return Spell(of, of, hour=hour)


def week(of: date) -> Spell:
    """The week, from Monday, that `of` is in."""
    monday = of - timedelta(days=of.weekday())
    return Spell(monday, monday + timedelta(days=6), "week")


def weekend(of: date) -> Spell:
    """Saturday and Sunday of the week that `of` is in."""
    saturday = week(of).start + timedelta(days=5)
    return Spell(saturday, saturday + timedelta(days=1), "weekend")


def month(today: date, number: int, tense: Tense, *, year: int | None = None) -> Spell:
    """A month, 1 to 12, of a year; without one the last or the next, this one included."""
    if year is None:
        year = today.year
        if tense == "past" and number > today.month:
            year -= 1
        elif tense != "past" and number < today.month:
            year += 1
    first = date(year, number, 1)
    return Spell(first, _next_month(first) - timedelta(days=1), "month")


def year(number: int) -> Spell:
    """A whole year."""
    return Spell(date(number, 1, 1), date(number, 12, 31), "year")


def season(today: date, name: str, tense: Tense, *, years: int | None = None) -> Spell:
    """``spring``, ``summer``, ``autumn`` or ``winter``: the last or the next, or that of a year counted
    from this one. A winter is named by the year in which it begins."""
    number = _SEASONS[name]
    at = today.year if years is None else today.year + years
    found = _season(at, number, name)
    if years is None and tense == "past" and found.start > today:
        found = _season(at - 1, number, name)
    elif years is None and tense != "past" and found.end < today:
        found = _season(at + 1, number, name)
    return found


def weekday(today: date, number: int, tense: Tense, *, weeks: int | None = None) -> Spell:
    """A day of the week (Monday is 0): the last or the next before or after `today`, or that of a week
    counted from this one."""
    if weeks is not None:
        return day(week(today).start + timedelta(days=7 * weeks + number))
    if tense == "past":
        return day(today - timedelta(days=(today.weekday() - number) % 7 or 7))
    return day(today + timedelta(days=(number - today.weekday()) % 7 or 7))


def dated(today: date, month: int, on: int, year: int | None, tense: Tense) -> date:
    """A day of a month, in the year that its tense means where none is told."""
    if year is not None:
        return date(year, month, on)
    found = date(today.year, month, 28 if (month, on) == (2, 29) else on)
    if tense == "past" and found > today:
        return found.replace(year=today.year - 1)
    return found.replace(year=today.year + 1) if tense == "future" and found < today else found


def always(spell: Spell, hour: float | None = None) -> Callable[[Tense], Spell]:
    """What means the same in every tense."""
    told = spell if hour is None else replace(spell, hour=hour)
    return lambda _: told


def exists(named: Callable[[Tense], Spell]) -> bool:
    """Whether there is such a spell: there is no 31st of June."""
    try:
        return named("past") is not None and named("future") is not None
    except (ValueError, OverflowError):
        return False


def _season(year: int, number: int, name: str) -> Spell:
    first = date(year, number, 1)
    last = first
    for _ in range(3):
        last = _next_month(last)
    return Spell(first, last - timedelta(days=1), "season", season=name)


def _next_month(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1)
