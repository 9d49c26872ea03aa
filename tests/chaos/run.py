"""Runs a plan of faults on machines that talk to each other, and gathers what happened."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from .judge import Verdict, judge
from .lan import lan
from .logs import Findings, read
from .paths import State
from .plan import Fault
from .stage import Scene, Stage

__all__ = ["Outcome", "Scene", "perform"]

_SETTLES = 6.0  # seconds of usage before the faults
_EXCHANGE = 10.0  # the last seconds, in which all survivors must have exchanged a message


@dataclass
class Outcome:
    """What happened. Times are on the monotonic clock: `began` of the faults, `end` of the talk."""

    verdict: Verdict
    findings: Findings
    began: float
    end: float
    frames: dict[str, int]


@asynccontextmanager
async def _stage(scene: Scene, folder: Path) -> AsyncIterator[Stage]:
    async with lan([*scene.machines, "x"], seed=scene.seed) as network:
        stage = Stage(scene, network, folder)
        try:
            yield stage
        finally:
            stage.kill()


async def perform(
    scene: Scene,
    faults: Sequence[Fault],
    folder: Path,
    *,
    within: float,
    tell: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Play it, and judge.

    Args:
        scene: machines and companions.
        faults: what goes wrong.
        folder: for keys and logs; empty.
        within: seconds after which no fault goes on.
        tell: what is going on, for who waits.
    """
    async with _stage(scene, folder) as stage:
        stage.record("start")
        async with trio.open_nursery() as nursery:
            for name in stage.members:
                nursery.start_soon(stage.start, name, "start")
        tell("all have begun")
        await stage.meet()
        tell("all have met")
        await trio.sleep(_SETTLES)
        at, began = time.monotonic(), trio.current_time()
        async with trio.open_nursery() as nursery:
            for fault in faults:
                nursery.start_soon(stage.play, fault, began, began + within)
        tell(f"all is whole again ({stage.skipped} faults skipped for want of time)")
        await trio.sleep(scene.calm)
        end = time.monotonic()
        await stage.stop()
        await stage.lan.change()
        (folder / "states.json").write_text(json.dumps([_plain(state) for state in stage.states]))
    findings = read(folder, stage.ended)
    findings.failures += stage.failures
    verdict = judge(findings.lives, stage.states, end, calm=end - _EXCHANGE)
    return Outcome(verdict, findings, at, end, stage.lan.counters)


def _plain(state: State) -> dict[str, object]:
    joined = sorted(sorted(pair) for pair in state.joined)
    return {"at": state.at, "cause": state.cause, "awake": dict(state.awake), "joined": joined}
