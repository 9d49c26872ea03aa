"""What companions with a paid brain do for peers of another home, and what they do not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import trio

from aikyo.brain import Moment, Toolbox
from aikyo.mesh import Node
from aikyo.mesh.memory import MemoryLan, MemoryMesh
from aikyo.wire import Message, Payload, Presence, State
from tests.support.gathering import ScriptedBrain
from tests.support.swarms import QUIET, Watched, swarm_of


class PaidBrain(ScriptedBrain):
    paid = True


@dataclass
class Stranger:
    """Somebody of another home: a person behind a firehose, or a companion."""

    node: Node
    heard: list[Payload] = field(default_factory=list)
    said: int = 0

    @property
    def id(self) -> str:
        return self.node.me.id if self.node.me else "user_eve"

    async def say(self, text: str, *to: str, conversation: str | None = None) -> Message:
        self.said += 1
        ident = f"{self.id}-{self.said}"
        message = Message(
            id=ident, sender=self.id, to=to, message=text, conversation=conversation or ident
        )
        await self.node.publish(message)
        return message

    async def answer(self, message: Message) -> Message | State:
        """The first that comes for `message`: an answer, or a State that none will come."""
        with trio.fail_after(20):
            while True:
                match (await self.node.received.receive()).payload:
                    case Message() as said if said.reply_to == message.id:
                        return said
                    case State(state="listen") as state if state.message_id == message.id:
                        return state


@asynccontextmanager
async def stranger(
    folder: Path, lan: MemoryLan, name: str = "eve", me: Presence | None = None
) -> AsyncIterator[Stranger]:
    async with MemoryMesh(lan) as mesh, mesh.join(folder / f"{name}.key", me) as node:
        yield Stranger(node)


async def ask_at_home(room: Watched, text: str, *to: str, conversation: str) -> None:
    """Somebody of this home says something, and somebody answers it."""
    voice = room.swarm._voice
    assert voice is not None
    ident = f"{text} in {conversation}"
    await voice.publish(
        Message(id=ident, sender="user_mika", to=to, message=text, conversation=conversation)
    )
    await room.until(lambda: any(said.reply_to == ident for said in room.messages))


def limited(turns: int) -> dict[str, object]:
    return {"settings": msgspec.structs.replace(QUIET, foreign_turns=turns), "lan": MemoryLan()}


async def test_a_stranger_is_answered_so_often_and_people_at_home_go_on(tmp_path: Path) -> None:
    brain, given = PaidBrain(), limited(2)
    async with (
        swarm_of(tmp_path, {"alice": brain}, **given) as room,  # type: ignore[arg-type]
        stranger(tmp_path, given["lan"]) as eve,  # type: ignore[arg-type]
    ):
        answers = []
        for number in range(5):
            asked = await eve.say(f"question {number}", "companion_alice")
            answers.append(await eve.answer(asked))
        assert [type(one) for one in answers] == [Message, Message, State, State, State]
        assert (len(brain.assessed), len(brain.composed)) == (2, 2)
        status = room.swarm.status().companions[0]
        reason = "2 turns this hour for eve, who is of another home; --foreign-turns sets how many"
        assert (status.activity, status.reason) == ("resting", reason)
        await ask_at_home(room, "and you?", "companion_alice", conversation="home")
        told = [event for event in room.told("activity") if event.activity == "resting"]
        assert [event.reason for event in told] == [reason]
        kept = await room.swarm._members.named("alice").companion._world.memory.recent(None, 20)  # type: ignore[union-attr]
        assert "question 4" in [entry.text for entry in kept]


async def test_with_none_allowed_no_stranger_is_answered(tmp_path: Path) -> None:
    brain, given = PaidBrain(), limited(0)
    async with (
        swarm_of(tmp_path, {"alice": brain}, **given) as room,  # type: ignore[arg-type]
        stranger(tmp_path, given["lan"]) as eve,  # type: ignore[arg-type]
    ):
        assert isinstance(await eve.answer(await eve.say("hello", "companion_alice")), State)
        assert not brain.assessed
        await ask_at_home(room, "hello", "companion_alice", conversation="home")


async def test_a_stranger_who_has_had_its_turns_interrupts_nobody(tmp_path: Path) -> None:
    composing, go_on = trio.Event(), trio.Event()

    async def slowly(moment: Moment, toolbox: Toolbox) -> None:
        if moment.message is not None and moment.message.sender == "user_mika":
            composing.set()
            await go_on.wait()
        await toolbox.call("speak", {"message": "Well."})

    brain, given = PaidBrain(on_compose=slowly), limited(1)
    async with (
        swarm_of(tmp_path, {"alice": brain}, **given) as room,  # type: ignore[arg-type]
        stranger(tmp_path, given["lan"]) as eve,  # type: ignore[arg-type]
        trio.open_nursery() as nursery,
    ):
        assert isinstance(await eve.answer(await eve.say("one", "companion_alice")), Message)
        ask = partial(ask_at_home, room, "Tell me.", "companion_alice", conversation="home")
        nursery.start_soon(ask)
        await composing.wait()
        assert isinstance(await eve.answer(await eve.say("two", "companion_alice")), State)
        go_on.set()
    assert not room.told("interrupted")


async def test_a_brain_that_costs_nothing_answers_everybody(tmp_path: Path) -> None:
    given = limited(0)
    async with (
        swarm_of(tmp_path, {"alice": ScriptedBrain()}, **given),  # type: ignore[arg-type]
        stranger(tmp_path, given["lan"]) as eve,  # type: ignore[arg-type]
    ):
        assert isinstance(await eve.answer(await eve.say("hello", "companion_alice")), Message)


async def test_a_restart_of_a_companion_brings_strangers_nothing(tmp_path: Path) -> None:
    brain, given = PaidBrain(), limited(1)
    async with (
        swarm_of(tmp_path, {"alice": brain}, **given) as room,  # type: ignore[arg-type]
        stranger(tmp_path, given["lan"]) as eve,  # type: ignore[arg-type]
    ):
        assert isinstance(await eve.answer(await eve.say("one", "companion_alice")), Message)
        await room.swarm.restart("alice")
        await room.until(lambda: len(room.told("joined", "companion_alice")) == 2)
        assert isinstance(await eve.answer(await eve.say("two", "companion_alice")), State)


async def test_one_message_of_a_stranger_sets_no_long_talk_going_among_our_own(tmp_path: Path) -> None:
    brains, given = {name: PaidBrain() for name in ("alice", "bob", "carol")}, limited(1)
    dave = Presence(id="companion_dave", name="Dave")
    async with swarm_of(tmp_path, brains, **given) as room:  # type: ignore[arg-type]
        async with stranger(tmp_path, given["lan"], "dave", dave) as other:  # type: ignore[arg-type]
            began = await other.say("Let us talk.", *(f"companion_{name}" for name in brains))
        await room.until(lambda: room.told("talk-resting") or room.told("talk-ended"))
        taken = sum(len(brain.composed) for brain in brains.values())
        assert 1 <= taken <= 3
        assert max(len(brain.composed) for brain in brains.values()) == 1
        await ask_at_home(room, "Go on.", conversation=began.id)
        await room.until(lambda: sum(len(brain.composed) for brain in brains.values()) > taken + 1)
