"""Keeps children alive: a crash stays with its child, which restarts with back-off, or is given up."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal

import trio

from ..errors import AikyoError, leaves
from ..memory import MemoryDamagedError
from ..mesh import IdTakenError, MeshError
from ..wire import Event

__all__ = ["Backoff", "Child"]

log = logging.getLogger(__name__)

FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
HEALTHY_AFTER = 60.0
MAX_CRASHES = 5
CRASH_WINDOW = 60.0

Condition = Literal["starting", "running", "restarting", "failed", "stopped"]


class Backoff:
    """How long to wait after a crash: 1 s doubling to 30 s, anew after a minute of health."""

    def __init__(self) -> None:
        self._delay = FIRST_DELAY
        self._crashes: deque[float] = deque(maxlen=MAX_CRASHES)

    def after_crash(self, now: float, ran_for: float) -> float | None:
        """Seconds to wait, or None when this was the fifth crash in a minute.

        Args:
            now: when it crashed, in seconds of any steady clock.
            ran_for: how many seconds it had run.
        """
        self._forgive(ran_for)
        self._crashes.append(now)
        if len(self._crashes) == MAX_CRASHES and now - self._crashes[0] <= CRASH_WINDOW:
            return None
        return self._next()

    def after_loss(self, ran_for: float) -> float:
        """Seconds to wait after another peer took its id: none at first, then as after a crash. It is
        no crash however often it comes: any stranger can bring it about.

        Args:
            ran_for: how many seconds it had run.
        """
        self._forgive(ran_for)
        delay = self._next()
        return 0.0 if delay == FIRST_DELAY else delay

    def _forgive(self, ran_for: float) -> None:
        if ran_for >= HEALTHY_AFTER:
            self._delay = FIRST_DELAY
            self._crashes.clear()

    def _next(self) -> float:
        delay, self._delay = self._delay, min(self._delay * 2, LONGEST_DELAY)
        return delay


class Child:
    """Something that is kept running: a companion, the firehose, the gateway.

    Args:
        name: what it is called in events and logs; of a companion, its id.
        run: runs it until cancelled; it calls `started` of the child when it is up.
        emit: told of restarts, failures and stops.
        clock: seconds since the epoch.
        essential: nothing goes on if it cannot start: what it fails with comes out of `keep`.

    Attributes:
        condition: what it is up to.
        reason: why it is not running, one line.
        since: when it last started, seconds since the epoch.
        restarts: how often it was started again.
        settled: set once it is up for the first time, or has crashed or was stopped; of an essential
            one, only once it is up.
        stopped: set while it is stopped.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Child], Awaitable[None]],
        *,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        essential: bool = False,
    ) -> None:
        self.name = name
        self.condition: Condition = "starting"
        self.reason = ""
        self.since = clock()
        self.restarts = 0
        self.settled = trio.Event()
        self.stopped = trio.Event()
        self._run = run
        self._essential = essential
        self._emit = emit
        self._clock = clock
        self._scope = trio.CancelScope()
        self._order: Literal["stop", "restart"] | None = None
        self._ordered = trio.Event()

    def started(self) -> None:
        """To be called by `run` when it is up."""
        self.condition = "running"
        self.reason = ""
        self.settled.set()

    def stop(self) -> None:
        """End it; it stays ended until it is restarted."""
        self._give("stop")

    def restart(self) -> None:
        """End it if it runs, and start it at once."""
        self._give("restart")

    async def keep(self) -> None:
        """Keep it running until cancelled.

        Raises:
            AikyoError: it is essential, and could not start.
        """
        backoff = Backoff()
        while True:
            began = trio.current_time()
            crash = None if self._order else await self._run_once()
            if self._order is None and crash is not None:
                now = trio.current_time()
                delay = self._delay_after(crash, backoff, now, now - began)
                if delay is None and self._essential and not self.settled.is_set():
                    raise crash
                await self._rest(crash, delay)
            if self._order == "stop":
                await self._stay_stopped()
            if self._order == "restart":
                backoff = Backoff()
            self._take_order()
            self.restarts += 1

    async def _run_once(self) -> BaseException | None:
        """Run it until it ends; what it crashed with, or None when it was told to end."""
        self.condition = "starting"
        self.since = self._clock()
        crash: BaseException | None = None
        with trio.CancelScope() as self._scope:
            try:
                await self._run(self)
                crash = RuntimeError("ended without being told to")
            except* Exception as group:
                crash = leaves(group)[0]
                if not isinstance(crash, AikyoError):
                    log.exception("%s crashed", self.name, exc_info=group)
        return crash

    def _delay_after(
        self, crash: BaseException, backoff: Backoff, now: float, ran_for: float
    ) -> float | None:
        mends_itself = isinstance(crash, MeshError | MemoryDamagedError)  # the latter when it is opened
        foreseen = isinstance(crash, AikyoError) and not mends_itself
        if foreseen and self.condition == "starting":
            return None  # a file or a setting is wrong; only the user can mend that
        if isinstance(crash, IdTakenError):
            return backoff.after_loss(ran_for)  # it joins again, under the next free id
        return backoff.after_crash(now, ran_for)

    async def _rest(self, crash: BaseException, delay: float | None) -> None:
        """Wait before the next start; for ever, until told otherwise, when it is given up."""
        self.reason = str(crash) if isinstance(crash, AikyoError) else repr(crash)
        self.condition = "failed" if delay is None else "restarting"
        self._tell("failed" if delay is None else "restart")
        if delay is None or (delay and not self._essential):
            self.settled.set()  # the others are not kept waiting for it
        with trio.move_on_after(float("inf") if delay is None else delay):
            await self._ordered.wait()

    async def _stay_stopped(self) -> None:
        self.condition, self.reason = "stopped", ""
        self.stopped.set()
        self._tell("stopped")
        self.settled.set()
        while self._order != "restart":
            self._take_order()
            await self._ordered.wait()
        self.stopped = trio.Event()

    def _tell(self, event: str) -> None:
        self._emit(Event(type=event, companion=self.name, reason=self.reason or None))

    def _give(self, order: Literal["stop", "restart"]) -> None:
        self._order = order
        self._ordered.set()
        self._scope.cancel()

    def _take_order(self) -> None:
        self._order = None
        self._ordered = trio.Event()
