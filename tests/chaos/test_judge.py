"""The judge finds what is wrong in logs that are made up."""

from __future__ import annotations

import math

from tests.chaos.judge import Life, Verdict, judge
from tests.chaos.paths import Interval, State, paths

END = 100.0
A, B, C = "companion_a", "companion_b", "companion_c"
ALL = [("a", "b"), ("a", "c"), ("b", "c")]


def state(
    at: float, cause: str = "start", awake: str = "abc", joined: list[tuple[str, str]] = ALL
) -> State:
    return State(at, cause, dict.fromkeys(awake, 0), frozenset(map(frozenset, joined)))


def life(name: str, since: float = 0.0, until: float = math.inf) -> Life:
    return Life(f"companion_{name}", name, since, until)


def talk(one: Life, other: Life, silent: tuple[float, float] = (math.inf, math.inf)) -> None:
    """Each says something every second, and hears the other but for a while."""
    for second in range(int(END)):
        for said, heard in ((one, other), (other, one)):
            ident = f"{second:03}-{said.host}"
            said.said[ident] = second + 0.5
            if not silent[0] <= second < silent[1]:
                heard.heard.append((second + 0.6, said.host, ident))


def two(silent: tuple[float, float] = (math.inf, math.inf)) -> list[Life]:
    lives = [life("a"), life("b")]
    talk(lives[0], lives[1], silent)
    return lives


def verdict(lives: list[Life], states: list[State]) -> Verdict:
    return judge(lives, states, END, calm=END - 10)


def test_nothing_is_wrong_with_a_good_talk() -> None:
    found = verdict(two(), [state(0)])
    assert found.arrived["connected"] == found.expected["connected"] == 198  # without the very first
    assert not any((found.lost, found.doubles, found.strangers, *found.disorder.values()))


def test_a_lost_message_is_found() -> None:
    lives = two()
    del lives[1].heard[50]
    (lost,) = verdict(lives, [state(0)]).lost
    assert (lost.sender, lost.receiver, lost.id) == (A, B, f"050-{A}")


def test_a_doubled_message_is_found() -> None:
    lives = two()
    lives[1].heard.append(lives[1].heard[50])
    assert verdict(lives, [state(0)]).doubles == [(B, A, f"050-{A}")]


def test_a_reordered_message_is_found() -> None:
    lives = two()
    lives[1].heard[50:52] = reversed(lives[1].heard[50:52])
    assert verdict(lives, [state(0)]).disorder["connected"] == [(B, A, f"050-{A}")]


def test_what_is_said_into_a_cut_counts_apart_and_in_flight() -> None:
    lives = two(silent=(39, 60))
    found = verdict(lives, [state(0), state(40, "cut", joined=[]), state(60, "cut")])
    assert not found.lost
    assert found.expected["apart"] == 2 * 20
    assert found.arrived["apart"] == 0
    assert found.expected["in flight"] == 2 * 5
    assert found.arrived["in flight"] == 2 * 4


def test_a_cut_that_does_not_touch_the_pair_is_no_excuse() -> None:
    lives = two(silent=(40, 60))
    states = [state(0), state(40, "cut", joined=[("a", "b")]), state(60, "cut")]
    assert len(verdict(lives, states).lost) == 40


def test_a_way_through_others_is_a_path() -> None:
    lives = two(silent=(40, 60))
    through = [("a", "c"), ("b", "c")]
    assert len(verdict(lives, [state(0), state(40, "sever", joined=through)]).lost) == 40
    asleep = [state(0), state(40, "sever", "ab", through), state(60, "sever")]
    assert not verdict(lives, asleep).lost


def test_who_has_just_come_is_no_way_yet() -> None:
    lives = two(silent=(40, 60))
    states = [state(0, awake="ab"), state(39, "start"), state(40, "sever", joined=ALL[1:])]
    found = verdict(lives, states)
    assert not found.lost
    assert found.expected["apart"] == 2 * 4
    assert [round(seconds, 1) for seconds in found.reconnects["way through others"]] == [16.6]


def test_reconnecting_lasts_until_both_have_heard_each_other() -> None:
    lives = two(silent=(40, 70))
    lives[0].heard = [heard for heard in lives[0].heard if not 70 <= heard[0] < 75]
    states = [state(0), state(40, "cut", joined=[]), state(60, "cut")]
    found = verdict(lives, states)
    (seconds,) = found.reconnects["cut"]
    assert round(seconds, 1) == 15.6
    assert not found.lost
    assert found.expected["reconnecting"] == 2 * 16 + 2  # and the very first
    assert found.arrived["reconnecting"] == 5 + 2 + 2  # one side had come back already


def test_who_never_comes_back_is_told() -> None:
    found = verdict(two(silent=(40, 100)), [state(0), state(40, "cut", joined=[]), state(60, "cut")])
    assert found.reconnects["cut"] == [math.inf]
    assert found.strangers == [(A, B), (B, A)]


def test_another_life_and_another_address_begin_a_path_anew() -> None:
    states = [
        State(0, "start", {"a": 0, "b": 0}, frozenset([frozenset("ab")])),
        State(40, "kill", {"a": 0}, frozenset([frozenset("ab")])),
        State(50, "kill", {"a": 0, "b": 1}, frozenset([frozenset("ab")])),
        State(60, "address", {"a": 1, "b": 1}, frozenset([frozenset("ab")])),
    ]
    assert paths(states, END)[frozenset("ab")] == [
        Interval(0, 40, "start", "kill"),
        Interval(50, 60, "kill", "address"),
        Interval(60, END, "address"),
    ]


def test_companions_of_one_process_are_never_apart() -> None:
    lives = [Life(A, "a", 0), Life(B, "a", 0)]
    talk(lives[0], lives[1], (40, 41))
    assert len(verdict(lives, [state(0), state(30, "cut", joined=[])]).lost) == 2


def test_how_long_a_cut_goes_unnoticed_is_told_of_both_sides() -> None:
    lives = two(silent=(40, 60))
    lives[0].links = [(1, B, True), (52, B, False), (61, B, True)]
    lives[1].links = [(1, A, True)]
    states = [state(0), state(40, "cut", joined=[]), state(60, "cut")]
    noticed = {notice.host: notice.noticed for notice in verdict(lives, states).notices}
    assert noticed == {A: 12, B: math.inf}


def test_a_cut_too_short_to_be_noticed_need_not_be() -> None:
    lives = two(silent=(40, 50))
    lives[0].links = lives[1].links = [(1, A, True), (1, B, True)]
    assert not verdict(lives, [state(0), state(40, "cut", joined=[]), state(50, "cut")]).notices
