from __future__ import annotations

import random
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
import trio

from aikyo.brain import BrainError, Usage
from aikyo.brain.cost import Ledger, ModelCall, Prices, Purse, caps_of, keeping, ledger
from aikyo.config import Price, Settings
from aikyo.errors import UsageError
from aikyo.wire import UsageBy, UsageReport

NOW = time.mktime((2026, 11, 20, 15, 0, 0, 0, 0, -1))
HOUR, DAY = 3600.0, 86_400.0
CHEAP = Price(input=1, output=1)  # a dollar a million tokens


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def call(companion: str = "alice", tokens: int = 1000, **fields: Any) -> ModelCall:
    known = {
        "time": NOW,
        "provider": "anthropic",
        "model": "cheap",
        "purpose": "compose",
        "seconds": 1.5,
    }
    known |= {"companion": f"companion_{companion}", "usage": Usage(calls=1, input=tokens)}
    return ModelCall(**known | fields)


def make(file: Path | None, clock: Clock, **settings: Any) -> Ledger:
    return Ledger.of(file, Settings(prices={"cheap": CHEAP}, **settings), clock)


def reopened(file: Path, clock: Clock, **settings: Any) -> Ledger:
    again = make(file, clock, **settings)
    again.load()
    return again


@contextmanager
def limited(purse: Purse, *words: str) -> Iterator[None]:
    with pytest.raises(BrainError) as caught:
        purse.check()
    assert caught.value.kind == "limit"
    for word in words:
        assert word in str(caught.value)
    yield


def names(report: UsageReport) -> list[str]:
    return [row.name for row in report.rows]


def test_what_was_spent_outlasts_a_restart(tmp_path: Path, clock: Clock) -> None:
    first = make(tmp_path / "usage.jsonl", clock)
    first.add(call(tokens=600_000))
    first.flush()
    second = reopened(tmp_path / "usage.jsonl", clock)
    assert second.hour("companion_alice") == (600_000, 0.6)
    second.purse("companion_alice").check()
    second.add(call(tokens=600_000))
    second.flush()
    third = reopened(tmp_path / "usage.jsonl", clock)
    with pytest.raises(BrainError):
        third.purse("companion_bob").check()


def test_the_file_is_for_its_owner_alone(tmp_path: Path, clock: Clock) -> None:
    kept = make(tmp_path / "usage.jsonl", clock)
    kept.add(call())
    kept.flush()
    assert stat.S_IMODE((tmp_path / "usage.jsonl").stat().st_mode) == 0o600


def test_at_a_cap_it_is_told_which_and_since_and_until_when(clock: Clock) -> None:
    kept = make(None, clock, tokens_per_hour="none")
    purse = kept.purse("companion_alice")
    purse.add(call(tokens=1_000_000))
    with limited(purse, "the swarm has spent $1.00", "money_per_hour", "15:00 to 16:01"):
        pass
    with pytest.raises(BrainError) as caught:
        kept.purse("companion_bob").check()
    assert caught.value.retry_in == HOUR + 60
    clock.now += HOUR + 60
    purse.check()


def test_a_companions_own_cap_holds_nobody_else_up(clock: Clock) -> None:
    kept = make(None, clock, companion_tokens_per_hour=5000)
    alice, bob = kept.purse("companion_alice"), kept.purse("companion_bob")
    alice.add(call("alice", 4000))
    assert (alice.is_nearly_empty, bob.is_nearly_empty) == (True, False)
    alice.add(call("alice", 1000))
    with limited(alice, "it has spent 5,000 tokens", "companion_tokens_per_hour"):
        bob.check()


def test_caps_of_ones_own_can_be_handed_in(clock: Clock) -> None:
    kept = make(None, clock)
    caps = caps_of(Settings(companion_tokens_per_day=10), companion=True)
    purse = kept.purse("companion_alice", caps)
    purse.add(call(tokens=10))
    with limited(purse, "companion_tokens_per_day", "11-20 15:00 to 11-21 15:01"):
        pass


def test_what_costs_nothing_is_kept_and_never_limited(tmp_path: Path, clock: Clock) -> None:
    kept = make(tmp_path / "usage.jsonl", clock)
    purse = kept.purse("companion_alice")
    purse.add(call(tokens=99_000_000, paid=False, model="of my own"))
    purse.check()
    assert kept.hour("companion_alice") == (99_000_000, 0.0)
    kept.flush()
    row = reopened(tmp_path / "usage.jsonl", clock).report().total
    assert (row.money, row.free, row.unpriced) == (0, 99_000_000, 0)


