"""The simulator: repeatable, and the bars that conversations have to clear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from random import Random

import msgspec
import pytest
import trio

from aikyo.report import Report, make_report
from aikyo.simulator import Scenario, Simulated, simulate
from aikyo.wire import TurnRecord

TURNS, SEEDS = 120, range(1, 4)
MANY_TURNS, MANY_SEEDS = 500, range(11, 31)


def overlaps(records: Iterable[TurnRecord]) -> int:
    """Messages of companions too many, counted by what they say that they answer, whenever it came."""
    answers = Counter(turn.reply_to for turn in records if turn.reply_to and not turn.by_person)
    return sum(count - 1 for count in answers.values())


def measured(**given: float) -> tuple[Simulated, Report]:
    simulated = simulate(Scenario(**given))  # type: ignore[arg-type]
    assert len(simulated.records) == simulated.scenario.turns
    return simulated, make_report(simulated.records)


def check_bar(loss: float, turns: int, seed: int) -> None:
    """No stall ever; no overlap where nothing is lost, else in less than 1 % of the turns."""
    simulated, report = measured(loss=loss, turns=turns, seed=seed)
    assert simulated.crashes > 0
    assert (report.stalls, report.waits) == (0, 0), report.stalled
    share = max(report.overlaps, overlaps(simulated.records)) / turns
    assert share < 0.01 if loss else share == 0, report.overlapped


@pytest.mark.parametrize("seed", SEEDS)
def test_without_loss_nobody_talks_over_others_and_nothing_stalls(seed: int) -> None:
    check_bar(0.0, TURNS, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_at_a_fifth_lost_nothing_stalls_and_hardly_anybody_talks_over_others(seed: int) -> None:
    check_bar(0.2, TURNS, seed)


@pytest.mark.soak
@pytest.mark.parametrize("seed", MANY_SEEDS)
@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
def test_the_bars_hold_for_many_turns_and_seeds(loss: float, seed: int) -> None:
    check_bar(loss, MANY_TURNS, seed)


def test_the_same_scenario_gives_the_same_turns() -> None:
    scenario = Scenario(turns=40, loss=0.1, crash_every=10, seed=5)
    one, other = simulate(scenario), simulate(scenario)
    assert msgspec.json.encode(one.records) == msgspec.json.encode(other.records)
    assert (one.sent, one.lost, one.crashes, one.seconds) == (
        other.sent,
        other.lost,
        other.crashes,
        other.seconds,
    )


def test_another_seed_gives_other_turns() -> None:
    one, other = (simulate(Scenario(turns=20, seed=seed)) for seed in (1, 2))
    assert one.records != other.records


def test_where_all_is_lost_nobody_answers_and_it_ends_all_the_same() -> None:
    simulated, report = measured(turns=20, loss=1.0, companions=3)
    assert report.answered == 0
    assert simulated.lost == simulated.sent > 0
    assert "no-quorum" in report.endings


def test_what_is_drawn_is_lost() -> None:
    simulated, _ = measured(turns=30, loss=0.2)
    assert 0.15 < simulated.lost / simulated.sent < 0.25


def test_companions_die_as_often_as_asked_and_come_back() -> None:
    simulated, _ = measured(turns=60, crash_every=5)
    assert 8 <= simulated.crashes <= 12
    left = {who for turn in simulated.records for who in turn.left}
    spoke = {turn.sender for turn in simulated.records[-20:]}
    assert left & spoke


def test_no_companion_dies_where_none_shall() -> None:
    simulated, _ = measured(turns=30, crash_every=0)
    assert simulated.crashes == 0


def test_without_people_companions_begin_all_talks() -> None:
    simulated, report = measured(turns=30, people=0)
    assert not any(turn.by_person for turn in simulated.records)
    assert report.talks > 1


def test_two_companions_alone_talk_with_each_other() -> None:
    assert len(simulate(Scenario(companions=2, people=0, turns=60)).records) >= 60


def test_people_speak_to_one_to_some_and_to_all_and_into_talks() -> None:
    simulated, _ = measured(turns=150, companions=6, people=3)
    asked = [turn for turn in simulated.records if turn.by_person]
    assert len({turn.sender for turn in asked}) == 3
    assert {len(turn.to) for turn in asked} >= {0, 1, 3}
    assert any(turn.length > 1 for turn in asked)


def test_a_lone_companion_answers_people() -> None:
    _, report = measured(turns=20, companions=1, people=1)
    assert report.answered > 5


def test_it_leaves_chance_and_order_of_others_as_they_were() -> None:
    """Trio's own source of chance is steered meanwhile; nobody else may notice afterwards."""
    from trio._core import _run

    _run._r.seed(7)
    expected = Random(7).random()
    before = vars(_run)["_ALLOW_DETERMINISTIC_SCHEDULING"]
    simulate(Scenario(turns=2, companions=2))
    assert vars(_run)["_ALLOW_DETERMINISTIC_SCHEDULING"] is before
    assert _run._r.random() == expected


async def test_time_is_virtual() -> None:
    simulated = await trio.to_thread.run_sync(simulate, Scenario(turns=20))
    assert simulated.seconds > 10 * simulated.took
