"""Conversations: whose turn a message opens, and that everyone who hears the same agrees."""

from __future__ import annotations

import itertools

import pytest

from aikyo.conversation import Outcome, Over, Talks, Wait
from aikyo.wire import Message, State

ROSTER = ("companion_alice", "companion_bob", "companion_carol")
EVERYBODY = (*ROSTER, "user_mika")


def said(ident: str, sender: str, reply_to: str | None = None) -> Message:
    to = tuple(who for who in EVERYBODY if who != sender)
    return Message(id=ident, sender=sender, to=to, message="…", conversation="t", reply_to=reply_to)


def open_turns(talks: Talks, messages: list[Message]) -> set[str]:
    turns = [talks.hear_message(message, ROSTER, 0.0)[1] for message in messages]
    return {turn.message.id for turn in turns if not isinstance(turn.decide(0.0), Over)}


def test_an_answer_closes_the_turn_before_it_and_opens_its_own() -> None:
    talks = Talks()
    _, first = talks.hear_message(said("1", "user_mika"), ROSTER, 0.0)
    assert isinstance(first.decide(0.0), Wait)
    talks.hear_message(said("2", "companion_bob", "1"), ROSTER, 0.1)
    assert first.decide(0.1) == Over(Outcome.ANSWERED)


def test_a_new_word_of_a_person_takes_the_floor() -> None:
    talks = Talks()
    assert open_turns(talks, [said("1", "user_mika"), said("2", "user_mika")]) == {"2"}


def test_a_late_answer_to_something_older_does_not_take_the_floor() -> None:
    messages = [said("1", "user_mika"), said("2", "user_mika"), said("3", "companion_bob", "1")]
    assert open_turns(Talks(), messages) == {"2"}


def test_of_two_answers_at_once_all_go_on_from_the_same() -> None:
    first = said("1", "user_mika")
    answers = [said("2", "companion_alice", "1"), said("3", "companion_bob", "1")]
    for order in itertools.permutations(answers):
        assert open_turns(Talks(), [first, *order]) == {"2"}


def test_a_state_that_overtakes_its_message_counts() -> None:
    talks = Talks()
    for who in ROSTER:
        state = State(sender=who, message_id="1", state="listen")
        assert talks.hear_state(state, 0.0) is None
    _, turn = talks.hear_message(said("1", "user_mika"), ROSTER, 0.0)
    assert turn.decide(0.0) == Over(Outcome.NOBODY_WANTED)


def test_conversations_do_not_disturb_each_other() -> None:
    talks = Talks()
    _, one = talks.hear_message(said("1", "user_mika"), ROSTER, 0.0)
    other = Message(id="2", sender="user_ken", to=ROSTER, message="…", conversation="u")
    talks.hear_message(other, ROSTER, 0.0)
    assert isinstance(one.decide(0.0), Wait)


@pytest.mark.parametrize("count", [500])
def test_what_is_remembered_is_bounded(count: int) -> None:
    talks = Talks()
    for number in range(count):
        message = Message(id=f"{number}", sender="user_mika", to=ROSTER, message="…")
        talks.hear_message(message, ROSTER, 0.0)
        talks.hear_state(State(sender=ROSTER[0], message_id=f"x{number}", state="listen"), 0.0)
    assert len(talks._talks) <= 64
    assert len(talks._turns) <= 64
    assert len(talks._early) <= 256
