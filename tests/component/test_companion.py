"""Companions together, on the in-memory mesh, with real memories."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest
import trio
import trio.testing
from msgspec import Raw

from aikyo.brain import Assessment, BrainError, Moment, Toolbox, ToolError
from aikyo.mesh.memory import MemoryMesh
from aikyo.wire import Action, Closing, Context, IdMaker, Message, Payload, Presence
from tests.support.gathering import Gathering, ScriptedBrain, gathering

TRIO = ("alice", "bob", "carol")
BOB = Presence(id="companion_bob", name="Bob")


def brains(*names: str) -> dict[str, ScriptedBrain]:
    return {name: ScriptedBrain() for name in names or TRIO}


async def never(moment: Moment, toolbox: Toolbox) -> None:
    await trio.sleep_forever()


async def test_all_addressed_publish_a_state_and_one_of_them_answers(tmp_path: Path) -> None:
    async with gathering(tmp_path, brains()) as room:
        hello = await room.say("hello")
        await room.until(lambda: len(room.messages()) == 2)
        states = room.states(hello.id)
        assert {s.sender for s in states if s.state == "speak"} == {f"companion_{n}" for n in TRIO}
        claims = [s for s in states if s.state == "composing"]
        assert [s.sender for s in claims] == [room.messages()[1].sender]
        assert room.messages()[1].reply_to == hello.id


async def test_whoever_is_called_by_name_answers(tmp_path: Path) -> None:
    async with gathering(tmp_path, brains()) as room:
        await room.say("What do you think, Carol?")
        await room.until(lambda: len(room.messages()) == 2)
        assert room.messages()[1].sender == "companion_carol"


async def test_a_message_is_heard_and_remembered_only_by_its_recipients(tmp_path: Path) -> None:
    async with gathering(tmp_path, brains("alice", "bob")) as room:
        await room.say("a secret", "companion_alice")
        await room.until(lambda: len(room.messages()) == 2)
        assert room.messages()[1].to == ("user_mika",)
        kept = await room.memories["alice"].recent(None, 10)
        assert [(e.kind, e.sender) for e in kept] == [
            ("heard", "user_mika"),
            ("said", "companion_alice"),
        ]
        assert await room.memories["bob"].count() == 0


async def test_the_runner_up_answers_when_the_chosen_one_dies(tmp_path: Path) -> None:
    minds = brains("alice", "bob")
    minds["alice"].on_compose = never
    async with gathering(tmp_path, minds) as room:
        hello = await room.say("Alice?")
        await room.until(lambda: any(s.state == "composing" for s in room.states(hello.id)))
        room.scopes["alice"].cancel()
        await room.until(lambda: len(room.messages()) == 2)
        assert room.messages()[1].sender == "companion_bob"
        assert [s.rank for s in room.states(hello.id) if s.state == "composing"] == [0, 1]


async def test_a_silent_companion_does_not_stall_the_talk(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    class Silent(ScriptedBrain):
        async def assess(self, moment: Moment) -> Assessment:
            await trio.sleep_forever()
            raise AssertionError

    minds = brains("alice") | {"bob": Silent()}
    async with gathering(tmp_path, minds) as room:
        await room.say("anybody there?")
        await room.until(lambda: len(room.messages()) == 2)
        assert room.messages()[1].sender == "companion_alice"


async def test_a_brain_that_fails_gives_the_turn_to_the_next_and_says_why(tmp_path: Path) -> None:
    async def fail(moment: Moment, toolbox: Toolbox) -> None:
        raise BrainError("the model is overloaded")

    minds = brains("alice", "bob")
    minds["alice"].on_compose = fail
    async with gathering(tmp_path, minds) as room:
        await room.say("Alice?")
        await room.until(lambda: len(room.messages()) == 2)
        assert room.messages()[1].sender == "companion_bob"
        rested = [e for e in room.events if e.activity == "resting"]
        assert [(e.companion, e.reason) for e in rested] == [
            ("companion_alice", "the model is overloaded")
        ]


async def test_a_talk_among_companions_closes_of_itself(tmp_path: Path) -> None:
    async with gathering(tmp_path, brains()) as room:
        room.companions["alice"].begin("tea", ["companion_bob", "companion_carol"])
        stages: list[Closing] = []

        def over() -> bool:
            stages[:] = [moment.closing for mind in minds.values() for moment in mind.composed]
            return [s.state for s in room.states(room.messages()[-1].id)] == ["listen", "listen"]

        minds = {name: c._world.brain for name, c in room.companions.items()}  # type: ignore[misc]
        await room.until(lambda: len(room.messages()) > 5 and over())
        said = room.messages()
        assert {m.sender for m in said} == {f"companion_{name}" for name in TRIO}
        assert len({m.conversation for m in said}) == 1
        assert [m.reply_to for m in said[1:]] == [m.id for m in said[:-1]]
        assert {Closing.NONE, Closing.PRE_CLOSING, Closing.CLOSING} <= set(stages)
        farewells = [m.sender for m in said[-3:]]
        assert sorted(farewells) == sorted(set(farewells))


async def test_a_talk_closes_sooner_when_the_brains_find_that_it_repeats_itself(tmp_path: Path) -> None:
    def bored(moment: Moment) -> Assessment:
        return Assessment(speak=True, importance=5, circles=moment.turn >= 3)

    async def ramble(moment: Moment, toolbox: Toolbox) -> None:
        words = sha256(f"{moment.me.name} {moment.turn}".encode()).hexdigest()
        await toolbox.call("speak", {"message": words})

    minds = {name: ScriptedBrain(on_assess=bored, on_compose=ramble) for name in (*TRIO, "dan")}
    async with gathering(tmp_path, minds) as room:
        others = [f"companion_{name}" for name in minds if name != "alice"]
        room.companions["alice"].begin("tea", others)
        await room.until(lambda: len(room.messages()) > 3 and said_enough(room))
        assert len(room.messages()) < 20  # of the 25 that four would say


def said_enough(room: Gathering) -> bool:
    return {s.reason for s in room.states(room.messages()[-1].id)} == {"closed"}


async def test_after_a_person_each_answers_at_most_once(tmp_path: Path) -> None:
    async with gathering(tmp_path, brains()) as room:
        hello = await room.say("hello")
        await room.until(
            lambda: (
                len(room.messages(hello.conversation)) == 4
                and len(room.states(room.messages()[-1].id)) == 2
            )
        )
        assert {s.state for s in room.states(room.messages()[-1].id)} == {"listen"}


async def test_a_question_to_one_that_has_had_its_say_is_not_left_hanging(tmp_path: Path) -> None:
    async def ask_around(moment: Moment, toolbox: Toolbox) -> None:
        asks = moment.may_ask and moment.me.name == "Bob"
        await toolbox.call("speak", {"message": "And you, Alice?" if asks else "I see."})

    def eager(moment: Moment) -> Assessment:
        return Assessment(speak=True, importance=10 if moment.me.name == "Alice" else 1)

    minds = {name: ScriptedBrain(on_assess=eager, on_compose=ask_around) for name in ("alice", "bob")}
    async with gathering(tmp_path, minds) as room:
        hello = await room.say("hello")
        await room.until(lambda: len(room.messages(hello.conversation)) == 4)
        said = [(m.sender, m.message) for m in room.messages(hello.conversation)[1:]]
        assert said == [
            ("companion_alice", "I see."),
            ("companion_bob", "And you, Alice?"),
            ("companion_alice", "I see."),
        ]
        assert not minds["alice"].composed[-1].may_ask
        last = room.messages()[-1]
        await room.until(lambda: room.states(last.id))
        assert [state.reason for state in room.states(last.id)] == ["had-say"]


async def test_what_companions_said_before_one_was_up_is_not_answered(tmp_path: Path) -> None:
    minds = brains("alice")
    async with gathering(tmp_path, minds) as room:
        old = IdMaker(lambda: time.time() - 60, Random(1))()
        async with MemoryMesh(room.lan) as mesh, mesh.join(tmp_path / "bob.key", BOB) as bob:
            await bob.publish(Message(id=old, sender=BOB.id, message="Goodbye, then.", conversation="t"))
            await room.until(lambda: room.states(old))
            assert [state.state for state in room.states(old)] == ["listen"]
            new = room.new_id()
            await bob.publish(Message(id=new, sender=BOB.id, message="Hello again.", conversation="u"))
            await room.until(lambda: any(m.reply_to == new for m in room.messages()))
        assert [m.message.id for m in minds["alice"].assessed if m.message] == [new]


async def test_the_brain_is_told_what_was_said_before_and_what_memory_brings_up(tmp_path: Path) -> None:
    minds = brains("alice")
    async with gathering(tmp_path, minds) as room:
        await room.say("I left my umbrella at the lighthouse.", "companion_alice")
        await room.until(lambda: len(room.messages()) == 2)
        second = await room.say("Where was the umbrella?", "companion_alice")
        await room.until(lambda: len(room.messages(second.conversation)) == 2)
        first_moment, second_moment = minds["alice"].composed
        assert not first_moment.present[0].met
        assert second_moment.present[0].met
        assert second_moment.message is not None
        assert second_moment.message.text == "Where was the umbrella?"
        assert any("lighthouse" in line.text for line in second_moment.recalled)
        assert [line.text for line in second_moment.recent] == ["Where was the umbrella?"]


async def test_a_context_reaches_the_next_turn_and_the_journal(tmp_path: Path) -> None:
    minds = brains("alice")
    async with gathering(tmp_path, minds) as room:
        rain = Context(id="c1", sender="user_mika", type="text", context="It has started to rain.")
        await room.person.publish(rain)
        await room.say("hello", "companion_alice")
        await room.until(lambda: len(room.messages()) == 2)
        assert [line.text for line in minds["alice"].composed[0].perceived] == [rain.context]
        kinds = [entry.kind for entry in await room.memories["alice"].recent(None, 10)]
        assert kinds == ["perceived", "heard", "said"]


async def test_actions_are_published_journaled_and_checked(tmp_path: Path) -> None:
    errors: list[str] = []

    async def act(moment: Moment, toolbox: Toolbox) -> None:
        wrong: list[tuple[str, Mapping[str, object]]] = [
            ("fly", {}),
            ("move", {"x": 500, "y": 1}),
            ("look", {}),
            ("gesture", {"kind": "wave", "how": "wildly"}),
            ("speak", {"message": "  "}),
            ("speak", {"message": "x" * 20_000}),
        ]
        for name, params in wrong:
            try:
                await toolbox.call(name, params)
            except ToolError as error:
                errors.append(str(error))
        await toolbox.call("gesture", {"kind": "wave", "target": "Bob"})
        await toolbox.call("speak", {"message": "Hi!", "to": ["bob"], "emotion": "happy"})
        try:
            await toolbox.call("speak", {"message": "Hi again!"})
        except ToolError as error:
            errors.append(str(error))

    minds = brains("alice", "bob")
    minds["alice"].on_compose = act
    async with gathering(tmp_path, minds) as room:
        await room.say("Alice?")
        await room.until(lambda: len(room.messages()) == 3 and len(errors) == 7)
        wave, speak = (p for p in room.heard if isinstance(p, Action) and p.sender == "companion_alice")
        assert wave.params == {"kind": "wave", "target": "companion_bob"}
        said = next(p for p in room.heard if isinstance(p, Message) and p.message == "Hi!")
        assert speak.params == {"message": "Hi!", "messageId": said.id, "target": "companion_bob"}
        assert said.metadata == {"emotion": "happy", "target": "companion_bob"}
        assert [error.split(":")[0] for error in errors[1:4]] == ["move", "look", "gesture"]
        kinds = [entry.kind for entry in await room.memories["alice"].recent(None, 10)]
        assert kinds[:3] == ["heard", "did", "said"]
        assert room.companions["alice"].mood == "happy"


async def test_a_speak_action_of_another_kind_of_companion_is_a_message(tmp_path: Path) -> None:
    async with gathering(tmp_path, brains("alice")) as room:
        params = {"message": "hello from afar", "target": "companion_alice"}
        await room.person.publish(Action(id="a1", sender="user_mrtalk", name="speak", params=params))
        await room.until(lambda: len(room.messages()) == 1)
        assert room.messages()[0].reply_to == "a1"
        assert room.messages()[0].to == ("user_mrtalk",)


async def test_triggers_give_the_brain_its_instructions(tmp_path: Path) -> None:
    events = """
