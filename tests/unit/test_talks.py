"""Conversations: whose turn a message opens, and that everyone who hears the same agrees."""

from __future__ import annotations

import itertools

from aikyo.conversation import Outcome, Over, Speaker, Talk, Talks, Turn, Wait
from aikyo.conversation.latency import BID_DEADLINE
from aikyo.conversation.turns import HEARSAY_SETTLES
from aikyo.wire import Closing, Message, State

ROSTER = ("companion_alice", "companion_bob", "companion_carol")
EVERYBODY = (*ROSTER, "user_mika")


def talks_of(*companions: str) -> Talks:
    talks = Talks(lambda ident: ident.startswith("user_"))
    talks.meet(companions or ROSTER, 0.0)
    return talks


def said(ident: str, sender: str, reply_to: str | None = None, **fields: object) -> Message:
    to = tuple(who for who in EVERYBODY if who != sender)
    base = {"id": ident, "sender": sender, "to": to, "message": "…", "conversation": "t"}
    return Message(**{**base, "reply_to": reply_to, **fields})  # type: ignore[arg-type]


def turn_of(talks: Talks, message: Message, now: float = 0.0) -> Turn:
    heard = talks.hear_message(message, now)
    assert heard is not None
    return heard[1]


def open_turns(talks: Talks, messages: list[Message]) -> set[str]:
    turns = [turn_of(talks, message) for message in messages]
    return {turn.message.id for turn in turns if not isinstance(turn.decide(0.0), Over)}


def test_an_answer_closes_the_turn_before_it_and_opens_its_own() -> None:
    talks = talks_of()
    first = turn_of(talks, said("1", "user_mika"))
    assert isinstance(first.decide(0.0), Wait)
    turn_of(talks, said("2", "companion_bob", "1"))
    assert first.decide(0.1) == Over(Outcome.ANSWERED)


def test_a_new_word_of_a_person_takes_the_floor() -> None:
    assert open_turns(talks_of(), [said("1", "user_mika"), said("2", "user_mika")]) == {"2"}


def test_a_late_answer_to_something_older_does_not_take_the_floor() -> None:
    messages = [said("1", "user_mika"), said("2", "user_mika"), said("3", "companion_bob", "1")]
    assert open_turns(talks_of(), messages) == {"2"}


def test_of_two_answers_at_once_all_go_on_from_the_same() -> None:
    first = said("1", "user_mika")
    answers = [said("2", "companion_alice", "1"), said("3", "companion_bob", "1")]
    for order in itertools.permutations(answers):
        assert open_turns(talks_of(), [first, *order]) == {"2"}


def test_a_question_that_is_heard_after_its_answer_is_not_answered_again() -> None:
    talks = talks_of()
    messages = [said("2", "companion_alice", "1"), said("1", "user_mika")]
    assert open_turns(talks, messages) == {"2"}
    assert open_turns(talks, [said("3", "companion_bob", "2")]) == {"3"}


def test_nobody_can_answer_away_what_others_were_asked() -> None:
    elsewhere = said("9", "user_eve", "1", conversation="elsewhere", to=ROSTER)
    unheard = said("9", "user_eve", "1", to=ROSTER)
    for forged in (elsewhere, unheard):
        talks = talks_of()
        asked = turn_of(talks, said("1", "user_mika", to=ROSTER))
        turn_of(talks, forged)
        assert asked.decide(0.0) != Over(Outcome.ANSWERED)
        if forged is elsewhere:
            assert isinstance(asked.decide(0.0), Wait)


def test_a_message_with_an_id_that_was_heard_before_opens_no_turn() -> None:
    talks = talks_of()
    asked = turn_of(talks, said("1", "user_mika"))
    assert talks.hear_message(said("1", "user_eve", conversation="elsewhere"), 0.0) is None
    for who in ROSTER:
        talks.hear_state(State(sender=who, message_id="1", state="listen"), 0.0)
    assert asked.decide(0.0) == Over(Outcome.NOBODY_WANTED)


def test_a_state_that_overtakes_its_message_counts() -> None:
    talks = talks_of()
    for who in ROSTER:
        talks.hear_state(State(sender=who, message_id="1", state="listen"), 0.0)
    assert turn_of(talks, said("1", "user_mika")).decide(0.0) == Over(Outcome.NOBODY_WANTED)


def test_whoever_leaves_the_mesh_is_waited_for_no_more() -> None:
    talks = talks_of()
    turn = turn_of(talks, said("1", "user_mika"))
    for who in ROSTER[:2]:
        talks.hear_state(State(sender=who, message_id="1", state="listen"), 0.0)
    talks.meet(ROSTER[:2], 0.1)
    assert turn.decide(0.1) == Over(Outcome.NOBODY_WANTED)


