"""How long a person waits: `--help`, `up` to ready, `say` to the first reply; and what idling costs.

Each figure is the median of several runs of real processes. `--help` is measured in turns with a bare
typer + rich program, since only the ratio means anything on a noisy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

BARE = """
from typing import Annotated
import typer
app = typer.Typer(no_args_is_help=True)
@app.command()
def one(name: Annotated[str, typer.Argument(help="A name.")]) -> None:
    "Do one thing."
@app.command()
def two(number: Annotated[int, typer.Option(help="A number.")] = 1) -> None:
    "Do another thing."
app()
"""
AIKYO = str(Path(sys.executable).with_name("aikyo"))


@dataclass
class Swarm:
    """A swarm that runs, and when it was ready."""

    process: subprocess.Popen[str]
    home: str
    ready_after: float
    ready: dict[str, Any]


def timed(command: list[str]) -> float:
    """Seconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - began


@contextmanager
def swarm(companions: int = 3, *args: str) -> Iterator[Swarm]:
    """Bring a swarm up in a home and a mesh of its own, on loopback."""
    with tempfile.TemporaryDirectory() as home:
        command = [AIKYO, "up", "--home", home, "--companions", str(companions), "--json", *args]
        command += ["--no-dashboard", "--firehose-port", "0", "--gateway-port", "0"]
        command += ["--mesh", f"b{uuid.uuid4().hex[:12]}", "--listen", "127.0.0.1", "--brain", "offline"]
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                event = json.loads(line)
                if event["event"] == "ready":
                    yield Swarm(process, home, time.perf_counter() - began, event)
                    break
            process.terminate()
            process.communicate(timeout=10)


def time_help(runs: int) -> tuple[float, float]:
    """Medians of `aikyo --help` and of the bare program, in turns."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as bare:
        bare.write(BARE)
        bare.flush()
        pairs = [
            (timed([AIKYO, "--help"]), timed([sys.executable, bare.name, "--help"]))
            for _ in range(runs + 1)
        ]
    ours, theirs = zip(*pairs[1:], strict=True)
    return statistics.median(ours), statistics.median(theirs)


def time_say(running: Swarm, runs: int) -> tuple[float, float]:
    """Medians of the whole `say` command, and of message to reply as its envelopes tell."""
    wholes, replies = [], []
    for _ in range(runs):
        began = time.perf_counter()
        with subprocess.Popen(
            [AIKYO, "say", "alice", "Hello Alice!", "--home", running.home, "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            reply = json.loads(process.stdout.readline())
            wholes.append(time.perf_counter() - began)
            process.communicate(timeout=60)
        said = int(reply["body"]["replyTo"].replace("-", "")[:12], 16) / 1000  # its UUIDv7's time
        replies.append(reply["time"] - said)
    return statistics.median(wholes), statistics.median(replies)


def measure_idling(running: Swarm, seconds: float) -> tuple[float, float]:
    """Percent of a core, and MiB, of a swarm in which nobody speaks."""
    ticks = os.sysconf("SC_CLK_TCK")
    stat = Path(f"/proc/{running.process.pid}/stat")

    def used() -> float:
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / ticks

    time.sleep(3)
    before = used()
    time.sleep(seconds)
    percent = (used() - before) / seconds * 100
    status = stat.with_name("status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return percent, int(found[1]) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--idle", type=float, default=30.0, help="seconds of idling to measure")
    options = parser.parse_args()
    table = Table("what", "median", "aim", title=f"Start-up and idling, {options.runs} runs each")

    def row(what: str, value: str, aim: str) -> None:
        table.add_row(what, value, aim)

    ours, bare = time_help(options.runs)
    row("aikyo --help", f"{ours:.3f} s, {ours / bare:.2f} × bare typer ({bare:.3f} s)", "≤ 1.15 ×")
    median: Callable[[list[float]], float] = statistics.median
    starts = []
    for _ in range(options.runs):
        with swarm(3, "--topic", "") as running:
            starts.append(running.ready_after)
    row("up --companions 3 to ready", f"{median(starts):.2f} s", "< 3 s")
    with swarm(3, "--topic", "") as running:
        percent, size = measure_idling(running, options.idle)
        whole, reply = time_say(running, options.runs)
    row("message to offline reply", f"{reply:.3f} s", "< 0.5 s")
    row("say, whole process, to first reply", f"{whole:.2f} s", "")
    row("3 companions idle: CPU", f"{percent:.2f} % of a core", "< 2 %")
    row("3 companions idle: memory", f"{size:.0f} MiB", "< 150 MB")
    Console().print(table)


if __name__ == "__main__":
    main()
