"""Memories of a running swarm: mended when they are damaged, backed up at night."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec
import pytest
import trio
from trio.testing import MockClock

from aikyo.memory import MemoryFile, NewFact
from aikyo.memory.mending import damaged_of
from aikyo.memory.storage.backups import back_up, backups_of, made_at
from aikyo.swarm import keeping
from aikyo.swarm.keeping import Keeper
from aikyo.wire import Context
from tests.support.gathering import ScriptedBrain
from tests.support.memories import assert_index_agrees, break_page, entry, remember
from tests.support.swarms import QUIET, Watched, swarm_of

ALICE = "companion_alice"
NIGHT = datetime(2026, 11, 20, 4, 0).astimezone().timestamp()
DAY = 86400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "memories" / "alice.db"
    path.parent.mkdir()
    return path


def notices(room: Watched) -> list[str]:
    return [str(event.reason) for event in room.told("notice", ALICE)]


async def test_a_damaged_memory_is_mended_when_its_companion_starts_and_that_is_told(
    tmp_path: Path, path: Path
) -> None:
    remember(path, *(f"the lake, day {number} {'very ' * 40}" for number in range(300)))
    back_up(path, now=NIGHT)
    remember(path, "since then")
    path.write_bytes(b"garbage" * 1000)
    async with swarm_of(tmp_path, {"alice": ScriptedBrain()}) as room:
        assert not room.told("failed")
        (told,) = notices(room)
        (aside,) = damaged_of(path)
        assert str(aside) in told
        assert "(300 entries)" in told
    with MemoryFile.read(path) as memory:
        assert memory.count() == 300


BROKEN = [
    "DELETE FROM words_data WHERE id = 10",
    "UPDATE words_data SET block = x'ffffffff' WHERE id = 10",
]


@pytest.mark.parametrize("broken", BROKEN, ids=["found by a look", "found in no look"])
async def test_damage_that_is_met_while_it_is_in_use_restarts_and_mends(
    tmp_path: Path, path: Path, broken: str
) -> None:
    remember(path, *(f"the lake, day {number}" for number in range(300)))
    async with swarm_of(tmp_path, {"alice": ScriptedBrain()}) as room:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute(broken)
        await room.swarm.perceive(Context(id="c", type="text", context="rain"))
        await until_restarted(room)
    with MemoryFile.read(path) as memory:
        assert memory.count() >= 300
        assert memory.recall("lake")
    assert_index_agrees(path)


async def test_damage_that_is_met_while_it_learns_restarts_and_mends(tmp_path: Path, path: Path) -> None:
    remember(path, "the lake")
    with MemoryFile.open(path) as memory:
        likes = NewFact(text="Mika likes the lake.", about="user_mika", kind="opinion", sources=("one",))
        memory.append(entry("I like the lake", uid="one"))
        memory.facts.learn([likes], upto=2, now=NIGHT)
    settings = msgspec.structs.replace(QUIET, learn_after=1, backups=0)
    async with swarm_of(tmp_path, {"alice": ScriptedBrain()}, settings=settings) as room:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("DELETE FROM fact_words_data WHERE id = 10")
        await room.swarm.perceive(Context(id="c", type="text", context="rain on the lake"))
        await until_restarted(room)
    assert_index_agrees(path)


@pytest.mark.parametrize("index", ["words", "fact_words"], ids=["while it starts", "by a backup"])
async def test_damage_that_is_found_after_it_was_opened_restarts_and_mends(
    tmp_path: Path, path: Path, index: str
) -> None:
    remember(path, *(f"the lake, day {number}" for number in range(300)))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(f"DELETE FROM {index}_data WHERE id = 10")
    async with swarm_of(tmp_path, {"alice": ScriptedBrain()}) as room:
        await until_restarted(room)
    with MemoryFile.read(path) as memory:
        assert memory.count() == 300
    assert_index_agrees(path)


async def until_restarted(room: Watched) -> None:
    await room.until(lambda: room.told("restart", ALICE))
    assert "is damaged" in str(room.told("restart", ALICE)[0].reason)
    with trio.fail_after(20):
        while (one := room.swarm.status().companions[0]).restarts == 0 or one.activity != "listening":
            await trio.sleep(0.05)


@pytest.fixture
def hours(patient_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> MockClock:
    """A clock on which days pass soon."""
    monkeypatch.setattr(keeping, "LOOK_EVERY", DAY / 4)
    return patient_clock


class Nights:
    """A keeper with a clock that goes with trio's."""

    def __init__(self, path: Path, **settings: object) -> None:
        self.told: list[str] = []
        self.path = path
        self.began = trio.current_time()
        self.keeper = Keeper(
            msgspec.structs.replace(QUIET, **settings),
            self.now,
            lambda path, reason: self.told.append(reason),
        )

    def now(self) -> float:
        return NIGHT - 3600 + trio.current_time() - self.began

    async def pass_by(self, days: float) -> None:
        with trio.move_on_after(days * DAY):
            await self.keeper.back_up(lambda: [self.path])


