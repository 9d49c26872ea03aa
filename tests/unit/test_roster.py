from __future__ import annotations

import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from aikyo.mesh import Roster
from aikyo.mesh.roster import MAX_MEMBERS
from aikyo.wire import Presence

ALICE, BOB = Presence(id="companion_alice"), Presence(id="companion_bob")


def test_the_first_peer_to_present_an_id_holds_it() -> None:
    roster = Roster()
    assert roster.bind("p1", ALICE)
    assert not roster.bind("p2", ALICE)
    member = roster.get(ALICE.id)
    assert member is not None
    assert (member.peer, roster.held_by("p1"), roster.held_by("p2")) == ("p1", ALICE.id, None)


def test_a_peer_has_one_id_and_lets_the_older_go() -> None:
    roster = Roster()
    roster.bind("p1", ALICE)
    roster.bind("p1", BOB)
    assert list(roster) == [BOB.id]
    assert roster.bind("p2", ALICE)


def test_a_release_frees_the_id() -> None:
    roster = Roster()
    roster.bind("p1", ALICE)
    assert roster.release("p1") == ALICE.id
    assert roster.release("p1") is None
    assert ALICE.id not in roster
    assert len(roster) == 0


def test_who_is_beyond_our_neighbours_is_forgotten_unless_it_presents_itself_again() -> None:
    roster = Roster()
    roster.bind("p1", ALICE, until=90)
    assert roster.expire(60) == ()
    roster.bind("p1", ALICE, until=150)
    assert roster.expire(90) == ()
    assert roster.expire(150) == (ALICE.id,)


def test_a_presence_does_not_shorten_the_stay_of_a_neighbour() -> None:
    roster = Roster()
    roster.bind("p1", ALICE)
    roster.bind("p1", ALICE, until=90)
    assert roster.expire(1e9) == ()
    roster.limit("p1", 100)
    assert roster.expire(100) == (ALICE.id,)


def test_a_full_roster_takes_nobody_new_but_keeps_serving_who_is_there() -> None:
    roster = Roster()
    for n in range(MAX_MEMBERS):
        assert roster.bind(f"p{n}", Presence(id=f"c{n}"))
    assert not roster.bind("late", ALICE)
    assert roster.bind("p0", BOB)


def test_in_a_full_roster_who_stays_takes_the_place_of_who_is_forgotten_first() -> None:
    roster = Roster()
    for n in range(MAX_MEMBERS):
        assert roster.bind(f"p{n}", Presence(id=f"c{n}"), until=100.0 + n)
    assert not roster.bind("passing", ALICE, until=1e9)
    assert roster.bind("staying", BOB)
    assert len(roster) == MAX_MEMBERS
    assert (roster.held_by("p0"), roster.held_by("p1")) == (None, "c1")


def test_one_of_our_own_always_fits() -> None:
    roster = Roster()
    for n in range(MAX_MEMBERS):
        roster.bind(f"p{n}", Presence(id=f"c{n}"))
    assert not roster.bind("staying", BOB)
    assert roster.bind("own", ALICE, own=True)
    assert not roster.bind("other", ALICE, own=True)


async def test_a_change_wakes_who_waits_and_no_change_does_not() -> None:
    roster = Roster()
    seen: list[int] = []

    async def wait() -> None:
        await roster.changed()
        seen.append(len(roster))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert seen == []
        roster.bind("p1", ALICE)
    assert seen == [1]

    roster.bind("p1", ALICE)
    with trio.move_on_after(0) as scope:
        await roster.changed()
    assert scope.cancelled_caught


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["bind", "release", "expire"]),
            st.integers(0, 4),
            st.integers(0, 4),
            st.integers(0, 9),
        )
    )
)
def test_ids_and_peers_always_match_one_to_one(steps: list[tuple[str, int, int, int]]) -> None:
    roster = Roster()
    for verb, peer, companion, when in steps:
        if verb == "bind":
            roster.bind(f"p{peer}", Presence(id=f"c{companion}"), until=float(when))
        elif verb == "release":
            roster.release(f"p{peer}")
        else:
            roster.expire(float(when))
        members = {ident: roster.get(ident) for ident in roster}
        assert all(member and roster.held_by(member.peer) == ident for ident, member in members.items())
        assert sum(roster.held_by(f"p{n}") is not None for n in range(5)) == len(roster)
