"""`aikyo restart`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import run

__all__ = ["restart"]


def restart(
    name: Annotated[str, typer.Argument(help="A companion.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Start a companion anew; also one that was stopped or has failed.

    Example: aikyo restart bob
    """
    run(lambda: _restart(Home.locate(home), name))
    if as_json:
        print_json({"restarted": name})
    else:
        print(f"{name} was restarted")


async def _restart(home: Home, name: str) -> None:
    from ..client import Remote, find_swarm

    await Remote(find_swarm(home)).restart(name)
