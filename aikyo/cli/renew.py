"""`aikyo renew`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import AikyoError
from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import note, run

if TYPE_CHECKING:
    from ..client import Remote
    from ..wire import CompanionStatus

__all__ = ["renew"]


def renew(
    name: Annotated[str, typer.Argument(help="A companion, or `all`.")],
    *,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Give a companion a new session: what was said is summed up, and it talks on.

    Its sessions change by themselves when there is reason to; this is for when you want it now.

    Example: aikyo renew alice
    """
    renewed, failed = run(lambda: _renew(Home.locate(home), name))
    for status in renewed:
        if as_json:
            print_json(status)
        else:
            print(f"{status.name} has a new session ({status.session})")
    for error in failed[1:]:
        note(f"aikyo: {error}")
    if failed:
        raise failed[0]


async def _renew(home: Home, name: str) -> tuple[list[CompanionStatus], list[AikyoError]]:
    """Who has a new session, and why others have none."""
    import trio

    from ..client import Remote, find_swarm

    remote = Remote(find_swarm(home))
    names = [name]
    if name == "all":
        companions = (await remote.status()).companions
        names = [one.name for one in companions if one.session]
        if not names:
            raise AikyoError("no companion runs; aikyo ps shows why")
    renewed: dict[str, CompanionStatus] = {}
    failed: dict[str, AikyoError] = {}
    async with trio.open_nursery() as nursery:
        for each in names:
            nursery.start_soon(_one, remote, each, renewed, failed)
    return (
        [renewed[each] for each in names if each in renewed],
        [failed[each] for each in names if each in failed],
    )


async def _one(
    remote: Remote, name: str, renewed: dict[str, CompanionStatus], failed: dict[str, AikyoError]
) -> None:
    try:
        renewed[name] = await remote.renew(name)
    except AikyoError as error:
        failed[name] = error
