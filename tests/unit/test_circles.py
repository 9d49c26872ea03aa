"""Messages of those who know of no talks belong to the talk that goes on."""

from __future__ import annotations

from aikyo.conversation import LedTurn, Talks
from aikyo.conversation.circles import SAME_TALK, Circles
from aikyo.wire import Message, State, encode

ALICE, AYA, MIKA = "companion_alice", "companion_aya", "user_mika"


def said(ident: str, sender: str = MIKA, *to: str, conversation: str | None = None) -> Message:
    return Message(
        id=ident, sender=sender, to=to or (ALICE, AYA), message="hi", conversation=conversation
    )


def led_talks() -> Talks:
    talks = Talks(lambda ident: ident.startswith("user_"), led=True)
    talks.meet((ALICE, AYA), 0.0)
    return talks


def hear(talks: Talks, message: Message, now: float = 0.0) -> Message:
    placed = talks.place(message, now)
    talks.hear_message(placed, now, encode(message)[1])
    return placed


def choose(talks: Talks, message: Message, who: str) -> None:
    leader = next(one for one in (ALICE, AYA) if talks.leads(one, message.id, 0.0))
    for one in message.to:
        state = State(sender=one, message_id=message.id, state="listen", selected=one == who)
        talks.hear_state(state, 0.0, leader)


def test_the_same_people_go_on_with_their_talk_until_they_have_been_silent_for_long() -> None:
    circles = Circles()
    assert circles.talk_of(said("1"), 0.0) == "1"
    assert circles.talk_of(said("2", ALICE, AYA, MIKA), 10.0) == "1"
    assert circles.talk_of(said("3", ALICE, AYA), 10.0) == "3"
    assert circles.talk_of(said("4"), 11.0 + SAME_TALK) == "4"


def test_a_message_that_names_its_talk_belongs_there_and_so_do_those_that_follow() -> None:
    circles = Circles()
    assert circles.talk_of(said("1", conversation="t"), 0.0) == "t"
    assert circles.talk_of(said("2", AYA, ALICE, MIKA), 1.0) == "t"


def test_no_more_than_some_circles_are_remembered() -> None:
    circles = Circles()
    for number in range(500):
        circles.talk_of(said(f"{number}", MIKA, f"companion_{number}"), 0.0)
    assert len(circles._latest) <= 64
    assert circles.talk_of(said("x", MIKA, "companion_0"), 0.0) == "x"


def test_the_answer_of_whoever_was_chosen_goes_to_what_it_was_asked_even_late() -> None:
    talks = led_talks()
    first = hear(talks, said("1", conversation="t"))
    choose(talks, first, AYA)
    hear(talks, said("2", conversation="u"))
    answer = talks.place(said("a", AYA, ALICE, MIKA), 1.0)
    assert (answer.conversation, answer.reply_to) == ("t", "1")
    talks.hear_message(answer, 1.0, encode(answer)[1])
    again = talks.place(said("b", AYA, ALICE, MIKA), 1.0)
    assert (again.conversation, again.reply_to) == ("u", "2")  # what that talk is at


def test_a_persons_word_answers_nothing_and_so_begins_anew() -> None:
    talks = led_talks()
    hear(talks, said("1", conversation="t"))
    assert talks.place(said("2", conversation="t"), 1.0).reply_to is None


def test_where_turns_are_not_led_a_message_stays_as_it_is() -> None:
    talks = Talks(lambda ident: ident.startswith("user_"))
    message = said("1")
    assert talks.place(message, 0.0) is message
    talks.meet((ALICE, AYA), 0.0)
    heard = talks.hear_message(message, 0.0, encode(message)[1])
    assert heard is not None
    assert not isinstance(heard[1], LedTurn)
    assert talks.leads(ALICE, "1", 0.0) is False


def test_it_is_known_who_may_judge_for_others_of_a_message_to_them_alone() -> None:
    talks = led_talks()
    message = said("1", MIKA, AYA)
    assert talks.leads(AYA, "1", 0.0) is None
    talks.overhear(message, 0.0, encode(message)[1])
    assert talks.leads(AYA, "1", 0.0) is True
    assert talks.leads(ALICE, "1", 0.0) is False


def test_a_message_that_elects_nobody_has_a_turn_in_which_everybody_bids() -> None:
    talks = led_talks()
    to_all = Message(id="1", sender=MIKA, message="hi")
    heard = talks.hear_message(to_all, 0.0, encode(to_all)[1])
    assert heard is not None
    assert not isinstance(heard[1], LedTurn)
