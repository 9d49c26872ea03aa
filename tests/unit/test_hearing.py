"""Who hears a message, whom it turns to, and in what language it is."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.conversation import (
    MAX_BIDDERS,
    audience,
    bidders,
    detect_language,
    hears,
    turns_to,
)
from aikyo.conversation.hearing import turned_to
from aikyo.wire import Message

ROSTER = ("companion_alice", "companion_bob")
NAMES = {"companion_alice": ["Alice", "アリス"], "companion_bob": ["ボブ"], "user_mika": ["ミカ"]}


def said(text: str = "hello", to: tuple[str, ...] = (), **metadata: str) -> Message:
    return Message(id="1", sender="user_mika", to=to, message=text, metadata=metadata)


def test_a_message_is_heard_by_its_recipients_and_sender_only() -> None:
    message = said(to=("companion_alice",))
    assert hears(message, "companion_alice")
    assert hears(message, "user_mika")
    assert not hears(message, "companion_bob")
    assert hears(said(), "companion_bob")


def test_people_and_the_sender_never_bid() -> None:
    assert bidders(said(), ROSTER) == set(ROSTER)
    own = Message(id="1", sender="companion_alice", to=("user_mika", "companion_bob"), message="x")
    assert bidders(own, ROSTER) == {"companion_bob"}


def test_an_answer_goes_to_everybody_else_who_heard() -> None:
    message = said(to=("companion_alice", "companion_bob", "user_ken"))
    assert audience(message, "companion_alice") == ("user_mika", "companion_bob", "user_ken")
    assert audience(said(), "companion_alice") == ()


@pytest.mark.parametrize(
    ("message", "turned"),
    [
        (said(to=("companion_alice",)), True),
        (said(to=ROSTER), False),
        (said("Alice, are you there?", ROSTER), True),
        (said("hey ALICE!", ROSTER), True),
        (said("malice aforethought", ROSTER), False),
        (said("alice-in-chains?", ROSTER), True),
        (said("ヒナさん、元気?", ROSTER), False),
        (said("Aliceさん、元気?", ROSTER), True),
        (said("well?", ROSTER, target="companion_alice"), True),
        (said("well?", ROSTER, target="companion_bob"), False),
    ],
)
def test_it_turns_to_whom_it_is_sent_alone_or_whom_it_names(message: Message, turned: bool) -> None:
    assert turns_to(message, "companion_alice", ["Alice"]) is turned


def test_names_in_scripts_without_spaces_are_heard() -> None:
    assert turns_to(said("ひなちゃんはどう思う?", ROSTER), "companion_hina", ["ひな"])


@pytest.mark.parametrize(
    ("text", "language"),
    [("hello there", "en"), ("こんにちは", "ja"), ("Tokyoの猫", "ja"), ("…!? 42", None), ("", None)],
)
def test_the_language_shows_in_the_script(text: str, language: str | None) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    "text",
    [
        "Bob, what do you think?",
        "What do you think, Bob?",
        "Hey Bob! Look.",
        "Good morning. Bob: are you there?",
        "Thanks, Bob.",
        "@bob look",
        "bob",
        "ボブさん、おはよう",
        "ねえボブ、聞いて",
        "おはよう、ボブくん！",
        "ボブはどう思う？",
        "どう思いますか、ボブ",
    ],
)
def test_calling_somebody_counts_more_than_speaking_of_them(text: str) -> None:
    message = said(f"{text}\nI met Alice.", ROSTER)
    assert turned_to(message, ROSTER, NAMES.__getitem__) == {"companion_bob"}


@pytest.mark.parametrize(
    "text",
    [
        "I met Bob yesterday.",
        "Tea and Bob.",
        "昨日ボブさんに会った。",
        "ボブの庭はきれい",
        "ボブはいい人",
    ],
)
def test_speaking_of_somebody_turns_to_them_only_if_nobody_is_called(text: str) -> None:
    assert turned_to(said(text, ROSTER), NAMES, NAMES.__getitem__) == {"companion_bob"}
    for call in ("Alice, ", "アリスさん、", "ミカ、"):
        assert not turned_to(said(call + text, ROSTER), NAMES, NAMES.__getitem__) & {"companion_bob"}


def test_a_question_that_names_nobody_is_put_back_to_whom_it_answers() -> None:
    for text, turned in (("And you?", {"companion_bob"}), ("I see.", set())):
        assert turned_to(said(text, ROSTER), ROSTER, previous="companion_bob") == turned
    to_alice = said("And you, Alice?", ROSTER)
    assert turned_to(to_alice, ROSTER, previous="companion_bob") == {"companion_alice"}
    assert not turned_to(said("And you?", ROSTER), ROSTER, previous="user_ken")


def test_a_message_to_one_alone_turns_to_nobody_else() -> None:
    assert not turns_to(said("Bob?", ("companion_alice",)), "companion_bob", ["Bob"])
    assert not turns_to(said("Bob?", ROSTER, target="companion_alice"), "companion_bob", ["Bob"])


def test_whoever_is_called_hears_it_in_any_crowd() -> None:
    crowd = [*(f"companion_{number}" for number in range(1000)), "companion_zoe"]
    message = said("Zoe, are you there?")
    assert turned_to(message, crowd) == {"companion_zoe"}
    assert "companion_zoe" in bidders(message, crowd)


CROWD = tuple(f"companion_{number}" for number in range(40))


def test_in_a_large_room_some_bid_those_first_to_whom_it_turns() -> None:
    message = said("Zoe, and companion_7, hello.")
    names = {"companion_3": ["Zoe"], "companion_7": ["companion_7"]}
    found = bidders(message, CROWD, lambda who: names.get(who, ()))
    assert len(found) == MAX_BIDDERS
    assert {"companion_3", "companion_7"} <= found
    asked_back = Message(id="1", sender="companion_0", message="And you?")
    assert "companion_9" in bidders(asked_back, CROWD, previous="companion_9")


def test_in_a_large_room_everybody_has_a_chance_to_bid() -> None:
    counts = Counter[str]()
    for number in range(400):
        counts.update(bidders(Message(id=f"{number}", sender="user_mika", message="hi"), CROWD))
    assert set(counts) == set(CROWD)
    assert max(counts.values()) < 3 * min(counts.values())


@given(st.sets(st.sampled_from(CROWD), min_size=10), st.sampled_from(CROWD), st.uuids())
def test_one_more_in_the_roster_changes_no_more_than_one_bidder(
    there: set[str], newcomer: str, ident: UUID
) -> None:
    message = Message(id=str(ident), sender="user_mika", message="hi")
    before, after = bidders(message, there), bidders(message, there | {newcomer})
    assert len(after - before) <= 1
    assert after - before <= {newcomer}


@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=12), st.text(max_size=20))
def test_whatever_is_said_and_whatever_somebody_is_called_it_is_told(
    text: str, names: list[str], other: str
) -> None:
    message = said(text, ROSTER)
    called = {"companion_alice": names, "companion_bob": [other]}
    assert turned_to(message, called, called.__getitem__) <= set(called)


def test_of_a_long_text_only_the_beginning_is_searched_for_names() -> None:
    assert turns_to(said("so " * 100 + "Bob?", ROSTER), "companion_bob", ["Bob"])
    assert not turns_to(said("so " * 5000 + "Bob?", ROSTER), "companion_bob", ["Bob"])
