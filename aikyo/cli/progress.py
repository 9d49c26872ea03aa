"""How far a long command is, on stderr, where it disturbs no pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

__all__ = ["Bar", "bar", "counted"]

T = TypeVar("T")

_WAITS = 0.5  # seconds: what is done sooner needs no bar
_EVERY = 0.1
_CELLS = 20


class Bar:
    """Shows how many of how many are done; see `bar`.

    Args:
        total: how many there are; 0 where that is not known.
        shown: whether it is shown at all.
    """

    def __init__(self, total: int, *, shown: bool) -> None:
        self._total = total
        self._shown = shown
        self._next = time.monotonic() + _WAITS
        self._drawn = False

    def at(self, done: int) -> None:
        """So many are done."""
        if not self._shown or (now := time.monotonic()) < self._next:
            return
        self._next = now + _EVERY
        self._drawn = True
        told = f"{done:,}"
        if self._total:
            share = min(done / self._total, 1.0)
            told = f"[{'#' * round(share * _CELLS):<{_CELLS}}] {share:4.0%}  {done:,} of {self._total:,}"
        print(f"\r{told}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Leave nothing of it on the terminal."""
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


@contextmanager
def bar(total: int) -> Iterator[Bar]:
    """A bar where a person looks at stderr and nothing else goes there; gone when the context ends."""
    shown = Bar(total, shown=sys.stderr.isatty())
    try:
        yield shown
    finally:
        shown.clear()


def counted(items: Iterable[T], total: int) -> Iterator[T]:
    """The items, with a bar where they go into a file or a pipe; on a terminal they show themselves."""
    if sys.stdout.isatty():
        yield from items
        return
    with bar(total) as shown:
        for done, item in enumerate(items, 1):
            shown.at(done)
            yield item
