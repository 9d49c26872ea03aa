import sqlite3
import tempfile
import tracemalloc
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aikyo.memory import Entry, Kind, MemoryFile
from aikyo.memory.recall.recalling import MOST
from tests.support.memories import assert_index_agrees, entry, remember, texts

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
ENTRIES = st.builds(
    Entry,
    uid=TEXT,
    time=st.floats(0, 1e11),
    kind=st.sampled_from(get_args(Kind)),
    topic=TEXT,
    sender=TEXT,
    text=TEXT,
    peer=TEXT,
    to=st.lists(TEXT, max_size=3).map(tuple),
    conversation=st.none() | TEXT,
    reply_to=st.none() | TEXT,
    body=TEXT,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alice.db"


@given(st.lists(ENTRIES, max_size=12, unique_by=lambda one: (one.uid, one.kind)))
@settings(max_examples=25, deadline=None)
def test_what_is_appended_is_there_again_as_it_was(entries: list[Entry]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "alice.db")
        with MemoryFile.open(path) as memory:
            assert all(memory.append(one) for one in entries)
        with MemoryFile.read(path) as memory:
            assert list(memory.dump()) == sorted(entries, key=lambda one: one.time)
            assert memory.count() == len(entries)
        assert_index_agrees(path)


def test_the_same_uid_and_kind_is_one_row_and_the_first_stays(path: Path) -> None:
    first = entry("the lake")
    with MemoryFile.open(path) as memory:
        assert memory.append(first)
        assert not memory.append(entry("the sea", uid=first.uid))
        assert memory.append(entry("the lake", uid=first.uid, kind="said"))
        assert [one.text for one in memory.dump()] == ["the lake", "the lake"]
        assert memory.recall("sea") == ()
    assert_index_agrees(path)


def test_a_new_file_is_for_its_owner_alone(path: Path) -> None:
    remember(path, "a secret")
    assert [file.name for file in path.parent.iterdir()] == ["alice.db"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_recent_gives_the_newest_of_a_conversation_oldest_first(path: Path) -> None:
    with MemoryFile.open(path) as memory:
        for number in range(6):
            memory.append(entry(str(number), conversation="ab"[number % 2]))
        assert [one.text for one in memory.recent("a", 2)] == ["2", "4"]
        assert [one.text for one in memory.recent(None, 3)] == ["3", "4", "5"]
        assert memory.recent("c", 3) == ()


def test_what_comes_late_takes_its_place_in_time(path: Path) -> None:
    with MemoryFile.open(path) as memory:
        for when in (3.0, 1.0, 2.0):
            memory.append(entry(str(when), time=when))
        assert [one.time for one in memory.recent(None, 9)] == [1.0, 2.0, 3.0]
        assert [one.time for one in memory.dump()] == [1.0, 2.0, 3.0]


def test_met_is_whoever_was_ever_heard(path: Path) -> None:
    with MemoryFile.open(path) as memory:
        memory.append(entry("hello", sender="user_mika", time=100.0))
        memory.append(entry("wave", sender="companion_bob", kind="did"))
        assert memory.met("user_mika")
        assert not memory.met("user_mika", before=100.0)
        assert memory.met("user_mika", before=100.5)
        assert not memory.met("companion_bob")
        assert not memory.met("user_ken")


@pytest.mark.parametrize("there", [0, 1, 500, 501, 1203])
def test_a_dump_has_every_row_once_over_all_its_pages(path: Path, there: int) -> None:
    with MemoryFile.open(path) as memory:
        for number in range(there):
            memory.append(entry(str(number), time=float(number // 7)))
        assert [one.text for one in memory.dump()] == [str(number) for number in range(there)]
        for newest in (0, 1, 5, there, there + 1):
            expected = [str(number) for number in range(max(there - newest, 0), there)]
            assert [one.text for one in memory.dump(newest)] == expected


def test_a_dump_ends_though_the_file_grows_meanwhile(path: Path) -> None:
    remember(path, "one", "two", "three")
    with MemoryFile.open(path) as memory, MemoryFile.read(path) as reader:
        seen = [memory.append(entry(f"after {one.text}")) and one.text for one in reader.dump()]
        assert seen == ["one", "two", "three"]
        assert reader.count() == 6


def test_a_dump_that_is_read_slowly_keeps_no_hold_on_the_file(path: Path) -> None:
    remember(path, *map(str, range(600)))
    with MemoryFile.open(path) as memory, MemoryFile.read(path) as reader:
        dump = reader.dump()
        next(dump)
        memory.append(entry("more"))
        # A reader that held its place would leave the log with something that cannot be folded in.
        with closing(sqlite3.connect(path)) as other:
            busy, in_log, folded = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert (busy, in_log, folded) == (0, 0, 0)
        assert len(list(dump)) == 599


def test_a_dump_holds_little_at_once(path: Path) -> None:
    remember(path, *("x" * 4096 for _ in range(3000)))
    with MemoryFile.read(path) as reader:
        tracemalloc.start()
        try:
            assert sum(1 for _ in reader.dump()) == 3000
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 6 * 2**20  # all of it would be 12 MiB and more


def test_a_reader_sees_what_was_just_appended_and_never_half_of_it(path: Path) -> None:
    remember(path, "the first lighthouse")
    with MemoryFile.open(path) as memory, MemoryFile.read(path) as reader:
        for number in range(2, 50):
            memory.append(entry(f"lighthouse number {number}"))
            assert reader.count() == number
            assert len(reader.recall("lighthouse", 100)) == number


def test_a_reader_cannot_write(path: Path) -> None:
    remember(path, "hello")
    before = path.read_bytes()
    with MemoryFile.read(path) as reader:
        list(reader.dump())
        reader.recall("hello")
        with pytest.raises(Exception, match="readonly"):
            reader.append(entry("no"))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("lighthouse", "We walked to the old lighthouse."),
        ("What do you remember about lighthouses?", "We walked to the old lighthouse."),
        ("猫", "黒い猫を飼っています。"),
        ("あなたの猫は元気ですか", "黒い猫を飼っています。"),
        ("ラーメン", "昨日ラーメンを食べた。"),
        ("a ramen shop called 一蘭?", "Let's meet at 一蘭 tomorrow."),
        ("пирог", "Бабушка испекла пирог."),
        ("CREME brulee", "I love crème brûlée"),
        ("한국어", "저는 한국어를 배워요."),
    ],
)
def test_recall_finds_it_first_in_any_language(path: Path, query: str, found: str) -> None:
    remember(
        path,
        "We walked to the old lighthouse.",
        "黒い猫を飼っています。",
        "昨日ラーメンを食べた。",
        "Let's meet at 一蘭 tomorrow.",
        "Бабушка испекла пирог.",
        "I love crème brûlée",
        "저는 한국어를 배워요.",
        "Nothing of the kind.",
    )
    with MemoryFile.read(path) as memory:
        assert texts(memory.recall(query, 1)) == [found]


def test_who_said_it_can_be_looked_for(path: Path) -> None:
    remember(path, "to the sea", sender="companion_bob")
    remember(path, "to the lake", sender="user_mika")
    with MemoryFile.read(path) as memory:
        assert texts(memory.recall("what did Mika say?")) == ["to the lake"]


def test_recall_leaves_out_what_it_is_told_to(path: Path) -> None:
    now, before = entry("the lake again"), entry("the lake in June")
    with MemoryFile.open(path) as memory:
        memory.append(before)
        memory.append(now)
        assert memory.recall("lake", exclude={now.uid})[0].entry == before
        assert memory.recall("lake", exclude=[now.uid, before.uid]) == ()


def test_leaving_out_many_still_leaves_the_rest(path: Path) -> None:
    said = [entry("lake lake lake") for _ in range(MOST)]
    with MemoryFile.open(path) as memory:
        memory.append(entry("a lake, once, and much else besides"))
        for one in said:
            memory.append(one)
        assert len(memory.recall("lake", exclude={one.uid for one in said})) == 1


@given(
    st.lists(
        st.sampled_from(["lake", "sea", "猫が好き", "the old house", "x"]), min_size=1, max_size=15
    ),
    st.text(st.characters(), max_size=20) | st.sampled_from(["lake", "猫", "house sea"]),
    st.integers(1, 6),
)
@settings(max_examples=30, deadline=None)
def test_recall_is_bounded_ordered_and_always_the_same(lines: list[str], query: str, k: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "alice.db")
        remember(path, *lines)
        with MemoryFile.read(path) as memory:
            hits = memory.recall(query, k)
            assert hits == memory.recall(query, k)
            assert hits == memory.recall(query, k + 5)[:k]
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert len({hit.entry.uid for hit in hits}) == len(hits) <= k


@pytest.mark.parametrize("field", ["uid", "text", "sender", "body"])
def test_nul_and_every_plane_of_unicode_survive(path: Path, field: str) -> None:
    value: Any = "a\0b \U0001f980 \u202e𠮷 \ue000"
    with MemoryFile.open(path) as memory:
        memory.append(entry(**{"text": "x", field: value}) if field != "text" else entry(value))
        assert [getattr(one, field) for one in memory.dump()] == [value]


def test_what_was_learned_from_does_not_hide_what_comes_after_it_was_forgotten(path: Path) -> None:
    with MemoryFile.open(path) as memory:
        for text in ("the lake", "my secret"):
            memory.append(entry(text))
        memory.store.set_mark("learned", 2)
        memory.store.change("DELETE FROM entries WHERE row = 2")
        memory.append(entry("the sea"))
        assert [row.entry.text for row in memory.next_after(2, 5)] == ["the sea"]
