"""The digests of a memory file: a tree over the journal, and what people do to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlite_utils import Database

from aikyo.memory import Digest, DigestLevel, MemoryFile, MemoryFileError
from aikyo.memory.storage.schema import _migrations
from tests.support.memories import entry

DAY = 86_400.0
NOON = 1_700_049_600.0  # 2023-11-15


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alice.db"


@pytest.fixture
def memory(path: Path) -> Iterator[MemoryFile]:
    """Two days: on the first two talks that take turns, on the second one of them goes on."""
    with MemoryFile.open(path) as file:
        for number, (day, talk) in enumerate(((0, "a"), (0, "b"), (0, "a"), (0, "b"), (1, "a"))):
            file.append(entry(f"row {number}", time=NOON + day * DAY + number, conversation=talk))
        yield file


def talk_of(memory: MemoryFile, conversation: str | None, *numbers: int, text: str = "") -> Digest:
    rows = memory.rows_of(numbers=numbers)
    times = [row.entry.time for row in rows]
    day = int((times[0] - NOON) // DAY)
    return Digest(
        level="talk",
        text=text or f"the {conversation} of day {day}",
        first=min(numbers),
        last=max(numbers),
        start=min(times),
        end=max(times),
        rows=len(rows),
        conversation=conversation,
        day=f"2023-11-{15 + day}",
    )


def keep(memory: MemoryFile, *digests: Digest, upto: int | None = None) -> tuple[Digest, ...]:
    kept = memory.digests.keep(digests, version=memory.digests.version(), upto=upto)
    assert kept is not None
    return kept


def sum_up(memory: MemoryFile, level: DigestLevel, before: str) -> Digest:
    parts = memory.digests.loose(level, before)
    digest = Digest(
        level=level,
        text=f"a {level} of {len(parts)}",
        first=min(part.first for part in parts),
        last=max(part.last for part in parts),
        start=min(part.start for part in parts),
        end=max(part.end for part in parts),
        rows=sum(part.rows for part in parts),
        day=parts[0].day[: 10 if level == "day" else 7],
    )
    kept = memory.digests.keep_over(digest, parts, version=memory.digests.version())
    assert kept is not None
    return kept


def grow(memory: MemoryFile) -> None:
    """The whole tree of two days."""
    keep(
        memory,
        talk_of(memory, "a", 1, 3),
        talk_of(memory, "b", 2, 4),
        talk_of(memory, "a", 5),
        upto=5,
    )
    for _ in range(2):
        sum_up(memory, "day", "2023-11-30")
    sum_up(memory, "month", "2023-12")


def texts(memory: MemoryFile) -> set[str]:
    return {digest.text for digest in memory.digests.all()}


def test_entries_after_a_row_come_in_the_order_in_which_they_were_appended(path: Path) -> None:
    with MemoryFile.open(path) as memory:
        for number, clock in enumerate((50, 40, 60, 30)):  # a clock that was set back
            memory.append(entry(str(number), time=float(clock)))
        everything = memory.after(0, 10)
        assert [row.entry.text for row in everything] == ["0", "1", "2", "3"]
        assert [row.number for row in everything] == [1, 2, 3, 4]
        assert [row.entry.text for row in memory.after(1, 10)] == ["1", "2", "3"]
        assert [row.entry.text for row in memory.after(0, 2)] == ["2", "3"]
        assert memory.after(4, 10) == ()


def test_from_a_month_one_walks_back_to_its_rows_and_from_a_row_to_its_month(memory: MemoryFile) -> None:
    grow(memory)
    (month,) = memory.digests.latest(5, "month")
    days = memory.digests.children(month.number)
    assert [day.day for day in days] == ["2023-11-15", "2023-11-16"]
    talks = [talk for day in days for talk in memory.digests.children(day.number)]
    rows = [[row.number for row in memory.digests.rows_of(talk.number)] for talk in talks]
    assert rows == [[1, 3], [2, 4], [5]]
    assert [row.number for row in memory.digests.rows_of(month.number)] == [1, 2, 3, 4, 5]
    (fourth,) = memory.rows_of(numbers=[4])
    over = memory.digests.over(fourth)
    assert [digest.text for digest in over] == ["the b of day 0", "a day of 2", "a month of 2"]
    assert memory.digests.find(["d1", talks[2].uid, "d99", "", "j1"]) == (talks[0], talks[2])


def test_what_was_made_of_an_older_state_is_not_kept(memory: MemoryFile) -> None:
    before = memory.digests.version()
    keep(memory, talk_of(memory, "a", 1), upto=1)
    assert memory.digests.keep([talk_of(memory, "b", 2)], version=before, upto=2) is None
    assert (memory.digests.count(), memory.digests.upto()) == (1, 1)
    parts, before = memory.digests.loose("day", "2023-11-16"), memory.digests.version()
    memory.digests.forget_rows([1])
    assert memory.digests.keep_over(replace(parts[0], level="day"), parts, version=before) is None
    assert memory.digests.count() == 0


def test_digests_are_kept_whole_or_not_at_all(memory: MemoryFile) -> None:
    memory.store.connection.execute(
        "CREATE TRIGGER full BEFORE INSERT ON digests WHEN new.conversation = 'b'"
        " BEGIN SELECT raise(FAIL, 'no room'); END"
    )
    with pytest.raises((MemoryFileError, sqlite3.Error)):
        keep(memory, talk_of(memory, "a", 1, 3), talk_of(memory, "b", 2, 4), upto=4)
    assert (memory.digests.all(places=True), memory.digests.upto()) == ((), 0)


def test_a_talk_that_goes_on_is_one_digest_and_its_day_is_summed_up_anew(memory: MemoryFile) -> None:
    (talk,) = keep(memory, talk_of(memory, "a", 1), upto=1)
    sum_up(memory, "day", "2023-11-16")
    grown = replace(talk_of(memory, "a", 1, 3, text="more"), number=talk.number, uid=talk.uid)
    keep(memory, grown, upto=3)
    assert texts(memory) == {"more"}
    assert [one.text for one in memory.digests.loose("day", "2023-11-16")] == ["more"]


def test_of_what_is_forgotten_no_digest_tells_and_the_rest_is_to_be_told_anew(
    memory: MemoryFile,
) -> None:
    grow(memory)
    gone = memory.digests.forget_rows([4])
    assert {one.text for one in gone} == {"the b of day 0", "a day of 2", "a month of 2"}
    assert texts(memory) == {"the a of day 0", "the a of day 1", "a day of 1"}
    stale = memory.digests.stale("talk")
    assert stale is not None
    assert (stale.conversation, stale.text, stale.uid in {one.uid for one in gone}) == ("b", "", False)
    memory.store.change("DELETE FROM entries WHERE row = 4")
    assert [row.number for row in memory.digests.rows_of(stale.number)] == [2]
    keep(memory, replace(stale, text="only the second", stale=False))
    assert memory.digests.stale("talk") is None
    assert sum_up(memory, "day", "2023-11-30").day == "2023-11-15"
    assert sum_up(memory, "month", "2023-12").text == "a month of 2"


def test_a_talk_of_which_nothing_is_left_is_dropped(memory: MemoryFile) -> None:
    grow(memory)
    memory.digests.forget_rows([5])
    memory.store.change("DELETE FROM entries WHERE row = 5")
    stale = memory.digests.stale("talk")
    assert stale is not None
    keep(memory, replace(stale, rows=0))
    assert [one.day for one in memory.digests.all(places=True)] == ["2023-11-15"] * 3


def test_a_digest_that_is_forgotten_takes_with_it_what_it_was_made_of(memory: MemoryFile) -> None:
    grow(memory)
    day = memory.digests.latest(2, "day")[0]
    gone = memory.digests.forget([day.number])
    assert {one.text for one in gone} == {
        "the a of day 0",
        "the b of day 0",
        "a day of 2",
        "a month of 2",
    }
    assert texts(memory) == {"the a of day 1", "a day of 1"}
    assert memory.digests.stale("talk") is None  # a person did not want it
    assert memory.digests.loose("day", "2023-12") == ()
    assert sum_up(memory, "month", "2023-12").rows == 5  # its rows are not summed up a second time


def test_what_was_made_of_a_corrected_digest_is_made_anew(memory: MemoryFile) -> None:
    grow(memory)
    talk = memory.digests.latest(3, "talk")[2]
    assert memory.digests.edit(99, "nobody") is None
    edited = memory.digests.edit(talk.number, "It was otherwise.")
    assert edited is not None
    assert (edited.uid, edited.text) == (talk.uid, "It was otherwise.")
    assert texts(memory) == {"the a of day 0", "the b of day 0", "a day of 2", "It was otherwise."}
    assert [one.text for one in memory.digests.loose("day", "2023-12")] == ["It was otherwise."]


def test_a_tree_can_be_taken_elsewhere(memory: MemoryFile, tmp_path: Path) -> None:
    grow(memory)
    memory.digests.forget_rows([2])
    everything = memory.digests.all(places=True)
    with MemoryFile.open(tmp_path / "there.db") as there:
        for row in memory.after(0, 99):
            there.append(row.entry)
        for _ in range(2):  # the second time changes nothing
            numbers: dict[int, int] = {}
            for level in ("month", "day", "talk"):
                for one in everything:
                    if one.level == level:
                        parent = numbers.get(one.parent or 0)
                        numbers[one.number] = there.digests.put(replace(one, parent=parent)).number
        taken = there.digests.all(places=True)
        assert {one.uid for one in taken} == {one.uid for one in everything}
        for one in taken:
            (same,) = (each for each in everything if each.uid == one.uid)
            assert there.digests.rows_of(one.number) == memory.digests.rows_of(same.number)
            assert (one.text, one.stale) == (same.text, same.stale)


def test_of_two_digests_of_one_talk_one_is_made_anew_from_the_rows_of_both(memory: MemoryFile) -> None:
    keep(memory, talk_of(memory, "a", 1), upto=1)
    sum_up(memory, "day", "2023-11-16")
    memory.digests.put(replace(talk_of(memory, "a", 3), uid="from elsewhere"))
    stale = memory.digests.stale("talk")
    assert stale is not None
    assert [row.number for row in memory.digests.rows_of(stale.number)] == [1, 3]
    assert texts(memory) == set()


def test_rows_before_those_that_are_summed_up_are_in_the_past(memory: MemoryFile) -> None:
    past = memory.digests.passed_over(4)
    assert past is not None
    assert (past.level, past.text, past.rows) == ("past", "", 3)
    keep(memory, past, talk_of(memory, "b", 4), upto=4)
    assert memory.digests.passed_over(5) is None
    assert [row.number for row in memory.digests.newest_rows_of(past, 2)] == [2, 3]
    (place,) = (one for one in memory.digests.all(places=True) if one.level == "past")
    assert [row.number for row in memory.digests.rows_of(place.number)] == [1, 2, 3]
    assert all(memory.digests.is_told(row) == (row.number < 5) for row in memory.after(0, 9))


def test_the_summary_of_an_older_version_becomes_the_past(path: Path) -> None:
    with closing(sqlite3.connect(path)) as old:
        _migrations.apply(Database(old), stop_before="knowledge")
        old.execute(f"PRAGMA application_id = {0x61696B79}")
        for number in range(3):
            old.execute(
                "INSERT INTO entries (uid, kind, time, topic, peer, sender, [to], text, body)"
                " VALUES (?, 'heard', ?, 'messages', '', 'user_mika', '[]', 'hello', '{}')",
                (str(number), NOON + number),
            )
        old.execute("INSERT INTO summary VALUES (1, 'They met. さようなら', 2)")
        old.commit()
    with MemoryFile.open(path) as memory:
        (past,) = memory.digests.all()
        assert (past.level, past.text, past.rows) == ("past", "They met. さようなら", 2)
        assert memory.digests.upto() == 2
        assert [row.number for row in memory.digests.rows_of(past.number)] == [1, 2]
        assert memory.digests.forget_rows([1]) == (past,)
        assert memory.digests.count() == 0


def test_a_memory_without_a_summary_is_brought_up_to_date(path: Path) -> None:
    with closing(sqlite3.connect(path)) as old:
        _migrations.apply(Database(old), stop_before="knowledge")
        old.execute(f"PRAGMA application_id = {0x61696B79}")
        old.commit()
    with pytest.raises(MemoryFileError, match="older version"):
        MemoryFile.read(path)
    with MemoryFile.open(path) as memory:
        assert (memory.digests.count(), memory.digests.upto()) == (0, 0)
