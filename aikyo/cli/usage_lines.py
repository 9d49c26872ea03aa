"""What thinking has cost, as lines for a person. Pure but for the local time."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterator

from rich.cells import cell_len

from ..amounts import money, tokens
from ..text import clip, inert, wrap
from ..wire import CapUse, UsageReport, UsageRow, bare_name

__all__ = ["usage_lines"]

_WIDTH = 80
_MAX_NAME = 14
_NEAR = 0.8


def usage_lines(report: UsageReport, since: str) -> Iterator[str]:
    """A table of at most 80 cells a line, the caps, and what is not known.

    Args:
        report: what was spent.
        since: how far back, as a person said it.
    """
    if report.rows:
        yield from _table(report)
    else:
        yield f"Nothing was spent on thinking in the last {since}. The offline brain costs nothing."
    caps = [cap for cap in report.caps if not cap.companion or _is_near(cap)]
    if caps:
        yield ""
        yield from _caps(caps)
    notes = [line for note in _notes(report) for line in wrap(note, _WIDTH)]
    if notes:
        yield ""
        yield from notes


def _table(report: UsageReport) -> Iterator[str]:
    heading = (report.by.upper(), "CALLS", "IN", "CACHED", "STORED", "OUT", "TIME", "COST")
    rows = [heading, *(_cells(row, _name(row, report)) for row in report.rows)]
    if len(report.rows) > 1:
        rows.append(_cells(report.total, "total"))
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[1:]]
    room = _WIDTH - sum(width + 2 for width in widths)
    names = [clip(name, room) for name, *_ in rows]
    column = max(map(cell_len, names))
    for name, (_, *numbers) in zip(names, rows, strict=True):
        cells = [f"{number:>{width}}" for number, width in zip(numbers, widths, strict=True)]
        yield "  ".join((name + " " * (column - cell_len(name)), *cells))


def _cells(row: UsageRow, name: str) -> tuple[str, ...]:
    counts = (row.calls, row.input, row.cached, row.stored, row.output)
    only_free = row.free and not row.money and not row.unpriced
    cost = "free" if only_free else money(row.money, more=bool(row.unpriced))
    return (name, *map(tokens, counts), _duration(row.seconds), cost)


def _name(row: UsageRow, report: UsageReport) -> str:
    match report.by:
        case "companion":
            name = bare_name(row.name)
        case "hour":
            name = _hour(row.name)
        case _:
            name = row.name
    return inert(name)


def _hour(name: str) -> str:
    try:
        return _local(calendar.timegm(time.strptime(name, "%Y-%m-%dT%H:%MZ")))
    except ValueError:  # not one of ours
        return name


def _local(seconds: float) -> str:
    try:
        return time.strftime("%m-%d %H:%M", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):  # a time that no calendar has
        return "?"


def _duration(seconds: float) -> str:
    if seconds < 59.5:
        return f"{seconds:.0f}s"
    minutes = round(seconds / 60)
    return f"{minutes}m" if minutes < 600 else f"{minutes / 60:.0f}h"


def _caps(caps: list[CapUse]) -> Iterator[str]:
    rows = [(_whose(cap), *_amounts(cap), _share(cap)) for cap in caps]
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for cap, (whose, used, limit, share) in zip(caps, rows, strict=True):
        line = whose + " " * (widths[0] - cell_len(whose))
        line += f"  {used:>{widths[1]}} of {limit:>{widths[2]}}  {share:>{widths[3]}}"
        yield line + (f"  until {_local(cap.until)}" if cap.until else "  near" if _is_near(cap) else "")


def _whose(cap: CapUse) -> str:
    setting = cap.setting.removeprefix("companion_") if cap.companion else cap.setting
    return f"{clip(inert(bare_name(cap.companion)), _MAX_NAME)} {setting}" if cap.companion else setting


def _amounts(cap: CapUse) -> tuple[str, str]:
    if "money" in cap.setting:
        known = cap.used if cap.used or not cap.unpriced else None
        return money(known, more=bool(cap.unpriced)), money(cap.limit)
    return tokens(cap.used), tokens(cap.limit)


def _share(cap: CapUse) -> str:
    if cap.unpriced and not cap.used:
        return "?"
    return f"{min(100 * cap.used / max(cap.limit, 1e-9), 999):.0f} %"


def _is_near(cap: CapUse) -> bool:
    return cap.used >= _NEAR * cap.limit


def _notes(report: UsageReport) -> Iterator[str]:
    if report.unpriced:
        models = ", ".join(clip(inert(model), 40) for model in report.unpriced[:3])
        more = f" and {len(report.unpriced) - 3} more" if len(report.unpriced) > 3 else ""
        yield f"?: no price is known for {models}{more}; [prices] in aikyo.toml can say it"
    if report.total.money:
        yield f"Prices are those of {report.prices}, or yours in aikyo.toml."
    if report.unreadable:
        lines = "1 line" if report.unreadable == 1 else f"{report.unreadable} lines"
        yield f"{lines} of usage.jsonl could not be read, and are left out."
