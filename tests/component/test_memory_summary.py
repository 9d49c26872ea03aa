"""What a memory file keeps beside the journal: the summary of it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aikyo.memory import MemoryFile, MemoryFileError, Summary
from tests.support.memories import entry, remember


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "alice.db"


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


def test_one_summary_is_kept_and_the_next_takes_its_place(path: Path) -> None:
    with MemoryFile.open(path) as memory:
        assert memory.summary() is None
        memory.keep_summary(Summary(text="They met.", upto=2))
        memory.keep_summary(Summary(text="They met, and parted. さようなら", upto=7))
    with MemoryFile.read(path) as memory:
        assert memory.summary() == Summary(text="They met, and parted. さようなら", upto=7)


def test_a_summary_that_cannot_be_written_leaves_the_one_before(path: Path) -> None:
    with MemoryFile.open(path) as memory:
        memory.keep_summary(Summary(text="They met.", upto=2))
        memory.store.connection.execute(
            "CREATE TRIGGER full BEFORE INSERT ON summary BEGIN SELECT raise(FAIL, 'no room'); END"
        )
        with pytest.raises((MemoryFileError, sqlite3.Error)):
            memory.keep_summary(Summary(text="They parted.", upto=7))
        assert memory.summary() == Summary(text="They met.", upto=2)


def test_a_memory_of_the_first_version_is_brought_up_to_date_and_loses_nothing(path: Path) -> None:
    remember(path, "the lake", "the sea")
    with closing(sqlite3.connect(path)) as old:  # as it was then
        old.execute("DROP TABLE summary")
        old.execute("DELETE FROM _sqlite_migrations WHERE name = 'summary'")
        old.execute("PRAGMA user_version = 1")
        old.commit()
    with pytest.raises(MemoryFileError, match="older version"):
        MemoryFile.read(path)
    with MemoryFile.open(path) as memory:
        assert [one.text for one in memory.dump()] == ["the lake", "the sea"]
        assert memory.summary() is None
        memory.keep_summary(Summary(text="They met.", upto=2))
