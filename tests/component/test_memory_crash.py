"""Kills a process that writes, again and again: what it acknowledged is there, whole."""

import subprocess
import sys
from pathlib import Path
from random import Random

from aikyo.memory import MemoryFile
from tests.support.memories import assert_index_agrees

KILLS = 20

WRITER = """
import sys
from pathlib import Path
import trio
from aikyo.memory import Entry, Memory

async def talk(memory, name):
    for number in range(100_000):
        uid = f"{name}-{number}"
        text = f"{uid} 灯台 at the lake " + "and on " * (number % 50)
        await memory.append(Entry(uid=uid, time=float(number), kind="heard", topic="messages",
                                  sender="user_mika", conversation=name, text=text))
        print(uid, flush=True)

async def main(path, name):
    async with Memory.open(Path(path)) as memory, trio.open_nursery() as nursery:
        for task in "abc":
            nursery.start_soon(talk, memory, f"{name}{task}")

trio.run(main, *sys.argv[1:])
"""


def acknowledged_before_kill(path: Path, name: str, acknowledgements: int) -> list[str]:
    """The uids that a writer acknowledged; it is killed some time after so many of them."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", WRITER, path, name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as writer:
        assert writer.stdout is not None
        uids = [writer.stdout.readline() for _ in range(acknowledgements)]
        writer.kill()
        uids += writer.stdout
    return [uid.strip() for uid in uids if uid.endswith("\n")]


def test_a_kill_at_any_point_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path, random = tmp_path / "alice.db", Random(7)
    acknowledged: list[str] = []
    for number in range(KILLS):
        acknowledged += acknowledged_before_kill(path, f"run{number}", random.randrange(1, 300))
        with MemoryFile.read(path) as memory:
            kept = [entry.uid for entry in memory.dump()]
        assert len(kept) == len(set(kept))
        assert set(acknowledged) <= set(kept)
        assert len(kept) - len(acknowledged) <= 3 * (number + 1)  # what each task had begun
    assert len(acknowledged) > KILLS
    assert_index_agrees(path)


def test_a_kill_while_a_memory_begins_leaves_none_or_a_whole_one(tmp_path: Path) -> None:
    path = tmp_path / "alice.db"
    beginner = (
        "import sys; from pathlib import Path; from aikyo.memory import MemoryFile\n"
        "import aikyo.memory.storage.schema\n"
        "print('now', flush=True)\n"
        "for n in range(10_000): MemoryFile.open(Path(sys.argv[1], f'{n}.db')).close()"
    )
    command = [sys.executable, "-c", beginner, tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        while writer.poll() is None and not any(tmp_path.glob("*.db")):
            pass
        writer.kill()
    begun = sorted(tmp_path.glob("*.db"))
    assert begun
    for path in begun:
        with MemoryFile.read(path) as memory:
            assert memory.count() == 0
