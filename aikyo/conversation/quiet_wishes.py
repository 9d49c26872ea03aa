"""How a sentence is read for a wish about being quiet, whatever its language. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..wire import MAX_QUIET, QuietMode

__all__ = ["Clauses", "QuietRequest", "Rules", "Trail", "Wish", "request_in"]


@dataclass(frozen=True, slots=True)
class QuietRequest:
    """What was asked for. `seconds` is for how long, at most `MAX_QUIET`; None: until it is changed."""

    mode: QuietMode
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Clauses:
    """One sentence: its clauses in small letters, without marks; how it ends; and who may be named."""

    texts: tuple[str, ...]
    asked: bool = False
    loud: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Trail:
    """What goes with a wish: for how many seconds, and whether being called lifts it."""

    seconds: float | None = None
    mention: bool = False

    def __or__(self, other: Trail) -> Trail:
        return Trail(self.seconds or other.seconds, self.mention or other.mention)


@dataclass(frozen=True, slots=True)
class Wish:
    """A clause that is a wish.

    Attributes:
        mode: how quiet.
        trail: what else the clause says of it.
        weak: one word that is only a wish if the sentence has nothing but politeness beside it.
    """

    mode: QuietMode
    trail: Trail = Trail()
    weak: bool = False


class Rules(Protocol):
    """How one language puts it."""

    def wish(self, clause: str, said: Clauses) -> Wish | None:
        """The wish that `clause` is."""
        ...

    def trail(self, clause: str, names: tuple[str, ...]) -> Trail | None:
        """What `clause` adds to a wish beside it, politeness included; None if that is not all it is."""
        ...

    def spoils(self, clause: str, *, before: bool, names: tuple[str, ...]) -> bool:
        """Whether a clause before or after a wish shows that it is none: reported, or on a condition."""
        ...


def request_in(said: Clauses, rules: Rules) -> QuietRequest | None:
    """What a sentence asks for, if it does; of several wishes the last one."""
    found = None
    for place, clause in enumerate(said.texts):
        wish = rules.wish(clause, said)
        if wish is None:
            continue
        before, after = said.texts[:place], said.texts[place + 1 :]
        if any(rules.spoils(one, before=True, names=said.names) for one in before) or any(
            rules.spoils(one, before=False, names=said.names) for one in after
        ):
            continue
        trails = [rules.trail(one, said.names) for one in (*before, *after)]
        if wish.weak and (None in trails or not (said.loud or trails)):
            continue
        trail = wish.trail
        for one in trails:
            trail = trail | one if one is not None else trail
        found = _request(wish.mode, trail)
    return found


def _request(mode: QuietMode, trail: Trail) -> QuietRequest:
    if mode == "normal":
        return QuietRequest("normal")
    seconds = None if trail.seconds is None else min(trail.seconds, MAX_QUIET)
    return QuietRequest("mention-only" if trail.mention else mode, seconds)
