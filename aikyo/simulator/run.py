"""Runs a scenario: companions, people and an observer on one lossy medium, in virtual time."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import trio
import trio.testing

from ..errors import leaves
from ..memory import Memory
from ..mesh import Node
from ..mesh.memory import LossyLan, MemoryMesh
from ..swarm.observer import Observer
from ..wire import Envelope, Event, IdMaker, Message, TurnRecord
from .cast import Member, cast
from .crashes import Crashes
from .people import People
from .scenario import Scenario

__all__ = ["Simulated", "simulate"]

_EPOCH = 1_767_225_600.0  # 2026-01-01: as good a day as any
_OUTSIDE = "outside"  # the peer through which people speak, and from which all is observed
_SETTLES = 10.0  # of virtual time, in which what belongs to the last turns is still heard
_SECONDS_PER_TURN = 60.0  # of virtual time: whoever takes longer on average has come to a halt


@dataclass(slots=True)
class Simulated:
    """What came of a scenario.

    Attributes:
        scenario: what was simulated.
        records: its turns, in the order in which they ended; fewer than asked for where all came to a
            halt.
        sent: how often something was sent to somebody.
        lost: how often of these it was lost.
        crashes: how often a companion died.
        seconds: how long it was, in virtual time.
        took: how long it took, in seconds.
    """

    scenario: Scenario
    records: list[TurnRecord] = field(default_factory=list)
    sent: int = 0
    lost: int = 0
    crashes: int = 0
    seconds: float = 0.0
    took: float = 0.0

    def summary(self) -> str:
        """What was simulated, for people."""
        scenario = self.scenario
        halted = "" if len(self.records) >= scenario.turns else "; then all came to a halt"
        people = "1 person" if scenario.people == 1 else f"{scenario.people} people"
        companions = f"{scenario.companions} companion{'s' * (scenario.companions != 1)}"
        who = f"{companions} and {people}, seed {scenario.seed}"
        lost = f"lost {self.lost:,} of {self.sent:,} deliveries ({scenario.loss:.0%} drawn)"
        late = f"the others up to {scenario.delay:g} s late; crashes: {self.crashes}"
        return f"simulated {who}: {self.seconds / 60:.0f} minutes{halted}\n{lost}, {late}"


def simulate(scenario: Scenario) -> Simulated:
    """Run a scenario, in this thread. The same one gives the same turns, on any machine."""
    began, simulated = time.perf_counter(), Simulated(scenario)
    with _steady_trio(scenario.random("trio")):
        clock = trio.testing.MockClock(autojump_threshold=0)
        try:
            trio.run(
                _Simulation(simulated).run, clock=clock, restrict_keyboard_interrupt_to_checkpoints=True
            )
        except BaseExceptionGroup as group:
            if any(isinstance(error, KeyboardInterrupt) for error in leaves(group)):
                raise KeyboardInterrupt from None  # not as many as there are tasks
            raise
    simulated.took = time.perf_counter() - began
    return simulated


class _Simulation:
    def __init__(self, simulated: Simulated) -> None:
        self._simulated = simulated
        self._scenario = simulated.scenario
        self._records: dict[str, TurnRecord] = {}  # by message
        self._done = trio.Event()

    async def run(self) -> None:
        with ExitStack() as memories:
            members = cast(self._scenario, _clock, lambda: memories.enter_context(Memory.in_ram()))
            await self._bring_together(members)
            self._simulated.crashes = sum(member.crashes for member in members)
        self._simulated.records = list(self._records.values())
        self._simulated.seconds = trio.current_time()

    async def _bring_together(self, members: Sequence[Member]) -> None:
        scenario, crashes = self._scenario, Crashes(self._scenario, members)
        chance, spared = scenario.random("medium"), {_OUTSIDE}
        lan = LossyLan(chance, loss=scenario.loss, delay=scenario.delay, spared=spared)
        async with (
            MemoryMesh(lan, clock=_clock, peer_of=str) as mesh,
            mesh.join(Path(_OUTSIDE), None) as node,
            trio.open_nursery() as nursery,
        ):
            people = People(scenario, node, members, IdMaker(_clock, scenario.random("ids of people")))

            def notice(event: Event) -> None:
                people.notice(event)
                crashes.notice(event)

            def record(turn: TurnRecord) -> None:
                self._record(turn)
                crashes.count(len(self._records))

            for task in (lan.run, crashes.run):
                nursery.start_soon(task)
            for member in members:
                await nursery.start(member.live, mesh, _clock, notice)
            observer = Observer(node.roster, notice, record=record, clock=_clock)
            nursery.start_soon(_observe, observer, node, people)
            nursery.start_soon(people.run)
            with trio.move_on_after(scenario.turns * _SECONDS_PER_TURN):
                await self._done.wait()
            await trio.sleep(_SETTLES)
            nursery.cancel_scope.cancel()
        self._simulated.sent, self._simulated.lost = lan.brought + lan.lost, lan.lost

    def _record(self, turn: TurnRecord) -> None:
        """A turn is over, or was not quite over the first time."""
        if turn.message_id in self._records or len(self._records) < self._scenario.turns:
            self._records[turn.message_id] = turn
        if len(self._records) >= self._scenario.turns:
            self._done.set()


async def _observe(observer: Observer, node: Node, people: People) -> None:
    async with aclosing(_envelopes(node, people)) as envelopes:
        await observer.watch(envelopes)


async def _envelopes(node: Node, people: People) -> AsyncGenerator[Envelope, None]:
    """What comes in at `node`, as the firehose gives it."""
    number = 0
    async for received in node.received:
        number += 1
        if isinstance(received.payload, Message):
            people.hear(received.payload)
        yield Envelope(
            seq=number,
            time=received.time,
            topic=received.topic,
            peer=received.peer,
            body=received.body,
        )


def _clock() -> float:
    return _EPOCH + trio.current_time()


@contextmanager
def _steady_trio(random: Random) -> Iterator[None]:
    """Have trio run what is ready in an order that is drawn from `random` alone; trio shuffles it on
    purpose, and has no public way to tell it from what."""
    from trio._core import _run

    module, chance = vars(_run), _run._r
    before, state = module["_ALLOW_DETERMINISTIC_SCHEDULING"], chance.getstate()
    module["_ALLOW_DETERMINISTIC_SCHEDULING"] = True  # as hypothesis does
    chance.seed(random.getrandbits(64))
    try:
        yield
    finally:
        module["_ALLOW_DETERMINISTIC_SCHEDULING"] = before
        chance.setstate(state)
