"""What a memory costs: `python benchmarks/memory.py --sizes 10000 100000`.

Appends and recalls are measured as a companion makes them, from trio. How well it finds is measured by
`recall.py`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Literal

import trio
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it knows only its own folder

from aikyo.memory import Memory, MemoryFile
from benchmarks.made_up_talk import Talk

MS = 1000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], metavar="ROWS")
    parser.add_argument("--calls", type=int, default=1000, help="appends and recalls per size")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        table = Table("rows", "what", "p50", "p99", "most", title="memory")
        for size in args.sizes:
            path = Path(folder, f"{size}.db")
            for what, values, unit in trio.run(measured, path, size, args.calls, args.seed):
                table.add_row(f"{size:,}", what, *(f"{v:.2f} {unit}" for v in spread(values)))
        console.print(table)


def spread(values: list[float]) -> tuple[float, float, float]:
    """Median, 99th percentile and maximum."""
    return median(values), quantiles(values, n=100)[98] if len(values) > 1 else values[0], max(values)


async def measured(path: Path, size: int, calls: int, seed: int) -> list[tuple[str, list[float], str]]:
    talk = Talk(random.Random(seed))
    with MemoryFile.open(path) as file:
        for _ in range(size - calls):
            file.append(talk.entry())
        while file.make_senses():
            pass
    appends, stalls = await while_watched(path, lambda memory: memory.append(talk.entry()), calls)
    forced, _ = await while_watched(path, lambda memory: memory.append(talk.entry()), calls, "power")
    recalls, recall_stalls = await while_watched(path, lambda memory: memory.recall(talk.text()), calls)
    return [
        ("append", appends, "ms"),
        ("append: event loop held up", stalls, "ms"),
        ("append, durability = power", forced, "ms"),
        ("recall", recalls, "ms"),
        ("recall: event loop held up", recall_stalls, "ms"),
        ("open to write", [opened(MemoryFile.open, path) for _ in range(5)], "ms"),
        ("open to read", [opened(MemoryFile.read, path) for _ in range(5)], "ms"),
        ("file", [megabytes(path)], "MB"),
    ]


async def while_watched(
    path: Path,
    call: Callable[[Memory], Awaitable[object]],
    times: int,
    durability: Literal["process", "power"] = "process",
) -> tuple[list[float], list[float]]:
    """Milliseconds of each call, and by how much a task that wakes every millisecond was late."""
    took: list[float] = []
    late: list[float] = []

    async def watch() -> None:
        while True:
            began = perf_counter()
            await trio.sleep(0.001)
            late.append((perf_counter() - began - 0.001) * MS)

    async with Memory.open(path, durability=durability) as memory, trio.open_nursery() as nursery:
        nursery.start_soon(watch)
        for _ in range(times):
            began = perf_counter()
            await call(memory)
            took.append((perf_counter() - began) * MS)
        nursery.cancel_scope.cancel()
    return took, late


def opened(way: Callable[[Path], MemoryFile], path: Path) -> float:
    began = perf_counter()
    way(path).close()
    return (perf_counter() - began) * MS


def megabytes(path: Path) -> float:
    return path.stat().st_size / 2**20


if __name__ == "__main__":
    main()
