"""Thinks with another brain, and spares it what is clear without it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import trio

from .base import Assessment, Brain, BrainError, Toolbox
from .cost import Purse
from .models.deciding import ASSESS_SECONDS, clear_case, importance_for_a_person
from .models.findings import Duty
from .models.learning import LEARN_SECONDS
from .moment import Moment, Past
from .study import Finding, Study

__all__ = ["ThriftyBrain"]

_PATIENCE = ASSESS_SECONDS + 0.2
"""Seconds that any brain has to decide: one that keeps to its own time can say what took it so long."""

_LEARNING_PATIENCE = LEARN_SECONDS + 5
"""The same to learn."""

log = logging.getLogger(__name__)


class ThriftyBrain(Brain):
    """Decides clear cases by itself, and leaves the others, and all but the deciding, to a brain whose
    calls may cost something. What that cannot learn is learned by rules.

    Args:
        brain: the other; closed with this one.
        local: decides whether to speak, and learns, while the purse is nearly empty, or the other
            cannot; costs nothing.
        purse: what may be spent; None: anything.
    """

    def __init__(self, brain: Brain, *, local: Brain, purse: Purse | None) -> None:
        self.label = brain.label
        self.paid = brain.paid
        self.usage = brain.usage
        self._brain = brain
        self._local = local
        self._purse = purse
        self._trouble = ""

    async def assess(self, moment: Moment) -> Assessment:
        """As `Brain.assess`; without a call where that is clear (`clear_case`), and by rules where the
        brain costs money of which little is left, or cannot decide. Then a person who expects an answer
        gets one, since that may be another model's.

        Raises:
            BrainError: a cap is reached; or the moment was too long, which is raised before rules decide
                so that it can be asked about with less.
        """
        found = clear_case(moment)
        if found is None and self._is_dear:
            found = await self._local.assess(moment)
        if found is None:
            found = await self._decide(moment) or await self._by_rules(moment)
        return replace(found, trouble=self._trouble)

    async def _decide(self, moment: Moment) -> Assessment | None:
        """What the other brain decides; None where it cannot."""
        try:
            with self._adding_up(), trio.fail_after(_PATIENCE):
                found = await self._brain.assess(moment)
        except BrainError as error:
            if error.kind == "limit":
                raise
            before, self._trouble = self._trouble, error.told
            if error.kind == "too-long" and before != self._trouble:
                raise
            return None
        except trio.TooSlowError:
            self._trouble = "the brain took too long to say whether it wants to speak"
            return None
        self._trouble = ""
        return found

    async def _by_rules(self, moment: Moment) -> Assessment:
        found = await self._local.assess(moment)
        expected = importance_for_a_person(moment)
        return replace(found, speak=True, importance=expected) if expected else found

    async def compose(self, moment: Moment, toolbox: Toolbox) -> None:
        """As the other's."""
        with self._adding_up():
            await self._brain.compose(moment, toolbox)

    async def summarize(self, past: Past) -> str:
        """As the other's."""
        with self._adding_up():
            return await self._brain.summarize(past)

    async def learn(self, study: Study) -> Sequence[Finding]:
        """As `Brain.learn`; by rules where the brain costs money of which little is left, or cannot, or
        does not. Which it was is in the log.

        Raises:
            BrainError: a cap is reached; or the study was too long, and can be asked about with less.
        """
        found = None if self._is_dear else await self._find("learn", study)
        return found if found is not None else await self._local.learn(study) or ()

    async def reflect(self, study: Study) -> Sequence[Finding]:
        """As `Brain.reflect`, in the same way as `learn`."""
        found = None if self._is_dear else await self._find("reflect", study)
        return found if found is not None else await self._local.reflect(study) or ()

    async def _find(self, duty: Duty, study: Study) -> Sequence[Finding] | None:
        """What the other brain finds; None where it cannot, or leaves it to rules."""
        ask = self._brain.learn if duty == "learn" else self._brain.reflect
        try:
            with self._adding_up(), trio.fail_after(_LEARNING_PATIENCE):
                found = await ask(study)
        except BrainError as error:
            if error.kind in {"limit", "too-long"}:
                raise
            why = error.told
        except trio.TooSlowError:
            why = "it took too long"
        else:
            if found is None:
                log.debug("%s does not %s; rules do", self.label, duty)
            return found
        log.info("%s could not %s (%s); rules do", self.label, duty, why)
        return None

    @property
    def _is_dear(self) -> bool:
        """Whether asking the other costs money of which little is left."""
        return self.paid and self._purse is not None and self._purse.is_nearly_empty

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
