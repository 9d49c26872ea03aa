"""`aikyo usage`: what thinking has cost, with or without a running swarm."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import NotRunningError, UsageError
from ..paths import Home
from ..spans import seconds_of
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import run

if TYPE_CHECKING:
    from ..wire import UsageReport

__all__ = ["usage"]


class _By(StrEnum):
    COMPANION = "companion"
    HOUR = "hour"
    MODEL = "model"
    PURPOSE = "purpose"


def usage(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Only this companion.")] = None,
    *,
    since: Annotated[
        str, typer.Option(metavar="TIME", help="How far back: 30m, 12h or 7d, say.")
    ] = "24h",
    by: Annotated[_By, typer.Option(help="What there is a row for.")] = _By.COMPANION,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Show what thinking has cost: calls, tokens, time and money, and how much of the caps is used.

    Example: aikyo usage --since 7d --by model
    """
    seconds = seconds_of(since, "--since")
    place = Home.locate(home)
    if not place.root.is_dir():
        raise UsageError(f"there is no home {place.root}; aikyo up makes one")
    who = None if name == "all" else name
    found = _find(place, who, since, seconds, by)
    if as_json:
        print_json(found)
        return
    from ..text import encodable
    from .usage_lines import usage_lines

    for line in usage_lines(found, since):
        print(encodable(line, sys.stdout.encoding or "utf-8"))


def _find(home: Home, name: str | None, since: str, seconds: float, by: _By) -> UsageReport:
    """As the swarm that runs has it; else as it was written down."""
    from ..client import ClientError, Remote, find_swarm

    with suppress(NotRunningError, ClientError):  # or it hangs
        remote = Remote(find_swarm(home))
        return run(lambda: remote.usage(since, by.value, name))

    from ..brain.cost import Ledger
    from ..config import load_settings
    from ..wire import companion_id

    settings = load_settings(home, cwd=Path.cwd(), environ=os.environ, flags={})
    ledger = Ledger.of(home.usage, settings)
    ledger.load(fold=False)
    known = [companion_id(memory.stem) for memory in home.memories.glob("*.db")]
    return ledger.report(seconds=seconds, by=by.value, companion=name, known=known)
