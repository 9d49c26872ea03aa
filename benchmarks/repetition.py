"""How well repetition is told, at which cost: `python benchmarks/repetition.py --locomo FILE`.

Of the labelled pairs beside this file, by language: the share that is found of those that repeat, and
the share that is wrongly taken for it of those that do not; by letters alone, and with the embedder.
With `--locomo` (the JSON of the LoCoMo conversations) also how often real dialogues are taken to repeat,
or to circle.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from aikyo.conversation import Embed, WindingDown, similarity
from aikyo.conversation.repetition import REPETITION, WIDE
from aikyo.embeddings import load_embedder

PAIRS = Path(__file__).with_name("repetition_pairs.txt")
REPEATING = frozenset({"same", "paraphrase", "question", "echo"})
SPEAKERS = 2


class Pair(NamedTuple):
    section: str
    kind: str
    one: str
    other: str

    @property
    def language(self) -> str:
        return "ja" if any(ord(character) >= WIDE for character in self.one) else "en"

    @property
    def repeats(self) -> bool:
        return self.kind in REPEATING


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=Path, default=PAIRS, metavar="FILE")
    parser.add_argument("--locomo", type=Path, metavar="FILE")
    parser.add_argument("--wrong", action="store_true", help="print the pairs that are told wrongly")
    args = parser.parse_args()
    console = Console()
    began = perf_counter()
    embed = load_embedder()
    console.print(f"embedder loaded in {(perf_counter() - began) * 1000:.0f} ms")
    pairs = list(read(args.pairs))
    ways: dict[str, Embed | None] = {"letters": None, "letters and sense": embed}
    console.print(detection(pairs, ways))
    if args.wrong:
        for way, embedder in ways.items():
            for pair in pairs:
                found = similarity(pair.one, pair.other, embedder)
                if (found >= REPETITION) != pair.repeats:
                    console.print(f"{way}: {found:.2f}", *pair, sep=" | ", markup=False)
    if args.locomo:
        console.print(false_alarms(args.locomo, ways))


def read(path: Path) -> Iterator[Pair]:
    """The labelled pairs of a file: `kind | one | other` a line, under a `[section]`."""
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            kind, one, other = (part.strip() for part in line.split("|"))
            yield Pair(section, kind, one, other)


def detection(pairs: list[Pair], ways: dict[str, Embed | None]) -> Table:
    table = Table(
        "pairs", "way", "language", "found", "wrongly found", "µs a message", title="repetition"
    )
    for section in dict.fromkeys(pair.section for pair in pairs):
        for (way, embed), language in product(ways.items(), ("en", "ja")):
            chosen = [pair for pair in pairs if (pair.section, pair.language) == (section, language)]
            began = perf_counter()
            told = [(similarity(pair.one, pair.other, embed) >= REPETITION, pair) for pair in chosen]
            each = (perf_counter() - began) / len(chosen) / 2 * 1e6
            found = [is_told for is_told, pair in told if pair.repeats]
            wrong = [is_told for is_told, pair in told if not pair.repeats]
            table.add_row(section, way, language, share(found), share(wrong), f"{each:.0f}")
    return table


def false_alarms(path: Path, ways: dict[str, Embed | None]) -> Table:
    sessions = list(dialogues(json.loads(path.read_text(encoding="utf-8"))))
    table = Table("way", "messages that repeat", "dialogues that circle", title="real dialogues")
    for way, embed in ways.items():
        repeating, circling = [], []
        for texts in sessions:
            talk = WindingDown(embed)
            for number, text in enumerate(texts):
                talk.hear(f"{number % SPEAKERS}", text, by_person=False, companions=SPEAKERS)
                repeating.append(talk.repeats >= REPETITION)
            circling.append(talk.has_circled)
        table.add_row(way, share(repeating), share(circling))
    return table


def dialogues(data: list[dict[str, dict[str, object]]]) -> Iterator[list[str]]:
    """The texts of each session of the LoCoMo conversations."""
    for entry in data:
        for key, turns in entry["conversation"].items():
            if key.startswith("session_") and isinstance(turns, list):
                yield [turn["text"] for turn in turns]


def share(told: list[bool]) -> str:
    return f"{sum(told) / len(told):.1%} ({sum(told)} of {len(told)})"


if __name__ == "__main__":
    main()
