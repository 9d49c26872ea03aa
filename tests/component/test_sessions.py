"""Sessions of companions on the in-memory mesh, with real memories: prepared aside, swapped at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
import trio
import trio.testing

from aikyo.brain import Brain, BrainError, Line, Moment, Past, Persona, Someone, Toolbox
from aikyo.companion import Profile
from aikyo.companion.session import Change, Overrides, Sessions
from aikyo.companion.session.budget import line_tokens
from aikyo.companion.session.fill import MAX_ROWS
from aikyo.companion.session.summing import Summing
from aikyo.errors import AikyoError
from aikyo.memory import Memory
from tests.support.gathering import Gathering, OpenBrain, ScriptedBrain, gathering, profile_of
from tests.support.memories import entry

TALK = "talk"
SMALL = 1_000
"""A budget of which there is room for about ten short lines in full."""


@dataclass
class Closable(ScriptedBrain):
    """Knows whether it was woken and closed."""

    woken: int = 0
    closed: bool = False
    refuses: str = ""

    async def wake(self) -> None:
        await trio.lowlevel.checkpoint()
        self.woken += 1
        if self.refuses:
            raise BrainError(self.refuses, "model")

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True


def opens(brains: dict[str | None, Brain]) -> OpenBrain:
    """Opens the brain of the model that was set."""

    async def open_brain(profile: Profile, overrides: Overrides) -> Brain:
        await trio.lowlevel.checkpoint()
        return brains[overrides.model]

    return open_brain


async def chat(room: Gathering, times: int, text: str = "Tell me more of the lake, please.") -> None:
    """Mika says something to Alice, and she answers, so many times."""
    for number in range(times):
        said = await room.say(f"{text} {number}", "companion_alice", conversation=TALK)
        await room.until(lambda m=said: any(each.reply_to == m.id for each in room.messages()))


def sessions_of(room: Gathering, name: str = "alice") -> Sessions:
    return room.companions[name].sessions


def swaps(room: Gathering) -> list[str]:
    return [event.reason or "" for event in room.events if event.type == "session"]


async def swapped(room: Gathering, condition: Callable[[], object]) -> None:
    with trio.fail_after(20):
        while not condition():
            await trio.sleep(0.01)


async def test_a_full_context_is_summed_up_aside_and_nothing_is_lost_or_told_twice(
    tmp_path: Path,
) -> None:
    mind = ScriptedBrain()
    async with gathering(tmp_path, {"alice": mind}, budget=SMALL) as room:
        while not mind.summarized:
            await chat(room, 1)
        await swapped(room, lambda: swaps(room))
        await chat(room, 1, "And now?")
        (past, *_), moment = mind.summarized, mind.composed[-1]
        assert "the context was full" in swaps(room)[0]
        assert all(event.routine for event in room.events if event.type == "session")
        assert moment.briefing.summary.endswith(f": {len(past.lines)} things were said.")
        journal = [row.entry.uid for row in await room.memories["alice"].after(0, 1_000)]
        told = [line.id for line in (*past.lines, *moment.recent)]
        assert told == journal[: len(told)]
        assert len(moment.recent) < len(past.lines)


async def test_a_restart_begins_with_what_was_summed_up(tmp_path: Path) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}, budget=SMALL) as room:
        await chat(room, 3)
        await sessions_of(room).renew(Change("asked"))
        summed_up = sessions_of(room).current
    mind = ScriptedBrain()
    async with gathering(tmp_path, {"alice": mind}, budget=SMALL) as room:
        await chat(room, 1, "And now?")
        assert summed_up.briefing.summary.endswith(": 4 things were said.")
        assert mind.composed[0].briefing.summary == summed_up.briefing.summary
        assert len(mind.composed[0].recent) == 3
        assert sessions_of(room).current.since == summed_up.since > 0


async def test_a_turn_keeps_the_session_it_began_with(tmp_path: Path) -> None:
    may_speak, composing = trio.Event(), trio.Event()

    async def slowly(moment: Moment, toolbox: Toolbox) -> None:
        composing.set()
        await may_speak.wait()
        await toolbox.call("speak", {"message": "This took me a while."})

    old, new = Closable(on_compose=slowly, label="old"), Closable(label="new")
    async with gathering(tmp_path, {"alice": old}, open_brain=opens({"new": new})) as room:
        hello = await room.say("hello", "companion_alice")
        await composing.wait()
        await sessions_of(room).renew(Change("model", overrides=Overrides(model="new")))
        assert (new.woken, old.closed) == (1, False)
        may_speak.set()
        await room.until(lambda: len(room.messages()) == 2)
        assert room.messages()[1].reply_to == hello.id
        await swapped(room, lambda: old.closed)
        await chat(room, 1)
        assert (len(old.composed), len(new.composed)) == (1, 1)
        await swapped(room, lambda: [note.brain for note in room.notes] == ["old", "new"])
    assert new.closed


async def test_a_brain_that_cannot_be_closed_is_no_fault_of_its_companions(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    @dataclass
    class Stuck(Closable):
        async def aclose(self) -> None:
            raise ZeroDivisionError("a bug")

    brains: dict[str | None, Brain] = {"new": Stuck(label="new"), "newer": Closable(label="newer")}
    async with gathering(tmp_path, {"alice": Closable()}, open_brain=opens(brains)) as room:
        for model in ("new", "newer"):
            await sessions_of(room).renew(Change("model", overrides=Overrides(model=model)))
        with trio.fail_after(20):
            while "new could not be closed" not in caplog.text:
                await trio.sleep(0.01)
        await chat(room, 1)


async def test_a_preparation_that_fails_leaves_the_session_running_and_is_told(tmp_path: Path) -> None:
    old, wrong = Closable(), Closable(refuses="there is no model 'wrong'")
    async with gathering(tmp_path, {"alice": old}, open_brain=opens({"wrong": wrong})) as room:
        before = sessions_of(room).current
        with pytest.raises(AikyoError, match="no model 'wrong'"):
            await sessions_of(room).renew(Change("model", overrides=Overrides(model="wrong")))
        assert sessions_of(room).current is before
        assert (wrong.closed, old.closed) == (True, False)
        (told,) = swaps(room)
        assert "there is no model 'wrong'" in told
        assert "session 1 goes on" in told
        await chat(room, 1)
        # what was set and failed is not set; the next change is taken
        profile = profile_of(tmp_path, "alice", extra='personality = "Brisk."')
        session = await sessions_of(room).renew(Change("profile", profile=profile))
        assert (session.brain, session.number) == (old, 2)


async def test_changes_are_made_in_the_order_in_which_they_were_asked_for(tmp_path: Path) -> None:
    opened = [Closable(label=str(number)) for number in range(5)]
    brains: dict[str | None, Brain] = {brain.label: brain for brain in opened}
    made: list[str] = []
    async with gathering(tmp_path, {"alice": Closable()}, open_brain=opens(brains)) as room:

        async def change(model: str) -> None:
            session = await sessions_of(room).renew(Change("model", overrides=Overrides(model=model)))
            made.append(session.brain.label)

        async with trio.open_nursery() as nursery:
            for model in ("0", "1", "2", "3", "4"):
                nursery.start_soon(change, model)
                await trio.testing.wait_all_tasks_blocked()
        assert made == ["0", "1", "2", "3", "4"]
        assert sessions_of(room).current.number == 6
        await swapped(room, lambda: opened[3].closed)
        assert [brain.closed for brain in opened] == [True, True, True, True, False]


async def test_too_many_changes_at_once_are_refused(tmp_path: Path) -> None:
    stuck = trio.Event()

    async def open_brain(profile: Profile, overrides: Overrides) -> Brain:
        await stuck.wait()
        return Closable()

    refused = 0
    async with gathering(tmp_path, {"alice": Closable()}, open_brain=open_brain) as room:

        async def change() -> None:
            nonlocal refused
            try:
                await sessions_of(room).renew(Change("model", overrides=Overrides()))
            except AikyoError:
                refused += 1

        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(change)
            await trio.testing.wait_all_tasks_blocked()
            assert refused == 3  # of twenty one is being made, and sixteen wait
            stuck.set()


async def test_who_waits_for_a_change_is_told_when_the_companion_stops(tmp_path: Path) -> None:
    told: list[str] = []

    async def never(profile: Profile, overrides: Overrides) -> Brain:
        await trio.sleep_forever()
        raise AssertionError

    async with gathering(tmp_path, {"alice": Closable()}, open_brain=never) as room:
        sessions = sessions_of(room)

        async def change() -> None:
            try:
                await sessions.renew(Change("model", overrides=Overrides()))
            except AikyoError as error:
                told.append(str(error))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(change)
            nursery.start_soon(change)
            await trio.testing.wait_all_tasks_blocked()
            room.scopes["alice"].cancel()
        await change()
    assert len(told) == 3
    assert all("stopped" in why for why in told)


async def test_a_changed_profile_changes_character_triggers_and_tools(tmp_path: Path) -> None:
    mind = ScriptedBrain()
    async with gathering(tmp_path, {"alice": mind}) as room:
        await chat(room, 1)
        extra = 'personality = "Brisk."\nactions = ["speak"]\nknowledge = []\n[events]\n'
        condition = '[[events.conditions]]\nexpression = "true"\n'
        condition += 'execute = [{ tool = "speak", instruction = "Be brief." }]\n'
        profile = profile_of(tmp_path, "alice", extra=extra + condition)
        specs: list[str] = []

        async def look(moment: Moment, toolbox: Toolbox) -> None:
            specs.extend(spec.name for spec in toolbox.specs)
            await toolbox.call("speak", {"message": "Right."})

        mind.on_compose = look
        await sessions_of(room).renew(Change("profile", profile=profile))
        await chat(room, 1)
        moment = mind.composed[-1]
        assert (moment.me.personality, specs) == ("Brisk.", ["speak"])
        assert [each.text for each in moment.instructions] == ["Be brief."]
        assert moment.me.id == "companion_alice"


async def test_a_new_session_knows_its_mood_who_is_there_and_what_it_remembers_of_them(
    tmp_path: Path,
) -> None:
    async def glad(moment: Moment, toolbox: Toolbox) -> None:
        await toolbox.call("speak", {"message": "How nice.", "emotion": "happy"})

    mind = ScriptedBrain(on_compose=glad)
    async with Memory.open(tmp_path / "alice.db") as memory:
        await memory.append(entry("Mika has a boat at the lake.", sender="user_mika"))
        await memory.append(entry("Something of no matter.", sender="user_nobody"))
    brains = {"alice": mind, "bob": ScriptedBrain()}
    async with gathering(tmp_path, brains, budget=SMALL) as room:
        await chat(room, 4)
        for _ in range(2):  # once it is summed up, what came before is a memory
            await sessions_of(room).renew(Change("asked"))
            await chat(room, 2)
        briefing = mind.composed[-1].briefing
        assert briefing.mood == "happy"
        assert briefing.roster == (Someone("companion_bob", "Bob", "companion"),)
        assert any("a boat" in line.text for line in briefing.memories)
        assert not any("no matter" in line.text for line in briefing.memories)
        told = {line.id for line in (*mind.composed[-1].recent, *mind.composed[-1].recalled)}
        assert told.isdisjoint(line.id for line in briefing.memories)


async def test_a_summary_that_fails_is_tried_again_later_and_later(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    def fail(past: Past) -> str:
        failed_at.append(trio.current_time())
        raise BrainError("the model is overloaded", "overload")

    failed_at: list[float] = []
    mind = ScriptedBrain(on_summarize=fail)
    async with gathering(tmp_path, {"alice": mind}, budget=SMALL) as room:
        while not failed_at:
            await chat(room, 1)
        await chat(room, 3)  # it goes on, though not everything is told
        assert mind.composed[-1].recent[-1].text == "Tell me more of the lake, please. 2"
        assert sum(line_tokens(line.text) for line in mind.composed[-1].recent) < SMALL
        await trio.sleep(500)
        pauses = [after - before for before, after in pairwise(failed_at)]
        assert [round(pause, -1) for pause in pauses] == [60, 120, 240]
        assert "overloaded" in swaps(room)[0]
        assert not any(event.routine for event in room.events)
        mind.on_summarize = lambda past: "They spoke of the lake."
        await trio.sleep(480)
        assert sessions_of(room).current.briefing.summary.endswith(": They spoke of the lake.")


async def test_a_flood_of_words_cannot_spend_money_on_summaries_without_end(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    mind = ScriptedBrain()
    mind.paid = True
    async with gathering(tmp_path, {"alice": mind}, budget=SMALL) as room:
        began = trio.current_time()
        while trio.current_time() < began + 900:
            await room.say("Listen to me. " * 40, "companion_bob", "companion_alice")
            await trio.sleep(30)
        assert 3 <= len(swaps(room)) <= 6  # of thirty times that it was full
        told = [len(past.lines) for past in mind.summarized]
        assert sum(told) > 20  # what came meanwhile was summed up, too


async def test_what_was_said_over_many_talks_fills_a_context_too(tmp_path: Path) -> None:
    mind = ScriptedBrain()
    async with gathering(tmp_path, {"alice": mind}, budget=SMALL) as room:
        for number in range(20):
            said = await room.say(f"Good day, number {number}.", "companion_alice")
            await room.until(lambda m=said: any(each.reply_to == m.id for each in room.messages()))
        await swapped(room, lambda: swaps(room))
        assert len({line.id for past in mind.summarized for line in past.lines}) > 10


async def test_one_line_that_fills_a_context_by_itself_is_told_and_not_tried_again_and_again(
    tmp_path: Path,
) -> None:
    mind = ScriptedBrain()
    async with gathering(tmp_path, {"alice": mind}, budget=SMALL) as room:
        await chat(room, 1)
        await chat(room, 1, "あ" * 4_000)
        with trio.fail_after(20):
            while len(mind.composed) < 2 or not mind.summarized:
                await trio.sleep(0.01)
        await trio.sleep(0.3)
        assert len(swaps(room)) < 5
        await chat(room, 1, "And now?")
        assert mind.composed[-1].recent[-1].text == "And now? 0"


async def test_of_a_long_past_only_the_newest_is_summed_up(tmp_path: Path) -> None:
    async with Memory.open(tmp_path / "alice.db") as memory:
        for number in range(300):
            await memory.append(entry(f"It was a fine day, the {number}th of them."))
    mind = ScriptedBrain()
    async with gathering(tmp_path, {"alice": mind}, budget=SMALL) as room:
        await swapped(room, lambda: swaps(room))
        lines = [line.text for past in mind.summarized for line in past.lines]
        assert 20 < len(lines) < 100
        assert "299" not in lines[-1]
        assert sessions_of(room).current.since > 280


async def test_more_lines_than_are_told_at_once_are_summed_up_however_much_there_is_room_for(
    tmp_path: Path,
) -> None:
    async with Memory.open(tmp_path / "alice.db") as memory:
        for number in range(MAX_ROWS - 300):
            await memory.append(entry(f"Number {number}."))
    mind = ScriptedBrain()
    async with gathering(tmp_path, {"alice": mind}, budget=1_000_000) as room:
        await swapped(room, lambda: swaps(room))
        assert len({line.id for past in mind.summarized for line in past.lines}) > 1_000
        assert sessions_of(room).current.since > 1_000


async def test_a_past_is_summed_up_in_pieces_that_fit() -> None:
    mind = ScriptedBrain(on_summarize=lambda past: f"{past.summary}{len(past.lines)} ")
    lines = [Line(str(n), "user_mika", "Mika", "x" * 100, 0.0) for n in range(40)]
    lines.insert(7, Line("long", "user_mika", "Mika", "あ" * 5_000, 0.0))
    summing = Summing(mind, Persona("companion_alice", "Alice"), now=None, budget=1_500)  # type: ignore[arg-type]
    text = await summing.of("Before. ", lines)
    assert text.startswith("Before.")
    assert [line.id for past in mind.summarized for line in past.lines] == [line.id for line in lines]
    for past in mind.summarized:
        assert sum(line_tokens(line.text) for line in past.lines) <= 500
    assert mind.summarized[0].summary == "Before. "
    assert mind.summarized[-1].summary.startswith("Before.")


async def test_a_piece_that_is_too_long_for_the_model_is_halved() -> None:
    def fussy(past: Past) -> str:
        if len(past.lines) > 3:
            raise BrainError("the prompt is too long", "too-long")
        return past.summary + "".join(line.id for line in past.lines)

    mind = ScriptedBrain(on_summarize=fussy)
    lines = [Line(letter, "user_mika", "Mika", "hm", 0.0) for letter in "abcdefghij"]
    summing = Summing(mind, Persona("companion_alice", "Alice"), now=None, budget=6_000)  # type: ignore[arg-type]
    assert await summing.of("", lines) == "abcdefghij"
    mind.on_summarize = lambda past: "word " * 5_000
    assert len(await summing.of("", lines)) < 4_000  # however much it writes
    mind.on_summarize = lambda past: "half a \ud83d"
    assert await summing.of("", lines) == "half a ?"  # what no memory and no prompt could hold
    mind.on_summarize = lambda past: "  "
    with pytest.raises(BrainError, match="empty"):
        await summing.of("", lines)


async def test_a_profile_with_another_brain_has_it_opened(tmp_path: Path) -> None:
    asked: list[tuple[str | None, Overrides]] = []
    new = Closable(label="new")

    async def open_brain(profile: Profile, overrides: Overrides) -> Brain:
        asked.append((profile.brain.model, overrides))
        return new

    async with gathering(tmp_path, {"alice": Closable()}, open_brain=open_brain) as room:
        profile = profile_of(tmp_path, "alice", extra='[brain]\nmodel = "larger"')
        session = await sessions_of(room).renew(Change("profile", profile=profile))
        assert (session.brain, asked) == (new, [("larger", Overrides())])
        brief = msgspec.structs.replace(profile, file=tmp_path / "other.toml")
        await sessions_of(room).renew(Change("profile", profile=brief))
        assert len(asked) == 1


async def test_a_talk_is_told_what_was_said_in_the_one_before(tmp_path: Path) -> None:
    brain = ScriptedBrain()
    async with gathering(tmp_path, {"alice": brain}) as room:
        said: list[str] = []
        for conversation in ("one", "two"):
            text = f"This is talk {conversation}."
            message = await room.say(text, "companion_alice", conversation=conversation)
            await room.until(lambda m=message: any(e.reply_to == m.id for e in room.messages()))
            said += [text, next(e.message for e in room.messages() if e.reply_to == message.id)]
        assert [line.text for line in brain.composed[-1].earlier] == said[:2]
        assert [line.text for line in brain.composed[-1].recent] == said[2:3]
