"""Of several messages in flight, the talk goes on from the same one everywhere."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation.floor import IN_FLIGHT, STALE, Floor
from aikyo.wire import Message


def said(ident: str, reply_to: str | None = None, sender: str = "companion_bob") -> Message:
    return Message(id=ident, sender=sender, message="…", reply_to=reply_to)


def by_mika(ident: str, reply_to: str | None = None) -> Message:
    return said(ident, reply_to, "user_mika")


def goes_on_from(heard: Iterable[Message], *, apart: float = 0.1) -> str | None:
    """The message that the talk goes on from, having heard these, so many seconds apart."""
    floor, at = Floor(), None
    for number, message in enumerate(heard):
        if floor.takes(message, number * apart, by_person=message.sender == "user_mika"):
            at = message.id
    return at


def in_any_order(messages: Sequence[Message]) -> set[str | None]:
    return {goes_on_from(order) for order in itertools.permutations(messages)}


def test_of_two_words_of_people_at_once_the_one_with_the_higher_id_is_gone_on_from() -> None:
    assert in_any_order([by_mika("1"), by_mika("2")]) == {"2"}
    assert in_any_order([by_mika("1"), by_mika("2"), by_mika("3")]) == {"3"}


def test_a_persons_word_goes_before_what_a_companion_begins_at_once() -> None:
    assert in_any_order([by_mika("1"), said("2")]) == {"1"}
    assert in_any_order([said("1"), said("2")]) == {"2"}


def test_nobody_goes_unheard_for_a_slow_clock() -> None:
    assert goes_on_from([by_mika("9"), by_mika("1")], apart=IN_FLIGHT) == "1"


def test_of_two_answers_to_one_message_the_one_with_the_lower_id_is_gone_on_from() -> None:
    answers = [said("3", "1"), said("2", "1"), said("4", "1")]
    for order in itertools.permutations(answers):
        assert goes_on_from([by_mika("1"), *order]) == "2"


def test_the_longer_of_two_strands_is_gone_on_from() -> None:
    first, two, three, four = by_mika("1"), said("2", "1"), said("3", "1"), said("4", "3")
    for order in itertools.permutations([two, three, four]):
        if order.index(three) < order.index(four):
            assert goes_on_from([first, *order]) == "4"


def test_a_persons_word_goes_before_a_companions_answer_whichever_is_heard_first() -> None:
    begun = [by_mika("1"), said("2", "1")]
    for order in itertools.permutations([said("3", "2"), by_mika("4")]):
        assert goes_on_from([*begun, *order]) == "4"
    for order in itertools.permutations([said("3", "2"), by_mika("4", "2")]):  # also if it is an answer
        assert goes_on_from([*begun, *order]) == "4"


def test_a_late_answer_to_something_older_is_not_gone_on_from() -> None:
    assert goes_on_from([by_mika("1"), by_mika("2"), said("3", "1")]) == "2"
    assert goes_on_from([by_mika("1"), said("2", "1"), said("3", "2"), said("0", "1")]) == "3"


def test_what_is_heard_after_its_own_answer_is_not_gone_on_from() -> None:
    assert goes_on_from([said("2", "1"), by_mika("1")]) == "2"


def test_an_answer_to_something_that_was_missed_is_gone_on_from() -> None:
    assert goes_on_from([by_mika("1"), said("3", "2")]) == "3"
    assert goes_on_from([by_mika("1"), said("0", "00")], apart=STALE) == "0"


def test_a_late_answer_to_something_old_that_was_missed_does_not_take_a_talk_back() -> None:
    for newest in (said("5", "4"), said("5", "1"), by_mika("5")):
        for late in (said("3", "2"), said("6", "2")):
            assert goes_on_from([by_mika("1"), newest, late], apart=3.0) == "5"


@given(st.integers(2, 12), st.integers(0, 1 << 32))
def test_those_who_hear_the_same_with_the_causes_first_go_on_from_the_same(n: int, seed: int) -> None:
    random = Random(seed)
    messages = [by_mika("00")]
    for number in range(1, n):
        ident = f"{random.randrange(1000):03}-{number}"
        if random.random() < 0.2:
            messages.append(by_mika(ident))
        else:
            messages.append(said(ident, random.choice(messages).id))
    found = set()
    for _ in range(5):
        left, order = list(messages), []
        while left:
            heard = {message.id for message in order}
            message = random.choice([m for m in left if m.reply_to is None or m.reply_to in heard])
            left.remove(message)
            order.append(message)
        found.add(goes_on_from(order, apart=0.01))
    assert len(found) == 1


def test_it_is_known_who_said_what_for_a_bounded_time() -> None:
    floor = Floor()
    for number in range(1000):
        floor.takes(said(f"{number}", f"{number - 1}"), float(number), by_person=False)
    assert floor.sender_of("999") == "companion_bob"
    assert floor.sender_of("0") is None
    assert floor.sender_of(None) is None
    assert len(floor._places) == len(floor._answered) == 128
