"""Kills a process that writes, again and again: what it acknowledged is there, whole and once."""

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from aikyo.memory import MemoryFile, Row
from aikyo.memory.storage.backups import backups_of
from aikyo.memory.storage.opening import look_at
from tests.support.memories import assert_index_agrees, entry

KILLS = 20
"""Of one memory; in `make soak` of nine more."""

# Three tasks hear things; one learns a fact from each, in batches with its mark; one forgets what was
# heard, for good; one makes backups. What is done is told on a line.
WRITER = """
import sys
from functools import partial
from pathlib import Path
import trio
from aikyo.memory import Entry, Memory, NewFact
from aikyo.memory.care.choosing import by_uid
from aikyo.memory.care.forgetting import forget
from aikyo.memory.storage.backups import back_up

LETTERS = "abcdefghij"
backups = 0

def tell(*words):
    print(*words, flush=True)

async def talk(memory, name, path):
    for number in range(100_000):
        uid = f"{name}-{number}"
        text = f"{uid} 灯台 at the lake " + "and on " * (number % 50)
        await memory.append(Entry(uid=uid, time=float(number), kind="heard", topic="messages",
                                  sender="user_mika", conversation=name, text=text))
        tell("heard", uid)
        if number % 40 == 39:
            old = f"{name}-{number - 7}"
            await memory.write(lambda file: forget(file, by_uid(file, [old]), now=1.0))
            tell("forgot", old)

async def learn(memory):
    while True:
        mark = await memory.read(lambda file: file.store.mark("learned"))
        rows = await memory.read(lambda file: file.next_after(mark, 12))
        if not rows:
            await trio.sleep(0.001)
            continue
        new = [
            NewFact(text=f"Mika has a friend called {called(row.number)}.", about="user_mika",
                    kind="relation", sources=(row.entry.uid,))
            for row in rows
        ]
        upto = rows[-1].number
        await memory.write(lambda file: file.facts.learn(new, upto=upto, now=1e9))
        tell("learned", upto)

def called(number):
    return "".join(LETTERS[int(digit)] for digit in f"{number:06}").capitalize()

async def keep(path, run):
    for number in range(1_000):
        await trio.sleep(0.05)
        now = 1e9 + 10_000 * run + number
        await trio.to_thread.run_sync(partial(back_up, path, now=now))
        tell("kept", int(now))

async def main(path, run):
    path = Path(path)
    async with Memory.open(path) as memory, trio.open_nursery() as nursery:
        for task in "abc":
            nursery.start_soon(talk, memory, f"{run}{task}", path)
        nursery.start_soon(learn, memory)
        nursery.start_soon(keep, path, int(run))

trio.run(main, *sys.argv[1:])
"""


def told_before_kill(path: Path, run: int, lines: int) -> list[tuple[str, str]]:
    """What a writer told that it had done; it is killed some time after so many lines."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", WRITER, path, str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline() for _ in range(lines)]
        writer.kill()
        told += writer.stdout
    return [(line.split()[0], line.split()[1]) for line in told if line.endswith("\n")]


@pytest.mark.parametrize("seed", [7, *(pytest.param(n, marks=pytest.mark.soak) for n in range(10, 19))])
def test_a_kill_at_any_point_loses_nothing_that_was_acknowledged(tmp_path: Path, seed: int) -> None:
    path, random = tmp_path / "memories" / "alice.db", Random(seed)
    path.parent.mkdir()
    done: dict[str, set[str]] = {kind: set() for kind in ("heard", "forgot", "learned", "kept")}
    for run in range(KILLS):
        for kind, what in told_before_kill(path, run, random.randrange(1, 400)):
            done[kind].add(what)
        with MemoryFile.read(path) as memory:
            assert_nothing_is_missing_or_doubled(memory, done, begun=3 * (run + 1))
    assert all(done.values())
    assert_index_agrees(path)
    with MemoryFile.open(path) as memory:
        for uid in done["forgot"]:
            assert not memory.append(entry("it comes back", uid=uid))
    backups = backups_of(path)
    assert len(backups) >= len(done["kept"])
    for backup in (*backups[:3], backups[-1]):
        look_at(backup)
        assert_index_agrees(backup)


def assert_nothing_is_missing_or_doubled(
    memory: MemoryFile, done: dict[str, set[str]], *, begun: int
) -> None:
    rows = list(memory.rows())
    uids = [row.entry.uid for row in rows]
    assert len(uids) == len(set(uids))
    kept = set(uids)
    assert not done["forgot"] & kept
    missing = done["heard"] - done["forgot"] - kept
    assert len(missing) <= begun  # forgotten, and the end came before that was told
    assert len(kept - done["heard"]) <= begun  # what each task had begun
    mark = memory.store.mark("learned")
    assert mark >= max(map(int, done["learned"]), default=0)
    facts = memory.facts.all()
    assert len({fact.text for fact in facts}) == len(facts)
    assert [fact.sources for fact in facts] == [(row.entry.uid,) for row in in_order(rows, mark)]


def in_order(rows: list[Row], mark: int) -> list[Row]:
    return sorted((row for row in rows if row.number <= mark), key=lambda row: row.number)


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
