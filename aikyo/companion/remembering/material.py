"""What is learned from at once: as much of the journal as fits. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...brain import Known
from ...memory import Entry, Row
from ...wire import is_companion
from ..perception import PICTURE
from ..session.budget import cut, line_tokens

__all__ = ["MAX_FROM_PEOPLE", "MAX_LINES", "Batch", "batch_of", "known_within", "tells"]

MAX_LINES = 40
"""Rows that are learned from at once, however much there is room for."""

MAX_FROM_PEOPLE = MAX_LINES // 2
"""Of these, what people said, and how many facts there may be: who tells of themselves tells one a line,
and what there is no room for is never learned."""

_TOLD = frozenset({"heard", "said", "perceived"})


class Batch(NamedTuple):
    """Rows to learn from, with what there is room for of each one's text.

    Attributes:
        rows: in order; those that tell nothing are among them.
        texts: of each row, cut to what fits.
        tokens: what those that tell something come to.
    """

    rows: tuple[Row, ...]
    texts: tuple[str, ...]
    tokens: int

    @property
    def upto(self) -> int:
        """The number of its last row."""
        return self.rows[-1].number


def tells(entry: Entry) -> bool:
    """Whether there may be something to learn from an entry: words, and not one's own steps in the
    room."""
    return entry.kind in _TOLD and entry.text != PICTURE and bool(entry.text.strip())


def batch_of(rows: Sequence[Row], most: int) -> Batch:
    """The first of `rows` that fit into `most` tokens; one in any case, cut to what fits."""
    texts, left, by_people = list[str](), most, 0
    for row in rows[:MAX_LINES]:
        by_people += tells(row.entry) and not is_companion(row.entry.sender)
        if by_people > MAX_FROM_PEOPLE:
            break
        text = cut(row.entry.text, most - line_tokens(""))
        cost = line_tokens(text) if tells(row.entry) else 0
        if texts and cost > left:
            break
        texts.append(text)
        left -= cost
    return Batch(tuple(rows[: len(texts)]), tuple(texts), most - left)


def known_within(known: Sequence[Known], most: int) -> tuple[Known, ...]:
    """The first of `known` that fit into `most` tokens."""
    kept = list[Known]()
    for each in known:
        most -= line_tokens(each.text)
        if most < 0:
            break
        kept.append(each)
    return tuple(kept)
