"""`aikyo simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .common import DebugOption, JsonOption, check_drawing, draw, print_json
from .terminal import note

__all__ = ["simulate"]


def simulate(
    *,
    companions: Annotated[int, typer.Option(min=1, max=64, help="How many companions talk.")] = 8,
    people: Annotated[int, typer.Option(min=0, max=16, help="How many people speak among them.")] = 1,
    turns: Annotated[int, typer.Option(min=1, max=100_000, help="How many turns to follow.")] = 500,
    loss: Annotated[
        float, typer.Option(min=0, max=1, help="What is lost, 0 to 1, for each receiver by itself.")
    ] = 0.0,
    delay: Annotated[
        float, typer.Option(min=0, max=60, help="Seconds that something is under way at the most.")
    ] = 0.1,
    crash_every: Annotated[
        int, typer.Option(min=0, help="Turns after which a companion dies and starts again; 0: never.")
    ] = 50,
    seed: Annotated[int, typer.Option(help="The same seed gives the same turns.")] = 1,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Draw the report into this file too.")
    ] = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Have companions talk in virtual time, with things lost and late, and report how it went.

    Brains draw what they want by chance; the companions are the real ones, and no model is asked.

    Example: aikyo simulate --companions 8 --turns 500 --loss 0.05 --seed 1
    """
    import shutil
    import sys

    from ..report import make_report, render_svg, render_text
    from ..simulator import Scenario
    from ..simulator import simulate as run
    from ..text import encodable

    if plot is not None:  # found out now, not after the simulation
        check_drawing(plot)
    simulated = run(
        Scenario(
            companions=companions,
            people=people,
            turns=turns,
            loss=loss,
            delay=delay,
            crash_every=crash_every,
            seed=seed,
        )
    )
    report = make_report(simulated.records)
    if plot is not None:
        draw(plot, render_svg(report))
    if as_json:
        about = {"scenario": simulated.scenario, "seconds": simulated.seconds, "sent": simulated.sent}
        also = {"lost": simulated.lost, "crashes": simulated.crashes, "report": report}
        print_json(about | also)
    else:
        print(simulated.summary() + "\n")
        shown = render_text(report, shutil.get_terminal_size().columns)
        print(encodable(shown, sys.stdout.encoding or "utf-8"))
    note(f"(took {simulated.took:.1f} s)")
