"""Backups of a memory: whole, of one moment, made beside a writer, and only as many as are wanted."""

import json
import os
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aikyo.cli import main
from aikyo.memory import MemoryDamagedError, MemoryFile, MemoryFileError
from aikyo.memory.storage.backups import (
    back_up,
    backup_folder,
    backups_of,
    is_due,
    made_at,
    prune,
    to_keep,
)
from tests.support.memories import assert_index_agrees, break_page, entry, remember

NIGHT = datetime(2026, 11, 20, 4, 0, tzinfo=UTC).timestamp()
DAY = 86400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "memories" / "alice.db"
    path.parent.mkdir()
    return path


def test_a_backup_holds_all_and_is_its_owners_alone(path: Path) -> None:
    remember(path, *("the lake " * 20 for _ in range(100)))
    made = back_up(path, now=NIGHT)
    assert made == path.parent.parent / "backups" / "alice" / "2026-11-20T040000Z.db"
    assert backups_of(path) == (made,)
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.parent.stat().st_mode & 0o777 == 0o700
    with MemoryFile.read(made) as copy, MemoryFile.read(path) as memory:
        assert list(copy.rows()) == list(memory.rows())
    assert [file.name for file in made.parent.iterdir()] == [made.name]  # one file, and no log
    assert_index_agrees(made)


def test_a_backup_is_of_one_moment_and_holds_up_no_writer(path: Path) -> None:
    remember(path, *("the lake " * 50 for _ in range(4000)))
    meanwhile = []

    def write_more() -> None:  # between any two steps of the copying
        assert len(meanwhile) < 100, "it begins anew for ever"
        with MemoryFile.open(path) as memory:
            memory.store.connection.execute("PRAGMA busy_timeout = 0")
            meanwhile.append(memory.append(entry("later")))

    made = back_up(path, now=NIGHT, go_on=write_more)
    assert len(meanwhile) > 1
    with MemoryFile.read(made) as copy, MemoryFile.read(path) as memory:
        assert copy.count() == 4000
        assert memory.count() == 4000 + len(meanwhile)
    assert_index_agrees(made)


def test_a_backup_is_made_to_a_file_that_is_named(path: Path, tmp_path: Path) -> None:
    remember(path, "the lake")
    target = tmp_path / "elsewhere" / "alice.db"
    assert back_up(path, target, now=NIGHT) == target
    assert backups_of(path) == ()
    with MemoryFile.read(target) as copy:
        assert copy.count() == 1


def test_of_a_damaged_memory_no_backup_is_made(path: Path) -> None:
    remember(path, *("the lake " * 20 for _ in range(300)))
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("UPDATE words_data SET block = x'00ff00ff' WHERE id > 100")
    with pytest.raises(MemoryDamagedError):  # which opening it does not find
        back_up(path, now=NIGHT)
    break_page(path, "the lake the lake")
    with pytest.raises(MemoryDamagedError):
        back_up(path, now=NIGHT)
    assert list(backup_folder(path).iterdir()) == []


def test_a_backup_that_is_given_up_leaves_nothing(path: Path) -> None:
    remember(path, "the lake")

    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(path, now=NIGHT, go_on=stop)
    assert list(backup_folder(path).iterdir()) == []


def test_where_nothing_can_be_written_it_is_told(path: Path) -> None:
    remember(path, "the lake")
    (path.parent.parent / "backups").write_text("no folder")
    with pytest.raises(MemoryFileError, match="cannot use the memory"):
        back_up(path, now=NIGHT)


def test_a_memory_is_backed_up_before_it_is_brought_up_to_date(path: Path) -> None:
    with closing(sqlite3.connect(path)) as old:
        old.executescript(V2)
    assert backups_of(path) == ()
    with MemoryFile.open(path) as memory:
        assert [row.entry.text for row in memory.rows()] == ["the lake"]
        assert [hit.entry.text for hit in memory.recall("lake")] == ["the lake"]
    (made,) = backups_of(path)
    with closing(sqlite3.connect(made)) as backup:
        assert backup.execute("PRAGMA user_version").fetchone() == (2,)
    with MemoryFile.open(made) as backup:  # brought up to date itself, it leaves no copy behind
        assert backup.count() == 1
    MemoryFile.open(path).close()
    assert backups_of(path) == (made,)
    assert list(made.parent.iterdir()) == [made]


def test_as_many_are_kept_as_are_wanted_and_one_of_each_of_four_weeks(path: Path) -> None:
    remember(path, "the lake")
    first = datetime(2026, 9, 1, 4, tzinfo=UTC)
    for day in range(60):
        back_up(path, now=(first + timedelta(days=day)).timestamp())
        prune(path, 3)
    kept = [
        datetime.fromtimestamp(made_at(one) or 0, UTC).date().isoformat() for one in backups_of(path)
    ]
    assert kept[:3] == ["2026-10-30", "2026-10-29", "2026-10-28"]
    assert kept[3:] == ["2026-10-25", "2026-10-18", "2026-10-11"]  # Sundays
    assert prune(path, 3) == ()


def test_what_is_no_backup_is_neither_counted_nor_removed(path: Path) -> None:
    remember(path, "the lake")
    made = back_up(path, now=NIGHT)
    for name in ("mine.db", "notes.txt"):
        made.with_name(name).write_text("mine")
    assert backups_of(path) == (made,)
    prune(path, 0)
    assert len(list(made.parent.iterdir())) == 3  # the newest of its week stays


