"""`aikyo ps`."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ..paths import Home
from .common import DebugOption, HomeOption, JsonOption, print_json
from .terminal import run

if TYPE_CHECKING:
    from ..wire import CompanionStatus, SwarmStatus

__all__ = ["ps"]

_HEADINGS = (
    *("NAME", "STATE", "QUIET", "SINCE", "RESTARTS", "PEERS", "INBOX", "TURNS", "TOKENS/H", "COST/H"),
    *("MOOD", "BRAIN"),
)
_WHERE_THERE_IS_SOMETHING = {"QUIET", "TOKENS/H", "COST/H"}


def ps(home: HomeOption = None, as_json: JsonOption = False, debug: DebugOption = False) -> None:
    """Show what runs: each companion, what it does, and how it fares.

    Example: aikyo ps --json
    """
    status = run(lambda: _status(Home.locate(home)))
    if as_json:
        print_json(status)
        return
    for line in (*_table(status, time.time()), *_reasons(status)):
        print(line)
    if status.others:
        print(_elsewhere(status))


async def _status(home: Home) -> SwarmStatus:
    from ..client import Remote, find_swarm

    return await Remote(find_swarm(home)).status()


def _table(status: SwarmStatus, now: float) -> list[str]:
    """Lines whose columns stand under each other, wide characters counted as two."""
    from rich.cells import cell_len

    from ..amounts import tokens
    from ..text import inert

    rows: list[tuple[str, ...]] = [_HEADINGS]
    for one in status.companions:
        numbers = (str(one.restarts), str(one.peers), str(one.inbox), str(one.turns))
        since = _ago(now - one.since) if one.since else "-"
        who = (_called(one), one.activity, _quiet(one, now), since)
        spent = (tokens(one.tokens_hour), _cost(one)) if one.tokens_hour else ("-", "-")
        rows.append((*who, *numbers, *spent, inert(one.mood) or "-", one.brain or "-"))
    columns = [
        column
        for column in zip(*rows, strict=True)
        if column[0] not in _WHERE_THERE_IS_SOMETHING or set(column[1:]) - {"-"}
    ]
    rows = list(zip(*columns, strict=True))
    widths = [max(cell_len(cell) for cell in column) for column in columns]
    return [
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _reasons(status: SwarmStatus) -> list[str]:
    """Why somebody rests, restarts or has failed; too long for a column."""
    from ..text import inert

    return [f"{_called(one)}: {inert(one.reason)}" for one in status.companions if one.reason]


def _cost(one: CompanionStatus) -> str:
    """What that cost; a server of one's own asks for nothing."""
    from ..amounts import money

    return "free" if one.money_hour == 0 else money(one.money_hour)


def _quiet(one: CompanionStatus, now: float) -> str:
    """How quiet it was asked to be, and for how much longer: ``quiet 8m``."""
    if one.quiet == "normal":
        return "-"
    if not one.quiet_until:
        return one.quiet
    left = max(one.quiet_until - now, 1)
    unit, size = ("h", 3600) if left > 7200 else ("m", 60)
    return f"{one.quiet} {math.ceil(left / size)}{unit}"  # rounded up: it is not over before


def _called(one: CompanionStatus) -> str:
    """Its name, and the one it has on the mesh when another held that."""
    from ..wire import bare_name

    there = bare_name(one.id)
    return one.name if there == one.name else f"{one.name} ({there})"


def _elsewhere(status: SwarmStatus) -> str:
    from ..text import inert
    from ..wire import bare_name

    return "elsewhere on the mesh: " + ", ".join(inert(bare_name(other)) for other in status.others)


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"
