"""Which brain each companion gets: what was set while it runs beats a flag, a flag beats the profile,
the profile beats the settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

from ..brain import Brain, Choice, choose_brain, open_brain
from ..brain.calling import Breakers, Caller, RetryBudget
from ..brain.cost import Ledger
from ..brain.prompts import Prompts
from ..brain.recording import Recording
from ..brain.thrift import ThriftyBrain
from ..companion import Profile
from ..companion.profile import BrainChoice
from ..companion.session import Overrides
from ..config import Settings
from ..errors import UsageError

__all__ = ["Brains"]

_NOTHING_SET = Overrides()

_RULES = Choice("offline", "")
"""What decides where thinking has become too dear."""


class Brains:
    """Opens a brain for each companion.

    Args:
        settings: the swarm's `brain`, `model` and `small_model`, its retries and caps.
        flags: which of these were given as flags.
        environ: where keys are.
        seeded: gives a source of chance for each companion's brain.
        prompts: what models are told.
        recording: what is played, in place of every brain.
        ledger: where what is spent is kept; None: nowhere, and without caps.

    Attributes:
        reason: a line that tells which brain companions have whose profile names none, and why.

    Raises:
        UsageError: the brain that was asked for cannot be had.
    """

    def __init__(
        self,
        settings: Settings,
        flags: Collection[str],
        *,
        environ: Mapping[str, str],
        seeded: Callable[[str], Random],
        prompts: Prompts | None = None,
        recording: Recording | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self._settings = settings
        self._flags = flags
        self._environ = environ
        self._seeded = seeded
        self._prompts = prompts
        self._recording = recording
        self._ledger = ledger
        self._budget = RetryBudget(settings.retries_per_minute)
        self._breakers = Breakers()
        # What is played needs no key
        self._choice = choose_brain("offline" if recording else settings.brain, environ=environ)
        self.reason = f"brain replay of {recording.file}, as asked" if recording else self._choice.reason

    def open(self, profile: Profile, overrides: Overrides = _NOTHING_SET) -> Brain:
        """A new brain for the companion of `profile`. The caller closes it.

        Args:
            profile: whose.
            overrides: what was set for it while it runs.

        Raises:
            UsageError: a brain is wanted that cannot be had.
        """
        ident = profile.metadata.id
        if self._recording is not None:
            if overrides != _NOTHING_SET:
                raise UsageError("a recording is played, in which nothing can be set")
            return self._recording.brain(ident, pace=self._settings.pace)
        wanted = self._wanted(profile.brain, overrides)
        random = self._seeded(f"brain of {ident}")
        if wanted.choice.provider == "offline":
            return open_brain(wanted.choice, environ=self._environ, random=random)
        purse = self._ledger.purse(ident) if self._ledger is not None else None
        caller = Caller(
            companion=ident,
            provider=wanted.choice.provider,
            purse=purse,
            budget=self._budget,
            breakers=self._breakers,
            random=self._seeded(f"retries of {ident}"),
        )
        brain = open_brain(
            wanted.choice,
            environ=self._environ,
            random=random,
            model=wanted.model,
            small_model=wanted.small_model,
            embedding_model=self._settings.embedding_model,
            prompts=self._prompts,
            companion=ident,
            caller=caller,
        )
        rules = self._seeded(f"rules of {ident}")
        local = open_brain(_RULES, environ=self._environ, random=rules)
        return ThriftyBrain(brain, local=local, purse=purse)

    def _wanted(self, of_profile: BrainChoice, overrides: Overrides) -> _Wanted:
        """What is wanted in the end. Who names a model means one of the provider that is named there or
        below; where another provider is taken after all, that model is none of its."""
        base = self._choice.provider
        in_profile = self._provider(of_profile.provider, base)
        beneath = base if "brain" in self._flags else in_profile
        provider = self._provider(overrides.provider, beneath)

        def pick(setting: Literal["model", "small_model"]) -> str | None:
            of_swarm: str | None = getattr(self._settings, setting)
            named = (
                (getattr(overrides, setting), provider),
                (of_swarm if setting in self._flags else None, beneath),
                (getattr(of_profile, setting), in_profile),
                (of_swarm, base),
            )
            return next((model for model, whose in named if model and whose == provider), None)

        choice = self._choice
        if provider != base:
            choice = choose_brain(provider, environ=self._environ)
        return _Wanted(choice, pick("model"), pick("small_model"))

    def _provider(self, named: str | None, otherwise: str) -> str:
        if named == "auto":
            return choose_brain("auto", environ=self._environ).provider
        return named or otherwise


@dataclass(frozen=True, slots=True)
class _Wanted:
    choice: Choice
    model: str | None
    small_model: str | None
