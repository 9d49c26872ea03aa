"""Companions that begin talks of their own accord, on the in-memory mesh, under a virtual clock."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest
import trio
from trio.testing import MockClock

from aikyo.companion import World
from aikyo.companion.initiative import Initiative, Opening
from aikyo.companion.limits import Limits, TurnsTaken
from aikyo.conversation.openings import OPENING, STEP, stands
from aikyo.memory import Memory
from aikyo.mesh import Mesh, Node
from aikyo.mesh.memory import LossyLan, MemoryLan, MemoryMesh
from aikyo.wire import Context, Dialect, Fired, IdMaker, Message, Payload, Presence, State
from tests.support.gathering import ScriptedBrain, gathering

SILENCE = 60.0
COMPOSING = 2.0
NAMES = tuple("abcdefgh")
RAIN = (Fired(number=1, expression='context == "text"', tool="speak", instruction="Tell of it."),)


def clock() -> float:
    return 1.7e9 + trio.current_time()


@dataclass
class Starter:
    """A companion of which nothing is there but its initiative; it says one thing in each opening."""

    room: Room
    name: str
    beginnings: int = 60
    seconds: float = COMPOSING
    starts: bool = True
    taken: TurnsTaken = field(init=False)
    world: World = field(init=False)
    initiative: Initiative = field(init=False)
    begun: list[tuple[float, Opening]] = field(default_factory=list)
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)

    def __post_init__(self) -> None:
        self.taken = TurnsTaken(Limits(beginnings=self.beginnings, silence=SILENCE))

    @property
    def me(self) -> str:
        return f"companion_{self.name}"

    async def live(self, mesh: Mesh, *, task_status: trio.TaskStatus[None]) -> None:
        with self.scope:
            async with mesh.join(self.room.files / f"{self.name}.key", Presence(id=self.me)) as node:
                self.world = World(
                    node=node,
                    memory=cast(Memory, None),
                    brain=ScriptedBrain(),
                    clock=clock,
                    new_id=self.room.new_id,
                    emit=lambda event: None,
                    taken=self.taken,
                )
                self.initiative = Initiative(
                    self.world, self._begin, lambda context: RAIN if self.starts else ()
                )
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self.initiative.run)
                    task_status.started()
                    async for received in node.received:
                        match received.payload:
                            case Message() as message:
                                self.initiative.hear_message(message)
                            case State() as state:
                                self.initiative.hear_state(state)
                            case Context() as context:
                                self.initiative.perceive(context)

    async def _begin(self, opening: Opening) -> None:
        self.begun.append((trio.current_time(), opening))
        await trio.sleep(self.seconds)
        message = Message(
            id=self.room.new_id(),
            sender=self.me,
            to=opening.to,
            message="well",
            conversation=opening.conversation,
        )
        await self.world.publish(message)


@dataclass
class Room:
    """Where they are, with somebody who hears everything and is a person."""

    files: Path
    mesh: MemoryMesh
    nursery: trio.Nursery
    person: Node
    starters: dict[str, Starter] = field(default_factory=dict)
    heard: list[tuple[float, Payload]] = field(default_factory=list)
    new_id: IdMaker = field(default_factory=lambda: IdMaker(clock, random.Random(5)))

    async def enter(self, name: str, **fields: object) -> Starter:
        starter = self.starters[name] = Starter(self, name, **fields)  # type: ignore[arg-type]
        await self.nursery.start(starter.live, self.mesh)
        return starter

    async def listen(self) -> None:
        async for received in self.person.received:
            self.heard.append((trio.current_time(), received.payload))

    async def say(self, text: str, *to: str) -> None:
        await self.person.publish(
            Message(
                id=self.new_id(), sender="user_mika", to=to, message=text, conversation=self.new_id()
            )
        )

    async def show(self, text: str) -> Context:
        context = Context(id=self.new_id(), sender="user_mika", type="text", context=text)
        await self.person.publish(context)
        return context

    @property
    def said(self) -> list[tuple[float, Message]]:
        return [(at, each) for at, each in self.heard if isinstance(each, Message)]

    @property
    def begun(self) -> list[tuple[float, str, Opening]]:
        """What was begun, by whom, in order."""
        all_of_them = [(at, s.name, o) for s in self.starters.values() for at, o in s.begun]
        return sorted(all_of_them, key=lambda each: each[0])


@asynccontextmanager
async def room(
    files: Path,
    *names: str,
    lan: MemoryLan | None = None,
    dialect: Dialect = Dialect.PLAIN,
    **fields: object,
) -> AsyncIterator[Room]:
    async with (
        MemoryMesh(lan or MemoryLan(), clock=clock, dialect=dialect) as mesh,
        mesh.join(files / "person.key", None) as person,
        trio.open_nursery() as nursery,
    ):
        found = Room(files, mesh, nursery, person)
        if isinstance(lan, LossyLan):
            nursery.start_soon(lan.run)
        nursery.start_soon(found.listen)
        for name in names:
            await found.enter(name, **fields)
        yield found
        nursery.cancel_scope.cancel()


def begins(message: Message) -> bool:
    return message.reply_to is None


async def test_after_a_silence_just_one_of_eight_begins(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with room(tmp_path, *NAMES) as here:
        await trio.sleep(SILENCE - 1)
        assert not here.begun
        await trio.sleep(10)
        ((_, name, opening),) = here.begun
    assert opening.why == "silence"
    assert set(opening.to) == {f"companion_{other}" for other in NAMES if other != name}
    assert len(here.said) == 1


async def test_it_is_announced_before_it_is_composed(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with room(tmp_path, "a", "b", seconds=7.0) as here:
        await trio.sleep(SILENCE + 20)
        ((at, _, opening),) = here.begun
    announced = [
        told
        for told, each in here.heard
        if isinstance(each, State) and each.message_id == opening.conversation
    ]
    assert [round(told - at, 2) for told in announced] == [-0.3, -0.2, -0.1, 0.0, 3.0, 6.0]
    assert {each.reason for _, each in here.heard if isinstance(each, State)} == {OPENING}


async def test_over_a_net_that_loses_a_fifth_they_hardly_ever_talk_over_each_other(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    lan = LossyLan(random.Random(3), loss=0.2, delay=0.1)
    async with room(tmp_path, *NAMES, lan=lan) as here:
        for _ in range(40):
            await here.say("hm")
            await trio.sleep(2 * SILENCE)
    times = [at for at, message in here.said if message.sender != "user_mika"]
    overlaps = sum(later - earlier < COMPOSING for earlier, later in pairwise(times))
    assert len(times) >= 40
    assert overlaps <= 1


class Late(random.Random):
    """Draws the longest delay, always."""

    def uniform(self, a: float, b: float) -> float:
        return b


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("dialect", Dialect)
async def test_of_two_who_announce_before_they_hear_each_other_one_speaks(
    tmp_path: Path, autojump_clock: MockClock, turn: int, dialect: Dialect
) -> None:
    lan = LossyLan(Late(), delay=STEP + 0.05)
    async with room(tmp_path, "a", "b", lan=lan, dialect=dialect, seconds=5.0) as here:
        for _ in range(turn):
            here.new_id()  # whose opening has the lower hash depends on its id
        await here.show("It has started to rain.")
        await trio.sleep(20)
        announced = {each.message_id for _, each in here.heard if isinstance(each, State)}
    assert len(announced) == 2
    assert len(here.said) == 1


async def test_whoever_begins_not_having_heard_of_an_opening_is_told_of_it_at_once(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with room(tmp_path, "a", seconds=10.0) as here:
        b = await here.enter("b", beginnings=0)
        await trio.sleep(SILENCE + 2)
        ((_, _, opening),) = here.begun
        other = next(n for n in map(str, range(100)) if stands(opening.conversation, n))
        here.heard.clear()
        await b.world.publish(State(sender=b.me, message_id=other, state="composing", reason=OPENING))
        await trio.sleep(0.1)
        told = [each.message_id for _, each in here.heard if isinstance(each, State)]
    assert told == [other, opening.conversation]


async def test_nobody_begins_while_somebody_composes(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with room(tmp_path, "a", "b", "c") as here:
        await trio.sleep(SILENCE - 5)
        composes = State(sender="companion_c", message_id="m", state="composing")
        await here.starters["c"].world.publish(composes)
        await trio.sleep(55)
        assert not here.begun
        await trio.sleep(SILENCE + 20)
        assert here.begun


async def test_a_newcomer_is_greeted_by_one_and_alone(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with room(tmp_path, *NAMES) as here:
        await trio.sleep(40)
        await here.enter("new")
        await trio.sleep(15)
        ((_, _, opening),) = here.begun
    assert (opening.why, opening.to) == ("newcomer", ("companion_new",))


async def test_whoever_comes_with_the_others_is_no_newcomer(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with room(tmp_path, "a", "b") as here:
        await trio.sleep(20)
        await here.enter("c")
        await trio.sleep(SILENCE - 30)
        assert not here.begun


async def test_a_newcomer_whom_somebody_greeted_is_left_in_peace(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with room(tmp_path, "a", "b") as here:
        await trio.sleep(40)
        await here.enter("new")
        await here.say("Welcome!", "companion_new")
        await trio.sleep(15)
        assert not here.begun


async def test_a_context_starts_a_talk_once_where_a_trigger_says_so(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with room(tmp_path, *NAMES) as here:
        await here.show("It has started to rain.")
        await trio.sleep(30)
        ((at, _, opening),) = here.begun
    assert at < 10
    assert (opening.why, opening.fired) == ("context", RAIN)


async def test_a_context_starts_nothing_where_no_trigger_does(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with room(tmp_path, "a", "b", starts=False) as here:
        await here.show("It has started to rain.")
        await trio.sleep(SILENCE - 5)
        assert not here.begun


async def test_a_budget_bounds_an_hour_and_outlasts_a_crash(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with room(tmp_path, "a") as here:
        await here.enter("b", beginnings=0)
        starter = here.starters["a"]
        starter.scope.cancel()
        await trio.sleep(1)
        taken = TurnsTaken(Limits(beginnings=2, silence=SILENCE))
        for _ in range(4):
            starter = Starter(here, "a")
            starter.taken = taken
            await here.nursery.start(starter.live, here.mesh)
            here.starters[f"a{len(here.starters)}"] = starter
            for _ in range(5):
                await here.say("hm")
                await trio.sleep(100)
            starter.scope.cancel()
            await trio.sleep(1)
        assert len(here.begun) == 2
        assert not here.starters["b"].begun


@pytest.mark.parametrize("mode", ["mention-only", "quiet"])
async def test_one_who_is_to_be_quiet_begins_nothing_until_it_may(
    tmp_path: Path, autojump_clock: MockClock, mode: str
) -> None:
    async with room(tmp_path, "a") as here:
        await here.enter("b", beginnings=0)
        here.starters["a"].world.quiet.set(mode, 300)  # type: ignore[arg-type]
        await here.show("It has started to rain.")
        await trio.sleep(300 + SILENCE - 5)
        assert not here.begun
        assert not [each for _, each in here.heard if isinstance(each, State)]
        await trio.sleep(10)
        assert here.begun


async def _somebody_speaks(here: Room) -> None:
    await here.say("Hello, all!")


async def _be_quiet(here: Room) -> None:
    here.starters["a"].world.quiet.set("quiet")


@pytest.mark.parametrize("ends", [_somebody_speaks, _be_quiet])
async def test_an_opening_makes_way_and_the_others_learn_of_it(
    tmp_path: Path, autojump_clock: MockClock, ends: Callable[[Room], Awaitable[None]]
) -> None:
    async with room(tmp_path, "a", seconds=10.0) as here:
        await here.enter("b", beginnings=0)
        await trio.sleep(SILENCE + 5)
        ((_, _, opening),) = here.begun
        await ends(here)
        await trio.sleep(30)
    assert not [m for _, m in here.said if m.sender != "user_mika"]
    last = [each for _, each in here.heard if isinstance(each, State)][-1]
    assert (last.state, last.message_id) == ("listen", opening.conversation)


async def test_what_is_said_is_not_taken_back_when_somebody_speaks_after(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with room(tmp_path, "a") as here:
        await here.enter("b", beginnings=0)
        await trio.sleep(SILENCE + COMPOSING + 2)
        await here.say("Hello, all!")
        await trio.sleep(5)
    assert [m.sender for _, m in here.said] == ["companion_a", "user_mika"]
    assert "listen" not in {each.state for _, each in here.heard if isinstance(each, State)}


async def test_what_the_user_asks_for_is_begun_at_once_whatever_else_goes_on(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with room(tmp_path, "a", "b", beginnings=0) as here:
        await here.say("Hello, all!")
        here.starters["a"].initiative.ask("the sea", ["companion_b"])
        here.starters["a"].initiative.ask("too much", ["companion_b"])
        await trio.sleep(1)
        await here.say("Hello again!")
        await trio.sleep(10)
    ((at, _, opening),) = here.begun
    assert at < 0.1
    assert (opening.why, opening.topic, opening.to) == ("asked", "the sea", ("companion_b",))
    assert [m.sender for _, m in here.said] == ["user_mika", "user_mika", "companion_a"]


async def test_one_who_is_alone_waits_without_spinning(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with room(tmp_path, "a") as here:
        await here.show("It has started to rain.")
        await trio.sleep(10 * SILENCE)
        assert not here.begun


async def test_a_whole_companion_begins_a_talk_after_a_silence_and_the_other_answers(
    tmp_path: Path, patient_clock: MockClock
) -> None:
    minds = {"alice": ScriptedBrain(), "bob": ScriptedBrain()}
    limits = Limits(beginnings=4, silence=30.0)
    async with gathering(tmp_path, minds, limits=limits) as here:
        with trio.fail_after(100):
            await here.until(lambda: len(here.messages()) >= 2)
        first, second, *_ = here.messages()
    assert trio.current_time() >= 30
    assert second.reply_to == first.id
    (began,) = (m for mind in minds.values() for m in mind.composed if m.message is None)
    assert (began.opening, began.me.id) == ("silence", first.sender)
    assert [note.opening for note in here.notes if note.said == first.id] == ["silence"]
