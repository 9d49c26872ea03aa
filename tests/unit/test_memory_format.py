import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aikyo.memory import Digest, Fact, Row
from aikyo.memory.format import as_line, days_as_markdown, digest_line, fact_line
from tests.support.memories import entry


def test_a_line_tells_when_who_to_whom_and_what() -> None:
    line = as_line(entry("Hello!", to=("companion_alice", "user_ken")))
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d  mika → alice, ken +Hello!", line)


def test_without_a_recipient_it_is_to_all() -> None:
    assert "mika → all " in as_line(entry())


def test_what_was_done_or_perceived_is_marked() -> None:
    assert as_line(entry("gesture wave", kind="did")).endswith("(did) gesture wave")
    assert as_line(entry("It rains.", kind="perceived")).endswith("(perceived) It rains.")


def test_texts_begin_in_one_column_also_beside_wide_names() -> None:
    places = {
        cell_len(as_line(entry("@", sender=sender)).split("@")[0])
        for sender in ("user_mika", "美香さん", "é")
    }
    assert len(places) == 1


def test_names_are_painted_and_the_column_stays() -> None:
    line = as_line(entry("@", to=("companion_alice",)), lambda name: f"<{name}>")
    assert "<mika> → <alice> " in line
    assert len(line) == len(as_line(entry("@", to=("companion_alice",)))) + 4


def test_nobody_is_painted_where_all_are_meant() -> None:
    assert "→ all " in as_line(entry(), lambda name: f"<{name}>")


@given(st.text(), st.text(max_size=20))
def test_no_text_breaks_the_line_or_steers_the_terminal(text: str, sender: str) -> None:
    line = as_line(entry(text, sender=sender))
    assert line.isprintable()


@pytest.mark.parametrize("time", [-1e300, -1.0, 0.0, 1e11, 1e300, float("inf")])
def test_any_time_at_all_can_be_shown(time: float) -> None:
    assert as_line(entry("hello", time=time)).endswith("hello")


def test_a_line_is_without_what_a_terminal_would_obey() -> None:
    assert as_line(entry("a\x1b[31mb\u202e\x1b]0;title\x07c\td")).endswith("  abc d")


def test_markdown_has_a_heading_for_each_day_and_an_id_for_each_row() -> None:
    day = 86_400.0
    rows = [
        Row(number=n, entry=entry(str(n), time=1.7e9 + place))
        for n, place in enumerate((0.0, 1.0, 2 * day), 1)
    ]
    lines = list(days_as_markdown(rows))
    assert [bool(re.fullmatch(r"\n## \d{4}-\d\d-\d\d\n", line)) for line in lines] == [
        True,
        False,
        False,
        True,
        False,
    ]
    assert re.fullmatch(r"- \*\*j1\*\* \d\d:\d\d:\d\d \*\*mika → all\*\*: 1", lines[1])


@pytest.mark.parametrize("text", ["*bold*", "[a](b)", "<script>", "`code`", "a_b_c", "# title", "a | b"])
def test_markdown_shows_what_was_said_as_it_was_said(text: str) -> None:
    what = list(days_as_markdown([Row(number=1, entry=entry(text))]))[-1].split("**: ")[1]
    assert what.replace("\\", "") == text
    assert re.search(r"(?<!\\)[*`_<>#|\[\]]", what) is None


def fact(text: str = "Mika likes tea.", **fields: Any) -> Fact:
    return Fact(**{"number": 7, "uid": "f", "learned": 1.7e9, "kind": "preference", **fields}, text=text)


def told(sender: str, time: float = 1.7e9, kind: str = "heard") -> Row:
    return Row(number=1, entry=entry(sender=sender, time=time, kind=kind))


def test_a_turn_may_have_its_number_in_front_and_says_that_it_was_corrected() -> None:
    line = as_line(entry("Hello!", edited=True), number=12)
    assert re.fullmatch(r"j12     20\d\d-\d\d-\d\d .*  Hello! \(edited\)", line)


@pytest.mark.parametrize(
    ("known", "origins", "notes"),
    [
        (fact(), [told("user_mika")], "preference; from mika, 2023-11-14"),
        (fact(), [told("user_mika"), told("user_ken"), told("user_mika")],
         "preference; from mika, ken, 2023-11-14; 3 times"),
        (fact(), [told("companion_alice", kind="said"), told("user_mika", 1.71e9)],
         "preference; from mika, 2024-03-09; 2 times"),
        (fact(), [told("companion_alice", kind="said")], "preference; from alice, 2023-11-14"),
        (fact(), [], "preference; since 2023-11-14"),
        (fact(level="self", edited=True), [], "self; since 2023-11-14; as a person put it"),
        (fact(against=("a", "b"), ended=1.71e9), [],
         "preference; since 2023-11-14; against it: 2; until 2024-03-09"),
    ],
)  # fmt: skip
def test_a_fact_tells_from_when_and_whom_it_is_and_whether_it_holds(
    known: Fact, origins: list[Row], notes: str
) -> None:
    assert fact_line(known, origins) == f"f7      Mika likes tea.  ({notes})"


def test_a_digest_tells_how_much_it_sums_up() -> None:
    day = Digest(
        number=2,
        level="day",
        text="We talked.",
        first=1,
        last=9,
        start=0,
        end=1,
        rows=9,
        day="2026-11-20",
    )
    assert digest_line(day) == "d2      day 2026-11-20 (9 turns)  We talked."


@given(st.text(), st.text(max_size=20))
def test_no_fact_breaks_the_line_or_steers_the_terminal(text: str, sender: str) -> None:
    assert fact_line(fact(text), [told(sender)]).isprintable()
