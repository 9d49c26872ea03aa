"""The whole terminal as one page."""

from __future__ import annotations

import io
from typing import Literal, TextIO, cast

from rich.console import Console, RenderableType
from rich.control import Control
from rich.screen import Screen as Page

from ..outlet import Outlet

__all__ = ["Screen"]

_ColorSystem = Literal["standard", "256", "truecolor", "windows"] | None


class Screen:
    """An async context manager; inside, the terminal shows pages, afterwards what it showed before.

    Leaving takes 0.3 s at the most, also when cancelled; a terminal that takes nothing then is left as
    it is (see `Outlet.end`).

    Args:
        console: a terminal.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._outlet = Outlet(cast(TextIO, console.file))
        # Writes into memory what `console` would: there, even an empty write could block
        self._draft = Console(
            file=io.StringIO(),
            force_terminal=True,
            color_system=cast(_ColorSystem, console.color_system),
            no_color=console.no_color,
            legacy_windows=False,
        )

    async def __aenter__(self) -> Screen:
        await self._outlet.write(self._text(Control.alt_screen(True), Control.show_cursor(False)))
        return self

    async def __aexit__(self, *_exc: object) -> Literal[False]:
        await self._outlet.end(self._text(Control.show_cursor(True), Control.alt_screen(False)))
        return False

    async def show(self, page: RenderableType) -> None:
        """Show `page`, which is cut to the terminal's size. Returns when the terminal has taken it."""
        await self._outlet.write(self._text(Control.home(), Page(page)))

    def _text(self, *parts: RenderableType) -> str:
        self._draft.size = self._console.size
        with self._draft.capture() as captured:
            self._draft.print(*parts, sep="", end="")
        return captured.get()
