"""Sums up what a session leaves behind, in pieces that no brain's context is too small for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import trio

from ...brain import Brain, BrainError, Line, Past, Persona
from ...brain.parting import parted
from .budget import cut, line_tokens, summary_words, tokens

__all__ = ["TOKENS_IN_A_WORD", "Said", "Summing"]

DEADLINE = 90.0
"""Seconds for one piece."""

TOKENS_IN_A_WORD = 3
"""Of a summary, at the most; what is longer is cut."""

_PIECE = 1 / 3  # of the budget; the prompt, the summary before and the answer need room too
_LONGEST_LINE = 1 / 2  # of a piece

_SHORTER = 6  # a summary has a word for so many tokens,
_LEAST_WORDS = 10  # but not fewer than these
_TALKS_AT_ONCE = 40
_WORDS_AT_ONCE = 450  # of several talks: more than that is no summary, and no brain's answer is longer


@dataclass(frozen=True, slots=True)
class Said:
    """What was said in one talk: its `lines`, oldest first, and the `summary` of what was before."""

    summary: str
    lines: Sequence[Line]


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
        return (await self.of_each([Said(summary, lines)]))[0]

    async def of_each(self, talks: Sequence[Said]) -> list[str]:
        """The summary of each talk. Short ones are summed up several at once, so that it takes no more
        calls of the brain than if all of it were one talk.

        Raises:
            BrainError: as in `of`.
        """
        summaries = [talk.summary for talk in talks]
        words = [self._words(talk) for talk in talks]
        for piece in self._pieces(talks):
            pasts = {n: self._past(summaries[n], lines, words[n]) for n, lines in piece.items()}
            for number, text in (await self._of_piece(pasts)).items():
                summaries[number] = text
        return summaries

    async def of_notes(self, notes: Sequence[str]) -> str:
        """One summary of several, oldest first; none of them is much longer than one for which `of` was
        asked.

        Raises:
            BrainError: as in `of`.
        """
        try:
            return await self._of_notes(notes)
        except BrainError as error:
            if error.kind != "too-long" or len(notes) < 3:
                raise
        half = len(notes) // 2
        halves = [await self.of_notes(notes[:half]), await self.of_notes(notes[half:])]
        return await self._of_notes(halves)

    async def _of_notes(self, notes: Sequence[str]) -> str:
        whole = "\n".join(notes)
        if tokens(whole) <= _LEAST_WORDS * TOKENS_IN_A_WORD or len(notes) < 2:
            return whole
        words = self._words(Said(whole, ()))
        most, before = int(self.budget * _PIECE), ""
        for note in notes:
            short = cut(note, int(most * _LONGEST_LINE))
            if before and tokens(f"{before}\n{short}") > most:
                before = await self._ask(self._past(before, (), words))
            before = f"{before}\n{short}".lstrip("\n")
        return await self._ask(self._past(before, (), words))

    def _words(self, talk: Said) -> int:
        size = tokens(talk.summary) + sum(line_tokens(line.text) for line in talk.lines)
        return min(summary_words(self.budget), max(_LEAST_WORDS, size // _SHORTER))

    def _past(self, summary: str, lines: Sequence[Line], words: int) -> Past:
        return Past(now=self.now, me=self.me, summary=summary, lines=tuple(lines), words=words)

    async def _of_piece(self, pasts: Mapping[int, Past]) -> dict[int, str]:
        """The summaries of a piece, by the number of the talk."""
        found: dict[int, str] = {}
        if len(pasts) > 1:
            found = await self._together(pasts)
        for number, past in pasts.items():
            if number not in found:  # alone, or the brain has left it out
                found[number] = await self._of_talk(past)
        return found

    async def _together(self, pasts: Mapping[int, Past]) -> dict[int, str]:
        """The summaries of several talks by one call; those that it did not give are not among them."""
        whole = sum(past.words for past in pasts.values())
        share = min(1, _WORDS_AT_ONCE / whole)
        talks = [
            replace(past, words=max(_LEAST_WORDS, int(past.words * share))) for past in pasts.values()
        ]
        lines = [line for talk in talks for line in talk.lines]
        past = self._past("", lines, sum(talk.words for talk in talks))
        try:
            text = await self._ask(replace(past, talks=tuple(talks)))
        except BrainError as error:
            if error.kind not in {"too-long", "malformed"}:
                raise
            return {}
        told = parted(text, len(talks))
        return {
            number: cut(told[place], talk.words * TOKENS_IN_A_WORD)
            for place, (number, talk) in enumerate(zip(pasts, talks, strict=True), 1)
            if place in told
        }

    async def _of_talk(self, past: Past) -> str:
        try:
            return await self._ask(past)
        except BrainError as error:
            if error.kind != "too-long" or len(past.lines) < 2:
                raise
        half = len(past.lines) // 2
        before = await self._of_talk(replace(past, lines=past.lines[:half]))
        return await self._of_talk(replace(past, summary=before, lines=past.lines[half:]))

    async def _ask(self, past: Past) -> str:
        try:
            with trio.fail_after(DEADLINE):
                text = (await self.brain.summarize(past)).strip()
        except trio.TooSlowError:
            raise BrainError("the brain took too long to sum up what was said", "timeout") from None
        if not text:
            raise BrainError("the brain's summary of what was said is empty", "malformed")
        text = text.encode(errors="replace").decode()  # half a surrogate pair could not be kept
        return cut(text, past.words * TOKENS_IN_A_WORD)

    def _pieces(self, talks: Sequence[Said]) -> Iterator[dict[int, list[Line]]]:
        """The lines of all talks in turn, as many at a time as fit, each cut to what fits; by the number
        of their talk."""
        most = int(self.budget * _PIECE)
        piece, left = dict[int, list[Line]](), most
        for number, talk in enumerate(talks):
            for line in talk.lines:
                short = replace(line, text=cut(line.text, int(most * _LONGEST_LINE)))
                before = tokens(talk.summary) if piece and number not in piece else 0
                cost = line_tokens(short.text) + before
                many = number not in piece and len(piece) == _TALKS_AT_ONCE
                if piece and (cost > left or many):
                    yield piece
                    piece, left = {}, most
                piece.setdefault(number, []).append(short)
                left -= cost
        if piece:
            yield piece
