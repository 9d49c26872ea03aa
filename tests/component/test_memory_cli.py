import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from aikyo.cli import main
from aikyo.memory import Entry, Hit, MemoryFile
from aikyo.paths import Home
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
    assert [" ".join(line.split()[2:]) for line in lines] == [
        "mika → alice We walked to the lighthouse.",
        "bob → all 黒い猫を飼っています。",
        "alice → all (did) gesture wave",
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
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
