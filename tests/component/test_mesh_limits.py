"""Buckets, and what a host's guard makes of them; all on a virtual clock."""

from __future__ import annotations

from collections import Counter

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from aikyo.mesh.host import guard as module
from aikyo.mesh.host.guard import Guard
from aikyo.mesh.host.limits import Bucket, Buckets, Limits, Rate
from aikyo.mesh.refusals import Refusals

LIMITS = Limits()


class Home:
    """A guard, and what it says."""

    def __init__(self, limits: Limits = LIMITS, own: tuple[str, ...] = ()) -> None:
        self.counters = Counter[str]()
        self.refusals = Refusals(lambda: 0.0)
        self.blocked: set[str] = set()
        self.banned: list[str] = []
        self.guard = Guard(
            limits,
            blocked=self.blocked.__contains__,
            addresses=lambda: own,
            counters=self.counters,
            refusals=self.refusals,
            banned=self.banned.append,
        )


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 50)), max_size=60))
def test_no_more_is_given_than_the_rate_allows(steps: list[tuple[float, float]]) -> None:
    bucket, now, given_out = Bucket(Rate(5, 40), 0.0), 0.0, 0.0
    for pause, amount in steps:
        now += pause
        if bucket.take(amount, now):
            given_out += amount
        assert given_out <= 40 + 5 * now + 1e-6


@given(st.lists(st.floats(0, 50), min_size=1, max_size=60))
def test_who_waits_as_told_is_within_the_rate(amounts: list[float]) -> None:
    bucket, now = Bucket(Rate(5, 40), 0.0), 0.0
    for amount in amounts:
        now += bucket.owe(amount, now)
    assert sum(amounts) <= 40 + 5 * now + 1e-6


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    bucket = Bucket(Rate(1, 10), 100.0)
    assert bucket.take(10, 100.0)
    assert not bucket.take(1, 50.0)
    assert bucket.take(1, 101.0)


def test_so_many_buckets_are_kept_and_no_more() -> None:
    buckets = Buckets[int](Rate(1, 1), most=10)
    for key in range(1000):
        buckets.of(key, 0.0).take(1, 0.0)
    assert len(buckets) == 10
    assert not buckets.of(999, 0.0).take(1, 0.0)


async def test_a_talkative_companion_meets_no_limit(autojump_clock: MockClock) -> None:
    home = Home()
    for _ in range(20):
        for _ in range(200):
            assert home.guard.admits("relay", "author", "messages", 2000)
        await trio.sleep(20)
    for _ in range(3000):  # a relay of many of them
        assert home.guard.messages("relay", 2) <= 2
        assert home.guard.traffic("relay", 3000) == 0
        await trio.sleep(0.002)
    assert not home.counters
    assert not home.banned


async def test_an_author_is_limited_on_each_topic_for_itself(autojump_clock: MockClock) -> None:
    home = Home()
    said = sum(home.guard.admits("relay", "author", "messages", 10) for _ in range(2000))
    assert said == LIMITS.author_messages.burst
    assert home.guard.admits("relay", "author", "states", 10)
    assert home.guard.admits("relay", "another", "messages", 10)
    await trio.sleep(10)
    assert sum(home.guard.admits("relay", "author", "messages", 10) for _ in range(2000)) == 100
    assert home.counters["flood"] == 3400
    assert home.refusals.get("author") is not None
    assert not home.banned  # who passes it on is not to blame


async def test_an_author_is_limited_in_bytes(autojump_clock: MockClock) -> None:
    home = Home()
    assert sum(home.guard.admits("relay", "author", "messages", 1 << 20) for _ in range(40)) == 16
    await trio.sleep(1)
    assert sum(home.guard.admits("relay", "author", "messages", 1 << 20) for _ in range(40)) == 2


async def test_who_goes_on_flooding_is_sent_away_for_longer_each_time(autojump_clock: MockClock) -> None:
    home = Home()
    for times, seconds in ((1, 60), (2, 120), (3, 240), (4, 480), (5, 600), (6, 600)):
        assert not home.guard.shuts_out("peer")
        while len(home.banned) < times:
            home.guard.admits("peer", "peer", "messages", 10)
        assert home.guard.shuts_out("peer") == "banned"
        refusal = home.refusals.get("peer")
        assert refusal is not None
        assert refusal.reason == f"sent away for {seconds} s for flooding"
        await trio.sleep(seconds - 1)
        assert home.guard.shuts_out("peer")
        await trio.sleep(2)


async def test_it_stays_noted_why_somebody_is_away(autojump_clock: MockClock) -> None:
    home = Home()
    while not home.banned:
        home.guard.garbage("peer", "unreadable")
    home.guard.garbage("peer", "unreadable")  # what had come before it was closed
    home.guard.refuse("peer", "banned")  # it came back
    refusal = home.refusals.get("peer")
    assert refusal is not None
    assert refusal.reason == "sent away for 60 s for sending garbage"
    assert refusal.counters == {"unreadable": 102, "banned": 2}
    await trio.sleep(61)
    home.guard.garbage("peer", "unreadable")
    assert refusal.reason == "unreadable"


