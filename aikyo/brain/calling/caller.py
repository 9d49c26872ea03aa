"""The one way to a model: every request of every brain goes through a `Caller`."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Generic, Literal, TypeVar

import trio

from ...errors import leaves, text_of
from ..base import BrainError, BrainFault, Usage
from ..cost import ModelCall, Purse
from .breaker import LONGEST_ASKED, Breaker, Breakers, Pass, Resting
from .budget import RetryBudget
from .fault import NEXT_SECONDS, CallFault
from .words import one_line

__all__ = ["MAX_RETRIES", "Answered", "Caller", "Purpose"]

T = TypeVar("T")

Purpose = Literal["assess", "compose", "summarize", "learn", "reflect", "embed", "wake"]

MAX_RETRIES = 2
"""Of one call."""

_LONGEST_WAIT = 5.0
"""Seconds that a server may ask us to wait before a retry; some ask for hours."""

_SPREAD = 0.5
"""Seconds over which the first retries of several companions are spread, and twice that the next."""

_PATIENCE = NEXT_SECONDS
"""A model that was given less time than this is not blamed for having had too little: one that is too
slow to decide may well be able to speak."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """What one attempt has given, and what it cost."""

    value: T
    usage: Usage


class Caller:
    """One companion's way to the models of one server.

    Args:
        companion: its id, for the ledger.
        provider: ``anthropic``, ``openai`` or one's own.
        server: where the models are.
        paid: whether asking them costs money; the caps of `purse` hold for such calls alone.
        purse: what may be spent, and where it is told what was; None: no caps, and no account.
        budget: how many retries there may be, shared by all callers of a swarm.
        breakers: which models are left alone for now, shared in the same way.
        random: spreads the retries of several companions.
        clock: seconds since the epoch.

    Attributes:
        server: as given; whoever makes the brain sets it where only then it is known.
        paid: the same.
        has_called: whether any call was ever made.
    """

    def __init__(
        self,
        *,
        companion: str = "",
        provider: str = "",
        server: str = "",
        paid: bool = False,
        purse: Purse | None = None,
        budget: RetryBudget | None = None,
        breakers: Breakers | None = None,
        random: Random | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.server = server
        self.paid = paid
        self.has_called = False
        self._companion = companion
        self._provider = provider
        self._purse = purse
        self._budget = budget or RetryBudget()
        self._breakers = breakers or Breakers()
        self._random = random or Random()
        self._clock = clock
        self._has_logged = False

    async def call(
        self,
        purpose: Purpose,
        model: str,
        attempt: Callable[[], Awaitable[Answered[T]]],
        *,
        deadline: float,
        so_far: Callable[[], Usage] | None = None,
    ) -> T:
        """Make a request, and again where that may help: at the most twice more, after a pause, within
        the deadline, and as long as the swarm's retries last.

        Args:
            purpose: what for.
            model: which model is asked.
            attempt: makes one request; raises `CallFault` where it comes to nothing.
            deadline: when to give up, on trio's clock; retries and waits included.
            so_far: what the attempt that is under way has cost; asked when it is cancelled or out of
                time, so that what was streamed until then is on the account.

        Raises:
            BrainError: nothing came of it, and why, in one line. Of the kind ``limit`` or ``resting``,
                no request was made; a model is woken also while it rests.
        """
        self.has_called = True
        breaker = self._breakers.of(self._provider, self.server, model)
        fault: CallFault | None = None
        for retries in range(MAX_RETRIES + 1):
            self.check()
            now, insist = self._breakers.clock(), purpose == "wake"  # to try it is what that is for
            leave = breaker.enter(now, self._companion, insist=insist)
            if isinstance(leave, Resting):
                raise self._resting(leave) if fault is None else self._error(fault, leave.seconds)
            going = _Going(purpose, model, breaker, leave, so_far or _nothing)
            try:
                return await self._try(going, attempt, deadline)
            except CallFault as found:
                fault = found
            left = breaker.seconds_left(self._breakers.clock(), self._companion)
            pause = self._pause(fault, retries)
            late = trio.current_time() + pause >= deadline
            if late or (left is not None and pause < left) or not self._budget.take():
                raise self._error(fault, left)
            await trio.sleep(pause)
        raise AssertionError("the last retry has no pause")

    def check(self) -> None:
        """See that something is left to be spent, where calls cost money. `call` does it by itself.

        Raises:
            BrainError: of the kind ``limit``, and why.
        """
        if self._purse is not None and self.paid:
            self._purse.check()

    def tell(
        self,
        purpose: Purpose,
        model: str,
        usage: Usage,
        *,
        seconds: float = 0,
        fault: BrainFault | None = None,
    ) -> None:
        """Put a request on the account. `call` does it by itself, for each that it makes."""
        if self._purse is None:
            return
        self._purse.add(
            ModelCall(
                time=self._clock(),
                companion=self._companion,
                provider=self._provider,
                model=model,
                purpose=purpose,
                usage=usage,
                seconds=seconds,
                fault=fault,
                paid=self.paid,
            )
        )

    async def _try(
        self, going: _Going, attempt: Callable[[], Awaitable[Answered[T]]], deadline: float
    ) -> T:
        """One request, on the breaker's account and the ledger's, whatever comes of it."""
        began = trio.current_time()
        usage: Usage | None = None
        kind: BrainFault | None = None
        try:
            with trio.fail_at(deadline):
                answered = await attempt()
        except trio.TooSlowError:
            kind, told = "timeout", f"{going.model} did not answer in time"
            if trio.current_time() - began >= _PATIENCE:
                self._failed(going, CallFault("timeout", told))
            raise CallFault("timeout", told) from None
        except CallFault as fault:
            usage, kind = fault.usage, fault.kind
            self._failed(going, fault)
            raise
        except BrainError as error:
            kind = error.kind
            self._failed(going, CallFault(kind, str(error), wait=error.retry_in))
            raise
        except Exception as error:  # a server may answer in ways that nobody has thought of
            kind = "other"
            raise self._unforeseen(going, error) from error
        else:
            usage = answered.usage
            going.breaker.succeeded(going.leave)
            return answered.value
        finally:
            going.breaker.freed(going.leave)  # no effect where something was told above
            usage = going.so_far() if usage is None else usage
            seconds = trio.current_time() - began
            self.tell(going.purpose, going.model, usage, seconds=seconds, fault=kind)

    def _failed(self, going: _Going, fault: CallFault) -> None:
        log.info("%s for %s: %s (%s)", going.model, going.purpose, fault.told, fault.kind)
        now = self._breakers.clock()
        going.breaker.failed(going.leave, now, fault.kind, fault.told, fault.wait)

    def _unforeseen(self, going: _Going, error: Exception) -> BrainError:
        """What the companion is told of it; the first is in the log in full."""
        first = leaves(error)[0]
        if isinstance(first, BrainError):  # in a group
            return first
        what = one_line(f"{type(first).__name__}: {text_of(first)}", "")
        level = logging.INFO if self._has_logged else logging.ERROR
        traceback = None if self._has_logged else error
        log.log(level, "%s for %s failed: %s", going.model, going.purpose, what, exc_info=traceback)
        self._has_logged = True
        return BrainError(f"{going.model} failed ({what})")

    def _resting(self, resting: Resting) -> BrainError:
        again = "; it is being tried just now" if resting.probed else self._again(resting.seconds)
        return BrainError(resting.why, "resting", retry_in=resting.seconds, again=again)

    def _error(self, fault: CallFault, rests: float | None) -> BrainError:
        """The fault, with when it is tried again where that is known."""
        wait = rests if rests is not None else fault.wait
        if wait is None or not math.isfinite(wait):
            return BrainError(fault.told, fault.kind)
        wait = min(wait, LONGEST_ASKED)
        return BrainError(fault.told, fault.kind, retry_in=wait, again=self._again(wait))

    def _again(self, seconds: float) -> str:
        """A time of day, not a time from now: the same words however often it is told."""
        at = datetime.fromtimestamp(round(self._clock() + seconds))
        return f"; it is tried again at {at:%H:%M:%S}"

    def _pause(self, fault: CallFault, retries: int) -> float:
        """Seconds until it is tried again; infinite where that is of no use."""
        asked = fault.wait if fault.kind in {"rate", "overload"} else None
        if retries == MAX_RETRIES or not (fault.may_pass or asked is not None):
            return math.inf
        if fault.wait is not None and not fault.wait <= _LONGEST_WAIT:
            return math.inf
        return max(0.0, fault.wait or 0.0) + self._random.uniform(0, _SPREAD * 2**retries)


@dataclass(frozen=True, slots=True)
class _Going:
    """A request that is under way."""

    purpose: Purpose
    model: str
    breaker: Breaker
    leave: Pass
    so_far: Callable[[], Usage]


def _nothing() -> Usage:
    return Usage(calls=1)
