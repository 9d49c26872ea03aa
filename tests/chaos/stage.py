"""The machines, what is up on them, and the record of what is done to them."""

from __future__ import annotations

import signal
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE

import trio

from .lan import Lan, Machine
from .logs import follow
from .paths import State
from .plan import REST, Fault

__all__ = ["Scene", "Stage"]

_MEMBER, _HOSTILE = (Path(__file__).with_name(name) for name in ("member.py", "hostile.py"))
_BEGINS_WITHIN = 60.0
_MEETS_WITHIN = 90.0
_ENDS_WITHIN = 10.0
_DRAIN = 5.0
_POLL = 0.05


@dataclass(frozen=True, slots=True)
class Scene:
    """What is played.

    Attributes:
        companions: how many each machine has; the stranger's machine comes on top.
        rate: messages a second that each companion says.
        flood: messages a second of the flooding peer.
        seed: of the network's losses.
        calm: seconds after the last fault.
    """

    companions: Sequence[int]
    rate: float
    flood: float
    seed: int
    calm: float

    @property
    def machines(self) -> list[str]:
        """Their names."""
        return [f"m{number}" for number in range(1, len(self.companions) + 1)]


@dataclass
class Process:
    """The run of a member that is up on a machine, if one is."""

    machine: Machine
    names: list[str]
    runs: int = 0
    awake: bool = False
    offset: int = 0
    process: trio.Process | None = None
    ports: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """The name of the latest run."""
        return f"{self.machine.name}.{self.runs}"