[events.params]
type = "object"
required = ["greeting"]
[events.params.properties.greeting]
type = "boolean"
[[events.conditions]]
expression = "greeting && !known"
execute = [{ tool = "speak", instruction = "Introduce yourself." }]
"""
    minds = brains("alice")
    minds["alice"].on_assess = lambda _: Assessment(speak=True, params={"greeting": True})
    async with gathering(tmp_path, minds, extra=events) as room:
        for number in (1, 2):
            await room.say("hi", "companion_alice")
            await room.until(lambda n=number: len(room.messages()) == 2 * n)
            assert len(minds["alice"].composed) == number
        assert [len(moment.instructions) for moment in minds["alice"].composed] == [1, 0]


async def test_companions_leave_each_other_time_to_be_read(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    async with gathering(tmp_path, brains(), pace=1.0) as room:
        hello = await room.say("hello")
        began = trio.current_time()
        await room.until(lambda: len(room.messages(hello.conversation)) == 2)
        assert trio.current_time() - began < 1.0
        began = trio.current_time()
        await room.until(lambda: len(room.messages(hello.conversation)) == 3)
        assert 1.0 <= trio.current_time() - began < 6.5


async def test_whoever_begins_a_talk_knows_whom_it_has_met_before(tmp_path: Path) -> None:
    for met in (False, True):
        minds = brains("alice", "bob")
        async with gathering(tmp_path, minds) as room:
            room.companions["alice"].begin("tea", ["companion_bob"])
            await room.until(lambda: len(room.messages()) == 2)
            assert minds["alice"].composed[0].present[0].met is met
            await room.until(lambda: len(room.messages()) == 4)


async def test_what_was_heard_before_a_restart_is_not_answered_again(tmp_path: Path) -> None:
    minds = brains("alice")
    async with gathering(tmp_path, minds) as room:
        hello = await room.say("hello")
        await room.until(lambda: len(room.messages()) == 2)
    async with gathering(tmp_path, minds) as room:
        await room.person.publish(hello)  # as gossip repeats the last seconds to a newcomer
        new = await room.say("are you back?")
        await room.until(lambda: len(room.messages()) == 3)
        assert room.messages()[-1].reply_to == new.id
        assert [moment.message.id for moment in minds["alice"].assessed if moment.message] == [
            hello.id,
            new.id,
        ]


async def test_who_floods_leaves_room_for_others(tmp_path: Path) -> None:
    minds = brains("alice")
    minds["alice"].on_compose = never
    async with gathering(tmp_path, minds) as room:
        lan = MemoryMesh(room.lan)
        async with lan as elsewhere, elsewhere.join(tmp_path / "eve.key", None) as eve:
            for number in range(40):
                await eve.publish(Message(id=f"m{number}", sender="user_eve", message=f"spam {number}"))
            hello = await room.say("hello")
            assessed = minds["alice"].assessed
            await room.until(lambda: any(m.message and m.message.id == hello.id for m in assessed))
            assert len(assessed) == 9
            assert room.companions["alice"].dropped == 32


async def test_a_message_with_anothers_id_hides_nothing_from_memory(tmp_path: Path) -> None:
    minds = brains("alice")
    minds["alice"].on_assess = lambda _: Assessment(speak=False)
    async with gathering(tmp_path, minds) as room:
        lan = MemoryMesh(room.lan)
        async with lan as elsewhere, elsewhere.join(tmp_path / "eve.key", None) as eve:
            forged = Message(id="m1", sender="user_eve", message="spam")
            await eve.publish(forged)
            await room.until(lambda: forged in room.heard)
            await room.person.publish(Message(id="m1", sender="user_mika", message="the real one"))
            await room.say("goodbye")
            await room.until(lambda: len(minds["alice"].assessed) == 2)
        kept = [entry.text for entry in await room.memories["alice"].recent(None, 10)]
        assert kept == ["spam", "the real one", "goodbye"]


async def test_nobody_can_take_anothers_name(tmp_path: Path) -> None:
    async with gathering(tmp_path, brains("alice", "bob")) as room:
        world = room.companions["alice"]._world
        impostor = Presence(id="companion_aaa", name="companion_bob")
        world.roster.bind("peer-of-an-impostor", impostor)
        names = world.ids_by_name([])
        assert (names["companion_bob"], names["bob"]) == ("companion_bob", "companion_bob")


async def test_a_companion_is_seen_thinking_and_then_speaking(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    async with gathering(tmp_path, brains("alice"), pace=1.0) as room:
        await room.say("hello", "companion_alice")
        await room.until(lambda: len(room.messages()) == 2)
        await trio.sleep(10)
        assert [e.activity for e in room.events if e.activity] == [
            "listening",
            "thinking",
            "speaking",
            "listening",
        ]


async def test_an_interruption_never_parts_what_is_said_from_its_action(tmp_path: Path) -> None:
    async with gathering(tmp_path, brains("alice")) as room:
        alice = room.companions["alice"]
        publish = alice._world.node.publish

        async def slowly(payload: Payload, **more: Raw | None) -> None:
            if isinstance(payload, Message):
                room.scopes["alice"].cancel()
            await trio.lowlevel.checkpoint()
            await publish(payload, **more)

        alice._world.node.publish = slowly  # type: ignore[method-assign]
        await room.say("hello", "companion_alice")
        await room.until(lambda: any(isinstance(p, Action) for p in room.heard))
        assert len(room.messages()) == 2


async def test_who_was_answered_is_met_also_when_everybody_was_spoken_to(tmp_path: Path) -> None:
    minds = brains("alice")
    async with gathering(tmp_path, minds) as room:
        for number in (1, 2):
            await room.say("hello, everybody")
            await room.until(lambda n=number: len(room.messages()) == 2 * n)
        assert [moment.present[0].met for moment in minds["alice"].composed] == [False, True]


async def test_a_companion_can_recall_what_somebody_said(tmp_path: Path) -> None:
    told: list[str] = []

    async def look_up(moment: Moment, toolbox: Toolbox) -> None:
        told.append(await toolbox.call("recall", {"by": "mika", "k": 2}))
        told.append(await toolbox.call("recall", {"query": "umbrella"}))
        with pytest.raises(ToolError, match="`query` or `by`"):
            await toolbox.call("recall", {})
        await toolbox.call("speak", {"message": "I remember."})

    minds = brains("alice")
    async with gathering(tmp_path, minds) as room:
        await room.say("I left my umbrella at the lighthouse.", "companion_alice")
        await room.until(lambda: len(room.messages()) == 2)
        minds["alice"].on_compose = look_up
        await room.say("Well?", "companion_alice")
        await room.until(lambda: len(room.messages()) == 4)
    today = f"{datetime.now().astimezone():%Y-%m-%d}"
    umbrella = f"{today}, user_mika said: I left my umbrella at the lighthouse."
    assert told[0] == f"{today}, user_mika said: Well?\n{umbrella}"
    assert told[1].splitlines()[0] == umbrella
