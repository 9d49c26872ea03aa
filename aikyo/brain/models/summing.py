"""Summaries, as a model is asked for them and writes them. Pure."""

from __future__ import annotations

from ..base import BrainError
from ..moment import Past

__all__ = ["SUMMARIZE_SECONDS", "summary_of", "summary_tokens"]

SUMMARIZE_SECONDS = 60.0
"""How long a summary may take; nobody waits for it."""

_MAX_SUMMARY = 4_000
"""Characters of a summary; it goes with every request that follows."""

_THINKING = 1_024
"""Tokens that a model may think beside it."""


def summary_tokens(past: Past) -> int:
    """A ceiling for the answer: no word, and no two characters of Japanese or Chinese, has more than
    four tokens."""
    return _THINKING + 4 * past.words


def summary_of(text: str, model: str) -> str:
    """What a model wrote as a summary: its paragraphs, a line for each, and no more than may be kept.

    Raises:
        BrainError: there is nothing in it.
    """
    lines = (" ".join(line.split()) for line in text.splitlines())
    summary = "\n".join(line for line in lines if line and not line.startswith("```"))
    if not summary:
        raise BrainError(f"{model} gave an empty summary", "malformed")
    return summary if len(summary) <= _MAX_SUMMARY else summary[: _MAX_SUMMARY - 1] + "…"
