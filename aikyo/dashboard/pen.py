"""What all parts of the page write with: names and their colours, times, text made inert."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len
from rich.color import Color, ColorParseError
from rich.style import Style
from rich.text import Text

from ..text import clip, encodable, inert
from .view import View

__all__ = ["BOLD", "DIM", "NARROW", "WIDE", "Pen", "pad"]

NARROW = 60
"""Below this many cells only what matters most is shown."""

WIDE = 120
"""From this many cells on, what is done has a column of its own."""

DIM = Style(dim=True)
BOLD = Style(bold=True)

_MAX_NAME = 14
_STRANGERS = ("cyan", "magenta", "yellow", "green", "blue", "red")


@dataclass(frozen=True, slots=True)
class Pen:
    """How the texts of `view` are written for one terminal.

    Attributes:
        encoding: what the terminal takes.
        local: seconds since the epoch to local time.
    """

    view: View
    encoding: str
    local: Callable[[float], time.struct_time]

    def plain(self, text: str) -> str:
        """Text from others, made inert."""
        return inert(text, self.encoding)

    def kept(self, text: str) -> str:
        """Text that the view keeps, and has made inert when it came in."""
        return encodable(text, self.encoding)

    def name(self, ident: str) -> str:
        """What somebody is called, short enough for a column."""
        return clip(self.plain(self.view.name(ident)), _MAX_NAME)

    def names(self, idents: Sequence[str]) -> str:
        """Several names; of many, the first."""
        shown = ", ".join(self.name(ident) for ident in idents[:3])
        return shown + (f" +{len(idents) - 3}" if len(idents) > 3 else "")

    def clock(self, seconds: float) -> str:
        """The time of day, five cells wide."""
        try:
            return time.strftime("%H:%M", self.local(seconds))
        except (OverflowError, ValueError, OSError):  # a time that no calendar has
            return "--:--"

    def name_style(self, ident: str) -> Style:
        """Bold, in the companion's own colour; strangers have one by their id, people none."""
        row = self.view.rows.get(ident)
        if row is not None:
            return BOLD + _color(row.status.color)
        if ident.startswith("user_"):
            return BOLD
        return BOLD + _color(_STRANGERS[zlib.crc32(ident.encode("utf-8", "replace")) % len(_STRANGERS)])


def pad(line: Text, width: int) -> Text:
    """`line` with spaces to `width` cells; a longer one stays as it is."""
    return line.append(" " * (width - cell_len(line.plain)))


@lru_cache(256)
def _color(name: str) -> Style:
    try:
        return Style(color=Color.parse(name)) if name else Style()
    except ColorParseError:
        return Style()
