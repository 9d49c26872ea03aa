"""How facts fade, and how strong they are. Pure."""

from __future__ import annotations

from math import exp2

from .model import DAY, Fact, FactKind, Level

__all__ = ["half_life_of", "lengthened", "strength"]

_HALF_LIVES: dict[FactKind, float | None] = {
    "identity": None,  # names, birthdays, whose child somebody is: such things stay
    "relation": None,
    "place": 720 * DAY,
    "work": 720 * DAY,
    "skill": 720 * DAY,
    "possession": 360 * DAY,
    "preference": 360 * DAY,
    "habit": 180 * DAY,
    "event": 180 * DAY,
    "opinion": 90 * DAY,
    "other": 60 * DAY,
    "health": 30 * DAY,
    "promise": 14 * DAY,
    "plan": 7 * DAY,
}
_REFLECTION = 360 * DAY
_LONGEST = 3600 * DAY
_LENGTHENING = 1.5  # by each confirmation
_PER_EVIDENCE = 0.25  # the second confirmation of a fact adds so much of the first's weight
_MOST_WEIGHT = 2.0


def half_life_of(kind: FactKind, level: Level) -> float | None:
    """Seconds after which a fact counts half, where nothing confirms it; None: it does not fade."""
    return _HALF_LIVES[kind] if level == "fact" else _REFLECTION


def lengthened(half_life: float | None) -> float | None:
    """The half-life of a fact that was confirmed once more."""
    return None if half_life is None else min(half_life * _LENGTHENING, max(_LONGEST, half_life))


def strength(fact: Fact, now: float) -> float:
    """How much a fact counts at `now`: importance × fading × evidence, 0 and up.

    What is to happen does not fade before it has.
    """
    since = max(fact.confirmed, fact.happened or fact.confirmed)
    fading = 1.0 if fact.half_life is None else exp2(-max(now - since, 0.0) / fact.half_life)
    return (0.5 + max(fact.importance, 0.0)) * fading * _weight(len(fact.sources), len(fact.against))


def _weight(evidence: int, against: int) -> float:
    """1 for one source; more for more, to twice as much; less where something speaks against it."""
    weight = min(1 + _PER_EVIDENCE * max(evidence - 1, 0), _MOST_WEIGHT)
    return weight * (evidence + 1) / (evidence + 1 + 2 * against)
