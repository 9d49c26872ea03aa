"""What was said and done, the newest at the bottom."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from ..text import clip, wrap
from .pen import DIM, NARROW, Pen, pad
from .view import Deed, Notice, Said

__all__ = ["deed_lines", "talk_lines"]

_CLOCK = 7
_INDENT = 2


def talk_lines(pen: Pen, width: int, room: int) -> list[Text]:
    """Exactly `room` lines: the newest of what was said that fit, and what is being composed."""
    if room <= 0:
        return []
    talk = [*pen.view.talk, *pen.view.composed]
    names = {entry.sender for entry in talk[-room:] if isinstance(entry, Said)}
    column = max((cell_len(pen.name(name)) for name in names), default=0)
    lines: list[Text] = []
    for entry in reversed(talk):
        if len(lines) >= room:
            break
        if isinstance(entry, Said):
            lines[:0] = _said(pen, entry, width, column)
        else:
            lines[:0] = _notice(pen, entry, width)
    if not talk:
        lines = [Text("nobody has said anything yet", DIM)]
    return lines[-room:] + [Text()] * (room - len(lines))


def deed_lines(pen: Pen, width: int, room: int) -> list[Text]:
    """At most `room` lines: what was done last, a line each."""
    lines = []
    for deed in list(pen.view.deeds)[-room:]:
        line = _clock(pen, deed, width).append(pen.name(deed.sender), pen.name_style(deed.sender))
        line.append(" " + clip(pen.kept(deed.text), width - cell_len(line.plain) - 1))
        lines.append(line)
    return lines


def _said(pen: Pen, said: Said, width: int, column: int) -> list[Text]:
    head = _clock(pen, said, width).append(pen.name(said.sender), pen.name_style(said.sender))
    indent = _INDENT
    if width >= NARROW:
        indent = _CLOCK + column + 2
        pad(head, indent)
    else:
        head.append("  ")
    to = f"→ {pen.names(said.to)}  " if said.to else ""
    first, *rest = wrap(to + pen.kept(said.text), width - indent, used=cell_len(head.plain) - indent)
    head.append(first)
    head.stylize(DIM, len(head.plain) - len(first), len(head.plain) - len(first) + len(to))
    return [head, *(Text(" " * indent + line) for line in rest)]


def _notice(pen: Pen, notice: Notice, width: int) -> list[Text]:
    head = _clock(pen, notice, width)
    indent = cell_len(head.plain)
    first, *rest = wrap(f"· {pen.kept(notice.text)}", width - indent)
    return [head.append(first, DIM), *(Text(" " * indent + line, DIM) for line in rest)]


def _clock(pen: Pen, entry: Said | Notice | Deed, width: int) -> Text:
    line = Text()  # no style of its own: it would be that of all that follows
    return pad(line.append(pen.clock(entry.time), DIM), _CLOCK) if width >= NARROW else line
