"""When something was or will be, in English: "the day after tomorrow", "in March". Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from . import spells
from .spells import Named, Spell, Tense

__all__ = ["name_time", "say_day", "say_spell"]

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_NUMBERS = ("a", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_HOURS = {"morning": 9.0, "noon": 12.0, "afternoon": 15.0, "evening": 19.0, "night": 21.0}
_PART = r"(?: (?:in the )?(?P<part>morning|noon|afternoon|evening|night))?"
_CLOCK = r"(?:,? at (?P<hour>\d{1,2})(?::(?P<minute>[0-5]\d))? ?(?P<half>[ap]\.?m\.?)?)?"
_DAY, _MONTH = f"(?P<day>{'|'.join(_DAYS)})", f"(?P<month>{'|'.join(_MONTHS)})"
_COUNT = (
    r"(?:about |around |almost |over |nearly )?"
    rf"(?P<count>\d{{1,3}}|an?|{'|'.join(_NUMBERS)}|a couple of|a few)"
)
_UNIT = r"(?P<unit>day|week|month|year)s?"
_ORDINAL = r"(?:the )?(?P<date>[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?:,? (?P<year>(?:19|20)\d\d))?"
_WHICH = r"(?P<which>next|last|this|this coming|this past)"
_SEASON = r"(?P<season>spring|summer|autumn|fall|winter)"

_EXPRESSIONS = tuple(
    re.compile(rf"(?<![\w-]){one}(?![\w-])", re.IGNORECASE)
    for one in (
        rf"the day (?P<over>after tomorrow|before yesterday){_PART}{_CLOCK}",
        rf"(?P<near>today|tonight|tomorrow|yesterday|last night){_PART}{_CLOCK}",
        rf"(?:earlier )?this (?P<now>morning|afternoon|evening){_CLOCK}",
        rf"(?:on )?{_WHICH} {_DAY}{_PART}{_CLOCK}",
        rf"(?:a |one )?week from {_DAY}(?P<later>){_PART}{_CLOCK}",
        rf"on {_DAY}(?P<plain>){_PART}{_CLOCK}",
        rf"(?:on |over |at )?(?P<end>(?<!for )the|{_WHICH}) weekend",
        rf"(?:early |late |later |at the (?:end|beginning) of )?{_WHICH} (?P<span>week|month|year)",
        rf"(?:in )?(?:the )?{_WHICH} {_SEASON}",
        rf"in (?:the )?{_SEASON}(?: of (?P<year>(?:19|20)\d\d))?",
        rf"(?:on |in )?(?P<iso>(?:19|20)\d\d-[01]\d-[0-3]\d){_CLOCK}",
        rf"(?:on )?(?:{_DAY},? )?{_ORDINAL} (?:of )?{_MONTH}{_YEAR}{_PART}{_CLOCK}",
        rf"(?:on )?(?:{_DAY},? )?{_MONTH} {_ORDINAL}{_YEAR}{_PART}{_CLOCK}",
        rf"(?:early |late )?(?:in|next|last|this) (?:early |late )?{_MONTH}{_YEAR}",
        rf"(?P<ahead>in) {_COUNT} {_UNIT}(?:' time|'s time)?",
        rf"{_COUNT} {_UNIT} (?P<back>ago|from now)",
        r"in (?P<only>(?:19|20)\d\d)",
    )
)
_NO_TIME = re.compile(
    r"(?:\b(?:since|until|till|for|before|after|by|every|each|of|from)\s+(?:the )?)$", re.IGNORECASE
)


def name_time(text: str, today: date) -> Named | None:
    """The first expression of time in `text`, said on the day `today`; None where there is none, or
    where it only says since when or until when."""
    found: list[Named] = []
    for pattern in _EXPRESSIONS:
        match = pattern.search(text)
        if match is None or _NO_TIME.search(text[: match.start()]):
            continue
        spell = _spell(match.groupdict(), match[0], today)
        if spell is not None and spells.exists(spell):
            found.append(Named(match.start(), match.end(), spell))
    return min(found, key=lambda one: (one.start, -one.end), default=None)


def say_spell(spell: Spell) -> str:
    """E.g. "on 21 November 2026", "in March 2027"."""
    start = spell.start
    match spell.grain:
        case "day":
            return f"on {say_day(start)}"
        case "week":
            return f"in the week of {say_day(start)}"
        case "weekend":
            return f"on the weekend of {say_day(start)}"
        case "month":
            return f"in {_MONTHS[start.month - 1].title()} {start.year}"
        case "season":
            return f"in the {spell.season} of {start.year}"
        case "year":
            return f"in {start.year}"


def say_day(of: date, *, years: bool = True) -> str:
    """E.g. "21 November 2026"."""
    said = f"{of.day} {_MONTHS[of.month - 1].title()}"
    return f"{said} {of.year}" if years else said


def _spell(told: dict[str, str | None], whole: str, today: date) -> Callable[[Tense], Spell] | None:
    told = {name: value.lower() if value else value for name, value in told.items()}
    try:
        return _relative(told, whole.lower(), today) or _absolute(told, whole.lower(), today)
    except (ValueError, OverflowError):  # the 31st of June
        return None


def _relative(  # noqa: PLR0912 - one branch for each form
    told: dict[str, str | None], whole: str, today: date
) -> Callable[[Tense], Spell] | None:
    hour = _hour(told, whole)
    if over := told.get("over"):
        return spells.always(spells.day(today + timedelta(days=2 if "after" in over else -2), hour))
    if near := told.get("near"):
        days = {"tomorrow": 1, "yesterday": -1, "last night": -1}.get(near, 0)
        late = 21.0 if near in {"tonight", "last night"} else None
        return spells.always(
            spells.day(today + timedelta(days=days), hour if hour is not None else late)
        )
    if told.get("now"):
        return spells.always(spells.day(today, hour))
    if "weekend" in whole:
        which = told.get("which")
        if which is None:  # "on the weekend"
            return lambda tense: spells.weekend(today - timedelta(days=7 * (tense == "past")))
        return spells.always(spells.weekend(today + timedelta(days=7 * _steps(which))))
    if (which := told.get("which")) and (span := told.get("span")):
        return spells.always(_span(today, span, _steps(which)))
    if which and (season := told.get("season")):
        season = season.replace("fall", "autumn")
        tense: Tense = "past" if "last" in which or "past" in which else "future"
        return spells.always(spells.season(today, season, tense))
    if season := told.get("season"):
        season, at = season.replace("fall", "autumn"), told.get("year")
        years = int(at) - today.year if at else None
        return lambda tense: spells.season(today, season, tense, years=years)
    if (name := told.get("day")) and "month" not in told:
        number = _DAYS.index(name)
        if "later" in told:
            return spells.always(
                spells.day(spells.weekday(today, number, "future").start + timedelta(days=7))
            )
        if which in {"last", "this past"}:
            return spells.always(spells.weekday(today, number, "past"), hour)
        if which == "next":
            return spells.always(spells.weekday(today, number, "future", weeks=1), hour)
        return lambda tense: replace(spells.weekday(today, number, tense), hour=hour)
    if told.get("unit"):
        return _counted(told, today)
    return None


def _absolute(told: dict[str, str | None], whole: str, today: date) -> Callable[[Tense], Spell] | None:
    hour = _hour(told, whole)
    if iso := told.get("iso"):
        return spells.always(spells.day(date.fromisoformat(iso), hour))
    if only := told.get("only"):
        return spells.always(spells.year(int(only)))
    if name := told.get("month"):
        number, at = _MONTHS.index(name) + 1, told.get("year")
        in_year = int(at) if at else None
        if on := told.get("date"):
            return lambda tense: spells.day(spells.dated(today, number, int(on), in_year, tense), hour)
        if "last" in whole:
            return spells.always(spells.month(today, number, "past", year=in_year))
        return lambda tense: spells.month(today, number, tense, year=in_year)
    return None


def _counted(told: dict[str, str | None], today: date) -> Callable[[Tense], Spell] | None:
    counted, unit = told.get("count") or "", told.get("unit") or ""
    if counted == "a few" and unit != "day":
        return None  # nobody knows which
    if counted in {"a couple of", "a few"}:
        count = 2 if "couple" in counted else 3
    else:
        count = 1 if counted == "an" else int(counted) if counted.isdigit() else _NUMBERS.index(counted)
        count = max(1, count)
    steps = -count if told.get("back") == "ago" else count
    if unit == "day":
        return spells.always(spells.day(today + timedelta(days=steps)))
    return spells.always(_span(today, unit, steps))


def _span(today: date, unit: str, steps: int) -> Spell:
    if unit == "week":
        return spells.week(today + timedelta(days=7 * steps))
    if unit == "year":
        return spells.year(today.year + steps)
    months = today.year * 12 + today.month - 1 + steps
    return spells.month(today, months % 12 + 1, "", year=months // 12)


def _steps(which: str) -> int:
    return 1 if which == "next" else -1 if which in {"last", "this past"} else 0


def _hour(told: dict[str, str | None], whole: str) -> float | None:
    if told.get("hour"):
        hour = int(told["hour"] or 0) + int(told.get("minute") or 0) / 60
        if hour >= 24:
            return None
        half = (told.get("half") or "").replace(".", "")
        late = "afternoon" in whole or "evening" in whole or "night" in whole
        if hour < 12 and (half == "pm" or (not half and (late or hour < 7))):
            hour += 12  # "at three" is hardly ever at night
        return hour
    part = told.get("part") or told.get("now")
    return _HOURS.get(part or "")
