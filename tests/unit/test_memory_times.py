from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.memory.recall.times import when

ZONE = ZoneInfo("Asia/Tokyo")
FRIDAY = datetime(2026, 11, 20, 15, 30, tzinfo=ZONE)
PARTS = (
    *("last", "this", "week", "month", "ago", "may", "since", "june", "summer", "morning", "on", "the"),
    *("昨日", "先週", "日前", "年", "月", "日", "の", "火曜", "夏", "末", "から"),
    *("3", "0", "31", "2024", "-"),
)


def spans(query: str, now: datetime = FRIDAY) -> tuple[str, str] | None:
    """The first moment and the first past it, as local times; midnights as days alone."""
    span = when(query, now)
    if span is None:
        return None
    first, last = (
        datetime.fromtimestamp(moment, now.tzinfo).strftime("%Y-%m-%d %H:%M").removesuffix(" 00:00")
        for moment in (span.start, span.end)
    )
    return first, last


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("What did we do yesterday?", "2026-11-19", "2026-11-20"),
        ("and today?", "2026-11-20", "2026-11-21"),
        ("the day before yesterday", "2026-11-18", "2026-11-19"),
        ("this morning", "2026-11-20 04:00", "2026-11-20 12:00"),
        ("yesterday evening", "2026-11-19 17:00", "2026-11-20"),
        ("last night", "2026-11-19 18:00", "2026-11-20 04:00"),
        ("What did I say last Tuesday?", "2026-11-17", "2026-11-18"),
        ("last Friday", "2026-11-13", "2026-11-14"),
        ("on Monday morning", "2026-11-16 04:00", "2026-11-16 12:00"),
        ("three days ago", "2026-11-17", "2026-11-18"),
        ("two weeks ago", "2026-11-03", "2026-11-10"),
        ("a couple of months ago", "2026-09-01", "2026-10-01"),
        ("10 years ago", "2016-01-01", "2017-01-01"),
        ("an hour ago", "2026-11-20 13:30", "2026-11-20 15:30"),
        ("in the last 3 days", "2026-11-17 15:30", "2026-11-20 15:30"),
        ("recently", "2026-11-06 15:30", "2026-11-20 15:30"),
        ("last week", "2026-11-09", "2026-11-16"),
        ("this week", "2026-11-16", "2026-11-23"),
        ("the week before last", "2026-11-02", "2026-11-09"),
        ("last weekend", "2026-11-14", "2026-11-16"),
        ("last month", "2026-10-01", "2026-11-01"),
        ("at the beginning of last month", "2026-10-01", "2026-10-11 08:00"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("in May", "2026-05-01", "2026-06-01"),
        ("in December", "2025-12-01", "2026-01-01"),
        ("since May", "2026-05-01", "2026-11-20 15:30"),
        ("in early June", "2026-06-01", "2026-06-11"),
        ("in May of 2023", "2023-05-01", "2023-06-01"),
        ("in 2024", "2024-01-01", "2025-01-01"),
        ("What did you say in May that we will do?", "2026-05-01", "2026-06-01"),
        ("What will Mika do, as she said last week?", "2026-11-09", "2026-11-16"),
        ("5月にどうするつもりだった？", "2026-05-01", "2026-06-01"),
        ("5月の話を覚えている？", "2026-05-01", "2026-06-01"),
        ("昨日どこに行くと言ってる？", "2026-11-19", "2026-11-20"),
        ("on 3 June", "2026-06-03", "2026-06-04"),
        ("on the 3rd of December", "2025-12-03", "2025-12-04"),
        ("on June 3rd, 2024", "2024-06-03", "2024-06-04"),
        ("on Sept. 5", "2026-09-05", "2026-09-06"),
        ("2026-10-02", "2026-10-02", "2026-10-03"),
        ("last summer", "2026-06-01", "2026-09-01"),
        ("last winter", "2025-12-01", "2026-03-01"),
        ("in the summer of 2025", "2025-06-01", "2025-09-01"),
        ("昨日は何を食べた？", "2026-11-19", "2026-11-20"),
        ("一昨日の夜", "2026-11-18 18:00", "2026-11-19 04:00"),
        ("今朝のこと", "2026-11-20 04:00", "2026-11-20 12:00"),
        ("先週どこに行った？", "2026-11-09", "2026-11-16"),
        ("先々週", "2026-11-02", "2026-11-09"),
        ("先週の火曜日に話したこと", "2026-11-10", "2026-11-11"),
        ("この前の日曜", "2026-11-15", "2026-11-16"),
        ("水曜日の朝", "2026-11-18 04:00", "2026-11-18 12:00"),
        ("先週末", "2026-11-14", "2026-11-16"),
        ("先月の初めに", "2026-10-01", "2026-10-11 08:00"),
        ("3日前", "2026-11-17", "2026-11-18"),
        ("三日前の話", "2026-11-17", "2026-11-18"),
        ("二十日前", "2026-10-31", "2026-11-01"),
        ("２週間前", "2026-11-03", "2026-11-10"),
        ("半年前", "2026-05-01", "2026-06-01"),
        ("3ヶ月くらい前", "2026-08-01", "2026-09-01"),
        ("ここ数日", "2026-11-17 15:30", "2026-11-20 15:30"),
        ("最近どう？", "2026-11-06 15:30", "2026-11-20 15:30"),
        ("去年の夏", "2025-06-01", "2025-09-01"),
        ("一昨年", "2024-01-01", "2025-01-01"),
        ("5月に行った所", "2026-05-01", "2026-06-01"),
        ("去年の12月", "2025-12-01", "2026-01-01"),
        ("5月から", "2026-05-01", "2026-11-20 15:30"),
        ("12月3日の朝", "2025-12-03 04:00", "2025-12-03 12:00"),
        ("2025年5月3日", "2025-05-03", "2025-05-04"),
    ],
)
def test_an_expression_means_this_span(query: str, first: str, last: str) -> None:
    assert spans(query) == (first, last)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "May I ask you something?",
        "I march on; he may march in",
        "Where does Mika live?",
        "What about next week?",
        "When did Caroline go to the conference?",
        "What will we do in May?",
        "Where are we going to eat on Friday?",
        "What'll happen this weekend?",
        "Mika's plans for the end of December",
        "5月に何をする？",
        "夏に何を食べたい？",
        "土曜日は何をしますか？",
        "12月3日の予定は？",
        "tomorrow",
        "31 June",
        "in a year",
        "13月",
        "夏目漱石が好き",
        "来週の土曜は？",
        "明日",
        "9" * 50 + "年前",
        "99999 years ago",
        "9999 years ago",
    ],
)
def test_what_names_no_time_that_was_is_no_filter(query: str) -> None:
    assert spans(query) is None


