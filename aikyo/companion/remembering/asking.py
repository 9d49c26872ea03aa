"""Asks a brain what is to be learned, for as long as that may take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import trio

from ...brain import BrainError, Finding, Study

__all__ = ["ask"]

DEADLINE = 90.0
"""Seconds; a brain that keeps to its own time is done before."""


async def ask(
    find: Callable[[Study], Awaitable[Sequence[Finding] | None]], study: Study
) -> tuple[Finding, ...]:
    """What a brain finds in `study`; nothing where it finds nothing by itself.

    Raises:
        BrainError: it could not tell, or took more than `DEADLINE` seconds.
    """
    try:
        with trio.fail_after(DEADLINE):
            return tuple(await find(study) or ())[: study.most]
    except trio.TooSlowError:
        raise BrainError("the brain took too long to learn", "timeout") from None
