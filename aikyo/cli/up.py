"""`aikyo up`."""

from __future__ import annotations

import os
import signal
import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption
from .lines import print_lines
from .terminal import run

if TYPE_CHECKING:
    from ..firehose import Subscription
    from ..swarm import Swarm, View

__all__ = ["up"]


_REPLAY = "replay:"


class _Wire(StrEnum):
    PLAIN = "plain"
    JSONRPC = "jsonrpc"


def up(
    *,
    companions: Annotated[int | None, typer.Option(metavar="N", help="How many. Default: 3.")] = None,
    profiles: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="Whom, e.g. alice,bob.")
    ] = None,
    profiles_dir: Annotated[
        str | None, typer.Option(metavar="DIR", help="A folder of profiles to look in first.")
    ] = None,
    topic: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help='What the first talk is about; "": nobody begins one.'),
    ] = None,
    brain: Annotated[
        str | None,
        typer.Option(
            metavar="[auto|anthropic|openai|offline|NAME|replay:FILE]",
            help="What they think with. Default: auto.",
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(metavar="NAME", help="The brain's model.")] = None,
    wire: Annotated[_Wire | None, typer.Option(help="The dialect that is sent.")] = None,
    mesh: Annotated[str | None, typer.Option(metavar="NAME", help="A mesh apart from others.")] = None,
    listen: Annotated[
        str | None, typer.Option(metavar="IP", help="Where libp2p listens. Default: everywhere.")
    ] = None,
    mesh_port: Annotated[
        int | None, typer.Option(metavar="PORT", help="By which others may join. Default: a free one.")
    ] = None,
    bootstrap: Annotated[
        list[str] | None,
        typer.Option(metavar="MULTIADDR", help="A peer beyond the LAN to join by; repeatable."),
    ] = None,
    network_key: Annotated[
        str | None, typer.Option(metavar="FILE", help="The key of a private mesh (`aikyo peers key`).")
    ] = None,
    foreign_turns: Annotated[
        int | None,
        typer.Option(metavar="N", help="Paid turns an hour for a peer of another home. Default: 20."),
    ] = None,
    firehose_port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Default: 8080; 0: a free one.")
    ] = None,
    gateway_port: Annotated[
        int | None, typer.Option(metavar="PORT", help="Default: 3000; 0: a free one.")
    ] = None,
    no_dashboard: Annotated[
        bool, typer.Option("--no-dashboard", help="One line an event instead of the live view.")
    ] = False,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Makes choices repeatable.")] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", min=0, metavar="SECONDS", help="End by itself.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep all that brains are asked and answer, for a replay."),
    ] = None,
    trust: Annotated[
        bool,
        typer.Option("--trust", help="Use Python tools of this folder's profiles, from now on."),
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Bring up a swarm of companions: Ctrl-C ends it.

    Example: aikyo up --companions 3 --topic "tide pools"
    """
    from ..swarm import bring_up

    played = (brain.removeprefix(_REPLAY) or None) if brain and brain.startswith(_REPLAY) else None
    flags = {
        "companions": companions,
        "profiles": None if profiles is None else tuple(filter(None, profiles.split(","))),
        "profiles_dir": profiles_dir,
        "topic": topic,
        "brain": brain if played is None else None,
        "model": model,
        "wire": None if wire is None else str(wire),
        "mesh": mesh,
        "listen": listen,
        "mesh_port": mesh_port,
        "bootstrap": tuple(bootstrap) if bootstrap else None,
        "network_key": network_key,
        "foreign_turns": foreign_turns,
        "firehose_port": firehose_port,
        "gateway_port": gateway_port,
        "seed": seed,
        "dashboard": False if no_dashboard else None,
    }
    place = Home.locate(home)
    ended_by = run(
        partial(
            bring_up,
            place,
            _view(as_json),
            flags=flags,
            environ=os.environ,
            cwd=Path.cwd(),
            seconds=seconds,
            trust=trust,
            debug=debug,
            record=record,
            # Not Path.expanduser, which fails where there is no such user
            replay=None if played is None else Path(os.path.expanduser(played)),  # noqa: PTH111
        )
    )
    if sys.stdout.isatty() and not as_json and not no_dashboard:  # which took all it showed with it
        typer.echo(f"The swarm has ended. What it remembers is in {place.root}")
    if ended_by is signal.SIGINT:
        raise typer.Exit(130)


def _view(as_json: bool) -> View:
    async def view(swarm: Swarm, envelopes: Subscription) -> None:
        if swarm.settings.dashboard and not as_json and sys.stdout.isatty():
            from ..dashboard import run_dashboard

            envelopes.deltas = True
            await run_dashboard(envelopes, swarm.status)
        else:
            await print_lines(envelopes, swarm.status, as_json=as_json)

    return view
