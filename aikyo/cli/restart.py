"""`aikyo restart`."""

from __future__ import annotations

from typing import Annotated

import typer

from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import note, run

__all__ = ["restart"]


def restart(
    name: Annotated[str, typer.Argument(help="A companion.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Start a companion anew, with its profile read anew; also one that was stopped or has failed.

    Example: aikyo restart bob
    """
    problem = run(lambda: _restart(Home.locate(home), name))
    if problem:
        note(problem)
    if as_json:
        print_json({"restarted": name, **({"problem": problem} if problem else {})})
    else:
        print(f"{name} was restarted")


async def _restart(home: Home, name: str) -> str:
    from ..client import Remote, find_swarm

    return await Remote(find_swarm(home)).restart(name)
