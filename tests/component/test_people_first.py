"""People come first: they interrupt, they silence, and nobody makes them wait. On the in-memory mesh."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trio.testing

from aikyo.brain import Assessment, BrainError, Moment, Toolbox, ToolError
from aikyo.companion import Limits
from aikyo.companion.companion import MAX_TURNS_FOR_ONE
from aikyo.mesh.memory import MemoryMesh
from aikyo.wire import Closing, Event, Message, State
from tests.support.gathering import Gathering, ScriptedBrain, gathering

ALICE, BOB, CAROL = "companion_alice", "companion_bob", "companion_carol"


class Slow(ScriptedBrain):
    """Composes until it is let go on, for messages with `text` in them; else answers at once."""

    def __init__(self, text: str = "slowly") -> None:
        super().__init__(on_compose=self._compose)
        self.text = text
        self.composing = trio.Event()
        self.go_on = trio.Event()

    async def _compose(self, moment: Moment, toolbox: Toolbox) -> None:
        asked = moment.message.text if moment.message else moment.topic
        if self.text in asked:
            self.composing.set()
            await self.go_on.wait()
        with suppress(ToolError):
            await toolbox.call("speak", {"message": f"{moment.me.name} on {asked!r}."})


def said_by(room: Gathering, who: str) -> list[str]:
    return [message.message for message in room.messages() if message.sender == who]


def told(room: Gathering, kind: str) -> list[Event]:
    return [event for event in room.events if event.type == kind]


def listens(room: Gathering, message: Message, who: str) -> list[str]:
    """The reasons for which `who` listened to a message."""
    return [s.reason for s in room.states(message.id) if s.sender == who and s.state == "listen"]


async def test_a_person_interrupts_what_is_composed_and_it_is_never_remembered_as_said(
    tmp_path: Path,
) -> None:
    slow = Slow()
    async with gathering(tmp_path, {"alice": slow}) as room:
        first = await room.say("Tell me slowly.", ALICE)
        await slow.composing.wait()
        await room.say("No, quick!", ALICE, conversation=first.conversation)
        await room.until(lambda: said_by(room, ALICE))
        slow.go_on.set()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert said_by(room, ALICE) == ["Alice on 'No, quick!'."]
        kept = [entry.text for entry in await room.memories["alice"].recent(None, 10)]
        assert kept == ["Tell me slowly.", "No, quick!", "Alice on 'No, quick!'."]
        assert [(e.companion, e.message_id) for e in told(room, "interrupted")] == [(ALICE, first.id)]
        assert [note.reason for note in room.notes] == ["interrupted", ""]


async def test_a_message_to_others_interrupts_nobody(tmp_path: Path) -> None:
    slow = Slow()
    async with gathering(tmp_path, {"alice": slow, "bob": ScriptedBrain()}) as room:
        await room.say("Tell me slowly.", ALICE)
        await slow.composing.wait()
        await room.say("Hello, Bob.", BOB)
        await room.until(lambda: said_by(room, BOB))
        slow.go_on.set()
        await room.until(lambda: said_by(room, ALICE))
        assert not told(room, "interrupted")


async def test_a_companion_interrupts_nobody(tmp_path: Path) -> None:
    slow = Slow()
    async with gathering(tmp_path, {"alice": slow, "bob": ScriptedBrain()}) as room:
        await room.say("Tell me slowly.", ALICE)
        await slow.composing.wait()
        room.companions["bob"].begin("tea", [ALICE])
        await room.until(lambda: said_by(room, BOB))
        slow.go_on.set()
        await room.until(lambda: said_by(room, ALICE))
        assert said_by(room, ALICE)[0] == "Alice on 'Tell me slowly.'."
        assert not told(room, "interrupted")


async def test_a_person_is_not_made_to_wait_behind_a_companions_exchange(tmp_path: Path) -> None:
    slow = Slow("number 0")
    async with gathering(tmp_path, {"alice": slow, "bob": ScriptedBrain()}) as room:
        room.companions["bob"].begin("tea", [ALICE])
        await slow.composing.wait()
        asked = await room.say("Alice?", ALICE)
        await room.until(lambda: room.messages(asked.conversation)[1:])
        assert room.messages(asked.conversation)[1].reply_to == asked.id
        began = next(m for m in room.messages() if m.sender == BOB)
        await room.until(lambda: "interrupted" in listens(room, began, ALICE))
        assert not any("number 0" in text for text in said_by(room, ALICE))


async def test_while_a_person_waits_for_an_answer_companions_are_not_answered(tmp_path: Path) -> None:
    slow = Slow()
    async with gathering(tmp_path, {"alice": slow, "bob": ScriptedBrain()}) as room:
        await room.say("Tell me slowly.", ALICE)
        await slow.composing.wait()
        room.companions["bob"].begin("tea", [ALICE])
        await room.until(lambda: said_by(room, BOB))
        began = next(m for m in room.messages() if m.sender == BOB)
        await room.until(lambda: listens(room, began, ALICE))
        assert listens(room, began, ALICE) == ["interrupted"]
        slow.go_on.set()


async def test_who_was_interrupted_by_another_person_is_answered_after_all(tmp_path: Path) -> None:
    slow = Slow()
    async with gathering(tmp_path, {"alice": slow}) as room:
        first = await room.say("Tell me slowly.", ALICE)
        await slow.composing.wait()
        second = await room.say("Ken here.", ALICE, sender="user_ken")
        await room.until(lambda: said_by(room, ALICE))
        slow.go_on.set()
        await room.until(lambda: len(said_by(room, ALICE)) == 2)
        answers = [m for m in room.messages() if m.sender == ALICE]
        assert [m.reply_to for m in answers] == [second.id, first.id]
        assert [m.to for m in answers] == [("user_ken",), ("user_mika",)]


async def test_who_was_interrupted_does_not_wait_for_what_another_has_taken(tmp_path: Path) -> None:
    slow, stuck = Slow(), Slow("hello")
    async with gathering(tmp_path, {"alice": slow, "bob": stuck}) as room:
        first = await room.say("Tell me slowly.", ALICE)
        await slow.composing.wait()
        await room.say("Bob, hello!", ALICE, BOB, sender="user_ken")
        await stuck.composing.wait()
        slow.go_on.set()
        await room.until(lambda: any(m.reply_to == first.id for m in room.messages()), deadline=5)
        assert not said_by(room, BOB)


async def test_nobody_can_keep_a_companion_from_answering_others_by_talking(tmp_path: Path) -> None:
    slow = Slow()
    async with gathering(tmp_path, {"alice": slow}) as room:
        first = await room.say("Tell me slowly.", ALICE)
        for _ in range(3):
            await slow.composing.wait()
            slow.composing = trio.Event()
            await room.say("Hello!", ALICE, sender="user_ken")
        await slow.composing.wait()
        await room.say("Hello!", ALICE, sender="user_ken")
        await trio.testing.wait_all_tasks_blocked(0.05)
        slow.go_on.set()
        await room.until(lambda: len(said_by(room, ALICE)) == 5)
        answered = [m.reply_to for m in room.messages() if m.sender == ALICE]
        assert answered.index(first.id) == 3
        assert [e.message_id for e in told(room, "interrupted")] == [first.id] * 3


async def test_people_can_break_into_what_is_said_to_them_as_often_as_they_like(tmp_path: Path) -> None:
    slow = Slow()
    async with gathering(tmp_path, {"alice": slow}) as room:
        conversation = None
        for number in range(12):
            slow.composing = trio.Event()
            said = await room.say(f"slowly {number}", ALICE, conversation=conversation)
            conversation = said.conversation
            with trio.fail_after(30):
                await slow.composing.wait()
        assert len(told(room, "interrupted")) == 11


async def test_what_is_dropped_for_one_person_is_taken_up_by_the_last_who_can_however_busy(
    tmp_path: Path,
) -> None:
    minds = {"alice": Slow(), "bob": Slow()}
    async with gathering(tmp_path, minds) as room:
        first = await room.say("Alice, tell us slowly.")
        await minds["alice"].composing.wait()
        to_bob = await room.say("Tell me slowly.", BOB, sender="user_lea")
        await minds["bob"].composing.wait()
        await room.say("Alice!", ALICE, sender="user_ken")
        await room.until(lambda: said_by(room, ALICE))
        minds["bob"].go_on.set()
        await room.until(lambda: len(said_by(room, BOB)) == 2)
        answered = [m.reply_to for m in room.messages() if m.sender == BOB]
        assert answered == [to_bob.id, first.id]


async def test_a_person_goes_before_what_waits_for_its_turn_to_be_composed(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    composed: list[str] = []

    async def take_time(moment: Moment, toolbox: Toolbox) -> None:
        composed.append(moment.message.text if moment.message else "an opening")
        await trio.sleep(5)
        await toolbox.call("speak", {"message": f"Well, {composed[-1]}"})

    minds = {"alice": ScriptedBrain(on_compose=take_time), "bob": ScriptedBrain()}
    async with gathering(tmp_path, minds | {"carol": ScriptedBrain()}) as room:
        for number, name in enumerate(("bob", "carol")):
            room.companions[name].begin("tea", [ALICE])
            await room.until(lambda n=number: len(claims_of(room, ALICE)) > n)
        room.companions["alice"].begin("tea", [BOB])
        await trio.sleep(1)
        asked = await room.say("Alice?", ALICE)
        await room.until(lambda: any(m.reply_to == asked.id for m in room.messages()))
        assert composed[1] == "Alice?"
        reasons = [listens(room, m, ALICE) for m in room.messages() if m.sender != "user_mika"]
        assert ["interrupted"] in reasons


def claims_of(room: Gathering, who: str) -> set[str]:
    """The messages of which `who` has claimed the turn, but for talks it begins."""
    return {
        s.message_id for s in states(room) if s.sender == who and s.state == "composing" and not s.reason
    }


async def test_an_opening_waits_until_people_have_their_answers(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    slow = Slow("?")
    async with gathering(tmp_path, {"alice": slow, "bob": ScriptedBrain()}) as room:
        await room.say("One?", ALICE)
        await slow.composing.wait()
        room.companions["alice"].begin("tea", [BOB])
        await trio.sleep(1)
        slow.composing = trio.Event()
        await room.say("Two?", ALICE, sender="user_ken")
        await slow.composing.wait()
        slow.go_on.set()
        await room.until(lambda: len(said_by(room, ALICE)) == 3)
        assert [said.split()[2] for said in said_by(room, ALICE)] == ["'Two?'.", "'One?'.", "'tea'."]


async def test_whoever_stands_back_says_so_once_and_whoever_has_answered_says_nothing(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    minds = {"alice": ScriptedBrain(), "bob": ScriptedBrain()}
    async with gathering(tmp_path, minds, pace=1.0) as room:
        room.companions["bob"].begin("tea", [ALICE])
        await room.until(lambda: claims_of(room, ALICE))
        began = next(m for m in room.messages() if m.sender == BOB)
        await room.say("Alice?", ALICE)  # in the pause before the answer
        await room.until(lambda: said_by(room, ALICE))
        await trio.sleep(10)
        room.companions["bob"].begin("coffee", [ALICE])
        await room.until(lambda: len(said_by(room, ALICE)) == 2)
        again = [m for m in room.messages() if m.sender == BOB][-1]
        await room.say("Alice!", ALICE)  # while it is heard
        await trio.sleep(10)
        await room.say("Bye.", ALICE)
        await room.until(lambda: len(said_by(room, ALICE)) == 4)
        assert listens(room, began, ALICE) == ["interrupted"]
        assert listens(room, again, ALICE) == []


async def test_however_many_strangers_talk_people_of_this_home_are_heard(tmp_path: Path) -> None:
    async def never(moment: Moment, toolbox: Toolbox) -> None:
        await trio.sleep_forever()

    ours: set[str] = set()
    minds = {"alice": ScriptedBrain(on_compose=never)}
    async with (
        gathering(tmp_path, minds, owns=ours.__contains__) as room,
        MemoryMesh(room.lan) as elsewhere,
    ):
        ours.add(room.person.peer)
        for eve in range(5):
            async with elsewhere.join(tmp_path / f"{eve}.key", None) as node:
                for number in range(8):
                    spam = Message(id=f"{eve}-{number}", sender="user_eve", message=f"spam {number}")
                    await node.publish(spam)
        asked = await room.say("hello", ALICE)
        await room.until(lambda: room.states(asked.id))
        assert room.companions["alice"].dropped == 8
        assert listens(room, asked, ALICE) == []


async def test_the_runner_up_does_not_go_on_with_what_a_person_broke_into(tmp_path: Path) -> None:
    minds = {"alice": Slow("number 0"), "bob": ScriptedBrain(), "carol": Slow("number 0")}
    async with gathering(tmp_path, minds) as room:
        room.companions["bob"].begin("tea", [ALICE, CAROL])
        await room.until(
            lambda: any(s.state == "composing" and s.sender in (ALICE, CAROL) for s in states(room))
        )
        began = next(m for m in room.messages() if m.sender == BOB)
        await room.say("Hello, all of you!")
        await room.until(lambda: len({s.sender for s in room.states(began.id) if s.reason}) == 2)
        assert {s.reason for s in room.states(began.id) if s.reason} == {"interrupted"}


def states(room: Gathering) -> list[State]:
    return [payload for payload in room.heard if isinstance(payload, State)]


# Quiet modes ------------------------------------------------------------------------------------------


async def test_who_is_quiet_says_nothing_and_tells_why(tmp_path: Path) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain(), "bob": ScriptedBrain()}) as room:
        room.worlds["alice"].quiet.set("quiet")
        asked = await room.say("Alice? Bob?")
        await room.until(lambda: said_by(room, BOB) and listens(room, asked, ALICE))
        assert listens(room, asked, ALICE) == ["quiet"]
        assert not room.worlds["alice"].brain.assessed  # type: ignore[attr-defined]
        assert [(e.companion, e.mode) for e in told(room, "quiet")] == [(ALICE, "quiet")]


async def test_who_speaks_on_mention_only_answers_to_its_name_and_to_nothing_else(
    tmp_path: Path,
) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        room.worlds["alice"].quiet.set("mention-only")
        unasked = await room.say("Is anybody there?")
        await room.until(lambda: listens(room, unasked, ALICE))
        assert listens(room, unasked, ALICE) == ["quiet"]
        await room.say("What about you, Alice?")
        await room.until(lambda: said_by(room, ALICE))


async def test_being_made_quiet_drops_what_is_composed(tmp_path: Path) -> None:
    slow = Slow()
    async with gathering(tmp_path, {"alice": slow}) as room:
        asked = await room.say("Tell me slowly.", ALICE)
        await slow.composing.wait()
        room.worlds["alice"].quiet.set("quiet")
        slow.go_on.set()
        await room.until(lambda: listens(room, asked, ALICE))
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert not said_by(room, ALICE)
        assert listens(room, asked, ALICE) == ["quiet"]
        assert [note.reason for note in room.notes] == ["quiet"]
        assert not told(room, "interrupted")


async def test_whoever_was_made_quiet_begins_no_talk_that_was_asked_for_before(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    slow = Slow("?")
    async with gathering(tmp_path, {"alice": slow, "bob": ScriptedBrain()}) as room:
        await room.say("Alice?", ALICE)
        await slow.composing.wait()
        room.companions["alice"].begin("tea", [BOB])
        await trio.sleep(1)
        room.worlds["alice"].quiet.set("quiet")
        slow.go_on.set()
        await room.until(lambda: len(room.notes) == 2)
        assert [note.reason for note in room.notes] == ["quiet", "quiet"]
        assert not said_by(room, ALICE)


async def test_quiet_runs_out(tmp_path: Path, patient_clock: trio.testing.MockClock) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        room.worlds["alice"].quiet.set("quiet", 60.0)
        await trio.sleep(61)
        await room.say("And now?", ALICE)
        await room.until(lambda: said_by(room, ALICE))
        assert [e.mode for e in told(room, "quiet")] == ["quiet", "normal"]


@pytest.mark.parametrize("text", ["Please be quiet for ten minutes.", "10分静かにして"])
async def test_people_can_ask_for_quiet_in_words_and_get_a_nod(tmp_path: Path, text: str) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        asked = await room.say(text, ALICE)
        await room.until(lambda: listens(room, asked, ALICE))
        assert room.worlds["alice"].quiet.mode == "quiet"
        until = room.worlds["alice"].quiet.until
        assert until is not None
        assert 590 < until - trio.current_time() <= 600
        entries = await room.memories["alice"].recent(None, 5)
        assert [entry.text for entry in entries if entry.kind == "did"] == ["gesture nod"]
        assert not said_by(room, ALICE)


async def test_what_is_asked_of_another_is_not_obeyed(tmp_path: Path) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain(), "bob": ScriptedBrain()}) as room:
        await room.say("Bob, please be quiet.")
        await room.until(lambda: said_by(room, ALICE))
        modes = {name: world.quiet.mode for name, world in room.worlds.items()}
        assert modes == {"alice": "normal", "bob": "quiet"}


async def test_only_people_of_this_home_can_silence_a_companion(tmp_path: Path) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}, owns=lambda peer: False) as room:
        await room.say("Be quiet, please.", ALICE)
        await room.until(lambda: said_by(room, ALICE))
        assert room.worlds["alice"].quiet.mode == "normal"


async def test_who_may_talk_again_answers_at_once(tmp_path: Path) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        room.worlds["alice"].quiet.set("quiet")
        await room.say("You can talk again.", ALICE)
        await room.until(lambda: said_by(room, ALICE))


# Limits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits", [Limits(turns_per_talk=2), Limits(turns_per_hour=2)], ids=["a talk", "an hour"]
)
async def test_at_a_limit_the_last_reply_is_said_and_then_it_tells_why_it_is_silent(
    tmp_path: Path, limits: Limits
) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}, limits=limits) as room:
        first = await room.say("one", ALICE)
        await room.until(lambda: len(said_by(room, ALICE)) == 1)
        await room.say("two", ALICE, conversation=first.conversation)
        await room.until(lambda: len(said_by(room, ALICE)) == 2)
        third = await room.say("three", ALICE, conversation=first.conversation)
        await room.until(lambda: listens(room, third, ALICE))
        assert listens(room, third, ALICE) == ["limit"]
        composed = room.worlds["alice"].brain.composed  # type: ignore[attr-defined]
        assert [moment.closing for moment in composed] == [Closing.NONE, Closing.TERMINAL]
        assert "sets how many" in room.companions["alice"].reason


async def test_the_limit_of_a_talk_ends_no_other_talk(tmp_path: Path) -> None:
    limits = Limits(turns_per_talk=1)
    async with gathering(tmp_path, {"alice": ScriptedBrain()}, limits=limits) as room:
        for number in range(3):
            await room.say("hello", ALICE)
            await room.until(lambda number=number: len(said_by(room, ALICE)) == number + 1)


async def test_two_people_at_once_get_no_more_turns_than_there_are(tmp_path: Path) -> None:
    slow = Slow()
    limits = Limits(turns_per_hour=1)
    async with gathering(tmp_path, {"alice": slow}, limits=limits) as room:
        first = await room.say("Tell me slowly.", ALICE)
        await slow.composing.wait()
        slow.composing = trio.Event()
        await room.say("And slowly to me.", ALICE, sender="user_ken")
        await slow.composing.wait()
        slow.go_on.set()
        await room.until(lambda: listens(room, first, ALICE))
        assert listens(room, first, ALICE) == ["limit"]
        assert said_by(room, ALICE) == ["Alice on 'And slowly to me.'."]


# What is lost on the way ------------------------------------------------------------------------------


async def test_who_composes_says_so_again_and_again(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    slow = Slow()
    async with gathering(tmp_path, {"alice": slow, "bob": ScriptedBrain()}) as room:
        asked = await room.say("Alice, tell me slowly.")

        def claims() -> list[State]:
            return [s for s in room.states(asked.id) if s.state == "composing"]

        await room.until(lambda: len(claims()) == 10)
        assert {claim.sender for claim in claims()} == {ALICE}
        slow.go_on.set()
        await room.until(lambda: said_by(room, ALICE))


async def test_an_answer_that_somebody_missed_is_sent_again(tmp_path: Path) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}) as room:
        asked = await room.say("hello", ALICE)
        await room.until(lambda: said_by(room, ALICE))
        await trio.testing.wait_all_tasks_blocked(0.05)
        published: list[object] = []
        node = room.worlds["alice"].node
        publish: Callable[..., object] = node.publish

        async def watch(payload: object, **kwargs: object) -> None:
            published.append(payload)
            await publish(payload, **kwargs)  # type: ignore[misc]

        node.publish = watch  # type: ignore[method-assign,assignment]
        for _ in range(5):
            claim = State(sender=BOB, message_id=asked.id, state="composing", rank=1)
            await room.companions["alice"]._answers.hear_claim(claim)
        again = [p for p in published if isinstance(p, Message)]
        assert [m.reply_to for m in again] == [asked.id] * 3
        await room.say("and again", ALICE, conversation=asked.conversation)
        await room.until(lambda: len(said_by(room, ALICE)) == 2)  # nobody heard it twice


async def test_a_brain_that_fails_is_the_reason_that_is_told(tmp_path: Path) -> None:
    def fail(moment: Moment) -> Assessment:
        raise BrainError("out of order")

    async with gathering(tmp_path, {"alice": ScriptedBrain(on_assess=fail)}) as room:
        asked = await room.say("hello", ALICE)
        await room.until(lambda: listens(room, asked, ALICE))
        assert listens(room, asked, ALICE) == ["brain-failed"]


async def test_who_is_still_seen_speaking_is_not_too_busy_for_what_a_person_says_next(
    tmp_path: Path,
) -> None:
    async with gathering(tmp_path, {"alice": ScriptedBrain()}, pace=30) as room:
        for number in range(MAX_TURNS_FOR_ONE + 2):
            said = await room.say(f"hello {number}", ALICE)
            await room.until(lambda m=said: any(x.reply_to == m.id for x in room.messages()))
        alice = room.companions["alice"]
        with trio.fail_after(10):
            while alice.activity != "speaking" or alice._taking_part.total():
                await trio.sleep(0.01)
        assert alice.dropped == 0
