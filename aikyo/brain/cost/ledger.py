"""The ledger: every call of every model, what it cost, and what may still be spent."""

from __future__ import annotations

import math
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

import msgspec
import trio
from msgspec.structs import replace

from ...config import Settings
from ...text import inert
from ...wire import CapUse, UsageBy, UsageReport, bare_name, companion_id
from ..base import Usage
from .keeping import CallFile, parse_calls, read_calls
from .prices import Prices
from .purse import CappedPurse, Purse
from .records import ModelCall
from .spending import DAY, HOUR, Cap, Spending, Spent, caps_of
from .summing import sum_up

__all__ = ["Ledger"]

_QUEUED = 10_000
"""Calls that wait to be written; as many are held when the disk takes none."""

_GATHERS = 0.5  # seconds; then what has come is written at once
_TRIES_AGAIN = 30.0  # seconds, after a failure
_MAX_NAME = 200

_ENCODER = msgspec.json.Encoder()


class Ledger:
    """Takes in what calls cost, and holds companions to their caps. One for a swarm.

    Args:
        file: where calls are kept; None: in RAM alone.
        prices: what they cost.
        clock: seconds since the epoch.
        caps: of all companions together.
        companion_caps: of each by itself, where `purse` is told no others.

    """

    def __init__(
        self,
        file: Path | None,
        prices: Prices,
        clock: Callable[[], float] = time.time,
        *,
        caps: Sequence[Cap] = (),
        companion_caps: Sequence[Cap] = (),
    ) -> None:
        self._file = None if file is None else CallFile(file)
        self._prices = prices
        self._clock = clock
        self._companion_caps = tuple(companion_caps)
        self._swarm = Spending(caps)
        self._companions: dict[str, Spending] = {}
        self._queue: deque[bytes] = deque()
        self._queued = trio.Event()
        self._lock = trio.Lock()  # for the file
        self._told = False
        self._counters: Counter[str] = Counter()

    @classmethod
    def of(cls, file: Path | None, settings: Settings, clock: Callable[[], float] = time.time) -> Ledger:
        """A ledger with the prices and caps of `settings`."""
        caps, companion_caps = caps_of(settings), caps_of(settings, companion=True)
        return cls(file, Prices(settings.prices), clock, caps=caps, companion_caps=companion_caps)

    @property
    def counters(self) -> Counter[str]:
        """``usage-unwritten``, calls the file did not take; ``usage-unreadable``, calls and lines of the
        file that made no sense; ``usage-dropped``, calls for which it had no room any more."""
        return self._counters + (self._file.counters if self._file else Counter())

    def load(self, *, fold: bool = True) -> None:
        """Read what was spent within a day, so that caps hold over restarts, and fold the file, unless
        it is only to be read. Blocks; what is wrong with the file is passed over."""
        if self._file is None:
            return
        now = self._clock()
        if fold:
            with suppress(OSError):
                self._file.fold(now)
        calls, unreadable = read_calls(self._file.path)
        self._counters["usage-unreadable"] += unreadable
        for call in sorted(calls, key=lambda one: one.time):
            if call.time > now - DAY:
                self._count(call, min(call.time, now))
        for spending in (self._swarm, *self._companions.values()):
            spending.remember(now)

    def purse(self, companion: str, caps: Sequence[Cap] | None = None) -> Purse:
        """What the companion of this id may spend, within what all may."""
        spending = self._of(companion)
        spending.caps = self._companion_caps if caps is None else tuple(caps)
        return CappedPurse(self._swarm, spending, self.add, self._clock)

    def add(self, call: ModelCall) -> None:
        """Take in a call. Returns at once, and never fails."""
        try:
            line = _ENCODER.encode(self._sound(call))
            (call,), _ = parse_calls([line])  # as it will be read
        except (AttributeError, TypeError, ValueError, OverflowError):  # of a brain of the user's own
            self._counters["usage-unreadable"] += 1
            return
        self._count(call, self._clock())
        self._queue.append(line)
        self._queued.set()
        if len(self._queue) > _QUEUED:
            self._queue.popleft()
            if self._file is not None:
                self._counters["usage-unwritten"] += 1

    def hour(self, companion: str) -> Spent:
        """What the companion of this id has spent within the last hour."""
        spending = self._companions.get(companion)
        return spending.spent(HOUR, self._clock()) if spending else Spent(0, 0.0)

    async def usage(
        self,
        *,
        seconds: float = DAY,
        by: UsageBy = "companion",
        companion: str | None = None,
        known: Collection[str] = (),
    ) -> UsageReport:
        """What was spent within the last `seconds`, and how much of the caps is used.

        Args:
            seconds: how far back.
            by: what there is a row for.
            companion: only this one, by name or id.
            known: ids of companions that may have spent nothing yet.

        Raises:
            UsageError: nobody is known by the name `companion`.
        """
        async with self._lock:
            make = partial(self._report, tuple(self._queue), seconds, by, companion, known)
            found = await trio.to_thread.run_sync(make)
        return self._with_caps(found, companion)

    def report(
        self,
        *,
        seconds: float = DAY,
        by: UsageBy = "companion",
        companion: str | None = None,
        known: Collection[str] = (),
    ) -> UsageReport:
        """The same where no swarm runs. Blocks."""
        found = self._report(tuple(self._queue), seconds, by, companion, known)
        return self._with_caps(found, companion)

    async def keep(self, tell: Callable[[str], None]) -> NoReturn:
        """Write to the file what comes in, in a thread, until cancelled; `flush` writes the last.

        Args:
            tell: told in a line, once, when the file takes no more, and when a cap comes near.
        """
        while True:
            await self._queued.wait()
            await trio.sleep(_TRIES_AGAIN if self._told else _GATHERS)
            for line in self._nearing():
                tell(line)
            if self._file is None:
                self._queued = trio.Event()
                continue
            async with self._lock:
                lines = self._take()
                with trio.CancelScope(shield=True):  # else they may be lost before the thread begins
                    problem = await trio.to_thread.run_sync(self._file.append, lines, self._clock())
                if problem:
                    self._queue.extendleft(reversed(lines))
                    self._queued.set()
            if problem and not self._told:
                path = self._file.path
                tell(f"cannot write {path} ({problem}); what is spent is known until the swarm ends")
            self._told = bool(problem)

    def flush(self) -> None:
        """Write what is left, before the end. Blocks for as long as the disk does."""
        if self._file is None:
            return
        lines = self._take()
        if lines and self._file.append(lines, self._clock()):
            self._counters["usage-unwritten"] += len(lines)

    def _nearing(self) -> Iterator[str]:
        now = self._clock()
        for ident, spending in (("", self._swarm), *self._companions.items()):
            who = bare_name(ident) if ident else "the swarm"
            for cap in spending.nearing(now):
                share = f"{math.floor(100 * spending.used(cap, now) / cap.limit)}% of {cap.told}"
                yield (
                    f"{who} has spent {share} ({cap.setting} in aikyo.toml); for now rules decide who "
                    "speaks, which costs nothing"
                )

    def _of(self, companion: str) -> Spending:
        if companion not in self._companions:
            self._companions[companion] = Spending(self._companion_caps)
        return self._companions[companion]

    def _sound(self, call: ModelCall) -> ModelCall:
        """The call with its price, fit to be kept and shown."""
        usage = call.usage
        usage = Usage(
            calls=max(0, int(usage.calls)),
            input=max(0, int(usage.input)),
            cached=max(0, int(usage.cached)),
            output=max(0, int(usage.output)),
            stored=max(0, int(usage.stored)),
        )
        model = inert(call.model)[:_MAX_NAME]
        money = self._prices.money(model, usage) if call.paid else None
        return replace(
            call,
            time=round(call.time, 3),
            model=model,
            usage=usage,
            seconds=round(call.seconds, 3),
            money=None if money is None else round(money, 9),
        )

    def _count(self, call: ModelCall, now: float) -> None:
        money = self._prices.money(call.model, call.usage) if call.money is None else call.money
        for spending in (self._swarm, self._of(call.companion)):
            spending.add(now, call.usage.tokens, money, paid=call.paid)

    def _take(self) -> list[bytes]:
        lines = list(self._queue)
        self._queue.clear()
        self._queued = trio.Event()
        return lines

    def _report(
        self,
        waiting: Sequence[bytes],
        seconds: float,
        by: UsageBy,
        companion: str | None,
        known: Collection[str],
    ) -> UsageReport:
        now = self._clock()
        calls, unreadable = read_calls(self._file.path) if self._file else ([], 0)
        calls += parse_calls(waiting)[0]
        return sum_up(
            calls,
            self._prices,
            since=now - seconds,
            now=now,
            by=by,
            companion=companion,
            known=known,
            unreadable=unreadable,
        )

    def _with_caps(self, report: UsageReport, companion: str | None) -> UsageReport:
        """The report, and how much is used of the swarm's caps, and of one companion's or of all's."""
        only = companion and companion_id(companion)
        found = list(_uses(self._swarm, "", report.time))
        for ident, spending in tuple(self._companions.items()):
            if not only or only == ident:
                found += _uses(spending, ident, report.time)
        return replace(report, caps=tuple(found))


def _uses(spending: Spending, companion: str, now: float) -> Iterator[CapUse]:
    until = {reached.cap: reached.until for reached in spending.all_reached(now)}
    for cap in spending.caps:
        yield CapUse(
            setting=cap.setting,
            limit=cap.limit,
            used=round(spending.used(cap, now), 9),
            companion=companion,
            until=until.get(cap, 0),
            unpriced=spending.unpriced(cap, now),
        )
