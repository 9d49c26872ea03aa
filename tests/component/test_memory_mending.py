"""A damaged memory is set aside, and what is left of it and of its backups takes its place."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from aikyo.memory import Entry, MemoryDamagedError, MemoryFile, MemoryFileError, mend
from aikyo.memory import mending as module
from aikyo.memory.mending import damaged_of
from aikyo.memory.storage.backups import back_up, backups_of
from aikyo.memory.storage.forgotten import keep_forgotten
from aikyo.memory.storage.opening import log_of, restored_of
from tests.support.memories import assert_index_agrees, break_page, entry, remember

NIGHT = 1_795_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "memories" / "alice.db"
    path.parent.mkdir()
    return path


def talk(n: int, *, word: str = "calm") -> list[Entry]:
    return [entry(f"the lake, day {number}: {'very ' * 40}{word}") for number in range(n)]


def write(path: Path, entries: list[Entry]) -> None:
    with MemoryFile.open(path) as memory:
        for one in entries:
            memory.append(one)


def files(path: Path) -> list[str]:
    """What is beside a memory, but for what SQLite makes to read it."""
    return [file.name for file in path.parent.iterdir() if not file.name.endswith(("-shm", "-wal"))]


def held(path: Path) -> list[Entry]:
    with MemoryFile.read(path) as memory:
        return [row.entry for row in memory.rows()]


def test_the_newest_good_backup_takes_the_place_of_a_damaged_memory(path: Path) -> None:
    entries = talk(100)
    write(path, entries[:40])
    back_up(path, now=NIGHT - 86400)
    write(path, entries[40:])
    back_up(path, now=NIGHT)
    break_page(backups_of(path)[0], "day 20:")
    path.write_bytes(b"garbage" * 1000)
    mended = mend(path, now=NIGHT + 60)
    assert held(path) == entries[:40]
    assert (mended.backup, mended.restored, mended.saved) == (NIGHT - 86400, 40, 0)
    assert mended.aside.read_bytes() == b"garbage" * 1000
    assert damaged_of(path) == (mended.aside,)
    assert path.stat().st_mode & 0o777 == 0o600
    told = mended.told("no database")
    assert str(mended.aside) in told
    assert "40 entries" in told
    assert_index_agrees(path)


def test_what_was_written_since_the_backup_is_read_from_the_damaged_file(path: Path) -> None:
    entries = talk(2000)
    write(path, entries[:500])
    back_up(path, now=NIGHT)
    write(path, entries[500:])
    break_page(path, "day 1200:")
    with pytest.raises(MemoryDamagedError):
        MemoryFile.open(path)
    mended = mend(path, now=NIGHT + 60)
    kept = held(path)
    assert kept[:500] == entries[:500]
    assert kept[-1] == entries[-1]  # what stands behind the break is there too
    assert 1400 < mended.saved < 1500
    assert set(kept) <= set(entries)
    assert len(kept) == 500 + mended.saved
    assert_index_agrees(path)


def test_without_a_backup_a_new_memory_begins_with_what_can_be_read(path: Path) -> None:
    entries = talk(1000)
    write(path, entries)
    break_page(path, "day 500:")
    mended = mend(path, now=NIGHT)
    assert mended.backup is None
    assert "there was no backup" in mended.told("broken")
    kept = held(path)
    assert 900 < len(kept) == mended.saved < 1000
    assert set(kept) <= set(entries)


def test_what_makes_no_sense_is_left_out(path: Path) -> None:
    entries = talk(3)
    write(path, entries)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE entries SET text = CAST(x'ff41' AS TEXT) WHERE row = 2")
    MemoryFile.open(path).close()  # nothing in its structure tells
    with pytest.raises(MemoryDamagedError):
        MemoryFile.open(path, suspect=True)
    mend(path, now=NIGHT)
    assert held(path) == [entries[0], entries[2]]


@pytest.mark.parametrize(
    "broken",
    [
        "UPDATE sqlite_master SET name = CAST(x'f1ff' AS TEXT), sql = 'no' WHERE name = 'digests'",
        "UPDATE words_config SET v = 0 WHERE k = 'version'",
    ],
    ids=["a name that is no text", "an index of no version"],
)
def test_whatever_is_wrong_with_it_it_is_told_as_damage_and_mended(path: Path, broken: str) -> None:
    entries = talk(3)
    write(path, entries)
    back_up(path, now=NIGHT)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA writable_schema = ON")
        other.execute(broken)
    with pytest.raises(MemoryDamagedError), MemoryFile.open(path) as memory:
        memory.recall("lake")
    mend(path, now=NIGHT + 60)
    assert held(path) == entries
    assert_index_agrees(path)


def test_a_backup_that_makes_no_sense_is_passed_over(path: Path) -> None:
    entries = talk(3)
    write(path, entries)
    good = back_up(path, now=NIGHT - 86400)
    bad = back_up(path, now=NIGHT)
    with closing(sqlite3.connect(bad, isolation_level=None)) as other:
        other.execute("UPDATE entries SET kind = 'dreamt' WHERE row = 2")
        other.execute("UPDATE entries SET [to] = 'nobody' WHERE row = 2")
    path.write_bytes(b"garbage" * 1000)
    assert mend(path, now=NIGHT + 60).backup == NIGHT - 86400
    assert held(path) == entries
    assert backups_of(path) == (bad, good)


def test_what_was_in_the_log_alone_is_not_lost(path: Path) -> None:
    entries = talk(300)
    write(path, entries[:200])
    with MemoryFile.open(path) as memory:
        for one in entries[200:]:
            memory.append(one)
        file, log = path.read_bytes(), log_of(path).read_bytes()
    path.write_bytes(file)
    log_of(path).write_bytes(log)
    break_page(path, "day 100:")
    mended = mend(path, now=NIGHT)
    assert not log_of(path).exists()
    assert log_of(mended.aside).read_bytes() == log
    assert held(path)[-100:] == entries[200:]


def test_what_was_forgotten_does_not_come_back(path: Path) -> None:
    entries = talk(300)
    write(path, entries)
    back_up(path, now=NIGHT)
    with MemoryFile.open(path) as memory:
        keep_forgotten(memory.store, [entries[7].uid, "coming"], NIGHT)
    for backup in backups_of(path):
        backup.unlink()
    break_page(path, "day 200:")
    mend(path, now=NIGHT + 60)
    assert entries[7] not in held(path)
    with MemoryFile.open(path) as memory:
        assert not memory.append(entry("again", uid="coming"))


@pytest.mark.parametrize("step", ["_set_aside", "_restore", "_save_forgotten", "finish_restoring"])
def test_an_end_at_any_point_leaves_one_that_can_be_mended(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    entries = talk(300)
    write(path, entries[:200])
    back_up(path, now=NIGHT)
    write(path, entries[200:])
    break_page(path, "day 100:")
    before = path.read_bytes()

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, step, end)
        mend(path, now=NIGHT + 60)
    if step == "finish_restoring":  # it is ready; whoever opens it next moves it into its place
        assert restored_of(path).exists()
    else:
        assert path.read_bytes() == before
        assert files(path) == ["alice.db"]
        mend(path, now=NIGHT + 90)
    with MemoryFile.open(path) as memory:
        assert memory.count() > 200
    assert not restored_of(path).exists()
    assert len(damaged_of(path)) == 1


def test_no_room_to_mend_leaves_everything_as_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, talk(10))
    back_up(path, now=NIGHT)
    path.write_bytes(b"garbage" * 1000)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.shutil, "copyfile", full)
    with pytest.raises(MemoryFileError, match="the disk is full"):
        mend(path, now=NIGHT + 60)
    assert path.read_bytes() == b"garbage" * 1000
    assert files(path) == ["alice.db"]


def test_an_index_that_is_broken_after_an_unclean_end_is_found_and_made_anew(path: Path) -> None:
    entries = talk(300)
    write(path, entries)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE words_data SET block = x'00ff00ff' WHERE id > 100")
    MemoryFile.open(path).close()  # which is not looked for when it was closed as it should
    with MemoryFile.read(path) as _, MemoryFile.open(path) as memory:
        memory.store.set_mark("learned", 1)
        with pytest.raises(MemoryDamagedError):
            MemoryFile.open(path)
    mend(path, now=NIGHT)
    assert held(path) == entries
    assert_index_agrees(path)


def test_a_mended_memory_takes_up_where_it_was(path: Path) -> None:
    remember(path, "the lake")
    path.write_bytes(b"")
    mend(path, now=NIGHT)
    remember(path, "the sea")
    assert [one.text for one in held(path)] == ["the sea"]