class Stage:
    """The machines, what is up on them, and the record of it."""

    def __init__(self, scene: Scene, network: Lan, folder: Path) -> None:
        self.scene = scene
        self.lan = network
        self.folder = folder
        self.states: list[State] = []
        self.ended: dict[str, float] = {}
        self.failures: list[str] = []
        self.skipped = 0
        self.mesh = f"c{uuid.uuid4().hex[:10]}"
        self.members = {
            name: Process(network.machines[name], [f"companion_{name}{'abc'[i]}" for i in range(count)])
            for name, count in zip(scene.machines, scene.companions, strict=True)
        }
        self._lock = trio.Lock()
        self._busy = {name: trio.Lock() for name in network.machines}
        self._addresses = len(network.machines)

    def record(self, cause: str) -> None:
        """How things are from now on."""
        if self.lan.slow:
            cause += ", bad weather"
        apart = self.lan.apart()
        pairs = {frozenset((a, b)) for a in self.members for b in self.members if a < b}
        awake = {
            name: (member.run, member.machine.address)
            for name, member in self.members.items()
            if member.awake
        }
        self.states.append(State(time.monotonic(), cause, awake, frozenset(pairs - apart)))

    async def start(self, name: str, cause: str) -> None:
        """Run a machine's member, again or for the first time; returns when it begins to join."""
        member = self.members[name]
        member.offset = 0
        keys = self.folder / f"keys-{name}"
        keys.mkdir(exist_ok=True)
        command = [*member.machine.prefix(), sys.executable, str(_MEMBER), self.mesh, str(keys)]
        command += [str(self.scene.rate), *member.names]
        with ExitStack() as files:
            out, err = (
                files.enter_context((self.folder / f"{member.run}.{ending}").open("wb"))
                for ending in ("jsonl", "err")
            )
            member.process = await trio.lowlevel.open_process(
                command, stdin=PIPE, stdout=out, stderr=err
            )
        with trio.fail_after(_BEGINS_WITHIN):
            while "begun" not in self._news(member):
                await trio.sleep(_POLL)
        member.awake = True
        self.record(cause)

    async def end(self, name: str, cause: str, how: Callable[[trio.Process], None] | None) -> None:
        """End a machine's member: by `how`, or by asking it to."""
        member = self.members[name]
        assert member.process is not None
        member.awake = False
        self.record(cause)
        self.ended[member.run] = time.monotonic()
        if member.process.poll() is not None:
            self.failures.append(f"{member.run} had ended by itself ({member.process.returncode})")
        elif how is not None:
            how(member.process)
        await self._close(member)
        member.runs += 1

    async def play(self, fault: Fault, began: float, until: float) -> None:
        """One fault, when it is due and the last one on the same machine is over (a process takes its
        time to start), unless it would last beyond `until`."""
        await trio.sleep_until(began + fault.at)
        async with AsyncExitStack() as stack:
            for name in sorted(fault.machines):
                await stack.enter_async_context(self._busy[name])
            if trio.current_time() + fault.lasting > until:
                self.skipped += 1
                return
            await self._play(fault)

    async def _play(self, fault: Fault) -> None:
        match fault.kind:
            case "kill" | "restart":
                (name,) = fault.machines
                await self.end(name, fault.kind, trio.Process.kill if fault.kind == "kill" else None)
                await trio.sleep(fault.lasting)
                await self.start(name, fault.kind)
                await trio.sleep(REST)
            case "sleep":
                await self._sleep(self.members[fault.machines[0]], fault.lasting)
            case "address":
                async with self._lock:
                    self._addresses += 1
                    self.lan.machines[fault.machines[0]].move(f"10.77.0.{self._addresses}")
                    self.record("address")
            case "flood" | "garbage" as kind:
                await self._misbehave(kind, fault.lasting)
            case kind:
                await self._break(kind, fault)

    async def stop(self) -> None:
        """Ask all to be quiet, let what is under way arrive, and end them."""
        for member in self.members.values():
            if member.process is not None and member.process.stdin is not None:
                await member.process.stdin.send_all(b"quiet\n")
        await trio.sleep(_DRAIN)
        async with trio.open_nursery() as nursery:
            for member in self.members.values():
                nursery.start_soon(self._close, member)

    def kill(self) -> None:
        """Whatever happens."""
        for member in self.members.values():
            if member.process is not None and member.process.poll() is None:
                member.process.kill()

    async def meet(self) -> None:
        """Wait until every companion has heard every other."""
        want = {name for member in self.members.values() for name in member.names}
        heard: dict[str, set[str]] = {name: {name} for name in want}
        offsets = dict.fromkeys(self.members, 0)
        with trio.fail_after(_MEETS_WITHIN):
            while any(want - got for got in heard.values()):
                await trio.sleep(1)
                for name, member in self.members.items():
                    for offset, event in follow(self._log(member), offsets[name]):
                        offsets[name] = offset
                        if event["event"] == "heard":
                            heard[event["host"]].add(event["sender"])

    async def _break(self, kind: str, fault: Fault) -> None:
        """The network, and mend it again."""
        here = set(fault.machines)
        there = set(self.lan.machines) - here
        async with self._lock:
            match kind:
                case "short cut" | "long cut":
                    self.lan.cut |= here
                case "sever":
                    self.lan.severed.add(frozenset(here))
                case "partition":
                    self.lan.islands = [here, there]
                case _:
                    self.lan.slow = set(self.lan.machines)
            self.record(kind)
            await self.lan.change()
        await trio.sleep(fault.lasting)
        async with self._lock:
            match kind:
                case "short cut" | "long cut":
                    self.lan.cut -= here
                case "sever":
                    self.lan.severed.discard(frozenset(here))
                case "partition":
                    self.lan.islands = []
                case _:
                    self.lan.slow = set()
            await self.lan.change()
            self.record(kind)

    async def _sleep(self, member: Process, lasting: float) -> None:
        assert member.process is not None
        member.awake = False
        self.record("sleep")
        member.process.send_signal(signal.SIGSTOP)
        await trio.sleep(lasting)
        member.process.send_signal(signal.SIGCONT)
        member.awake = True
        self.record("sleep")

    async def _misbehave(self, kind: str, lasting: float) -> None:
        for member in self.members.values():
            self._news(member)
        words = [str(self.scene.flood)]
        if kind == "garbage":
            words = [
                f"/ip4/{member.machine.address}/tcp/{port}/p2p/{peer}"
                for member in self.members.values()
                for port, peer in member.ports.values()
            ]
        command = [*self.lan.machines["x"].prefix(), sys.executable, str(_HOSTILE), kind, self.mesh]
        with (self.folder / f"{kind}.log").open("ab") as log:
            process = await trio.lowlevel.open_process(
                [*command, *words], stdin=PIPE, stdout=PIPE, stderr=log
            )
        try:
            assert process.stdout is not None
            with trio.fail_after(_BEGINS_WITHIN):
                await process.stdout.receive_some()
            with trio.move_on_after(lasting):
                code = await process.wait()
                self.failures.append(f"the {kind} ended early ({code})")
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()

    async def _close(self, member: Process) -> None:
        process = member.process
        if process is None or process.stdin is None:
            return
        await process.stdin.aclose()
        with trio.move_on_after(_ENDS_WITHIN) as waiting:
            code = await process.wait()
        if waiting.cancelled_caught:
            self.failures.append(f"{member.run} does not end when it is asked to")
            process.kill()
        elif code not in (0, -signal.SIGKILL):
            self.failures.append(f"{member.run} ended with {code}")

    def _log(self, member: Process) -> Path:
        return self.folder / f"{member.run}.jsonl"

    def _news(self, member: Process) -> set[str]:
        """The kinds of events that a member wrote down since the last look."""
        news = set()
        for offset, event in follow(self._log(member), member.offset):
            member.offset = offset
            news.add(event["event"])
            if event["event"] == "joined":
                member.ports[event["host"]] = event["port"], event["peer"]
        return news
