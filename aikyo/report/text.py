"""A report as lines of text."""

from __future__ import annotations

from rich.cells import cell_len

from ..text import clip, inert, wrap
from ..wire import bare_name
from .model import Loop, Report

__all__ = ["count", "in_seconds", "render_text"]

_NARROW = 24
_LABEL = 22
_NAME = 16
_BAR = 24
_NAMED = 5


def render_text(report: Report, width: int = 80) -> str:
    """The report for a person to read.

    Args:
        report: what is to be said.
        width: cells of a line; what does not fit goes on the next.
    """
    if not report.turns:
        return "Nothing was said."
    width = max(width, _NARROW)
    lines = [*_head(report, width), "", *_facts(report, width)]
    if report.shares:
        lines += ["", "Who spoke", *_bars([(_name(s.who), s.said) for s in report.shares], width)]
    if report.endings:
        lines += ["", "Why talks rested", *_bars(list(report.endings.items()), width)]
    if report.stalled or report.overlapped:
        lines += ["", *_to_look_at(report, width)]
    return "\n".join(lines)


def count(number: int, one: str, many: str = "") -> str:
    """``1 turn``, ``2 turns``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _head(report: Report, width: int) -> list[str]:
    of = f"{count(report.turns, 'turn')} in {count(report.talks, 'talk')}"
    overtaken = f", {report.superseded:,} overtaken by another message" if report.superseded else ""
    return wrap(f"{of}, {report.answered:,} answered{overtaken}", width)


def _facts(report: Report, width: int) -> list[str]:
    gaps, lengths, alike = report.gaps, report.lengths, report.repetition
    facts = [
        ("overlapping Messages", f"{report.overlaps} ({_percent(report.overlap_share)} of turns)"),
        ("late answers", f"{report.late} ({_percent(report.late / report.turns)} of turns)"),
        ("conflicting claims", str(report.conflicts)),
        ("stalls", f"{report.stalls}, waits past the deadlines {report.waits}"),
        ("interruptions", str(report.interruptions)),
        (
            "gaps",
            f"median {in_seconds(gaps.median)}, 95 % within {in_seconds(gaps.p95)}, "
            f"longest {in_seconds(gaps.longest)}",
        ),
        ("evenness of shares", f"{report.evenness:.2f} (1 is even)"),
        ("longest loop of two", _loop(report.loop)),
        ("  others wanting in", _loop(report.crowded_loop)),
        (
            "repetition",
            f"mean {alike.mean:.2f}, most {alike.most:.2f}, "
            f"{_percent(alike.over)} at {alike.threshold:g} or more",
        ),
        (
            "messages in a talk",
            f"median {lengths.median:g}, mean {lengths.mean:.1f}, longest {lengths.longest}",
        ),
    ]
    if not gaps.answers:
        facts = [fact for fact in facts if fact[0] != "gaps"]
    if report.unheard:
        facts.insert(4, ("not a State came", count(report.unheard, "turn")))
    return [line for label, value in facts for line in _fact(label, value, width)]


def _fact(label: str, value: str, width: int) -> list[str]:
    if width < _LABEL + _NARROW:
        return wrap(f"{label.strip()}: {value}", width)
    first, *more = wrap(value, width - _LABEL)
    return [f"{label:<{_LABEL}}{first}", *(" " * _LABEL + line for line in more)]


def _bars(rows: list[tuple[str, int]], width: int) -> list[str]:
    total = sum(number for _, number in rows) or 1
    most = max(number for _, number in rows) or 1
    digits = len(f"{most:,}")
    left = width - digits - 12  # of a line, beside the numbers and what parts them
    names = [clip(name, min(_NAME, left)) for name, _ in rows]
    widest = max(map(cell_len, names))
    room = min(_BAR, left - widest)
    lines = []
    for name, (_, number) in zip(names, rows, strict=True):
        bar = "█" * max(round(number / most * room), number > 0) if room >= 4 else ""
        padded = name + " " * (widest - cell_len(name))
        lines.append(f"  {padded}  {number:>{digits},}  {number / total:>4.0%}  {bar}".rstrip())
    return lines


def _to_look_at(report: Report, width: int) -> list[str]:
    lines = []
    for what, idents in (("stalls", report.stalled), ("overlaps", report.overlapped)):
        if idents:
            named = ", ".join(map(inert, idents[-_NAMED:]))
            lines += wrap(f"latest {what}, for `aikyo why --after ID`: {named}", width)
    return lines


def _loop(loop: Loop) -> str:
    if not loop.messages:
        return "none"
    return f"{count(loop.messages, 'message')} ({' and '.join(map(_name, loop.who))})"


def _percent(part: float) -> str:
    """With as many digits as tell: a little is never shown as nothing."""
    percent = part * 100
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.2g} %"


def in_seconds(seconds: float) -> str:
    """``7.5 s``, ``12 s``."""
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"


def _name(ident: str) -> str:
    return inert(bare_name(ident))
