"""`make chaos`: several machines, several minutes of faults, and what came of it.

Usage: python -m tests.chaos [--minutes 10] [--seed N] [--companions 2,1,2,1,2] [--json FILE] …
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import trio
from rich.console import Console

from .lan import missing
from .plan import plan
from .report import failings, plain, show
from .run import Scene, perform

_AROUND = 50.0  # seconds before the faults and after the calm, and for those that begin late


def main() -> int:
    """Play, show, and say by the exit code whether all was well."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="for all of it")
    parser.add_argument("--seed", type=int, default=None, help="for the same faults again")
    parser.add_argument("--companions", default="2,1,2,1,1", help="on each machine, with commas")
    parser.add_argument("--rate", type=float, default=2.0, help="messages a second of each companion")
    parser.add_argument("--flood", type=float, default=300.0, help="messages a second of the flood")
    parser.add_argument("--hurry", type=float, default=1.0, help="how much denser the faults come")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--folder", type=Path, help="keep keys and logs in this folder, made new")
    options = parser.parse_args()
    if reason := missing():
        print(f"no chaos here: {reason}", file=sys.stderr)
        return 2
    seed = random.randrange(10_000) if options.seed is None else options.seed
    scene = Scene(
        companions=[int(count) for count in options.companions.split(",")],
        rate=options.rate,
        flood=options.flood,
        seed=seed,
        calm=30.0,
    )
    seconds = options.minutes * 60 - scene.calm - _AROUND
    faults = plan(seed, seconds, scene.machines, hurry=options.hurry)
    console, began = Console(width=105), time.monotonic()

    def tell(news: str) -> None:
        console.print(f"{time.monotonic() - began:6.1f} s  {news}")

    tell(f"seed {seed}, {len(faults)} faults")
    for fault in faults:
        console.print(
            f"  at {fault.at:5.1f} s for {fault.lasting:4.1f} s: {fault.kind}", *fault.machines
        )
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=options.folder is None)
        outcome = trio.run(partial(perform, scene, faults, folder, within=seconds + 15.0, tell=tell))
        show(outcome, console)
    if options.json:
        options.json.write_text(json.dumps({"seed": seed, **plain(outcome)}, indent=1))
    return 1 if failings(outcome) else 0


if __name__ == "__main__":
    sys.exit(main())
