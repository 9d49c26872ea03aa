"""Text from others, made inert and fitted to a terminal's cells."""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len, split_graphemes

__all__ = ["clip", "encodable", "inert", "is_utf8", "settled", "wrap"]

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\x9c|$)"  # OSC and other strings: titles, links, the clipboard
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]",
    re.DOTALL,
)
_MARKS_KEPT = 2
_VARIANT = re.compile("[\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")  # emoji or text style, skin

# Marks that must not begin a line, or end one, in Japanese (JIS X 4051, the common core).
_NOT_FIRST = frozenset(
    "、。，．・：；？！?!,.:;)]}」』】〉》）］｝〕ーぁぃぅぇぉっゃゅょァィゥェォッャュョ々…‥〜"
)
_NOT_LAST = frozenset("([{「『【〈《（［｛〔")


def inert(text: str, encoding: str = "utf-8", *, lines: bool = False) -> str:
    """Text that only shows, on one line: nothing that a terminal obeys, reorders, or cannot encode.

    Escape sequences, control and format characters (those of writing direction among them) are gone,
    white space is one space, and no character carries more than two combining marks. Emoji fall apart
    into the single ones they are joined from, since terminals disagree on how wide the joined are.

    Args:
        text: what anybody wrote.
        encoding: what the terminal takes; the rest is replaced.
        lines: keep line breaks, and so give several lines.
    """
    if lines:
        return "\n".join(inert(line, encoding) for line in text.splitlines())
    text = _ESCAPES.sub("", text)
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept: list[str] = []
    marks = 0
    for char in text:
        category = "Zs" if char.isspace() else unicodedata.category(char)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if category in {"Cs", "Co", "Cn"}:
            kept.append("\ufffd")
        elif category not in {"Cc", "Cf"} and marks <= _MARKS_KEPT and not _VARIANT.match(char):
            kept.append(char)
    return encodable(" ".join("".join(kept).split()), encoding)


def encodable(text: str, encoding: str) -> str:
    """`text` with what a terminal of this encoding cannot show replaced."""
    return text if is_utf8(encoding) else text.encode(encoding, "replace").decode(encoding, "replace")


def is_utf8(encoding: str) -> bool:
    """Whether a terminal of this encoding takes every character."""
    return encoding.lower().replace("-", "").replace("_", "") == "utf8"


def clip(text: str, width: int, more: str = "…") -> str:
    """`text`, cut to `width` cells; where something is cut off, `more` says so."""
    if cell_len(text) <= width:
        return text
    kept, used = [], cell_len(more)
    for part, size in _graphemes(text):
        if used + size > width:
            break
        kept.append(part)
        used += size
    return ("".join(kept).rstrip() + more) if used <= width else ""


def settled(text: str) -> str:
    """As much of a text that is still being written as can be shown: all but its last character with its
    marks, which more may follow."""
    spans, _ = split_graphemes(text)
    return text[: spans[-1][0]] if spans else ""


def wrap(text: str, width: int, *, used: int = 0) -> list[str]:
    """Lines of at most `width` cells, at least one: broken at spaces and between wide characters.

    A word that is longer than a line is cut. In Japanese no line begins with a closing mark or ends
    with an opening one.

    Args:
        text: without control characters.
        width: in cells; less than 2 counts as 2, so that every character fits somewhere.
        used: cells of the first line that are taken already.
    """
    width = max(width, 2)
    lines: list[str] = []
    line = ""
    for piece, size in _pieces(text, width):
        if used + size > width and used:
            lines.append(line.rstrip())
            line, used = "", 0
            if piece == " ":
                continue
        line += piece
        used += size
    return [*lines, line.rstrip()]


def _pieces(text: str, width: int) -> list[tuple[str, int]]:
    """What must stay on one line, with its cells: spaces, words, wide characters with their marks."""
    pieces: list[tuple[str, int]] = []
    for part, size in _graphemes(text):
        last, last_size = pieces[-1] if pieces else (" ", 1)
        if last_size + size <= width and _belong_together(last, part, size):
            pieces[-1] = (last + part, last_size + size)
        else:
            pieces.append((part, size))
    return pieces


def _belong_together(before: str, part: str, size: int) -> bool:
    if before == " " or part == " ":
        return False
    if part[0] in _NOT_FIRST or before[-1] in _NOT_LAST:
        return True
    return size < 2 and cell_len(before[-1]) < 2


def _graphemes(text: str) -> list[tuple[str, int]]:
    spans, _ = split_graphemes(text)
    return [(text[start:end], size) for start, end, size in spans]
