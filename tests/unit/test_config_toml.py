import contextlib
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.toml import Document, TomlError, parse_toml, read_toml

EVERYTHING = '''# a comment with "quotes" and [brackets]
top = 1
"quoted key" = 'literal # no comment'
'single' = "escaped \\" quote ] } , #"
dotted . "inner.key" = true
text = """
two
lines with "quotes" and \\\\ """""
raw = \'\'\'
raw 'quoted' \\ text\'\'\'
when = 1979-05-27 07:32:00Z # a date
empty = []
numbers = [
  1, # one
  [ 2, 3 ],
  { deep = [ "x" ], "a b".c = -1.5 },
]

[table.sub]
key = { a = 1, b = { c = "d" } }

[[fruit]]
name = "apple"
[fruit.shape]
round = true
[[fruit.kind]]
name = "red"
[[fruit.kind]]
name = "green"

[[fruit]]
name = "pear"
[[fruit.kind]]
name = "yellow"
'''


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    match value:
        case dict():
            for key, one in value.items():
                yield from leaves(one, (*path, key))
        case list():
            for index, one in enumerate(value):
                yield from leaves(one, (*path, index))
        case _:
            yield path, value


def source_of(document: Document, path: tuple[str | int, ...]) -> str:
    start, end = document._places[path][1]
    return document.text[start:end]


def assert_everything_is_where_it_is_said_to_be(text: str) -> None:
    document = parse_toml(text)
    for path, value in leaves(document.data):
        assert tomllib.loads("x = " + source_of(document, path)) == {"x": value}, path


def test_every_value_is_found_where_it_stands() -> None:
    assert_everything_is_where_it_is_said_to_be(EVERYTHING)


def test_it_is_found_with_the_line_ends_of_windows_too() -> None:
    assert_everything_is_where_it_is_said_to_be(EVERYTHING.replace("\n", "\r\n"))


CHARS = st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cc", "Cs"])
PLAIN = st.text(CHARS, max_size=8)
STRINGS = st.one_of(
    PLAIN.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    PLAIN.map(lambda text: "'" + text.replace("'", "") + "'"),
    PLAIN.map(lambda text: '"""\n' + text.replace("\\", "\\\\").replace('"""', "") + '\n"""'),
    PLAIN.map(lambda text: "'''" + text.replace("'", "") + "\n'''"),
)
SCALARS = st.one_of(
    STRINGS, st.sampled_from(["1", "-2.5", "true", "inf", "0xff", "1979-05-27", "07:32:00"])
)
KEYS = st.one_of(
    st.from_regex(r"\A[A-Za-z0-9_-]{1,5}\Z"), PLAIN.map(lambda text: f"'{text}_'".replace("''", "'"))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[ # ]\n " + " ,\n".join(items) + "\n]"),
        st.lists(inner, max_size=3).map(
            lambda items: (
                "{ " + " , ".join(f"k{index} = {item}" for index, item in enumerate(items)) + " }"
            )
        ),
    ),
    max_leaves=8,
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["{} = {}", "[{0}]\nx = {1}", "[[{0}]]\n a.b = {1} # }}"]), VALUES)
    )
)
def test_whatever_is_written_is_found(parts: list[tuple[str, str]]) -> None:
    lines = (
        form.format(f"key{index // 2 if '[[' in form else index}", value)
        for index, (form, value) in enumerate(parts)
    )
    text = "\n".join(lines)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert_everything_is_where_it_is_said_to_be(text)


def test_a_problem_tells_line_and_column_of_key_and_value() -> None:
    document = parse_toml('[a]\n  key   = "value"\n')
    assert document.at_key(("a", "key"), "") == (2, 3, "")
    assert document.at_value(("a", "key"), "") == (2, 11, "")


def test_a_problem_with_what_is_missing_is_told_at_the_table_around_it() -> None:
    document = parse_toml("x = 1\n[a]\nkey = 1")
    assert document.at_value(("a", "gone", 3), "")[:2] == (2, 1)
    assert document.at_key(("gone",), "")[:2] == (1, 1)


@pytest.mark.parametrize(
    ("source", "line", "column", "at"),
    [
        ('x = "abc"', 1, 2, (1, 7)),
        ("x = 'abc'", 1, 1, (1, 6)),
        ('x = """abc\ndef"""', 1, 2, (1, 9)),
        ('x = """abc\ndef"""', 2, 3, (2, 3)),
        ('x = """\nabc\ndef"""', 1, 2, (2, 2)),
        ("x = '''\r\nabc\r\ndef'''", 2, 2, (3, 2)),
        ('x = "a\\u0062c"', 1, 3, (1, 5)),
    ],
)
def test_a_place_inside_a_string_is_one_in_the_file(
    source: str, line: int, column: int, at: tuple[int, int]
) -> None:
    assert parse_toml(source).inside(("x",), line, column, "")[:2] == at


def test_what_is_moved_keeps_its_place() -> None:
    document = parse_toml("a = [1, 2]\n[b]\nc = 3").moved(("a",), ("b", "a"))
    assert document.data == {"b": {"c": 3, "a": [1, 2]}}
    assert document.at_value(("b", "a", 1), "")[:2] == (1, 9)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("a = 1\nb = ", 2, 5), ("a = 1\na = 2", 2, 6), ("a = [1,", 1, 8), ("x = " + "[" * 5000, 1, 1)],
)
def test_what_is_no_toml_is_told_where(text: str, line: int, column: int) -> None:
    with pytest.raises(TomlError) as caught:
        parse_toml(text)
    assert caught.value.problem[:2] == (line, column)


@given(st.text())
def test_any_text_parses_or_is_refused(text: str) -> None:
    with contextlib.suppress(TomlError):
        parse_toml(text)


def test_a_number_of_thousands_of_digits_is_refused() -> None:
    with pytest.raises(TomlError, match="not TOML"):
        parse_toml("x = " + "1" * 5000)


def test_bytes_that_are_not_utf8_are_told_where(tmp_path: Any) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes('a = 1\nb = "日'.encode() + b"\xff")
    with pytest.raises(TomlError, match="0xff") as caught:
        read_toml(file)
    assert caught.value.problem[:2] == (2, 7)


def test_a_byte_order_mark_does_not_matter(tmp_path: Any) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(b"\xef\xbb\xbfa = 1")
    assert read_toml(file).data == {"a": 1}


def test_a_folder_a_missing_and_an_endless_file_are_refused(tmp_path: Any) -> None:
    large = tmp_path / "large.toml"
    large.write_text("# " + "x" * (1 << 20))
    for file, what in (
        (tmp_path, "not a file"),
        (tmp_path / "no", "cannot be read"),
        (large, "over the limit"),
    ):
        with pytest.raises(TomlError, match=what):
            read_toml(file)
