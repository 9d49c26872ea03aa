"""`aikyo simulate`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

FEW = ("--companions", "4", "--turns", "25", "--loss", "0.1", "--crash-every", "10", "--seed", "3")


def run(
    *args: str, hash_seed: str = "0", cwd: Path | None = None, **more: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aikyo", "simulate", *args]
    environ = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parents[2])}
    environ |= more
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=environ, cwd=cwd
    )


def test_it_says_what_was_simulated_and_how_it_went(tmp_path: Path) -> None:
    done = run(*FEW, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "4 companions and 1 person, seed 3" in done.stdout
    assert "(10% drawn)" in done.stdout
    assert "25 turns in" in done.stdout
    assert "took" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_that_is_not_utf8_is_served() -> None:
    done = run("--companions", "3", "--turns", "5", PYTHONIOENCODING="ascii")
    assert (done.returncode, "Who spoke" in done.stdout) == (0, True)


def test_another_process_gives_the_same_report() -> None:
    """Hashes of texts differ from one process to the next, and with them the order of sets."""
    one, other = run(*FEW, "--json", hash_seed="1"), run(*FEW, "--json", hash_seed="2")
    assert one.returncode == other.returncode == 0, one.stderr
    assert one.stdout == other.stdout


def test_json_is_one_object_with_scenario_and_report() -> None:
    found = json.loads(run(*FEW, "--json").stdout)
    assert found["scenario"]["loss"] == 0.1
    assert found["scenario"]["seed"] == 3
    assert found["report"]["turns"] == 25
    assert 0 < found["lost"] < found["sent"]


def test_a_plot_is_drawn(tmp_path: Path) -> None:
    file = tmp_path / "talks.svg"
    assert run(*FEW, "--plot", str(file)).returncode == 0
    assert ElementTree.parse(file).getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("place", "says"),
    [("nowhere/talks.svg", "no folder"), ("folder.svg", "cannot draw"), ("talks.png", "talks.svg")],
)
def test_a_plot_that_cannot_be_drawn_is_told_in_one_line(tmp_path: Path, place: str, says: str) -> None:
    (tmp_path / "folder.svg").mkdir()
    done = run(*FEW, "--plot", str(tmp_path / place))
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_ctrl_c_ends_it_without_a_word() -> None:
    command = [sys.executable, "-m", "aikyo", "simulate", "--turns", "100000"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while cpu_seconds(running.pid) < 2.5:  # well past its imports
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 130
        assert running.stderr is not None
        assert running.stderr.read() == ""


@pytest.mark.parametrize("wrong", [("--loss", "1.5"), ("--turns", "0"), ("--companions", "x")])
def test_a_wrong_flag_is_told_in_one_line(wrong: tuple[str, str]) -> None:
    done = run(*wrong)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert wrong[0] in done.stderr
