"""Which brain each companion gets: a flag beats the profile, the profile beats the settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from random import Random

from ..brain import Brain, Choice, choose_brain, open_brain
from ..brain.prompts import Prompts
from ..brain.replay import Recording
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
        prompts: what models are told.
        recording: what is played, in place of every brain.

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
    ) -> None:
        self._settings = settings
        self._flags = flags
        self._environ = environ
        self._seeded = seeded
        self._prompts = prompts
        self._recording = recording
        # What is played needs no key
        self._choice = choose_brain("offline" if recording else settings.brain, environ=environ)
        self.reason = f"brain replay of {recording.file}, as asked" if recording else self._choice.reason

    def open(self, profile: Profile) -> Brain:
        """A new brain for the companion of `profile`. The caller closes it.

        Raises:
            UsageError: its profile wants a brain that cannot be had.
        """
        if self._recording is not None:
            return self._recording.brain(profile.metadata.id, pace=self._settings.pace)
        wanted = profile.brain
        choice: Choice = self._choice
        if wanted.provider and "brain" not in self._flags:
            choice = choose_brain(wanted.provider, environ=self._environ)
        return open_brain(
            choice,
            environ=self._environ,
            random=self._seeded(f"brain of {profile.metadata.id}"),
            model=self._pick("model", wanted.model),
            small_model=self._pick("small_model", wanted.small_model),
            prompts=self._prompts,
        )

    def _pick(self, setting: str, of_profile: str | None) -> str | None:
        of_swarm: str | None = getattr(self._settings, setting)
        return of_swarm if setting in self._flags else of_profile or of_swarm
