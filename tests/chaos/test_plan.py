"""Plans of faults."""

from __future__ import annotations

import pytest

from tests.chaos.plan import KINDS, Fault, plan

MACHINES = ["m1", "m2", "m3", "m4"]


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_has_its_turn_and_all_is_over_in_time(seed: int) -> None:
    faults = plan(seed, 500, MACHINES)
    assert {fault.kind for fault in faults} == set(KINDS)
    assert all(fault.at + fault.lasting <= 500 for fault in faults)


@pytest.mark.parametrize("seed", range(20))
def test_no_machine_has_two_faults_at_a_time(seed: int) -> None:
    local = [fault for fault in plan(seed, 500, MACHINES) if fault.kind not in ("partition", "weather")]
    for place, fault in enumerate(local):
        for later in local[place + 1 :]:
            if set(fault.machines) & set(later.machines):
                assert later.at > fault.at + fault.lasting


@pytest.mark.parametrize("seed", range(20))
def test_the_last_machine_lives_to_tell(seed: int) -> None:
    ended = [fault for fault in plan(seed, 500, MACHINES) if fault.kind in ("kill", "restart")]
    assert not any(MACHINES[-1] in fault.machines for fault in ended)


def test_the_same_seed_is_the_same_plan() -> None:
    assert plan(3, 500, MACHINES) == plan(3, 500, MACHINES) != plan(4, 500, MACHINES)


def test_a_partition_leaves_two_sides() -> None:
    halves: list[Fault] = [fault for fault in plan(1, 2000, MACHINES) if fault.kind == "partition"]
    assert halves
    assert all(len(fault.machines) == 2 for fault in halves)
