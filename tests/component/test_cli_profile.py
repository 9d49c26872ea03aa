import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aikyo.cli import main

MIKA = """\
[metadata]
name = "ミカ"
language = "ja"
personality = "静かな灯台守。\\u001b[31mred"
story = "The first line.\\nThe second line."
interests = ["lamps"]
[events.params]
type = "object"
properties.first_meeting.type = "boolean"
[[events.conditions]]
expression = "first_meeting"
execute = [{ tool = "speak", instruction = "Introduce yourself." }]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of profiles, with an empty home and an empty current folder beside it."""
    monkeypatch.setenv("AIKYO_HOME", str(tmp_path / "home"))
    folder = tmp_path / "mine"
    folder.mkdir()
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    (folder / "mika.toml").write_text(MIKA, encoding="utf-8")
    return folder


def aikyo(*args: object) -> int:
    with pytest.raises(SystemExit) as done:
        main(["profile", *map(str, args)])
    assert isinstance(done.value.code, int)
    return done.value.code


def test_list_names_everybody_and_where_they_come_from(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aikyo("list", "--profiles-dir", folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["NAME", "CALLED", "SPEAKS", "FROM", "PERSONALITY"]
    assert {"alice", "bob", "carol", "mika"} <= {line.split()[0] for line in lines[1:]}
    (mika,) = [line for line in lines if line.startswith("mika")]
    assert mika.split(maxsplit=4) == ["mika", "ミカ", "ja", str(folder), "静かな灯台守。red"]
    assert any(line.split()[:4] == ["alice", "Alice", "en", "bundled"] for line in lines)


def test_list_shows_a_broken_profile_as_such_and_goes_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "broken.toml").write_text("[metadata]\nnmae = 1")
    assert aikyo("list", "--profiles-dir", folder) == 0
    out = capsys.readouterr().out
    assert "broken.toml:2:1: unknown key 'nmae'; did you mean 'name'?" in out
    assert "ミカ" in out


def test_list_as_json_is_one_object_a_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.toml").write_text("[metadata]")
    assert aikyo("list", "--profiles-dir", folder, "--json") == 0
    objects = {entry["name"]: entry for entry in map(json.loads, capsys.readouterr().out.splitlines())}
    assert objects["mika"]["metadata"]["name"] == "ミカ"
    assert objects["mika"]["file"] == str(folder / "mika.toml")
    assert "'name' is missing" in objects["broken"]["error"]


def test_show_prints_a_profile_whole(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("show", "companion_mika", "--profiles-dir", folder) == 0
    out = capsys.readouterr().out
    for what in (
        "ミカ",
        "companion_mika",
        "lamps",
        "speak, move, look, gesture",
        "静かな灯台守。red",
        "The first line.\nThe second line.",
        "first_meeting",
        "Introduce yourself.",
    ):
        assert what in out
    assert "\x1b" not in out


def test_show_as_json_holds_the_same_in_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aikyo("show", "mika", "--profiles-dir", folder, "--json") == 0
    (line,) = capsys.readouterr().out.splitlines()
    shown = json.loads(line)
    assert shown["metadata"]["id"] == "companion_mika"
    assert shown["events"]["conditions"][0]["expression"] == "first_meeting"


def test_show_of_somebody_unknown_names_the_nearest(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert aikyo("show", "mkia", "--profiles-dir", folder) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "aikyo: no profile 'mkia'; did you mean 'mika'?\n"


def test_a_folder_that_is_not_there_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("list", "--profiles-dir", folder / "no") == 2
    assert str(folder / "no") in capsys.readouterr().err


def test_check_says_ok(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert aikyo("check", folder / "mika.toml") == 0
    assert capsys.readouterr().out == f"{folder / 'mika.toml'}: ok\n"


def test_check_tells_every_problem_of_every_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = folder / "broken.toml"
    broken.write_text('[metadata]\nname = ""\ncolor = "cyna"')
    missing = folder / "missing.toml"
    assert aikyo("check", broken, folder / "mika.toml", missing) == 2
    assert capsys.readouterr().out.splitlines() == [
        f"{broken}:2:8: 'name' is empty",
        f"{broken}:3:9: 'color' is no 'cyna'; did you mean 'cyan'?",
        f"{folder / 'mika.toml'}: ok",
        f"{missing}:1:1: cannot be read: no such file or directory",
    ]


def test_check_as_json_prints_problems_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = folder / "broken.toml"
    broken.write_text('[metadata]\nname = ""')
    assert aikyo("check", broken, folder / "mika.toml", "--json") == 2
    assert json.loads(capsys.readouterr().out) == {
        "file": str(broken),
        "line": 2,
        "column": 8,
        "what": "'name' is empty",
    }


def test_on_a_terminal_the_list_fits_it(folder: Path) -> None:
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    environ = {**os.environ, "COLUMNS": "60", "LC_ALL": "C.UTF-8"}
    command = [sys.executable, "-m", "aikyo", "profile", "list", "--profiles-dir", str(folder)]
    with subprocess.Popen(command, stdout=follower, stdin=follower, env=environ) as process:
        os.close(follower)
        out = b""
        try:
            while chunk := os.read(leader, 4096):
                out += chunk
        except OSError:  # the other end is closed
            pass
        process.wait(30)
    os.close(leader)
    lines = out.decode().splitlines()
    assert any(line.startswith("mika") for line in lines)
    assert max(map(len, lines)) <= 60
