"""Days and spells as they are named, in English and Japanese, counted from Friday, 20 November 2026."""

from __future__ import annotations

from datetime import date
from types import ModuleType
from typing import Literal

import pytest

from aikyo.brain.offline.learning import english_times, japanese_times

TODAY = date(2026, 11, 20)
PAST, FUTURE = "past", "future"


def said(times: ModuleType, text: str, tense: Literal["past", "future"]) -> tuple[str, float | None]:
    named = times.name_time(text, TODAY)
    assert named is not None
    spell = named.spell(tense)
    return times.say_spell(spell), spell.hour


@pytest.mark.parametrize(
    ("text", "tense", "spell", "hour"),
    [
        ("I went there yesterday", PAST, "on 19 November 2026", None),
        ("last night", PAST, "on 19 November 2026", 21),
        ("tomorrow morning", FUTURE, "on 21 November 2026", 9),
        ("the day after tomorrow at 10:30", FUTURE, "on 22 November 2026", 10.5),
        ("on Monday", PAST, "on 16 November 2026", None),
        ("on Monday", FUTURE, "on 23 November 2026", None),
        ("on Friday at 3pm", FUTURE, "on 27 November 2026", 15),
        ("on Friday at 3", FUTURE, "on 27 November 2026", 15),
        ("next Tuesday", FUTURE, "on 24 November 2026", None),
        ("last Saturday", PAST, "on 14 November 2026", None),
        ("three days ago", PAST, "on 17 November 2026", None),
        ("in two weeks", FUTURE, "in the week of 30 November 2026", None),
        ("this weekend", FUTURE, "on the weekend of 21 November 2026", None),
        ("next month", FUTURE, "in December 2026", None),
        ("in March", PAST, "in March 2026", None),
        ("in March", FUTURE, "in March 2027", None),
        ("last summer", PAST, "in the summer of 2026", None),
        ("on 3 June", FUTURE, "on 3 June 2027", None),
        ("on June 3rd, 2019", PAST, "on 3 June 2019", None),
        ("on 2026-12-24", FUTURE, "on 24 December 2026", None),
        ("in 2019", PAST, "in 2019", None),
    ],
)
def test_english(text: str, tense: Literal["past", "future"], spell: str, hour: float | None) -> None:
    assert said(english_times, text, tense) == (spell, hour)


@pytest.mark.parametrize(
    ("text", "tense", "spell", "hour"),
    [
        ("昨日行った", PAST, "2026年11月19日に", None),
        ("昨夜", PAST, "2026年11月19日に", 19),
        ("明日の朝、行く", FUTURE, "2026年11月21日に", 9),
        ("あさって", FUTURE, "2026年11月22日に", None),
        ("月曜日に", PAST, "2026年11月16日に", None),
        ("月曜日に", FUTURE, "2026年11月23日に", None),
        ("来週の火曜日の午後3時に", FUTURE, "2026年11月24日に", 15),
        ("三日前に", PAST, "2026年11月17日に", None),
        ("2週間後", FUTURE, "2026年11月30日の週に", None),
        ("週末は", FUTURE, "2026年11月21日の週末に", None),
        ("先月の初め", PAST, "2026年10月に", None),
        ("3月に", FUTURE, "2027年3月に", None),
        ("来年の3月に", FUTURE, "2027年3月に", None),
        ("去年の夏", PAST, "2025年の夏に", None),
        ("6月3日", FUTURE, "2027年6月3日に", None),
        ("2019年6月3日", PAST, "2019年6月3日に", None),
    ],
)
def test_japanese(text: str, tense: Literal["past", "future"], spell: str, hour: float | None) -> None:
    assert said(japanese_times, text, tense) == (spell, hour)


@pytest.mark.parametrize(
    ("times", "text"),
    [
        (english_times, "since last year"),
        (english_times, "until tomorrow"),
        (english_times, "every Sunday"),
        (english_times, "on Sundays"),
        (english_times, "I may march on"),
        (english_times, "on the 31st of June"),
        (english_times, "on 2026-13-40"),
        (japanese_times, "去年から"),
        (japanese_times, "明日まで"),
        (japanese_times, "毎週日曜日に"),
        (japanese_times, "2月30日に"),
        (japanese_times, "13月に"),
    ],
)
def test_no_day_is_meant(times: ModuleType, text: str) -> None:
    assert times.name_time(text, TODAY) is None


def test_a_spell_is_told_from_the_other_tense() -> None:
    yesterday = english_times.name_time("yesterday", TODAY)
    assert yesterday is not None
    assert yesterday.spell("past").fits("past", TODAY)
    assert not yesterday.spell("future").fits("future", TODAY)
