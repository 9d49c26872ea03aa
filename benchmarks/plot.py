"""Curves as SVG that reads well in the light and in the dark: what the benchmarks draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, log10

__all__ = ["curves"]

WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 168, 48, 48
COLORS = ("#2f7ed8", "#d8642f", "#2f9e5b", "#8d5fd3", "#b8860b", "#c2416c")
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#555} .title{font-size:16px;fill:#222} .grid{stroke:#8883}"
    "@media (prefers-color-scheme:dark){text{fill:#aaa} .title{fill:#eee}}"
)


def curves(title: str, across: str, up: str, lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """An SVG document with one curve for each name.

    Args:
        title: stands above it.
        across: what x is, with its unit.
        up: what y is, with its unit.
        lines: points with growing x, at least one in all; y begins at 0.
    """
    points = [point for line in lines.values() for point in line]
    last_x, last_y = (max(axis) or 1.0 for axis in zip(*points, strict=True))
    wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + wide * x / last_x, HEIGHT - BOTTOM - high * y / last_y

    drawn = [f'<text class="title" x="{LEFT}" y="28">{escape(title)}</text>']
    for y in ticks(last_y):
        _, at = place(0, y)
        drawn.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{LEFT + wide}"/>')
        drawn.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{y:,.4g}</text>')
    for x in ticks(last_x):
        at, _ = place(x, 0)
        drawn.append(f'<text x="{at:.1f}" y="{HEIGHT - 26}" text-anchor="middle">{x:,.0f}</text>')
    drawn.append(
        f'<text x="{LEFT + wide / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>'
    )
    drawn.append(f'<text x="{LEFT}" y="{TOP - 6}">{escape(up)}</text>')
    for number, (name, line) in enumerate(lines.items()):
        color = COLORS[number % len(COLORS)]
        path = "L".join("{:.1f} {:.1f}".format(*place(x, y)) for x, y in line)
        drawn.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        drawn += [
            '<circle cx="{:.1f}" cy="{:.1f}" r="2.5" fill="{}"/>'.format(*place(x, y), color)
            for x, y in line
        ]
        beside = TOP + 16 + 20 * number
        drawn.append(
            f'<path d="M{WIDTH - RIGHT + 16} {beside - 4}h18" stroke="{color}" stroke-width="2"/>'
        )
        drawn.append(f'<text x="{WIDTH - RIGHT + 42}" y="{beside}">{escape(name)}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}">'
    return "\n".join([head, f"<style>{STYLE}</style>", *drawn, "</svg>"]) + "\n"


def ticks(most: float) -> list[float]:
    """Round numbers from 0 to `most`, four to eight of them."""
    step = 10.0 ** floor(log10(most / 4))
    step *= next(factor for factor in (1, 2, 5, 10) if most / (step * factor) <= 8)
    return [step * number for number in range(int(most / step * (1 + 1e-9)) + 1)]
