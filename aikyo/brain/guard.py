"""Stands around a brain of one's own: nothing that it does wrong goes further than its companion."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import trio

from ..errors import leaves, text_of
from .base import Assessment, Brain, BrainError, BrainFault, Toolbox, ToolError, ToolSpec, Usage
from .calling import Caller, Purpose, one_line
from .models.findings import Duty, sound
from .moment import Moment, Past
from .study import Finding, Study

__all__ = ["GuardedBrain"]

_MAX_SUMMARY = 4_000

log = logging.getLogger(__name__)


class GuardedBrain(Brain):
    """Thinks with a brain of one's own. What that raises becomes a `BrainError`, what it gives is
    checked, and what it costs is on the account also where it asks its models without its caller.

    Args:
        brain: the other; closed with this one.
        name: by which it was chosen.
        caller: what it was given.
    """

    def __init__(self, brain: Brain, *, name: str, caller: Caller) -> None:
        self.label = one_line(str(getattr(brain, "label", name)), "") or name
        self.paid = bool(brain.paid)
        self.usage = _usage_of(brain)
        self._brain = brain
        self._name = name
        self._caller = caller
        self._has_logged = False

    async def assess(self, moment: Moment) -> Assessment:
        """As the other's."""
        with self._guarded("assess"):
            return _assessment(await self._brain.assess(moment))

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """As the other's. What fails in the toolbox is no fault of the brain's, and raised as it is."""
        hands = _Hands(toolbox)
        with self._guarded("compose", hands):
            await self._brain.compose(moment, hands)

    async def summarize(self, past: Past) -> str:
        """As the other's."""
        with self._guarded("summarize"):
            summary = await self._brain.summarize(past)
            if not isinstance(summary, str) or not summary.strip():
                raise BrainError(f"the brain {self._name} gave no summary", "malformed")
            return summary.strip()[:_MAX_SUMMARY]

    async def learn(self, study: Study) -> Sequence[Finding] | None:
        """As the other's."""
        with self._guarded("learn"):
            return self._findings(await self._brain.learn(study), study, "learn")

    async def reflect(self, study: Study) -> Sequence[Finding] | None:
        """As the other's."""
        with self._guarded("reflect"):
            return self._findings(await self._brain.reflect(study), study, "reflect")

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]] | None:
        """As the other's."""
        with self._guarded("embed"):
            found = await self._brain.embed(texts)
            return None if found is None else _vectors(found, len(texts))

    async def wake(self) -> None:
        """As the other's."""
        with self._guarded("wake"):
            await self._brain.wake()

    async def aclose(self) -> None:
        """Close the other; that it fails at this is only logged."""
        try:
            await self._brain.aclose()
        except Exception as error:
            self._log(error)

    @contextmanager
    def _guarded(self, purpose: Purpose, hands: _Hands | None = None) -> Iterator[None]:
        if not self._caller.has_called:
            self._caller.check()
        began, kind = trio.current_time(), None
        try:
            yield
        except Exception as error:
            if hands is not None and hands.failure in leaves(error):
                raise hands.failure from None
            told = self._told(error)
            kind = told.kind
            raise told from error
        except BaseExceptionGroup as group:  # it failed when it was cancelled
            failed, ending = group.split(Exception)
            if failed is not None and ending is not None:
                self._log(failed)
                raise ending from None
            raise
        finally:
            self._account(purpose, trio.current_time() - began, kind)

    def _findings(
        self, found: Sequence[Finding] | None, study: Study, duty: Duty
    ) -> Sequence[Finding] | None:
        try:
            plain = None if found is None else msgspec.to_builtins(list(found))
            return None if plain is None else sound(msgspec.convert(plain, list[Finding]), study, duty)
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
            raise BrainError(f"the brain {self._name} gave what are no findings", "malformed") from None

    def _told(self, error: Exception) -> BrainError:
        """What the companion is told of an error; the first that was not foreseen is logged in full."""
        first = leaves(error)[0]
        if isinstance(first, BrainError):
            return first
        self._log(error)
        what = one_line(f"{type(first).__name__}: {text_of(first)}", "")
        return BrainError(f"the brain {self._name} failed ({what})")

    def _log(self, error: Exception) -> None:
        log.log(
            logging.INFO if self._has_logged else logging.ERROR,
            "the brain %s failed",
            self._name,
            exc_info=None if self._has_logged else error,
        )
        self._has_logged = True

    def _account(self, purpose: Purpose, seconds: float, kind: BrainFault | None) -> None:
        before, self.usage = self.usage, _usage_of(self._brain)
        spent = _difference(self.usage, before)
        if not self._caller.has_called and spent != Usage():
            self._caller.tell(purpose, self.label, spent, seconds=seconds, fault=kind)


@dataclass(slots=True)
class _Hands:
    """A toolbox that remembers what failed in it."""

    toolbox: Toolbox
    failure: Exception | None = None

    @property
    def specs(self) -> tuple[ToolSpec, ...]:
        """As the toolbox has them."""
        return self.toolbox.specs

    def saying(self, text: str) -> None:
        """As the toolbox does it."""
        self.toolbox.saying(text)

    async def call(self, name: str, params: Mapping[str, Any]) -> str:
        """As the toolbox does it."""
        try:
            return await self.toolbox.call(name, params)
        except ToolError:
            raise
        except Exception as error:
            self.failure = error
            raise


def _usage_of(brain: Brain) -> Usage:
    usage: object = getattr(brain, "usage", None)
    return usage if isinstance(usage, Usage) else Usage()


def _difference(now: Usage, before: Usage) -> Usage:
    fields = Usage.__struct_fields__
    return Usage(**{name: max(0, getattr(now, name) - getattr(before, name)) for name in fields})


def _assessment(found: Assessment) -> Assessment:
    try:
        importance = float(found.importance)
        kept = importance if math.isfinite(importance) else 0.0
        params = dict(found.params)
        return Assessment(bool(found.speak), min(max(0.0, kept), 10.0), params, bool(found.circles))
    except (AttributeError, TypeError, ValueError):
        raise BrainError("the brain gave what is no assessment", "malformed") from None


def _vectors(found: Sequence[Sequence[float]], count: int) -> list[list[float]]:
    try:
        vectors = [[float(number) for number in vector] for vector in found]
    except (TypeError, ValueError):
        vectors = []
    numbers = [number for vector in vectors for number in vector]
    sizes = {len(vector) for vector in vectors}
    if len(vectors) != count or len(sizes) > 1 or not all(map(math.isfinite, numbers)):
        raise BrainError("the brain gave what are no vectors of one length", "malformed")
    return vectors
