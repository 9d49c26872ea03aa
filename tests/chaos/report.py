"""What came of it, as tables for people and plain data for programs, held against what is promised."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from .logs import Usage
from .run import Outcome

__all__ = ["failings", "plain", "show"]

RATIO = 0.999
NOTICED = 15.0
AFTER_KILL = 3.0
AFTER_CUT = 20.0
SPARE_FDS, THREADS = 6, 3
GROWTH_KIB = 40 << 10
_LIMITS = {
    "kill": AFTER_KILL,
    "restart": AFTER_KILL,
    **dict.fromkeys(("short cut", "long cut", "sever", "partition", "sleep", "address"), AFTER_CUT),
}
_BEFORE, _LAST = 6.0, 2


def failings(outcome: Outcome, *, timed: bool = True) -> list[str]:
    """What is not as it should be; empty when all is well.

    Args:
        outcome: of a run.
        timed: hold it to how long things may take, too; a machine with other work cannot be.
    """
    verdict, found = outcome.verdict, list(outcome.findings.failures)
    found += [f"{one} has heard nothing of {other} at the end" for other, one in verdict.strangers]
    ratio = _ratio(outcome, "connected")
    if ratio < RATIO:
        found.append(f"delivered while connected: {ratio:.4%}, promised {RATIO:.1%}")
    if verdict.doubles:
        found.append(f"{len(verdict.doubles)} delivered twice, the first: {verdict.doubles[0]}")
    if late := verdict.disorder["connected"]:
        found.append(f"{len(late)} out of order while connected, the first: {late[0]}")
    for run, before, after in _survivors(outcome):
        if after.spare > before.spare + SPARE_FDS:
            found.append(f"{run}: {after.spare - before.spare} more open files than before")
        if after.threads > before.threads + THREADS:
            found.append(f"{run}: {after.threads - before.threads} more threads than before")
        if after.rss > before.rss + GROWTH_KIB:
            found.append(f"{run}: {(after.rss - before.rss) >> 10} MiB more than before")
    if timed:
        for cause, times in verdict.reconnects.items():
            if (limit := _LIMITS.get(cause)) and _percentile(times, 95) >= limit:
                found.append(
                    f"reconnected after {cause}: p95 {_percentile(times, 95):.1f} s, not < {limit}"
                )
        slow = [notice for notice in verdict.notices if notice.noticed > NOTICED]
        if slow:
            found.append(f"{len(slow)} of {len(verdict.notices)} cuts not noticed in time: {slow[0]}")
    return found


def plain(outcome: Outcome) -> dict[str, Any]:
    """All figures."""
    verdict = outcome.verdict
    return {
        "seconds": round(outcome.end - outcome.began, 1),
        "companions": len({life.host for life in outcome.findings.lives}),
        "messages": {
            kind: {
                "expected": expected,
                "arrived": verdict.arrived[kind],
                "ratio": _ratio(outcome, kind),
                "disorder": len(verdict.disorder[kind]),
            }
            for kind, expected in verdict.expected.items()
        },
        "lost": [asdict(lost) for lost in verdict.lost[:1000]],
        "doubles": len(verdict.doubles),
        "reconnects": {
            cause: {
                "times": len(times),
                **{f"p{p}": _number(_percentile(times, p)) for p in (50, 95, 100)},
            }
            for cause, times in sorted(verdict.reconnects.items())
        },
        "notices": {
            "times": len(verdict.notices),
            "latest": _number(max((notice.noticed for notice in verdict.notices), default=0.0)),
        },
        "latencies": {f"p{p}": _number(_percentile(verdict.latencies, p)) for p in (50, 95, 99)},
        "strangers": verdict.strangers,
        "usage": {
            run: {"before": asdict(before), "after": asdict(after)}
            for run, before, after in _survivors(outcome)
        },
        "frames": outcome.frames,
        "counters": dict(sorted(outcome.findings.counters.items())),
        "failings": failings(outcome),
    }


def show(outcome: Outcome, console: Console) -> None:
    """The tables."""
    figures, verdict = plain(outcome), outcome.verdict
    title = f"{figures['companions']} companions, {figures['seconds']:.0f} s of chaos and calm"
    table = Table("messages said", "to be heard", "heard", "ratio", "out of order", title=title)
    for kind in ("connected", "in flight", "reconnecting", "apart"):
        if kind in verdict.expected:
            row = figures["messages"][kind]
            table.add_row(
                kind,
                str(row["expected"]),
                str(row["arrived"]),
                f"{row['ratio']:.3%}",
                str(row["disorder"]),
            )
    table.add_row("delivered twice", "", str(figures["doubles"]), "", "")
    console.print(table)
    taken = [_seconds(figures["latencies"][name]) for name in ("p50", "p95", "p99")]
    console.print("while connected, a message took (p50, p95, p99):", ", ".join(taken))
    table = Table("reconnected after", "times", "p50", "p95", "longest", "promised (p95)")
    for cause, row in figures["reconnects"].items():
        limit = _LIMITS.get(cause)
        seconds = [_seconds(row[name]) for name in ("p50", "p95", "p100")]
        table.add_row(cause, str(row["times"]), *seconds, f"< {limit:.0f} s" if limit else "")
    latest = _seconds(figures["notices"]["latest"])
    table.add_row(
        "(noticed a cut)", str(figures["notices"]["times"]), "", "", latest, f"≤ {NOTICED:.0f} s"
    )
    console.print(table)
    table = Table("survivor", "open files (no connections)", "threads", "tasks", "MiB")
    for run, before, after in _survivors(outcome):
        table.add_row(
            run,
            f"{before.fds} ({before.spare}) → {after.fds} ({after.spare})",
            f"{before.threads} → {after.threads}",
            f"{before.tasks} → {after.tasks}",
            f"{before.rss >> 10} → {after.rss >> 10}",
        )
    console.print(table)
    console.print("frames:", figures["frames"])
    console.print("counters:", figures["counters"])
    places = Counter((lost.sender, lost.receiver, lost.since, lost.until) for lost in verdict.lost)
    for (sender, receiver, since, until), times in places.most_common(8):
        when = f"{since - outcome.began:.1f} to {until - outcome.began:.1f} s"
        console.print(f"lost while connected: {times} of {sender} to {receiver}, path from {when}")
    for failing in figures["failings"]:
        console.print(f"[red]not as promised:[/red] {failing}")


def _survivors(outcome: Outcome) -> Iterator[tuple[str, Usage, Usage]]:
    """Those processes that were there from before the faults to the end."""
    for run, usages in sorted(outcome.findings.usage.items()):
        before = [use for use in usages if outcome.began - _BEFORE <= use.at <= outcome.began]
        after = [use for use in usages if use.at >= outcome.end][-_LAST:]
        if before and after:
            yield run, before[-1], after[-1]


def _ratio(outcome: Outcome, kind: Any) -> float:
    expected = outcome.verdict.expected.get(kind, 0)
    return outcome.verdict.arrived[kind] / expected if expected else 1.0


def _percentile(times: Sequence[float], percent: int) -> float:
    if not times or percent == 50:
        return statistics.median(times) if times else 0.0
    return sorted(times)[min(math.ceil(len(times) * percent / 100), len(times)) - 1]


def _number(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} s" if value >= 1 else f"{value:.3f} s"
