"""The tools that are built in: what their input is.

Actions change the room and travel on the mesh; knowledge only reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from ..wire import MAX_TEXT

__all__ = [
    "ACTIONS",
    "KNOWLEDGE",
    "Clock",
    "Companions",
    "Gesture",
    "Look",
    "Move",
    "Recall",
    "Room",
    "Speak",
]

Name = Annotated[str, Meta(min_length=1, max_length=128, description="A name or id of somebody there.")]
Place = Annotated[float, Meta(ge=0, le=100, description="A place in the room, 0 to 100.")]


class Speak(Struct, frozen=True, forbid_unknown_fields=True):
    """Say something to those in the conversation. Once a turn."""

    message: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT, description="What you say.")]
    to: Annotated[list[Name], Meta(max_length=16, description="Whom you turn to.")] = []
    emotion: Annotated[str, Meta(max_length=32, description="How you feel, one word.")] = ""


class Move(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Walk to a place in the room, or to somebody."""

    x: Place | None = None
    y: Place | None = None
    target: Name | None = None

    def __post_init__(self) -> None:
        if self.target is None and (self.x is None or self.y is None):
            raise ValueError("give `x` and `y`, or `target`")


class Look(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Look at somebody, or in a direction."""

    target: Name | None = None
    direction: Annotated[float, Meta(ge=-360, le=360, description="Degrees.")] | None = None

    def __post_init__(self) -> None:
        if (self.target is None) == (self.direction is None):
            raise ValueError("give `target` or `direction`")


class Gesture(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Make a gesture: nod, wave, smile, shrug, laugh, think, bow, …"""

    kind: Annotated[str, Meta(min_length=1, max_length=32, description="The gesture, one word.")]
    target: Name | None = None


class Companions(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is on the mesh: their ids, names and characters."""


class Recall(Struct, frozen=True, forbid_unknown_fields=True):
    """Search your memory for what was said, done or perceived before."""

    query: Annotated[str, Meta(max_length=1000, description="What to look for.")] = ""
    by: Annotated[str, Meta(max_length=128, description="Instead: the latest that somebody said.")] = ""
    k: Annotated[int, Meta(ge=1, le=20, description="How many to return.")] = 5

    def __post_init__(self) -> None:
        if bool(self.query) == bool(self.by):
            raise ValueError("give `query` or `by`")


class Clock(Struct, frozen=True, forbid_unknown_fields=True):
    """The date and time here."""


class Room(Struct, frozen=True, forbid_unknown_fields=True):
    """Where everybody stands in the room, who is near you, and who looks at whom."""


ACTIONS: Mapping[str, type[Struct]] = {"speak": Speak, "move": Move, "look": Look, "gesture": Gesture}
KNOWLEDGE: Mapping[str, type[Struct]] = {
    "companions": Companions,
    "recall": Recall,
    "clock": Clock,
    "room": Room,
}
