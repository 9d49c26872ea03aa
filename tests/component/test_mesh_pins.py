"""Who keeps an id: homes on the in-memory mesh, whose clocks all go with the virtual one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trio
import trio.testing

from aikyo.errors import UsageError
from aikyo.mesh import IdTakenError, Node
from aikyo.mesh.identity import load_identity
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.wire import Message, Presence

ALICE, BOB = "companion_alice", "companion_bob"
EPOCH = 1_790_000_000.0
DAY = 86400.0


class Home:
    """A home with a roster file and, as each block of `up`, one run of it."""

    mesh: MemoryMesh

    def __init__(self, lan: MemoryLan, folder: Path, *, ahead: float = 0.0) -> None:
        self.lan = lan
        self.folder = folder
        self.ahead = ahead
        folder.mkdir()

    def up(self) -> AbstractAsyncContextManager[MemoryMesh]:
        self.mesh = self._new_mesh()
        return self.mesh

    def join(self, ident: str, key: str = "key") -> AbstractAsyncContextManager[Node]:
        return self.mesh.join(self.folder / key, Presence(id=ident))

    def peer(self, key: str = "key") -> str:
        return load_identity(self.folder / key).peer

    def known_as(self, ident: str) -> None:
        """Make it one whose companion somebody knows."""
        pin = {"peer": self.peer(), "seen": EPOCH, "own": True}
        data = {"version": 1, "meshes": {"": {"pins": {ident: pin}}}}
        (self.folder / "roster.json").write_bytes(msgspec.json.encode(data))

    def kept(self) -> dict[str, Any]:
        meshes: dict[str, Any] = msgspec.json.decode((self.folder / "roster.json").read_bytes())[
            "meshes"
        ]
        return meshes.get("", {})

    def _new_mesh(self) -> MemoryMesh:
        return MemoryMesh(
            self.lan,
            clock=lambda: EPOCH + self.ahead + trio.current_time(),
            roster_file=self.folder / "roster.json",
        )


@pytest.fixture
def lan() -> MemoryLan:
    return MemoryLan()


@pytest.fixture
def one(lan: MemoryLan, tmp_path: Path) -> Home:
    return Home(lan, tmp_path / "one")


@pytest.fixture
def other(lan: MemoryLan, tmp_path: Path) -> Home:
    return Home(lan, tmp_path / "other")


@pytest.fixture
def stranger(lan: MemoryLan, tmp_path: Path) -> Home:
    return Home(lan, tmp_path / "stranger")


@pytest.fixture
def by_peer(one: Home, other: Home) -> Iterator[tuple[Home, Home]]:
    """Both homes, the one whose key has the lower peer id first."""
    low, high = sorted((one, other), key=lambda home: home.peer())
    return low, high


def ident(node: Node) -> str:
    return node.me.id if node.me else ""


async def test_an_id_is_kept_for_its_peer_while_it_is_away(
    one: Home, other: Home, stranger: Home, autojump_clock: trio.testing.MockClock
) -> None:
    async with one.up(), stranger.up():
        async with one.join(BOB), other.up():
            async with other.join(ALICE):
                await trio.sleep(45)
            async with stranger.join(ALICE) as rogue:
                await rogue.publish(Message(id="1", sender=ALICE, message="it is me"))
                await trio.sleep(1)
                assert ALICE not in one.mesh.roster
                refusal = one.mesh.refusals.get(stranger.peer())
                assert refusal is not None
                assert refusal.counters["pinned"] > 0
                assert other.peer() in refusal.reason
                assert "aikyo peers forget alice" in refusal.reason
            async with other.join(ALICE) as again:
                await trio.sleep(1)
                assert one.mesh.roster.held_by(again.peer) == ALICE


async def test_none_of_ours_takes_an_id_that_is_kept_for_one_who_is_away(
    one: Home, other: Home, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with one.up(), one.join(BOB):
        async with other.up(), other.join(ALICE):
            await trio.sleep(45)
        async with one.join(ALICE, "new") as new:
            assert ident(new) == f"{ALICE}-2"
    assert "aikyo peers forget alice" in caplog.text


async def test_what_was_there_for_a_moment_only_is_not_kept(
    one: Home, other: Home, stranger: Home, autojump_clock: trio.testing.MockClock
) -> None:
    async with one.up(), other.up(), stranger.up(), one.join(BOB):
        async with other.join(ALICE):
            await trio.sleep(15)
        async with stranger.join(ALICE) as newcomer:
            await trio.sleep(1)
            assert one.mesh.roster.held_by(newcomer.peer) == ALICE


async def test_pins_last_over_restarts_and_30_days(
    one: Home, other: Home, stranger: Home, autojump_clock: trio.testing.MockClock
) -> None:
    async with one.up(), other.up(), one.join(BOB), other.join(ALICE):
        await trio.sleep(45)
    for ahead, free in ((29 * DAY, False), (31 * DAY, True)):
        one.ahead = stranger.ahead = ahead
        async with one.up(), stranger.up(), one.join(BOB), stranger.join(ALICE) as newcomer:
            await trio.sleep(5)
            assert (one.mesh.roster.held_by(newcomer.peer) == ALICE) is free


async def test_forgetting_a_pin_frees_the_id(
    one: Home, other: Home, stranger: Home, autojump_clock: trio.testing.MockClock
) -> None:
    async with one.up(), stranger.up(), one.join(BOB):
        async with other.up(), other.join(ALICE):
            await trio.sleep(45)
        assert one.mesh.forget(ALICE)
        assert not one.mesh.forget(ALICE)
        async with stranger.join(ALICE) as newcomer:
            await trio.sleep(1)
            assert one.mesh.roster.held_by(newcomer.peer) == ALICE


async def test_a_returning_companion_that_is_known_takes_its_id_from_whoever_has_it(
    one: Home, other: Home, stranger: Home, autojump_clock: trio.testing.MockClock
) -> None:
    lost = trio.Event()

    async def squat() -> None:
        async with stranger.up():
            with pytest.raises(IdTakenError):
                async with stranger.join(ALICE) as rogue:
                    assert ident(rogue) == ALICE
                    await trio.sleep(60)
            lost.set()

    async with other.up(), other.join(BOB), one.up(), one.join(ALICE):
        await trio.sleep(45)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(squat)
        await trio.sleep(5)
        async with one.up(), one.join(ALICE) as alice:
            assert ident(alice) == ALICE
            await lost.wait()
            await trio.sleep(1)
            assert one.mesh.roster.held_by(alice.peer) == ALICE


async def test_a_companion_by_itself_is_not_known_by_its_id(
    one: Home, autojump_clock: trio.testing.MockClock
) -> None:
    async with one.up(), one.join(ALICE), one.join(BOB, "sibling"):
        await trio.sleep(300)
    assert one.kept() == {}


async def test_two_that_ran_apart_and_meet_settle_it_by_peer_id(
    by_peer: tuple[Home, Home], tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    low, high = by_peer
    high.lan = MemoryLan()
    joined: dict[str, Node] = {}

    async def live(home: Home, name: str) -> None:
        async with home.up():
            while True:
                try:
                    async with home.join(ALICE) as joined[name]:
                        await trio.sleep_forever()
                except IdTakenError:
                    pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(live, low, "low")
        nursery.start_soon(live, high, "high")
        await trio.sleep(120)
        assert [ident(joined[name]) for name in ("low", "high")] == [ALICE, ALICE]
        meet(low, high)
        await trio.sleep(45)
        assert [ident(joined[name]) for name in ("low", "high")] == [ALICE, f"{ALICE}-2"]
        nursery.cancel_scope.cancel()


async def test_what_had_to_be_taken_instead_is_taken_again_after_a_restart(
    one: Home, other: Home, autojump_clock: trio.testing.MockClock
) -> None:
    async with one.up(), one.join(ALICE):
        async with other.up():
            async with other.join(ALICE) as second:
                assert ident(second) == f"{ALICE}-2"
                await trio.sleep(45)
    async with other.up(), other.join(ALICE) as again:
        assert ident(again) == f"{ALICE}-2"
    async with other.up():
        assert other.mesh.forget(ALICE)
        async with other.join(ALICE) as freed:
            assert ident(freed) == ALICE


async def test_of_two_that_are_both_known_neither_yields_and_the_way_out_is_told(
    lan: MemoryLan, one: Home, other: Home, stranger: Home, autojump_clock: trio.testing.MockClock
) -> None:
    async with stranger.up(), stranger.join(BOB):
        for home in (one, other):
            async with home.up(), home.join(ALICE):
                await trio.sleep(45)
            stranger.mesh.forget(ALICE)
        other.lan = MemoryLan()
        async with one.up(), other.up(), other.join(ALICE) as there:
            with pytest.raises(IdTakenError):
                async with one.join(ALICE) as here:
                    meet(one, other)
                    await trio.sleep(120)
                    assert (ident(here), ident(there)) == (ALICE, ALICE)
                    refusal = one.mesh.refusals.get(there.peer)
                    assert refusal is not None
                    assert "our own companion's" in refusal.reason
                    assert "aikyo peers forget alice" in refusal.reason
                    sent = here.counters["sent"]
                    await trio.sleep(300)
                    assert here.counters["sent"] - sent <= 11  # no shouting: a presence every 30 s
                    assert one.mesh.forget(ALICE)
                    await trio.sleep(31)
            async with one.join(ALICE) as again:
                assert ident(again) == f"{ALICE}-2"


async def test_the_way_out_is_told_though_what_is_said_under_the_id_is_refused_too(
    one: Home, other: Home, autojump_clock: trio.testing.MockClock
) -> None:
    one.known_as(ALICE)
    other.known_as(ALICE)
    async with one.up(), other.up(), one.join(ALICE), other.join(ALICE) as there:
        await trio.sleep(15)
        assert not one.mesh.refusals.get(there.peer).counters["pinned"]  # type: ignore[union-attr]
        await trio.sleep(45)
        await there.publish(Message(id="1", sender=ALICE, message="do you hear me?"))
        await trio.sleep(1)
        refusal = one.mesh.refusals.get(there.peer)
        assert refusal is not None
        assert refusal.counters["spoofed"] == 1
        assert "aikyo peers forget alice" in refusal.reason
        assert refusal.reasons["spoofed"] == f"it spoke as {ALICE!r}"


@pytest.mark.parametrize("apart", [0.0, 1.0, 20.0])
async def test_two_homes_that_are_both_known_and_both_forget_end_with_two_ids(
    one: Home, other: Home, autojump_clock: trio.testing.MockClock, apart: float
) -> None:
    one.known_as(ALICE)
    other.known_as(ALICE)
    joined: dict[str, Node] = {}

    async def live(home: Home) -> None:
        async with home.up():
            while True:
                try:
                    async with home.join(ALICE) as joined[home.folder.name]:
                        await trio.sleep_forever()
                except IdTakenError:
                    pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(live, one)
        nursery.start_soon(live, other)
        await trio.sleep(60)
        assert [ident(node) for node in joined.values()] == [ALICE, ALICE]
        one.mesh.forget(ALICE)
        await trio.sleep(apart)
        other.mesh.forget(ALICE)
        await trio.sleep(90)
        ids = {ident(node) for node in joined.values()}
        assert len(ids) == 2
        assert set(one.mesh.roster) == set(other.mesh.roster) == ids
        nursery.cancel_scope.cancel()


async def test_who_was_known_by_an_id_and_yielded_it_leaves_it_to_the_other_at_a_third_home(
    one: Home, other: Home, stranger: Home, autojump_clock: trio.testing.MockClock
) -> None:
    other.known_as(ALICE)
    async with stranger.up(), stranger.join(BOB), one.up():
        with pytest.raises(IdTakenError):
            async with one.join(ALICE) as first, other.up(), other.join(ALICE) as known:
                stranger.mesh.household.pins.pin(ALICE, first.peer)
                await trio.sleep(40)
        async with other.up(), other.join(ALICE) as known, one.join(ALICE) as first:
            assert ident(first) == f"{ALICE}-2"
            await trio.sleep(90)
            assert stranger.mesh.roster.held_by(known.peer) == ALICE
            assert stranger.mesh.roster.held_by(first.peer) == f"{ALICE}-2"


async def test_the_same_key_on_another_machine_keeps_its_id(
    one: Home, other: Home, stranger: Home, autojump_clock: trio.testing.MockClock
) -> None:
    async with one.up(), one.join(BOB):
        async with other.up(), other.join(ALICE):
            await trio.sleep(45)
        (stranger.folder / "key").write_bytes((other.folder / "key").read_bytes())
        async with stranger.up(), stranger.join(ALICE) as moved:
            await trio.sleep(1)
            assert one.mesh.roster.held_by(moved.peer) == ALICE


async def test_a_blocked_peer_says_nothing_and_its_ids_are_free(
    one: Home, other: Home, stranger: Home, autojump_clock: trio.testing.MockClock
) -> None:
    async with one.up(), one.join(BOB) as bob, other.up(), other.join(ALICE) as alice:
        await trio.sleep(45)
        one.mesh.block(alice.peer, "noisy")
        assert ALICE not in one.mesh.roster
        assert one.mesh.household.pins.owner(ALICE) is None
        assert alice.peer not in [peer.peer for peer in bob.peers()]
        await alice.publish(Message(id="1", sender=ALICE, message="hello"))
        await trio.sleep(40)
        assert bob.counters["blocked"] >= 2
        assert ALICE not in one.mesh.roster
        while bob.received.statistics().current_buffer_used:
            assert not isinstance((await bob.received.receive()).payload, Message)
    async with one.up(), one.join(BOB), other.up(), other.join(ALICE) as alice:
        await trio.sleep(1)
        assert ALICE not in one.mesh.roster
        assert one.mesh.unblock(alice.peer)
        assert not one.mesh.unblock(alice.peer)
        await trio.sleep(1)
        assert ALICE in one.mesh.roster
    assert one.kept().get("blocks", {}) == {}


async def test_nobody_blocks_their_own_or_what_is_no_peer(
    one: Home, other: Home, autojump_clock: trio.testing.MockClock
) -> None:
    async with one.up():
        async with one.join(ALICE) as alice:
            async with other.up(), other.join(BOB):
                await trio.sleep(45)
            with pytest.raises(UsageError, match="your own"):
                one.mesh.block(alice.peer)
    async with one.up():
        with pytest.raises(UsageError, match="your own"):
            one.mesh.block(alice.peer)  # it is not running now
        for text in ("alice", "companion_alice_of_the_hill", ""):
            with pytest.raises(UsageError, match="no peer id"):
                one.mesh.block(text)


async def test_a_home_that_cannot_be_written_goes_on_and_says_so(
    one: Home, other: Home, autojump_clock: trio.testing.MockClock
) -> None:
    (one.folder / "roster.json").mkdir()
    async with one.up(), one.join(BOB), other.up(), other.join(ALICE) as alice:
        await trio.sleep(45)
        assert one.mesh.roster.held_by(alice.peer) == ALICE
        assert "roster.json" in one.mesh.trouble


async def test_who_was_seen_is_written_now_and_then_without_a_change(
    one: Home, other: Home, patient_clock: trio.testing.MockClock
) -> None:
    async with one.up(), one.join(BOB), other.up(), other.join(ALICE):
        await trio.sleep(60)
        first = one.kept()["pins"][ALICE]["seen"]
        await trio.sleep(400)
        assert one.kept()["pins"][ALICE]["seen"] - first > 100


def meet(one: Home, other: Home) -> None:
    """Put everybody of two networks on both, as when a cable joins them."""
    nodes = {**one.lan.nodes, **other.lan.nodes}
    for lan in (one.lan, other.lan):
        lan.nodes.clear()
        lan.nodes.update(nodes)
    together = list(nodes.values())
    for n, node in enumerate(together):
        for another in together[n + 1 :]:
            one.lan.connect(node, another)
