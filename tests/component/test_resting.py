"""What a companion makes of a brain that fails: it rests and says why, and comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import trio
import trio.testing

from aikyo.brain import Assessment, BrainError, Line, Moment, Toolbox
from aikyo.companion import Limits
from aikyo.companion.session import Change, lighter
from aikyo.wire import Message
from tests.support.gathering import Gathering, ScriptedBrain, gathering
from tests.support.memories import entry

BOTH = {"companion_alice", "companion_bob"}


@dataclass
class Ailing(ScriptedBrain):
    """Fails as it is told, and knows when it was woken."""

    fault: BrainError | None = None
    wakes: list[float] = field(default_factory=list)
    ails: bool = True
    paid: bool = True  # so that it is not woken at its start

    def __post_init__(self) -> None:
        self.on_compose = self._fail

    async def _fail(self, moment: Moment, toolbox: Toolbox) -> None:
        if self.fault is not None and self.ails:
            raise self.fault
        await toolbox.call("speak", {"message": "I am well."})

    async def wake(self) -> None:
        await trio.lowlevel.checkpoint()
        self.wakes.append(trio.current_time())
        if self.ails and self.fault is not None:
            raise self.fault


def shown(room: Gathering) -> list[tuple[str | None, str | None]]:
    """What was seen of Alice, without thinking."""
    told = [(e.activity, e.reason) for e in room.events if e.type == "activity"]
    return [each for each in told if each[0] != "thinking"]


async def asked(room: Gathering) -> None:
    """Mika asks Alice something, which comes to nothing."""
    before = len(room.notes)
    await room.say("hello", "companion_alice")
    with trio.fail_after(20):
        while len(room.notes) == before:
            await trio.sleep(0.01)


async def test_it_comes_back_when_the_brain_can_think_again(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    mind = Ailing(fault=BrainError("the model is overloaded", "overload", retry_in=90))
    async with gathering(tmp_path, {"alice": mind}) as room:
        began = trio.current_time()
        await asked(room)
        assert room.companions["alice"].activity == "resting"
        assert room.companions["alice"].reason == "the model is overloaded"
        await trio.sleep(200)
        assert [round(at - began, -1) for at in mind.wakes] == [90, 180]
        mind.ails = False
        await trio.sleep(90)
        assert room.companions["alice"].activity == "listening"
        assert shown(room) == [  # the reason that stays the same is told once
            ("listening", None),
            ("resting", "the model is overloaded"),
            ("listening", None),
        ]


async def test_a_brain_that_costs_nothing_is_woken_before_it_is_needed(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    mind = Ailing(fault=BrainError("nobody answers", "unreachable", retry_in=90), paid=False)
    async with gathering(tmp_path, {"alice": mind}) as room:
        began = trio.current_time()
        await room.until(lambda: room.companions["alice"].activity == "resting")
        assert room.companions["alice"].reason == "nobody answers"
        mind.ails = False
        await trio.sleep(100)
        assert room.companions["alice"].activity == "listening"
        assert [round(at - began, -1) for at in mind.wakes] == [0, 90]
        assert mind.assessed == mind.composed == []


async def test_nobody_waits_for_a_brain_that_is_being_woken(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    class Slow(ScriptedBrain):
        async def wake(self) -> None:
            await trio.sleep(30)

    began = trio.current_time()
    async with gathering(tmp_path, {"alice": Slow()}) as room:
        said = await room.say("hello", "companion_alice")
        await room.until(lambda: any(message.reply_to == said.id for message in room.messages()))
        assert trio.current_time() - began < 25


async def test_a_brain_that_says_nothing_of_when_is_tried_later_and_later(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    mind = Ailing(fault=BrainError("nobody answers", "unreachable"))
    async with gathering(tmp_path, {"alice": mind}) as room:
        began = trio.current_time()
        await asked(room)
        await trio.sleep(1_000)
        at = [began, *mind.wakes]
        pauses = [round(b - a, -1) for a, b in pairwise(at)]
        assert pauses == [30, 60, 120, 240, 480]


async def test_a_cause_is_told_once_however_often_the_time_changes(tmp_path: Path) -> None:
    times = iter(("; it is tried again at 9:00", "; it is being tried just now"))

    def fail(moment: Moment) -> Assessment:
        raise BrainError("nobody answers", "limit", retry_in=90, again=next(times))

    async with gathering(tmp_path, {"alice": ScriptedBrain(on_assess=fail)}) as room:
        for _ in range(2):
            said = await room.say("hello", "companion_alice")
            await room.until(lambda m=said: room.states(m.id))
        resting = [each for each in shown(room) if each[0] == "resting"]
        assert resting == [("resting", "nobody answers; it is tried again at 9:00")]
        assert room.companions["alice"].reason == "nobody answers; it is being tried just now"


async def test_at_a_cap_all_are_told_that_it_is_the_cap(tmp_path: Path) -> None:
    mind = Ailing(fault=BrainError("it has spent all", "limit", retry_in=600))
    async with gathering(tmp_path, {"alice": mind}) as room:
        for text in ("hello", "and now?"):  # as it composes, and before it does
            said = await room.say(text, "companion_alice")
            await room.until(lambda m=said: any(s.reason for s in room.states(m.id)))
            assert room.states(said.id)[-1].reason == "spent"


async def test_at_a_cap_it_rests_until_that_is_over_and_asks_no_model(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    mind = Ailing(fault=BrainError("it has spent all", "limit", retry_in=600))
    async with gathering(tmp_path, {"alice": mind}) as room:
        await asked(room)
        await trio.sleep(500)
        assert room.companions["alice"].activity == "resting"
        await trio.sleep(120)
        assert room.companions["alice"].activity == "listening"
        assert mind.wakes == []


@dataclass
class Spent(Ailing):
    """May not be asked before its cap is over."""

    def check(self) -> None:
        if self.fault is not None and self.ails:
            raise self.fault


async def test_one_that_has_spent_all_before_it_starts_rests_from_the_beginning(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    mind = Spent(fault=BrainError("it has spent all", "limit", retry_in=60))
    async with gathering(tmp_path, {"alice": mind}) as room:
        alice = room.companions["alice"]
        await room.until(lambda: alice.activity == "resting")
        assert alice.reason == "it has spent all"
        mind.ails = False
        await trio.sleep(65)
        assert alice.activity == "listening"
        assert mind.wakes == []


async def test_who_cannot_speak_for_now_begins_no_talk(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    mind = Spent(fault=BrainError("it has spent all", "limit", retry_in=60))
    limits = Limits(beginnings=60, silence=10)
    async with gathering(tmp_path, {"alice": mind, "bob": ScriptedBrain()}, limits=limits) as room:
        room.worlds["bob"].quiet.set("quiet", None)
        await trio.sleep(55)
        assert (mind.composed, room.notes) == ([], [])
        mind.ails = False
        await room.until(room.messages)
        assert mind.composed[0].opening == "silence"


def claims(room: Gathering, message: Message) -> list[str]:
    return [state.sender for state in room.states(message.id) if state.state == "composing"]


async def test_who_cannot_speak_for_now_leaves_the_turn_to_whose_brain_works(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    alice = Ailing(
        fault=BrainError("the key was refused", "key", retry_in=600),
        on_assess=lambda moment: Assessment(speak=True, importance=9),
    )
    async with gathering(tmp_path, {"alice": alice, "bob": ScriptedBrain()}) as room:
        asked = []
        for number in range(2):
            said = await room.say(f"hello {number}")
            await room.until(lambda m=said: any(x.reply_to == m.id for x in room.messages()))
            asked.append(claims(room, said))
        assert asked[0][0] == "companion_alice"  # it could not know
        assert asked[1] == ["companion_bob"]
        assert len(alice.assessed) == 1
        alice.ails = False
        await trio.sleep(600)
        said = await room.say("and now?")
        await room.until(lambda m=said: any(x.reply_to == m.id for x in room.messages()))
        assert room.messages()[-1].sender == "companion_alice"


async def test_where_no_brain_works_the_reason_is_told_at_once(tmp_path: Path) -> None:
    refused = BrainError("the key was refused", "key", retry_in=600)
    minds = {name: Ailing(fault=refused) for name in ("alice", "bob")}
    async with gathering(tmp_path, minds) as room:
        first = await room.say("hello")
        await room.until(lambda: {s.sender for s in room.states(first.id) if s.reason} == BOTH)
        said = await room.say("is nobody there?")
        await room.until(lambda: {s.sender for s in room.states(said.id)} == BOTH)
        assert [(s.state, s.reason) for s in room.states(said.id)] == [("listen", "brain-failed")] * 2
        assert all(companion.activity == "resting" for companion in room.companions.values())


async def test_whose_model_for_decisions_rests_answers_all_the_same(tmp_path: Path) -> None:
    def decide(moment: Moment) -> Assessment:
        if not moment.addressed:
            raise BrainError("there is no model 'tiny'", "model", retry_in=600)
        return Assessment(speak=True, importance=9)

    async with gathering(tmp_path, {"alice": ScriptedBrain(on_assess=decide)}) as room:
        said = await room.say("hello")
        await room.until(lambda: room.states(said.id))
        assert room.companions["alice"].activity == "resting"
        said = await room.say("Alice?", "companion_alice")
        await room.until(lambda: any(m.reply_to == said.id for m in room.messages()))


async def test_the_same_reason_twice_in_a_row_is_told_once(tmp_path: Path) -> None:
    def fail(moment: Moment) -> Assessment:
        raise BrainError("the model is overloaded", "overload", retry_in=90)

    mind = ScriptedBrain(on_assess=fail)
    async with gathering(tmp_path, {"alice": mind}) as room:
        for _ in range(3):
            said = await room.say("hello", "companion_alice")
            await room.until(lambda m=said: room.states(m.id))
        assert len(mind.assessed) == 3
        assert [each for each in shown(room) if each[0] == "resting"] == [
            ("resting", "the model is overloaded")
        ]


async def test_another_brain_ends_the_rest(tmp_path: Path) -> None:
    well = ScriptedBrain()

    async def open_brain(*_: object) -> ScriptedBrain:
        return well

    mind = Ailing(fault=BrainError("the key was refused", "key", retry_in=600))
    async with gathering(tmp_path, {"alice": mind}, open_brain=open_brain) as room:
        await asked(room)
        assert room.companions["alice"].activity == "resting"
        sessions = room.companions["alice"].sessions
        await sessions.renew(Change("profile"))
        assert room.companions["alice"].activity == "resting"  # it is the same brain
        overrides = sessions._overrides
        await sessions.renew(Change("model", overrides=overrides))
        assert room.companions["alice"].activity == "listening"


async def test_what_a_brain_does_wrong_that_was_replaced_meanwhile_makes_nobody_rest(
    tmp_path: Path,
) -> None:
    may_fail, composing = trio.Event(), trio.Event()
    well = ScriptedBrain()

    async def fail_late(moment: Moment, toolbox: Toolbox) -> None:
        composing.set()
        await may_fail.wait()
        raise BrainError("the key was refused", "key", retry_in=600)

    async def open_brain(*_: object) -> ScriptedBrain:
        return well

    mind = ScriptedBrain(on_compose=fail_late)
    async with gathering(tmp_path, {"alice": mind}, open_brain=open_brain) as room:
        await room.say("hello", "companion_alice")
        await composing.wait()
        sessions = room.companions["alice"].sessions
        await sessions.renew(Change("model", overrides=sessions._overrides))
        may_fail.set()
        with trio.fail_after(20):
            while not room.notes:
                await trio.sleep(0.01)
        assert "refused" in room.notes[0].reason
        assert room.companions["alice"].activity == "listening"
        said = await room.say("and now?", "companion_alice")
        await room.until(lambda: any(m.reply_to == said.id for m in room.messages()))


async def test_what_is_too_long_for_the_model_is_told_with_less_and_the_next_session_is_smaller(
    tmp_path: Path,
) -> None:
    async def fussy(moment: Moment, toolbox: Toolbox) -> None:
        told.append(moment)
        if len(moment.recent) > 3 or moment.recalled:
            raise BrainError("the prompt is too long", "too-long")
        await toolbox.call("speak", {"message": "Well then."})

    told: list[Moment] = []
    mind = ScriptedBrain(on_compose=fussy)
    async with gathering(tmp_path, {"alice": mind}, budget=8_000) as room:
        for number in range(2):
            said = await room.say(f"hello {number}", "companion_alice", conversation="talk")
            await room.until(lambda m=said: any(x.reply_to == m.id for x in room.messages()))
        await room.memories["alice"].append(entry("hello from before", uid="before"))
        said = await room.say("hello again", "companion_alice", conversation="talk")
        await room.until(lambda: any(x.reply_to == said.id for x in room.messages()))
        whole, light = told[-2:]
        assert len(whole.recent) == 5
        assert light.recent == whole.recent[2:]
        assert (len(whole.recalled), light.recalled) == (1, ())
        assert not any(activity == "resting" for activity, _ in shown(room))
        with trio.fail_after(20):
            while room.companions["alice"].sessions.current.number == 1:
                await trio.sleep(0.01)
        session = room.companions["alice"].sessions.current
        assert (session.budget, session.why) == (4_000, "too-long")


def test_a_lighter_moment_keeps_the_message() -> None:
    line = Line("m", "user_mika", "Mika", "hello", 0.0)
    moment = Moment(now=None, me=None, message=line, recent=(line,))  # type: ignore[arg-type]
    assert lighter(moment).recent == (line,)
