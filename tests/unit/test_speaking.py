"""What a model is about to say is shown as it comes, and nothing that must be taken back."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aikyo.brain.models.speaking import MAX_SHOWN, Speaking
from tests.support.minds import Hands


def shown(arguments: str, *, name: str = "speak", step: int = 1) -> list[str]:
    hands = Hands()
    speaking = Speaking(hands)
    for end in [*range(step, len(arguments), step), len(arguments)]:
        feed(speaking, arguments[:end], name)
    return hands.drafts


def feed(speaking: Speaking, arguments: str, name: str = "speak") -> None:
    speaking.feed(name, len(arguments), lambda: arguments)


def aloud(speaking: Speaking, text: str) -> None:
    speaking.aloud(len(text), lambda: text)


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
    feed(speaking, '{"message": "One."}')
    feed(speaking, '{"message": "Two, which is longer."}')
    assert hands.drafts == ["One."]


def test_an_endless_message_is_not_looked_at_for_ever() -> None:
    drafts = shown('{"message": "' + "a" * 2 * MAX_SHOWN, step=8)
    assert 64 < len(drafts) < 800
    assert len(drafts[-1]) < MAX_SHOWN


def test_text_that_will_be_said_is_shown() -> None:
    hands = Hands()
    speaking = Speaking(hands)
    for text in ("\n", "\nA", "\nA crab", "\nA crab.\n"):
        aloud(speaking, text)
    assert hands.drafts == ["A", "A crab", "A crab."]


@pytest.mark.parametrize("text", ['{"speak": true', "<think>Well", "```json", "[TOOL_CALLS]", "  {"])
def test_text_that_is_no_speech_is_not_shown(text: str) -> None:
    hands = Hands()
    aloud(Speaking(hands), text)
    assert hands.drafts == []


@pytest.mark.parametrize("by_tool", [True, False])
def test_whoever_sends_letter_by_letter_does_not_have_us_join_them_all_each_time(by_tool: bool) -> None:
    speaking, text = Speaking(Hands()), '{"message": "' + "a" * 2 * MAX_SHOWN
    joined = list[int]()

    def join(end: int) -> str:
        joined.append(end)
        return text[:end]

    for end in range(1, len(text)):
        if by_tool:
            speaking.feed("speak", end, partial(join, end))
        else:
            speaking.aloud(end, partial(join, end))
    assert len(joined) < 800
    assert sum(joined) < 100 * MAX_SHOWN
