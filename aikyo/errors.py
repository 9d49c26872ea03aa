"""Errors that are safe to show to a person: one line that says what, where and the way out.

They are classed by who must act. Whatever is not an `AikyoError` is a bug: it is logged with its
traceback and crashes its own companion, no other.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar

__all__ = ["AikyoError", "NotRunningError", "UsageError", "leaves", "nearest", "text_of"]


class AikyoError(Exception):
    """Something failed in a way that was foreseen; `str(error)` is one line for a person."""

    exit_code: ClassVar[int] = 1


class UsageError(AikyoError):
    """The call, a file or the surroundings are wrong; the user can mend it."""

    exit_code: ClassVar[int] = 2


class NotRunningError(AikyoError):
    """No swarm is running where one is needed."""

    exit_code: ClassVar[int] = 3


def nearest(word: str, known: Iterable[str], *, limit: int = 3) -> str:
    """The way out for a mistyped name: ``; did you mean 'alice'?``, or what there is, or nothing.

    Args:
        word: what was typed.
        known: the names that would have been right.
        limit: how many of them are named at the most.
    """
    names = sorted(set(known))
    close = difflib.get_close_matches(word, names, n=limit, cutoff=0.6)
    if close:
        return "; did you mean " + " or ".join(f"'{name}'" for name in close) + "?"
    if names and len(names) <= 12:
        return "; known: " + ", ".join(names)
    return ""


def leaves(error: BaseException) -> list[BaseException]:
    """The errors in a group of groups, those that were foreseen first; an error alone is its own."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    found = [leaf for one in error.exceptions for leaf in leaves(one)]
    return sorted(found, key=lambda leaf: not isinstance(leaf, AikyoError))


def text_of(error: BaseException) -> str:
    """`str(error)`, also for an error of somebody else's whose class fails at that."""
    try:
        return str(error)
    except Exception:
        return "it cannot be said why"
