"""Who hears a message, whom it turns to, and in what language it is."""

from __future__ import annotations

import pytest

from aikyo.conversation import audience, bidders, detect_language, hears, turns_to
from aikyo.wire import Message

ROSTER = ("companion_alice", "companion_bob")


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
