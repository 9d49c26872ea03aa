"""The commands of `aikyo memory` that change what a companion remembers, or take it elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import NotRunningError, UsageError
from ..paths import Home
from ..spans import seconds_of
from .common import DebugOption, HomeOption, JsonOption, print_json
from .memory_shared import IdArgument, NameArgument, memory_of, painter
from .progress import bar
from .terminal import read_text, run

if TYPE_CHECKING:
    from ..client import Remote
    from ..memory import MemoryFile
    from ..memory.care import Chosen, Corrected, Forgotten, Wish

__all__ = ["edit", "export", "forget", "import_"]

_SHOWN = 10  # of each kind, of what would be forgotten
_ENDED = {"stopped", "failed"}
_PATIENCE, _LOOKS = 5.0, 0.05  # seconds


def forget(
    name: NameArgument,
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="As dump shows them: j12, f3, d2.")
    ] = None,
    *,
    about: Annotated[
        str, typer.Option(metavar="WHO", help="What they said, what names them, what is known of them.")
    ] = "",
    matching: Annotated[str, typer.Option(metavar="TEXT", help="What has this text in it.")] = "",
    before: Annotated[
        str, typer.Option(metavar="DATE", help="Only what is older: 2026-11-01, or 90d.")
    ] = "",
    sources: Annotated[
        bool, typer.Option("--sources", help="With facts and digests, the turns they come from.")
    ] = False,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="The same turns in all memories of this home.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Have a companion forget something for good: backups, recordings and its live session too.

    What only came of it goes with it. It shows what would go, and asks.

    Example: aikyo memory forget alice --matching "my address"
    """
    from msgspec.structs import replace

    from ..memory.care import Wish, choose, followers, holders
    from ..memory.care.choosing import in_pieces
    from .memory_lines import forgotten_lines

    place = Home.locate(home)
    wish = Wish(
        ids=tuple(ids or ()),
        about=about,
        matching=matching,
        before=_moment_of(before) if before else None,
        sources=sources,
    )
    with memory_of(name, home) as memory:
        bare = memory.path.stem
        chosen = choose(memory, wish)
        if not chosen:
            typer.echo(f"{bare} remembers nothing of that.", err=True)
            if not yes:
                return  # with it, the copies are looked through: what was cut off may be in them still
        turns = {row.entry.uid for row in chosen.rows}
        elsewhere = holders(place, bare, turns) if turns else {}
        if not yes:
            made = followers(memory, chosen)
            lines = [f"{bare} would forget", *_chosen_lines(memory, chosen, _SHOWN)]
            lines += ["and what came of it", *_chosen_lines(memory, made, _SHOWN)] if made else []
            _ask(lines, elsewhere, everywhere=everywhere, as_json=as_json)
    tasks = [(bare, wish)]
    if everywhere:
        tasks += [
            (who, Wish(ids=tuple(some))) for who, found in elsewhere.items() for some in in_pieces(found)
        ]
    for who, each in tasks:
        report = _forget(place, who, each)
        left = {one: ids for one, ids in report.others.items() if one not in dict(tasks)}
        report = replace(report, others=left)
        if as_json:
            print_json(report)
        elif chosen or report.backups or report.recordings or report.logs or report.unreached:
            print("\n".join(forgotten_lines(report)))


