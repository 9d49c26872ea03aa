"""Network namespaces: two machines joined by a cable, both on this one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import machines as made
from tests.support.machines import Machine


@pytest.fixture
def machines() -> Iterator[tuple[Machine, Machine]]:
    """Two machines, each with an interface `eth0`, down at first."""
    with made.machines(2) as (one, other):
        made.cable(one, other)
        yield one, other
