"""Turn-taking: the same States give the same speaker, and nothing that is missing stalls a turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import Outcome, Over, Patience, Speaker, Spoken, Turn, Wait
from aikyo.conversation.latency import BID_DEADLINE
from aikyo.conversation.turns import (
    CLAIM_DEADLINE,
    COMPOSE_DEADLINE,
    HEARSAY_SETTLES,
    HEARTBEAT_DEADLINE,
)
from aikyo.wire import Closing, Message, State

ALL = ("companion_alice", "companion_bob", "companion_carol", "companion_dan")
FOR_EVER = 1e6


def message(**fields: object) -> Message:
    base = {"id": "m1", "sender": "user_mika", "to": ALL, "message": "hello"}
    return Message(**{**base, **fields})  # type: ignore[arg-type]


def bid(who: str, state: str = "speak", **fields: object) -> State:
    return State(sender=who, message_id="m1", state=state, **fields)  # type: ignore[arg-type]


def turn_of(*bids: State, recent: Sequence[str] = (), **more: Any) -> Turn:
    spoken = [Spoken(who, 3.0) for who in recent]
    turn = Turn(message(), ALL, now=0.0, recent=spoken, **more)
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
    for now in range(5, 60, 5):
        turn.hear(bid(ALL[3], "composing"), float(now))
        decision = turn.decide(now + 4.0)
        assert isinstance(decision, Speaker)
        assert (decision.who, decision.claimed) == (ALL[3], True)


def test_the_turn_passes_on_when_a_claim_is_not_said_again() -> None:
    turn = turn_of(*(bid(who, importance=n) for n, who in enumerate(ALL)))
    turn.hear(bid(ALL[3], "composing"), 0.3)
    turn.hear(bid(ALL[3], "composing"), 4.0)
    assert speaker(turn, 3.9 + HEARTBEAT_DEADLINE) == ALL[3]
    assert speaker(turn, 4.0 + HEARTBEAT_DEADLINE) == ALL[2]
    turn.hear(bid(ALL[3], "composing"), 12.1)  # what it has lost, it cannot claim again
    assert speaker(turn, 12.1) == ALL[2]


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
    assert Turn(message(), (), now=0.0).decide(0.0) == Over(Outcome.NOBODY_WANTED)
    silent = turn_of(*(bid(who) for who in ALL))
    assert silent.decide(0.2) != silent.decide(FOR_EVER) == Over(Outcome.NO_QUORUM)
    left = turn_of(bid(ALL[0]), *(bid(who, "listen") for who in ALL[1:]))
    left.leave(ALL[0], 0.3)
    assert left.decide(0.3) == Over(Outcome.NO_QUORUM)
    gone = turn_of(*(bid(who, "listen") for who in ALL[1:]))
    gone.hear(bid(ALL[0], "composing"), 0.3)
    assert gone.decide(0.3 + HEARTBEAT_DEADLINE) == Over(Outcome.NO_QUORUM)


@pytest.mark.parametrize(
    ("reasons", "outcome"),
    [
        (("", "", "", "brain-failed"), Outcome.BRAIN_FAILED),
        (("closed", "limit", "interrupted", "brain-failed"), Outcome.BRAIN_FAILED),
        (("closed", "spent", "interrupted", "brain-failed"), Outcome.BRAIN_FAILED),
        (("closed", "limit", "interrupted", "spent"), Outcome.SPENT),
        (("closed", "limit", "interrupted", "quiet"), Outcome.INTERRUPTED),
        (("closed", "limit", "quiet", ""), Outcome.LIMIT),
        (("had-say", "closed", "quiet", ""), Outcome.CLOSED),
        (("quiet",) * 4, Outcome.QUIET),
        (("quiet", "quiet", "had-say", "quiet"), Outcome.NOBODY_WANTED),
        (("had-say", "busy", "", "whatever"), Outcome.NOBODY_WANTED),
    ],
)
def test_why_a_talk_rests_is_told_by_those_who_listen(reasons: Sequence[str], outcome: Outcome) -> None:
    states = [bid(who, "listen", reason=why) for who, why in zip(ALL, reasons, strict=True)]
    assert turn_of(*states).decide(0.2) == Over(outcome)
    assert turn_of(*reversed(states)).decide(0.2) == Over(outcome)


def test_whoever_gives_up_the_turn_tells_why_nobody_speaks() -> None:
    turn = turn_of(bid(ALL[0]), *(bid(who, "listen") for who in ALL[1:]))
    turn.hear(bid(ALL[0], "composing"), 0.3)
    turn.hear(bid(ALL[0], "listen", reason="brain-failed"), 2.0)
    assert turn.decide(2.0) == Over(Outcome.BRAIN_FAILED)


def test_an_answer_and_a_newer_message_end_the_turn() -> None:
    turn = turn_of(*(bid(who) for who in ALL))
    turn.answered(ALL[0])
    assert turn.decide(0.2) == Over(Outcome.ANSWERED)
    turn = turn_of(*(bid(who) for who in ALL))
    turn.supersede()
    assert turn.decide(0.2) == Over(Outcome.SUPERSEDED)


def test_nobody_holds_a_turn_for_long_by_claiming_again_and_again() -> None:
    turn = turn_of(*(bid(who) for who in ALL))
    for second in range(int(COMPOSE_DEADLINE)):
        turn.hear(bid(ALL[0], "composing", rank=255 - second), 0.3 + second)
        assert speaker(turn, 0.4 + second) == ALL[0]
    assert speaker(turn, 0.3 + COMPOSE_DEADLINE) not in (None, ALL[0])
    turn.hear(bid(ALL[0], "composing"), 60.4)
    assert speaker(turn, 60.4) != ALL[0]


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


def test_of_several_states_of_one_the_most_modest_counts_in_any_order() -> None:
    rest = [bid(who, "listen") for who in ALL[1:]]
    said = [bid(ALL[0], importance=9, selected=True), bid(ALL[0], importance=2)]
    scores = [turn_of(*order, *rest).scores for order in (said, said[::-1])]
    assert scores[0] == scores[1] == {ALL[0]: 2.0}
    said = [bid(ALL[0]), bid(ALL[0], "listen")]
    for order in (said, said[::-1]):
        assert turn_of(*order, *rest).decide(0.2) == Over(Outcome.NOBODY_WANTED)


def test_who_hears_it_without_being_invited_is_not_waited_for_but_counts() -> None:
    beyond = "companion_eve"
    turn = turn_of(*(bid(who, importance=5) for who in ALL), hearers={*ALL, beyond})
    assert isinstance(turn.decide(0.2), Speaker)
    turn = turn_of(bid(beyond, importance=9), *(bid(who) for who in ALL), hearers={*ALL, beyond})
    assert speaker(turn) == beyond
    turn = turn_of(*(bid(who) for who in ALL), hearers={*ALL, beyond})
    turn.hear(bid(beyond, "composing"), 0.3)
    turn.hear(bid("companion_stranger", "composing"), 0.3)
    assert speaker(turn, 0.4) == beyond
    assert [state.sender for state, _ in turn.claims] == [beyond]


def test_a_claim_that_was_turned_down_may_be_made_again_when_the_turn_is_free() -> None:
    turn = turn_of(*(bid(who) for who in ALL))
    turn.hear(bid(ALL[0], "composing", rank=0), 0.3)
    turn.hear(bid(ALL[1], "composing", rank=1), 0.4)
    assert speaker(turn, 0.5) == ALL[0]
    turn.hear(bid(ALL[0], "listen"), 0.6)
    turn.hear(bid(ALL[1], "composing", rank=1), 0.7)
    assert turn.decide(0.8) == Speaker(
        ALL[1], turn.ranking.index(ALL[1]), True, 0.7 + HEARTBEAT_DEADLINE
    )
    assert [state.sender for state, _ in turn.claims] == list(ALL[:2])


def test_a_claim_before_all_states_are_in_that_is_given_up_leaves_the_turn_to_the_others() -> None:
    turn = turn_of(bid(ALL[0], "composing"), bid(ALL[0], "listen"), *(bid(who) for who in ALL[1:]))
    assert speaker(turn) in ALL[1:]


def test_whoever_leaves_and_comes_back_may_speak() -> None:
    turn = turn_of(*(bid(who, "listen") for who in ALL[1:]))
    turn.leave(ALL[0], 0.2)
    assert turn.decide(0.2) == Over(Outcome.NOBODY_WANTED)
    turn = turn_of(*(bid(who, "listen") for who in ALL[2:]))
    turn.leave(ALL[0], 0.2)
    turn.hear(bid(ALL[0]), 0.3)
    turn.hear(bid(ALL[1], "listen"), 0.4)
    assert speaker(turn, 0.4) == ALL[0]


def test_who_wants_nothing_after_all_is_told_too() -> None:
    turn = turn_of(*(bid(who) for who in ALL[:3]))
    assert speaker(turn, BID_DEADLINE) in ALL[:3]
    turn.hear(bid(ALL[3], "listen", reason="quiet"), BID_DEADLINE)
    assert turn.offers[ALL[3]].reason == "quiet"
    assert ALL[3] not in turn.ranking


def test_a_claim_before_all_states_are_in_shuts_nobody_out() -> None:
    turn = turn_of(bid(ALL[0], "composing"))
    for number, who in enumerate(ALL[1:]):
        turn.hear(bid(who, importance=number), 0.2)
    assert speaker(turn) == ALL[0]
    assert turn.decide(0.1 + HEARTBEAT_DEADLINE) == Speaker(
        ALL[3], 0, False, 0.1 + HEARTBEAT_DEADLINE + CLAIM_DEADLINE
    )


def test_whoever_wants_to_speak_after_it_is_decided_comes_last() -> None:
    turn = turn_of(bid(ALL[0], importance=1))
    assert speaker(turn, BID_DEADLINE) == ALL[0]
    turn.hear(bid(ALL[1], importance=10), BID_DEADLINE)
    assert turn.ranking == (ALL[0], ALL[1])
    assert speaker(turn, BID_DEADLINE + CLAIM_DEADLINE) == ALL[1]


def test_the_answer_to_a_person_is_commented_on_by_those_alone_to_whom_it_matters() -> None:
    low = [bid(who, importance=6) for who in ALL]
    assert turn_of(*low, settled_pair=True).decide(0.2) == Over(Outcome.NOBODY_WANTED)
    asked = bid(ALL[2], importance=1, selected=True)
    for one in (asked, bid(ALL[2], importance=7)):
        assert turn_of(*low[:2], one, low[3], settled_pair=True).ranking == (ALL[2],)


def test_brains_that_answer_quickly_are_not_waited_for_long() -> None:
    patience = Patience()
    for _ in range(20):
        for who in ALL:
            patience.took(who, 0.3)
    turn = turn_of(*(bid(who) for who in ALL[:3]), patience=patience)
    waiting = turn.decide(0.2)
    assert waiting == Wait(1.0)
    assert isinstance(turn.decide(1.0), Speaker)
    listening = turn_of(*(bid(who, "listen") for who in ALL[:3]), patience=patience)
    assert listening.decide(0.2) == Wait(BID_DEADLINE)  # nobody loses by it


def test_whoever_is_waited_for_in_vain_is_known_for_it() -> None:
    patience = Patience()
    for who in ALL:
        patience.took(who, 0.3)
    turn_of(*(bid(who) for who in ALL[:3]), patience=patience).decide(1.2)
    assert patience.seconds(ALL[3]) > patience.seconds(ALL[0])


def test_patience_that_wears_thin_meanwhile_takes_nobodys_turn() -> None:
    patience = Patience()
    turn = turn_of(*(bid(who) for who in ALL[:3]), patience=patience)
    assert isinstance(turn.decide(4.0), Wait)
    for _ in range(20):
        patience.took(ALL[3], 0.3)
    first = speaker(turn, 4.1)
    assert first == turn.ranking[0]
    assert speaker(turn, 4.0 + CLAIM_DEADLINE) == turn.ranking[1]


def test_a_turn_learns_how_long_a_brain_takes_from_those_that_were_asked() -> None:
    patience = Patience()
    for _ in range(20):
        turn = Turn(message(), ALL, now=0.0, patience=patience)
        turn.hear(bid(ALL[0]), 0.5)
        turn.hear(bid(ALL[0], "listen"), 4.0)
        turn.hear(bid(ALL[1], "listen", reason="had-say"), 0.0)
    assert patience.seconds(ALL[0]) == 1.0
    assert patience.seconds(ALL[1]) == BID_DEADLINE


def test_whoever_asked_is_believed_that_it_was_answered() -> None:
    turn = Turn(message(sender=ALL[0]), ALL[1:], now=0.0)
    turn.hear(bid(ALL[1], "composing"), 0.2)
    turn.hear_of_answer(ALL[0], 0.3)
    assert turn.decide(0.3) == Wait(0.3 + HEARSAY_SETTLES)  # for the answer itself
    assert turn.decide(0.3 + HEARSAY_SETTLES) == Over(Outcome.SUPERSEDED)
    turn = Turn(message(sender=ALL[0]), ALL[1:], now=0.0)
    for second in (0.3, 0.8, 1.2):  # saying it again makes nobody wait longer
        turn.hear_of_answer(ALL[0], second)
        turn.decide(second)
    assert turn.decide(0.3 + HEARSAY_SETTLES) == Over(Outcome.SUPERSEDED)
    turn = Turn(message(sender=ALL[0]), ALL[1:], now=0.0)
    turn.hear_of_answer(ALL[0], 0.3)
    turn.answered(ALL[2])
    assert turn.decide(0.3) == Over(Outcome.ANSWERED)


def test_nobody_else_can_talk_a_speaker_down() -> None:
    for liars in ([ALL[1]], [ALL[1], ALL[2]], ["companion_stranger", "user_eve"]):
        turn = turn_of(*(bid(who, importance=who == ALL[0]) for who in ALL))
        turn.hear(bid(ALL[0], "composing"), 0.2)
        for liar in liars:
            turn.hear_of_answer(liar, 0.3)
        assert speaker(turn, 0.3) == ALL[0]
    turn = turn_of(*(bid(who, importance=who == ALL[0]) for who in ALL))
    turn.hear_of_answer(ALL[0], 0.1)  # nor take the turn and have it ended
    turn.hear(bid(ALL[0], "composing"), 0.2)
    assert speaker(turn, 0.2 + HEARTBEAT_DEADLINE) not in (None, ALL[0])
    turn = turn_of(*(bid(who) for who in ALL))
    turn.hear_of_answer(ALL[1], 0.0)
    turn.hear_of_answer(ALL[1], 0.0)
    assert isinstance(turn.decide(0.3), Speaker)


def test_a_turn_that_others_say_was_answered_does_not_pass_on() -> None:
    turn = turn_of(*(bid(who, importance=who == ALL[0]) for who in ALL))
    turn.hear(bid(ALL[0], "composing"), 0.2)
    turn.hear_of_answer(ALL[1], 0.3)
    assert turn.decide(0.2 + HEARTBEAT_DEADLINE) == Over(Outcome.SUPERSEDED)
    turn = turn_of(*(bid(who) for who in ALL))
    turn.hear_of_answer(ALL[1], 0.3)
    turn.hear_of_answer(ALL[2], 0.3)
    assert turn.decide(0.3 + HEARSAY_SETTLES) == Over(Outcome.SUPERSEDED)


def test_whoever_composes_yields_when_most_of_the_others_say_that_the_talk_has_gone_on() -> None:
    for witnesses in (2, 3):
        turn = turn_of(*(bid(who, importance=who == ALL[0]) for who in ALL))
        turn.hear(bid(ALL[0], "composing"), 0.2)
        for who in ALL[: witnesses + 1]:  # the first is the speaker's own word, which does not count
            turn.hear_of_answer(who, 0.3)
        turn.hear(bid(ALL[0], "composing"), 0.3)
        yielded = turn.decide(0.3 + HEARSAY_SETTLES) == Over(Outcome.SUPERSEDED)
        assert yielded == (2 * witnesses > len(ALL))


def test_a_rank_is_one_that_a_state_can_say() -> None:
    crowd = [f"companion_{number}" for number in range(300)]
    turn = Turn(message(), crowd[:8], now=0.0, hearers=crowd)
    for who in crowd[8:]:
        turn.hear(bid(who, importance=9), 0.1)
    for who in crowd[:8]:
        turn.hear(bid(who), 0.1)
    turn.hear(bid(turn.ranking[-1], "composing", rank=255), 0.2)
    assert turn.decide(0.2) == Speaker(turn.ranking[-1], 255, True, 0.2 + HEARTBEAT_DEADLINE)


def test_whoever_yielded_may_claim_again_when_the_other_falls_silent() -> None:
    turn = turn_of(
        bid(ALL[0]), *(bid(who, "listen") for who in ALL[1:]), hearers={*ALL, "companion_eve"}
    )
    turn.hear(bid(ALL[0], "composing", rank=1), 0.3)
    turn.hear(bid("companion_eve", "composing", rank=0), 0.4)
    assert speaker(turn, 0.5) == "companion_eve"
    assert turn.decide(0.4 + HEARTBEAT_DEADLINE) == Speaker(
        ALL[0], 0, False, 0.4 + HEARTBEAT_DEADLINE + CLAIM_DEADLINE
    )
    turn.hear(bid(ALL[0], "composing", rank=0), 8.5)
    turn.hear(bid("companion_eve", "composing", rank=0), 8.6)
    assert speaker(turn, 8.6) == ALL[0]


def test_the_last_who_wants_to_speak_may_have_to_wait_for_states_that_it_missed() -> None:
    turn = turn_of(bid(ALL[0]), bid(ALL[1], importance=9), *(bid(who, "listen") for who in ALL[2:]))
    assert speaker(turn, 0.1 + CLAIM_DEADLINE) == ALL[0]
    turn.hear(bid(ALL[0], "composing", rank=1), BID_DEADLINE + 0.2)
    assert turn.decide(BID_DEADLINE + 0.2) == Speaker(
        ALL[0], 1, True, BID_DEADLINE + 0.2 + HEARTBEAT_DEADLINE
    )
    silent = turn_of(bid(ALL[0]), *(bid(who, "listen") for who in ALL[1:]))
    assert speaker(silent, BID_DEADLINE + CLAIM_DEADLINE - 0.1) == ALL[0]
    assert silent.decide(BID_DEADLINE + CLAIM_DEADLINE) == Over(Outcome.NO_QUORUM)
