"""What stands in a profile's file: its tables and keys, with their defaults."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

__all__ = ["BrainChoice", "Condition", "Events", "Execute", "Metadata", "Tables", "Voice"]


class Metadata(Struct, frozen=True, kw_only=True):
    """`[metadata]`: who a companion is, and what it can do.

    Attributes:
        name: how it is called, in any script.
        id: its id on the mesh; empty in the file means ``companion_<file name>``.
        sample: how it sounds.
        language: what it speaks first, a tag like ``en`` or ``ja``.
        icon: the name of a picture beside the file, or None.
        color: one of the terminal's colours, or ``#rrggbb``.
        role: what it is there for.
        actions: tools that do something.
        knowledge: tools that only read.
    """

    name: str
    id: str = ""
    personality: str = ""
    story: str = ""
    sample: str = ""
    language: str = "en"
    interests: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    icon: str | None = None
    color: str = "white"
    role: str = ""
    actions: tuple[str, ...] = ("speak", "move", "look", "gesture")
    knowledge: tuple[str, ...] = ("companions", "recall", "clock", "room")


class BrainChoice(Struct, frozen=True, kw_only=True):
    """`[brain]`: what this companion thinks with; None leaves it to the settings.

    Attributes:
        provider: ``auto``, ``anthropic``, ``openai``, ``offline``, or the name of an installed one.
        model: its model.
        small_model: its model for small decisions.
    """

    provider: str | None = None
    model: str | None = None
    small_model: str | None = None


class Voice(Struct, frozen=True, kw_only=True):
    """`[voice]`: what this companion speaks with."""

    engine: str = "auto"


class Execute(Struct, frozen=True, kw_only=True):
    """What one action is told when a condition holds."""

    tool: str
    instruction: str


class Condition(Struct, frozen=True, kw_only=True):
    """One `[[events.conditions]]`: an expression in CEL, and what follows from it."""

    expression: str
    execute: tuple[Execute, ...]


class Events(Struct, frozen=True, kw_only=True):
    """`[events]`: what the brain fills in before a turn (JSON Schema), and the conditions on it."""

    params: dict[str, Any] | None = None
    conditions: tuple[Condition, ...] = ()


class Tables(Struct, frozen=True, kw_only=True):
    """A whole file."""

    metadata: Metadata
    brain: BrainChoice = BrainChoice()
    voice: Voice = Voice()
    events: Events = Events()