def test_the_words_that_named_the_time_are_not_looked_for() -> None:
    span = when("What did Mika say about the lake last Tuesday morning?", FRIDAY)
    assert span is not None
    assert span.rest.split() == ["what", "did", "mika", "say", "about", "the", "lake", "?"]


def test_days_are_those_of_the_zone_that_is_given() -> None:
    for zone in ("UTC", "America/New_York", "Pacific/Apia"):
        span = when("yesterday", FRIDAY.astimezone(ZoneInfo(zone)))
        assert span is not None
        start = datetime.fromtimestamp(span.start, ZoneInfo(zone))
        assert (start.hour, start.minute) == (0, 0)


def test_a_day_on_which_clocks_change_is_whole() -> None:
    now = datetime(2026, 3, 30, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    span = when("yesterday", now)
    assert span is not None
    assert span.end - span.start == 23 * 3600


@given(st.text(), st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)))
def test_any_text_at_any_time_names_a_span_that_has_begun_or_none(text: str, now: datetime) -> None:
    span = when(text, now.replace(tzinfo=ZONE))
    assert span is None or span.start < span.end


@given(
    st.lists(st.sampled_from(PARTS), min_size=1, max_size=7),
    st.sampled_from(["", " "]),
)
def test_any_mix_of_expressions_is_read_without_an_error(parts: list[str], between: str) -> None:
    span = when(between.join(parts), FRIDAY)
    assert span is None or span.start < span.end
