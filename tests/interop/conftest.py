"""What the tests with a js-libp2p peer need: node, its packages, and machines to run on."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator

import pytest

from tests.interop.peers import PACKAGES
from tests.support.machines import Machine, cable, machines


@pytest.fixture(autouse=True)
def packages() -> None:
    """Skip where there is no js-libp2p; `make test` installs it where node and npm are."""
    if shutil.which("node") is None:
        pytest.skip("the js-libp2p peer needs node")
    if not (PACKAGES / ".installed").exists():
        pytest.skip(
            "the js-libp2p peer needs its packages: `make tests/interop/node_modules/.installed`"
        )


@pytest.fixture
def mesh() -> str:
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def pair() -> Iterator[tuple[Machine, Machine]]:
    """Two machines of one network."""
    with machines(2) as (one, other):
        cable(one, other)
        one.plug_in()
        other.plug_in()
        yield one, other


@pytest.fixture
def lone() -> Iterator[Machine]:
    """A machine without any network but its own loopback."""
    with machines(1) as (machine,):
        yield machine


@pytest.fixture
def row() -> Iterator[tuple[Machine, Machine, Machine]]:
    """Three machines in a row: the outer ones are on no common network, and nothing is forwarded."""
    with machines(3) as (left, middle, right):
        cable(left, middle, "eth0", "10.77.0")
        cable(middle, right, "eth1", "10.78.0")
        left.plug_in("eth0")
        middle.plug_in("eth0")
        middle.plug_in("eth1")
        right.plug_in("eth1")
        yield left, middle, right
