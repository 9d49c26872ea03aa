"""Conversations: whose turn a message opens, and that everyone who hears the same agrees."""

from __future__ import annotations

import itertools

from aikyo.conversation import Outcome, Over, Talks, Turn, Wait
from aikyo.wire import Message, State

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


def turn_of(talks: Talks, message: Message) -> Turn:
    heard = talks.hear_message(message, 0.0)
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
