"""The command line as a whole: its start, its errors, its exit codes, its documentation."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from aikyo.cli.app import app, main
from aikyo.errors import AikyoError, NotRunningError, UsageError

HEAVY = (
    "anthropic",
    "cel_expr_python",
    "httpx2",
    "importlib.metadata",
    "libp2p",
    "msgspec",
    "sqlite3",
    "starlette",
    "trio",
)


def run(
    *args: str, code: str = "from aikyo.cli import main; main()"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, check=False, timeout=60
    )


def test_help_imports_nothing_heavy() -> None:
    code = f"""
import sys
from aikyo.cli import main
try:
    main()
finally:
    print("HEAVY:", [name for name in {HEAVY!r} if name in sys.modules])
"""
    assert run("--help", code=code).stdout.endswith("HEAVY: []\n")


def test_without_a_command_the_help_is_shown() -> None:
    assert "Commands" in run().stdout


def commands() -> list[str]:
    group = typer.main.get_command(app)
    names = []
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        names += [f"{name} {sub}" for sub in below] if below else [name]
    return names


@pytest.mark.parametrize("command", commands())
def test_every_command_has_help_with_an_example(command: str) -> None:
    done = run(*command.split(), "--help")
    assert done.returncode == 0
    assert f"Example: aikyo {command}" in " ".join(done.stdout.split())


def test_every_command_and_flag_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text()
    flags = set(re.findall(r"--[a-z-]+", page))
    group = typer.main.get_command(app)
    for name in commands():
        first, *rest = name.split()
        assert f"`aikyo {first}" in page or f"`{name}" in page, name
        command = group.commands[first]  # type: ignore[attr-defined]
        for sub in rest:
            assert sub in page, name
            command = command.commands[sub]
        for parameter in command.params:
            for flag in parameter.opts:
                if flag.startswith("--") and not getattr(parameter, "hidden", False):
                    assert flag in flags, f"{name} {flag}"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["sya"], "sya"),
        (["up", "--compnions", "3"], "--compnions"),
        (["up", "--companions", "three"], "--companions"),
        (["say"], "Missing"),
        (["memory", "search", "alice"], "Missing"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_code_2(args: list[str], says: str) -> None:
    done = run(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("aikyo: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("wrong"), 2),
        (NotRunningError("nothing runs"), 3),
        (AikyoError("failed"), 1),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("bug"), 1),
    ],
)
def test_errors_become_a_line_and_an_exit_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("aikyo.cli.app.app", fail)
    with pytest.raises(SystemExit) as ended:
        main(["version"])
    assert ended.value.code == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    code = """
import aikyo.cli.app as cli
cli.app = lambda **_: [print("x" * 1000) for _ in range(100_000)]
cli.main([])
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 0


def test_the_bundled_profiles_are_those_of_the_repository() -> None:
    repository = Path(__file__).parents[2]
    bundled = {file.name: file.read_text() for file in (repository / "aikyo" / "_profiles").iterdir()}
    assert bundled == {file.name: file.read_text() for file in (repository / "profiles").glob("*.toml")}
