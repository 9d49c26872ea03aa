"""Keeps the dashboard on the screen: one task that listens, one that polls, one that draws."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable

import trio
from rich.console import Console, ConsoleDimensions, Group

from ..wire import Envelope, SwarmStatus
from .render import render
from .screen import Screen
from .view import View

__all__ = ["run_dashboard"]

POLL = 0.5
"""Seconds between two looks at the status and at the size of the terminal."""

FRAME = 0.125
"""Seconds between two drawings, at least."""

DRAFTS = 0.1
"""Seconds more for what is only being composed, which would have everything drawn anew all the time."""


async def run_dashboard(
    envelopes: AsyncIterator[Envelope],
    status: Callable[[], SwarmStatus],
    *,
    console: Console | None = None,
    clock: Callable[[], float] = time.time,
) -> None:
    """Show the swarm on `console` until cancelled; then the terminal is as it was before.

    Draws only when something has changed, and never more often than the eye needs. A terminal that
    takes no more (stopped by Ctrl-S, say) is waited for by a thread, so that it cannot hold up the
    swarm; see `Outlet` for how it ends. When `envelopes` ends, what is there stays.

    Args:
        envelopes: what happens, of the topics messages, actions, states, events and deltas.
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
        self._only_drafts = True

    async def run(self) -> None:
        async with Screen(self._console) as screen, trio.open_nursery() as nursery:
            nursery.start_soon(self._listen)
            nursery.start_soon(self._poll)
            while True:
                await self._changed.wait()
                if self._only_drafts:
                    await trio.sleep(DRAFTS)
                self._changed, self._only_drafts = trio.Event(), True
                await screen.show(self._page())
                await trio.sleep(FRAME)

    async def _listen(self) -> None:
        async for envelope in self._envelopes:
            self._view.apply(envelope)
            self._change(only_drafts=envelope.topic == "deltas")

    async def _poll(self) -> None:
        while True:
            size = self._console.size
            if self._view.tick(self._status(), self._clock()) or size != self._size:
                self._size = size
                self._change()
            await trio.sleep(POLL)

    def _change(self, *, only_drafts: bool = False) -> None:
        self._only_drafts = self._only_drafts and only_drafts
        self._changed.set()

    def _page(self) -> Group:
        width, height = self._console.size
        return render(self._view, width, height, encoding=self._console.encoding)
