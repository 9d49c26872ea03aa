"""Who dials whom and when, under the virtual clock; the hosts only note who called."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable

import trio
from trio.testing import MockClock

from aikyo.mesh.dialer import Dialer, Dialing


class Phone:
    """A host that reaches only who is in `reachable`."""

    def __init__(self, reachable: Iterable[str] = ()) -> None:
        self.reachable = set(reachable)
        self.calls: list[tuple[float, str, tuple[str, ...]]] = []
        self.lines: set[str] = set()

    def connected(self, peer: str) -> bool:
        return peer in self.lines

    async def dial(self, peer: str, addresses: Iterable[str]) -> bool:
        self.calls.append((trio.current_time(), peer, tuple(addresses)))
        await trio.sleep(0.01)
        if peer in self.reachable:
            self.lines.add(peer)
        return peer in self.lines


class Office:
    def __init__(self, hosts: dict[str, Phone], others: Iterable[str] = ()) -> None:
        self.hosts: dict[str, Dialing] = dict(hosts)
        self.siblings = {peer: (f"at {peer}",) for peer in hosts}
        self.others = {peer: (f"at {peer}",) for peer in others}
        self.failed: list[str] = []
        self.dialer = Dialer(
            lambda: self.hosts,
            lambda: self.siblings,
            lambda: self.others,
            random=random.Random(3),
            failed=self.failed.append,
        )


async def test_the_lower_of_two_siblings_dials_at_once_and_the_other_need_not(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    low, high = Phone("b"), Phone("a")
    nursery.start_soon(Office({"a": low, "b": high}).dialer.run)
    await trio.sleep(0.5)
    high.lines.add("a")
    await trio.sleep(30)
    assert [peer for _, peer, _ in low.calls] == ["b"]
    assert high.calls == []


async def test_the_higher_dials_when_the_lower_does_not(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    low, high = Phone(), Phone("a")
    nursery.start_soon(Office({"a": low, "b": high}).dialer.run)
    await trio.sleep(4)
    assert high.lines == {"a"}


async def test_one_of_us_greets_a_stranger_at_once_and_the_rest_follow(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    phones = {name: Phone("z") for name in "abc"}
    office = Office(phones, "z")
    for name, phone in phones.items():
        phone.lines |= set(phones) - {name}
    nursery.start_soon(office.dialer.run)
    await trio.sleep(0.3)
    assert sum(len(phone.calls) for phone in phones.values()) == 1
    await trio.sleep(5)
    assert all(phone.lines >= {"z"} for phone in phones.values())
    assert sum(len(phone.calls) for phone in phones.values()) == 3


async def test_who_cannot_be_reached_is_tried_less_and_less_often(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    phone = Phone()
    office = Office({"a": phone}, "z")
    nursery.start_soon(office.dialer.run)
    await trio.sleep(300)
    times = [when for when, _, _ in phone.calls]
    assert 12 < len(times) < 35
    assert all(0.5 < later - earlier < 22 for earlier, later in itertools.pairwise(times))
    assert times[-1] - times[-2] > 10
    assert len(office.failed) == len(times)


async def test_who_moved_is_dialed_at_the_new_place_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    phone = Phone()
    office = Office({"a": phone}, "z")
    nursery.start_soon(office.dialer.run)
    await trio.sleep(100)
    phone.calls.clear()
    office.others["z"] = ("a new place",)
    office.dialer.wake()
    await trio.sleep(0.1)
    assert [addresses for _, _, addresses in phone.calls] == [("a new place",)]


async def test_who_was_lost_is_dialed_again(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    phone = Phone("z")
    office = Office({"a": phone}, "z")
    nursery.start_soon(office.dialer.run)
    await trio.sleep(60)
    phone.lines.clear()
    office.dialer.wake()
    await trio.sleep(3)
    assert phone.lines == {"z"}


async def test_a_host_dials_for_no_more_than_a_dozen_neighbours(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    crowd = [f"p{n:02}" for n in range(40)]
    phone = Phone(crowd)
    nursery.start_soon(Office({"a": phone}, crowd).dialer.run)
    await trio.sleep(60)
    assert len(phone.lines) == 12
    before = len(phone.calls)
    await trio.sleep(300)
    assert len(phone.calls) == before


async def test_who_is_out_of_reach_for_hours_is_tried_all_the_same(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    phone = Phone()
    nursery.start_soon(Office({"a": phone}, "z").dialer.run)
    await trio.sleep(6 * 3600)
    assert len(phone.calls) > 1024
    assert trio.current_time() - phone.calls[-1][0] < 22


class SlowPhone(Phone):
    """At each address of who is not reachable it waits for an answer that does not come."""

    async def dial(self, peer: str, addresses: Iterable[str]) -> bool:
        if peer in self.reachable:
            return await super().dial(peer, addresses)
        for address in addresses:
            self.calls.append((trio.current_time(), peer, (address,)))
            await trio.sleep(5)
        return False


async def test_addresses_that_lead_nowhere_keep_no_sibling_waiting(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    carol = SlowPhone("ab")
    phones: dict[str, Phone] = {"a": SlowPhone("bc"), "b": SlowPhone("ac")}
    office = Office(phones, [f"x{n}" for n in range(24)])
    office.others = {peer: tuple(f"{peer} {n}" for n in range(32)) for peer in office.others}
    nursery.start_soon(office.dialer.run)
    await trio.sleep(3)
    office.hosts["c"] = carol
    office.siblings["c"] = ("at c",)
    office.dialer.wake()
    await trio.sleep(0.1)
    assert "c" in phones["a"].lines & phones["b"].lines


async def test_one_dial_is_short_and_yet_every_address_has_its_turn(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    slow, quick = SlowPhone(), Phone()
    places = tuple(f"z {n}" for n in range(11))
    for phone in (slow, quick):
        office = Office({"a": phone})
        office.others["z"] = places
        nursery.start_soon(office.dialer.run)
    await trio.sleep(10.5)
    assert [address for _, _, (address,) in slow.calls] == ["z 0", "z 1"]
    await trio.sleep(200)
    assert {address for _, _, (address,) in slow.calls} == set(places)
    assert {len(addresses) for _, _, addresses in quick.calls} == {4}
