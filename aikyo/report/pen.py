"""Draws the parts of a picture as SVG: text, bars, columns. Colours follow the reader's light or
dark."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from ..text import clip, inert

__all__ = ["Pen"]

# Plain rules, since many viewers know no variables: the light ones first, the dark ones over them.
_LIGHT = {
    "page": "#ffffff",
    "tile": "#f3f5f8",
    "ink": "#1f2328",
    "soft": "#59636e",
    "line": "#d4dae1",
    "bar": "#3b6fd4",
    "else": "#9aa5b1",
    "bad": "#c9362e",
}
_DARK = {
    "page": "#15181d",
    "tile": "#1f242b",
    "ink": "#e6edf3",
    "soft": "#9aa4af",
    "line": "#343b44",
    "bar": "#6d9dff",
    "else": "#8792a0",
    "bad": "#ff7a70",
}
_FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Noto Sans JP', 'Hiragino Sans', sans-serif"
_LABEL_CELLS = 15
_LABEL = 112
_ROW = 24


class Pen:
    """Gathers shapes; coordinates and sizes are in pixels, `kind` is one of the colours above."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._shapes: list[str] = []

    def text(
        self, x: float, y: float, text: str, kind: str = "ink", *, size: int = 13, at: str = "start"
    ) -> None:
        """A line of text whose base line is at `y`; at its ``start``, ``middle`` or ``end`` is `x`."""
        weight = ' font-weight="600"' if size > 13 else ""
        self._shapes.append(
            f'<text x="{x:g}" y="{y:g}" class="{kind}" font-size="{size}" text-anchor="{at}"{weight}>'
            f"{escape(inert(text))}</text>"
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        kind: str,
        *,
        tip: str = "",
        round_: int = 2,
    ) -> None:
        """A filled rectangle; `tip` is told when it is pointed at."""
        title = f"<title>{escape(inert(tip))}</title>" if tip else ""
        self._shapes.append(
            f'<rect x="{x:g}" y="{y:g}" width="{max(width, 0):g}" height="{max(height, 0):g}" '
            f'rx="{round_}" class="{kind}">{title}</rect>'
        )

    def bars(self, x: float, y: float, width: float, rows: Sequence[tuple[str, int]]) -> float:
        """Bars that lie below each other, with name and number; where they end below."""
        most = max((number for _, number in rows), default=1) or 1
        total = sum(number for _, number in rows) or 1
        room = width - _LABEL - 84
        for number, (name, value) in enumerate(rows):
            top = y + number * _ROW
            self.text(x + _LABEL - 10, top + 13, clip(inert(name), _LABEL_CELLS), "soft", at="end")
            self.box(x + _LABEL, top + 2, max(room * value / most, 1 if value else 0), 14, "bar")
            self.text(
                x + _LABEL + room * value / most + 8, top + 13, f"{value:,} · {value / total:.0%}", "ink"
            )
        return y + len(rows) * _ROW

    def columns(
        self, x: float, y: float, width: float, height: float, columns: Sequence[tuple[str, int]]
    ) -> None:
        """Columns that stand side by side, their numbers above and their names below them."""
        most = max((value for _, value in columns), default=1) or 1
        step = width / len(columns)
        bottom = y + height
        self.box(x, bottom, width, 1, "line", round_=0)
        for number, (name, value) in enumerate(columns):
            left, tall = x + number * step, height * 0.86 * value / most
            self.box(
                left + 3, bottom - max(tall, 1 if value else 0), step - 6, tall, "bar", tip=f"{value}"
            )
            if value:
                self.text(left + step / 2, bottom - tall - 5, f"{value:,}", "soft", size=11, at="middle")
            self.text(left + step / 2, bottom + 16, name, "soft", size=11, at="middle")

    def svg(self, height: float, title: str) -> str:
        """The whole as a document."""
        size = f'width="{self.width}" height="{height:g}" viewBox="0 0 {self.width} {height:g}"'
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{_FONT}">',
                f"<title>{escape(inert(title))}</title>",
                f"<style>{_rules(_LIGHT)}@media (prefers-color-scheme: dark){{{_rules(_DARK)}}}</style>",
                f'<rect width="{self.width}" height="{height:g}" class="page"/>',
                *self._shapes,
                "</svg>\n",
            ]
        )


def _rules(colors: dict[str, str]) -> str:
    return "".join(_rule(kind, color) for kind, color in colors.items())


def _rule(kind: str, color: str) -> str:
    return f".{kind}{{fill:{color}}}"
