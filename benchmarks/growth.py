"""How a memory grows: `python benchmarks/growth.py --upto 1000000 --plot growth.svg`.

Appends a made-up talk, makes its senses as a companion at rest does, and measures at every step the
file (its log folded in), what a thousand turns add to it, a recall, and how long it takes to open. The
rows of a step are written in few commits; the price of single ones is in `memory.py`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it knows only its own folder

from aikyo.memory import MemoryFile
from benchmarks.made_up_talk import Talk
from benchmarks.plot import curves

MB = 2**20
MS = 1000.0
COMMIT = 1_000  # rows
RECALLS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upto", type=int, default=100_000, metavar="ROWS")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plot", type=Path, metavar="FILE", help="an SVG of both curves")
    args = parser.parse_args()
    table = Table("rows", "file", "a thousand turns", "recall p50", "p99", "open", title="growth")
    sizes = {"the file, MB": [(0.0, 0.0)]}
    times: dict[str, list[tuple[float, float]]] = {"p50": [], "p99": []}
    with tempfile.TemporaryDirectory() as folder:
        path, talk, before = Path(folder, "alice.db"), Talk(Random(args.seed)), 0.0
        for step in range(1, args.steps + 1):
            rows = args.upto // args.steps
            append(path, talk, rows)
            size = path.stat().st_size / MB
            recalls = recalled(path, talk)
            p50, p99 = median(recalls), quantiles(recalls, n=100)[98]
            began = perf_counter()
            MemoryFile.read(path).close()
            opened = (perf_counter() - began) * MS
            table.add_row(
                f"{step * rows:,}",
                f"{size:.1f} MB",
                f"{(size - before) / rows * 1000:.3f} MB",
                f"{p50:.2f} ms",
                f"{p99:.2f} ms",
                f"{opened:.0f} ms",
            )
            sizes["the file, MB"].append((step * rows, size))
            times["p50"].append((step * rows, p50))
            times["p99"].append((step * rows, p99))
            before = size
    Console().print(table)
    if args.plot:
        args.plot.write_text(curves("A memory's file", "rows", "MB", sizes))
        beside = args.plot.with_stem(f"{args.plot.stem}-recall")
        beside.write_text(curves("A recall", "rows", "ms", times))


def append(path: Path, talk: Talk, rows: int) -> None:
    with MemoryFile.open(path) as memory:
        for _ in range(0, rows, COMMIT):
            with memory.store.transaction():
                for _ in range(COMMIT):
                    memory.append(talk.entry())
        while memory.make_senses():
            pass


def recalled(path: Path, talk: Talk) -> list[float]:
    """Milliseconds of each recall."""
    took = []
    with MemoryFile.read(path) as memory:
        memory.recall(talk.text())  # what is loaded once is no part of any
        for _ in range(RECALLS):
            query, began = talk.text(), perf_counter()
            memory.recall(query)
            took.append((perf_counter() - began) * MS)
    return took


if __name__ == "__main__":
    main()
