"""Keeps the dashboard on the screen: one task that listens, one that polls, one that draws."""

from __future__ import annotations

import select
import time
from collections.abc import AsyncIterator, Callable

import trio
from rich.console import Console, ConsoleDimensions
from rich.live import Live

from ..wire import Envelope, SwarmStatus
from .render import render
from .view import View

__all__ = ["run_dashboard"]

POLL = 0.5
"""Seconds between two looks at the status and at the size of the terminal."""

FRAME = 0.125
"""Seconds between two drawings, at least."""


async def run_dashboard(
    envelopes: AsyncIterator[Envelope],
    status: Callable[[], SwarmStatus],
    *,
    console: Console | None = None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Show the swarm on `console` until cancelled; then the terminal is as it was before.

    Draws only when something has changed, and never more often than the eye needs. A terminal that
    takes no more (stopped by Ctrl-S, say) is skipped, so that it cannot hold up the swarm. When
    `envelopes` ends, what is there stays.

    Args:
        envelopes: what happens, of the topics messages, actions, states and events.
        status: the swarm's status now; must be quick.
        console: a terminal; by default the one that stdout is.
        clock: seconds since the epoch.
    """
    await _Dashboard(envelopes, status, console or Console(), clock).run()


class _Dashboard:
    def __init__(
        self,
        envelopes: AsyncIterator[Envelope],
        status: Callable[[], SwarmStatus],
        console: Console,
        clock: Callable[[], float],
    ) -> None:
        self._envelopes = envelopes
        self._status = status
        self._console = console
        self._clock = clock
        self._view = View()
        self._size: ConsoleDimensions | None = None
        self._changed = trio.Event()

    async def run(self) -> None:
        with Live(console=self._console, screen=True, auto_refresh=False) as live:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._listen)
                nursery.start_soon(self._poll)
                while True:
                    await self._changed.wait()
                    if _takes_more(self._console):
                        self._changed = trio.Event()
                        self._draw(live)
                    await trio.sleep(FRAME)

    async def _listen(self) -> None:
        async for envelope in self._envelopes:
            self._view.apply(envelope)
            self._changed.set()

    async def _poll(self) -> None:
        while True:
            size = self._console.size
            if self._view.tick(self._status(), self._clock()) or size != self._size:
                self._size = size
                self._changed.set()
            await trio.sleep(POLL)

    def _draw(self, live: Live) -> None:
        width, height = self._console.size
        page = render(self._view, width, height, encoding=self._console.encoding)
        live.update(page, refresh=True)


def _takes_more(console: Console) -> bool:
    """Whether writing to the terminal would not block."""
    try:
        _, ready, _ = select.select([], [console.file], [], 0)
    except (OSError, ValueError, TypeError):  # no terminal, or one that cannot be asked
        return True
    return bool(ready)
