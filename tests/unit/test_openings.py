"""When a companion may begin a talk, and which of two openings stands."""

import math
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation.openings import (
    BREATH,
    COMPOSES_FOR,
    OPENING,
    STEP,
    Beginnings,
    Opening,
    Openings,
    Wish,
    stands,
)
from aikyo.wire import Fired, Message, State, is_companion

ALICE, BOB, CAROL, MIKA = "companion_alice", "companion_bob", "companion_carol", "user_mika"
SILENCE = 180.0
RAIN = (Fired(number=1, expression='context == "text"', tool="speak", instruction="Tell of it."),)


def opened(me: str = ALICE, there: Iterable[str] = (ALICE, BOB), now: float = 0.0) -> Openings:
    """What `me` knows, who has been up for long."""
    openings = Openings(me, lambda who: not is_companion(who), now, silence=SILENCE)
    openings.meet(there, now)
    return openings


def said(sender: str, *to: str, ident: str = "m", **fields: str) -> Message:
    return Message(id=ident, sender=sender, to=to, message="x", **fields)


def state(sender: str, kind: str = "composing", ident: str = "m", reason: str = "") -> State:
    return State(sender=sender, message_id=ident, state=kind, reason=reason)


def when(openings: Openings, now: float = 0.0) -> tuple[float, Wish]:
    """When it begins if nothing more is heard, and what."""
    for _ in range(20):
        match openings.decide(now):
            case Wish() as wish:
                return now, wish
            case until:
                assert until > now
                now = until
                if now == math.inf:
                    break
    raise AssertionError("it never begins")


def test_after_a_silence_one_begins_and_the_others_wait_longer() -> None:
    there = [f"companion_{n}" for n in range(8)]
    times = sorted(when(opened(who, there))[0] for who in there)
    assert times == [SILENCE + STEP * place for place in range(8)]


def test_who_begins_first_changes_with_what_was_said_last() -> None:
    there = [f"companion_{n}" for n in range(4)]
    first = set()
    for n in range(40):
        known = {who: opened(who, there) for who in there}
        for openings in known.values():
            openings.hear_message(said(MIKA, ident=f"m{n}"), 1.0)
        first.add(min(known, key=lambda who: when(known[who], 1.0)[0]))
    assert first == set(there)


def test_in_a_large_room_nobody_waits_for_ever() -> None:
    there = [f"companion_{n}" for n in range(1000)]
    assert max(when(opened(who, there))[0] for who in there[:50]) <= SILENCE + 10


def test_what_is_said_begins_the_silence_anew() -> None:
    openings = opened()
    openings.hear_message(said(BOB), 170.0)
    assert when(openings, 170.0)[0] >= 170.0 + SILENCE


def test_what_is_said_to_others_is_no_end_of_silence() -> None:
    openings = opened()
    openings.hear_message(said(BOB, CAROL), 170.0)
    assert when(openings, 170.0)[0] < 170.0 + SILENCE


def test_one_who_is_alone_begins_nothing_and_whoever_comes_later_is_greeted() -> None:
    openings = opened(there=[ALICE])
    openings.perceive("c", RAIN, 0.0)
    assert openings.decide(0.0) == math.inf
    openings.meet([ALICE, BOB], 1000.0)
    at, wish = when(openings, 1000.0)
    assert wish == Wish("newcomer", BOB)
    assert 1001.0 < at < 1010.0


def test_while_somebody_composes_nothing_is_begun() -> None:
    openings = opened()
    openings.hear_state(state(BOB), 179.0)
    assert openings.decide(185.0) == 179.0 + COMPOSES_FOR
    openings.hear_state(state(BOB, "listen"), 190.0)
    assert when(openings, 190.0)[0] >= 190.0 + SILENCE


