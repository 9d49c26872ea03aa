"""A profile that has been read and checked."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ...brain.moment import Persona
from ...conversation.triggers import Triggers
from ...errors import UsageError
from ...wire import Presence, companion_id
from ..toolset import Toolset
from .checking import read_profile
from .shape import BrainChoice, Condition, Events, Execute, Metadata, Tables, Voice
from .trust import NOBODY, Trust

__all__ = [
    "BrainChoice",
    "Condition",
    "Events",
    "Execute",
    "Metadata",
    "Profile",
    "ProfileError",
    "Voice",
    "load_profile",
]


class ProfileError(UsageError):
    """A profile's file is wrong: ``file:line:column: what; the way out``."""


class Profile(Tables, frozen=True, kw_only=True):
    """A companion's profile: the tables of its file, checked, and its triggers, compiled.

    Attributes:
        file: where it was read from.
        triggers: what `events` says, ready to be evaluated.
        toolset: what it can call.
        number: which companion of this file it is, from 1; see `numbered`.
    """

    file: Path
    triggers: Triggers
    toolset: Toolset
    number: int = 1

    @property
    def tools(self) -> tuple[str, ...]:
        """Everything this companion can call: its actions, then its knowledge."""
        return self.toolset.names

    @property
    def icon(self) -> Path | None:
        """Its picture, if it has one."""
        return self.file.with_name(self.metadata.icon) if self.metadata.icon else None

    def persona(self) -> Persona:
        """What a brain needs to know of it."""
        who = self.metadata
        return Persona(
            id=who.id,
            name=who.name,
            personality=who.personality,
            story=who.story,
            sample=who.sample,
            language=who.language,
            interests=who.interests,
            phrases=who.phrases,
            role=who.role,
        )

    def presence(self, ident: str) -> Presence:
        """What others are told of it on the mesh, where its id has become `ident`."""
        who = self.metadata
        return Presence(
            id=ident, name=who.name, personality=who.personality, story=who.story, sample=who.sample
        )

    def numbered(self, number: int, name: str) -> Profile:
        """The same character once more: ``companion_<name>``, displayed as e.g. ``Alice 2``."""
        who = msgspec.structs.replace(
            self.metadata, id=companion_id(name), name=f"{self.metadata.name} {number}"
        )
        return msgspec.structs.replace(self, metadata=who, number=number)

    def says_the_same_as(self, other: Profile) -> bool:
        """Whether what stands in the file of `other` comes to the same."""
        return all(getattr(self, table) == getattr(other, table) for table in Tables.__struct_fields__)


def load_profile(file: Path, trust: Trust = NOBODY) -> Profile:
    """Read and check a profile.

    Args:
        file: which.
        trust: which folders' profiles may name Python code, which is run to load it.

    Raises:
        ProfileError: the first problem of its file.
    """
    found = read_profile(file, trust)
    if isinstance(found, list):
        line, column, what = found[0]
        raise ProfileError(f"{file}:{line}:{column}: {what}")
    tables, triggers, toolset = found
    return Profile(**msgspec.structs.asdict(tables), file=file, triggers=triggers, toolset=toolset)