def test_conversations_do_not_disturb_each_other() -> None:
    talks = talks_of()
    one = turn_of(talks, said("1", "user_mika"))
    turn_of(talks, said("2", "user_ken", conversation="u"))
    assert isinstance(one.decide(0.0), Wait)


def test_what_is_remembered_is_bounded_in_number_and_size() -> None:
    talks = talks_of()
    large = {"target": "companion_bob", "junk": [{}] * 10_000}
    for number in range(500):
        message = said(f"{number}", "user_mika", conversation=f"{number % 100}", metadata=large)
        assert turn_of(talks, message).message.metadata == {"target": "companion_bob"}
        talks.hear_state(State(sender=ROSTER[0], message_id=f"x{number}", state="listen"), 0.0)
    assert len(talks._talks) <= 64
    assert len(talks._turns) <= 64
    assert len(talks._early) <= 256


def test_a_flood_pushes_out_nobody_elses_turn_or_talk() -> None:
    talks = talks_of()
    heard = talks.hear_message(said("1", "user_mika"), 0.0)
    assert heard is not None
    talk, asked = heard
    for number in range(500):
        talks.hear_message(said(f"x{number}", "companion_carol", conversation=f"x{number}"), 0.1)
    for who in ROSTER:
        talks.hear_state(state(who, "1"), 0.2)
    assert set(asked.offers) == set(ROSTER)
    later = talks.hear_message(said("2", "companion_bob", "1"), 0.3)
    assert later is not None
    assert later[0] is talk


def test_an_answer_by_somebody_who_could_not_hear_the_question_is_none() -> None:
    talks = talks_of()
    turn_of(talks, said("2", "companion_carol", "1", to=("companion_alice",)))
    private = said("1", "user_mika", to=("companion_alice",))
    assert isinstance(turn_of(talks, private).decide(0.0), Wait)


def test_who_could_not_hear_a_question_can_neither_answer_it_nor_lead_the_talk_away_from_it() -> None:
    for reply_to in ("1", "z", None):
        talks = talks_of()
        asked = turn_of(talks, said("1", "user_mika", to=("companion_alice",)))
        led_away = turn_of(talks, said("2", "companion_carol", reply_to, to=("companion_alice",)), 5.0)
        assert isinstance(asked.decide(5.0), Wait)
        assert led_away.decide(5.0) == Over(Outcome.SUPERSEDED)
        turn_of(talks, said("3", "companion_alice", "1", to=("user_mika",)), 5.5)
        assert asked.decide(5.5) == Over(Outcome.ANSWERED)


def test_what_a_person_answers_is_no_companions_answer() -> None:
    talks = talks_of()
    asked = turn_of(talks, said("1", "companion_alice"))
    turn_of(talks, said("2", "user_mika", "1"))
    assert asked.decide(0.1) == Over(Outcome.SUPERSEDED)


def test_nobody_bids_for_their_own_word_or_for_others() -> None:
    talks = talks_of()
    turn = turn_of(talks, said("1", "companion_alice"))
    for want in ("speak", "composing"):
        talks.hear_state(state("companion_alice", "1", want), 0.1)
        talks.hear_state(state("companion_bob", "1", want), 0.1, by="companion_carol")
    assert not turn.offers
    assert not turn.claims


def test_who_does_not_hear_a_message_has_no_part_in_its_turn() -> None:
    talks = talks_of()
    turn = turn_of(talks, said("1", "user_mika", to=ROSTER[:2]))
    for want in ("speak", "composing"):
        talks.hear_state(state("companion_carol", "1", want), 0.1)
    assert not turn.offers
    assert not turn.claims


def state(who: str, ident: str, want: str = "speak", **fields: object) -> State:
    return State(sender=who, message_id=ident, state=want, **fields)  # type: ignore[arg-type]


def test_two_words_of_people_at_once_end_in_one_floor_in_either_order() -> None:
    two = [said("1", "user_mika"), said("2", "user_ken", to=EVERYBODY)]
    for order in itertools.permutations(two):
        assert open_turns(talks_of(), list(order)) == {"2"}
    talks = talks_of()
    turn_of(talks, two[1], 0.0)
    assert isinstance(turn_of(talks, two[0], 5.0).decide(5.0), Wait)  # a slow clock, not in flight


def test_a_person_who_answers_something_older_is_heard_all_the_same() -> None:
    messages = [
        said("1", "user_mika"),
        said("2", "companion_bob", "1"),
        said("3", "companion_alice", "2"),
        said("4", "user_mika", "2"),
    ]
    assert open_turns(talks_of(), messages) == {"4"}


