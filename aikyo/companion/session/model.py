"""What a session is, and what asks for another one. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from msgspec import Struct

from ...brain import Brain, Briefing, Persona
from ..profile import Profile

__all__ = ["Change", "Overrides", "Session"]


class Overrides(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a person has set for one companion while it runs, which beats flag, profile and settings.
    None: nothing."""

    provider: str | None = None
    model: str | None = None
    small_model: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Why there is to be another session, and what is different in it.

    Attributes:
        why: ``full`` (the context), ``profile``, ``model``, ``asked``, ``too-long`` or ``forgotten``.
        profile: the profile from now on; None: as it is.
        overrides: what was set from now on; None: as it is. With it a brain is opened anew.
    """

    why: str
    profile: Profile | None = None
    overrides: Overrides | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """What one companion is and knows from one swap to the next.

    Attributes:
        number: from 1.
        profile: its character.
        brain: what it thinks with; open.
        briefing: what its brain is told at every turn, beside the profile and the talk.
        since: the memory's row up to which `briefing.summary` tells; what came later is told in full.
        budget: how many tokens all that a brain is told may have.
        why: as in `Change`; ``start`` for the first.
    """

    number: int
    profile: Profile
    brain: Brain
    briefing: Briefing
    since: int = 0
    budget: int = 6_000
    why: str = "start"

    def persona(self, me: str) -> Persona:
        """Who the companion is, as the mesh knows it by the id `me`."""
        return replace(self.profile.persona(), id=me)
