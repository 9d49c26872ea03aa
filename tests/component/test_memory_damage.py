import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from aikyo.memory import MemoryFile, MemoryFileError
from aikyo.memory.storage import opening
from tests.support.memories import assert_index_agrees, entry, remember, texts

Way = Callable[[Path], MemoryFile]
WAYS: list[Way] = [MemoryFile.open, MemoryFile.read]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "alice.db"
    remember(path, *(f"the lake, day {number}: {'very ' * 40}calm" for number in range(300)))
    return path


def refused(path: Path, way: Way = MemoryFile.read) -> str:
    """What a person is told when the file is opened; the file stays as it was."""
    before = path.read_bytes()
    with pytest.raises(MemoryFileError) as raised:
        way(path)
    assert path.read_bytes() == before
    message = str(raised.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("way", WAYS)
def test_a_file_whose_head_is_garbage_is_refused_and_left_alone(path: Path, way: Way) -> None:
    path.write_bytes(Random(1).randbytes(100) + path.read_bytes()[100:])
    assert "is damaged" in refused(path, way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_file_that_was_cut_off_is_refused_and_left_alone(path: Path, way: Way, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert "is damaged" in refused(path, way)


@pytest.mark.parametrize("seed", range(40))
def test_damage_in_the_middle_is_told_or_harmless_and_never_a_crash(path: Path, seed: int) -> None:
    random, data = Random(seed), bytearray(path.read_bytes())
    start = random.randrange(100, len(data) - 4096)
    for place in range(start, start + random.choice((1, 16, 4096))):
        data[place] ^= random.randrange(1, 256)
    path.write_bytes(data)
    for way in WAYS:
        try:
            with way(path) as memory:
                assert len(list(memory.dump())) <= 300
                memory.recall("the calm lake")
                memory.recent(None, 10)
                assert memory.count() >= 0
        except MemoryFileError as error:
            assert str(path) in str(error)  # noqa: PT017 - that none is raised is right as well


def test_a_whole_page_of_zeros_is_noticed_on_opening(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 * 3 : 4096 * 4] = bytes(4096)
    path.write_bytes(data)
    for way in WAYS:
        assert "is damaged" in refused(path, way)


@pytest.mark.parametrize("way", WAYS)
def test_another_programs_file_is_refused_and_left_alone(tmp_path: Path, way: Way) -> None:
    path = tmp_path / "alice.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE entries (x)")
    assert "is not a memory of aikyo's" in refused(path, way)


@pytest.mark.parametrize("way", WAYS)
def test_an_empty_file_is_refused_and_left_alone(tmp_path: Path, way: Way) -> None:
    path = tmp_path / "alice.db"
    path.touch()
    assert "is damaged (it is empty)" in refused(path, way)


@pytest.mark.parametrize("way", WAYS)
def test_a_file_of_a_newer_version_is_refused_and_left_alone(path: Path, way: Way) -> None:
    with closing(sqlite3.connect(path)) as later:
        later.execute("PRAGMA user_version = 99")
    assert "update aikyo" in refused(path, way)


def test_a_file_of_an_older_version_is_brought_up_to_date_by_its_writer_alone(tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    with closing(sqlite3.connect(path)) as older:
        older.execute("PRAGMA application_id = 0x61696B79")
    assert "brings it up to date" in refused(path)
    remember(path, "the lake")
    with MemoryFile.read(path) as memory:
        assert texts(memory.recall("lake")) == ["the lake"]


def test_a_log_without_its_memory_is_not_mixed_into_a_new_one(path: Path) -> None:
    with MemoryFile.open(path) as memory:
        memory.append(entry("still in the log"))
        log = path.with_name("alice.db-wal").read_bytes()
    path.unlink()
    path.with_name("alice.db-wal").write_bytes(log)
    with pytest.raises(MemoryFileError, match=r"its log .*alice\.db-wal is there"):
        MemoryFile.open(path)
    assert path.with_name("alice.db-wal").read_bytes() == log
    assert not path.exists()


def test_what_a_crash_left_of_a_beginning_does_not_stand_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    path.with_name("alice.db.new").write_bytes(b"half a file")
    remember(path, "hello")
    assert [file.name for file in tmp_path.iterdir()] == ["alice.db"]


def test_no_folder_and_no_file_are_told(tmp_path: Path) -> None:
    with pytest.raises(MemoryFileError, match="no such file or directory"):
        MemoryFile.open(tmp_path / "nowhere" / "alice.db")
    with pytest.raises(MemoryFileError, match="see that it is there"):
        MemoryFile.read(tmp_path / "alice.db")
    with pytest.raises(MemoryFileError, match="cannot use the memory"):
        MemoryFile.open(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_harms_nothing(path: Path) -> None:
    with MemoryFile.open(path) as memory:
        pages = memory.store.connection.execute("PRAGMA page_count").fetchone()[0]
        memory.store.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
        with pytest.raises(MemoryFileError, match="the disk is full"):
            for _ in range(100):
                memory.append(entry("too much " * 100))
        held = memory.count()
        assert len(memory.recall("calm", 500)) == 300
        memory.store.connection.execute("PRAGMA max_page_count = 100000")
        assert memory.append(entry("there is room again"))
        assert memory.count() == held + 1
    assert_index_agrees(path)


def test_a_file_held_by_another_program_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "_BUSY_SECONDS", 0.01)
    with MemoryFile.open(path) as memory, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(MemoryFileError, match="held by another program"):
            memory.append(entry())
        other.rollback()
        assert memory.append(entry())


UNPRIVILEGED = """
import os, sys, urllib.parse  # what opening a file needs, while it can be read
from pathlib import Path
from aikyo.memory import MemoryFile, MemoryFileError
from aikyo.memory.storage import schema
if os.geteuid() == 0:
    os.setuid(65534)  # to root nothing is read-only
path = Path(sys.argv[1])
with MemoryFile.read(path) as memory:
    print([entry.text for entry in memory.dump()], len(memory.recall("lake")))
for name in ("alice.db", "new.db"):
    try:
        MemoryFile.open(path.with_name(name)).append(next(memory.dump()))
    except MemoryFileError as error:
        print("refused:", error)
"""


def test_a_folder_that_cannot_be_written_can_be_read() -> None:
    with tempfile.TemporaryDirectory() as name:  # not tmp_path, whose parents nobody else may enter
        folder = Path(name)
        path = folder / "alice.db"
        remember(path, "the lake")
        path.chmod(0o444)
        folder.chmod(0o555)
        try:
            done = subprocess.run(
                [sys.executable, "-c", UNPRIVILEGED, path],
                capture_output=True, text=True, check=False, timeout=60,
                env={**os.environ, "PYTHONPATH": str(Path(opening.__file__).parents[3])},
            )  # fmt: skip
        finally:
            folder.chmod(0o755)
        assert done.stderr == ""
        lines = done.stdout.splitlines()
        assert lines[0] == "['the lake'] 1"
        assert [line.partition(": ")[0] for line in lines[1:]] == ["refused", "refused"]
        assert [file.name for file in folder.iterdir()] == ["alice.db"]
