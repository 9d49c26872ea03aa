"""How talks went: what the records of their turns come to, in numbers, text and a picture. Pure."""

from .measure import make_report
from .model import Gaps, Lengths, Loop, Repetition, Report, Share, Spoke
from .picture import render_svg
from .text import render_text

__all__ = [
    "Gaps",
    "Lengths",
    "Loop",
    "Repetition",
    "Report",
    "Share",
    "Spoke",
    "make_report",
    "render_svg",
    "render_text",
]
