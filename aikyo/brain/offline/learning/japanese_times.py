"""When something was or will be, in Japanese: 「あさって」「来週の土曜日」「3月に」. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from . import spells
from .spells import Named, Spell, Tense

__all__ = ["name_time", "say_day", "say_spell"]

_DAYS = "月火水木金土日"
_NEAR = {
    **dict.fromkeys(("今日", "きょう", "本日", "今朝", "けさ", "今夜", "今晩"), 0),
    **dict.fromkeys(("昨日", "きのう", "昨夜", "昨晩", "ゆうべ"), -1),
    **dict.fromkeys(("一昨日", "おととい"), -2),
    **dict.fromkeys(("明日", "あした", "あす", "明朝"), 1),
    **dict.fromkeys(("明後日", "あさって"), 2),
    **dict.fromkeys(("明々後日", "しあさって"), 3),
}
_STEPS = {
    **dict.fromkeys(("今", "こ"), 0),
    **dict.fromkeys(("先", "昨", "去"), -1),
    **dict.fromkeys(("来", "翌"), 1),
    "先々": -2,
    "再来": 2,
}
_HOURS = {
    **dict.fromkeys(("朝", "午前", "午前中", "今朝", "けさ", "明朝"), 9.0),
    **dict.fromkeys(("昼", "お昼", "正午"), 12.0),
    **dict.fromkeys(("午後", "夕方"), 15.0),
    **dict.fromkeys(("夜", "晩", "今夜", "今晩", "昨夜", "昨晩", "ゆうべ"), 19.0),
}
_SEASONS = {"春": "spring", "夏": "summer", "秋": "autumn", "冬": "winter"}
_NUMBERS = {digit: number for number, digit in enumerate("〇一二三四五六七八九")}
_COUNT = r"(?P<count>[0-9０-９]{1,3}|[一二三四五六七八九十]{1,3})"
_DAY = rf"(?P<day>[{_DAYS}])曜日?"
_STEP = r"(?P<step>先々|再来|今|先|来|去|昨|翌)"
_PART = r"(?:の?(?P<part>午前中|午前|午後|正午|お昼|夕方|朝|昼|夜|晩))?"
_CLOCK = (
    r"(?:の?(?P<hour>[0-9０-９]{1,2}|[一二三四五六七八九十]{1,3})時(?P<half>半)?"
    r"(?:(?P<minute>[0-9０-９]{1,2})分)?(?:頃|ごろ)?)?"
)
_END = r"(?:頃|ごろ)?(?:に|は|、|の日に|の)?、?"

_EXPRESSIONS = tuple(
    re.compile(one + _END)
    for one in (
        rf"(?P<near>{'|'.join(sorted(_NEAR, key=len, reverse=True))}){_PART}{_CLOCK}",
        rf"{_STEP}週末?の?{_DAY}{_PART}{_CLOCK}",
        rf"(?P<week>{_STEP}週の?(?:末|週末)|(?:この|前の|次の|今度の)?週末)",
        rf"{_STEP}(?P<span>週|月|年)(?![日一二三四五六七八九十])(?:の?(?P<season>[春夏秋冬]))?"
        rf"(?:の?(?P<month>[0-9０-９]{{1,2}}|[一二三四五六七八九十]{{1,2}})月(?:の?(?P<date>[0-9０-９]{{1,2}})日)?)?"
        r"(?:の?(?:初め|はじめ|終わり|末|半ば|頭))?",
        r"(?:(?P<year>(?:19|20)\d\d)年の?)?(?P<month>[0-9０-９]{1,2}|[一二三四五六七八九十]{1,2})月の?"
        rf"(?P<date>[0-9０-９]{{1,2}}|[一二三四五六七八九十]{{1,3}})日(?:\({_DAY}\))?{_PART}{_CLOCK}",
        r"(?:(?P<year>(?:19|20)\d\d)年の?)?(?P<month>[0-9０-９]{1,2}|[一二三四五六七八九十]{1,2})月"
        r"(?![0-9０-９一二三四五六七八九十])(?:の?(?:初め|はじめ|終わり|末|半ば|頭))?",
        rf"(?P<which>今度の|次の|こないだの|この前の|前の)?{_DAY}{_PART}{_CLOCK}",
        rf"{_COUNT}(?P<unit>日|週間|[かヶカケ]月|年)(?P<way>前|後)",
        r"(?P<only>(?:19|20)\d\d)年",
        r"(?:今度の)?(?P<season>[春夏秋冬])に",
    )
)
_NO_TIME = re.compile(r"毎週?$|毎$")
_SINCE = re.compile(r"^(?:から|まで|以来|以降|までに|よりも?)")


def name_time(text: str, today: date) -> Named | None:
    """The first expression of time in `text`, said on the day `today`, with the particle after it;
    None where there is none, or where it only says since when or until when."""
    found: list[Named] = []
    for pattern in _EXPRESSIONS:
        match = pattern.search(text)
        if match is None or _NO_TIME.search(text[: match.start()]):
            continue
        bare = match.end() - len(re.search(rf"(?:{_END})$", match[0])[0])  # type: ignore[index]  # may be empty
        if _SINCE.match(text[bare:]) or _SINCE.match(text[match.end() :]):
            continue
        spell = _spell(match.groupdict(), match[0], today)
        if spell is not None and spells.exists(spell):
            found.append(Named(match.start(), match.end(), spell))
    return min(found, key=lambda one: (one.start, -one.end), default=None)


def say_spell(spell: Spell) -> str:
    """E.g. 2026年11月21日に, 2027年3月に."""
    start = spell.start
    match spell.grain:
        case "day":
            return f"{say_day(start)}に"
        case "week":
            return f"{say_day(start)}の週に"
        case "weekend":
            return f"{say_day(start)}の週末に"
        case "month":
            return f"{start.year}年{start.month}月に"
        case "season":
            called = next(kanji for kanji, name in _SEASONS.items() if name == spell.season)
            return f"{start.year}年の{called}に"
        case "year":
            return f"{start.year}年に"


def say_day(of: date, *, years: bool = True) -> str:
    """E.g. 2026年11月21日."""
    said = f"{of.month}月{of.day}日"
    return f"{of.year}年{said}" if years else said


def _spell(told: dict[str, str | None], whole: str, today: date) -> Callable[[Tense], Spell] | None:
    try:
        return _relative(told, whole, today) or _absolute(told, today)
    except (ValueError, OverflowError):  # 2月30日
        return None


def _relative(told: dict[str, str | None], whole: str, today: date) -> Callable[[Tense], Spell] | None:
    hour, step = _hour(told), _STEPS.get(told.get("step") or "", 0)
    if near := told.get("near"):
        return spells.always(spells.day(today + timedelta(days=_NEAR[near]), hour))
    if told.get("week"):
        if told.get("step") or not whole.startswith("週末"):
            step = -1 if whole.startswith("前の") else 1 if whole.startswith("次の") else step
            return spells.always(spells.weekend(today + timedelta(days=7 * step)))
        return lambda tense: spells.weekend(today - timedelta(days=7 * (tense == "past")))
    if told.get("step") and (name := told.get("day")):
        return spells.always(spells.weekday(today, _DAYS.index(name), "", weeks=step), hour)
    if span := told.get("span"):
        return _span(told, today, span, step)
    if (name := told.get("day")) and not told.get("month"):
        number, which = _DAYS.index(name), told.get("which") or ""
        if which in {"こないだの", "この前の", "前の"}:
            return spells.always(spells.weekday(today, number, "past"), hour)
        return lambda tense: replace(spells.weekday(today, number, tense), hour=hour)
    if unit := told.get("unit"):
        count = _number(told.get("count") or "") * (-1 if told.get("way") == "前" else 1)
        return spells.always(_away(today, unit, count))
    if called := told.get("season"):
        return lambda tense: spells.season(today, _SEASONS[called], tense)
    return None


def _span(
    told: dict[str, str | None], today: date, span: str, step: int
) -> Callable[[Tense], Spell] | None:
    if called := told.get("season"):
        return (
            spells.always(spells.season(today, _SEASONS[called], "", years=step))
            if span == "年"
            else None
        )
    if in_month := told.get("month"):
        if span != "年":
            return None
        year, month = today.year + step, _number(in_month)
        if on := told.get("date"):
            return spells.always(spells.day(date(year, month, _number(on))))
        return spells.always(spells.month(today, month, "", year=year))
    return spells.always(_away(today, span, step))


def _away(today: date, unit: str, steps: int) -> Spell:
    if unit == "日":
        return spells.day(today + timedelta(days=steps))
    if unit.startswith("週"):
        return spells.week(today + timedelta(days=7 * steps))
    if unit == "年":
        return spells.year(today.year + steps)
    months = today.year * 12 + today.month - 1 + steps
    return spells.month(today, months % 12 + 1, "", year=months // 12)


def _absolute(told: dict[str, str | None], today: date) -> Callable[[Tense], Spell] | None:
    hour = _hour(told)
    at = told.get("year")
    in_year = int(at) if at else None
    if in_month := told.get("month"):
        number = _number(in_month)
        if on := told.get("date"):
            return lambda tense: spells.day(
                spells.dated(today, number, _number(on), in_year, tense), hour
            )
        if not 1 <= number <= 12:
            return None
        return lambda tense: spells.month(today, number, tense, year=in_year)
    if only := told.get("only"):
        return spells.always(spells.year(int(only)))
    return None


def _hour(told: dict[str, str | None]) -> float | None:
    part = told.get("part") or told.get("near") or ""
    if not told.get("hour"):
        return _HOURS.get(part)
    hour = _number(told["hour"] or "") + (
        0.5 if told.get("half") else _number(told.get("minute") or "") / 60
    )
    if hour >= 24:
        return None
    late = part in {"午後", "夕方", "夜", "晩", "今夜", "今晩", "昨夜", "昨晩", "ゆうべ"}
    return hour + 12 if hour < 12 and (late or (not part and hour < 7)) else hour


def _number(text: str) -> int:
    """A number in digits or kanji, up to 99."""
    if not text:
        return 0
    if text[0].isdecimal():
        return int(text)
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return _NUMBERS.get(text, 0)
    return (_NUMBERS.get(tens, 1) if tens else 1) * 10 + _NUMBERS.get(ones, 0)
