"""What strangers may cost: pure, with time handed in."""

from __future__ import annotations

import pytest

from aikyo.companion.allowance import HOUR, TOGETHER, WEIGHED_PER_TURN, Allowance

OWN = {"our-alice", "our-bob", "our-firehose"}


def allowance(turns: int = 2) -> Allowance:
    return Allowance(turns, OWN.__contains__)


def hear_stranger(given: Allowance, talk: str, peer: str = "eve") -> None:
    given.hear(talk, peer, f"user_{peer}", by_person=True)


def test_what_nobody_elsewhere_has_a_part_in_is_never_limited() -> None:
    given = allowance(0)
    given.hear("t", "our-firehose", "user_mika", by_person=True)
    given.hear("t", "our-bob", "companion_bob", by_person=False)
    assert all(given.spend("turn", "t", 0.0) for _ in range(100))
    assert given.why_not("t", 0.0) == ""


def test_a_peer_of_another_home_gets_so_many_turns_and_has_them_again_an_hour_later() -> None:
    given = allowance(2)
    hear_stranger(given, "t")
    turns = [given.spend("turn", "t", now) for now in (0.0, 10.0, 20.0, HOUR - 0.1, HOUR, HOUR + 1)]
    assert turns == [True, True, False, False, True, False]


def test_each_peer_has_its_own() -> None:
    given = allowance(1)
    for peer in ("eve", "mallory"):
        hear_stranger(given, f"talk of {peer}", peer)
    assert given.spend("turn", "talk of eve", 0.0)
    assert not given.spend("turn", "talk of eve", 0.0)
    assert given.spend("turn", "talk of mallory", 0.0)


def test_made_up_peers_share_what_there_is_for_all_together() -> None:
    given = allowance(2)
    taken = 0
    for number in range(100):
        hear_stranger(given, f"t{number}", f"peer-{number}")
        taken += given.spend("turn", f"t{number}", 0.0)
    assert taken == 2 * TOGETHER
    assert given.why_not("t99", 0.0) == (
        f"{2 * TOGETHER} turns this hour for peers of other homes; --foreign-turns sets how many"
    )
    assert given.why_not("t98", 0.0) == ""  # once for all of them


def test_weighing_is_limited_too_and_ends_with_the_turns() -> None:
    given = allowance(2)
    hear_stranger(given, "t")
    weighed = sum(given.spend("weigh", "t", 0.0) for _ in range(100))
    assert weighed == 2 * WEIGHED_PER_TURN
    assert given.why_not("t", 0.0).startswith(f"{2 * WEIGHED_PER_TURN} messages weighed")

    given = allowance(1)
    hear_stranger(given, "t")
    assert given.spend("turn", "t", 0.0)
    assert not given.spend("weigh", "t", 0.0)


def test_with_nothing_allowed_nothing_is_spent() -> None:
    given = allowance(0)
    hear_stranger(given, "t")
    assert not given.spend("weigh", "t", 0.0)
    assert "takes no turns" in given.why_not("t", 0.0)


def test_why_is_told_once_an_hour() -> None:
    given = allowance(1)
    hear_stranger(given, "t")
    assert given.spend("turn", "t", 0.0)
    assert given.why_not("t", 1.0) == (
        "1 turn this hour for eve, who is of another home; --foreign-turns sets how many"
    )
    assert given.why_not("t", HOUR - 1) == ""
    assert given.spend("turn", "t", HOUR)
    assert given.why_not("t", HOUR + 1)


def test_what_goes_on_in_a_strangers_talk_is_on_the_strangers_account() -> None:
    given = allowance(1)
    hear_stranger(given, "t")
    given.hear("t", "our-alice", "companion_alice", by_person=False)
    assert given.spend("turn", "t", 0.0)
    assert not given.spend("turn", "t", 0.0)


def test_a_person_of_this_home_takes_a_talk_back() -> None:
    given = allowance(0)
    hear_stranger(given, "t")
    assert not given.spend("turn", "t", 0.0)
    given.hear("t", "our-firehose", "user_mika", by_person=True)
    assert given.spend("turn", "t", 0.0)


def test_a_talk_that_goes_on_is_not_forgotten_for_what_others_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("aikyo.companion.allowance._TALKS", 4)
    given = allowance(0)
    hear_stranger(given, "t")
    for number in range(20):
        hear_stranger(given, f"t{number}", "mallory")
        given.hear("t", "our-alice", "companion_alice", by_person=False)
    assert not given.spend("turn", "t", 0.0)
    assert given.spend("turn", "t0", 0.0)  # forgotten


def test_what_is_kept_is_bounded() -> None:
    given = allowance(3)
    for number in range(10_000):
        now = float(number)
        hear_stranger(given, f"t{number}", f"peer-{number}")
        given.spend("weigh", f"t{number}", now)
        given.spend("turn", f"t{number}", now)
        given.why_not(f"t{number}", now)
    assert len(given._talks) <= 4096
    assert len(given._told) <= 2 * TOGETHER + 1
    for spent in given._spent.values():
        assert len(spent._spent) <= spent.total
        assert len(spent._by_peer) <= spent.total
