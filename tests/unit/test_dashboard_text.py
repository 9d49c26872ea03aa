import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from aikyo.text import clip, inert, wrap

ANY = st.text(st.characters())  # half surrogate pairs and control characters too


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;never closed", ""),
        ("\x9b31mred", "red"),
        ("a\x1bcb", "ab"),
        ("two\r\nlines\tand\x00\x07 more", "two lines and more"),
        ("[red]markup[/red]", "[red]markup[/red]"),
        ("\u202eabc\u202c\u2066x\u2069\u200b\ufeff", "abcx"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301"),
        ("👩\u200d👩", "👩👩"),
        ("❤\ufe0f 👍🏽", "❤ 👍"),
        ("日本\u3000語", "日本 語"),
    ],
)
def test_hostile_text_becomes_text_that_only_shows(hostile: str, shown: str) -> None:
    assert inert(hostile) == shown


def test_lines_are_kept_where_they_are_wanted() -> None:
    assert inert("one\r\n\ttwo\x07\x1b[31m\n", lines=True) == "one\ntwo"


@given(ANY)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = inert(text)
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"} for char in shown)
    assert inert(shown) == shown


@given(ANY, st.sampled_from(["ascii", "latin-1", "euc_jp", "shift_jis", "utf-8"]))
def test_what_is_left_can_be_encoded(text: str, encoding: str) -> None:
    inert(text, encoding).encode(encoding)


def test_a_terminal_for_japanese_gets_its_japanese() -> None:
    assert inert("こんにちは 👍", "euc_jp") == "こんにちは ?"


@given(ANY.map(inert), st.integers(0, 40))
def test_what_is_clipped_fits(text: str, width: int) -> None:
    clipped = clip(text, width)
    assert cell_len(clipped) <= width
    assert clipped in {text, ""} or clipped.endswith("…")


def test_a_wide_character_is_not_cut_in_half() -> None:
    assert clip("日本語です", 6) == "日本…"


@given(ANY.map(inert), st.integers(2, 40), st.integers(0, 40))
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int, used: int) -> None:
    lines = wrap(text, width, used=used)
    assert all(cell_len(line) <= width for line in lines)
    assert cell_len(lines[0]) + used <= width or lines[0] == "" or used == 0
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_words_are_kept_whole_and_long_ones_cut() -> None:
    assert wrap("the quick brown fox", 10) == ["the quick", "brown fox"]
    assert wrap("a " + "x" * 12, 5) == ["a", "xxxxx", "xxxxx", "xx"]


def test_japanese_is_broken_between_characters() -> None:
    assert wrap("今日はとてもいい天気", 8) == ["今日はと", "てもいい", "天気"]
    assert wrap("Tide Poolsの話", 12) == ["Tide Poolsの", "話"]


def test_no_line_begins_with_a_closing_mark_or_ends_with_an_opening_one() -> None:
    assert wrap("そうですね。はい", 10) == ["そうです", "ね。はい"]
    assert wrap("彼は「はい」と", 6) == ["彼は", "「は", "い」と"]


def test_the_first_line_leaves_room_for_what_stands_before_it() -> None:
    assert wrap("one two three", 9, used=6) == ["one", "two three"]
    assert wrap("toolong", 7, used=6) == ["", "toolong"]
