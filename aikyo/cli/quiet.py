"""`aikyo quiet`."""

from __future__ import annotations

import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import run

if TYPE_CHECKING:
    from ..wire import QuietMode

__all__ = ["quiet"]


class _Mode(StrEnum):
    NORMAL = "normal"
    MENTION_ONLY = "mention-only"
    QUIET = "quiet"


def quiet(
    name: Annotated[str, typer.Argument(help="A companion, or `all`.")],
    minutes: Annotated[
        float | None, typer.Argument(metavar="[MINUTES]", help="For how long. Default: until changed.")
    ] = None,
    *,
    mode: Annotated[
        _Mode, typer.Option(help="quiet: says nothing. mention-only: speaks when turned to.")
    ] = _Mode.QUIET,
    home: HomeOption = None,
    as_json: JsonOption = False,
    debug: DebugOption = False,
) -> None:
    """Have a companion, or all, be quiet: for some minutes, or until `--mode normal`.

    Example: aikyo quiet alice 10
    """
    _check(minutes, mode)
    until = run(lambda: _quiet(Home.locate(home), name, mode.value, minutes))
    if as_json:
        print_json({"companion": name, "mode": mode.value, "until": until})
    else:
        print(_told(name, mode.value, until))


def _check(minutes: float | None, mode: _Mode) -> None:
    from ..wire import MAX_QUIET

    if minutes is None:
        return
    if mode is _Mode.NORMAL:
        raise UsageError("MINUTES goes with quiet or mention-only: normal has no end")
    if not 0 < minutes <= MAX_QUIET / 60:
        most = f"{MAX_QUIET / 60:.0f}"
        raise UsageError(f"MINUTES is more than 0 and at most {most}; leave it out for no end")


async def _quiet(home: Home, name: str, mode: QuietMode, minutes: float | None) -> float:
    from ..client import Remote, find_swarm

    return await Remote(find_swarm(home)).quiet(None if name == "all" else name, mode, minutes)


def _told(name: str, mode: QuietMode, until: float) -> str:
    """What holds now, until when, and how to end it."""
    from ..deeds import MANNERS, span

    who = "everybody" if name == "all" else name
    if mode == "normal":
        return f"{who} {MANNERS[mode]} again"
    clock = time.strftime("%H:%M", time.localtime(until)) if until else ""
    how_long = f"until {clock} ({span(until - time.time())})" if until else "until told otherwise"
    return f"{who} {MANNERS[mode]} {how_long}; to end it: aikyo quiet {name} --mode normal"
