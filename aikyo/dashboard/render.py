"""The view as lines for a terminal of a given size. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.cells import cell_len
from rich.console import Group
from rich.style import Style
from rich.text import Text

from ..text import is_utf8
from ..wire import Topic
from .pen import BOLD, DIM, WIDE, Pen, pad
from .people import people_lines
from .talk import deed_lines, talk_lines
from .view import View

__all__ = ["render"]

_DEEDS_COLUMN = 40
_PLAIN_GLYPHS = str.maketrans("●○─│·→…", "*o-|->.")


def render(
    view: View,
    width: int,
    height: int,
    *,
    encoding: str = "utf-8",
    local: Callable[[float], time.struct_time] = time.localtime,
) -> Group:
    """The dashboard: `height` lines of at most `width` cells.

    From top to bottom: what this is, the companions, the talk (which takes all the room there is), what
    was done, the counters and addresses, and what to do next.

    Args:
        view: what to show.
        width: cells of the terminal.
        height: its lines.
        encoding: what the terminal takes; the rest is replaced.
        local: seconds since the epoch to local time.
    """
    pen = Pen(view, encoding, local)
    head = [_top(pen, width), *people_lines(pen, width, max(1, height // 3))]
    foot = _foot(pen, width)
    rule = Text("─" * width, DIM)
    if height < 12:
        head, foot = head[: max(1, height - 2)], foot[-1:]
        middle = talk_lines(pen, width, height - len(head) - len(foot))
    else:
        middle = [rule, *_middle(pen, width, height - len(head) - len(foot) - 2), rule]
    return Group(*(_fitted(line, encoding) for line in [*head, *middle, *foot][:height]))


def _middle(pen: Pen, width: int, height: int) -> list[Text]:
    """The talk, and what was done beside it or below it."""
    if width >= WIDE:
        left = talk_lines(pen, width - _DEEDS_COLUMN - 3, height)
        right = deed_lines(pen, _DEEDS_COLUMN, height)
        right += [Text()] * (height - len(right))
        return [
            pad(talk.copy(), width - _DEEDS_COLUMN - 3).append(" │ ", DIM).append_text(deed)
            for talk, deed in zip(left, right, strict=True)
        ]
    deeds = deed_lines(pen, width, 2 if height < 24 else 4)
    below = [Text("─" * width, DIM), *deeds] if deeds else []
    return talk_lines(pen, width, height - len(below)) + below


def _top(pen: Pen, width: int) -> Text:
    status = pen.view.status
    left = Text.assemble(("aikyo", BOLD + Style(color="cyan")))
    for part in (status.mesh if status else "", _brains(pen.view)):
        if part:
            left.append(f" · {pen.plain(part)}", DIM)
    up = f"up {_duration(pen.view.uptime)}" if status else "starting"
    return _spread(left, Text(up, DIM), width)


def _brains(view: View) -> str:
    """What thinks, said once for all companions."""
    names = sorted({row.status.brain for row in view.rows.values()} - {""})
    return f"brain: {', '.join(names)}" if names else ""


def _foot(pen: Pen, width: int) -> list[Text]:
    view, status = pen.view, pen.view.status
    counters = {
        "messages": view.count(Topic.MESSAGES),
        "actions": view.count(Topic.ACTIONS),
        "dropped": view.dropped,
        "unreadable": view.unreadable,
        **(status.counters if status else {}),
    }
    shown = [
        f"{pen.plain(name)} {count}"
        for name, count in counters.items()
        if count or name in {"messages", "actions"}
    ]
    counts = Text.assemble((" · ".join(shown), DIM))
    addresses = Text(" · ".join(pen.plain(at) for at in _addresses(pen.view) if at))
    together = cell_len(counts.plain) + cell_len(addresses.plain) + 2 <= width
    lines = [_spread(counts, addresses, width)] if together else [counts, addresses]
    somebody = next(iter(view.rows.values()), None)
    hint = Text.assemble(("Ctrl-C ends", DIM))
    if somebody:
        hint.append(" · ", DIM).append(f'aikyo say {pen.plain(somebody.status.name)} "hello"')
    return [*lines, hint]


def _addresses(view: View) -> tuple[str, ...]:
    return (view.status.gateway, view.status.firehose) if view.status else ()


def _spread(left: Text, right: Text, width: int) -> Text:
    """`left` and `right` at the two ends of a line; where there is no room, `left` alone."""
    free = width - cell_len(left.plain) - cell_len(right.plain)
    return pad(left, width - cell_len(right.plain)).append_text(right) if free >= 2 else left


def _duration(minutes: int) -> str:
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def _fitted(line: Text, encoding: str) -> Text:
    if not is_utf8(encoding):
        line.plain = line.plain.translate(_PLAIN_GLYPHS)
    line.no_wrap = True  # so that it is cut, not continued on a line that others need
    return line