def test_an_unknown_price_is_shown_as_such_and_the_models_are_named(clock: Clock) -> None:
    kept = make(None, clock)
    kept.add(call(tokens=700, model="secret"))
    assert kept.hour("companion_alice") == (700, None)
    report = trio.run(kept.usage)
    assert (report.total.money, report.total.unpriced, report.unpriced) == (None, 700, ("secret",))
    kept.add(call(tokens=1000))
    report = trio.run(kept.usage)
    assert (report.total.money, report.total.unpriced) == (0.001, 700)


def test_a_price_that_becomes_known_counts_for_what_was_unknown(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "usage.jsonl"
    kept = make(file, clock)
    kept.add(call(tokens=1000, model="secret"))
    kept.flush()
    settings = Settings(prices={"secret": CHEAP})
    later = Ledger.of(file, settings, clock)
    later.load()
    assert later.hour("companion_alice").money == 0.001
    assert later.report().total.money == 0.001


def test_a_price_that_changes_does_not_change_the_past(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "usage.jsonl"
    kept = make(file, clock)
    kept.add(call(tokens=1000))
    kept.flush()
    dearer = Ledger.of(file, Settings(prices={"cheap": Price(input=100, output=100)}), clock)
    assert dearer.report().total.money == 0.001


@pytest.mark.parametrize("broken", [b'{"time":1', b"\xff\xfe", b"[]", b'{"time":"x"}', b"[" * 5000])
def test_a_line_that_is_no_call_is_passed_over_and_counted(
    tmp_path: Path, clock: Clock, broken: bytes
) -> None:
    file = tmp_path / "usage.jsonl"
    kept = make(file, clock)
    kept.add(call(tokens=1))
    kept.flush()
    with file.open("ab") as torn:
        torn.write(broken)
    again = make(file, clock)
    assert again.report().unreadable == 1
    again.add(call(tokens=2))  # begins on a line of its own
    again.flush()
    report = again.report()
    assert (report.total.tokens, report.unreadable) == (3, 1)
    assert reopened(file, clock).report().unreadable == 0  # it was folded


@pytest.mark.parametrize(
    "change",
    [
        {"time": -1},
        {"time": 1e300},
        {"usage": Usage(input=-5)},
        {"usage": Usage(input=1 << 62)},
        {"money": 1e300},
        {"money": -5.0},
        {"seconds": 1e308},
    ],
)
def test_a_line_with_impossible_numbers_is_passed_over(
    tmp_path: Path, clock: Clock, change: dict[str, Any]
) -> None:
    file = tmp_path / "usage.jsonl"
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(call(), **change)) + b"\n")
    report = make(file, clock).report(by="hour")
    assert (report.rows, report.unreadable) == ((), 1)
    assert reopened(file, clock).counters == {}  # it was folded away


@pytest.mark.parametrize(
    "usage",
    [None, Usage(input=None), Usage(input="many"), Usage(input=float("inf"))],  # type: ignore[arg-type]
)
def test_nonsense_of_a_brain_of_ones_own_is_counted_and_hurts_nobody(clock: Clock, usage: Any) -> None:
    kept = make(None, clock)
    kept.purse("companion_alice").add(call(usage=usage))
    assert kept.counters["usage-unreadable"] == 1
    assert kept.hour("companion_alice").tokens == 0


@pytest.mark.parametrize("fields", [{"purpose": 5}, {"seconds": float("nan")}, {"time": "now"}])
def test_nonsense_around_what_was_spent_does_not_spoil_the_report(
    clock: Clock, fields: dict[str, Any]
) -> None:
    kept = make(None, clock)
    kept.add(call(tokens=7))
    kept.add(call(**fields))
    assert kept.counters["usage-unreadable"] == 1
    assert kept.report().total.tokens == 7


