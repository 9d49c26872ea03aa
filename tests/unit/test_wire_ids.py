"""Ids sort by time, never repeat, and are the same wherever they are derived."""

from __future__ import annotations

import random
import uuid

from hypothesis import given
from hypothesis import strategies as st

from aikyo.wire import NAME, IdMaker, bare_name, companion_id, derived_id, user_id


@given(st.lists(st.floats(1e9, 2e9), min_size=2, max_size=50), st.integers())
def test_ids_only_go_forward_even_when_the_clock_goes_back(times: list[float], seed: int) -> None:
    clock = iter(times)
    new_id = IdMaker(lambda: next(clock), random.Random(seed))
    ids = [new_id() for _ in times]
    assert ids == sorted(set(ids))


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_front() -> None:
    ident = uuid.UUID(IdMaker(lambda: 1_700_000_000.123, random.Random(1))())
    assert ident.version == 7
    assert ident.variant == uuid.RFC_4122
    assert ident.int >> 80 == 1_700_000_000_123


def test_many_ids_within_a_millisecond_stay_in_order() -> None:
    new_id = IdMaker(lambda: 1e9, random.Random(1))
    ids = [new_id() for _ in range(10_000)]
    assert ids == sorted(set(ids))


@given(st.text(max_size=60), st.binary(max_size=16))
def test_a_derived_id_is_the_same_at_every_receiver(peer: str, sequence: bytes) -> None:
    assert derived_id(peer, sequence) == derived_id(peer, sequence)
    assert derived_id(peer, sequence) != derived_id(peer, sequence + b"x")
    assert uuid.UUID(derived_id(peer, sequence)).version == 8


def test_names_and_ids_turn_into_each_other() -> None:
    assert companion_id("alice") == companion_id("companion_alice") == "companion_alice"
    assert user_id("mika") == "user_mika"
    assert bare_name("companion_alice") == "alice"
    assert bare_name("user_mika") == "mika"
    assert NAME.fullmatch("alice-2")
    assert not NAME.fullmatch("Alice")
