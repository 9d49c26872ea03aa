"""Tokens and money in few cells."""

from __future__ import annotations

__all__ = ["money", "tokens"]


def tokens(count: float) -> str:
    """So many tokens in at most five cells: ``950``, ``12.3k``, ``4.5M``."""
    for size, unit in ((1e3, "k"), (1e6, "M"), (1e9, "G")):
        if count < 999.5:
            break
        shown = count / size
        if shown < 999.5 or unit == "G":
            return f"{shown:.1f}{unit}" if shown < 99.95 else f"{shown:.0f}{unit}"
    return f"{count:.0f}"


def money(dollars: float | None, *, more: bool = False) -> str:
    """US dollars: ``$0.0042``, ``$1.25``; what is something is never shown as nothing.

    Args:
        dollars: how many; None, where that is unknown, is ``?``.
        more: they are only a part, and the rest is unknown: ``$1.25+?``.
    """
    if dollars is None:
        return "?"
    if 0 < dollars < 0.00005:
        return "<$0.0001" + ("+?" if more else "")
    places = 0 if dollars >= 1000 else 2 if dollars >= 0.1 or dollars == 0 else 4
    return f"${dollars:,.{places}f}" + ("+?" if more else "")
