"""What the commands of `aikyo memory` share: whose memory, and how its lines are painted."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError, nearest
from ..paths import Home

if TYPE_CHECKING:
    from ..memory import MemoryFile

__all__ = ["IdArgument", "NameArgument", "memory_of", "painter"]

NameArgument = Annotated[str, typer.Argument(help="Whose memory: alice, or companion_alice.")]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="As dump shows it: a turn j12, a fact f3, a digest d2.")
]
_COLORS = ("cyan", "green", "yellow", "magenta", "blue", "bright_red")


def memory_of(name: str, home: Path | None) -> MemoryFile:
    """The memory of a companion, opened to read.

    Raises:
        UsageError: there is none of that name in this home.
        MemoryFileError: it cannot be read.
    """
    from ..memory import MemoryFile
    from ..wire import bare_name

    place, bare = Home.locate(home), bare_name(name)
    known = [path.stem for path in place.memories.glob("*.db")]
    if bare not in known:
        hint = nearest(bare, known) or "; aikyo up brings companions to life"
        raise UsageError(f"no memory of '{bare}' in {place.memories}{hint}")
    return MemoryFile.read(place.memory(bare))


def painter() -> Callable[[str], str]:
    """Gives each name a colour of its own, on a terminal that wants colour."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return str
    return lambda name: typer.style(name, fg=_COLORS[zlib.crc32(name.encode()) % len(_COLORS)])
