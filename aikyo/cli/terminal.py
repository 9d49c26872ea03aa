"""Where a command meets the terminal: running async code, colour, and words on the side."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from typing import TextIO, TypeVar

from ..errors import AikyoError, UsageError, leaves

__all__ = ["colored", "note", "read_text", "run"]

T = TypeVar("T")


def run(main: Callable[[], Awaitable[T]]) -> T:
    """Run `main` under trio; what was foreseen comes out as itself, not in a group."""
    import trio

    try:
        return trio.run(main)
    except BaseExceptionGroup as group:
        errors = leaves(group)
        for kind in (KeyboardInterrupt, AikyoError, BrokenPipeError):
            for error in errors:
                if isinstance(error, kind):
                    raise error from None
        raise


def colored(stream: TextIO) -> bool:
    """Whether colours are welcome on `stream`: on a terminal, and never with `NO_COLOR`."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def note(text: str) -> None:
    """Say something on the side (stderr), where it disturbs no pipe."""
    print(f"\x1b[2m{text}\x1b[0m" if colored(sys.stderr) else text, file=sys.stderr, flush=True)


def read_text(text: str) -> str:
    """`text`, or what stands on stdin if it is ``-``.

    Raises:
        UsageError: that is not UTF-8.
    """
    if text != "-":
        return text
    try:
        return sys.stdin.buffer.read().decode().strip()
    except UnicodeDecodeError:
        raise UsageError("what stands on stdin is not UTF-8") from None
