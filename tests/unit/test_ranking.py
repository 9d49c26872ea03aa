"""Who goes first among those who want to speak, and that nobody is kept from speaking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import Spoken
from aikyo.conversation.ranking import (
    MOST_COOLDOWN,
    RECENT,
    UNASKED,
    cooldown,
    fairness,
    score_all,
)
from aikyo.wire import IdMaker, Message, State

ALICE, BOB, CAROL = "companion_alice", "companion_bob", "companion_carol"

Bid = tuple[float, bool]
Policy = Callable[[str, Sequence[str]], Bid]


def bid(who: str, importance: float = 5, selected: bool = False) -> State:
    return State(sender=who, message_id="m", state="speak", importance=importance, selected=selected)


def talk(names: Sequence[str], policy: Policy, messages: int, *, seconds: float = 3.0) -> list[str]:
    """Who speaks, where all want to speak every time, as much as `policy` says."""
    new_id = IdMaker(lambda: 0.0, Random(1))
    speakers, recent = [names[0]], [Spoken(names[0], seconds)]
    while len(speakers) < messages:
        message = Message(id=new_id(), sender=speakers[-1], message="…")
        bids = [bid(who, *policy(who, speakers)) for who in names if who != speakers[-1]]
        speakers.append(next(iter(score_all(message, bids, recent[-RECENT:]))))
        recent.append(Spoken(speakers[-1], seconds))
    return speakers


def longest_wait(speakers: Sequence[str], who: str) -> int:
    """Messages of others between two of `who`, or before the first or after the last."""
    longest = waited = 0
    for speaker in speakers:
        waited = 0 if speaker == who else waited + 1
        longest = max(longest, waited)
    return longest


def longest_pair(speakers: Sequence[str]) -> int:
    """The longest run of messages of two alone."""
    return max(
        next((n for n in range(2, len(speakers) - i) if speakers[i + n] not in speakers[i : i + 2]), 0)
        for i in range(len(speakers) - 1)
    )


def names(n: int) -> list[str]:
    return [f"companion_{number}" for number in range(n)]


any_bid = st.tuples(st.floats(0, 10) | st.sampled_from([0.0, 10.0]), st.booleans())


@given(st.integers(3, 8), st.data(), st.sampled_from([1.0, 3.0, 6.0]))
def test_whoever_always_wants_to_speak_does_within_a_bound_whatever_others_claim(
    n: int, data: st.DataObject, seconds: float
) -> None:
    room = names(n)
    fixed = data.draw(st.none() | st.lists(any_bid, min_size=n, max_size=n))
    seed = data.draw(st.integers(0, 1 << 32))
    random = Random(seed)

    def policy(who: str, _: Sequence[str]) -> Bid:
        if fixed is not None:
            return fixed[room.index(who)]
        return random.choice([0.0, 10.0]), random.random() < 0.5

    speakers = talk(room, policy, 120, seconds=seconds)
    assert max(longest_wait(speakers, who) for who in room) <= 2 * n + 6


@given(st.integers(3, 8), st.sampled_from([1.0, 6.0]))
def test_no_two_keep_the_floor_between_them_while_others_want_it(n: int, seconds: float) -> None:
    def greedy(who: str, _: Sequence[str]) -> Bid:
        return (10.0, True) if who in {"companion_0", "companion_1"} else (0.0, False)

    speakers = talk(names(n), greedy, 120, seconds=seconds)
    assert longest_pair(speakers) <= n + 8

    def starving(who: str, heard: Sequence[str]) -> Bid:
        waits = {one: list(reversed(heard)).index(one) if one in heard else 99 for one in names(n)}
        return (0.0, False) if waits[who] == max(waits.values()) else (10.0, True)

    speakers = talk(names(n), starving, 120, seconds=seconds)
    assert max(longest_wait(speakers, who) for who in names(n)) <= 2 * n + 6


def test_an_even_pair_that_turns_to_each_other_lets_a_third_in_soon() -> None:
    def policy(who: str, heard: Sequence[str]) -> Bid:
        pair = {ALICE, BOB}
        return 5.0, who in pair and heard[-1] in pair

    speakers = talk([ALICE, BOB, CAROL], policy, 60)
    assert 4 <= longest_pair(speakers) <= 8  # they may talk to each other for a while
    assert speakers.count(CAROL) >= 8


def test_who_speaks_long_makes_more_room_and_for_longer() -> None:
    short, long = Spoken(ALICE, 1.0), Spoken(ALICE, 6.0)
    others = [Spoken(BOB, 1.0)] * 3
    assert 0 < cooldown(ALICE, [short]) < cooldown(ALICE, [long])
    assert 0 < cooldown(ALICE, [long, *others]) < cooldown(ALICE, [long])
    assert cooldown(ALICE, [long] * RECENT) == MOST_COOLDOWN
    assert cooldown(CAROL, [long, *others]) == 0


def test_waiting_counts_from_what_a_person_said_last() -> None:
    pair = [Spoken(who, 3.0) for who in (ALICE, BOB) * 6]
    assert fairness(CAROL, pair, 2) > 0
    assert fairness(CAROL, [*pair, Spoken("user_mika", 3.0, by_person=True)], 2) == 0
    assert fairness(ALICE, pair, 2) == 0


def test_a_settled_pair_can_keep_nobody_out_for_ever() -> None:
    message = Message(id="m", sender=BOB, message="…")
    bids = [bid(CAROL, UNASKED - 3)]
    assert not score_all(message, bids, [Spoken(BOB, 3.0)], settled_pair=True)
    pair = [Spoken(who, 3.0) for who in (ALICE, BOB) * 6]
    assert list(score_all(message, bids, pair, settled_pair=True)) == [CAROL]


@given(st.lists(st.tuples(st.sampled_from([ALICE, BOB, CAROL]), any_bid), unique_by=lambda b: b[0]))
def test_the_order_of_bids_does_not_matter(found: list[tuple[str, Bid]]) -> None:
    message = Message(id="m", sender="user_mika", message="…")
    bids = [bid(who, *wants) for who, wants in found]
    scores = score_all(message, bids, ())
    assert list(scores.items()) == list(score_all(message, bids[::-1], ()).items())
    assert list(scores.values()) == sorted(scores.values(), reverse=True)


def test_ties_go_to_another_one_with_each_message() -> None:
    new_id = IdMaker(lambda: 0.0, Random(1))
    bids = [bid(who) for who in (ALICE, BOB, CAROL)]
    first = {
        next(iter(score_all(Message(id=new_id(), sender="user_mika", message="…"), bids, ())))
        for _ in range(40)
    }
    assert first == {ALICE, BOB, CAROL}
