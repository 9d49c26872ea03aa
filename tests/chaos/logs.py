"""What the members wrote down, as lives to be judged."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .judge import Life

__all__ = ["Findings", "Usage", "follow", "read"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process held. `spare` are the file descriptors that are no connection's."""

    at: float
    fds: int
    spare: int
    threads: int
    tasks: int
    rss: int


@dataclass
class Findings:
    """All logs of one run.

    Attributes:
        lives: of the companions.
        usage: by run of a process (``m1.0``), in order.
        counters: the last ones of each companion, summed up.
        failures: nodes that failed or had to take another id, processes that wrote a traceback.
    """

    lives: list[Life] = field(default_factory=list)
    usage: dict[str, list[Usage]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def follow(path: Path, start: int = 0) -> Iterator[tuple[int, dict[str, Any]]]:
    """The whole lines from the offset `start` on, each with the offset of the next."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                return
            start += len(line)
            yield start, json.loads(line)


def read(folder: Path, ended: Mapping[str, float]) -> Findings:
    """Read a run's folder.

    Args:
        folder: with a ``PROCESS.N.jsonl`` and ``PROCESS.N.err`` for each run of a process.
        ended: when those runs were ended that did not live to the end.
    """
    findings = Findings()
    logs = {path.stem: [event for _, event in follow(path)] for path in sorted(folder.glob("*.jsonl"))}
    joined = [event for log in logs.values() for event in log if event["event"] == "joined"]
    hosts = {event["peer"]: event["host"] for event in joined}
    names = {event["id"]: event["host"] for event in joined}
    findings.failures += [
        f"{event['host']} had to join as {event['id']}"
        for event in joined
        if event["id"] != event["host"]
    ]
    for run, log in logs.items():
        _read_run(run, log, ended, hosts, names, findings)
    for path in sorted(folder.glob("*.err")):
        if "Traceback" in (text := path.read_text(errors="replace")):
            findings.failures.append(f"{path.name}: a traceback: {text.strip().splitlines()[-1][:200]}")
    return findings


def _read_run(
    run: str,
    log: list[dict[str, Any]],
    ended: Mapping[str, float],
    hosts: Mapping[str, str],
    names: Mapping[str, str],
    findings: Findings,
) -> None:
    process = run.partition(".")[0]
    lives: dict[str, Life] = {}
    counters: dict[str, dict[str, int]] = {}
    begun = next((event["at"] for event in log if event["event"] == "begun"), 0.0)
    for event in log:
        at, host = event["at"], event.get("host", "")
        match event["event"]:
            case "joined":
                lives.setdefault(host, Life(host, process, begun, ended.get(run, float("inf"))))
            case "said":
                lives[host].said[event["id"]] = at
            case "heard":
                sender = names.get(event["sender"], event["sender"])
                lives[host].heard.append((at, sender, event["id"]))
            case "linked" | "unlinked" as change:
                peer = hosts.get(event["peer"], event["peer"])
                lives[host].links.append((at, peer, change == "linked"))
            case "usage":
                findings.usage.setdefault(run, []).append(
                    Usage(
                        at,
                        event["fds"],
                        event["fds"] - event["connections"],
                        event["threads"],
                        event["tasks"],
                        event["rss"],
                    )
                )
                counters[""] = event["counters"]
            case "counters":
                counters[host] = event["counters"]
            case "failed":
                findings.failures.append(f"{host} failed: {event['error']}")
    findings.lives += lives.values()
    for counted in counters.values():
        for name, count in counted.items():
            findings.counters[name] = findings.counters.get(name, 0) + count