async def test_a_memory_is_backed_up_every_night_that_something_was_written(
    path: Path, hours: MockClock
) -> None:
    nights = Nights(path)
    remember(path, "the lake")
    os.utime(path, (NIGHT - 7200, NIGHT - 7200))
    await nights.pass_by(0.01)
    assert len(backups_of(path)) == 1  # there was none
    os.utime(path, (NIGHT - 60, NIGHT - 60))
    await nights.pass_by(3)
    first, second = sorted(filter(None, map(made_at, backups_of(path))))
    assert NIGHT <= second < NIGHT + DAY / 4
    assert first < NIGHT
    assert nights.told == []


async def test_without_a_wish_for_backups_none_is_made(path: Path, hours: MockClock) -> None:
    remember(path, "the lake")
    nights = Nights(path, backups=0)
    await nights.pass_by(3)
    assert backups_of(path) == ()


async def test_a_backup_that_cannot_be_made_is_told_once(path: Path, hours: MockClock) -> None:
    remember(path, *("the lake " * 20 for _ in range(300)))
    nights = Nights(path)
    whole = path.read_bytes()
    break_page(path, "the lake the lake")
    await nights.pass_by(1)
    (told,) = nights.told
    assert told.startswith("no backup could be made: ")
    assert "is damaged" in told
    path.write_bytes(whole)
    await nights.pass_by(1)
    assert len(backups_of(path)) == 1
    assert len(nights.told) == 1


async def test_how_durable_a_memory_is_is_a_setting(path: Path) -> None:
    for durability, level in (("process", 1), ("power", 2)):
        async with Nights(path, durability=durability).keeper.open(path) as memory:
            found = await memory.write(lambda file: file.store.rows("PRAGMA synchronous")[0][0])
            assert found == level


FULL = """
import os, sys
from pathlib import Path
from aikyo.memory import MemoryFile, MemoryFileError, mend
from aikyo.memory.storage.backups import back_up, backup_folder, backups_of
from tests.support.memories import assert_index_agrees, break_page, entry

told = set()
path = Path(sys.argv[1]) / "memories" / "alice.db"
path.parent.mkdir()
filler = path.parent / "filler"
with MemoryFile.open(path) as memory:
    kept = []
    for number in range(1000):
        kept.append(entry(f"the lake {number} " + "very " * 30))
        memory.append(kept[-1])
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    full = filler.stat().st_size
    for number in range(2000):
        try:
            one = entry("too much " * 20)
            memory.append(one)
            kept.append(one)
        except MemoryFileError as error:
            told.add(f"append: {error.why}")
            break
    assert [row.entry for row in memory.rows()] == kept
    assert memory.recall("lake")
    for room in range(0, 210, 7):
        os.truncate(filler, full - 4096 * room)
        try:
            back_up(path, now=1e9)
        except MemoryFileError as error:
            told.add(f"backup: {error.why}")
            assert list(backup_folder(path).iterdir()) == []
        else:
            assert_index_agrees(backups_of(path)[0])
            backups_of(path)[0].unlink()
            told.add("backup: whole")
    with MemoryFile.read(path) as reader:
        assert reader.count() == len(kept)
    os.truncate(filler, 0)
    memory.append(entry("there is room again"))
assert_index_agrees(path)
print("kept:", len(kept) + 1 == MemoryFile.read(path).count())
break_page(path, "the lake 100")
broken = path.read_bytes()
for room in range(80, 330, 10):
    path.write_bytes(broken)
    os.truncate(filler, 0)
    with filler.open("r+b", buffering=0) as file:
        file.write(bytes(os.statvfs(filler).f_bavail * 4096 - 4096 * room))
    before = sorted(path.parent.iterdir())
    try:
        mended = mend(path, now=1e9)
    except MemoryFileError as error:
        told.add(f"mending: {error.why}")
        assert sorted(path.parent.iterdir()) == before
        assert path.read_bytes() == broken
    else:
        told.add("mending: whole")
        os.truncate(filler, 0)
        assert_index_agrees(path)
        assert mended.saved == MemoryFile.read(path).count() > 0
        mended.aside.unlink()
for line in sorted(told):
    print(line)
"""


def test_a_disk_that_is_really_full_harms_nothing(tmp_path: Path) -> None:
    mounted = f'mount -t tmpfs -o size=8m tmpfs {tmp_path} && exec "$0" -c "$1" {tmp_path}'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounted, sys.executable, FULL],
        capture_output=True, text=True, check=False, timeout=60, cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines == [
        "kept: True",
        "append: the disk is full",
        "backup: the disk is full",
        "backup: whole",
        "mending: the disk is full",
        "mending: whole",
    ]
