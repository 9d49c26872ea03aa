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

# Three tasks hear things, and now and then forget one for good; one learns a fact from each, in batches
# with its mark; one sums them up, as ids, talk by talk and now and then a day; one makes backups. What
# is done is told on a line.
WRITER = """
import os, sys
from functools import partial
from pathlib import Path
import trio
from msgspec.structs import replace
from aikyo.memory import Digest, Entry, Memory, NewFact
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

async def sum_up(memory):
    for number in range(100_000):
        found = await memory.read(leaving)
        if found is None:
            await trio.sleep(0.001)
            continue
        digests, version, upto = found
        keep = lambda file: file.digests.keep(digests, version=version, upto=upto)
        if await memory.write(keep) is not None and upto is not None:
            tell("digested", upto)
        if number % 10 == 9:
            await memory.write(sum_up_day)

def leaving(file):
    version, stale = file.digests.version(), file.digests.stale("talk")
    if stale is not None:
        return [told(stale, "", file.digests.rows_of(stale.number))], version, None
    rows = file.next_after(file.digests.upto(), 12)
    talks = {}
    for row in rows:
        talks.setdefault(row.entry.conversation, []).append(row)
    new = []
    for name, some in talks.items():
        talk = file.digests.talk("1970-01-01", name) or begun("talk", some[0].number, name)
        if talk.stale:
            return None  # it is made anew first
        before = file.digests.rows_of(talk.number) if talk.number else ()
        new.append(told(talk, talk.text, (*before, *some)))
    return (new, version, rows[-1].number) if rows else None

def begun(level, first, name=None):
    return Digest(level=level, text="", first=first, last=first, start=0.0, end=0.0, rows=0,
                  conversation=name, day="1970-01-01")

def told(digest, text, rows):
    if not rows:
        return replace(digest, rows=0)
    known = text.split()
    return replace(digest, text=" ".join(known + [row.entry.uid for row in rows[len(known):]]),
                   first=min(digest.first, rows[0].number), last=max(digest.last, rows[-1].number),
                   start=rows[0].entry.time, end=rows[-1].entry.time, rows=len(rows), stale=False,
                   parent=None)

def sum_up_day(file):
    parts = file.digests.loose("day", "1970-01-02")
    if parts:
        day = replace(begun("day", parts[0].first), text=" ".join(part.text for part in parts), rows=1)
        file.digests.keep_over(day, parts, version=file.digests.version())

def called(number):
    return "".join(LETTERS[int(digit)] for digit in f"{number:06}").capitalize()

async def keep(path, run):
    for number in range(1_000):
        await trio.sleep(0.05)
        now = 1e9 + 10_000 * run + number
        await trio.to_thread.run_sync(partial(back_up, path, now=now))
        tell("kept", int(now))

def end_before(statement):
    global statements
    statements -= 1
    if statements == 0:
        os.kill(os.getpid(), 9)

async def main(path, run, number):
    global statements
    path, statements = Path(path), int(number)
    async with Memory.open(path) as memory, trio.open_nursery() as nursery:
        if statements:
            await memory.write(lambda file: file.store.connection.set_trace_callback(end_before))
        for task in "abc":
            nursery.start_soon(talk, memory, f"{run}{task}", path)
        nursery.start_soon(learn, memory)
        nursery.start_soon(sum_up, memory)
        nursery.start_soon(keep, path, int(run))

trio.run(main, *sys.argv[1:])
"""


def told_before_kill(path: Path, run: int, lines: int, statements: int) -> list[tuple[str, str]]:
    """What a writer told that it had done; it is killed some time after so many lines, or just before
    one of its statements."""
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", WRITER, path, str(run), str(statements)]
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
    kinds = ("heard", "forgot", "learned", "digested", "kept")
    done: dict[str, set[str]] = {kind: set() for kind in kinds}
    for run in range(KILLS):
        lines, statements = random.randrange(1, 400), random.randrange(1, 5_000)
        when = (lines, 0) if run % 2 else (100_000, statements)
        for kind, what in told_before_kill(path, run, *when):
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
    assert_all_is_summed_up_once(memory, rows, upto=max(map(int, done["digested"]), default=0))


def assert_all_is_summed_up_once(memory: MemoryFile, rows: list[Row], *, upto: int) -> None:
    mark = memory.digests.upto()
    assert mark >= upto
    digests = memory.digests.all(places=True)
    told = list[int]()
    for talk in (digest for digest in digests if digest.level == "talk"):
        of_it = memory.digests.rows_of(talk.number)
        told += [row.number for row in of_it]
        assert talk.text.split() == ([] if talk.stale else [row.entry.uid for row in of_it])
    assert sorted(told) == [row.number for row in in_order(rows, mark)]
    for day in (digest for digest in digests if digest.level == "day"):
        parts = [part.text for part in digests if part.parent == day.number]
        assert sorted(day.text.split()) == sorted(" ".join(parts).split())


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
