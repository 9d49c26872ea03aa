"""Network namespaces: several machines and the cables between them, all on this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

__all__ = ["Machine", "cable", "ip", "machines"]


def ip(*words: str) -> None:
    """Run iproute2's `ip`; raises `CalledProcessError` when it fails."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@dataclass(frozen=True)
class Machine:
    """A network namespace whose loopback is up."""

    name: str

    def run(self, *words: str) -> None:
        """Run `ip` there."""
        ip("-n", self.name, *words)

    def plug_in(self, interface: str = "eth0") -> None:
        """Bring up an interface; IPv4 goes out there unless another was brought up before."""
        self.run("link", "set", interface, "up")
        subprocess.run(
            ["ip", "-n", self.name, "route", "add", "default", "dev", interface],
            check=False,
            capture_output=True,
        )

    def pull_out(self, interface: str = "eth0") -> None:
        """Take down an interface."""
        self.run("link", "set", interface, "down")

    def prefix(self) -> list[str]:
        """What to put before a command, to run it there."""
        return ["ip", "netns", "exec", self.name]


@contextmanager
def machines(count: int) -> Iterator[tuple[Machine, ...]]:
    """Machines without any cable; the test is skipped where there can be none."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    if shutil.which("ip") is None:
        pytest.skip("network namespaces need iproute2 (the command `ip`)")
    tag = uuid.uuid4().hex[:6]
    made = tuple(Machine(f"ak{tag}{number}") for number in range(count))
    try:
        try:
            for machine in made:
                ip("netns", "add", machine.name)
                machine.run("link", "set", "lo", "up")
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
        yield made
    finally:
        for machine in made:
            subprocess.run(["ip", "netns", "delete", machine.name], check=False, capture_output=True)


def cable(one: Machine, other: Machine, interface: str = "eth0", network: str = "10.77.0") -> None:
    """Join two machines by an interface of this name on both, down at first."""
    ends = ("netns", one.name, "type", "veth", "peer", "name", interface, "netns", other.name)
    ip("link", "add", interface, *ends)
    for number, machine in enumerate((one, other), 1):
        machine.run("address", "add", f"{network}.{number}/24", "dev", interface)