@pytest.mark.parametrize("how", ["message", "listen", "leaves", "time"])
def test_composing_ends(how: str) -> None:
    openings = opened(there=[ALICE, BOB, CAROL])
    openings.hear_state(state(BOB), 100.0)
    openings.perceive("c", RAIN, 100.0)
    match how:
        case "message":
            openings.hear_message(said(BOB, CAROL, reply_to="m"), 101.0)
        case "listen":
            openings.hear_state(state(BOB, "listen"), 101.0)
        case "leaves":
            openings.meet([ALICE, CAROL], 101.0)
        case _:
            pass
    at, wish = when(openings, 101.0)
    assert wish.why == "context"
    assert at >= 160.0 if how == "time" else at < 105.0


def test_that_another_listens_does_not_end_what_one_composes() -> None:
    openings = opened()
    openings.hear_state(state(BOB), 0.0)
    openings.hear_state(state(CAROL, "listen"), 0.0)
    openings.hear_state(state(BOB, "listen", "another"), 0.0)
    assert openings.decide(1.0) == COMPOSES_FOR


def test_a_context_is_told_soon_but_not_right_after_something_was_said() -> None:
    openings = opened()
    openings.hear_message(said(MIKA), 100.0)
    openings.perceive("c", RAIN, 101.0)
    at, wish = when(openings, 101.0)
    assert wish == Wish("context", "c", RAIN)
    assert 100.0 + BREATH <= at < 100.0 + BREATH + 2


@pytest.mark.parametrize("sender", [ALICE, BOB])
def test_a_context_that_a_talk_is_about_already_is_not_told_again(sender: str) -> None:
    openings = opened()
    openings.perceive("c", RAIN, 100.0)
    openings.hear_message(said(sender), 101.0)
    assert when(openings, 101.0)[1].why == "silence"


def test_a_wish_that_found_no_time_is_dropped() -> None:
    openings = opened()
    openings.perceive("c", RAIN, 100.0)
    for n in range(40):
        openings.hear_message(said(MIKA, ident=str(n)), 101.0 + 5 * n)
    assert when(openings, 296.0)[1].why == "silence"


def test_whoever_was_there_at_first_is_no_newcomer_nor_one_who_comes_back() -> None:
    openings = opened()
    openings.meet([ALICE, BOB, CAROL], 5.0)
    openings.meet([ALICE, BOB], 50.0)
    openings.meet([ALICE, BOB, CAROL], 60.0)
    assert when(openings, 60.0)[1].why == "silence"


@pytest.mark.parametrize(
    "message", [said(BOB, CAROL), said(MIKA), said(CAROL, BOB)], ids=["greeted", "told all", "spoke"]
)
def test_a_newcomer_who_was_greeted_or_speaks_is_not_greeted(message: Message) -> None:
    openings = opened()
    openings.meet([ALICE, BOB, CAROL], 100.0)
    openings.hear_message(message, 101.0)
    assert when(openings, 101.0)[1].why == "silence"


def test_a_newcomer_is_greeted_alone_and_once() -> None:
    openings = opened()
    openings.meet([ALICE, BOB, CAROL], 100.0)
    _, wish = when(openings, 100.0)
    assert openings.recipients(wish, 103.0) == (CAROL,)
    openings.announce(Opening("t", wish, (CAROL,)))
    assert openings.end(104.0)
    assert when(openings, 104.0)[1].why == "silence"


def test_one_begins_with_those_one_talked_with_last_and_people_who_are_about() -> None:
    there = [ALICE, *(f"companion_{n}" for n in range(20))]
    openings = opened(there=there)
    openings.hear_message(said("user_old", ALICE), 0.0)
    openings.hear_message(said("companion_17", ALICE), 3000.0)
    openings.hear_message(said(MIKA), 3001.0)
    openings.hear_message(said("companion_18", "companion_9"), 3002.0)
    to = openings.recipients(Wish("silence"), 3700.0)
    assert to[0] == "companion_17"
    assert len(to) == 8
    assert to[-1] == MIKA


