"""What English says of times: patterns, and how each is read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from .calendar import Span, day, month, part_of, past, season, units_ago, week, weekday, year

__all__ = ["RULES", "is_ahead"]

Reading = Callable[[re.Match[str], datetime], Span]

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SEASONS = {"spring": 0, "summer": 1, "autumn": 2, "fall": 2, "winter": 3}
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "couple": 2, "couple of": 2, "a couple": 2,
    "a couple of": 2, "three": 3, "few": 3, "a few": 3, "several": 4, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
}  # fmt: skip
_PARTS = {
    "beginning": "beginning", "start": "beginning", "early": "beginning",
    "middle": "middle", "mid": "middle",
    "end": "end", "late": "end",
}  # fmt: skip

_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_ANY_MONTH = rf"(?P<month>{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)}|sept)\b\.?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_WEEKDAY = rf"(?P<weekday>{'|'.join(_DAYS)})"
_SEASON = rf"(?P<season>{'|'.join(_SEASONS)})"
_NUMBER = rf"(?P<n>\d{{1,4}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})"
_UNIT = r"(?P<unit>minute|hour|day|week|month|year)s?"
_PART = (
    rf"(?:(?:(?:at|in|by|from|around) )?(?:the )?(?P<part>{'|'.join(_PARTS)})(?: of|-| in)?(?: the)? ?)?"
)
_HOURS = r"(?:,? (?:in the |at )?(?P<hours>morning|noon|afternoon|evening|night))?"


def _relative_day(found: re.Match[str], now: datetime) -> Span:
    back = {"before yesterday": 2, "yesterday": 1}.get(found["relative"], 0)
    return day(now, back)


def _last_night(found: re.Match[str], now: datetime) -> Span:
    return part_of(day(now, 1), "night")


def _tonight(found: re.Match[str], now: datetime) -> Span:
    return part_of(day(now), "evening")


def _ago(found: re.Match[str], now: datetime) -> Span:
    return units_ago(now, found["unit"], _number(found))


def _past(found: re.Match[str], now: datetime) -> Span:
    return past(now, found["unit"], _number(found))


def _week_month_year(found: re.Match[str], now: datetime) -> Span:
    back = {"this": 0, "before": 2}.get(found["which"] or "before", 1)
    match found["what"]:
        case "week":
            return week(now, back)
        case "weekend":
            start, end = week(now, back)
            if now.weekday() < 5:  # on a weekday "this weekend" was not yet: what is meant is the last
                start, end = week(now, max(back, 1))
            return start + (end - start) * 5 / 7, end
        case "month":
            return month(now.year, now.month - back)
        case _:
            return year(now.year - back)


def _weekday(found: re.Match[str], now: datetime) -> Span:
    return weekday(now, _DAYS.index(found["weekday"]), over=found["which"] != "this")


def _season(found: re.Match[str], now: datetime) -> Span:
    of_year = int(found["year"]) if found["year"] else None
    return season(now, _SEASONS[found["season"]], of_year, over=found["which"] == "last")


def _month(found: re.Match[str], now: datetime) -> Span:
    number = [name[:3] for name in _MONTHS].index(found["month"][:3]) + 1
    if found["year"]:
        return month(int(found["year"]), number)
    begun = month(now.year, number)
    return begun if begun[0] <= now else month(now.year - 1, number)


def _date(found: re.Match[str], now: datetime) -> Span:
    first = _month(found, now)[0]
    of_month = first.replace(day=int(found["day"]))
    if of_month > now and not found["year"]:
        of_month = of_month.replace(year=of_month.year - 1)
    return day(of_month)


def _iso(found: re.Match[str], now: datetime) -> Span:
    return day(datetime(int(found["year"]), int(found["number"]), int(found["day"])))


def _year(found: re.Match[str], now: datetime) -> Span:
    return year(int(found["year"]))


def _lately(found: re.Match[str], now: datetime) -> Span:
    return past(now, "week", 2)


def _number(found: re.Match[str]) -> int:
    return _NUMBERS.get(found["n"]) or int(found["n"])


def is_ahead(text: str) -> bool:
    """Whether a folded text asks for what is still to come: then "in May" is the next one."""
    return bool(_AHEAD.search(text)) and not _OVER.search(text)


def _rule(pattern: str, reading: Reading) -> tuple[re.Pattern[str], Reading]:
    def read(found: re.Match[str], now: datetime) -> Span:
        parts = found.groupdict()
        span = part_of(reading(found, now), _PARTS.get(parts.get("part") or "", ""))
        if parts.get("hours"):
            span = part_of(span, parts["hours"])
        return (span[0], now) if parts.get("since") else span

    return re.compile(rf"\b(?P<since>since )?{pattern}(?!\w)"), read


_AHEAD = re.compile(r"\b(?:will|won't|shall|going to|gonna|next|upcoming|plan(?:s|ning)?)\b|['’]ll\b")
_OVER = re.compile(r"\b(?:did|was|were|had|said|told|ago|last|yesterday)\b")

RULES = tuple(
    _rule(pattern, reading)
    for pattern, reading in (
        (rf"(?:on )?{_YEAR}-(?P<number>\d\d?)-(?P<day>\d\d?){_HOURS}", _iso),
        (rf"(?:on )?(?:the )?{_DAY}(?: of)? {_ANY_MONTH}(?:,? {_YEAR})?{_HOURS}", _date),
        (rf"(?:on )?{_ANY_MONTH} {_DAY}(?!\d)(?:,? {_YEAR})?{_HOURS}", _date),
        (rf"{_PART}(?:in )?{_ANY_MONTH}(?: of)?,? {_YEAR}", _month),
        (rf"the (?:day )(?P<relative>before yesterday){_HOURS}", _relative_day),
        (rf"(?P<relative>yesterday){_HOURS}", _relative_day),
        (r"last night", _last_night),
        (r"tonight", _tonight),
        (r"(?P<relative>this) (?P<hours>morning|afternoon|evening)", _relative_day),
        (rf"{_NUMBER} {_UNIT} ago", _ago),
        (rf"(?:in |over |within |during )?(?:the |these )?(?:last|past) {_NUMBER} {_UNIT}", _past),
        (rf"(?:on )?(?:the )?(?P<which>last|past|previous|this) {_WEEKDAY}{_HOURS}", _weekday),
        (
            rf"{_PART}(?P<which>last|past|previous|this) (?P<what>weekend|week|month|year)",
            _week_month_year,
        ),
        (r"the (?P<what>weekend|week|month|year) before last(?P<which>)", _week_month_year),
        (rf"{_PART}(?:in |during |over )?(?:the )?(?P<which>){_SEASON}(?: of)? {_YEAR}", _season),
        (rf"{_PART}(?P<which>last|this) {_SEASON}(?P<year>)", _season),
        (rf"(?:in|during|over) (?:the )?(?P<which>){_SEASON}(?P<year>)", _season),
        (rf"{_PART.removesuffix('?')}{_MONTH}(?P<year>)", _month),
        (rf"(?:(?<=since )|(?:in|during|of|last|this) ){_MONTH}(?P<year>)", _month),
        (rf"(?P<which>on) {_WEEKDAY}{_HOURS}", _weekday),
        (rf"(?:in|during|of|back in) {_YEAR}", _year),
        (r"the other day|recently|lately|these days", _lately),
        (rf"(?P<relative>today){_HOURS}", _relative_day),
    )
)
"""Patterns over folded text, the more exact first, each with how it is read."""
