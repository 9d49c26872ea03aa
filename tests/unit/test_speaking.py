"""What a model is about to say is shown as it comes, and nothing that must be taken back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain.models.speaking import MAX_SHOWN, Speaking
from tests.support.minds import Hands


def shown(arguments: str, *, name: str = "speak", step: int = 1) -> list[str]:
    hands = Hands()
    speaking = Speaking(hands)
    for end in [*range(step, len(arguments), step), len(arguments)]:
        speaking.feed(name, arguments[:end])
    return hands.drafts


def test_the_words_grow() -> None:
    assert shown('{"to": ["bob"], "message": "Hi Bob!"}') == [
        "H", "Hi", "Hi ", "Hi B", "Hi Bo", "Hi Bob", "Hi Bob!",
    ]  # fmt: skip


def test_no_letter_is_cut_in_two() -> None:
    drafts = shown(json.dumps({"message": "猫\n😀\\だ"}))
    assert drafts == ["猫", "猫\n", "猫\n😀", "猫\n😀\\", "猫\n😀\\だ"]


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), st.booleans())
def test_each_draft_is_the_beginning_of_what_is_said(message: str, plain: bool) -> None:
    drafts = shown(json.dumps({"emotion": "happy", "message": message}, ensure_ascii=plain))
    assert all(message.startswith(draft) for draft in drafts)
    assert drafts == sorted(drafts, key=len)
    assert drafts[-1:] == [message]


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "{",
        "nonsense",
        "[" * 9_000,
        '{"message": 3}',
        '{"message": {"message": "x"}}',
        '{"a": {"message": "not this"}}',
        '["message"]',
        '{"message": ""}',
    ],
)
def test_what_is_no_message_is_not_shown(arguments: str) -> None:
    assert shown(arguments, step=97) == []


def test_other_tools_are_not_shown() -> None:
    assert shown('{"message": "Hello"}', name="recall") == []


def test_of_two_calls_the_first_is_shown() -> None:
    hands = Hands()
    speaking = Speaking(hands)
    speaking.feed("speak", '{"message": "One."}')
    speaking.feed("speak", '{"message": "Two, which is longer."}')
    assert hands.drafts == ["One."]


def test_an_endless_message_is_not_looked_at_for_ever() -> None:
    drafts = shown('{"message": "' + "a" * 2 * MAX_SHOWN, step=8)
    assert 64 < len(drafts) < 800
    assert len(drafts[-1]) < MAX_SHOWN


def test_text_that_will_be_said_is_shown() -> None:
    hands = Hands()
    speaking = Speaking(hands)
    for text in ("\n", "\nA", "\nA crab", "\nA crab.\n"):
        speaking.aloud(text)
    assert hands.drafts == ["A", "A crab", "A crab."]


@pytest.mark.parametrize("text", ['{"speak": true', "<think>Well", "```json", "[TOOL_CALLS]", "  {"])
def test_text_that_is_no_speech_is_not_shown(text: str) -> None:
    hands = Hands()
    Speaking(hands).aloud(text)
    assert hands.drafts == []
