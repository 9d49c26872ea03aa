"""How well a journal's turns are found again, and how fast.

    python benchmarks/recall.py --locomo FILE           evidence recall, each way alone and all together
    python benchmarks/recall.py --rows 100000 1000000   time of a recall over so many rows

FILE is the JSON of the LoCoMo conversations (Maharana et al., 2024), which aikyo does not come with.
Evidence recall: of the turns that answer a question, the share among the first k that are recalled; the
mean over all questions outside category 5 (which have no answer) whose evidence is there. "Last week" in
a question is reckoned from the newest turn.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from random import Random
from statistics import mean, median, quantiles
from time import perf_counter
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a script, it knows only its own folder

from aikyo.memory import Entry, MemoryFile
from aikyo.memory.recall.likeness import Senses
from aikyo.memory.recall.ranking import WEIGHTS, Weights
from aikyo.memory.recall.recalling import find
from benchmarks.made_up_talk import Talk
from benchmarks.plot import curves

MS = 1000.0
MB = 2**20
COMMIT = 1_000  # rows
CUTS = (5, 10, 20)
ADVERSARIAL = 5  # the category of questions that have no answer in the conversation

Way = Callable[[MemoryFile, Senses, str], Sequence[int]]  # a question's rows, best first

NONE = replace(WEIGHTS, near=(), answer=0.0, talk=0.0, speaker=0.0, time=0.0)


def weighing(changes: Mapping[str, Any], base: Weights = WEIGHTS, *, vectors: bool = True) -> Way:
    weights = replace(base, **changes)

    def way(memory: MemoryFile, senses: Senses, question: str) -> Sequence[int]:
        found = find(
            memory.store, question, max(CUTS), senses=senses if vectors else None, weights=weights
        )
        return [one.row for one in found]

    return way


def by_vectors(memory: MemoryFile, senses: Senses, question: str) -> Sequence[int]:
    like = senses.like(question)
    if like is None:
        return []
    rows = np.arange(1, memory.count() + 1)
    return (np.argsort(-like.of(rows), kind="stable")[: max(CUTS)] + 1).tolist()


NEAR = {"near": WEIGHTS.near, "answer": WEIGHTS.answer}
WAYS: dict[str, Way] = {
    "words": weighing({}, NONE, vectors=False),
    "vectors": by_vectors,
    "words, neighbours": weighing(NEAR, NONE, vectors=False),
    "words, talk": weighing({"talk": WEIGHTS.talk}, NONE, vectors=False),
    "words, speaker": weighing({"speaker": WEIGHTS.speaker}, NONE, vectors=False),
    "words, time": weighing({"time": WEIGHTS.time}, NONE, vectors=False),
    "words, vectors": weighing({}, NONE),
    "all but neighbours": weighing({"near": (), "answer": 0.0}),
    "all but talk": weighing({"talk": 0.0}),
    "all but speaker": weighing({"speaker": 0.0}),
    "all but time": weighing({"time": 0.0}),
    "all but vectors": weighing({}, vectors=False),
    "all": weighing({}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--locomo", type=Path, metavar="FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="an SVG of the evidence recall")
    parser.add_argument("--rows", type=int, nargs="*", default=[])
    parser.add_argument("--calls", type=int, default=1000, help="recalls per size")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    console = Console()
    if args.locomo:
        show_evidence(console, args.locomo, args.plot)
    rows = args.rows or ([] if args.locomo else [100_000])
    if rows:
        times = Table("rows", "file", "first", "p50", "p99", "most", title="recall")
        for size in rows:
            times.add_row(*timed(size, args.calls, args.seed))
        console.print(times)


def show_evidence(console: Console, source: Path, plot: Path | None) -> None:
    samples = json.loads(source.read_text())
    shares: dict[str, list[list[list[float]]]] = {name: [] for name in WAYS}
    for sample in samples:
        with MemoryFile.in_ram() as memory:
            asked = remembered(memory, sample)
            senses = Senses(memory.store)
            for name, way in WAYS.items():
                found = ((way(memory, senses, question), wanted) for question, wanted in asked)
                shares[name].append([evidence(rows, wanted) for rows, wanted in found])
    every = Table("way", *(f"r@{k}" for k in CUTS), title="evidence recall")
    for name, of_samples in shares.items():
        every.add_row(name, *cut([*chain(*of_samples)]), style="bold" if name == "all" else "")
    console.print(every)
    each = Table("conversation", "questions", *(f"r@{k}" for k in CUTS), title="all ways together")
    for sample, of_sample in zip(samples, shares["all"], strict=True):
        each.add_row(str(sample["sample_id"]), str(len(of_sample)), *cut(of_sample))
    console.print(each)
    if plot:
        lines = {
            name: [
                (k + 1, mean(column)) for k, column in enumerate(zip(*chain(*shares[name]), strict=True))
            ]
            for name in ("all", "all but vectors", "words, neighbours", "words", "vectors")
        }
        plot.write_text(curves("Evidence recall", "turns recalled", "share of the evidence", lines))


def cut(shares: Sequence[Sequence[float]]) -> list[str]:
    return [f"{mean(one[k - 1] for one in shares):.3f}" for k in CUTS]


def evidence(rows: Sequence[int], wanted: set[int]) -> list[float]:
    """The share of what is wanted that is among the first 1, 2, … rows."""
    return [len(wanted.intersection(rows[:k])) / len(wanted) for k in range(1, max(CUTS) + 1)]


def remembered(memory: MemoryFile, sample: dict[str, Any]) -> list[tuple[str, set[int]]]:
    """Remember a conversation; its questions, with the rows that answer each."""
    with memory.store.transaction():
        for entry in turns(sample["conversation"]):
            memory.append(entry)
    make_senses(memory)
    numbers = {row.entry.uid: row.number for row in memory.rows()}
    return [
        (question["question"], {numbers[uid] for uid in question["evidence"]})
        for question in sample["qa"]
        if question.get("category") != ADVERSARIAL
        and question.get("evidence")
        and set(question["evidence"]) <= numbers.keys()
    ]


def make_senses(memory: MemoryFile) -> None:
    while memory.make_senses():
        pass


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


def timed(rows: int, calls: int, seed: int) -> tuple[str, ...]:
    """How long a recall of eight takes, in a file of a made-up talk."""
    talk = Talk(Random(seed))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "alice.db")
        with MemoryFile.open(path) as memory:
            for _ in range(0, rows, COMMIT):
                with memory.store.transaction():
                    for _ in range(COMMIT):
                        memory.append(talk.entry())
            make_senses(memory)
        size = path.stat().st_size / MB
        with MemoryFile.read(path) as memory:
            took = [took_one(memory, talk.text()) for _ in range(calls + 1)]
    first, *rest = took
    return (
        f"{rows:,}",
        f"{size:.0f} MB",
        *(f"{ms:.1f} ms" for ms in (first, median(rest), quantiles(rest, n=100)[98], max(rest))),
    )


def took_one(memory: MemoryFile, query: str) -> float:
    began = perf_counter()
    memory.recall(query)
    return (perf_counter() - began) * MS


if __name__ == "__main__":
    main()
