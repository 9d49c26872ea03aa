"""Sums up what a session leaves behind, in pieces that no brain's context is too small for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import trio

from ...brain import Brain, BrainError, Line, Past, Persona
from .budget import line_tokens, summary_words, tokens

__all__ = ["Summing"]

DEADLINE = 90.0
"""Seconds for one piece."""

_PIECE = 1 / 3  # of the budget; the prompt, the summary before and the answer need room too
_LONGEST_LINE = 1 / 2  # of a piece
_TOKENS_IN_A_WORD = 3  # at the most; what is longer is cut


@dataclass(frozen=True, slots=True)
class Summing:
    """How one session's past is summed up.

    Attributes:
        brain: what does it.
        me: whose past it is.
        now: local time, aware.
        budget: tokens that all that the brain is told may have.
    """

    brain: Brain
    me: Persona
    now: datetime
    budget: int

    async def of(self, summary: str, lines: Sequence[Line]) -> str:
        """The summary that takes the place of `summary` and of the `lines` after it.

        Raises:
            BrainError: nothing came of it, within `DEADLINE` seconds for a piece. Cancelled, nothing
                is left of it.
        """
        for piece in self._pieces(lines):
            summary = await self._of_piece(summary, piece)
        return summary

    async def _of_piece(self, summary: str, lines: Sequence[Line]) -> str:
        words = summary_words(self.budget)
        past = Past(now=self.now, me=self.me, summary=summary, lines=tuple(lines), words=words)
        try:
            with trio.fail_after(DEADLINE):
                text = (await self.brain.summarize(past)).strip()
        except trio.TooSlowError:
            raise BrainError("the brain took too long to sum up what was said", "timeout") from None
        except BrainError as error:
            if error.kind != "too-long" or len(lines) < 2:
                raise
            half = len(lines) // 2
            summary = await self._of_piece(summary, lines[:half])
            return await self._of_piece(summary, lines[half:])
        if not text:
            raise BrainError("the brain's summary of what was said is empty", "malformed")
        text = text.encode(errors="replace").decode()  # half a surrogate pair could not be kept
        return _cut(text, words * _TOKENS_IN_A_WORD)

    def _pieces(self, lines: Sequence[Line]) -> Iterator[list[Line]]:
        """The lines in turn, as many at a time as fit, each cut to what fits."""
        most = int(self.budget * _PIECE)
        piece, left = list[Line](), most
        for line in lines:
            short = replace(line, text=_cut(line.text, int(most * _LONGEST_LINE)))
            cost = line_tokens(short.text)
            if piece and cost > left:
                yield piece
                piece, left = [], most
            piece.append(short)
            left -= cost
        if piece:
            yield piece


def _cut(text: str, most: int) -> str:
    """The beginning of `text`, of about `most` tokens."""
    if tokens(text) <= most:
        return text
    low, high = 0, len(text)
    while low < high:  # the most characters that fit
        middle = (low + high + 1) // 2
        low, high = (middle, high) if tokens(text[:middle]) < most else (low, middle - 1)
    return text[:low].rstrip() + "…"
