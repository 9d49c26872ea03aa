"""What a companion is composing is told as it comes, and how it ended. On the in-memory mesh."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from aikyo.brain import BrainError, Moment, Toolbox, ToolError
from tests.support.gathering import Gathering, ScriptedBrain, gathering

ALICE = "companion_alice"
WORDS = "It is late, and I am still awake."


class Typing(ScriptedBrain):
    """Types its words, and says them; what a test wants in between, `before` does."""

    def __init__(self, words: str = WORDS) -> None:
        super().__init__(on_compose=self._compose)
        self.words = words
        self.typed = trio.Event()

    async def _compose(self, moment: Moment, toolbox: Toolbox) -> None:
        for end in range(1, len(WORDS)):
            toolbox.saying(WORDS[:end])
            await trio.sleep(0.06)
        self.typed.set()
        await self.before(moment, toolbox)
        await toolbox.call("speak", {"message": self.words})

    async def before(self, moment: Moment, toolbox: Toolbox) -> None:
        await trio.lowlevel.checkpoint()


def drafts(room: Gathering) -> dict[str, tuple[str, str | None]]:
    """Each draft's text, and how it ended."""
    found: dict[str, tuple[str, str | None]] = {}
    for delta in room.deltas:
        assert delta.sender == ALICE
        before, ended = found.get(delta.id, ("", None))
        assert ended is None
        found[delta.id] = before + delta.text, delta.end
    return found


async def ended(room: Gathering, number: int = 1) -> None:
    """Wait until so many drafts have ended."""
    with trio.fail_after(60):
        while len([delta for delta in room.deltas if delta.end]) < number:
            await trio.sleep(0.1)


async def test_a_message_is_composed_before_everybodys_eyes(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    async with gathering(tmp_path, {"alice": Typing()}) as room:
        said = await room.say("Alice, are you awake?", ALICE)
        await room.until(lambda: [m for m in room.messages() if m.sender == ALICE])
        (answer,) = [m for m in room.messages(said.conversation) if m.sender == ALICE]
        assert answer.message == WORDS
        await ended(room)
        assert drafts(room) == {answer.id: (WORDS, "said")}
        assert {delta.conversation for delta in room.deltas} == {said.conversation}
        assert len(room.deltas) > 10


async def test_a_draft_that_a_person_interrupts_ends_and_is_no_message(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    class Interrupted(Typing):
        async def before(self, moment: Moment, toolbox: Toolbox) -> None:
            assert moment.message is not None
            if "awake" in moment.message.text:
                await trio.sleep_forever()

    brain = Interrupted()
    async with gathering(tmp_path, {"alice": brain}) as room:
        first = await room.say("Alice, are you awake?", ALICE)
        await brain.typed.wait()
        await room.say("Alice, stop.", ALICE, conversation=first.conversation)
        await room.until(lambda: [m for m in room.messages() if m.sender == ALICE])
        (answer,) = [m for m in room.messages() if m.sender == ALICE]
        await ended(room, 2)
        kept = [entry.text for entry in await room.memories["alice"].recent(None, 10)]
        assert kept == ["Alice, are you awake?", "Alice, stop.", answer.message]  # nothing unsaid
        (unsaid, (text, end)), (ident, (last, said)) = drafts(room).items()
    assert (end, said) == ("interrupted", "said")
    assert WORDS.startswith(text)
    assert last == answer.message
    assert ident == answer.id != unsaid


async def test_a_draft_of_a_brain_that_fails_is_dropped(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    class Failing(Typing):
        async def before(self, moment: Moment, toolbox: Toolbox) -> None:
            raise BrainError("cut off in the middle")

    async with gathering(tmp_path, {"alice": Failing()}) as room:
        await room.say("Alice, are you awake?", ALICE)
        await ended(room)
        assert {end for _, end in drafts(room).values()} == {"dropped"}
        assert not [m for m in room.messages() if m.sender == ALICE]


@pytest.mark.parametrize(("words", "ends"), [("x" * 20_000, ["dropped"]), ("Other words.", ["dropped"])])
async def test_a_draft_that_is_said_otherwise_is_dropped(
    tmp_path: Path, patient_clock: trio.testing.MockClock, words: str, ends: list[str]
) -> None:
    class Otherwise(Typing):
        async def before(self, moment: Moment, toolbox: Toolbox) -> None:
            with pytest.raises(ToolError):
                await toolbox.call("speak", {"message": "x" * 20_000})
            self.words = "Other words."

    async with gathering(tmp_path, {"alice": Otherwise(words)}) as room:
        await room.say("Alice, are you awake?", ALICE)
        await room.until(lambda: [m for m in room.messages() if m.sender == ALICE])
        assert [m.message for m in room.messages() if m.sender == ALICE] == ["Other words."]
        assert [end for _, end in drafts(room).values()] == ends
