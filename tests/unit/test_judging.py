"""What a leader says of others by rule, in both languages."""

from __future__ import annotations

import pytest

from aikyo.conversation import Talks, asks, judge, judge_all
from aikyo.wire import Message, State

ALICE, BOB, CAROL = "companion_alice", "companion_bob", "companion_carol"
TO = (ALICE, BOB, CAROL)


def said(text: str, to: tuple[str, ...] = TO, sender: str = "user_mika") -> Message:
    return Message(id="m1", sender=sender, to=to, message=text, conversation="t")


@pytest.mark.parametrize(
    ("text", "to"),
    [
        ("What do you think, Bob?", TO),
        ("bob, sit down.", TO),
        ("ボブはどう思う？", TO),
        ("ボブさん、おはよう", TO),
        ("Hello.", (BOB,)),
    ],
)
def test_whoever_is_turned_to_is_selected(text: str, to: tuple[str, ...]) -> None:
    state = judge(said(text, to), BOB, ("ボブ",), may_speak=True)
    assert (state.state, state.selected) == ("speak", True)
    other = judge(said(text, to), CAROL, ("キャロル",), may_speak=True)
    assert not other.selected
    assert state.importance > other.importance


@pytest.mark.parametrize(
    "text",
    ["Who is there?", "誰かいますか。", "どうだった？", "何を食べようかな", "雨かしら…", "Really? Oh."],
)
def test_a_question_asks_everybody(text: str) -> None:
    assert asks(text)
    asked = judge(said(text), BOB, (), may_speak=True)
    told = judge(said("It rains."), BOB, (), may_speak=True)
    assert (asked.state, told.state) == ("speak", "speak")
    assert asked.importance > told.importance


@pytest.mark.parametrize("text", ["It rains.", "雨が降っています。", "ここは静か。", "何か食べた。", ""])
def test_what_is_no_question_asks_nobody(text: str) -> None:
    assert not asks(text)


def test_whoever_has_just_spoken_makes_room() -> None:
    message = said("It rains.")
    fresh, tired = (judge(message, who, (), may_speak=True, recent=(BOB, CAROL)) for who in (ALICE, BOB))
    assert fresh.importance > tired.importance
    often = judge(message, BOB, (), may_speak=True, recent=(BOB, BOB, BOB, CAROL))
    assert often.state == "listen"


def test_whoever_may_not_speak_listens_and_is_not_selected() -> None:
    for who, may_speak in ((BOB, False), ("user_mika", True)):
        state = judge(said("Bob? Mika?"), who, ("Bob",), may_speak=may_speak)
        assert (state.state, state.selected, state.importance) == ("listen", False, 0)


def test_there_is_one_state_for_every_recipient_in_order() -> None:
    talks = Talks(lambda ident: ident.startswith("user_"), led=True)
    talks.meet(TO[:2], 0.0)
    heard = talks.hear_message(said("Alice? Bob? Carol?", (*TO, BOB, "user_ken")), 0.0)
    assert heard is not None
    own = State(sender=ALICE, message_id="m1", state="listen", selected=True, importance=3)
    states = judge_all(heard[1], heard[0], own, name_of=lambda who: who[10:], there=frozenset(TO[:2]))
    assert [one.sender for one in states] == [*TO, "user_ken"]
    assert [one.sender for one in states if one.selected] == [BOB]  # Alice does not want, Carol is away
    assert [one.importance for one in states if one.sender == ALICE] == [3]
