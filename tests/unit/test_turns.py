"""Turn-taking: the same States give the same speaker, and nothing that is missing stalls a turn."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import Outcome, Over, Speaker, Turn, Wait
from aikyo.wire import Closing, Message, State

ALL = ("companion_alice", "companion_bob", "companion_carol", "companion_dan")
FOR_EVER = 1e6


def message(**fields: object) -> Message:
    base = {"id": "m1", "sender": "user_mika", "to": ALL, "message": "hello"}
    return Message(**{**base, **fields})  # type: ignore[arg-type]


def bid(who: str, state: str = "speak", **fields: object) -> State:
    return State(sender=who, message_id="m1", state=state, **fields)  # type: ignore[arg-type]


def turn_of(*bids: State, recent: Sequence[str] = ()) -> Turn:
    turn = Turn(message(), ALL, now=0.0, recent=recent)
    for one in bids:
        turn.hear(one, now=0.1)
    return turn


def speaker(turn: Turn, now: float = 0.2) -> str | None:
    decision = turn.decide(now)
    return decision.who if isinstance(decision, Speaker) else None


bids = st.builds(
    bid,
    st.sampled_from(ALL),
    st.sampled_from(["speak", "listen"]),
    importance=st.floats(0, 10),
    selected=st.booleans(),
)
claims = st.builds(
    bid, st.sampled_from(ALL), st.sampled_from(["composing", "listen"]), rank=st.integers(0, 255)
)


@given(
    st.lists(bids, unique_by=lambda b: b.sender, min_size=4, max_size=4), st.randoms(), st.integers(0, 9)
)
def test_the_same_states_in_any_order_and_number_give_the_same_speaker(
    states: list[State], random: object, copies: int
) -> None:
    shuffled = states + states[: copies % 4]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert turn_of(*states).decide(0.2) == turn_of(*shuffled).decide(0.2)


@given(st.lists(bids | claims, max_size=8), st.floats(0, 100))
def test_no_turn_is_open_for_ever(states: list[State], now: float) -> None:
    turn = turn_of(*states)
    turn.decide(now)
    assert isinstance(turn.decide(FOR_EVER), Over)


@given(
    st.lists(
        st.builds(
            bid,
            st.sampled_from((*ALL, "companion_stranger")),
            st.sampled_from(["speak", "listen", "composing"]),
            importance=st.floats(0, 10),
            rank=st.integers(0, 255),
            closing=st.sampled_from(list(Closing)),
        ),
        max_size=12,
    ),
    st.lists(st.sampled_from(ALL), max_size=4),
)
def test_whatever_is_heard_a_decision_comes_and_names_only_bidders(
    states: list[State], leaving: list[str]
) -> None:
    turn = turn_of(*states)
    for index, who in enumerate(leaving):
        turn.leave(who, 0.2 + index)
        decision = turn.decide(0.3 + index)
        if isinstance(decision, Speaker):
            assert decision.who in set(ALL) - set(leaving[: index + 1])
    assert isinstance(turn.decide(FOR_EVER), Over)


def test_all_states_in_decide_at_once() -> None:
    turn = turn_of(*(bid(who, importance=5) for who in ALL))
    assert isinstance(turn.decide(0.2), Speaker)


def test_a_missing_state_is_waited_for_until_the_deadline_only() -> None:
    turn = turn_of(*(bid(who) for who in ALL[:3]))
    waiting = turn.decide(0.2)
    assert isinstance(waiting, Wait)
    assert speaker(turn, waiting.until) in ALL[:3]


def test_whoever_is_turned_to_goes_before_whoever_finds_it_more_important() -> None:
    turn = turn_of(
        bid(ALL[0], importance=9),
        bid(ALL[1], importance=7, selected=True),
        bid(ALL[2], "listen"),
        bid(ALL[3], "listen"),
    )
    assert speaker(turn) == ALL[1]


def test_being_turned_to_is_strong_but_not_absolute() -> None:
    turn = turn_of(
        bid(ALL[0], importance=9), bid(ALL[1], importance=2, selected=True), *map(bid, ALL[2:])
    )
    assert speaker(turn) == ALL[0]


def test_who_has_just_spoken_makes_room_for_others() -> None:
    states = [bid(ALL[0], importance=6), bid(ALL[1], importance=5), *(bid(w, "listen") for w in ALL[2:])]
    assert speaker(turn_of(*states)) == ALL[0]
    recent = [ALL[0], ALL[1], ALL[0], ALL[2]]
    assert speaker(turn_of(*states, recent=recent)) == ALL[1]


def test_runner_up_speaks_when_the_winner_dies() -> None:
    turn = turn_of(*(bid(who, importance=n) for n, who in enumerate(ALL)))
    first = speaker(turn)
    assert first == ALL[3]
    turn.leave(ALL[3], 0.3)
    assert speaker(turn, 0.3) == ALL[2]


def test_runner_up_speaks_when_the_winner_does_not_claim() -> None:
    turn = turn_of(*(bid(who, importance=n) for n, who in enumerate(ALL)))
    decision = turn.decide(0.2)
    assert isinstance(decision, Speaker)
    following = turn.decide(decision.until)
    assert following == Speaker(ALL[2], 1, False, following.until)  # type: ignore[union-attr]


def test_a_claim_holds_the_turn_while_its_owner_composes() -> None:
    turn = turn_of(*(bid(who, importance=n) for n, who in enumerate(ALL)))
    turn.decide(0.2)
    turn.hear(bid(ALL[3], "composing"), 0.3)
    decision = turn.decide(30.0)
    assert isinstance(decision, Speaker)
    assert (decision.who, decision.claimed) == (ALL[3], True)


def test_the_turn_passes_on_when_its_owner_gives_it_up() -> None:
    turn = turn_of(*(bid(who, importance=n) for n, who in enumerate(ALL)))
    turn.decide(0.2)
    turn.hear(bid(ALL[3], "composing"), 0.3)
    turn.hear(bid(ALL[3], "listen"), 0.4)
    assert speaker(turn, 0.4) == ALL[2]


def test_of_two_claims_the_lower_rank_stands_in_either_order() -> None:
    low, high = bid(ALL[0], "composing", rank=0), bid(ALL[1], "composing", rank=1)
    states = [bid(who) for who in ALL]
    assert speaker(turn_of(*states, low, high)) == ALL[0]
    assert speaker(turn_of(*states, high, low)) == ALL[0]


def test_of_two_claims_of_one_rank_the_same_stands_in_either_order() -> None:
    claims = [bid(who, "composing") for who in ALL[:2]]
    states = [bid(who) for who in ALL]
    assert speaker(turn_of(*states, *claims)) == speaker(turn_of(*states, *reversed(claims)))


def test_a_claim_that_overtakes_the_states_is_believed() -> None:
    assert speaker(turn_of(bid(ALL[2], "composing"))) == ALL[2]


def test_it_says_why_nobody_speaks() -> None:
    assert turn_of(*(bid(who, "listen") for who in ALL)).decide(0.2) == Over(Outcome.NOBODY_WANTED)
    assert turn_of().decide(10.0) == Over(Outcome.NO_QUORUM)
    assert Turn(message(), (), now=0.0).decide(0.0) == Over(Outcome.NOBODY_ADDRESSED)
    silent = turn_of(*(bid(who) for who in ALL))
    assert silent.decide(0.2) != silent.decide(FOR_EVER) == Over(Outcome.SILENT)


def test_an_answer_and_a_newer_message_end_the_turn() -> None:
    turn = turn_of(*(bid(who) for who in ALL))
    turn.answered(ALL[0])
    assert turn.decide(0.2) == Over(Outcome.ANSWERED)
    turn = turn_of(*(bid(who) for who in ALL))
    turn.supersede()
    assert turn.decide(0.2) == Over(Outcome.SUPERSEDED)


def test_nobody_holds_a_turn_for_long_by_claiming_again_and_again() -> None:
    turn = turn_of(*(bid(who) for who in ALL))
    for rank in range(255, -1, -1):
        turn.hear(bid(ALL[0], "composing", rank=rank), 0.3)
    decision = turn.decide(0.3)
    assert isinstance(decision, Speaker)
    assert decision.until <= 61
    assert speaker(turn, 61.0) not in (None, ALL[0])


def test_a_claim_of_a_high_rank_that_is_given_up_leaves_the_turn_to_the_others() -> None:
    turn = turn_of(*(bid(who, importance=n) for n, who in enumerate(ALL)))
    turn.hear(bid(ALL[0], "composing", rank=255), 0.3)
    turn.hear(bid(ALL[0], "listen"), 0.4)
    assert speaker(turn, 0.5) == ALL[3]


def test_who_has_given_up_or_only_listens_cannot_claim() -> None:
    turn = turn_of(bid(ALL[0], "listen"), *(bid(who) for who in ALL[1:]))
    turn.hear(bid(ALL[0], "composing"), 0.2)
    assert speaker(turn) != ALL[0]
    first = speaker(turn)
    assert first is not None
    turn.hear(bid(first, "listen"), 0.3)
    turn.hear(bid(first, "composing"), 0.4)
    assert speaker(turn, 0.5) not in (None, first)


def test_a_claim_that_comes_late_still_goes_before_the_runner_up() -> None:
    turn = turn_of(*(bid(who, importance=n) for n, who in enumerate(ALL)))
    assert speaker(turn, 2.0) == ALL[2]
    turn.hear(bid(ALL[2], "composing", rank=1), 2.0)
    turn.hear(bid(ALL[3], "composing", rank=0), 2.1)
    assert speaker(turn, 2.2) == ALL[3]


def test_whoever_is_busy_leaves_the_turn_to_the_next_at_once() -> None:
    turn = turn_of(*(bid(who, importance=n) for n, who in enumerate(ALL)))
    turn.hear(bid(ALL[3], "listen"), 0.2)
    assert speaker(turn, 0.2) == ALL[2]
