"""`aikyo memory`: read what a companion remembers, with or without a running swarm."""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError, nearest
from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json

if TYPE_CHECKING:
    from ..memory import MemoryFile

__all__ = ["memory_app"]

memory_app = typer.Typer(
    help="Read what a companion remembers.",
    epilog='Example: aikyo memory search alice "the lighthouse"',
    no_args_is_help=True,
)

NameArgument = Annotated[str, typer.Argument(help="Whose memory: alice, or companion_alice.")]
_COLORS = ("cyan", "green", "yellow", "magenta", "blue", "bright_red")


class Format(StrEnum):
    """How a dump is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


@memory_app.command()
def dump(
    name: NameArgument,
    *,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
    newest: Annotated[int | None, typer.Option("-n", min=0, help="Only the newest so many.")] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Print what a companion heard, said, did and perceived, oldest first.

    Example: aikyo memory dump alice -n 20
    """
    from ..memory.format import as_line, as_markdown

    with _memory_of(name, home) as memory:
        entries = memory.dump(newest)
        match Format.JSON if as_json else form:
            case Format.JSON:
                for entry in entries:
                    print_json(entry)
            case Format.MARKDOWN:
                for line in as_markdown(f"Memory of {memory.path.stem}", entries):
                    print(line)
            case Format.TEXT:
                paint = _painter()
                for entry in entries:
                    print(as_line(entry, paint))
        if memory.count() == 0:
            typer.echo(f"{memory.path.stem} remembers nothing yet.", err=True)


@memory_app.command()
def search(
    name: NameArgument,
    query: Annotated[str, typer.Argument(help="Words of what is sought, in any language.")],
    *,
    k: Annotated[int, typer.Option("-k", min=1, max=300, help="How many at the most.")] = 8,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Print what a companion recalls about something, the best first.

    Example: aikyo memory search alice "the lighthouse" -k 3
    """
    from ..memory.format import as_line

    with _memory_of(name, home) as memory:
        hits = memory.recall(query, k)
        paint = _painter()
        for hit in hits:
            if as_json:
                print_json(hit)
            else:
                print(as_line(hit.entry, paint))
        if not hits:
            typer.echo(f"{memory.path.stem} remembers nothing of {query!r}.", err=True)


def _memory_of(name: str, home: Path | None) -> MemoryFile:
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


def _painter() -> Callable[[str], str]:
    """Gives each name a colour of its own, on a terminal that wants colour."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return str
    return lambda name: typer.style(name, fg=_COLORS[zlib.crc32(name.encode()) % len(_COLORS)])
