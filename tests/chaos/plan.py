"""What is going to go wrong, when and where: worked out from a seed before anything runs. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

__all__ = ["REST", "Fault", "Kind", "plan"]

Kind = Literal[
    "kill",  # SIGKILL, and back with the same keys
    "restart",  # the process is asked to end, and back
    "short cut",  # the cable is pulled for less than a dead connection takes to be noticed
    "long cut",  # and for more
    "sever",  # two machines do not reach each other, but both reach the others
    "address",  # the machine gets another one
    "sleep",  # SIGSTOP, SIGCONT
    "partition",  # two halves
    "weather",  # 5 % loss, 100 ms delay, everywhere
    "flood",  # a peer that signs and sends as much as it can
    "garbage",  # a peer that sends bytes of any shape wherever it gets in
]

KINDS: tuple[Kind, ...] = get_args(Kind)
_EVERYWHERE = {"partition", "weather", "flood", "garbage"}
_LASTING: dict[Kind, tuple[float, float]] = {
    "kill": (1, 8),
    "restart": (0, 2),
    "short cut": (4, 11),
    "long cut": (16, 24),
    "sever": (16, 24),
    "address": (0, 0),
    "sleep": (20, 20),
    "partition": (8, 26),
    "weather": (15, 25),
    "flood": (10, 20),
    "garbage": (10, 20),
}
REST = 3.0
"""Seconds that a machine has between two faults."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        at: when it begins, seconds from the start.
        lasting: for how long.
        kind: what.
        machines: where; of a partition one of the halves, of a `sever` the two.
    """

    at: float
    lasting: float
    kind: Kind
    machines: tuple[str, ...]


def plan(seed: int, seconds: float, machines: Sequence[str], *, hurry: float = 1.0) -> list[Fault]:
    """Faults one after another, some at the same time, never two on one machine; all over in `seconds`.

    Each kind has its turn before any comes again. The last of the machines is never killed or
    restarted, so that somebody can tell what all of it costs in the long run.

    Args:
        seed: for the same plan again.
        seconds: how long.
        machines: at least three.
        hurry: by how much shorter the faults that may be so are.
    """
    random = Random(seed)
    faults: list[Fault] = []
    busy = dict.fromkeys((*machines, *_EVERYWHERE), 0.0)
    now = 0.0
    for kind in _decks(random):
        lasting = _round(random.uniform(*_LASTING[kind]))
        if kind not in ("long cut", "short cut", "sever"):
            lasting = _round(lasting / hurry)
        where = _where(kind, machines, random, busy)
        at = _round(max(now, *(busy[name] for name in _occupied(kind, where))))
        if at + lasting > seconds:
            return sorted(faults, key=lambda fault: fault.at)
        faults.append(Fault(at, lasting, kind, where))
        for name in _occupied(kind, where):
            busy[name] = at + lasting + REST
        now += random.uniform(3, 9) / hurry
    raise AssertionError("the decks do not end")


def _decks(random: Random) -> Iterator[Kind]:
    while True:
        yield from random.sample(KINDS, len(KINDS))


def _where(
    kind: Kind, machines: Sequence[str], random: Random, busy: dict[str, float]
) -> tuple[str, ...]:
    if kind == "partition":
        return tuple(sorted(random.sample(machines, len(machines) // 2)))
    if kind in _EVERYWHERE:
        return ()
    able = list(machines[:-1] if kind in ("kill", "restart") else machines)
    random.shuffle(able)
    able.sort(key=lambda name: busy[name])
    return tuple(sorted(able[: 2 if kind == "sever" else 1]))


def _occupied(kind: Kind, where: tuple[str, ...]) -> tuple[str, ...]:
    return (kind,) if kind in _EVERYWHERE else where


def _round(seconds: float) -> float:
    return round(seconds, 1)