def test_a_time_in_the_future_counts_as_now(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "usage.jsonl"
    kept = make(file, clock)
    kept.add(call(tokens=1_000_000, time=NOW + 30 * DAY))
    kept.flush()
    with pytest.raises(BrainError) as caught:
        reopened(file, clock).purse("companion_alice").check()
    assert caught.value.retry_in == HOUR + 60


def test_calls_of_a_clock_that_was_ahead_leave_those_before_them_where_they_were(
    tmp_path: Path, clock: Clock
) -> None:
    file = tmp_path / "usage.jsonl"
    kept = make(file, clock)
    kept.add(call(tokens=1, time=NOW + 5 * DAY))
    kept.add(call(tokens=2, time=NOW - 2 * HOUR))
    kept.flush()
    assert reopened(file, clock).hour("companion_alice").tokens == 1


async def test_what_is_nearly_all_is_not_told_as_all(
    clock: Clock, patient_clock: trio.testing.MockClock
) -> None:
    told = list[str]()
    kept = make(None, clock, companion_tokens_per_hour=5000)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kept.keep, told.append)
        kept.purse("companion_alice").add(call(tokens=4999))
        await trio.sleep(2)
        nursery.cancel_scope.cancel()
    assert [line.partition(" of ")[0] for line in told] == ["alice has spent 99%"]


async def test_a_cap_that_comes_near_is_told_once(
    clock: Clock, patient_clock: trio.testing.MockClock
) -> None:
    told = list[str]()
    kept = make(None, clock, companion_tokens_per_hour=5000)
    alice = kept.purse("companion_alice")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kept.keep, told.append)
        for tokens in (3900, 200, 100, 5000):
            alice.add(call(tokens=tokens))
            await trio.sleep(2)
        nursery.cancel_scope.cancel()
    (line,) = told
    assert line.startswith(
        "alice has spent 82% of 5,000 tokens (companion_tokens_per_hour in aikyo.toml)"
    )


async def test_a_batch_that_is_cancelled_while_it_waits_for_a_thread_is_not_lost(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, waits, goes_on = tmp_path / "usage.jsonl", trio.Event(), trio.Event()
    run_sync = trio.to_thread.run_sync

    async def late(*args: Any) -> Any:
        waits.set()
        await goes_on.wait()
        return await run_sync(*args)

    monkeypatch.setattr(trio.to_thread, "run_sync", late)
    kept = make(file, clock)
    kept.add(call(tokens=5))
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kept.keep, pytest.fail)
            await waits.wait()
            nursery.cancel_scope.cancel()
            goes_on.set()
    kept.flush()
    assert make(file, clock).report().total.tokens == 5


async def test_calls_are_written_in_small_batches(
    tmp_path: Path, clock: Clock, patient_clock: trio.testing.MockClock
) -> None:
    file = tmp_path / "usage.jsonl"
    kept = make(file, clock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kept.keep, pytest.fail)
        kept.add(call(tokens=1))
        kept.add(call(tokens=2))
        await trio.sleep(0.1)
        assert not file.exists()
        assert (await kept.usage()).total.tokens == 3  # though it is not written yet
        await trio.sleep(2)
        assert len(file.read_bytes().splitlines()) == 2
        kept.add(call(tokens=4))
        assert (await kept.usage()).total.tokens == 7
        await trio.sleep(2)
        nursery.cancel_scope.cancel()
    assert (len(file.read_bytes().splitlines()), make(file, clock).report().total.tokens) == (3, 7)


