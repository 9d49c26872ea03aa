"""What a companion has learned from its journal, as plain data."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["DAY", "Fact", "FactHit", "FactKind", "Level", "NewFact"]

DAY = 86_400.0
"""Seconds."""

Level = Literal["fact", "reflection", "self"]
"""An atomic fact from the journal; a reflection over several facts; what the companion believes about
itself, or about how things stand between it and somebody."""

FactKind = Literal[
    "identity",
    "relation",
    "preference",
    "possession",
    "place",
    "work",
    "skill",
    "health",
    "habit",
    "event",
    "plan",
    "promise",
    "opinion",
    "other",
]
"""What it is about: who somebody is, to whom they belong, what they like, have, where they live or are,
what they work at, can do, how they are, what they do again and again, what happened, what is planned or
promised, what they think; anything else."""


class NewFact(Struct, frozen=True, kw_only=True):
    """A fact that is to be kept, if it is none already.

    Attributes:
        text: one sentence that can be understood alone, with names in place of pronouns.
        about: id of the person or companion whom it is about, or the name of anything else; may be
            empty.
        level: see `Level`.
        kind: see `FactKind`.
        importance: 0 (gossip about the weather) to 10 (changes a life).
        happened: when that happened or will, in seconds since the epoch; None where it has no time.
        sources: its evidence: uids of journal entries, of a reflection's uids of facts.
        slot: what there can be only one of, and this settles: ``name``, ``home``, ``work``, ``age`` …; a
            newer fact of the same `about` and `slot` takes its place. Empty: nothing.
        same_as: uid of a fact that says the same in other words; the evidence goes there.
        replaces: uid of a fact that is no longer so.
        against: uid of a fact that this speaks against, without settling it.
    """

    text: str
    about: str = ""
    level: Level = "fact"
    kind: FactKind = "other"
    importance: float = 3.0
    happened: float | None = None
    sources: tuple[str, ...] = ()
    slot: str = ""
    same_as: str = ""
    replaces: str = ""
    against: str = ""


class Fact(Struct, frozen=True, kw_only=True):
    """A fact as it is kept.

    Attributes:
        number: its place in the file; people see it as ``f12``.
        uid: the same on every machine that it is taken to.
        text: as in `NewFact`, like the next six.
        learned: when it was first learned, in seconds since the epoch.
        confirmed: when there was evidence for it last.
        half_life: seconds after which it counts half, if nothing confirms it; None: it does not fade.
        ended: when it was replaced, or was found to be so no more; None: it still holds.
        replaced_by: uid of what took its place, or nothing.
        sources: evidence for it, oldest first; see `NewFact`.
        against: evidence against it.
        edited: whether a person has put it so; what is learned never changes its text.
    """

    number: int
    uid: str
    text: str
    about: str = ""
    level: Level = "fact"
    kind: FactKind = "other"
    importance: float = 3.0
    happened: float | None = None
    slot: str = ""
    learned: float = 0.0
    confirmed: float = 0.0
    half_life: float | None = None
    ended: float | None = None
    replaced_by: str = ""
    sources: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    edited: bool = False


class FactHit(Struct, frozen=True, kw_only=True):
    """A fact that recall found, with its score (higher is better) and which way found it, with what
    score."""

    fact: Fact
    score: float
    ways: dict[str, float] = {}
