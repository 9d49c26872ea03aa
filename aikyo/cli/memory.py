"""`aikyo memory`: read what a companion remembers, with or without a running swarm."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .common import DebugOption, HomeOption, JsonOption, print_json
from .memory_backup import backup
from .memory_care import edit, export, forget, import_
from .memory_shared import IdArgument, NameArgument, embedder_of, memory_of, painter

if TYPE_CHECKING:
    from ..memory import Digest, Entry, Fact, MemoryFile, Row

__all__ = ["memory_app"]

memory_app = typer.Typer(
    help="See what a companion remembers; correct it, forget it, take it elsewhere.",
    epilog='Example: aikyo memory search alice "the lighthouse"',
    no_args_is_help=True,
)


class Format(StrEnum):
    """How a dump is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class What(StrEnum):
    """What a dump holds."""

    JOURNAL = "journal"
    FACTS = "facts"
    DIGESTS = "digests"
    ALL = "all"


@memory_app.command()
def dump(
    name: NameArgument,
    *,
    form: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.TEXT,
    what: Annotated[
        What, typer.Option(help="The journal, the facts learned from it, what sums it up, or all.")
    ] = What.JOURNAL,
    newest: Annotated[
        int | None, typer.Option("-n", min=0, help="Only the newest so many of each.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Print what a companion heard, said, did and perceived, oldest first, and what it made of it.

    Example: aikyo memory dump alice -n 20
    """
    from .memory_lines import documented, listed
    from .progress import counted

    with memory_of(name, home) as memory:
        parts = _parts(memory, what, newest)
        if as_json or form is Format.JSON:
            for one in counted(parts, _count(memory, what, newest)):
                print_json(_as_json(one))
        else:
            make = documented if form is Format.MARKDOWN else listed
            items = counted(parts, _count(memory, what, newest))
            for line in make(memory, items, painter()):
                print(line)
        if memory.count() + memory.facts.count() + memory.digests.count() == 0:
            typer.echo(f"{memory.path.stem} remembers nothing yet.", err=True)


@memory_app.command()
def search(
    name: NameArgument,
    query: Annotated[str, typer.Argument(help="Words of what is sought, in any language.")],
    *,
    k: Annotated[int, typer.Option("-k", min=1, max=300, help="How many of each at the most.")] = 8,
    facts: Annotated[
        bool | None, typer.Option("--facts/--journal", help="Only facts, or only turns.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Which way found it, with what score.")
    ] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Print what a companion recalls about something, the best first: facts, then turns.

    Example: aikyo memory search alice "the lighthouse" -k 3
    """
    from datetime import datetime

    import msgspec

    from ..memory.care import origins
    from ..memory.format import as_line, fact_line
    from .memory_lines import explained

    now = datetime.now().astimezone()
    with memory_of(name, home, embedder=embedder_of(home)) as memory:
        known = () if facts is False else memory.facts.recall(query, k, now=now.timestamp())
        hits = () if facts else memory.recall(query, k, now=now)
        if as_json:
            for hit in known:
                print_json({"id": f"f{hit.fact.number}", **msgspec.structs.asdict(hit)})
            for turn in hits:
                print_json({"id": f"j{turn.number}", **msgspec.structs.asdict(turn)})
        else:
            paint, whence = painter(), origins(memory, [hit.fact for hit in known])
            for hit in known:
                print(fact_line(hit.fact, whence[hit.fact.uid], paint) + explained(hit, on=explain))
            for turn in hits:
                line = as_line(turn.entry, paint, number=turn.number)
                print(line + explained(turn, on=explain))
        if not known and not hits:
            typer.echo(f"{memory.path.stem} remembers nothing of {query!r}.", err=True)


@memory_app.command()
def show(
    name: NameArgument,
    ident: IdArgument,
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Print one thing that a companion remembers, what it comes from, and what came of it.

    Example: aikyo memory show alice f3
    """
    from ..memory.care import Wish, choose, followers, origins

    with memory_of(name, home) as memory:
        chosen = choose(memory, Wish(ids=(ident,)))
        made = followers(memory, chosen)
        rows = [row for found in origins(memory, chosen.facts).values() for row in found]
        digests = [part for one in chosen.digests for part in memory.digests.children(one.number)]
        if not digests:
            rows += [row for one in chosen.digests for row in memory.digests.rows_of(one.number)]
        facts = [
            fact
            for one in chosen.facts
            for fact in memory.facts.find(one.sources)
            if fact.uid in one.sources  # the id of a turn may look like the number of a fact
        ]
        itself: list[Row | Fact | Digest] = [*chosen.rows, *chosen.facts, *chosen.digests]
        below: list[Row | Fact | Digest] = [*facts, *digests, *rows]
        above: list[Row | Fact | Digest] = [*made.facts, *made.digests]
        if as_json:
            for one in itself:
                print_json(_as_json(one))
            for one in below:
                print_json({"below": ident, **_as_json(one)})
            for one in above:
                print_json({"above": ident, **_as_json(one)})
            return
        paint = painter()
        _print_all(memory, itself, paint)
        for title, found in (("it comes from", below), ("of it came", above)):
            if found:
                print(f"\n{title}")
                _print_all(memory, found, paint)


@memory_app.command()
def stats(
    name: NameArgument,
    *,
    as_json: JsonOption = False,
    home: HomeOption = None,
    debug: DebugOption = False,
) -> None:
    """Print in numbers what a companion remembers, and how large that is.

    Example: aikyo memory stats alice
    """
    from ..memory.care import statistics
    from .memory_lines import statistics_lines

    with memory_of(name, home) as memory:
        counted = statistics(memory)
    if as_json:
        print_json(counted)
    else:
        print("\n".join(statistics_lines(counted)))


memory_app.command()(forget)
memory_app.command()(edit)
memory_app.command()(export)
memory_app.command("import")(import_)
memory_app.command()(backup)


def _parts(memory: MemoryFile, what: What, newest: int | None) -> Iterator[Row | Fact | Digest]:
    if what in {What.FACTS, What.ALL}:
        yield from _newest(memory.facts.all(), newest)
    if what in {What.DIGESTS, What.ALL}:
        yield from _newest(sorted(memory.digests.all(), key=lambda one: (one.start, one.number)), newest)
    if what in {What.JOURNAL, What.ALL}:
        yield from memory.rows(newest)


def _newest(things: Iterable[Any], n: int | None) -> list[Any]:
    found = list(things)
    return found if n is None else found[len(found) - min(n, len(found)) :]


def _count(memory: MemoryFile, what: What, newest: int | None) -> int:
    counts = {
        What.FACTS: memory.facts.count,
        What.DIGESTS: memory.digests.count,
        What.JOURNAL: memory.count,
    }
    found = [count() for each, count in counts.items() if what in {each, What.ALL}]
    return sum(count if newest is None else min(count, newest) for count in found)


def _as_json(one: Row | Fact | Digest) -> dict[str, Any]:
    """With the id that people see; of a row the fields of its entry."""
    import msgspec

    from ..memory import Digest, Fact

    match one:
        case Fact():
            return {"id": f"f{one.number}", **msgspec.structs.asdict(one)}
        case Digest():
            return {"id": f"d{one.number}", **msgspec.structs.asdict(one)}
    entry: Entry = one.entry
    return {"id": f"j{one.number}", **msgspec.structs.asdict(entry)}


def _print_all(
    memory: MemoryFile, things: Iterable[Row | Fact | Digest], paint: Callable[[str], str]
) -> None:
    from .memory_lines import listed

    for line in listed(memory, things, paint):
        print(line)