async def test_a_disk_that_takes_nothing_is_told_once_and_nothing_is_lost_meanwhile(
    tmp_path: Path, clock: Clock, patient_clock: trio.testing.MockClock
) -> None:
    file, told = tmp_path / "not there" / "usage.jsonl", list[str]()
    kept = make(file, clock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(kept.keep, told.append)
        for tokens in (1, 2, 4):
            kept.add(call(tokens=tokens))
            await trio.sleep(100)
        assert len(told) == 1
        assert "no such file" in told[0]
        assert (await kept.usage()).total.tokens == 7
        file.parent.mkdir()
        await trio.sleep(100)
        nursery.cancel_scope.cancel()
    assert make(file, clock).report().total.tokens == 7
    assert not kept.counters


def test_of_too_many_calls_that_cannot_be_written_the_oldest_are_lost_and_counted(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_QUEUED", 3)
    kept = make(tmp_path / "not there" / "usage.jsonl", clock)
    for tokens in (1, 2, 4, 8):
        kept.add(call(tokens=tokens))
    assert kept.counters["usage-unwritten"] == 1
    assert trio.run(kept.usage).total.tokens == 14
    assert kept.hour("companion_alice").tokens == 15  # which caps are about
    kept.flush()
    assert kept.counters["usage-unwritten"] == 4


def test_a_batch_that_fits_only_in_part_leaves_nothing_behind(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    file = tmp_path / "usage.jsonl"
    kept = make(file, clock)
    kept.add(call(tokens=1))
    kept.flush()
    before, write = file.read_bytes(), os.write

    def full(fd: int, data: bytes) -> int:
        if len(data) < 50:
            raise OSError(28, "No space left on device")
        return write(fd, data[:50])

    monkeypatch.setattr(os, "write", full)
    kept.add(call(tokens=2))
    kept.flush()
    assert file.read_bytes() == before


def test_what_is_old_becomes_sums_that_say_the_same(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, chance = tmp_path / "usage.jsonl", random.Random(1)
    kept = make(file, clock)
    for _ in range(2000):
        age = chance.random() * 10 * DAY
        who, model = chance.choice(["alice", "bob"]), chance.choice(["cheap", "secret"])
        purpose = chance.choice(["assess", "compose"])
        fields = {"model": model, "purpose": purpose, "paid": chance.random() < 0.9}
        kept.add(call(who, chance.randrange(5000), time=NOW - age, **fields))
    kept.flush()

    def reports() -> list[UsageReport]:
        return [make(file, clock).report(seconds=30 * DAY, by=by) for by in get_args(UsageBy)]

    before, size = reports(), file.stat().st_size
    reopened(file, clock)
    after = reports()
    assert [one.rows for one in after] == [
        tuple(msgspec.structs.replace(row, seconds=pytest.approx(row.seconds)) for row in one.rows)  # type: ignore[arg-type]
        for one in before
    ]
    assert [one.total.calls for one in after] == [2000] * 4
    assert file.stat().st_size < size
    folded = file.read_bytes()
    reopened(file, clock)
    assert file.read_bytes() == folded
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_sum_does_not_mix_what_has_a_price_with_what_had_none(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "usage.jsonl"
    for prices in ({}, {"secret": CHEAP}):
        kept = Ledger.of(file, Settings(prices=prices), clock)
        kept.add(call(model="secret", time=NOW - 5 * DAY))
        kept.flush()
    total = reopened(file, clock).report(seconds=30 * DAY).total
    assert (total.calls, total.money, total.unpriced) == (2, 0.001, 1000)


def test_what_is_older_than_400_days_is_dropped(tmp_path: Path, clock: Clock) -> None:
    file = tmp_path / "usage.jsonl"
    kept = make(file, clock)
    kept.add(call(tokens=1, time=NOW - 401 * DAY))
    kept.add(call(tokens=2, time=NOW - 399 * DAY))
    kept.flush()
    assert reopened(file, clock).report(seconds=1000 * DAY).total.tokens == 2


def test_a_file_that_grows_too_large_is_folded_while_it_is_written(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MAX_BYTES", 40_000)
    file = tmp_path / "usage.jsonl"
    kept = make(file, clock)
    for number in range(3000):
        clock.now = NOW + 60 * number
        kept.add(call(tokens=1, time=clock.now))
        kept.flush()
        assert file.stat().st_size < 90_000
    assert kept.report(seconds=30 * DAY).total.calls == 3000


def test_a_disk_that_has_no_room_to_fold_does_not_write_calls_twice(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MAX_BYTES", 2_000)
    tries = []

    def full(_fd: int) -> None:
        tries.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    kept = make(tmp_path / "usage.jsonl", clock)
    for _ in range(40):
        kept.add(call(time=NOW - 5 * DAY))
        kept.flush()
    assert kept.report(seconds=30 * DAY).total.calls == 40
    assert not kept.counters
    assert 0 < len(tries) < 40


def test_a_file_that_cannot_be_folded_enough_loses_the_oldest_and_counts_them(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MAX_BYTES", 2_000)
    kept = make(tmp_path / "usage.jsonl", clock)
    for number in range(20):
        kept.add(call(time=NOW - (20 - number) * DAY))
    kept.flush()
    left = kept.report(seconds=30 * DAY)
    assert 1 < left.total.calls == 20 - kept.counters["usage-dropped"] < 20
    assert names(kept.report(seconds=30 * DAY, by="hour"))[-1].startswith("2026-11-19")


def test_a_fold_that_cannot_be_written_leaves_the_file_as_it_was(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "usage.jsonl"
    kept = make(file, clock)
    for _ in range(3):
        kept.add(call(time=NOW - 5 * DAY))
    kept.flush()
    before = file.read_bytes()

    def fails(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fails)
    assert reopened(file, clock).report(seconds=30 * DAY).total.calls == 3
    assert file.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["usage.jsonl"]


def test_a_report_has_rows_by_what_is_asked_for(tmp_path: Path, clock: Clock) -> None:
    kept = make(tmp_path / "usage.jsonl", clock)
    kept.add(call("alice", 10, time=NOW - 3 * HOUR, purpose="assess"))
    kept.add(call("alice", 20))
    kept.add(call("bob", 500, model="secret"))
    kept.add(call("carol", 1000, time=NOW - 2 * DAY))
    kept.flush()
    assert names(kept.report()) == ["companion_alice", "companion_bob"]
    assert names(kept.report(by="model")) == ["cheap", "secret"]
    assert names(kept.report(by="purpose")) == ["compose", "assess"]
    hours = names(kept.report(by="hour"))
    assert hours == sorted(hours)
    assert len(hours) == 2
    assert names(kept.report(companion="alice", by="model")) == ["cheap"]
    assert kept.report(companion="companion_alice").total.tokens == 30
    assert names(kept.report(seconds=3 * DAY)) == ["companion_carol", "companion_alice", "companion_bob"]


def test_a_companion_that_nobody_knows_is_told_with_the_nearest(tmp_path: Path, clock: Clock) -> None:
    kept = make(tmp_path / "usage.jsonl", clock)
    kept.add(call("alice"))
    kept.flush()
    with pytest.raises(UsageError, match="no companion 'alcie' here; did you mean 'alice'"):
        kept.report(companion="alcie")
    assert kept.report(companion="bob", known=["companion_bob"]).rows == ()


def test_the_report_tells_how_much_of_the_caps_is_used(clock: Clock) -> None:
    kept = make(None, clock, companion_money_per_hour=0.002)
    kept.purse("companion_alice").add(call(tokens=3000))
    report = trio.run(kept.usage)
    used = {(one.companion, one.setting): (one.used, one.limit, one.until) for one in report.caps}
    assert used["", "money_per_hour"] == (0.003, 1.0, 0)
    assert used["companion_alice", "companion_money_per_hour"] == (0.003, 0.002, NOW + HOUR + 60)
    assert report.prices == Prices().as_of


def test_of_each_cap_that_is_reached_it_is_told_until_when(tmp_path: Path, clock: Clock) -> None:
    kept = make(tmp_path / "usage.jsonl", clock, tokens_per_hour=3000, tokens_per_day=3000)
    kept.add(call(tokens=3000))
    until = {one.setting: one.until for one in kept.report().caps}
    assert until["tokens_per_hour"] == NOW + HOUR + 60
    assert until["tokens_per_day"] > NOW + 23 * HOUR
    assert until["money_per_hour"] == 0


def test_a_cap_that_was_reached_lasts_over_a_restart_until_a_tenth_is_free(
    tmp_path: Path, clock: Clock
) -> None:
    file = tmp_path / "usage.jsonl"
    kept = make(file, clock, tokens_per_hour=3000)
    for tokens in (200, 2800):
        kept.add(call(tokens=tokens, time=clock.now))
        clock.now += 600
    kept.flush()
    clock.now = NOW + HOUR + 120  # 200 are free again
    again = reopened(file, clock, tokens_per_hour=3000)
    with limited(again.purse("companion_alice"), "tokens_per_hour"):
        pass


def test_two_reports_at_once_wait_for_each_other_and_for_the_file(tmp_path: Path, clock: Clock) -> None:
    kept = make(tmp_path / "usage.jsonl", clock)
    for _ in range(200):
        kept.add(call(tokens=1))
    found: list[int] = []

    async def ask() -> None:
        found.append((await kept.usage()).total.calls)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kept.keep, pytest.fail)
            for _ in range(10):
                nursery.start_soon(ask)
                await trio.sleep(0.08)
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert found == [200] * 10
