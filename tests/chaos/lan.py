"""Several machines on one network that can be broken: namespaces, and the switch between them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from subprocess import PIPE
from typing import Any

import trio

__all__ = ["Lan", "Machine", "lan", "missing"]

_SWITCH = Path(__file__).with_name("switch.py")
_STARTS_WITHIN = 20.0


def missing() -> str:
    """What this system lacks to have machines of our own; empty when there is nothing."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need iproute2 (the command `ip`)"
    if not Path("/dev/net/tun").exists():
        return "the switch needs TAP interfaces (/dev/net/tun)"
    return ""


@dataclass
class Machine:
    """A network namespace on the switch.

    Attributes:
        name: of the machine, and of its processes.
        namespace: what the system calls it.
        address: its IPv4 address now.
    """

    name: str
    namespace: str
    address: str

    def run(self, *words: str) -> None:
        """An `ip` command there."""
        subprocess.run(["ip", "-n", self.namespace, *words], check=True, capture_output=True)

    def prefix(self) -> list[str]:
        """What to put before a command, to run it there."""
        return ["ip", "netns", "exec", self.namespace]

    def move(self, address: str) -> None:
        """Change the address, as another lease of DHCP would: the old one is gone at once."""
        self.run("address", "flush", "dev", "eth0", "scope", "global")
        self.address = address
        self._settle_in()

    def plug_in(self) -> None:
        """Bring the interfaces up."""
        self.run("link", "set", "lo", "up")
        self.run("link", "set", "eth0", "up")
        self._settle_in()

    def _settle_in(self) -> None:
        self.run("address", "add", f"{self.address}/16", "dev", "eth0")


@dataclass
class Lan:
    """The network. Each change is passed on to the switch at once.

    Attributes:
        machines: by name.
        cut: machines whose cable is pulled.
        islands: each a set of machines that reach each other alone; empty when it is one network.
        severed: pairs of machines that do not reach each other directly.
        slow: machines whose frames are lost (5 %) and delayed (100 ms).
    """

    machines: dict[str, Machine]
    process: trio.Process
    cut: set[str] = field(default_factory=set)
    islands: list[set[str]] = field(default_factory=list)
    severed: set[frozenset[str]] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    counters: dict[str, Any] = field(default_factory=dict)
    _lock: trio.Lock = field(default_factory=trio.Lock)
    _rest: bytes = b""

    def apart(self) -> set[frozenset[str]]:
        """The pairs of machines between which no frame passes directly."""
        return {pair for pair in map(frozenset, combinations(self.machines, 2)) if self._parted(pair)}

    async def change(self) -> float:
        """Have the switch do as the attributes say; when it did, on the monotonic clock."""
        spaces = {name: machine.namespace for name, machine in self.machines.items()}
        state = {
            "apart": [[spaces[name] for name in pair] for pair in self.apart()],
            "slow": [spaces[name] for name in self.slow],
            "loss": 0.05,
            "delay": 0.1,
        }
        async with self._lock:
            assert self.process.stdin is not None
            await self.process.stdin.send_all(json.dumps(state).encode() + b"\n")
            return await self.answer()

    async def answer(self) -> float:
        """The switch's next line: its counters, and when it was written."""
        assert self.process.stdout is not None
        while b"\n" not in self._rest:
            chunk = await self.process.stdout.receive_some()
            if not chunk:
                raise RuntimeError("the switch has ended")
            self._rest += chunk
        line, self._rest = self._rest.split(b"\n", 1)
        self.counters = json.loads(line)
        return float(self.counters.pop("at"))

    def _parted(self, pair: frozenset[str]) -> bool:
        if pair & self.cut or pair in self.severed:
            return True
        return bool(self.islands) and not any(pair <= island for island in self.islands)


@asynccontextmanager
async def lan(names: Iterable[str], *, seed: int = 0) -> AsyncIterator[Lan]:
    """Machines of these names, all plugged in, until the block ends."""
    tag = uuid.uuid4().hex[:6]
    machines = {
        name: Machine(name, f"ak{tag}{name}", f"10.77.0.{number}")
        for number, name in enumerate(names, 1)
    }
    process = None
    try:
        for machine in machines.values():
            subprocess.run(["ip", "netns", "add", machine.namespace], check=True, capture_output=True)
        spaces = [machine.namespace for machine in machines.values()]
        command = [sys.executable, str(_SWITCH), str(seed), *spaces]
        process = await trio.lowlevel.open_process(command, stdin=PIPE, stdout=PIPE)
        network = Lan(machines, process)
        with trio.fail_after(_STARTS_WITHIN):
            await network.answer()
        for machine in machines.values():
            machine.plug_in()
        yield network
    finally:
        with trio.CancelScope(shield=True):
            if process is not None:
                process.kill()
                await process.wait()
        for machine in machines.values():
            delete = ["ip", "netns", "delete", machine.namespace]
            subprocess.run(delete, check=False, capture_output=True)