def test_what_is_left_of_a_backup_that_was_killed_goes(path: Path) -> None:
    remember(path, "the lake")
    made = back_up(path, now=NIGHT)
    killed, running = (made.with_name(f"2026-11-0{n}T040000Z.db.new") for n in (1, 2))
    for file in (killed, killed.with_name(killed.name + "-wal"), running):
        file.write_text("half")
    os.utime(killed, (time.time() - DAY, time.time() - DAY))
    prune(path, 7)
    assert sorted(made.parent.iterdir()) == sorted([running, made])


def test_the_newest_are_kept_whatever_the_week() -> None:
    times = [datetime(2026, 11, 20, tzinfo=UTC) - timedelta(hours=n) for n in range(10)]
    assert to_keep(times, 4) == set(times[:4])
    assert to_keep(times, 0) == {times[0]}
    assert to_keep([], 7) == set()


def test_a_backup_is_due_once_a_night_and_only_when_something_was_written(path: Path) -> None:
    def due(at: float) -> bool:
        return is_due(path, datetime.fromtimestamp(at, UTC))

    assert not due(NIGHT)  # there is none
    MemoryFile.open(path).close()
    assert not due(NIGHT)  # nor anything in it
    remember(path, "the lake")
    assert due(NIGHT)
    back_up(path, now=NIGHT + 60)
    os.utime(path, (NIGHT + 120, NIGHT + 120))
    assert not due(NIGHT + DAY - 60)
    assert due(NIGHT + DAY + 60)
    back_up(path, now=NIGHT + DAY + 60)
    assert not due(NIGHT + 5 * DAY)


def test_a_backup_of_the_future_puts_off_no_other(path: Path) -> None:
    remember(path, "the lake")
    back_up(path, now=NIGHT + 2000 * DAY)  # the clock was wrong
    now = datetime.fromtimestamp(NIGHT, UTC)
    assert is_due(path, now)
    back_up(path, now=NIGHT)
    assert not is_due(path, now)


def test_a_backup_can_be_made_while_another_thread_writes(path: Path) -> None:
    remember(path, *("the lake " * 50 for _ in range(3000)))
    done = threading.Event()
    written = []

    def write() -> None:
        with MemoryFile.open(path) as memory:
            while not done.is_set():
                written.append(memory.append(entry("more " * 20)))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = back_up(path, now=NIGHT)
    finally:
        done.set()
        writer.join()
    assert all(written)
    with MemoryFile.read(made) as copy:
        assert 3000 <= copy.count() <= 3000 + len(written)


V2 = """
PRAGMA application_id = 0x61696B79;
PRAGMA journal_mode = WAL;
CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT);
CREATE TABLE entries (
  row INTEGER PRIMARY KEY, uid TEXT NOT NULL, kind TEXT NOT NULL, time REAL NOT NULL,
  topic TEXT NOT NULL, peer TEXT NOT NULL, sender TEXT NOT NULL, [to] TEXT NOT NULL,
  conversation TEXT, reply_to TEXT, text TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX idx_entries_uid_kind ON entries (uid, kind);
CREATE INDEX idx_entries_time ON entries (time);
CREATE INDEX idx_entries_conversation_time ON entries (conversation, time);
CREATE INDEX idx_entries_sender_kind_time ON entries (sender, kind, time);
CREATE VIRTUAL TABLE words USING fts5(
  text, content='', tokenize='porter unicode61 remove_diacritics 2');
CREATE TABLE summary (row INTEGER PRIMARY KEY, text TEXT, upto INTEGER) STRICT;
INSERT INTO _sqlite_migrations (migration_set, name, applied_at)
  VALUES ('aikyo.memory', 'journal', '2026-11-01'), ('aikyo.memory', 'summary', '2026-11-01');
INSERT INTO entries VALUES (1, 'u1', 'heard', 1700000000.0, 'messages', 'p', 'user_mika', '[]', 'c',
  NULL, 'the lake', '{}');
INSERT INTO words (rowid, text) VALUES (1, 'mika the lake');
PRAGMA user_version = 2;
"""


def aikyo(home: Path, *args: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(["memory", "backup", *args, "--home", str(home)])
    assert isinstance(done.value.code, int)
    return done.value.code


def test_the_command_makes_one_among_the_others_or_where_it_is_told(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remember(path, "the lake", "the sea")
    assert aikyo(tmp_path, "alice") == 0
    (made,) = backups_of(path)
    assert capsys.readouterr().out.startswith(f"{made} (2 entries, ")
    target = tmp_path / "mine.db"
    assert aikyo(tmp_path, "companion_alice", str(target), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"file": str(target), "entries": 2, "bytes": target.stat().st_size}
    assert aikyo(tmp_path, "alice", str(target)) == 2
    assert "is there already" in capsys.readouterr().err


def test_of_a_damaged_memory_the_command_makes_none(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_bytes(b"garbage" * 1000)
    assert aikyo(tmp_path, "alice") == 1
    err = capsys.readouterr().err
    assert "is damaged" in err
    assert "`aikyo up`" in err
    assert path.read_bytes() == b"garbage" * 1000
