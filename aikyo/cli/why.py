"""`aikyo why`: why somebody spoke, or nobody did, with or without a running swarm."""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import AikyoError, UsageError
from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import colored, run

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..memory import Entry, Fact
    from ..wire import TurnRecord

__all__ = ["why"]

_WIDTH = 80
_WIDEST = 100


def why(
    message: Annotated[
        str | None,
        typer.Argument(
            help="A message's id, or six or more characters of one end of it; the latest if left out."
        ),
    ] = None,
    *,
    after: Annotated[
        bool, typer.Option("--after", help="What came of the message, not what led to it.")
    ] = False,
    newest: Annotated[
        int | None, typer.Option("-n", min=1, help="List the newest so many turns, a line each.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Tell why a companion spoke, or why nobody did: who wanted to, who was first, what it knew.

    Example: aikyo why 8f3e21c0
    """
    place = Home.locate(home)
    if not place.root.is_dir():
        raise UsageError(f"there is no home {place.root}; aikyo up makes one")
    if newest is not None:
        if message is not None:
            raise UsageError("-n lists turns; leave out the message")
        _list(place, newest, as_json)
        return
    turn = _find(place, message, after)
    if as_json:
        print_json(turn)
        return
    from .why_lines import turn_lines

    texts, facts = _texts(place, _named(turn)), _facts(place, turn)
    for line in turn_lines(turn, texts, facts, width=_width(), color=colored(sys.stdout)):
        print(_encodable(line))


def _find(home: Home, message: str | None, after: bool) -> TurnRecord:
    """As the swarm that runs knows it, which may be the middle of the turn; else as it was written."""
    from ..client import Remote, find_swarm
    from ..swarm.turn_finding import find_turn
    from ..swarm.turn_journal import read_turns

    with suppress(AikyoError):  # none runs, it hangs, or it has forgotten what the file still has
        remote = Remote(find_swarm(home))
        return run(lambda: remote.why(message, after=after))
    return find_turn(read_turns(home), message, after=after)


def _list(home: Home, newest: int, as_json: bool) -> None:
    from ..swarm.turn_journal import read_turns
    from .why_lines import turn_line

    turns = read_turns(home)[-newest:]
    width = _width() if sys.stdout.isatty() else None
    for turn in turns:
        if as_json:
            print_json(turn)
        else:
            print(_encodable(turn_line(turn, width)))
    if not turns:
        typer.echo("Nothing has been said yet.", err=True)


def _named(turn: TurnRecord) -> set[str]:
    """The ids whose words belong to the turn."""
    noted = {ident for note in turn.notes for ident in (*note.recalled, *note.perceived)}
    return {turn.message_id, *turn.answers, *noted}


def _texts(home: Home, idents: Collection[str]) -> dict[str, Entry]:
    """What the memories of this home have under these ids; a memory that is damaged has nothing."""
    from ..memory import MemoryFile, MemoryFileError

    found: dict[str, Entry] = {}
    for path in sorted(home.memories.glob("*.db")):
        with suppress(MemoryFileError), MemoryFile.read(path) as memory:
            for entry in memory.find(idents):
                found.setdefault(entry.uid, entry)
    return found


def _facts(home: Home, turn: TurnRecord) -> dict[tuple[str, str], Fact]:
    """What the memories of this home know, by the companion and by the number that it goes by there."""
    from ..memory import MemoryFile, MemoryFileError
    from ..wire import bare_name

    found: dict[tuple[str, str], Fact] = {}
    for note in turn.notes:
        path = home.memory(bare_name(note.companion))
        with suppress(MemoryFileError), MemoryFile.read(path) as memory:
            for fact in memory.facts.find(note.recalled):
                found[note.companion, f"f{fact.number}"] = fact
    return found


def _width() -> int:
    return min(shutil.get_terminal_size().columns, _WIDEST) if sys.stdout.isatty() else _WIDTH


def _encodable(line: str) -> str:
    from ..text import encodable

    return encodable(line, sys.stdout.encoding or "utf-8")
