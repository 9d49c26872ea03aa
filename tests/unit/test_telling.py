"""A session's summary, put together from digests."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aikyo.companion.session.budget import tokens
from aikyo.companion.session.telling import dated, tell
from aikyo.memory import Digest, DigestLevel

ROOM = 1_000_000


class Tree:
    """Grows a tree of digests, day by day; each text tells which it is."""

    def __init__(self) -> None:
        self.digests: list[Digest] = []

    def add(
        self, level: DigestLevel, day: str, parts: Sequence[Digest] = (), *, size: int = 20
    ) -> Digest:
        number = len(self.digests) + 1
        end = max([float(number), *(part.end for part in parts)])
        digest = Digest(
            number=number,
            level=level,
            text=f"<{number}> {'x' * size}",
            first=number,
            last=number,
            start=min([end, *(part.start for part in parts)]),
            end=end,
            rows=1,
            day=day,
        )
        taken = {part.number for part in parts}
        self.digests = [
            Digest(
                **{field: getattr(one, field) for field in one.__struct_fields__} | {"parent": number}
            )
            if one.number in taken
            else one
            for one in self.digests
        ]
        self.digests.append(digest)
        return digest

    def told(self, most: int) -> list[Digest]:
        text = tell(self.digests, most)
        return [one for one in self.digests if f"<{one.number}>" in text]


def year(sizes: Sequence[int]) -> Tree:
    """Three months of days of three talks; the newest month is not over, nor is its newest day."""
    tree, left = Tree(), [*sizes]
    tree.add("past", "", size=left.pop())
    for month in ("01", "02", "03"):
        days = []
        for day in ("01", "02", "03", "04"):
            date = f"2026-{month}-{day}"
            talks = [tree.add("talk", date, size=left.pop()) for _ in range(3)]
            if date != "2026-03-04":
                days.append(tree.add("day", date, talks, size=left.pop()))
        if month != "03":
            tree.add("month", f"2026-{month}", days, size=left.pop())
    return tree


SIZES = st.lists(st.integers(0, 300), min_size=60, max_size=60)


@given(SIZES, st.integers(0, 3_000))
def test_it_never_takes_more_than_it_may(sizes: list[int], most: int) -> None:
    text = tell(year(sizes).digests, most)
    assert tokens(text) <= most
    assert text or most < 2


@given(SIZES, st.integers(100, 6_000))
def test_nothing_is_told_twice_and_of_each_level_the_newest_survive(sizes: list[int], most: int) -> None:
    tree = year(sizes)
    told = {one.number for one in tree.told(most)}
    by_number = {one.number: one for one in tree.digests}
    for number in told:
        parent = by_number[number].parent
        while parent is not None:
            assert parent not in told
            parent = by_number[parent].parent
    order: tuple[DigestLevel, ...] = ("talk", "day", "month")
    for level in order:
        hidden = {one.number for one in tree.digests if one.level == level} - told
        left_out = [n for n in hidden if not is_told_otherwise(n, told, by_number)]
        of_level = [by_number[n].end for n in told if by_number[n].level == level]
        assert all(by_number[n].end < min(of_level, default=ROOM) for n in left_out)
    newest = [
        max((by_number[n].end for n in told if by_number[n].level == one), default=0) for one in order
    ]
    oldest = [
        min((by_number[n].end for n in told if by_number[n].level == one), default=ROOM) for one in order
    ]
    for finer, coarser in ((0, 1), (0, 2), (1, 2)):  # whatever is told coarser is older
        assert newest[coarser] < oldest[finer]


def is_told_otherwise(number: int, told: set[int], tree: dict[int, Digest]) -> bool:
    """Whether what it is a part of is told, or what it was made of."""
    parent = tree[number].parent
    while parent is not None:
        if parent in told:
            return True
        parent = tree[parent].parent
    parts = [one for one in tree.values() if one.parent == number]
    return bool(parts) and all(
        one.number in told or is_told_otherwise_below(one.number, told, tree) for one in parts
    )


def is_told_otherwise_below(number: int, told: set[int], tree: dict[int, Digest]) -> bool:
    parts = [one.number for one in tree.values() if one.parent == number]
    return bool(parts) and all(one in told or is_told_otherwise_below(one, told, tree) for one in parts)


@given(SIZES, st.integers(0, 3_000), st.randoms(use_true_random=False))
def test_it_is_the_same_in_whatever_order_digests_come(sizes: list[int], most: int, random) -> None:  # type: ignore[no-untyped-def]
    digests = year(sizes).digests
    shuffled = [*digests]
    random.shuffle(shuffled)
    assert tell(shuffled, most) == tell(digests, most)


def test_with_room_for_all_of_it_everything_is_told_in_the_words_of_its_talks() -> None:
    tree = year([20] * 60)
    told = tree.told(ROOM)
    assert {one.level for one in told} == {"talk", "past"}
    assert len(told) == 1 + 3 * 4 * 3


def test_with_less_room_the_newest_is_told_in_talks_and_the_oldest_in_months() -> None:
    tree = year([200] * 60)
    cost = tokens(f"2026-03-04: {tree.digests[5].text}\n")
    levels = [one.level for one in sorted(tree.told(10 * cost), key=lambda one: one.end)]
    assert levels == ["past", "month", "month", "day", "day", "day", "talk", "talk", "talk"]


def test_each_is_told_with_its_day_in_the_order_of_time() -> None:
    tree = Tree()
    tree.add("past", "", size=0)
    tree.add("talk", "2026-03-03", size=0)
    tree.add("talk", "2026-03-04", size=0)
    assert tell(tree.digests, ROOM) == "<1> \n2026-03-03: <2> \n2026-03-04: <3> "


def test_of_one_that_is_too_long_by_itself_the_beginning_is_told() -> None:
    tree = Tree()
    tree.add("talk", "2026-03-04", size=4_000)
    text = tell(tree.digests, 100)
    assert text.startswith("2026-03-04: <1>")
    assert 90 < tokens(text) <= 100


def test_nothing_is_made_of_nothing() -> None:
    assert tell([], ROOM) == ""


def test_a_date_that_a_text_begins_with_is_told_once() -> None:
    tree = Tree()
    one = tree.add("talk", "2026-03-04", size=0)
    assert dated(one) == "2026-03-04: <1> "
    assert dated(replace(one, text="On 2026-03-04 they met.")) == "On 2026-03-04 they met."
    assert dated(replace(one, text="They met.\nOn 2026-03-04.")).startswith("2026-03-04: ")
