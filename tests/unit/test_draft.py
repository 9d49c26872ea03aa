"""What a companion is about to say, as its watchers are told of it."""

from __future__ import annotations

from itertools import count

import msgspec
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from aikyo.companion.draft import EVERY, Draft
from aikyo.text import settled
from aikyo.wire import MAX_TEXT, Delta

WORDS = "It is raining, so let us stay in."


def make() -> tuple[Draft, list[Delta]]:
    told: list[Delta] = []
    numbers = count(1)
    return Draft("companion_alice", "c-1", lambda: f"m-{next(numbers)}", told.append), told


async def type_out(draft: Draft, text: str, *, start: int = 1) -> None:
    """Say it one more character at a time, as slowly as each is told."""
    for end in range(start, len(text) + 1):
        draft.saying(text[:end])
        await trio.sleep(EVERY)


def whole(told: list[Delta], ident: str) -> str:
    return "".join(delta.text for delta in told if delta.id == ident)


async def test_the_deltas_of_a_message_come_to_its_text_under_its_id(autojump_clock: MockClock) -> None:
    draft, told = make()
    await type_out(draft, f" \n{WORDS} ")
    ident = draft.take(WORDS)
    draft.said(WORDS)
    assert len(told) > 10
    assert {delta.sender for delta in told} == {"companion_alice"}
    assert {delta.id for delta in told} == {ident}
    assert whole(told, ident) == WORDS
    assert [delta.end for delta in told if delta.end] == [told[-1].end] == ["said"]


async def test_what_is_said_at_once_has_no_deltas() -> None:
    draft, told = make()
    assert draft.take(WORDS) == "m-1"
    draft.said(WORDS)
    draft.end("dropped")
    assert told == []


async def test_a_fast_model_makes_at_most_twenty_deltas_a_second(autojump_clock: MockClock) -> None:
    draft, told = make()
    text = ""
    for _ in range(1000):
        text += "word "
        draft.saying(text)
        await trio.sleep(0.001)
    assert 15 <= len(told) <= 21
    draft.said(text.strip())
    assert whole(told, "m-1") == text.strip()


async def test_what_is_taken_back_is_dropped_and_the_next_attempt_has_an_id_of_its_own(
    autojump_clock: MockClock,
) -> None:
    draft, told = make()
    await type_out(draft, "It is")
    await type_out(draft, "No, it is not")
    assert [(delta.id, delta.end) for delta in told if delta.end] == [("m-1", "dropped")]
    assert draft.take("No, it is not.") == "m-2"
    draft.said("No, it is not.")
    assert whole(told, "m-2") == "No, it is not."


async def test_a_message_of_other_words_than_the_draft_is_none_of_it(autojump_clock: MockClock) -> None:
    draft, told = make()
    await type_out(draft, "It is")
    assert draft.take("Something else.") == "m-2"
    draft.said("Something else.")
    assert [(delta.id, delta.end) for delta in told if delta.end] == [("m-1", "dropped")]
    assert whole(told, "m-2") == ""


@pytest.mark.parametrize("why", ["interrupted", "dropped"])
async def test_what_is_not_said_ends_once_and_without_more_words(why: str) -> None:
    draft, told = make()
    draft.saying(WORDS)
    draft.end(why)  # type: ignore[arg-type]  # one of the two
    draft.end("dropped")
    assert told[1:] == [Delta(id="m-1", sender="companion_alice", conversation="c-1", text="", end=why)]  # type: ignore[arg-type]  # likewise


async def test_after_a_message_nothing_more_is_told(autojump_clock: MockClock) -> None:
    draft, told = make()
    await type_out(draft, WORDS)
    draft.take(WORDS)
    draft.said(WORDS)
    spoken = len(told)
    await type_out(draft, "And another thing")
    draft.end("interrupted")
    assert len(told) == spoken


async def test_the_form_is_the_wires() -> None:
    draft, told = make()
    draft.saying("Hello")
    draft.end("interrupted")
    assert [msgspec.json.decode(msgspec.json.encode(delta)) for delta in told] == [
        {"id": "m-1", "from": "companion_alice", "conversation": "c-1", "text": "Hell"},
        {
            "id": "m-1",
            "from": "companion_alice",
            "conversation": "c-1",
            "text": "",
            "end": "interrupted",
        },
    ]


@pytest.mark.parametrize("text", ["がぎぐげご", "e\u0301e\u0301e\u0301", "👩\u200d👧\u200d👦👍🏽👍"])
async def test_a_character_is_told_with_all_its_marks(autojump_clock: MockClock, text: str) -> None:
    draft, told = make()
    apart = text.replace("が", "か\u3099")
    await type_out(draft, apart)
    draft.said(apart)
    assert whole(told, "m-1") == apart
    pieces = [delta.text for delta in told]
    assert not any(piece[:1] in {"\u3099", "\u0301", "\u200d", "🏽"} for piece in pieces)


async def test_half_a_surrogate_and_a_text_without_end_do_no_harm(autojump_clock: MockClock) -> None:
    draft, told = make()
    draft.saying("half a \ud83d and more")
    await trio.sleep(EVERY)
    draft.saying("half a \ud83d and more" + "x" * 1_000_000)
    draft.end("dropped")
    for delta in told:
        msgspec.json.encode(delta)
    assert len(whole(told, "m-1")) <= MAX_TEXT


@given(st.lists(st.text(max_size=30), max_size=8), st.text(min_size=1, max_size=30))
def test_whatever_is_tried_the_deltas_of_a_message_come_to_its_text(tries: list[str], last: str) -> None:
    async def check() -> None:
        draft, told = make()
        for text in tries:
            draft.saying(text)
            await trio.sleep(EVERY)
        ident = draft.take(last.strip())
        draft.said(last.strip())
        draft.end("dropped")
        started = {delta.id for delta in told}
        assert sorted(delta.id for delta in told if delta.end) == sorted(started)
        if ident in started:
            assert whole(told, ident) == last.strip()

    trio.run(check, clock=MockClock(autojump_threshold=0))


@given(st.text(max_size=40), st.text(max_size=5))
def test_what_is_settled_does_not_change_with_more(text: str, more: str) -> None:
    assert text.startswith(settled(text))
    assert (text + more).startswith(settled(text))
    assert len(settled(text + more)) >= len(settled(text))