def edit(
    name: NameArgument,
    ident: IdArgument,
    text: Annotated[str, typer.Argument(help="What it is to say; `-` reads stdin.")],
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Correct what a companion remembers; in its backups and its live session too.

    What came of the old wording goes, to be made anew.

    Example: aikyo memory edit alice f3 "Mika's cat is called Miso."
    """
    from .memory_lines import corrected_lines

    place = Home.locate(home)
    with memory_of(name, home) as memory:
        bare = memory.path.stem
    done = _edit(place, bare, ident, read_text(text))
    if as_json:
        print_json(done)
    else:
        print("\n".join(corrected_lines(done)))


def export(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(help="Made now; NAME.jsonl, or NAME.jsonl.gz to pack it.")],
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Write all that a companion remembers into one file, to take it to another machine.

    Example: aikyo memory export alice alice.jsonl.gz
    """
    from ..memory.care import export as export_memory
    from .memory_lines import exported_line

    with memory_of(name, home) as memory:
        with bar(memory.count()) as shown:
            done = export_memory(memory, file.expanduser(), now=time.time(), told=shown.at)
        if as_json:
            print_json(done)
        else:
            print(exported_line(memory.path.stem, str(file), done))


def import_(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(help="What `aikyo memory export` has written.")],
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Take in what was exported: all of it or nothing. What a companion remembers already stays.

    Example: aikyo memory import alice alice.jsonl.gz
    """
    from ..memory.care import import_memory
    from ..wire import NAME, bare_name
    from .memory_lines import imported_lines

    place, bare = Home.locate(home), bare_name(name)
    if NAME.fullmatch(bare) is None:
        raise UsageError(f"no companion can be called {bare[:80]!r}")
    _check_asleep(place, bare)
    with _undisturbed(place), bar(0) as shown:
        done = import_memory(place.memory(bare), file.expanduser(), told=shown.at)
    if as_json:
        print_json(done)
    else:
        print("\n".join(imported_lines(bare, done)))


def _ask(
    lines: list[str], elsewhere: dict[str, tuple[str, ...]], *, everywhere: bool, as_json: bool
) -> None:
    """Show what would go, and go on only if it may.

    Raises:
        UsageError: nobody is there to be asked.
        typer.Abort: it may not.
    """
    from .memory_lines import number_of

    if as_json or not sys.stdin.isatty():
        raise UsageError("what is forgotten is gone for good; look with memory search, then add --yes")
    for who, found in elsewhere.items():
        count = number_of(len(found), "turn")
        ours = "which go too" if everywhere else "which stay; --everywhere forgets them there as well"
        lines.append(f"{who} remembers {count} of these, {ours}")
    typer.echo("\n".join(lines))
    typer.confirm("Forget it for good?", abort=True)


def _chosen_lines(memory: MemoryFile, chosen: Chosen, most: int) -> list[str]:
    """At most so many lines of each kind of what was chosen, and how many there are beyond."""
    from .memory_lines import listed

    lines: list[str] = []
    for some in (chosen.facts, chosen.rows, chosen.digests):
        lines += listed(memory, some[:most], painter())
        if len(some) > most:
            lines.append(f"        … and {len(some) - most:,} more")
    return lines


def _forget(home: Home, name: str, wish: Wish) -> Forgotten:
    """Forget it where it is open: in the running swarm, else in the file."""
    from ..memory import MemoryFile
    from ..memory.care import choose, forget_in_copies
    from ..memory.care import forget as forget_in

    remote = _swarm_of(home, name)
    if remote is not None:
        return run(partial(remote.forget_memory, name, wish))
    with _undisturbed(home):
        with MemoryFile.open(home.memory(name)) as memory:
            gone = forget_in(memory, choose(memory, wish), now=time.time())
        return forget_in_copies(home, name, gone, now=time.time(), wish=wish)


def _edit(home: Home, name: str, ident: str, text: str) -> Corrected:
    """Correct it where it is open."""
    from ..memory import MemoryFile
    from ..memory.care import edit as edit_in
    from ..memory.care import edit_in_copies

    remote = _swarm_of(home, name)
    if remote is not None:
        return run(partial(remote.edit_memory, name, ident, text))
    with _undisturbed(home):
        with MemoryFile.open(home.memory(name)) as memory:
            done = edit_in(memory, ident, text, now=time.time())
        return edit_in_copies(home, name, done, now=time.time())


def _check_asleep(home: Home, name: str) -> None:
    """Raises `UsageError` where the companion runs: it would not notice what came in."""
    remote = _swarm_of(home, name)
    if remote is None:
        return
    companions = run(remote.status).companions
    if any(one.name == name and one.activity not in _ENDED for one in companions):
        raise UsageError(
            f"{name} is awake; type aikyo stop {name}, import, and then aikyo restart {name}"
        )


def _swarm_of(home: Home, name: str) -> Remote | None:
    """The running swarm, where it has a companion of this name.

    Raises:
        ClientError: it does not answer; what it has open had better be left alone.
    """
    if not home.swarm.exists():
        return None
    from ..client import Remote, find_swarm

    try:
        remote = Remote(find_swarm(home))
    except NotRunningError:
        return None
    return remote if any(one.name == name for one in run(remote.status).companions) else None


def _runs(home: Home) -> bool:
    """Whether a swarm runs, and can be reached."""
    from ..client import find_swarm

    try:
        find_swarm(home)
    except NotRunningError:
        return False
    return True


@contextmanager
def _undisturbed(home: Home) -> Iterator[None]:
    """Let no swarm come up meanwhile, whose companions would go on with what they have read before.

    Raises:
        UsageError: one is about to.
    """
    from ..swarm.lock import hold_home

    with ExitStack() as stack:
        until = time.monotonic() + _PATIENCE
        while not _runs(home):  # else it has no companion of this name
            try:
                stack.enter_context(hold_home(home))
                break
            except UsageError:  # another command may hold it for a moment
                if time.monotonic() > until:
                    raise
                time.sleep(_LOOKS)
        yield


def _moment_of(text: str) -> float:
    """When `text` is, in seconds since the epoch: a local date or time, or so long ago.

    Raises:
        UsageError: it is none.
    """
    try:
        return datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except ValueError:
        pass
    try:
        return time.time() - seconds_of(text, "--before")
    except UsageError:
        raise UsageError(f"--before {text[:40]!r}: give a date such as 2026-11-01, or 90d") from None
