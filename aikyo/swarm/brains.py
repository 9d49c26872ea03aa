"""Which brain each companion gets: a flag beats the profile, the profile beats the settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from random import Random

from ..brain import Brain, Choice, choose_brain, open_brain
from ..companion import Profile
from ..config import Settings

__all__ = ["Brains"]


class Brains:
    """Opens a brain for each companion.

    Args:
        settings: the swarm's `brain`, `model` and `small_model`.
        flags: which of these were given as flags.
        environ: where keys are.
        seeded: gives a source of chance for each companion's brain.

    Attributes:
        choice: the brain of companions whose profile names none.

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
    ) -> None:
        self._settings = settings
        self._flags = flags
        self._environ = environ
        self._seeded = seeded
        self.choice = choose_brain(settings.brain, environ=environ)

    def open(self, profile: Profile) -> Brain:
        """A new brain for the companion of `profile`. The caller closes it.

        Raises:
            UsageError: its profile wants a brain that cannot be had.
        """
        wanted = profile.brain
        choice: Choice = self.choice
        if wanted.provider and "brain" not in self._flags:
            choice = choose_brain(wanted.provider, environ=self._environ)
        return open_brain(
            choice,
            environ=self._environ,
            random=self._seeded(f"brain of {profile.metadata.id}"),
            model=self._pick("model", wanted.model),
            small_model=self._pick("small_model", wanted.small_model),
        )

    def _pick(self, setting: str, of_profile: str | None) -> str | None:
        of_swarm: str | None = getattr(self._settings, setting)
        return of_swarm if setting in self._flags else of_profile or of_swarm
