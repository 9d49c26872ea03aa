"""The companions: a line for each."""

from __future__ import annotations

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from ..amounts import money, tokens
from ..text import clip
from ..wire import Activity
from .pen import DIM, NARROW, Pen, pad
from .view import Row

__all__ = ["people_lines"]

_YELLOW = Style(color="yellow")
_STYLES: dict[Activity, Style] = {
    "starting": _YELLOW,
    "listening": Style(color="green"),
    "thinking": _YELLOW,
    "speaking": Style(color="green", bold=True),
    "resting": DIM,
    "restarting": _YELLOW,
    "failed": Style(color="red", bold=True),
    "stopped": DIM,
}
_AT_WORK = frozenset({"listening", "thinking", "speaking"})
_ACTIVITY_COLUMN = max(map(len, _STYLES)) + 2
_MOOD = 10


def people_lines(pen: Pen, width: int, room: int) -> list[Text]:
    """At most `room` lines: who is there, what they do, and what they said last."""
    rows = list(pen.view.rows.values())
    if not rows:
        return [Text("no companions of this swarm; others on the mesh can be heard", DIM)]
    shown = rows if len(rows) <= room else rows[: room - 1]
    names = max((cell_len(pen.name(row.status.id)) for row in shown), default=0)
    quiets = max((cell_len(_quiet(pen, row, width)) for row in shown), default=0)
    moods = max((cell_len(_mood(pen, row)) for row in shown), default=0)
    spent = max((len(_spent(row)) for row in shown), default=0)
    lines = [_person(pen, row, width, (names, quiets, moods, spent)) for row in shown]
    if len(shown) < len(rows):
        lines.append(Text(f"  and {len(rows) - len(shown)} more: aikyo ps", DIM))
    return lines


def _person(pen: Pen, row: Row, width: int, columns: tuple[int, int, int, int]) -> Text:
    status = row.status
    names, quiets, moods, spent = columns
    style = _STYLES[status.activity]
    line = Text.assemble(("● " if status.activity in _AT_WORK else "○ ", style))
    after_name = names + 4
    pad(line.append(pen.name(status.id), pen.name_style(status.id)), after_name)
    after_activity = after_name + _ACTIVITY_COLUMN
    pad(line.append(status.activity, style), after_activity)
    after_quiet = after_activity + (quiets + 2 if quiets else 0)
    pad(line.append(_quiet(pen, row, width), _YELLOW), after_quiet)
    if width >= NARROW:
        after_mood = after_quiet + (moods + 2 if moods else 0)
        pad(line.append(_mood(pen, row)), after_mood)
        peers = "1 peer" if status.peers == 1 else f"{status.peers} peers"
        after_peers = after_mood + 10
        pad(line.append(peers, DIM), after_peers)
        pad(line.append(_spent(row), DIM), after_peers + (spent + 2 if spent else 0))
        for what, count in (("inbox", status.inbox), ("restarts", status.restarts)):
            if count:
                line.append(f"{what} {count}  ", _YELLOW)
    room = width - cell_len(line.plain)
    if status.reason and status.activity not in _AT_WORK:
        return line.append(clip(pen.plain(status.reason), room), style)
    return line.append(clip(pen.kept(row.words), room), DIM)


def _quiet(pen: Pen, row: Row, width: int) -> str:
    """How quiet it was asked to be, and until when."""
    status = row.status
    if status.quiet == "normal":
        return ""
    timed = status.quiet_until and width >= NARROW
    return status.quiet + (f" until {pen.clock(status.quiet_until)}" if timed else "")


def _spent(row: Row) -> str:
    """What thinking has cost within the last hour: ``12.3k $0.12/h``; nothing where it was nothing."""
    status = row.status
    if not status.tokens_hour:
        return ""
    cost = "" if status.money_hour == 0 else f" {money(status.money_hour)}"
    return f"{tokens(status.tokens_hour)}{cost}/h"


def _mood(pen: Pen, row: Row) -> str:
    return clip(pen.plain(row.status.mood), _MOOD)