def test_who_missed_the_answer_learns_of_it_from_the_states_for_it() -> None:
    talks = talks_of()
    turn_of(talks, said("1", "user_mika"))
    missed = turn_of(talks, said("2", "companion_bob", "1"))
    talks.hear_state(state("companion_bob", "3", reply_to="2"), 1.0)  # it asked, so it knows
    assert missed.decide(1.0 + HEARSAY_SETTLES) == Over(Outcome.SUPERSEDED)


def test_nobody_can_silence_others_by_speaking_of_an_answer() -> None:
    for liar in ("companion_carol", "companion_eve", "user_mika", "user_ken"):
        talks = talks_of()
        asked = turn_of(talks, said("1", "user_ken", to=ROSTER))
        for number in range(10):
            talks.hear_state(state(liar, f"x{number}", reply_to="1"), 0.1)
        for who in ROSTER:
            talks.hear_state(state(who, "1"), 0.2)
        assert isinstance(asked.decide(0.3), Speaker)


def test_nobody_speaks_of_an_answer_in_anothers_name() -> None:
    talks = talks_of()
    asked = turn_of(talks, said("1", "companion_alice"))
    talks.hear_state(state("companion_alice", "x", reply_to="1"), 0.1, by="companion_carol")
    assert asked.decide(0.1) == Wait(BID_DEADLINE)


def test_it_is_known_who_of_the_latest_speakers_are_people() -> None:
    talks = talks_of()
    turn_of(talks, said("1", "user_mika"))
    turn = turn_of(talks, said("2", "companion_bob", "1"))
    assert [(one.sender, one.by_person) for one in turn.recent] == [
        ("user_mika", True),
        ("companion_bob", False),
    ]


def test_a_state_for_a_message_that_was_heard_is_no_hearsay() -> None:
    talks = talks_of()
    first = turn_of(talks, said("1", "companion_alice"))
    turn_of(talks, said("2", "companion_bob", "1", conversation="elsewhere"))
    talks.hear_state(state("companion_alice", "2", reply_to="1"), 0.1)
    assert first.decide(0.1) == Wait(BID_DEADLINE)


def test_a_turn_is_waited_for_as_long_as_its_brains_take() -> None:
    talks = talks_of()
    for number in range(20):
        now = 10.0 * number
        turn = turn_of(talks, said(f"{number:03}", "user_mika"), now)
        for who in ROSTER:
            talks.hear_state(state(who, f"{number:03}"), now + 0.2)
    turn = turn_of(talks, said("100", "user_mika"), 300.0)
    talks.hear_state(state(ROSTER[0], "100"), 300.1)
    assert isinstance(turn.decide(300.9), Wait)
    assert isinstance(turn.decide(301.0), Speaker)


def test_in_a_large_room_eight_are_invited_and_all_are_heard() -> None:
    crowd = tuple(f"companion_{number}" for number in range(20))
    talks = talks_of(*crowd)
    turn = turn_of(talks, said("1", "user_mika", to=()))
    assert len(turn.invited) == 8
    beyond = next(who for who in crowd if who not in turn.invited)
    talks.hear_state(state(beyond, "1", "composing"), 0.1)
    assert turn.decide(0.1) == Speaker(beyond, 0, True, 8.1)
    talks.meet(set(crowd) - {beyond}, 0.2)
    assert isinstance(turn.decide(0.2), Wait)


def test_whoever_comes_in_after_a_message_may_answer_it_all_the_same() -> None:
    talks = talks_of("companion_alice", "companion_bob")
    turn = turn_of(talks, said("1", "user_mika"))
    talks.hear_state(state("companion_carol", "1", "composing"), 0.1)
    assert isinstance(turn.decide(0.1), Wait)
    talks.meet(ROSTER, 0.1)
    talks.hear_state(state("companion_carol", "1", "composing"), 0.2)
    assert isinstance(turn.decide(0.2), Speaker)


def answer_of_bob(asked: Message, answer: str) -> Turn:
    return answer_of(asked, "companion_bob", answer)


def answer_of(asked: Message, who: str, answer: str) -> Turn:
    talks = talks_of()
    turn_of(talks, asked)
    turn = turn_of(talks, said("2", who, "1", message=answer))
    for other in ROSTER:
        talks.hear_state(state(other, "2", importance=5), 0.1)
    return turn


def test_what_a_person_asked_somebody_and_got_is_not_commented_on() -> None:
    asked = said("1", "user_mika", message="Bob, how is the garden?")
    settled = answer_of_bob(asked, "It is fine.")
    assert settled.decide(0.1) == Over(Outcome.NOBODY_WANTED)
    for open_turn in (
        answer_of_bob(asked, "Fine. And how was your day?"),
        answer_of_bob(said("1", "user_mika", message="How is the garden?"), "It is fine."),
        answer_of_bob(said("1", "companion_alice", message="Bob, is it fine?"), "It is fine."),
        answer_of(said("1", "user_ken", message="Mika, is it fine?"), "user_mika", "It is fine."),
    ):
        assert isinstance(open_turn.decide(0.1), Speaker)


