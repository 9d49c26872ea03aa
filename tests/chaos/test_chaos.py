"""The short form of `make chaos`: each kind of fault once, where there may be other work to do."""

from __future__ import annotations

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from rich.console import Console

from tests.chaos.lan import missing
from tests.chaos.plan import KINDS, Fault
from tests.chaos.report import failings, show
from tests.chaos.run import Scene, perform

SCENE = Scene(companions=(1, 2, 1, 1), rate=1.0, flood=100.0, seed=1, calm=20.0)
FAULTS = (
    Fault(0, 3, "kill", ("m1",)),
    Fault(0.5, 6, "flood", ()),
    Fault(3, 17, "long cut", ("m3",)),
    Fault(8, 0.5, "restart", ("m2",)),
    Fault(8, 6, "garbage", ()),
    Fault(14, 6, "weather", ()),
    Fault(15, 5, "sleep", ("m1",)),
    Fault(22, 16, "sever", ("m2", "m4")),
    Fault(23, 5, "short cut", ("m1",)),
    Fault(32, 0, "address", ("m3",)),
    Fault(40, 8, "partition", ("m1", "m2")),
)


@pytest.fixture
def alone() -> Iterator[None]:
    """One at a time on this system, whoever runs it."""
    with (Path(tempfile.gettempdir()) / "aikyo-chaos.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_the_short_form_leaves_no_kind_out() -> None:
    assert {fault.kind for fault in FAULTS} == set(KINDS)


@pytest.mark.netns
@pytest.mark.skipif(bool(missing()), reason=missing())
async def test_nothing_is_lost_doubled_or_left_behind_in_a_short_chaos(
    alone: None, tmp_path: Path
) -> None:
    with trio.fail_after(300):
        outcome = await perform(SCENE, FAULTS, tmp_path, within=90.0)
    show(outcome, Console(width=105))
    assert failings(outcome, timed=False) == []
