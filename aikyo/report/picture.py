"""A report as a picture: SVG that reads well in the light and in the dark."""

from __future__ import annotations

from ..text import clip, inert
from ..wire import bare_name
from .model import GAP_BOUNDS, Report
from .pen import Pen
from .text import count, in_seconds

__all__ = ["render_svg"]

_WIDTH = 880
_MARGIN = 32
_COLUMN = 392
_SHOWN = 12
_LANE = 22
_PEOPLE = "people"


def render_svg(report: Report) -> str:
    """The report as an SVG document, some hundreds of lines at the most."""
    pen = Pen(_WIDTH)
    pen.text(_MARGIN, 46, "How the talks went", size=20)
    if not report.turns:
        pen.text(_MARGIN, 80, "Nothing was said.", "soft")
        return pen.svg(110, "Nothing was said")
    _tiles(pen, report, 66)
    right = _MARGIN + _COLUMN + 32
    pen.text(_MARGIN, 178, "Share of turns", size=15)
    pen.text(right, 178, "Seconds from a message to its answer", size=15)
    pen.columns(right, 192, _COLUMN, 130, _gap_columns(report))
    below = max(pen.bars(_MARGIN, 192, _COLUMN, _share_rows(report)), 350)
    pen.text(_MARGIN, below + 34, "Why talks rested", size=15)
    pen.text(right, below + 34, "Also", size=15)
    rows = list(report.endings.items())
    ends = pen.bars(_MARGIN, below + 48, _COLUMN, rows)
    if not rows:
        pen.text(_MARGIN, below + 62, "No talk rested yet.", "soft")
    below = max(ends, _facts(pen, report, right, below + 62))
    height = _timeline(pen, report, below + 38)
    turns, talks = count(report.turns, "turn"), count(report.talks, "talk")
    return pen.svg(height, f"{turns} in {talks}")


def _tiles(pen: Pen, report: Report, y: float) -> None:
    tiles = [
        (f"{report.turns:,}", "turns", False),
        (f"{report.talks:,}", "talks", False),
        (f"{report.overlaps:,}", "overlaps", report.overlaps > 0),
        (f"{report.stalls:,}", "stalls", report.stalls > 0),
        (in_seconds(report.gaps.median) if report.gaps.answers else "–", "gap, median", False),
        (f"{report.evenness:.2f}", "evenness", False),
    ]
    step = (_WIDTH - 2 * _MARGIN + 12) / len(tiles)
    for number, (value, name, bad) in enumerate(tiles):
        x = _MARGIN + number * step
        pen.box(x, y, step - 12, 72, "tile", round_=8)
        pen.text(x + 14, y + 34, value, "bad" if bad else "ink", size=22)
        pen.text(x + 14, y + 56, name, "soft")


def _share_rows(report: Report) -> list[tuple[str, int]]:
    rows = [(bare_name(share.who), share.said) for share in report.shares]
    if len(rows) > _SHOWN:
        rest = rows[_SHOWN - 1 :]
        rows = [*rows[: _SHOWN - 1], (f"{len(rest)} others", sum(said for _, said in rest))]
    return rows


def _gap_columns(report: Report) -> list[tuple[str, int]]:
    names = [f"≤ {bound:g}" for bound in GAP_BOUNDS] + [f"> {GAP_BOUNDS[-1]:g}"]
    return list(zip(names, report.gaps.counts, strict=True))


def _facts(pen: Pen, report: Report, x: float, y: float) -> float:
    gaps, alike, lengths = report.gaps, report.repetition, report.lengths
    loop = " and ".join(map(bare_name, report.loop.who))
    facts = [
        ("late answers", f"{report.late:,}"),
        ("conflicting claims", f"{report.conflicts:,}"),
        ("waits past the deadlines", f"{report.waits:,}"),
        ("turns without a State", f"{report.unheard:,}"),
        ("interruptions", f"{report.interruptions:,}"),
        ("95 % of gaps within", f"{in_seconds(gaps.p95)}, longest {in_seconds(gaps.longest)}"),
        ("longest loop of two", f"{report.loop.messages}{f' ({loop})' if loop else ''}"),
        ("repetition", f"mean {alike.mean:.2f}, {alike.over:.0%} at {alike.threshold:g} or more"),
        ("messages in a talk", f"median {lengths.median:g}, longest {lengths.longest}"),
    ]
    for number, (name, value) in enumerate(facts):
        pen.text(x, y + number * 22, name, "soft")
        pen.text(x + 172, y + number * 22, value)
    return y + len(facts) * 22


def _timeline(pen: Pen, report: Report, y: float) -> float:
    """Who spoke, a lane each, from left to right; the talks are parted by shades. Where it ends."""
    spoken = report.timeline
    ranks = [share.who for share in report.shares if share.said][:_SHOWN]
    lanes = {who: number for number, who in enumerate(ranks)}
    people = any(one.person for one in spoken)
    names = [bare_name(who) for who in ranks]
    others = any(not one.person and one.who not in lanes for one in spoken)
    names += ["others"] * others + [_PEOPLE] * people
    left, width = _MARGIN + 112, _WIDTH - 2 * _MARGIN - 112
    step = width / len(spoken)
    latest = f", the latest {len(spoken)}" if len(spoken) < report.turns else ""
    pen.text(_MARGIN, y, f"Who spoke, message after message{latest}", size=15)
    top = y + 16
    for talk, begin, end in _runs(report):
        if talk % 2 == 0:
            pen.box(left + begin * step, top, (end - begin) * step, _LANE * len(names), "tile", round_=0)
    for number, name in enumerate(names):
        pen.text(left - 10, top + number * _LANE + 15, clip(inert(name), 15), "soft", at="end")
    for number, one in enumerate(spoken):
        lane = len(names) - 1 if one.person else lanes.get(one.who, len(ranks))
        kind = "bad" if one.overlap or one.stall else "else" if one.person else "bar"
        what = " (one too many)" if one.overlap else " (nobody answered)" if one.stall else ""
        x, wide = left + number * step, min(max(step - 1, 3.0 if kind == "bad" else 1.2), 14)
        pen.box(
            x, top + lane * _LANE + 4, wide, _LANE - 8, kind, tip=bare_name(one.who) + what, round_=1
        )
    bottom = top + _LANE * len(names)
    if report.overlaps or report.stalls or report.waits:
        pen.box(left, bottom + 12, 12, 12, "bad")
        pen.text(left + 20, bottom + 22, "one too many, or nobody answered", "soft")
        bottom += 22
    return bottom + _MARGIN


def _runs(report: Report) -> list[tuple[int, int, int]]:
    """The stretches of one talk: which, and from where to where."""
    runs: list[tuple[int, int, int]] = []
    for number, one in enumerate(report.timeline):
        if runs and runs[-1][0] == one.talk:
            runs[-1] = (one.talk, runs[-1][1], number + 1)
        else:
            runs.append((one.talk, number, number + 1))
    return runs
