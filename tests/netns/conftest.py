"""Network namespaces: several machines on one switch, all on this one."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


@dataclass
class Machine:
    """A network namespace with an interface `eth0` on the switch, down at first; loopback is up."""

    name: str
    address: str

    def run(self, *words: str) -> None:
        ip("-n", self.name, *words)

    def plug_in(self) -> None:
        self.run("link", "set", "eth0", "up")

    def pull_out(self) -> None:
        self.run("link", "set", "eth0", "down")

    def prefix(self) -> list[str]:
        """What to put before a command, to run it there."""
        return ["ip", "netns", "exec", self.name]


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    """Two machines joined by a cable."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    if shutil.which("ip") is None:
        pytest.skip("network namespaces need iproute2 (the command `ip`)")
    tag = uuid.uuid4().hex[:6]
    one, other = Machine(f"ak{tag}a", "10.77.0.1"), Machine(f"ak{tag}b", "10.77.0.2")
    try:
        try:
            for machine in (one, other):
                ip("netns", "add", machine.name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr.strip()}")
        cable = ("type", "veth", "peer", "name", "eth0", "netns", other.name)
        ip("link", "add", "eth0", "netns", one.name, *cable)
        for machine in (one, other):
            machine.run("address", "add", f"{machine.address}/24", "dev", "eth0")
            machine.run("link", "set", "lo", "up")
        yield one, other
    finally:
        for machine in (one, other):
            subprocess.run(["ip", "netns", "delete", machine.name], check=False, capture_output=True)
