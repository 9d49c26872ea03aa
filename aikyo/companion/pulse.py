"""Tells those who wait that something new was heard."""

from __future__ import annotations

import trio

__all__ = ["Pulse"]


class Pulse:
    """Tells those who wait that something new was heard."""

    def __init__(self) -> None:
        self._heard = trio.Event()

    def wake(self) -> None:
        """Something new was heard."""
        self._heard.set()
        self._heard = trio.Event()

    async def wait_until(self, deadline: float) -> None:
        """Wait for something new to be heard, or for `deadline` (trio's clock)."""
        with trio.move_on_at(deadline):
            await self._heard.wait()