def test_a_message_turns_to_whom_it_puts_a_question_back() -> None:
    talks = Talks(lambda ident: ident.startswith("user_"), names=lambda who: [who[-3:]])
    talks.meet(ROSTER, 0.0)
    talks.hear_message(said("1", "companion_bob"), 0.0)
    heard = talks.hear_message(said("2", "companion_alice", "1", message="And you?"), 0.0)
    assert heard is not None
    talk, turn = heard
    assert talk.turns_to(turn.message, "companion_bob")
    assert not talk.turns_to(turn.message, "companion_carol")
    called = said("3", "companion_alice", "1", message="And you, rol?")
    assert talk.turns_to(called, "companion_carol")
    assert not talk.turns_to(called, "companion_bob")


def test_whoever_missed_messages_closes_with_the_others() -> None:
    talks = talks_of()
    talk: Talk | None = None
    for ident, sender in (("1", "companion_alice"), ("2", "companion_bob")):
        heard = talks.hear_message(said(ident, sender, conversation="t"), 0.0)
        assert heard is not None
        talk, turn = heard
        for who in turn.invited:
            talks.hear_state(state(who, ident, closing=Closing.CLOSING), 0.1)
        turn.decide(0.1)
        stage = talk.closing
        assert stage is talk.closing  # the same States count once
    assert talk is not None
    assert talk.closing is Closing.CLOSING


def test_the_stages_that_states_name_count_once_and_when_all_are_in() -> None:
    crowd = tuple(f"companion_{number}" for number in range(6))
    talks = talks_of(*crowd)
    heard = talks.hear_message(said("2", crowd[0], to=()), 0.0)
    assert heard is not None
    talk = heard[0]
    for who in crowd[1:3]:  # two alone are no majority of those who are still to say
        talks.hear_state(state(who, "2", closing=Closing.TERMINAL), 0.1)
    assert talk.closing is Closing.NONE
    for who in crowd[3:]:
        talks.hear_state(state(who, "2", closing=Closing.TERMINAL), 0.2)
    talks.hear_message(said("1", crowd[1], to=()), 0.3)  # the talk does not go on from this
    assert [talk.closing, talk.closing] == [Closing.CLOSING] * 2


def test_a_word_to_one_alone_does_not_make_a_talk_smaller() -> None:
    talks = talks_of()
    for number in range(15):
        sender, other = ROSTER[number % 3], ROSTER[(number + 1) % 3]
        text = chr(0x4E00 + 101 * number) * 8
        to = (other,) if number == 14 else ROSTER
        message = said(f"{number:02}", sender, f"{number - 1:02}", message=text, to=to)
        heard = talks.hear_message(message, 0.0)
        assert heard is not None
        assert heard[0].closing is Closing.NONE


def test_a_companion_that_has_had_its_say_is_told_so() -> None:
    talks = talks_of()
    turn_of(talks, said("1", "user_mika"))
    heard = talks.hear_message(said("2", "companion_bob", "1"), 0.0)
    assert heard is not None
    assert [heard[0].refusal(who) for who in ROSTER] == ["", "had-say", ""]


def test_a_turn_knows_what_its_message_answers_or_else_broke_into() -> None:
    talks = talks_of()
    assert turn_of(talks, said("1", "user_mika")).after is None
    assert turn_of(talks, said("2", "companion_bob", "1")).after == "1"
    assert turn_of(talks, said("3", "user_mika")).after == "2"
    assert turn_of(talks, said("4", "companion_bob", "1")).after == "1"  # too late to take the floor


def test_who_missed_what_a_person_broke_in_with_learns_of_it_from_the_others() -> None:
    talks = talks_of()
    first = turn_of(talks, said("1", "companion_alice"))
    for who in ("companion_bob", "companion_carol"):
        talks.hear_state(State(sender=who, message_id="2", state="speak", reply_to="1"), 1.0)
    assert first.decide(1.0 + HEARSAY_SETTLES) == Over(Outcome.SUPERSEDED)


def test_who_only_watches_gives_the_last_one_longer_to_claim() -> None:
    for lag in (0.0, 3.0):
        talks = Talks(lambda ident: ident.startswith("user_"), lag=lag)
        talks.meet(ROSTER, 0.0)
        turn = turn_of(talks, said("1", "user_mika"))
        turn.hear(State(sender=ROSTER[0], message_id="1", state="speak"), 0.1)
        until = BID_DEADLINE + turn.claim_within + lag
        assert isinstance(turn.decide(until - 0.1), Speaker)
        assert turn.decide(until) == Over(Outcome.NO_QUORUM)
