"""How well facts are found again, and how fast: each way alone, and all fused.

    python benchmarks/facts.py                     recall on the sets in benchmarks/facts/
    python benchmarks/facts.py --rows 10000        time to recall and to learn with so many facts
    python benchmarks/facts.py --embedder minilm   with another embedder than the best that is installed

A question counts as answered when the fact that it was written for is among the first five. Odd
questions were for tuning, even ones are held out; of `*-fresh.toml` all are, and "my" in them is whose
name stands in the fifth column.
"""

from __future__ import annotations

import argparse
import random
import re
import time
import tomllib
from pathlib import Path
from statistics import quantiles

from aikyo.companion.asker import asked_by
from aikyo.embeddings import CHOICES, Choice
from aikyo.memory import Entry, Fact, MemoryFile, NewFact
from aikyo.memory.facts.recall import WAYS

_SETS = Path(__file__).with_name("facts")
_NAMES = {
    "ja": {
        "user_mika": "ミカ",
        "user_ken": "ケン",
        "user_sara": "サラ",
        "user_tanaka": "田中さん",
        "user_yuri": "ユリ",
        "user_daiki": "ダイキ",
        "user_lena": "レナ",
        "user_naoki": "直樹",
        "user_misaki": "美咲",
        "user_goro": "五郎",
        "alice": "アリス",
        "user_emma": "エマ",
        "user_kenta": "健太",
        "user_yumi": "由美",
        "user_omura": "大村さん",
    }
}
_ALONE = {
    "words (bm25's kin)": ("words", "mention", "name"),
    "vectors": ("sense", "name"),
    "concepts": ("concepts", "name"),
    "concepts and kinds": ("concepts", "kind", "name"),
    "words and vectors": ("words", "mention", "sense", "name"),
    "all but concepts, kinds": ("words", "mention", "sense", "name", "strength"),
    "all": tuple(WAYS),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", type=Path, default=sorted(_SETS.glob("*.toml")))
    parser.add_argument("--rows", type=int, nargs="*", default=[])
    parser.add_argument("--missed", action="store_true", help="show the questions that are missed")
    parser.add_argument("--embedder", choices=CHOICES, default="auto")
    options = parser.parse_args()
    for rows in options.rows:
        _show_times(rows, options.embedder)
    for path in [] if options.rows else options.sets:
        _show_recall(path, options.embedder, show_missed=options.missed)


def _show_recall(path: Path, embedder: Choice, *, show_missed: bool) -> None:
    written = tomllib.loads(path.read_text("utf-8"))["facts"]
    questions = [
        (asked_by("".join(line[4:]), line[3]), f"f{number}")
        for number, line in enumerate(written, 1)
        if line[3]
    ]
    print(f"\n{path.name}: {len(written)} facts, {len(questions)} questions")
    print(f"{'':26}{'tuning':>22}{'held out':>22}{'both':>22}")
    print(f"{'':26}" + f"{'r@1':>10}{'r@5':>6}{'r@10':>6}" * 3)
    with MemoryFile.in_ram(embedder) as file:
        _remember(file, written, path.stem[:2])
        _renew(file)
        for name, ways in _ALONE.items():
            ranks = [_rank(file, question, fact, ways) for question, fact in questions]
            halves = (ranks[0::2], ranks[1::2], ranks)
            print(f"{name:26}" + "".join(_line(half) for half in halves))
        if show_missed:
            for (question, fact), rank in zip(questions, ranks, strict=True):
                if rank >= 5:
                    print(f"  {rank + 1}: {question}  [{file.facts.find([fact])[0].text}]")


def _remember(file: MemoryFile, written: list[list[str]], language: str) -> None:
    for number, (about, kind, text, *_) in enumerate(written, 1):
        name = _NAMES.get(language, {}).get(about, about.removeprefix("user_").capitalize())
        file.append(
            Entry(
                uid=f"e{number}",
                time=1e9,
                kind="heard",
                topic="messages",
                sender=about,
                name=name,
                text="",
            )
        )
        fact = Fact(
            number=0,
            uid=f"u{number}",
            text=text,
            about=about,
            kind=kind,  # type: ignore[arg-type]  # as written in the set
            learned=1e9,
            confirmed=1e9,
            sources=(f"e{number}",),
        )
        assert file.facts.put(fact)


def _renew(file: MemoryFile) -> int:
    """As it is done in the background; how many facts had no vector yet."""
    count = 0
    while outdated := file.facts.outdated(16):
        file.facts.renew(file.facts.senses_of(outdated))
        count += len(outdated)
    return count


def _rank(file: MemoryFile, question: str, fact: str, ways: tuple[str, ...]) -> int:
    hits = file.facts._recall.recall(
        question, 1000, now=None, about=None, ended=False, level=None, ways=ways
    )
    return next((at for at, hit in enumerate(hits) if f"f{hit.fact.number}" == fact), 1000)


def _line(ranks: list[int]) -> str:
    shares = [sum(rank < k for rank in ranks) / len(ranks) for k in (1, 5, 10)]
    return f"{shares[0]:10.3f}{shares[1]:6.3f}{shares[2]:6.3f}"


def _show_times(rows: int, embedder: Choice) -> None:
    written = [
        line
        for path in sorted(_SETS.glob("*.toml"))
        for line in tomllib.loads(path.read_text("utf-8"))["facts"]
    ]
    dice = random.Random(1)
    words = sorted({word for line in written for word in re.findall(r"[a-z]{4,}", line[2])})
    made = [
        f"{dice.choice(written)[2].rstrip('.')} {' '.join(dice.sample(words, 3))}." for _ in range(rows)
    ]
    with MemoryFile.in_ram(embedder) as file:
        started = time.perf_counter()
        with file.store.transaction():
            for number, text in enumerate(made):
                fact = Fact(
                    number=0, uid=f"u{number}", text=text, about=f"user_{number % 40}", learned=1e9
                )
                file.facts.put(fact)
        print(f"{rows} facts: {(time.perf_counter() - started) / rows * 1e3:.2f} ms to keep each")
        started = time.perf_counter()
        if count := _renew(file):
            print(f"  {(time.perf_counter() - started) / count * 1e3:.2f} ms for the vector of each")
        started = time.perf_counter()
        file.facts.recall("cats", now=1e9)
        print(f"  first recall {(time.perf_counter() - started) * 1e3:.0f} ms")
        _show(
            "recall",
            [_timed(lambda q=line[3]: file.facts.recall(q, now=1e9)) for line in written if line[3]],
        )
        took = []
        for batch in range(20):
            new = []
            for n in range(12):
                uid = f"e{batch}-{n}"
                file.append(Entry(uid=uid, time=1e9, kind="heard", topic="m", sender="user_1", text="x"))
                new.append(
                    NewFact(text=dice.choice(made).replace(".", " too."), about="user_1", sources=(uid,))
                )
            took.append(_timed(lambda new=new: file.facts.learn(new, upto=0, now=1e9)))
        _show("learning 12", took)
        _show(
            "near",
            [_timed(lambda: file.facts.near([made[n] for n in range(12)], 20)) for _ in range(20)],
        )
        _show("about", [_timed(lambda: file.facts.about("user_1", now=1e9)) for _ in range(20)])
        _show("threads", [_timed(lambda: file.facts.threads(["user_1"], 5, 1e9)) for _ in range(20)])


def _timed(call) -> float:  # type: ignore[no-untyped-def]  # any call
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1e3


def _show(what: str, took: list[float]) -> None:
    parts = quantiles(took, n=100)
    print(f"  {what}: p50 {parts[49]:.1f} ms, p99 {parts[98]:.1f} ms")


if __name__ == "__main__":
    main()
