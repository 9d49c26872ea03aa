"""What is learned from at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain import Known
from aikyo.companion.perception import PICTURE
from aikyo.companion.remembering.material import MAX_LINES, batch_of, known_within, tells
from aikyo.companion.session.budget import line_tokens
from aikyo.memory import Row
from tests.support.memories import entry

TEXTS = st.lists(st.text(max_size=400), min_size=1, max_size=60)


def rows(*texts: str, kind: str = "heard") -> list[Row]:
    return [Row(number=n, entry=entry(text, kind=kind)) for n, text in enumerate(texts, 1)]


@given(TEXTS, st.integers(60, 2_000))
def test_a_batch_is_never_larger_than_there_is_room_for(texts: list[str], most: int) -> None:
    given_rows = rows(*texts)
    batch = batch_of(given_rows, most)
    assert batch.rows == tuple(given_rows[: len(batch.rows)])  # the oldest, and none left out
    assert 1 <= len(batch.rows) == len(batch.texts) <= MAX_LINES
    told = [text for row, text in zip(batch.rows, batch.texts, strict=True) if tells(row.entry)]
    assert sum(map(line_tokens, told)) == batch.tokens <= most + 1  # a mark where a line was cut
    assert batch.upto == batch.rows[-1].number


def test_a_batch_has_no_more_from_people_than_there_may_be_facts() -> None:
    talk = [
        Row(number=n, entry=entry("I like tea.", sender="user_mika" if n % 2 else "companion_alice"))
        for n in range(1, 41)
    ]
    batch = batch_of(talk, 100_000)
    assert len(batch.rows) == MAX_LINES  # half of them from Mika
    assert batch_of(talk[::2] * 2, 100_000).rows == tuple(talk[::2])


def test_one_line_is_cut_to_what_fits() -> None:
    batch = batch_of(rows("x" * 10_000, "short"), 100)
    assert len(batch.rows) == 1
    assert batch.texts[0].endswith("…")
    assert line_tokens(batch.texts[0]) <= 101


def test_steps_and_pictures_tell_nothing_and_take_no_room() -> None:
    steps = rows(*("move 12 13 " * 50 for _ in range(10)), kind="did")
    words = rows("I have a cat.")
    batch = batch_of([*steps, *words], 100)
    assert len(batch.rows) == 11
    assert [tells(row.entry) for row in batch.rows] == [False] * 10 + [True]
    assert not tells(entry(PICTURE, kind="perceived"))
    assert not tells(entry("  "))
    assert tells(entry("The oven is on.", kind="perceived"))


@given(st.lists(st.integers(1, 200), max_size=30), st.integers(0, 1_000))
def test_no_more_is_known_than_there_is_room_for(lengths: list[int], most: int) -> None:
    known = [Known(id=f"f{n}", text="x" * length) for n, length in enumerate(lengths)]
    kept = known_within(known, most)
    assert kept == tuple(known[: len(kept)])
    assert sum(line_tokens(each.text) for each in kept) <= most
