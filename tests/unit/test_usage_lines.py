from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aikyo.amounts import money, tokens
from aikyo.cli.usage_lines import usage_lines
from aikyo.wire import CapUse, UsageBy, UsageReport, UsageRow

ALICE = "companion_alice"
HUGE = st.integers(0, 10**11)
NAMES = st.text(min_size=1, max_size=80)
ROWS = st.builds(
    UsageRow,
    name=NAMES,
    calls=HUGE,
    input=HUGE,
    cached=HUGE,
    stored=HUGE,
    output=HUGE,
    seconds=st.floats(0, 1e9),
    money=st.none() | st.floats(0, 99_999),
    unpriced=HUGE,
    free=HUGE,
)
CAPS = st.builds(
    CapUse,
    setting=st.sampled_from(["money_per_day", "companion_tokens_per_hour"]),
    limit=st.floats(0.001, 1e5),
    used=st.floats(0, 1e5),
    companion=st.sampled_from(["", ALICE]),
    until=st.sampled_from([0.0, 1e9]),
    unpriced=st.sampled_from([0, 10**9]),
)


def report(*rows: UsageRow, by: UsageBy = "companion", **fields: object) -> UsageReport:
    known: dict[str, object] = {"total": UsageRow(name=""), "prices": "2026-11-20"}
    return UsageReport(since=0, time=0, by=by, rows=rows, **known | fields)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(os.environ, "TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.0k"),
        (99_949, "99.9k"),
        (99_950, "100k"),
        (999_499, "999k"),
        (999_500, "1.0M"),
        (1_000_000, "1.0M"),
        (7e9, "7.0G"),
        (7e13, "70000G"),
    ],
)
def test_tokens_are_short(count: float, shown: str) -> None:
    assert tokens(count) == shown


@given(st.integers(0, 10**12))
def test_no_number_of_tokens_takes_more_than_five_cells(count: int) -> None:
    assert len(tokens(count)) <= 5


@pytest.mark.parametrize(
    ("dollars", "shown"),
    [
        (None, "?"),
        (0, "$0.00"),
        (4e-7, "<$0.0001"),
        (0.00006, "$0.0001"),
        (0.00042, "$0.0004"),
        (0.25, "$0.25"),
        (1234.5, "$1,234"),
    ],
)
def test_money_is_as_fine_as_it_is_small(dollars: float | None, shown: str) -> None:
    assert money(dollars) == shown


def test_a_part_of_unknown_price_shows() -> None:
    assert money(0.5, more=True) == "$0.50+?"
    assert money(1e-6, more=True) == "<$0.0001+?"
    assert money(None, more=True) == "?"


def test_there_is_a_row_for_each_and_a_total() -> None:
    rows = (
        UsageRow(
            name="companion_alice", calls=4, input=1200, cached=30_000, output=80, seconds=95, money=1.5
        ),
        UsageRow(name="companion_ひな", calls=2, input=900, free=900),
    )
    total = UsageRow(name="", calls=6, input=2100, cached=30_000, output=80, seconds=95, money=1.5)
    lines = list(usage_lines(report(*rows, total=total), "24h"))
    assert lines == [
        "COMPANION  CALLS    IN  CACHED  STORED  OUT  TIME   COST",
        "alice          4  1.2k   30.0k       0   80    2m  $1.50",
        "ひな           2   900       0       0    0    0s   free",
        "total          6  2.1k   30.0k       0   80    2m  $1.50",
        "",
        "Prices are those of 2026-11-20, or yours in aikyo.toml.",
    ]


def test_hours_are_told_in_local_time() -> None:
    row = UsageRow(name="2026-11-20T15:00Z", calls=1, money=0.1)
    assert list(usage_lines(report(row, by="hour"), "24h"))[1].startswith("11-21 00:00  ")


def test_nothing_spent_is_said() -> None:
    (line,) = usage_lines(report(), "7d")
    assert line == "Nothing was spent on thinking in the last 7d. The offline brain costs nothing."


def test_an_unknown_price_is_marked_and_the_model_named() -> None:
    row = UsageRow(name="secret", calls=1, input=10, money=None, unpriced=10)
    lines = list(usage_lines(report(row, by="model", total=row, unpriced=("secret",)), "24h"))
    assert lines[1].endswith(" ?")
    assert lines[-1] == "?: no price is known for secret; [prices] in aikyo.toml can say it"


def test_caps_tell_how_much_of_them_is_used_and_those_of_companions_only_when_near() -> None:
    caps = (
        CapUse(setting="money_per_hour", limit=1, used=0.5),
        CapUse(setting="tokens_per_day", limit=5_000_000, used=4_100_000),
        CapUse(setting="companion_money_per_hour", limit=0.1, used=0.01, companion="companion_bob"),
        CapUse(
            setting="companion_money_per_hour",
            limit=0.1,
            used=0.1,
            companion="companion_alice",
            until=3600,
        ),
    )
    assert list(usage_lines(report(caps=caps), "24h"))[2:] == [
        "money_per_hour        $0.50 of $1.00   50 %",
        "tokens_per_day         4.1M of  5.0M   82 %  near",
        "alice money_per_hour  $0.10 of $0.10  100 %  until 01-01 10:00",
    ]


def test_a_cap_in_money_of_which_nothing_is_known_is_not_shown_as_nothing() -> None:
    caps = (
        CapUse(setting="money_per_hour", limit=1, used=0, unpriced=900),
        CapUse(setting="money_per_day", limit=5, used=2, unpriced=900),
    )
    assert list(usage_lines(report(caps=caps), "24h"))[2:] == [
        "money_per_hour        ? of $1.00     ?",
        "money_per_day   $2.00+? of $5.00  40 %",
    ]


def test_a_gateway_that_answers_nonsense_breaks_nothing() -> None:
    rows = [UsageRow(name=name) for name in ("yesterday", "2026-13-40T99:00Z", "9999-12-31T23:00Z")]
    caps = (
        CapUse(setting="", limit=0, used=-1, until=1e300),
        CapUse(setting="money", limit=-1, used=1e300),
    )
    assert len(list(usage_lines(report(*rows, by="hour", caps=caps), "24h"))) > len(rows)


@given(st.lists(ROWS, max_size=4), st.lists(CAPS, max_size=4), st.lists(NAMES, max_size=5))
def test_no_line_is_longer_than_eighty_cells_or_holds_what_a_terminal_obeys(
    rows: list[UsageRow], caps: list[CapUse], unpriced: list[str]
) -> None:
    found = report(
        *rows, by="model", caps=tuple(caps), unpriced=tuple(unpriced), total=UsageRow(name="", money=1)
    )
    for line in usage_lines(found, "24h"):
        assert line.isprintable()
        assert cell_len(line) <= 80
