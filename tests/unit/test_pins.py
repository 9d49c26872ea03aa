from __future__ import annotations

import pytest
import trio
import trio.testing

from aikyo.mesh.members.pins import MAX_BLOCKS, MAX_PINS, Block, Pin, Pins, is_numbered, is_peer_id

DAY = 86400.0
ALICE, BOB = "companion_alice", "companion_bob"


class Clock:
    def __init__(self) -> None:
        self.now = 1.7e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_an_id_that_was_not_seen_for_30_days_is_let_go(clock: Clock) -> None:
    pins = Pins(clock)
    pins.pin(ALICE, "p1")
    clock.now += 29 * DAY
    pins.expire()
    assert pins.owner(ALICE) == Pin("p1", 1.7e9)
    pins.pin(ALICE, "p1")
    clock.now += 29 * DAY
    pins.expire()
    assert pins.owner(ALICE) is not None
    clock.now += 2 * DAY
    pins.expire()
    assert pins.owner(ALICE) is None


def test_what_is_too_old_in_the_file_is_not_taken_up(clock: Clock) -> None:
    kept = {ALICE: Pin("p1", clock.now - 31 * DAY), BOB: Pin("p2", clock.now - DAY)}
    assert dict(Pins(clock, kept).pinned()) == {BOB: kept[BOB]}


def test_who_goes_by_another_name_lets_the_first_go(clock: Clock) -> None:
    pins = Pins(clock)
    pins.pin(ALICE, "p1")
    pins.pin(BOB, "p2")
    pins.pin(f"{ALICE}-2", "p1")
    assert set(pins.pinned()) == {BOB, f"{ALICE}-2"}


def test_past_the_limit_the_one_not_seen_for_longest_goes_but_none_of_ours(clock: Clock) -> None:
    pins = Pins(clock)
    pins.pin("ours", "own", own=True)
    for n in range(MAX_PINS):
        clock.now += 1
        pins.pin(f"c{n}", f"p{n}")
    assert len(pins.pinned()) == MAX_PINS
    assert "c0" not in pins.pinned()
    assert {"ours", "c1", f"c{MAX_PINS - 1}"} <= set(pins.pinned())


def test_past_the_limit_who_was_blocked_first_is_let_in(clock: Clock) -> None:
    pins = Pins(clock)
    for n in range(MAX_BLOCKS + 1):
        pins.block(f"p{n}")
    assert len(pins.blocked()) == MAX_BLOCKS
    assert not pins.is_blocked("p0")
    assert pins.is_blocked("p1")


def test_forgetting_an_id_frees_the_numbered_ones_that_ours_had_to_take(clock: Clock) -> None:
    pins = Pins(clock)
    pins.pin(ALICE, "p1")
    pins.pin(f"{ALICE}-2", "own", own=True)
    pins.pin(f"{ALICE}-3", "p3")
    assert pins.forget(ALICE)
    assert set(pins.pinned()) == {f"{ALICE}-3"}
    assert not pins.forget(ALICE)


def test_a_block_frees_the_ids_of_the_peer_and_is_lifted_again(clock: Clock) -> None:
    pins = Pins(clock)
    pins.pin(ALICE, "p1")
    pins.pin(BOB, "p2")
    pins.block("p1", "x" * 1000)
    assert set(pins.pinned()) == {BOB}
    assert pins.blocked() == {"p1": Block("x" * 256, clock.now)}
    assert pins.unblock("p1")
    assert not pins.unblock("p1")


def test_what_is_only_seen_again_is_no_change(clock: Clock) -> None:
    woken: list[str] = []

    async def main() -> None:
        pins = Pins(clock)

        async def wait() -> None:
            await pins.changed()
            woken.append("changed")

        async with trio.open_nursery() as nursery:
            pins.pin(ALICE, "p1")
            nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            pins.pin(ALICE, "p1")
            await trio.testing.wait_all_tasks_blocked()
            assert woken == []
            pins.pin(ALICE, "p1", own=True)

    trio.run(main)
    assert woken == ["changed"]


@pytest.mark.parametrize(
    ("ident", "numbered"),
    [
        ("a-2", True),
        ("a-17", True),
        ("a", False),
        ("a-", False),
        ("a-b", False),
        ("ab-2", False),
        ("a-２", False),
    ],
)
def test_numbered_ids_are_told_from_others(ident: str, numbered: bool) -> None:
    assert is_numbered(ident, "a") is numbered


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("12D3KooWD8zUqartGdMoTq3fPpy7ieeUUXUAfj2KYXBXVmb5XrKS", True),
        ("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", True),
        ("12D3KooW", False),
        ("0" * 52, False),
        ("1" * 129, False),
        ("companion_alice_of_the_north", False),
        ("ü" * 30, False),
    ],
)
def test_peer_ids_are_told_from_names(text: str, is_one: bool) -> None:
    assert is_peer_id(text) is is_one
