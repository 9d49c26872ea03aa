"""What a brain is asked to learn from, and what it finds. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct

from .moment import FindingKind, FindingLevel, Known, Line, Persona, Someone

__all__ = ["Finding", "Study"]


@dataclass(frozen=True, slots=True)
class Study:
    """What is to be learned from.

    Attributes:
        now: local time, aware.
        me: who learns; findings are written in `me.language`.
        people: who occurs in it.
        lines: to learn facts from, oldest first; those with `Line.echo` repeat what the companion had
            recalled, and are there for the sake of the others alone.
        known: to learn facts: what is known already of the same, so that nothing is found twice; to
            reflect: the facts that are new, then earlier ones about the same people.
        beliefs: to reflect: the reflections so far, and what the companion believes of itself.
        most: how many findings there may be.
    """

    now: datetime
    me: Persona
    people: tuple[Someone, ...] = ()
    lines: tuple[Line, ...] = ()
    known: tuple[Known, ...] = ()
    beliefs: tuple[Known, ...] = ()
    most: int = 12


class Finding(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing found; see `aikyo.memory.NewFact`, which it becomes.

    Attributes:
        text: one sentence that can be understood alone, with names in place of pronouns.
        about: id of somebody, the name of anything else, or nothing.
        level: `reflect` gives reflections and ``self``, `learn` facts.
        kind: what it is about.
        importance: 0 to 10.
        happened: when that happened or will, in seconds since the epoch; None: it has no time.
        sources: ids of lines (`Line.id`), or, of a reflection, of what is known (`Known.id`).
        slot: what there can be only one of, and this settles: ``name``, ``home``, ``age`` …; or nothing.
        same_as: what is known already and says the same (`Known.id`), or nothing.
        replaces: what is known and is no longer so, or nothing.
        against: what is known and this speaks against, without settling it; or nothing.
    """

    text: str
    about: str = ""
    level: FindingLevel = "fact"
    kind: FindingKind = "other"
    importance: float = 3.0
    happened: float | None = None
    sources: tuple[str, ...] = ()
    slot: str = ""
    same_as: str = ""
    replaces: str = ""
    against: str = ""
