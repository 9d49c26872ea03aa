"""Led turns: one judges for all, and nobody who is silent, gone or no leader stalls or takes a turn."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import Leader, LedTurn, Outcome, Over, Speaker, Wait
from aikyo.conversation.led_turn import LEADER_DEADLINE, SETTLES, SUCCESSOR_DEADLINE
from aikyo.wire import Closing, Message, State

ALICE, BOB, CAROL = "companion_alice", "companion_bob", "companion_carol"
ALL = (ALICE, BOB, CAROL)
PERSON = "user_ken"
TO = (CAROL, PERSON, ALICE, BOB)
FOR_EVER = 1e6


def state(who: str, want: str = "speak", **fields: object) -> State:
    return State(sender=who, message_id="m1", state=want, **fields)  # type: ignore[arg-type]


def turn_of(*array: State, by: str = ALICE, now: float = 1.0) -> LedTurn:
    """Alice leads, then Bob, then Carol; `array` is what `by` publishes."""
    message = Message(id="m1", sender="user_mika", to=TO, message="hello")
    turn = LedTurn(message, ALL, now=0.0)
    for one in array:
        turn.hear(one, now, by)
    return turn


def array(**fields: dict[str, object]) -> tuple[State, ...]:
    """A State for every recipient, in the message's order; who is not named listens."""
    usual: dict[str, object] = {"want": "listen"}
    return tuple(state(who, **fields.get(who.partition("_")[2], usual)) for who in TO)  # type: ignore[arg-type]


def speaker(turn: LedTurn, now: float = 1.0) -> str | None:
    decision = turn.decide(now)
    return decision.who if isinstance(decision, Speaker) else None


def test_the_elected_leader_is_waited_for() -> None:
    assert turn_of().decide(1.0) == Leader(ALICE, LEADER_DEADLINE)


def test_the_highest_importance_among_the_selected_speaks_whatever_else_is_said() -> None:
    selected = {"want": "listen", "importance": 2, "selected": True}
    wanting = {"importance": 10}
    assert speaker(turn_of(*array(alice=wanting, bob=selected))) == BOB
    more = selected | {"importance": 3}
    assert speaker(turn_of(*array(alice=wanting, bob=selected, carol=more))) == CAROL


def test_else_the_highest_importance_among_those_who_want_to_speak() -> None:
    listening = {"want": "listen", "importance": 9}
    found = array(alice={"importance": 3}, bob={"importance": 4}, carol=listening)
    assert speaker(turn_of(*found)) == BOB


def test_of_several_the_first_in_the_array_speaks() -> None:
    equal: dict[str, object] = {"importance": 5}
    assert speaker(turn_of(*array(alice=equal, bob=equal, carol=equal))) == CAROL
    assert speaker(turn_of(*reversed(array(alice=equal, bob=equal, carol=equal)))) == BOB


def test_nobody_speaks_who_is_no_companion_that_is_there() -> None:
    found = [state(PERSON, importance=9, selected=True), *array(bob={})]
    assert speaker(turn_of(*found)) == BOB


def test_only_the_leader_is_believed_about_others_and_before_it_has_judged_about_anybody() -> None:
    forged = array(bob={"selected": True, "importance": 9})
    for by in (BOB, CAROL, PERSON, "companion_eve"):
        assert turn_of(*forged, by=by).decide(1.0) == Leader(ALICE, LEADER_DEADLINE)
    assert turn_of(state(BOB, importance=9, selected=True), by=BOB).decide(1.0) == Leader(
        ALICE, LEADER_DEADLINE
    )


def test_an_array_that_lacks_somebody_counts_after_a_while() -> None:
    turn = turn_of(state(CAROL), state(BOB, importance=1))
    assert turn.decide(1.0) == Wait(1.0 + SETTLES)
    assert speaker(turn, 1.0 + SETTLES) == BOB


def test_a_talk_that_is_over_for_the_chosen_speaker_is_over() -> None:
    over = turn_of(*array(bob={"closing": Closing.TERMINAL, "importance": 2}, carol={}))
    assert over.decide(1.0) == Over(Outcome.CLOSED)
    going = turn_of(*array(bob={"closing": Closing.TERMINAL}, carol={"importance": 1}))
    assert speaker(going) == CAROL
    assert going.closing_of(BOB) is Closing.TERMINAL
    assert turn_of(*array()).decide(1.0) == Over(Outcome.NOBODY_WANTED)


def test_the_next_judges_when_the_leader_is_silent() -> None:
    turn = turn_of()
    assert turn.leads(ALICE, 1.0)
    assert turn.leads(BOB, 1.0) is None
    assert turn.leads("companion_eve", 1.0) is False
    assert turn.decide(LEADER_DEADLINE) == Leader(BOB, LEADER_DEADLINE + SUCCESSOR_DEADLINE)
    assert turn.leads(BOB, LEADER_DEADLINE)
    for one in array(carol={}):
        turn.hear(one, LEADER_DEADLINE + 1, BOB)
    assert speaker(turn, LEADER_DEADLINE + 1) == CAROL


def test_the_next_judges_at_once_when_the_leader_leaves() -> None:
    turn = turn_of()
    turn.leave(ALICE, 2.0)
    assert turn.decide(2.0) == Leader(BOB, 2.0 + SUCCESSOR_DEADLINE)
    turn.leave(CAROL, 2.0)
    turn.leave(BOB, 2.0)
    assert turn.decide(2.0) == Over(Outcome.NO_QUORUM)


