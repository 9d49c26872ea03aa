"""How quiet a companion was asked to be, and until when."""

from __future__ import annotations

import math
from collections.abc import Callable

import trio

from ..wire import MAX_QUIET, QuietMode

__all__ = ["Quiet"]


class Quiet:
    """How quiet one companion is to be. Lasts longer than the companion: a restart makes it no louder.

    Args:
        now: seconds of a steady clock.
    """

    def __init__(self, now: Callable[[], float] = trio.current_time) -> None:
        self._now = now
        self._mode: QuietMode = "normal"
        self._until: float | None = None
        self._changed = trio.Event()

    @property
    def mode(self) -> QuietMode:
        """What holds now: normal again once its time is over."""
        return "normal" if self._is_over() else self._mode

    @property
    def until(self) -> float | None:
        """When it is over, on the clock that was handed in; None: not before it is changed."""
        return None if self._is_over() else self._until

    def set(self, mode: QuietMode, seconds: float | None = None) -> None:
        """Be that quiet from now on, whatever held before.

        Args:
            mode: how quiet.
            seconds: for how long, more than 0 and at most `MAX_QUIET`; None: until it is changed.
                Normal is without end.

        Raises:
            ValueError: `seconds` is out of bounds.
        """
        if seconds is not None and not 0 < seconds <= MAX_QUIET:
            raise ValueError(f"seconds must be more than 0 and at most {MAX_QUIET:.0f}, not {seconds!r}")
        self._mode = mode
        self._until = None if seconds is None or mode == "normal" else self._now() + seconds
        self._changed.set()
        self._changed = trio.Event()

    async def changed(self) -> None:
        """Wait until it is set anew, also to what it was, or runs out.

        Whoever asks for `mode` and calls this without a checkpoint between misses nothing. Cancelled,
        nothing has happened.
        """
        changed = self._changed
        await trio.lowlevel.checkpoint()
        while not changed.is_set() and not self._is_over():
            left = math.inf if self._until is None else max(0.0, self._until - self._now())
            with trio.move_on_after(left):
                await changed.wait()
        if self._is_over():
            self.set("normal")

    def _is_over(self) -> bool:
        return self._until is not None and self._now() >= self._until
