"""`aikyo stop`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import run

__all__ = ["stop"]

_DEADLINE = 10.0


def stop(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A companion. Default: the whole swarm.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Stop a companion, or without NAME the whole swarm, and wait until it is gone.

    Example: aikyo stop
    """
    run(lambda: _stop(Home.locate(home), name))
    if as_json:
        print_json({"stopped": name or "all"})
    else:
        print(f"{name or 'the swarm'} has stopped")


async def _stop(home: Home, name: str | None) -> None:
    from ..client import Remote, find_swarm, wait_until_gone

    swarm = find_swarm(home)
    await Remote(swarm).stop(name)
    if name is None:
        await wait_until_gone(home, swarm, timeout=_DEADLINE)