def test_a_leader_that_was_slow_is_still_believed() -> None:
    turn = turn_of()
    turn.decide(LEADER_DEADLINE)
    for one in array(carol={}):
        turn.hear(one, LEADER_DEADLINE + 1, ALICE)
    assert speaker(turn, LEADER_DEADLINE + 1) == CAROL


def test_if_nobody_judges_the_turn_is_over() -> None:
    until = LEADER_DEADLINE + 2 * SUCCESSOR_DEADLINE
    assert turn_of().decide(until - 1) == Leader(CAROL, until)
    assert turn_of().decide(until) == Over(Outcome.NO_QUORUM)


def test_the_next_in_order_speaks_when_the_speaker_leaves_gives_up_or_is_silent() -> None:
    found = array(bob={"importance": 3}, alice={"importance": 2}, carol={"importance": 1})
    turn = turn_of(*found)
    turn.leave(BOB, 2.0)
    assert speaker(turn, 2.0) == ALICE
    turn = turn_of(*found)
    turn.hear(state(BOB, "listen"), 2.0, BOB)
    assert speaker(turn, 2.0) == ALICE
    turn = turn_of(*found)
    first = turn.decide(2.0)
    assert isinstance(first, Speaker)
    assert speaker(turn, first.until) == ALICE


def test_nobody_else_can_give_up_or_claim_the_speakers_turn() -> None:
    turn = turn_of(*array(bob={"importance": 3}, carol={}))
    turn.hear(state(BOB, "listen"), 2.0, CAROL)
    turn.hear(state(CAROL, "composing"), 2.0, CAROL)
    assert turn.decide(2.0) == Speaker(BOB, 0, False, 61.0)
    turn.hear(state(BOB, "composing"), 2.0, BOB)
    assert turn.decide(2.0) == Speaker(BOB, 0, True, 62.0)


def test_the_array_as_it_stands_names_the_next_speaker_to_those_who_only_know_arrays() -> None:
    found = array(bob={"importance": 3, "selected": True}, alice={"importance": 2}, carol={})
    turn = turn_of(*found)
    turn.hear(state(BOB, "composing"), 2.0, BOB)
    turn.hear(state(BOB, "listen"), 2.0, BOB)
    again = turn.as_it_stands()
    assert [one.sender for one in again] == list(TO)
    assert speaker(turn_of(*again)) == speaker(turn, 2.0) == ALICE
    for one in again:  # who hears it, and has heard the first, comes to the same
        turn.hear(one, 2.0, ALICE)
    assert speaker(turn, 2.0) == ALICE


def test_whoever_is_chosen_can_claim_the_turn_though_it_was_said_to_listen() -> None:
    turn = turn_of(*array(bob={"want": "listen", "selected": True}))
    turn.hear(state(BOB, "composing"), 2.0, BOB)
    assert turn.decide(2.0) == Speaker(BOB, 0, True, 62.0)


def test_an_answer_is_due_from_whoever_was_chosen_once_and_not_for_ever() -> None:
    turn = turn_of(*array(bob={}, carol={"importance": 9}))
    assert [who for who in ALL if turn.expects(who, 2.0)] == [CAROL]
    turn.supersede()
    assert turn.expects(CAROL, 2.0)
    assert not turn.expects(CAROL, FOR_EVER)
    turn.answered(CAROL)
    assert not turn.expects(CAROL, 2.0)
    assert not turn_of().expects(ALICE, 2.0)


@given(
    st.lists(
        st.tuples(
            st.builds(
                state,
                st.sampled_from((*TO, "companion_eve")),
                st.sampled_from(["speak", "listen", "composing"]),
                importance=st.floats(0, 10),
                selected=st.booleans(),
                closing=st.sampled_from(list(Closing)),
                rank=st.integers(0, 255),
            ),
            st.sampled_from((*TO, "companion_eve")),
        ),
        max_size=12,
    ),
    st.lists(st.sampled_from(ALL), max_size=3),
    st.floats(0, 30),
)
def test_whatever_is_heard_a_decision_comes_and_the_turn_ends(
    heard: list[tuple[State, str]], leaving: list[str], step: float
) -> None:
    turn, now = turn_of(), 1.0
    for one, by in heard:
        now += step
        turn.hear(one, now, by)
        decision = turn.decide(now)
        if isinstance(decision, Speaker):
            assert decision.who in ALL
            assert turn.as_it_stands()
            turn.hear(state(decision.who, "composing"), now)
            claimed = turn.decide(now)
            assert isinstance(claimed, Speaker)
            assert (claimed.who, claimed.claimed) == (decision.who, True)
            if step > 15:
                turn.hear(state(decision.who, "listen"), now)
                assert turn.decide(now) != claimed
    for who in leaving:
        turn.leave(who, now)
        decision = turn.decide(now)
        if isinstance(decision, Speaker | Leader):
            assert decision.who != who
    assert isinstance(turn.decide(FOR_EVER), Over)


def test_a_leader_says_nothing_of_those_who_were_not_asked() -> None:
    turn = turn_of(state(CAROL), *(state(f"companion_{n}") for n in range(1000)))
    assert speaker(turn, 1.0 + SETTLES) == CAROL
    assert [one.sender for one in turn.as_it_stands()] == [CAROL]
