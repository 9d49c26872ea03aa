"""Who dials whom and when, under the virtual clock; the hosts only note who called."""

from __future__ import annotations

import itertools
import random
from collections.abc import Collection, Iterable

import trio
from trio.testing import MockClock

from aikyo.mesh.finding.dialer import Dialer, Dialing
from aikyo.mesh.finding.misses import Misses
from aikyo.mesh.finding.ring import Ring


class Phone:
    """A host that reaches only who is in `reachable`."""

    def __init__(self, reachable: Iterable[str] = ()) -> None:
        self.reachable = set(reachable)
        self.calls: list[tuple[float, str, tuple[str, ...]]] = []
        self.lines: set[str] = set()
        self.opened_by_others: set[str] = set()

    def connected(self, peer: str) -> bool:
        return peer in self.lines

    def inbound(self, peer: str) -> bool:
        return peer in self.opened_by_others

    async def close(self, peer: str) -> None:
        self.lines.discard(peer)

    async def dial(self, peer: str, addresses: Iterable[str]) -> bool:
        self.calls.append((trio.current_time(), peer, tuple(addresses)))
        await trio.sleep(0.01)
        if peer in self.reachable:
            self.lines.add(peer)
        return peer in self.lines


class Office:
    def __init__(
        self, hosts: dict[str, Phone], others: Iterable[str] = (), always: Collection[str] = ()
    ) -> None:
        self.hosts: dict[str, Dialing] = dict(hosts)
        self.siblings = {peer: (f"at {peer}",) for peer in hosts}
        self.others: dict[str, tuple[str, ...]] = {peer: (f"at {peer}",) for peer in others}
        self.failed: list[str] = []
        self.dialer = Dialer(
            lambda: self.hosts,
            lambda: self.siblings,
            lambda: self.others,
            always=always,
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
    assert 30 < len(times) < 50
    assert all(0.5 < later - earlier < 12 for earlier, later in itertools.pairwise(times))
    assert times[-1] - times[-2] > 7
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


async def test_a_host_dials_those_who_are_its_neighbours_in_the_ring(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    crowd = [f"p{n:02}" for n in range(40)]
    phone = Phone(crowd)
    nursery.start_soon(Office({"a": phone}, crowd).dialer.run)
    await trio.sleep(60)
    assert phone.lines == Ring(["a", *crowd]).neighbours("a")
    before = len(phone.calls)
    await trio.sleep(300)
    assert len(phone.calls) == before


async def test_who_stands_where_nobody_is_reached_dials_those_further_on(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    crowd = [f"p{n:02}" for n in range(60)]
    there = crowd[::3]
    phones = {name: Phone(there) for name in "ab"}
    office = Office(dict(phones), crowd)
    for name, phone in phones.items():
        phone.lines |= set(phones) - {name}
    nursery.start_soon(office.dialer.run)
    await trio.sleep(120)
    missing = office.dialer.unreachable
    assert missing.isdisjoint(there)
    for name, phone in phones.items():
        ring = Ring([*phones, *crowd])
        assert phone.lines == ring.neighbours(name, set(crowd) - set(there))
        assert ring.neighbours(name) - set(there) <= missing
        assert len(phone.lines) >= 8


async def test_who_was_out_of_reach_takes_its_place_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    crowd = [f"p{n:02}" for n in range(40)]
    phone = Phone(crowd)
    ring = Ring(["a", *crowd])
    wanted = ring.neighbours("a")
    away = next(peer for peer in sorted(wanted) if ring.neighbours("a", {peer}) - wanted)
    phone.reachable.discard(away)
    office = Office({"a": phone}, crowd)
    nursery.start_soon(office.dialer.run)
    await trio.sleep(60)
    assert office.dialer.unreachable == {away}
    assert phone.lines == ring.neighbours("a", {away})
    phone.reachable.add(away)
    await trio.sleep(12)
    assert away in phone.lines
    assert office.dialer.unreachable == frozenset()
    await trio.sleep(60)
    assert phone.lines == wanted


async def test_a_link_that_others_opened_is_left_to_them(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    crowd = [f"p{n:02}" for n in range(40)]
    phone = Phone(crowd)
    beyond = sorted(set(crowd) - Ring(["a", *crowd]).neighbours("a"))
    phone.lines |= set(beyond[:5])
    phone.opened_by_others |= set(beyond[:2])
    nursery.start_soon(Office({"a": phone}, crowd).dialer.run)
    await trio.sleep(20)
    assert phone.lines >= set(beyond[:5])
    await trio.sleep(100)
    assert phone.lines & set(beyond) == set(beyond[:2])


async def test_who_was_named_is_wanted_whatever_the_ring_and_for_ever(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    crowd = [f"p{n:02}" for n in range(40)]
    named = min(set(crowd) - Ring(["a", *crowd]).neighbours("a"))
    phone = Phone(crowd)
    nursery.start_soon(Office({"a": phone}, crowd, always={named}).dialer.run)
    await trio.sleep(200)
    assert named in phone.lines
    phone.reachable.discard(named)
    phone.lines.discard(named)
    await trio.sleep(3600)
    assert named not in phone.lines
    phone.reachable.add(named)
    await trio.sleep(12)
    assert named in phone.lines


async def test_made_up_peers_keep_nobody_waiting_whom_we_know(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    phone = SlowPhone("z")
    office = Office({"a": phone}, ["z", *(f"x{n}" for n in range(200))], always={"z"})
    nursery.start_soon(office.dialer.run)
    await trio.sleep(300)
    assert len(office.dialer.unreachable) > 20
    phone.lines.clear()
    phone.reachable.clear()
    office.dialer.wake()
    await trio.sleep(60)
    phone.reachable.add("z")
    await trio.sleep(20)
    assert "z" in phone.lines


async def test_after_a_sleep_everybody_is_tried_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    phone = Phone()
    office = Office({"a": phone}, ["y", "z"])
    nursery.start_soon(office.dialer.run)
    await trio.sleep(100)
    phone.calls.clear()
    office.dialer.start_anew()
    await trio.sleep(0.1)
    assert {peer for _, peer, _ in phone.calls} == {"y", "z"}
    assert len(phone.calls) == 2


async def test_two_halves_that_were_full_join_when_they_see_each_other(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """Four processes of ten; the network comes together after each two had all the links they want."""
    names = [f"p{n:02}" for n in range(40)]
    homes = [names[n::4] for n in range(4)]
    phones: dict[str, Phone] = {}
    for name in names:
        phones[name] = Line(phones, name)
    offices = [Office({name: phones[name] for name in home}) for home in homes]

    def show(groups: list[list[int]]) -> None:
        for group in groups:
            crowd = [name for n in group for name in homes[n]]
            for n in group:
                offices[n].others = {name: (f"at {name}",) for name in crowd if name not in homes[n]}

    show([[0, 1], [2, 3]])
    for office in offices:
        nursery.start_soon(office.dialer.run)
    await trio.sleep(60)
    half = {*homes[0], *homes[1]}
    assert all(phones[name].lines <= half for name in half)
    assert all(len(phones[name].lines) == 10 for name in names)
    show([[0, 1, 2, 3]])
    await trio.sleep(10)
    assert all(phones[name].lines >= Ring(names).neighbours(name) for name in names)
    await trio.sleep(120)
    assert all(phones[name].lines == Ring(names).neighbours(name) for name in names)


async def test_who_is_out_of_reach_for_hours_is_tried_all_the_same(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    phone = Phone()
    nursery.start_soon(Office({"a": phone}, "z").dialer.run)
    await trio.sleep(6 * 3600)
    assert len(phone.calls) > 1024
    assert trio.current_time() - phone.calls[-1][0] < 12


class Line(Phone):
    """A host whose lines have two ends."""

    def __init__(self, phones: dict[str, Phone], own: str) -> None:
        super().__init__()
        self._phones = phones
        self._own = own

    async def dial(self, peer: str, addresses: Iterable[str]) -> bool:
        await trio.sleep(0.01 if peer in self._phones else 5)
        if peer not in self._phones:
            return False
        if peer not in self.lines:
            self.lines.add(peer)
            self._phones[peer].lines.add(self._own)
            self._phones[peer].opened_by_others.add(self._own)
        return True

    async def close(self, peer: str) -> None:
        self.lines.discard(peer)
        self._phones[peer].lines.discard(self._own)
        self._phones[peer].opened_by_others.discard(self._own)


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
    office = Office(phones, [f"x{n}" for n in range(10)])  # 20 dials
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
    dials = itertools.groupby(quick.calls, lambda call: int(call[0] / 0.5))
    assert {len(list(calls)) for _, calls in dials} == {4}


def made_up(number: int, *, port: int = 1) -> dict[str, tuple[str, ...]]:
    """Peers that are nowhere, said to be at one address of somebody who has nothing to do with it."""
    return {f"x{port}-{n}": (f"/ip4/192.0.2.1/tcp/{port}",) for n in range(number)}


async def test_made_up_peers_end_no_link_of_those_who_are_there(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    """They fill the ring, again and again new ones, and it takes long until each is found out."""
    names = [f"p{n:02}" for n in range(20)]
    phones: dict[str, Phone] = {}
    for name in names:
        phones[name] = Line(phones, name)
    homes = [names[n::4] for n in range(4)]
    offices = [Office({name: phones[name] for name in home}) for home in homes]
    for office, home in zip(offices, homes, strict=True):
        office.others = {name: (f"at {name}",) for name in names if name not in home}
        nursery.start_soon(office.dialer.run)
    await trio.sleep(120)
    before = {name: set(phones[name].lines) for name in names}
    for time in range(5):
        for office in offices:
            office.others = {peer: at for peer, at in office.others.items() if peer in phones}
            office.others |= {f"x{time}-{n}": (f"here {n}", f"there {n}") for n in range(240)}
        await trio.sleep(30)
        assert all(phones[name].lines >= before[name] for name in names)


async def test_whom_strangers_name_is_not_called_without_end(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    phone = Phone("z")
    office = Office({"a": phone}, "z")
    nursery.start_soon(office.dialer.run)
    await trio.sleep(10)
    phone.calls.clear()
    office.others |= made_up(240)
    await trio.sleep(300)
    assert 128 <= len(phone.calls) < 128 + 2 * 300 + 8
    assert office.others.keys() - {"z"} == office.dialer.unreachable  # and stepped over all the same
    phone.calls.clear()
    for port in range(2, 62):  # who says something else each second is not called more often
        office.others = {"z": ("at z",)} | made_up(240, port=port)
        office.dialer.wake()
        await trio.sleep(1)
    assert len(phone.calls) < 130


async def test_whom_we_know_is_called_at_an_address_that_strangers_name_too(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    phone = Phone("z")
    office = Office({"a": phone})
    office.others = {"z": ("/ip4/192.0.2.1/tcp/2",)}
    nursery.start_soon(office.dialer.run)
    await trio.sleep(10)
    office.others |= made_up(240)
    await trio.sleep(300)
    phone.lines.clear()
    office.dialer.wake()
    await trio.sleep(4)
    assert phone.lines == {"z"}


async def test_dials_that_succeed_cost_nothing(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    names = [f"p{n:02}" for n in range(12)]
    phone = Phone(names)
    office = Office({"a": phone})
    office.others = {name: (f"/ip4/192.0.2.1/tcp/{n + 1}",) for n, name in enumerate(names)}
    nursery.start_soon(office.dialer.run)
    for _ in range(30):
        await trio.sleep(3)
        assert len(phone.lines) == 12
        phone.lines.clear()
        office.dialer.wake()


def test_the_table_of_addresses_where_dials_fail_is_bounded() -> None:
    misses = Misses()
    for n in range(10_000):
        assert misses.allow((str(n), False), 0.0)
    assert len(misses._paid) == 4096
    misses.forgive(("0", False))
    assert len(misses._paid) == 4096
