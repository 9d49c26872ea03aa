"""Whether leaders are elected as JavaScript does, and how fast: `python benchmarks/leader.py VECTORS`.

VECTORS holds one JSON object a line: `raw` (a message as text), `active` (ids that are there), `valid`
(whether the TypeScript schema takes it) and `leader` (an id or null). Exits with 1 if one is wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from time import perf_counter

from aikyo.conversation.leader import leader
from aikyo.wire.javascript import hashed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("vectors", type=Path, metavar="VECTORS")
    args = parser.parse_args()
    vectors = [json.loads(line) for line in args.vectors.read_text(encoding="utf-8").split("\n") if line]
    began = perf_counter()
    elected = [leader(vector["raw"], frozenset(vector["active"])) for vector in vectors]
    took = perf_counter() - began
    wrong = 0
    for number, (vector, found) in enumerate(zip(vectors, elected, strict=True), 1):
        valid = hashed(vector["raw"]) is not None
        if (found, valid) != (vector["leader"], vector["valid"]):
            wrong += 1
            print(f"line {number}: {found}, {valid=}; expected {vector['leader']}, {vector['valid']}")
    print(f"{len(vectors)} elections, {wrong} wrong, {took / len(vectors) * 1e6:.0f} µs each")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