def test_nobody_who_does_not_answer_is_pressed() -> None:
    openings, now = opened(), 0.0
    waits = []
    for n in range(3):
        at, wish = when(openings, now)
        waits.append(at - now)
        openings.announce(Opening(f"t{n}", wish, (BOB,)))
        openings.hear_message(said(ALICE, BOB, ident=f"m{n}", conversation=f"t{n}"), at)
        assert not openings.end(at)
        now = at
    assert waits[1] > 1.9 * SILENCE
    assert waits[2] > 3.9 * SILENCE
    openings.hear_message(said(BOB, ALICE, ident="at last"), now)
    assert when(openings, now)[0] - now < 1.1 * SILENCE


IDS = st.text(min_size=1, max_size=40)


@given(IDS, IDS)
def test_of_two_openings_one_stands(one: str, other: str) -> None:
    assert (stands(one, other), stands(other, one)) in {(True, False), (False, True)} or one == other


@given(IDS, IDS)
def test_of_two_that_hear_each_other_just_one_makes_way(one: str, other: str) -> None:
    alice, bob = opened(ALICE), opened(BOB)
    alice.announce(Opening(one, Wish("silence"), (BOB,)))
    bob.announce(Opening(other, Wish("silence"), (ALICE,)))
    alice.hear_state(state(BOB, ident=other, reason=OPENING), 1.0)
    bob.hear_state(state(ALICE, ident=one, reason=OPENING), 1.0)
    assert alice.yields != bob.yields or one == other


def test_an_opening_makes_way_for_a_turn_until_it_has_settled_and_for_words_until_it_is_said() -> None:
    openings = opened()
    openings.announce(Opening("t", Wish("silence"), (BOB,)))
    openings.hear_state(state(ALICE, ident="t", reason=OPENING), 0.0)
    assert not openings.yields
    openings.settle()
    openings.hear_state(state(CAROL), 0.0)
    assert not openings.yields
    openings.hear_message(said(CAROL, BOB), 0.0)
    assert not openings.yields
    openings.hear_message(said(MIKA), 0.0)
    assert openings.yields
    openings.hear_message(said(ALICE, BOB, conversation="t"), 0.0)
    assert not openings.yields
    early = opened()
    early.announce(Opening("t", Wish("silence"), (BOB,)))
    early.hear_state(state(CAROL), 0.0)
    assert early.yields


def test_a_budget_is_for_an_hour() -> None:
    begun = Beginnings(2)
    begun.count(0.0)
    assert begun.free_at(10.0) == 10.0
    begun.count(10.0)
    assert begun.free_at(20.0) == 3600.0
    begun.count(3600.0)
    assert begun.free_at(3601.0) == 3610.0
    assert Beginnings(0).free_at(0.0) == math.inf


EVENTS = st.lists(
    st.tuples(
        st.floats(0, 500),
        st.sampled_from(["message", "composing", "listen", "speak", "context", "meet", "rest"]),
        st.sampled_from([ALICE, BOB, CAROL, MIKA, "peer"]),
        st.sampled_from(["m1", "m2", "t"]),
    ),
    max_size=30,
)


@given(EVENTS)
def test_whatever_is_heard_nothing_begins_while_somebody_composes_and_it_never_stalls(
    events: list[tuple[float, str, str, str]],
) -> None:
    openings, now = opened(), 0.0
    composing: dict[str, tuple[str, float]] = {}
    for wait, what, who, ident in events:
        now += wait
        match what:
            case "message":
                openings.hear_message(said(who, ident=ident), now)
                composing.pop(who, None)
            case "context":
                openings.perceive(ident, RAIN, now)
            case "meet":
                openings.meet([ALICE, BOB, who], now)
                composing = {each: of for each, of in composing.items() if each in {ALICE, BOB, who}}
            case "rest":
                openings.rest(now)
            case _:
                openings.hear_state(state(who, what, ident), now)
                if what == "composing":
                    composing[who] = (ident, now)
                elif composing.get(who, ("", 0))[0] == ident:
                    del composing[who]
    at, _ = when(openings, now)
    assert all(at >= since + COMPOSES_FOR for _, since in composing.values())
    assert at <= now + COMPOSES_FOR + 64 * SILENCE + 10
