"""Asking a model for an answer in a form, and once more where it is in none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ..base import BrainError

__all__ = ["Ask", "UnreadableError", "ask_twice"]

T = TypeVar("T")

Ask = Callable[[str, str], Awaitable[str]]
"""Gets a model's answer, given the one before and what is wrong with it; both empty at first."""


class UnreadableError(BrainError):
    """An answer that is not in the form asked for."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "malformed")


async def ask_twice(ask: Ask, read: Callable[[str], T], failing: str) -> T:
    """What a model answers. An answer that cannot be read is asked for once more.

    Args:
        ask: gets it.
        read: reads it, or raises `UnreadableError`.
        failing: what the error begins with where it could not be read at last: who fails at what.

    Raises:
        BrainError: there was no answer; or of the kind ``malformed``, none of use.
    """
    text = await ask("", "")
    try:
        return read(text)
    except UnreadableError as error:
        problem = str(error)
    try:
        return read(await ask(text, problem))
    except UnreadableError as error:
        raise BrainError(f"{failing}: {error}", "malformed") from None
