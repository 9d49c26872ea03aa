import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aikyo.cli import main
from aikyo.memory import Digest, Entry, Hit, MemoryFile, NewFact
from aikyo.memory.storage.backups import back_up
from aikyo.paths import Home
from aikyo.swarm.lock import hold_home
from tests.support.memories import entry, remember


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("AIKYO_HOME", str(tmp_path))
    home = Home(tmp_path)
    home.create()
    return home


@pytest.fixture
def alice(home: Home) -> Path:
    path = home.memory("alice")
    remember(path, "We walked to the lighthouse.", to=("companion_alice",))
    remember(path, "黒い猫を飼っています。", sender="companion_bob")
    remember(path, "gesture wave", sender="companion_alice", kind="did")
    return path


DUMP = "['memory', 'dump', 'alice', '--what', 'all']"


def aikyo(*args: str) -> int:
    with pytest.raises(SystemExit) as done:
        main(["memory", *args])
    assert isinstance(done.value.code, int)
    return done.value.code


def process(*args: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aikyo", "memory", *args],
        capture_output=True, text=True, check=False, timeout=60, env={**os.environ, **more},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["alice", "companion_alice"])
def test_dump_prints_a_line_an_entry_oldest_first(
    alice: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert aikyo("dump", name) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [" ".join([line.split()[0], *line.split()[3:]]) for line in lines] == [
        "j1 mika → alice We walked to the lighthouse.",
        "j2 bob → all 黒い猫を飼っています。",
        "j3 alice → all (did) gesture wave",
    ]


def test_dump_prints_the_newest_so_many(alice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("dump", "alice", "-n", "1") == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("(did) gesture wave")
    assert aikyo("dump", "alice", "-n", "0") == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("flags", [["--json"], ["--format", "json"]])
def test_dump_prints_json_that_is_the_entries(
    alice: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    assert aikyo("dump", "alice", *flags) == 0
    printed = capsys.readouterr().out.splitlines()
    with MemoryFile.read(alice) as memory:
        assert [msgspec.json.decode(line, type=Entry) for line in printed] == list(memory.dump())


def test_dump_prints_markdown(alice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("dump", "alice", "--format", "markdown") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Memory of alice\n\n## 20")
    assert "**bob → all**: 黒い猫を飼っています。" in printed


def test_search_prints_the_best_first(alice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("search", "alice", "猫") == 0
    assert [line[-11:] for line in capsys.readouterr().out.splitlines()] == ["黒い猫を飼っています。"]
    assert aikyo("search", "alice", "lighthouse 猫", "-k", "1", "--json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert msgspec.json.decode(line, type=Hit).score > 0


@pytest.mark.parametrize("query", ["", '"', "NEAR(", "*", "a\udcffb", "--", "unheard"])
def test_a_search_that_finds_nothing_says_so(
    alice: Path, capsys: pytest.CaptureFixture[str], query: str
) -> None:
    assert aikyo("search", "alice", "--", query) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "alice remembers nothing of" in printed.err


def test_an_empty_memory_says_so_kindly(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    remember(home.memory("bob"))
    assert aikyo("dump", "bob") == 0
    assert capsys.readouterr() == ("", "bob remembers nothing yet.\n")


@pytest.mark.parametrize("command", [["dump"], ["search", "-k", "1"]])
@pytest.mark.parametrize(
    ("name", "hint"),
    [("alise", "did you mean 'alice'?"), ("zoe", "known: alice"), ("../alice", "alice")],
)
def test_an_unknown_name_is_a_wrong_call_with_the_nearest_names(
    alice: Path, capsys: pytest.CaptureFixture[str], command: list[str], name: str, hint: str
) -> None:
    assert aikyo(*command, name, *(["lake"] if command[0] == "search" else [])) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert hint in printed.err


def test_a_home_without_memories_tells_how_to_get_one(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aikyo("dump", "alice") == 2
    assert "aikyo up" in capsys.readouterr().err


def test_a_damaged_memory_fails_in_one_line(alice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alice.write_bytes(alice.read_bytes()[:5000])
    assert aikyo("dump", "alice") == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert f"the memory {alice} is damaged" in printed.err


def test_a_memory_is_read_while_a_swarm_writes_it(alice: Path) -> None:
    with MemoryFile.open(alice) as memory:
        memory.append(entry("just now"))
        done = process("dump", "alice")
        assert memory.append(entry("and on"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("just now")


def test_output_that_nobody_reads_on_ends_quietly(alice: Path) -> None:
    remember(alice, *("a long talk " * 20 for _ in range(2000)))
    command = [sys.executable, "-m", "aikyo", "memory", "dump", "alice"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as dump:
        assert dump.stdout is not None
        assert dump.stderr is not None
        assert b"lighthouse" in dump.stdout.readline()
        dump.stdout.close()
        assert dump.stderr.read() == b""


@pytest.mark.parametrize(("no_color", "painted"), [("", True), ("1", False)])
def test_names_have_colours_on_a_terminal_that_wants_them(
    alice: Path, no_color: str, painted: bool
) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "aikyo", "memory", "dump", "alice"]
    env = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm"}
    done = subprocess.run(command, stdout=theirs, check=True, timeout=60, env=env)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode()
    os.close(ours)
    assert done.returncode == 0
    assert "mika" in shown
    assert ("\x1b[" in shown) is painted


def test_reading_a_memory_imports_nothing_slow(alice: Path) -> None:
    code = (
        "import sys; from aikyo.cli import main\n"
        "try: main(['memory', 'search', 'alice', 'lighthouse'])\n"
        "finally: print({'trio', 'sqlite_utils', 'libp2p', 'anthropic', 'numpy'} & set(sys.modules))"
    )
    search = "['memory', 'search', 'alice', 'lighthouse']"
    for command, loaded in ((search, "{'numpy'}"), (DUMP, "set()")):
        ran = code.replace(search, command)
        done = subprocess.run([sys.executable, "-c", ran], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == loaded


# What was made of it -----------------------------------------------------------------------------


@pytest.fixture
def knowing(alice: Path) -> Path:
    """The same memory, with facts, a reflection on them and a digest."""
    with MemoryFile.open(alice) as memory:
        walk, cat, _ = (row.entry for row in memory.rows())
        facts = [
            NewFact(text="Mika walked to the lighthouse.", about=walk.sender, sources=(walk.uid,)),
            NewFact(text="ボブは黒い猫を飼っている。", about=cat.sender, sources=(cat.uid,)),
        ]
        kept = tuple(fact.uid for fact in memory.facts.learn(facts, upto=3, now=walk.time))
        over = NewFact(text="Both are fond of walks.", level="reflection", sources=kept)
        memory.facts.reflect([over], upto=2, now=walk.time)
        talk = Digest(
            level="talk",
            text="We talked of the lighthouse.",
            first=1,
            last=1,
            start=walk.time,
            end=walk.time,
            rows=1,
            day="2023-11-14",
        )
        memory.digests.keep([talk], version=memory.digests.version(), upto=1)
    return alice


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_dump_prints_facts_with_from_whom_and_digests(
    knowing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aikyo("dump", "alice", "--what", "all") == 0
    lines = printed(capsys)
    assert lines[0].startswith("f1 Mika walked to the lighthouse. (other; from mika, 20")
    assert lines[1].startswith("f2 ボブは黒い猫を飼っている。 (other; from bob, 20")
    assert lines[2].startswith("f3 Both are fond of walks. (reflection; from mika, bob, 20")
    assert lines[3] == "d1 talk 2023-11-14 (1 turn) We talked of the lighthouse."
    assert [line[:2] for line in lines[4:]] == ["j1", "j2", "j3"]
    assert aikyo("dump", "alice", "--what", "facts", "-n", "1", "--json") == 0
    (fact,) = objects(capsys)
    assert (fact["id"], fact["text"]) == ("f3", "Both are fond of walks.")
    assert aikyo("dump", "alice", "--what", "all", "--format", "markdown") == 0
    lines = capsys.readouterr().out.splitlines()
    titles = [line for line in lines if line.startswith("#")]
    assert titles[:3] == ["# Memory of alice", "## What it knows", "## In short"]
    ids = [line.split("**")[1] for line in lines if line.startswith("- ")]
    assert ids == ["f1", "f2", "f3", "d1", "j1", "j2", "j3"]


def test_search_prints_facts_before_turns(knowing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("search", "alice", "lighthouse", "-k", "1") == 0
    assert [line[:2] for line in printed(capsys)] == ["f1", "j1"]
    assert aikyo("search", "alice", "lighthouse", "-k", "1", "--facts") == 0
    assert [line[:2] for line in printed(capsys)] == ["f1"]
    assert aikyo("search", "alice", "lighthouse", "-k", "1", "--journal", "--json") == 0
    (hit,) = objects(capsys)
    assert (hit["id"], hit["entry"]["text"]) == ("j1", "We walked to the lighthouse.")
    assert aikyo("search", "alice", "lighthouse", "-k", "1", "--facts", "--json") == 0
    assert [hit["id"] for hit in objects(capsys)] == ["f1"]


def test_search_explains_itself(knowing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("search", "alice", "lighthouse", "-k", "1", "--explain") == 0
    fact, of_fact, turn, of_turn = printed(capsys)
    assert (fact[:2], turn[:2]) == ("f1", "j1")
    assert "words" in of_fact
    assert "words" in of_turn


def test_show_prints_what_it_comes_from_and_what_came_of_it(
    knowing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aikyo("show", "alice", "f1") == 0
    lines = printed(capsys)
    assert [line[:2] for line in lines] == ["f1", "", "it", "j1", "", "of", "f3"]
    assert aikyo("show", "alice", "d1", "--json") == 0
    shown, below = objects(capsys)
    assert (shown["id"], below["id"], below["below"]) == ("d1", "j1", "d1")


def test_stats_prints_numbers(knowing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    back_up(knowing, now=1_800_000_000.0)
    assert aikyo("stats", "alice") == 0
    text = capsys.readouterr().out
    assert "alice: 3 turns (did 1, heard 2)" in text
    assert "knows: fact 2, reflection 1" in text
    assert "backups: 1, the newest of 2027-01-1" in text
    assert aikyo("stats", "alice", "--json") == 0
    (counted,) = objects(capsys)
    assert (counted["rows"], counted["pending"], counted["digests"]) == (3, 0, {"talk": 1})


def test_a_file_shows_how_far_it_is_only_beside_it(
    alice: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = pty.openpty()
    try:
        code = (
            "import itertools, time, sys; from aikyo.cli import progress\n"
            "times = itertools.count(0, 1.0); progress.time.monotonic = lambda: next(times)\n"
            "from aikyo.cli import main; main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, "memory", "dump", "alice"],
            stdout=subprocess.PIPE, stderr=theirs, check=True, timeout=60,
        )  # fmt: skip
        shown = os.read(ours, 10_000).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert len(done.stdout.splitlines()) == 3
    assert "100%  3 of 3" in shown
    assert shown.endswith("\r\x1b[K")
    assert "%" not in process("dump", "alice").stderr


# Changing it -------------------------------------------------------------------------------------


def test_forget_says_what_went_and_what_it_cannot_reach(
    knowing: Path, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aikyo("forget", "alice", "j1", "--yes") == 0
    lines = printed(capsys)
    assert lines[0] == "alice has forgotten 1 turn, 2 facts, 1 digest"
    assert lines[-1].startswith("out of reach: what others heard")
    assert aikyo("dump", "alice", "--what", "all") == 0
    assert [line[:2] for line in printed(capsys)] == ["f2", "j2", "j3"]


def test_forget_everywhere_reaches_all_memories_of_the_home(
    alice: Path, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    with MemoryFile.read(alice) as memory, MemoryFile.open(home.memory("bob")) as bob:
        for held in memory.dump():
            bob.append(held)
    assert aikyo("forget", "alice", "--matching", "猫", "--yes", "--json") == 0
    (report,) = objects(capsys)
    assert list(report["others"]) == ["bob"]
    assert aikyo("forget", "bob", *report["others"]["bob"], "--yes") == 0
    capsys.readouterr()
    assert aikyo("forget", "alice", "--matching", "lighthouse", "--everywhere", "--yes", "--json") == 0
    assert [(one["companion"], one["rows"], one["others"]) for one in objects(capsys)] == [
        ("alice", 1, {}),
        ("bob", 1, {}),
    ]


@pytest.mark.parametrize(("answer", "left"), [("y", 2), ("n", 3)])
def test_forget_asks_on_a_terminal(alice: Path, answer: str, left: int) -> None:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        done = subprocess.run(
            [sys.executable, "-m", "aikyo", "memory", "forget", "alice", "j2"],
            stdin=theirs, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    finally:
        os.close(theirs)
        os.close(ours)
    assert "alice would forget" in done.stdout
    assert "黒い猫を飼っています。" in done.stdout
    assert done.returncode == (0 if answer == "y" else 130)
    with MemoryFile.read(alice) as memory:
        assert memory.count() == left


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["j1"], "add --yes"),
        ([], "name ids such as j12"),
        (["j9", "--yes"], "alice has no 'j9'; known: j2, j3"),
        (["--before", "yesterday", "--yes"], "--before 'yesterday': give a date such as 2026-11-01"),
    ],
)
def test_what_cannot_be_forgotten_is_a_wrong_call(
    alice: Path, capsys: pytest.CaptureFixture[str], args: list[str], told: str
) -> None:
    assert aikyo("forget", "alice", *args) == 2
    shown = capsys.readouterr()
    assert (shown.out, shown.err.count("\n")) == ("", 1)
    assert told in shown.err
    with MemoryFile.read(alice) as memory:
        assert memory.count() == 3


def test_nothing_that_fits_is_no_failure(alice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("forget", "alice", "--matching", "unheard", "--yes") == 0
    assert capsys.readouterr() == ("", "alice remembers nothing of that.\n")


def test_forget_looks_through_the_backups_for_what_is_in_none_of_the_rows(
    alice: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    back_up(alice, now=1.8e9)
    with MemoryFile.open(alice) as memory:
        memory.store.change("DELETE FROM entries")
    assert aikyo("forget", "alice", "--matching", "lighthouse", "--yes") == 0
    printed = capsys.readouterr()
    assert printed.err == "alice remembers nothing of that.\n"
    assert printed.out.startswith("alice has forgotten nothing, in 1 backup too\n")


def test_forget_what_is_older_than_a_date(alice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    remember(alice, "just now", time=4_000_000_000.0)
    assert aikyo("forget", "alice", "--before", "30d", "--yes") == 0
    assert aikyo("forget", "alice", "--before", "2026-11-01", "--yes") == 0
    with MemoryFile.read(alice) as memory:
        assert [one.text for one in memory.dump()] == ["just now"]


@pytest.mark.parametrize("command", [["forget", "alice", "f1", "--yes"], ["edit", "alice", "f1", "Hm."]])
def test_nothing_is_changed_while_a_swarm_comes_up(
    knowing: Path,
    home: Home,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    monkeypatch.setattr("aikyo.cli.memory_care._PATIENCE", 0.0)
    home.swarm.write_text("left by one that has ended")
    with hold_home(home):  # it has read the memory, and cannot be reached yet
        assert aikyo(*command) == 2
        assert "is held by another swarm" in capsys.readouterr().err
    with MemoryFile.read(knowing) as memory:
        assert len(memory.facts.all()) == 3
    assert aikyo(*command) == 0


def test_edit_puts_it_right(knowing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("edit", "alice", "f2", "ボブは白い猫を飼っている。") == 0
    said, says = printed(capsys)[:2]
    assert said == "f2 said: ボブは黒い猫を飼っている。"
    assert says == "f2 says: ボブは白い猫を飼っている。"
    assert aikyo("search", "alice", "白い猫", "--facts") == 0
    assert "as a person put it" in printed(capsys)[0]
    assert aikyo("edit", "alice", "j2", " ") == 2
    assert "to be rid of it, forget it" in capsys.readouterr().err


def test_what_was_exported_is_imported(
    knowing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(tmp_path / "alice.jsonl.gz")
    assert aikyo("export", "alice", file) == 0
    assert printed(capsys)[0].startswith(f"alice: 3 turns, 3 facts, 1 digest in {file} (")
    assert aikyo("import", "carol", file) == 0
    assert printed(capsys) == ["carol remembers 3 turns, 3 facts, 1 digest more"]
    for form in (["--format", "text"], ["--format", "markdown"]):
        assert aikyo("dump", "alice", "--what", "all", *form) == 0
        there = capsys.readouterr().out
        assert aikyo("dump", "carol", "--what", "all", *form) == 0
        assert capsys.readouterr().out.replace("carol", "alice", 1) == there
    assert aikyo("export", "alice", file) == 2
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../eve", ".hidden", "@firehose", ""])
def test_nobody_can_be_imported_under_a_name_that_is_none(
    home: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert aikyo("import", name, str(tmp_path / "file")) == 2
    assert "no companion can be called" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["stats", "show", "forget", "edit", "export"])
def test_an_unknown_name_is_told_wherever_one_is_given(
    alice: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    more = {"show": ["j1"], "forget": ["j1"], "edit": ["j1", "text"], "export": ["file"]}
    assert aikyo(command, "alise", *more.get(command, [])) == 2
    assert "did you mean 'alice'?" in capsys.readouterr().err
