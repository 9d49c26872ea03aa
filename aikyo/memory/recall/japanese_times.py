"""What Japanese says of times: patterns, and how each is read. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from .calendar import Span, day, month, part_of, past, season, units_ago, week, weekday, year

__all__ = ["RULES", "is_ahead"]

Reading = Callable[[re.Match[str], datetime], Span]

_DAYS = {
    "昨日": 1, "きのう": 1, "昨夜": 1, "昨晩": 1, "ゆうべ": 1, "一昨日": 2, "おととい": 2,
    "今日": 0, "きょう": 0, "本日": 0, "今朝": 0, "けさ": 0, "今夜": 0, "今晩": 0,
}  # fmt: skip
_HOURS_MEANT = {
    "昨夜": "night", "昨晩": "night", "ゆうべ": "night", "今夜": "evening", "今晩": "evening",
    "今朝": "morning", "けさ": "morning",
}  # fmt: skip
_BACK = {"今": 0, "先": 1, "先々": 2, "先先": 2}
_YEARS = {"今年": 0, "ことし": 0, "去年": 1, "昨年": 1, "一昨年": 2, "おととし": 2}
_SEASONS = {"春": 0, "夏": 1, "秋": 2, "冬": 3}
_UNITS = {"分": "minute", "時間": "hour", "日": "day", "週間": "week", "年": "year"}
_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")}
_HOURS_NAMED = {
    "朝": "morning", "午前": "morning", "昼": "noon", "午後": "afternoon",
    "夕方": "evening", "夜": "night", "晩": "night",
}  # fmt: skip
_PARTS = {
    "初め": "beginning", "始め": "beginning", "はじめ": "beginning", "頭": "beginning",
    "上旬": "beginning", "前半": "beginning", "半ば": "middle", "中旬": "middle", "中頃": "middle",
    "真ん中": "middle",
    "終わり": "end", "おわり": "end", "末": "end", "下旬": "end", "後半": "end",
}  # fmt: skip

_WEEKDAY = "(?P<weekday>[月火水木金土日])曜日?"
_YEAR = r"(?:(?P<year>(?:19|20)\d\d)年|(?P<named>今年|ことし|去年|昨年|一昨年|おととし))"
_MONTH = r"(?P<month>\d{1,2}月)"
_SEASON = "(?P<season>[春夏秋冬])"
_NUMBER = r"(?P<n>\d{1,4}|[一二三四五六七八九十]{1,3}|数|半)"
_UNIT = r"(?P<unit>分|時間|日|週間|[ヶケかカヵ箇]月|年)間?"
_HOURS = f"(?:の?(?P<hours>{'|'.join(_HOURS_NAMED)}))?"
_PART = f"(?:の?(?P<part>{'|'.join(_PARTS)}))?"


def _date(found: re.Match[str], now: datetime) -> Span:
    of_month = _month(found, now)[0].replace(day=int(found["day"]))
    if of_month > now and not (found["year"] or found["named"]):
        of_month = of_month.replace(year=of_month.year - 1)
    return day(of_month)


def _month(found: re.Match[str], now: datetime) -> Span:
    number = int(found["month"].removesuffix("月"))
    if not 1 <= number <= 12:
        raise ValueError(number)
    known = _year_named(found, now)
    if known is not None:
        return month(known, number)
    begun = month(now.year, number)
    return begun if begun[0] <= now else month(now.year - 1, number)


def _season(found: re.Match[str], now: datetime) -> Span:
    return season(now, _SEASONS[found["season"]], _year_named(found, now))


def _year(found: re.Match[str], now: datetime) -> Span:
    return year(_year_named(found, now) or now.year)


def _day(found: re.Match[str], now: datetime) -> Span:
    named = found["day"]
    return part_of(day(now, _DAYS[named]), _HOURS_MEANT.get(named, ""))


def _weekday_of_week(found: re.Match[str], now: datetime) -> Span:
    monday = week(now, _BACK[found["back"]])[0]
    return day(monday, -"月火水木金土日".index(found["weekday"]))


def _weekday(found: re.Match[str], now: datetime) -> Span:
    return weekday(now, "月火水木金土日".index(found["weekday"]))


def _week(found: re.Match[str], now: datetime) -> Span:
    return week(now, _BACK[found["back"]])


def _weekend(found: re.Match[str], now: datetime) -> Span:
    back = _BACK[found["back"] or "今"]
    start, end = week(now, back if now.weekday() >= 5 else max(back, 1))
    return start + (end - start) * 5 / 7, end


def _month_back(found: re.Match[str], now: datetime) -> Span:
    return month(now.year, now.month - _BACK[found["back"]])


def _ago(found: re.Match[str], now: datetime) -> Span:
    return units_ago(now, *_unit_and_number(found))


def _past(found: re.Match[str], now: datetime) -> Span:
    return past(now, *_unit_and_number(found))


def _lately(found: re.Match[str], now: datetime) -> Span:
    return past(now, "week", 2)


def _just_now(found: re.Match[str], now: datetime) -> Span:
    return past(now, "hour", 6)


def _unit_and_number(found: re.Match[str]) -> tuple[str, int]:
    unit = _UNITS.get(found["unit"], "month")
    if found["n"] == "半":
        return ("month", 6) if unit == "year" else (unit, 1)
    return unit, _number(found["n"])


def _number(text: str) -> int:
    """十二 is 12, 数 (a few) 3."""
    if text == "数":
        return 3
    if text.isascii():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    return (_DIGITS.get(tens, 1) * 10 if ten else 0) + (_DIGITS[ones] if ones else 0)


def _year_named(found: re.Match[str], now: datetime) -> int | None:
    if found["year"]:
        return int(found["year"])
    return now.year - _YEARS[found["named"]] if found["named"] else None


def is_ahead(text: str) -> bool:
    """Whether a folded text asks for what is still to come: then 5月に is the next May."""
    return bool(_AHEAD.search(text)) and not _OVER.search(text)


def _rule(pattern: str, reading: Reading) -> tuple[re.Pattern[str], Reading]:
    def read(found: re.Match[str], now: datetime) -> Span:
        parts = found.groupdict()
        span = part_of(reading(found, now), _PARTS.get(parts.get("part") or "", ""))
        span = part_of(span, _HOURS_NAMED.get(parts.get("hours") or "", ""))
        return (span[0], now) if parts["since"] else span

    return re.compile(f"{pattern}(?P<since>から|以来)?"), read


_AHEAD = re.compile(
    "つもり|予定|計画|これから|今度|ましょう|でしょう|たい(?:です)?か?[?。]?$"
    # a verb that is not in the past, at the end
    "|[うくぐすつぬぶむる](?:の|ん|んだ)?(?:です|だろう|かな|か|って)*[?。]?$"
)
_OVER = re.compile("た(?!い|ら|め|ち|ぶん|く|だ)|(?<=[んい])だ(?:っけ|の[?か])|覚え|思い出")

RULES = tuple(
    _rule(pattern, reading)
    for pattern, reading in (
        (rf"(?:{_YEAR}の?)?{_MONTH}(?P<day>\d{{1,2}})日(?!間){_HOURS}", _date),
        (rf"(?:{_YEAR}の?)?(?<!\d){_MONTH}{_PART}", _month),
        (rf"{_YEAR}の?{_SEASON}", _season),
        (rf"(?:この前の|こないだの|前の|この){_SEASON}(?P<year>)(?P<named>)", _season),
        (rf"(?P<day>{'|'.join(sorted(_DAYS, key=len, reverse=True))}){_HOURS}", _day),
        (rf"{_NUMBER}{_UNIT}(?:くらい|ぐらい|ほど)?前", _ago),
        (rf"(?:ここ|この|過去){_NUMBER}{_UNIT}", _past),
        (rf"(?P<back>先々|先先|先|今)週の?{_WEEKDAY}{_HOURS}", _weekday_of_week),
        (r"(?P<back>先々|先先|先|今)?週末", _weekend),
        (rf"(?P<back>先々|先先|先|今)週{_PART}", _week),
        (rf"(?P<back>先々|先先|先|今)月{_PART}", _month_back),
        (rf"{_YEAR}{_PART}", _year),
        (rf"(?<!来週)(?<!来週の)(?:この前の|こないだの|前の)?{_WEEKDAY}{_HOURS}", _weekday),
        (rf"{_SEASON}(?:に|頃|ごろ)(?P<year>)(?P<named>)", _season),
        (r"さっき|先ほど|先程", _just_now),
        (r"先日|この間|この前|こないだ|最近|この頃|このごろ", _lately),
    )
)
"""Patterns over folded text, the more exact first, each with how it is read."""
