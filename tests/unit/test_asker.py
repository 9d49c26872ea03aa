"""Whom people mean by "I"."""

from __future__ import annotations

import pytest

from aikyo.companion.asker import asked_by


@pytest.mark.parametrize(
    "text",
    [
        "What is my cat called?",
        "Where do I live?",
        "I'm off to see the sea.",
        "WHERE DO WE LIVE?",
        "うちの猫の名前は？",
        "ねえ、うちで飼ってる犬は？",
        "私の誕生日いつ？",
        "僕、どこに住んでるっけ？",
    ],
)
def test_what_people_ask_of_themselves_is_looked_for_with_their_name(text: str) -> None:
    assert asked_by("mika", text) == f"mika: {text}"
    assert asked_by("", text) == text


@pytest.mark.parametrize(
    "text",
    [
        "What is Ken's cat called?",
        "Is it in Mississippi?",
        "You like tea.",
        "",
        "ケンの猫の名前は？",
        "私立の学校はどこ？",
        "若いうちに旅行したい？",
        "うちわはどこ？",
    ],
)
def test_what_names_nobody_or_others_is_left_as_it_is(text: str) -> None:
    assert asked_by("mika", text) == text
