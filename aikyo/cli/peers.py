"""`aikyo peers`: who is on the mesh, and whom to shut out, with or without a running swarm."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import NotRunningError, UsageError
from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import colored, run

if TYPE_CHECKING:
    from ..client import Remote
    from ..swarm import KeptPeers
    from ..wire import MeshStatus

__all__ = ["peers_app"]

peers_app = typer.Typer(
    help="Show who is on the mesh, how others can join, and who is refused; shut peers out.",
    epilog="Example: aikyo peers --wide",
    invoke_without_command=True,
)

WhoArgument = Annotated[
    str,
    typer.Argument(
        help="A peer id, six or more characters of one end of it, or a companion's name or id."
    ),
]
MeshOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of which mesh, where no swarm runs.")
]


@peers_app.callback()
def peers(
    context: typer.Context,
    *,
    wide: Annotated[bool, typer.Option("--wide", help="One line a peer, with all of it.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show who is on the mesh, how others can join, and who is refused; shut peers out."""
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    status = run(lambda: _status(Home.locate(home)))
    if as_json:
        print_json(status)
        return
    from .peer_lines import peer_lines

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() and not wide else None
    for line in peer_lines(status, time.time(), width=width, color=colored(sys.stdout)):
        print(line)


@peers_app.command()
def block(
    who: WhoArgument,
    *,
    note: Annotated[str, typer.Option(metavar="TEXT", help="Why, to be shown beside it.")] = "",
    mesh: MeshOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Shut a peer out: nothing it says is heard here, whoever passes it on.

    Example: aikyo peers block …9xYzAbQw --note "floods"
    """
    peer = _change(
        Home.locate(home), mesh, lambda swarm: swarm.block(who, note), lambda kept: kept.block(who, note)
    )
    _tell("blocked", peer, as_json)


@peers_app.command()
def unblock(
    who: WhoArgument,
    *,
    mesh: MeshOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Let a peer in again.

    Example: aikyo peers unblock …9xYzAbQw
    """
    peer = _change(
        Home.locate(home), mesh, lambda swarm: swarm.unblock(who), lambda kept: kept.unblock(who)
    )
    _tell("unblocked", peer, as_json)


@peers_app.command()
def forget(
    name: Annotated[str, typer.Argument(help="A companion of another home: its name or id.")],
    *,
    mesh: MeshOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Free the id of a companion that is away, so that another peer may have it.

    Example: aikyo peers forget carol
    """
    ident = _change(
        Home.locate(home), mesh, lambda swarm: swarm.forget(name), lambda kept: kept.forget(name)
    )
    _tell("forgotten", ident, as_json)


@peers_app.command()
def key(
    file: Annotated[Path, typer.Argument(help="Where to write it; it must not be there yet.")],
    *,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Make the key of a private mesh, to be copied to all of its machines.

    Example: aikyo peers key ~/mesh.key
    """
    from ..mesh.network_key import make_network_key

    file = file.expanduser()
    make_network_key(file)
    if as_json:
        print_json({"file": str(file)})
    else:
        print(f"{file} is there; copy it to the other machines, and start with --network-key {file}")


def _refuse_options(context: typer.Context) -> None:
    """Options of `aikyo peers` itself do nothing for a command below it: not to be passed over."""
    for name, option in (("home", "--home"), ("wide", "--wide"), ("as_json", "--json")):
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise UsageError(f"{option} goes after the command: aikyo peers COMMAND … {option}")


async def _status(home: Home) -> MeshStatus:
    from ..client import Remote, find_swarm

    return await Remote(find_swarm(home)).peers()


def _change(
    home: Home,
    mesh: str | None,
    running: Callable[[Remote], Awaitable[str]],
    kept: Callable[[KeptPeers], str],
) -> str:
    """Have the swarm that runs do it; where none runs, do it to the home's file."""
    from ..client import Remote, find_swarm

    try:
        swarm = find_swarm(home)
    except NotRunningError:
        swarm = None
    if swarm is None:
        return _change_file(home, mesh, kept)
    if mesh is not None and mesh != swarm.mesh:
        raise UsageError(f"the swarm of {home.root} runs on another mesh; leave out --mesh, or stop it")
    remote = Remote(swarm)
    return run(lambda: running(remote))


def _change_file(home: Home, mesh: str | None, change: Callable[[KeptPeers], str]) -> str:
    import os

    from ..config import load_settings
    from ..swarm import KeptPeers, hold_home

    settings = load_settings(home, cwd=Path.cwd(), environ=os.environ, flags={"mesh": mesh})
    with hold_home(home):
        return change(KeptPeers(home, settings.mesh))


def _tell(done: str, what: str, as_json: bool) -> None:
    from ..text import inert

    if as_json:
        print_json({done: what})
    else:
        print(f"{inert(what)} is {done}")
