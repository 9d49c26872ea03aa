"""What the mesh costs and how quick it is: `python benchmarks/mesh.py [--quick] [--only PART …]`.

Every host is a real one, on loopback, in processes of their own and on a mesh of its own. Where the
machine has fewer cores than a mesh has processes, they share them, and that is in the figures.
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
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import trio
from rich.console import Console
from rich.table import Table

MEMBER = str(Path(__file__).with_name("mesh_member.py"))
REPAIRS = re.findall(
    r'^    "([^"]+)": ', Path(__file__).with_name("without.py").read_text(), re.MULTILINE
)
MS = 1000.0


class Process:
    """One process of a mesh, and what it has told."""

    def __init__(self, process: trio.Process, began: float) -> None:
        self.process = process
        self.began = began
        self.told: list[dict[str, Any]] = []
        self.ended = False
        self._news = trio.Event()

    async def until(self, event: str, within: float = 150.0, **fields: object) -> dict[str, Any]:
        """The first line of this event with these fields."""
        wanted = {"event": event, **fields}
        with trio.fail_after(within):
            while True:
                for line in self.told:
                    if wanted.items() <= line.items():
                        return line
                if self.ended:
                    raise SystemExit(f"a process of the mesh ended before it told {event!r}")
                await self._news.wait()

    async def read(self) -> None:
        assert self.process.stdout is not None
        rest = b""
        async for chunk in self.process.stdout:
            *lines, rest = (rest + chunk).split(b"\n")
            self.told += map(json.loads, lines)
            self._news.set()
            self._news = trio.Event()
        self.ended = True
        self._news.set()

    def used(self) -> float:
        """Seconds of a processor so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def size(self) -> float:
        """MiB of memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", status)
        assert found is not None
        return int(found[1]) / 1024


class Lan:
    """A mesh of its own, with a folder for the keys of its members."""

    def __init__(self, folder: str, nursery: trio.Nursery) -> None:
        self._folder = folder
        self._nursery = nursery
        self._name = f"b{uuid.uuid4().hex[:12]}"

    @asynccontextmanager
    async def process(self, play: str, **more: object) -> AsyncIterator[Process]:
        """A process that takes part while the context is open; killed at its end."""
        told = json.dumps({"play": play, "mesh": self._name, "folder": self._folder, **more})
        began = time.monotonic()
        process = await trio.lowlevel.open_process(
            [sys.executable, MEMBER, told], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        one = Process(process, began)
        self._nursery.start_soon(one.read)
        try:
            yield one
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()


@asynccontextmanager
async def lan() -> AsyncIterator[Lan]:
    with tempfile.TemporaryDirectory() as folder:
        async with trio.open_nursery() as nursery:
            yield Lan(folder, nursery)
            nursery.cancel_scope.cancel()


class Report:
    """The tables, as they come."""

    def __init__(self, *, quick: bool) -> None:
        self.quick = quick
        self._console = Console()

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        table = Table(*columns, title=title)
        for row in rows:
            table.add_row(*row)
        self._console.print(table)


def met(value: float, aim: float | None, unit: str = "s") -> str:
    """The aim, and whether it is met."""
    if aim is None:
        return ""
    return f"< {aim:g} {unit}: {'met' if value < aim else '[red]missed[/red]'}"


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def p50_p99(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none arrived"
    return f"{percentile(seconds, 0.5) * MS:.1f} / {percentile(seconds, 0.99) * MS:.1f} ms"


async def reach(hosts: int, processes: int, then: Callable[[list[Process]], Awaitable[None]]) -> Any:
    """Seconds until every host has heard from every other: since the start of the processes, and since
    the last of them began to join (the rest is Python's and libp2p's own start). Or who is lacking."""
    async with lan() as net, AsyncExitStack() as stack:
        share = hosts // processes
        members = [
            await stack.enter_async_context(
                net.process("stay", prefix=f"p{number}h", hosts=share, expect=hosts)
            )
            for number in range(processes)
        ]
        joining = [(await one.until("joining"))["at"] for one in members]
        try:
            full = [(await one.until("full"))["at"] for one in members]
        except trio.TooSlowError:
            return None
        await then(members)
    return max(full) - members[0].began, max(full) - max(joining)


async def reachability(report: Report) -> None:
    async def nothing(_: list[Process]) -> None:
        pass

    runs = 1 if report.quick else 3
    rows = []
    for hosts, processes, aim in (
        (3, 1, None),
        (10, 1, None),
        (20, 1, None),
        (30, 3, 10.0),
        (60, 6, None),
    ):
        found = [await reach(hosts, processes, nothing) for _ in range(runs)]
        times = [one for one in found if one is not None]
        lacking = f" ({runs - len(times)} of {runs} never)" if len(times) < runs else ""
        if not times:
            rows.append((f"{hosts} in {processes}", f"never{lacking}", "", met(1e9, aim)))
            continue
        whole, joined = (statistics.median(column) for column in zip(*times, strict=True))
        worst = max(one for one, _ in times)
        rows.append(
            (
                f"{hosts} in {processes}",
                f"{whole:.1f} s (at worst {worst:.1f}){lacking}",
                f"{joined:.1f} s",
                met(worst if len(times) == runs else 1e9, aim),
            )
        )
    title = f"Every host has heard from every other, median of {runs}"
    report.table(title, ("hosts in processes", "since the start", "since all join", "aim"), rows)


async def idling(report: Report) -> None:
    seconds = 30.0 if report.quick else 120.0  # each says every 30 s that it is there
    rows: list[tuple[str, ...]] = []

    async def watch(members: list[Process], hosts: int) -> None:
        await trio.sleep(10)
        before = [one.used() for one in members]
        await trio.sleep(seconds)
        used = sum(one.used() for one in members) - sum(before)
        percent = used / seconds * 100 / hosts
        size = sum(one.size() for one in members)
        rows.append(
            (
                f"{hosts} in {len(members)}",
                f"{percent:.2f} % of a core",
                met(percent, 0.5, "%"),
                f"{size / len(members):.0f} MiB",
                f"{size / hosts:.1f} MiB",
            )
        )

    for hosts, processes in ((3, 1), (30, 3)):
        if await reach(hosts, processes, lambda members, n=hosts: watch(members, n)) is None:
            rows.append((f"{hosts} in {processes}", "never whole", "", "", ""))
    columns = ("hosts in processes", "CPU of a host", "aim", "memory of a process", "by host")
    report.table(f"Nobody says anything, {seconds:g} s", columns, rows)


async def latency(report: Report) -> None:
    count = 100 if report.quick else 400
    async with (
        lan() as net,
        net.process("hear", prefix="hear", messages=count) as hearer,
        net.process("speak", prefix="speak", messages=count),
    ):
        heard = await hearer.until("heard")
    rows = [
        ("1 and 1, two processes", p50_p99(heard["seconds"]), f"{count - len(heard['seconds'])}", "")
    ]
    for hosts in (3, 10):
        found = await measured(hosts, messages=count // 2, gap=0.1)
        rows.append(
            (
                f"{hosts}, to all, one process",
                p50_p99(found["latencies"]),
                str(found["lost"]),
                carried(found),
            )
        )
    columns = ("hosts", "publish → delivered, p50 / p99", "lost", "carried by a core")
    report.table(f"{count} messages of 120 bytes, 10 to 20 a second", columns, rows)


async def measured(hosts: int, **more: object) -> dict[str, Any]:
    async with lan() as net, net.process("measure", hosts=hosts, **more) as one:
        return await one.until("measured", within=300)


def carried(found: dict[str, Any]) -> str:
    """Messages by second of a processor, four on the way at a time, so that none wait."""
    return f"{found['carried'] / found['cpu']:.0f}/s"


async def repairs(report: Report) -> None:
    count = 60 if report.quick else 200
    runs = 1 if report.quick else 3
    variants = ["", *REPAIRS]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in variants}
    for _ in range(runs):  # in turns, since the machine changes meanwhile
        for name in variants:
            found[name].append(await measured(4, messages=count, gap=0.02, without=name))
    rows = []
    base = found[""]
    for name in variants:
        rates = [one["carried"] / one["cpu"] for one in found[name]]
        ratio = statistics.median(
            rate * first["cpu"] / first["carried"] for rate, first in zip(rates, base, strict=True)
        )
        late = sum(one["late"] for one in found[name])
        rows.append(
            (
                name or "[bold]with all of them[/bold]",
                p50_p99([seconds for one in found[name] for seconds in one["latencies"]]),
                f"{statistics.median(rates):.0f}/s",
                f"{ratio:.2f} ×",
                f"{statistics.median(one['burst'] for one in found[name]):.0%}",
                str(late) if late else "",
            )
        )
    columns = (
        "without",
        "to all, p50 / p99",
        "carried by a core",
        "of all",
        "of a burst of 100",
        "disordered",
    )
    report.table(f"What each repair buys: 4 hosts, median of {runs} in turns", columns, rows)


async def reconnecting(report: Report) -> None:
    rounds = 5 if report.quick else 25
    since_start, since_join = [], []
    async with lan() as net, net.process("tick", prefix="stays") as stays:
        home = (await stays.until("lives"))["life"]
        for number in range(rounds + 1):
            async with net.process("tick", prefix="returns") as returns:
                life = (await returns.until("lives"))["life"]
                joining = (await returns.until("joining"))["at"]
                there = (await stays.until("hears", life=life))["when"]
                here = (await returns.until("hears", life=home))["when"]
                await trio.sleep(0.5)
            if number:  # the first time it is new, and has nobody to return to
                since_start.append(max(there, here) - returns.began)
                since_join.append(max(there, here) - joining)
    rows = []
    for what, times in (("since its process starts", since_start), ("since it joins", since_join)):
        p95 = percentile(times, 0.95)
        rows.append((what, f"{percentile(times, 0.5):.2f} s", f"{p95:.2f} s", met(p95, 3.0)))
    title = f"Killed (-9) and back, until each hears the other, {rounds} rounds"
    report.table(title, ("", "p50", "p95", "aim"), rows)


PARTS: dict[str, Callable[[Report], Awaitable[None]]] = {
    part.__name__: part for part in (reachability, idling, latency, repairs, reconnecting)
}


async def main(names: Sequence[str], *, quick: bool) -> None:
    report = Report(quick=quick)
    for name in names or PARTS:
        await PARTS[name](report)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer runs: some minutes in all")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=(), metavar="PART")
    options = parser.parse_args()
    trio.run(lambda: main(options.only, quick=options.quick))
