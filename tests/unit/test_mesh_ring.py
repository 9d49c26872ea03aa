"""Who is connected to whom, worked out alike by everybody."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.mesh.finding.ring import FULL, Ring
from aikyo.mesh.host.flow import flows_to_all


def peers(number: int) -> list[str]:
    return [f"12D3KooW{n:04}" for n in range(number)]


def links(
    members: Iterable[str], views: dict[str, Ring], skipped: Collection[str] = ()
) -> dict[str, set[str]]:
    """Who is connected to whom once everybody has dialed whom it wants."""
    members = [peer for peer in members if peer not in skipped]
    found: dict[str, set[str]] = {peer: set() for peer in members}
    for own in members:
        for peer in views[own].neighbours(own, skipped):
            found[own].add(peer)
            found[peer].add(own)
    return found


def reached(found: dict[str, set[str]]) -> set[str]:
    ahead = [next(iter(found))]
    seen = set(ahead)
    while ahead:
        new = found[ahead.pop()] - seen
        seen |= new
        ahead += new
    return seen


@pytest.mark.parametrize("number", range(2, 101))
def test_all_are_connected_by_few_links_on_which_both_ends_agree(number: int) -> None:
    everybody = peers(number)
    ring = Ring(everybody)
    wanted = {own: ring.neighbours(own) for own in everybody}
    assert all(own in wanted[peer] for own in everybody for peer in wanted[own])
    assert all(own not in wanted[own] for own in everybody)
    assert reached(links(everybody, dict.fromkeys(everybody, ring))) == set(everybody)
    most = max(map(len, wanted.values()))
    assert most == number - 1 if number <= FULL else 8 <= most <= 14
    if FULL < number <= 65:
        assert most <= 12


@pytest.mark.parametrize("number", [14, 30, 60, 100])
def test_everybody_is_a_few_steps_away(number: int) -> None:
    everybody = peers(number)
    found = links(everybody, dict.fromkeys(everybody, Ring(everybody)))
    for own in everybody:
        near, steps = {own}, 0
        while len(near) < number:
            near |= {peer for one in near for peer in found[one]}
            steps += 1
        assert steps <= 4


@given(
    st.integers(min_value=2, max_value=60).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.integers(0, n - 1), max_size=n - 2))
    )
)
def test_those_who_cannot_be_reached_do_not_cut_it(case: tuple[int, set[int]]) -> None:
    number, gone = case
    everybody = peers(number)
    skipped = frozenset(everybody[n] for n in gone)
    found = links(everybody, dict.fromkeys(everybody, Ring(everybody)), skipped)
    assert reached(found) == set(everybody) - skipped
    assert all(len(near) <= 28 for near in found.values())


def test_who_is_skipped_changes_no_other_link() -> None:
    ring = Ring(peers(40))
    own, gone = peers(40)[0], sorted(ring.neighbours(peers(40)[0]))[3]
    assert ring.neighbours(own) - {gone} <= ring.neighbours(own, {gone})


def test_two_halves_that_meet_are_one() -> None:
    """What everybody had before does not keep the halves from joining, however full they were."""
    everybody = peers(60)
    halves = [everybody[:30], everybody[30:]]
    before = {own: Ring(half).neighbours(own) for half in halves for own in half}
    after = links(everybody, dict.fromkeys(everybody, Ring(everybody)))
    assert all(after[own] - before[own] for own in everybody)
    assert reached(after) == set(everybody)


def test_views_that_differ_by_what_only_one_process_knows_are_connected_all_the_same() -> None:
    shared = peers(36)
    homes = [shared[n::3] for n in range(3)]
    hidden = [f"firehose{n}" for n in range(3)]
    views = {own: Ring([*shared, hidden[n]]) for n in range(3) for own in [*homes[n], hidden[n]]}
    assert reached(links([*shared, *hidden], views)) == {*shared, *hidden}


def test_what_is_published_flows_along_links_that_both_ends_have() -> None:
    assert flows_to_all({})
    assert flows_to_all({"a": []})
    assert not flows_to_all({"a": [], "b": []})
    assert not flows_to_all({"a": ["b"], "b": []})
    assert flows_to_all({"a": ["b"], "b": ["a", "c"], "c": ["b"]})
    assert not flows_to_all({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]})


def test_what_others_pass_on_among_themselves_is_taken_for_one() -> None:
    assert flows_to_all({"a": ["x"], "b": ["y"]})
    assert not flows_to_all({"a": ["x"], "b": ["y"], "c": []})
