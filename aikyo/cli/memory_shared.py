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
    from ..embeddings import Choice
    from ..memory import MemoryFile

__all__ = ["IdArgument", "NameArgument", "embedder_of", "memory_of", "painter"]

NameArgument = Annotated[str, typer.Argument(help="Whose memory: alice, or companion_alice.")]
IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="As dump shows it: a turn j12, a fact f3, a digest d2.")
]
_COLORS = ("cyan", "green", "yellow", "magenta", "blue", "bright_red")


def memory_of(name: str, home: Path | None, *, embedder: Choice = "auto") -> MemoryFile:
    """The memory of a companion, opened to read.

    Raises:
        UsageError: there is none of that name in this home, or `embedder` is not installed.
        MemoryFileError: it cannot be read.
    """
    from ..memory import MemoryFile
    from ..wire import bare_name

    place, bare = Home.locate(home), bare_name(name)
    known = [path.stem for path in place.memories.glob("*.db")]
    if bare not in known:
        hint = nearest(bare, known) or "; aikyo up brings companions to life"
        raise UsageError(f"no memory of '{bare}' in {place.memories}{hint}")
    return MemoryFile.read(place.memory(bare), embedder=embedder)


def embedder_of(home: Path | None) -> Choice:
    """What the settings say that makes vectors of facts.

    Raises:
        UsageError: a setting is wrong, or names what is not installed.
    """
    from ..config import load_settings
    from ..embeddings import choose_embedder

    checks = {"embedder": choose_embedder}
    place = Home.locate(home)
    return load_settings(place, cwd=Path.cwd(), environ=os.environ, flags={}, checks=checks).embedder


def painter() -> Callable[[str], str]:
    """Gives each name a colour of its own, on a terminal that wants colour."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return str
    return lambda name: typer.style(name, fg=_COLORS[zlib.crc32(name.encode()) % len(_COLORS)])
