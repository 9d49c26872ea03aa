"""Contexts and what comes of them: in a companion's turns, in its journal, and in talks it begins."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from trio.testing import MockClock

from aikyo.companion.limits import Limits
from aikyo.wire import Context
from tests.support.gathering import Gathering, ScriptedBrain, gathering

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
TELLS = """
[[events.conditions]]
expression = "context == 'text'"
execute = [{ tool = "speak", instruction = "Speak of it." }]
"""


async def show(
    room: Gathering, *to: str, kind: str = "text", what: str = "It has started to rain."
) -> str:
    context = Context(id=room.new_id(), sender="user_mika", to=to, type=kind, context=what)
    await room.person.publish(context)
    return context.id


async def hear(room: Gathering, text: str, *to: str, conversation: str | None = None) -> None:
    """Say something, and wait for the answer."""
    said = await room.say(text, *to, conversation=conversation)
    await room.until(lambda: any(message.reply_to == said.id for message in room.messages()))


async def test_a_context_reaches_the_next_turns_and_is_news_in_one_of_a_talk(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    mind = ScriptedBrain()
    async with gathering(tmp_path, {"alice": mind}, extra=TELLS) as room:
        ident = await show(room)
        for talk in ("one", "one", "two"):
            await hear(room, "Hello!", conversation=talk)
    composed = mind.composed
    assert [line.id for moment in composed for line in moment.perceived] == [ident] * 3
    assert [line.told for moment in composed for line in moment.perceived] == [False, True, False]
    assert [len(moment.instructions) for moment in composed] == [1, 0, 1]


async def test_a_picture_reaches_the_brain_as_one_before_it_bids_too(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    mind = ScriptedBrain()
    async with gathering(tmp_path, {"alice": mind}) as room:
        await show(room, kind="image", what=PNG)
        await hear(room, "What is that?")
    for moment in (*mind.assessed, *mind.composed):
        ((picture),) = (line.picture for line in moment.perceived)
        assert picture is not None
        assert (picture.media_type, picture.base64) == ("image/png", PNG)


async def test_what_is_shown_to_one_is_perceived_and_journaled_by_that_one_alone(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    minds = {"alice": ScriptedBrain(), "bob": ScriptedBrain()}
    async with gathering(tmp_path, minds) as room:
        ident = await show(room, "companion_alice")
        for name in minds:
            await hear(room, f"{name.capitalize()}?", f"companion_{name}")
        journals = {
            name: [e.uid for e in await memory.recent(None, 20) if e.kind == "perceived"]
            for name, memory in room.memories.items()
        }
    assert journals == {"alice": [ident], "bob": []}
    assert [line.id for moment in minds["alice"].composed for line in moment.perceived] == [ident]
    assert [line.id for moment in minds["bob"].composed for line in moment.perceived] == []


@pytest.mark.parametrize("beginnings", [0, 4])
async def test_a_context_begins_a_talk_where_a_trigger_says_so_and_the_budget_allows(
    tmp_path: Path, patient_clock: MockClock, beginnings: int
) -> None:
    minds = {"alice": ScriptedBrain(), "bob": ScriptedBrain()}
    limits = Limits(beginnings=beginnings, silence=10_000.0)
    async with gathering(tmp_path, minds, extra=TELLS, limits=limits) as room:
        await show(room)
        if beginnings:
            await room.until(room.messages)
        else:
            await room.say("Hello!")
            await room.until(lambda: len(room.messages()) > 1)
    begun = [moment for mind in minds.values() for moment in mind.composed if moment.message is None]
    if not beginnings:
        assert begun == []
        return
    (moment,) = begun
    assert moment.opening == "context"
    assert [line.text for line in moment.perceived] == ["It has started to rain."]
    assert [each.text for each in moment.instructions] == ["Speak of it."]
    (note,) = [note for note in room.notes if note.opening]
    assert [fired.number for fired in note.fired] == [1]
    assert note.perceived == tuple(line.id for line in moment.perceived)