async def test_old_sins_are_forgiven_after_an_hour(autojump_clock: MockClock) -> None:
    home = Home()
    for times in (1, 2):
        while len(home.banned) < times:
            home.guard.garbage("peer", "unreadable")
        await trio.sleep(3700)
    refusal = home.refusals.get("peer")
    assert refusal is not None
    assert refusal.reason == "sent away for 60 s for sending garbage"


async def test_nothing_is_won_by_coming_anew(autojump_clock: MockClock) -> None:
    """Since what a peer owes is not forgotten when it leaves."""
    home = Home()
    for _ in range(100):
        home.guard.garbage("peer", "unreadable")
    assert not home.banned
    home.guard.garbage("peer", "unreadable")
    assert home.banned == ["peer"]


async def test_a_slip_now_and_then_is_no_offence(autojump_clock: MockClock) -> None:
    home = Home()
    for _ in range(1000):
        home.guard.garbage("peer", "unreadable")
        await trio.sleep(3)
    assert not home.banned


async def test_tables_do_not_grow_with_made_up_peers(autojump_clock: MockClock) -> None:
    home = Home()
    for number in range(5000):
        peer = f"peer {number}"
        home.guard.traffic(peer, 1)
        home.guard.admits(peer, peer, "messages", 1)
        if number % 2:
            home.guard._ban(peer, "being made up")
    assert len(home.guard._neighbours) <= 1024
    assert len(home.guard._bans) <= 1024
    assert len(home.guard._authors) <= 4096
    assert len(home.refusals.all()) <= 256


async def test_who_is_blocked_is_shut_out_as_long_as_it_is_blocked() -> None:
    home = Home()
    home.blocked.add("peer")
    assert home.guard.shuts_out("peer") == "blocked"
    home.blocked.clear()
    assert not home.guard.shuts_out("peer")


async def test_connections_are_counted_by_address_and_in_all() -> None:
    home = Home(Limits(connections_per_ip=3, connections=32 + 5), own=("10.0.0.1",))

    def come(ip: str) -> bool:
        came = home.guard.enter(ip)
        if came:
            home.guard.shaken_hands(ip)
        return came

    assert [come("10.0.0.2") for _ in range(4)] == [True, True, True, False]
    assert [come("10.0.0.3") for _ in range(4)] == [True, True, False, False]  # five in all
    for ip in ("10.0.0.2", "10.0.0.2", "10.0.0.2", "10.0.0.3", "10.0.0.3"):
        home.guard.leave(ip)
    assert [come("10.0.0.1") for _ in range(6)] == [True] * 5 + [False]  # this machine's own
    assert home.counters["too-many-connections"] == 4
    assert {refusal.who for refusal in home.refusals.all()} == {"10.0.0.1", "10.0.0.2", "10.0.0.3"}
    for _ in range(5):
        home.guard.leave("10.0.0.1")
    assert not home.guard._inbound


async def test_handshakes_under_way_are_counted_by_address_and_in_all() -> None:
    home = Home(Limits(handshakes_per_ip=2, handshakes=3))
    assert [home.guard.enter("10.0.0.2") for _ in range(3)] == [True, True, False]
    assert [home.guard.enter("10.0.0.3") for _ in range(2)] == [True, False]
    home.guard.shaken_hands("10.0.0.2")
    assert home.guard.enter("10.0.0.3")
    for ip in ("10.0.0.2", "10.0.0.2", "10.0.0.3", "10.0.0.3"):
        home.guard.leave(ip)


async def test_one_address_opens_connections_no_faster_than_handshakes_may_cost(
    autojump_clock: MockClock,
) -> None:
    home = Home(own=("10.0.0.1",))

    def come(ip: str) -> bool:
        came = home.guard.enter(ip)
        if came:
            home.guard.shaken_hands(ip)
            home.guard.leave(ip)
        return came

    assert sum(come("10.0.0.2") for _ in range(1000)) == LIMITS.arrivals.burst
    assert come("10.0.0.3")
    assert all(come("10.0.0.1") for _ in range(1000))
    await trio.sleep(1)
    assert sum(come("10.0.0.2") for _ in range(1000)) == LIMITS.arrivals.second
    assert not home.guard._inbound


async def test_all_hosts_of_a_process_leave_it_files_for_other_things(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_PROCESS", module._Process(most=3))
    one, other = Home(), Home()
    came = [home.guard.enter("10.0.0.2") for home in (one, other, one, other)]
    assert came == [True, True, True, False]
    one.guard.leave("10.0.0.2")
    assert other.guard.enter("10.0.0.2")
