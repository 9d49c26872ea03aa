"""Companions in a mesh of the TypeScript aikyo, where a leader judges for all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from msgspec import Raw

from aikyo.brain import Assessment, BrainError, Moment, Toolbox
from aikyo.conversation.led_turn import LEADER_DEADLINE
from aikyo.mesh.memory import MemoryMesh
from aikyo.wire import Action, Closing, Dialect, Message, Presence, State
from tests.support.gathering import Gathering, ScriptedBrain, gathering
from tests.support.typescript import TypeScriptCompanion

TRIO = ("alice", "bob", "carol")
IDS = tuple(f"companion_{name}" for name in TRIO)
AYA = "companion_aya"


def minds(*names: str) -> dict[str, ScriptedBrain]:
    return {name: ScriptedBrain() for name in names or TRIO}


@asynccontextmanager
async def led(tmp_path: Path, brains: dict[str, ScriptedBrain], **more: Any) -> AsyncIterator[Gathering]:
    """A gathering of a JSON-RPC mesh, in which the person sees all that is published."""
    async with gathering(tmp_path, brains, dialect=Dialect.JSONRPC, **more) as room:
        room.person.judge_leaders(lambda *_: True)
        yield room


@asynccontextmanager
async def with_aya(
    room: Gathering, tmp_path: Path, **behaviour: Any
) -> AsyncIterator[TypeScriptCompanion]:
    """A TypeScript companion of another home joins."""
    async with (
        MemoryMesh(room.lan, dialect=Dialect.JSONRPC) as elsewhere,
        elsewhere.join(tmp_path / "aya.key", Presence(id=AYA, name="Aya")) as node,
        trio.open_nursery() as nursery,
    ):
        aya = TypeScriptCompanion(node, **behaviour)
        nursery.start_soon(aya.run)
        with trio.fail_after(10):
            for companion in room.companions.values():
                while AYA not in companion._world.roster:
                    await companion._world.roster.changed()
            while set(room.companions) > {who[10:] for who in node.roster}:
                await node.roster.changed()
        yield aya
        nursery.cancel_scope.cancel()


def answers(room: Gathering, message: Message) -> list[str]:
    """Who has answered it, as far as they say so."""
    return [one.sender for one in room.messages() if one.reply_to == message.id]


async def leader_of(room: Gathering, message: Message) -> str:
    """Whom the companions take for the leader of it, once one of them has heard it."""
    talks = next(iter(room.companions.values()))._talks
    with trio.fail_after(10):
        while True:
            for who in (*IDS, AYA):
                if talks.leads(who, message.id, trio.current_time()):
                    return who
            await trio.sleep(0.01)


async def test_one_judges_for_all_and_exactly_one_answers(tmp_path: Path) -> None:
    brains = minds()
    async with led(tmp_path, brains) as room:
        hello = await room.say("hello", *IDS, "user_ken")
        await room.until(lambda: len(room.messages(hello.conversation)) == 4)
        arrays = [s for s in room.states(hello.id) if s.state != "composing"]
        assert sorted(s.sender for s in arrays) == sorted((*IDS, "user_ken"))
        for message in room.messages(hello.conversation)[:3]:
            assert len(answers(room, message)) == 1
        said = room.messages(hello.conversation)
        assert sorted(m.sender for m in said[1:]) == sorted(IDS)
        assert sum(len(mind.composed) for mind in brains.values()) == 3


async def test_a_message_to_nobody_in_particular_names_everybody_who_is_there(tmp_path: Path) -> None:
    async with led(tmp_path, minds()) as room:
        await room.say("hello")
        await room.until(lambda: len(room.messages()) == 2)
        assert room.messages()[0].to == IDS


async def test_whoever_is_called_by_name_answers(tmp_path: Path) -> None:
    async with led(tmp_path, minds()) as room:
        for name in TRIO:
            hello = await room.say(f"What do you think, {name.capitalize()}?", *IDS)
            await room.until(lambda c=hello.conversation: len(room.messages(c)) >= 2)
            assert room.messages(hello.conversation)[1].sender == f"companion_{name}"


async def test_the_talk_of_companions_closes_of_itself(tmp_path: Path) -> None:
    brains = minds()
    async with led(tmp_path, brains) as room:
        room.companions["alice"].begin("tea", IDS[1:])

        def over() -> bool:
            states = room.states(room.messages()[-1].id)
            return len(states) == 2 and {s.state for s in states} == {"listen"}

        await room.until(lambda: len(room.messages()) > 5 and over())
        said = room.messages()
        assert [m.reply_to for m in said[1:]] == [m.id for m in said[:-1]]
        stages = {moment.closing for mind in brains.values() for moment in mind.composed}
        assert {Closing.NONE, Closing.PRE_CLOSING, Closing.CLOSING} <= stages


async def test_the_talk_goes_on_when_the_leader_leaves(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    brains = minds()
    thinking: list[str] = []

    def slow(name: str) -> type[ScriptedBrain]:
        class Slow(ScriptedBrain):
            async def assess(self, moment: Moment) -> Assessment:
                thinking.append(name)
                if thinking == [name]:
                    await trio.sleep_forever()
                return Assessment(speak=True, importance=5)

        return Slow

    brains = {name: slow(name)() for name in TRIO}
    async with led(tmp_path, brains) as room:
        await room.say("hello", *IDS)
        with trio.fail_after(10):
            while not thinking:
                await trio.sleep(0.01)
        began = trio.current_time()
        room.scopes[thinking[0]].cancel()
        await room.until(lambda: len(room.messages()) == 2)
        assert room.messages()[1].sender != f"companion_{thinking[0]}"
        assert trio.current_time() - began < LEADER_DEADLINE  # it is not waited for


async def test_the_talk_goes_on_when_the_leader_is_silent(
    tmp_path: Path, patient_clock: trio.testing.MockClock
) -> None:
    async with led(tmp_path, minds()) as room, with_aya(room, tmp_path, leads=False, speaks=False):
        for number in range(60):
            hello = await room.say(f"Bob, {number}?", *IDS, AYA)
            if await leader_of(room, hello) == AYA:
                break
            await room.until(lambda c=hello.conversation: len(room.messages(c)) > 1)
        else:
            raise AssertionError("Aya never led")
        await room.until(lambda: len(room.messages(hello.conversation)) > 1)
        assert room.messages(hello.conversation)[1].sender == IDS[1]


async def test_a_forged_array_is_dropped_and_counted(tmp_path: Path) -> None:
    brains = minds()
    quiet = brains["bob"].on_assess = lambda _: Assessment(speak=False)
    brains["alice"].on_assess = brains["carol"].on_assess = quiet
    async with led(tmp_path, brains) as room, with_aya(room, tmp_path, leads=False) as aya:
        hello = await room.say("It rains.", *IDS)
        states = [
            State(sender=who, message_id=hello.id, state="speak", importance=10, selected=who == AYA)
            for who in (*IDS, AYA)
        ]
        await aya.node.publish_all(states)
        alice = room.companions["alice"]._world.node
        with trio.fail_after(10):
            while not alice.counters["spoofed"]:
                await trio.sleep(0.01)
        await room.until(lambda: len(answers(room, hello)) == 1)
        assert alice.counters["spoofed"] == 3


async def test_ours_speak_when_a_typescript_leader_chooses_them_and_it_when_ours_do(
    tmp_path: Path,
) -> None:
    def bob(message: Message, who: str) -> State:
        asked = message.sender.startswith("user_")
        return State(sender=who, message_id=message.id, state="listen", selected=asked and who == IDS[1])

    async with led(tmp_path, minds("alice", "bob")) as room, with_aya(room, tmp_path, judges=bob) as aya:
        for number in range(60):
            hello = await room.say(f"Aya, {number}.", *IDS[:2], AYA)
            if await leader_of(room, hello) == AYA:
                await room.until(lambda m=hello: answers(room, m))
                assert answers(room, hello) == [IDS[1]]
            else:
                await room.until(lambda m=hello: len(room.states(m.id)) >= 3)
            if aya.led and aya.said:
                return
    raise AssertionError("Aya never led, or never spoke")


async def test_what_a_typescript_companion_says_belongs_to_the_talk_that_goes_on(tmp_path: Path) -> None:
    brains = minds("alice")

    def aya_first(message: Message, who: str) -> State:
        mine = who == AYA and message.sender.startswith("user_")
        return State(
            sender=who, message_id=message.id, state="speak", importance=9 if mine else 5, selected=mine
        )

    async with led(tmp_path, brains) as room, with_aya(room, tmp_path, judges=aya_first) as aya:
        hello = await room.say("Aya, how are you?", IDS[0], AYA)
        await room.until(lambda: aya.said and brains["alice"].composed)
        moment = brains["alice"].composed[-1]
        assert [line.text for line in moment.recent][:2] == [hello.message, "Aya says number 1."]
        assert moment.turn >= 2


async def test_how_far_the_leader_sees_the_talk_wound_down_reaches_the_brain(tmp_path: Path) -> None:
    brains = minds("alice")

    def farewell(message: Message, who: str) -> State:
        mine = who == IDS[0] and message.sender.startswith("user_")
        want = "speak" if mine else "listen"
        return State(sender=who, message_id=message.id, state=want, closing=Closing.CLOSING)

    async with led(tmp_path, brains) as room, with_aya(room, tmp_path, judges=farewell):
        for number in range(60):
            hello = await room.say(f"{number}, goodbye Alice.", IDS[0], AYA)
            if await leader_of(room, hello) == AYA:
                await room.until(lambda m=hello: answers(room, m))
                stages = [
                    moment.closing
                    for moment in brains["alice"].composed
                    if moment.message and moment.message.id == hello.id
                ]
                assert stages == [Closing.CLOSING]
                return
    raise AssertionError("Aya never led")


async def test_when_the_speaker_fails_the_leader_names_the_next_to_all(tmp_path: Path) -> None:
    async def fail(moment: Moment, toolbox: Toolbox) -> None:
        raise BrainError("the model is overloaded")

    brains = minds("alice")
    brains["alice"].on_compose = fail
    brains["alice"].on_assess = lambda _: Assessment(speak=True, importance=10)
    async with led(tmp_path, brains) as room, with_aya(room, tmp_path, leads=False) as aya:
        for number in range(40):
            hello = await room.say(f"It rains {number}.", IDS[0], AYA)
            if await leader_of(room, hello) == IDS[0]:
                break
        await room.until(lambda: aya.said == 1 and any(m.sender == AYA for m in room.messages()))


async def test_messages_of_other_talks_are_nobodys_offence(tmp_path: Path) -> None:
    brains = minds()
    async with led(tmp_path, brains) as room, with_aya(room, tmp_path) as aya:
        for number in range(20):  # so that Aya leads one of them
            hello = await room.say(f"{number}?", IDS[0], AYA)
            await room.until(lambda m=hello: len(room.messages()) > 1 and len(room.states(m.id)) > 1)
            if len(aya.led) == 3:  # before all these turns at once are too many for Alice
                break
        carol = room.companions["carol"]._world.node
        assert aya.led
        assert carol.counters["spoofed"] == 0


async def test_what_overtook_its_message_is_judged_anew_once_the_message_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    brains = minds("bob")
    brains["bob"].on_assess = lambda _: Assessment(speak=False)
    known: list[bool | None] = []
    async with led(tmp_path, brains) as room:
        monkeypatch.setattr(
            room.companions["bob"]._world.node,
            "judge_leaders",
            lambda leads: known.append(leads(IDS[1], "m1")),
        )
        await room.person.publish(Message(id="m1", sender="user_mika", to=IDS[1:2], message="Bob?"))
        await room.until(lambda: room.states("m1"))
    assert known == [True]


async def test_what_is_done_elects_nobody_whatever_it_holds(tmp_path: Path) -> None:
    async with led(tmp_path, minds("alice")) as room:
        spoken = Action(id="a1", sender="user_mika", name="speak", params={"message": "hello"})
        body = Raw(
            b'{"id":"a1","from":"user_mika","to":["companion_alice"],"message":"hello",'
            b'"name":"speak","params":{"message":"hello"}}'
        )
        await room.person.publish(spoken, body=body)
        await room.until(lambda: any(one.reply_to == "a1" for one in room.messages()))
        talks = room.companions["alice"]._talks
        assert talks.leads(IDS[0], "a1", trio.current_time()) is False
