"""Thinks with another brain, and spares it what is clear without it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from .base import Assessment, Brain, Moment, Past, Toolbox
from .cost import Purse
from .models.deciding import clear_case

__all__ = ["ThriftyBrain"]


class ThriftyBrain(Brain):
    """Decides clear cases by itself, and leaves the others, and all but the deciding, to a brain whose
    calls may cost something.

    Args:
        brain: the other; closed with this one.
        local: decides whether to speak while the purse is nearly empty; costs nothing.
        purse: what may be spent; None: anything.
    """

    def __init__(self, brain: Brain, *, local: Brain, purse: Purse | None) -> None:
        self.label = brain.label
        self.paid = brain.paid
        self.usage = brain.usage
        self._brain = brain
        self._local = local
        self._purse = purse

    async def assess(self, moment: Moment) -> Assessment:
        """As `Brain.assess`; without a call where that is clear (`clear_case`), and by rules where the
        brain costs money of which little is left."""
        clear = clear_case(moment)
        if clear is not None:
            return clear
        if self.paid and self._purse is not None and self._purse.is_nearly_empty:
            return await self._local.assess(moment)
        with self._adding_up():
            return await self._brain.assess(moment)

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """As the other's."""
        with self._adding_up():
            await self._brain.compose(moment, toolbox)

    async def summarize(self, past: Past) -> str:
        """As the other's."""
        with self._adding_up():
            return await self._brain.summarize(past)

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]] | None:
        """As the other's."""
        with self._adding_up():
            return await self._brain.embed(texts)

    async def wake(self) -> None:
        """As the other's."""
        with self._adding_up():
            await self._brain.wake()

    def check(self) -> None:
        """As `Brain.check`, by the purse."""
        if self.paid and self._purse is not None:
            self._purse.check()

    async def aclose(self) -> None:
        """Close both."""
        try:
            await self._brain.aclose()
        finally:
            await self._local.aclose()

    @contextmanager
    def _adding_up(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.usage = self._brain.usage
