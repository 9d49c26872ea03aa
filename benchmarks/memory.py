"""What a memory costs and finds: `python benchmarks/memory.py --sizes 10000 100000`.

Appends and recalls are measured as a companion makes them, from trio. With `--locomo FILE` (the JSON
of the LoCoMo conversations) also the evidence recall: of the turns that answer a question, which share
is among the first k that are recalled.
"""

from __future__ import annotations

import argparse
import json
import random
import string
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from pathlib import Path
from statistics import mean, median, quantiles
from time import perf_counter
from typing import Any

import trio
from rich.console import Console
from rich.table import Table

from aikyo.memory import Entry, Memory, MemoryFile
from aikyo.memory.recall.stopwords import STOP_WORDS

MS = 1000.0
CUTS = (5, 10, 20)
ADVERSARIAL = 5  # the category of questions that have no answer in the conversation


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000], metavar="ROWS")
    parser.add_argument("--calls", type=int, default=1000, help="appends and recalls per size")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--locomo", type=Path, metavar="FILE")
    args = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as folder:
        table = Table("rows", "what", "p50", "p99", "most", title="memory")
        for size in args.sizes:
            path = Path(folder, f"{size}.db")
            for what, values, unit in trio.run(measured, path, size, args.calls, args.seed):
                table.add_row(f"{size:,}", what, *(f"{v:.2f} {unit}" for v in spread(values)))
        console.print(table)
        if args.locomo:
            console.print(evidence_table(args.locomo, Path(folder)))


def spread(values: list[float]) -> tuple[float, float, float]:
    """Median, 99th percentile and maximum."""
    return median(values), quantiles(values, n=100)[98] if len(values) > 1 else values[0], max(values)


async def measured(path: Path, size: int, calls: int, seed: int) -> list[tuple[str, list[float], str]]:
    talk = Talk(random.Random(seed))
    with MemoryFile.open(path) as file:
        for _ in range(size - calls):
            file.append(talk.entry())
    appends, stalls = await while_watched(path, lambda memory: memory.append(talk.entry()), calls)
    recalls, recall_stalls = await while_watched(path, lambda memory: memory.recall(talk.text()), calls)
    return [
        ("append", appends, "ms"),
        ("append: event loop held up", stalls, "ms"),
        ("recall", recalls, "ms"),
        ("recall: event loop held up", recall_stalls, "ms"),
        ("open to write", [opened(MemoryFile.open, path) for _ in range(5)], "ms"),
        ("open to read", [opened(MemoryFile.read, path) for _ in range(5)], "ms"),
        ("file", [megabytes(path)], "MB"),
    ]


async def while_watched(
    path: Path, call: Callable[[Memory], Awaitable[object]], times: int
) -> tuple[list[float], list[float]]:
    """Milliseconds of each call, and by how much a task that wakes every millisecond was late."""
    took: list[float] = []
    late: list[float] = []

    async def watch() -> None:
        while True:
            began = perf_counter()
            await trio.sleep(0.001)
            late.append((perf_counter() - began - 0.001) * MS)

    async with Memory.open(path) as memory, trio.open_nursery() as nursery:
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


class Talk:
    """An endless talk of made-up words, as common and as rare as words are, a fifth in Japanese."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng
        self._count = 0
        self._small = sorted(STOP_WORDS)
        self._words = [
            "".join(rng.choices(string.ascii_lowercase, k=rng.randint(3, 9))) for _ in range(20_000)
        ]
        self._kanji = ["".join(chr(rng.randint(0x4E00, 0x5FFF)) for _ in range(2)) for _ in range(8_000)]

    def entry(self) -> Entry:
        self._count += 1
        return Entry(
            uid=f"{self._count}-{self._random.getrandbits(32)}",
            time=1.7e9 + self._count * 20,
            kind="heard",
            topic="messages",
            sender=self._random.choice(("user_mika", "companion_bob", "companion_carol")),
            conversation=f"c{self._count // 30}",
            text=self.text(),
            body='{"message": "' + "x" * 150 + '"}',
        )

    def text(self) -> str:
        if self._random.random() < 0.2:
            return "".join(
                self._common(self._kanji) + self._random.choice("はがをにでの") for _ in range(5)
            ) + self._random.choice(("ですね。", "しました。", "と思います。"))
        return " ".join(
            self._random.choice(self._small)
            if self._random.random() < 0.5
            else self._common(self._words)
            for _ in range(self._random.randint(5, 20))
        )

    def _common(self, words: list[str]) -> str:
        """A word by Zipf's law, whose first places the small words hold."""
        first = len(self._small)
        place = first * ((first + len(words)) / first) ** self._random.random()
        return words[min(int(place) - first, len(words) - 1)]


def evidence_table(source: Path, folder: Path) -> Table:
    table = Table("conversation", "questions", *(f"r@{k}" for k in CUTS), title="evidence recall")
    everything: list[tuple[float, ...]] = []
    for number, sample in enumerate(json.loads(source.read_text())):
        shares = list(evidence(sample, folder / f"locomo-{number}.db"))
        everything += shares
        table.add_row(str(sample["sample_id"]), *summary(shares))
    table.add_row("all", *summary(everything), style="bold")
    return table


def summary(shares: list[tuple[float, ...]]) -> tuple[str, ...]:
    return str(len(shares)), *(f"{mean(column):.3f}" for column in zip(*shares, strict=True))


def evidence(sample: dict[str, Any], path: Path) -> Iterator[tuple[float, ...]]:
    """For each question that has an answer: the share of its evidence that is found, per cut."""
    with MemoryFile.open(path) as memory:
        for entry in turns(sample["conversation"]):
            memory.append(entry)
        known = {entry.uid for entry in memory.dump()}
        for question in sample["qa"]:
            wanted = set(question.get("evidence") or ())
            if question.get("category") == ADVERSARIAL or not wanted or not wanted <= known:
                continue
            found = [hit.entry.uid for hit in memory.recall(question["question"], max(CUTS))]
            yield tuple(len(wanted & set(found[:k])) / len(wanted) for k in CUTS)


def turns(conversation: dict[str, Any]) -> Iterator[Entry]:
    sessions = [
        key for key in conversation if key.startswith("session_") and f"{key}_date_time" in conversation
    ]
    for key in sorted(sessions, key=lambda name: int(name.removeprefix("session_"))):
        began = datetime.strptime(conversation[f"{key}_date_time"], "%I:%M %p on %d %B, %Y")
        for place, turn in enumerate(conversation[key]):
            yield Entry(
                uid=turn["dia_id"],
                time=began.timestamp() + 20 * place,
                kind="heard",
                topic="messages",
                sender=turn["speaker"],
                conversation=key,
                text=f"{turn['text']} {turn.get('blip_caption', '')}".strip(),
            )


if __name__ == "__main__":
    main()
