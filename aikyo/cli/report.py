"""`aikyo report`: how the talks of a home went, with or without a running swarm."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from ..errors import UsageError
from ..paths import Home
from ..spans import seconds_of
from .common import DebugOption, HomeOption, JsonOption, draw, print_json

__all__ = ["report"]

_WIDEST = 100


def report(
    *,
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Only the last 30m, 12h or 7d, say.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw it too, as a picture.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Report how talks went: who spoke how much, gaps, overlaps, stalls, repetition, endings.

    Example: aikyo report --since 1h --plot talks.svg
    """
    from ..report import make_report, render_svg, render_text
    from ..swarm.turn_journal import read_turns
    from ..text import encodable

    place = Home.locate(home)
    if not place.root.is_dir():
        raise UsageError(f"there is no home {place.root}; aikyo up makes one")
    begun = time.time() - seconds_of(since, "--since") if since else 0.0
    found = make_report(turn for turn in read_turns(place) if turn.time >= begun)
    if plot is not None:
        draw(plot, render_svg(found))
    if as_json:
        print_json(found)
        return
    width = min(shutil.get_terminal_size().columns, _WIDEST)
    print(encodable(render_text(found, width), sys.stdout.encoding or "utf-8"))
