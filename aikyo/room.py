"""The room: who stands where, and who looks at whom. Pure.

Everybody works it out alike, whatever the order in which what was done is heard and however often:
it depends on nothing but the latest `move` and the latest `look` of each, the latest by the actions'
ids, which rise with time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from .wire import MAX_ID, Action

__all__ = ["MAX_PLACED", "SIZE", "Layout", "Place", "Room"]

SIZE = 100.0
"""The room is so long and so wide."""

BESIDE = 3.0
"""So far from each other, in one direction at least, stand two who stand beside each other."""

MAX_PLACED = 128
"""So many have a place; there is room for them all `BESIDE` each other, wherever they go."""

_NEAR, _IN_SIGHT = 20.0, 50.0
_MOST_DEGREES = 1e6


class Place(NamedTuple):
    """A place in the room, 0 to 100 each way."""

    x: float
    y: float


class _Move(NamedTuple):
    id: str
    to: Place | str  # a place, or somebody

    @property
    def order(self) -> tuple[str, str]:
        return self.id, repr(self.to)  # an id used twice must not let the order of hearing decide


class _Look(NamedTuple):
    id: str
    at: str | float  # somebody, or degrees

    @property
    def order(self) -> tuple[str, str]:
        return self.id, repr(self.at)


_Done = TypeVar("_Done", _Move, _Look)


@dataclass(frozen=True, slots=True)
class Layout:
    """Who stands where at one moment, by id, and where they look: at somebody (an id), or in a direction
    (degrees)."""

    places: Mapping[str, Place] = field(default_factory=lambda: MappingProxyType({}))
    looks: Mapping[str, str | float] = field(default_factory=lambda: MappingProxyType({}))

    def distance(self, one: str, other: str) -> float:
        """How far apart two of them stand.

        Raises:
            KeyError: one is not there.
        """
        return math.dist(self.places[one], self.places[other])

    def near(self, ident: str, within: float = _NEAR) -> tuple[str, ...]:
        """Who stands within so much of `ident`, the nearest first; nobody if `ident` is not there."""
        if ident not in self.places:
            return ()
        others = (other for other in self.places if other != ident)
        found = sorted((self.distance(ident, other), other) for other in others)
        return tuple(other for far, other in found if far <= within)

    def in_words(self, me: str, name_of: Callable[[str], str]) -> str:
        """The same as `me` sees it, one a line: ``id: name. at (40, 52), near you, looks at you``."""
        lines = [f"you are at {_spot(self.places[me])}{self._gaze(me, me)}"] if me in self.places else []
        for other in self.near(me, math.inf):
            far = _far(self.distance(me, other))
            gaze = self._gaze(other, me)
            lines.append(f"{other}: {name_of(other)}. at {_spot(self.places[other])}, {far}{gaze}")
        return "\n".join(lines)

    def _gaze(self, ident: str, me: str) -> str:
        match self.looks.get(ident):
            case None:
                return ""
            case str() as whom:
                return f", looks at {'you' if whom == me else whom}"
            case degrees:
                return f", looks toward {degrees:g} degrees"


class Room:
    """What is known of the room; fed everybody's actions. Holds the moves of at most `MAX_PLACED`."""

    def __init__(self) -> None:
        self._moves: dict[str, _Move] = {}
        self._spots: dict[str, _Move] = {}  # the latest of each that was to a place, not to somebody
        self._looks: dict[str, _Look] = {}

    def hear(self, action: Action, here: Iterable[str] = ()) -> None:
        """Somebody has done something. All but `move` and `look` is ignored, also what is malformed.

        Args:
            action: what was done.
            here: who is on the mesh: when the room is full, the others make way.
        """
        match action.name:
            case "move" if (to := _destination(action.params)) is not None:
                move = _Move(action.id, to)
                if isinstance(to, Place):
                    self._keep(self._spots, action.sender, move, here)
                self._keep(self._moves, action.sender, move, here)
            case "look" if (at := _gaze(action.params)) is not None:
                self._keep(self._looks, action.sender, _Look(action.id, at), here)

    def layout(self, present: Iterable[str]) -> Layout:
        """Where everybody stands who is there; of more than `MAX_PLACED`, those whose ids come first.

        Who has not moved stands where the hash of the id puts them. Who has gone to a place stands
        there; who has gone to somebody stands beside them, and goes with them. Who comes to a spot that
        is taken stands beside it: those who have not moved keep theirs, then those do who went to a
        place, the earliest first.
        """
        ids = sorted(set(present))[:MAX_PLACED]
        looks = {ident: look.at for ident in ids if (look := self._looks.get(ident)) is not None}
        return Layout(MappingProxyType(self._places(ids)), MappingProxyType(looks))

    def _places(self, ids: list[str]) -> dict[str, Place]:
        placed: dict[str, Place] = {}
        taken: dict[tuple[int, int], Place] = {}
        since = {ident: move.id for ident in ids if (move := self._moves.get(ident)) is not None}
        waiting = sorted(ids, key=lambda ident: (since.get(ident, ""), ident))
        goals = {ident: goal for ident in ids if (goal := self._goes_to(ident)) in ids and goal != ident}
        while waiting:
            ready = [ident for ident in waiting if ident not in goals or goals[ident] in placed]
            if not ready:  # some go to each other in a circle: the first to do so stands by itself
                del goals[next(ident for ident in waiting if _circles(ident, goals))]
                continue
            for ident in ready:
                spot = placed[goals[ident]] if ident in goals else self._alone(ident)
                placed[ident] = spot = _free(spot, taken)
                taken[_square(spot)] = spot
            waiting = [ident for ident in waiting if ident not in placed]
        return placed

    def _goes_to(self, ident: str) -> str:
        """Whom somebody has gone to, or nobody."""
        move = self._moves.get(ident)
        return move.to if move is not None and isinstance(move.to, str) else ""

    def _alone(self, ident: str) -> Place:
        """Where somebody stands who goes with nobody."""
        spot = self._spots.get(ident)
        return spot.to if spot is not None and isinstance(spot.to, Place) else _start(ident)

    def _keep(self, kept: dict[str, _Done], ident: str, what: _Done, here: Iterable[str]) -> None:
        if ident not in kept and len(kept) >= MAX_PLACED:
            for other in kept.keys() - set(here):
                del kept[other]
            if len(kept) >= MAX_PLACED:
                return
        if ident not in kept or what.order > kept[ident].order:
            kept[ident] = what


def _circles(ident: str, goals: Mapping[str, str]) -> bool:
    """Whether who goes from `ident` to whom it goes to, and so on, comes back to `ident`."""
    at, seen = goals.get(ident, ""), set[str]()
    while at not in seen and at != ident:
        seen.add(at)
        at = goals.get(at, "")
    return at == ident


def _start(ident: str) -> Place:
    """Where somebody stands who has not moved yet."""
    digest = sha256(ident.encode("utf-8", "surrogatepass")).digest()
    return Place(float(digest[0] % 81 + 10), float(digest[1] % 81 + 10))


def _free(spot: Place, taken: Mapping[tuple[int, int], Place]) -> Place:
    """`spot`, or the first beside it that is not taken: ring by ring. Only sums, quotients and
    comparisons, which come out alike on every machine.

    Args:
        spot: where to stand.
        taken: the places of others, by their `_square`.
    """
    for ring in range(int(SIZE / BESIDE) + 1):
        for dx, dy in _ring(ring):
            beside = Place(spot.x + dx * BESIDE, spot.y + dy * BESIDE)
            if 0 <= beside.x <= SIZE and 0 <= beside.y <= SIZE and not _is_taken(beside, taken):
                return beside
    raise AssertionError  # MAX_PLACED cannot take so many


def _ring(ring: int) -> Iterator[tuple[int, int]]:
    steps = range(-ring, ring + 1)
    yield from ((dx, dy) for dx in steps for dy in steps if max(abs(dx), abs(dy)) == ring)


def _square(place: Place) -> tuple[int, int]:
    """The square of `BESIDE` each way in which a place lies, and nobody else's."""
    return int(place.x // BESIDE), int(place.y // BESIDE)


def _is_taken(spot: Place, taken: Mapping[tuple[int, int], Place]) -> bool:
    x, y = _square(spot)
    near = (taken.get((x + dx, y + dy)) for dx in (-1, 0, 1) for dy in (-1, 0, 1))
    return any(
        one is not None and abs(spot.x - one.x) < BESIDE and abs(spot.y - one.y) < BESIDE for one in near
    )


def _destination(params: Mapping[str, Any]) -> Place | str | None:
    """Where a `move` goes, as far as it can be understood."""
    target, x, y = params.get("target"), _within(params.get("x")), _within(params.get("y"))
    if isinstance(target, str) and target:
        return target[:MAX_ID]
    return Place(x, y) if x is not None and y is not None else None


def _within(value: object) -> float | None:
    """A coordinate, at the wall where it lies beyond."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - NaN
        return None
    return float(min(max(value, 0), SIZE))


def _gaze(params: Mapping[str, Any]) -> str | float | None:
    """Where a `look` goes, as far as it can be understood."""
    target, degrees = params.get("target"), params.get("direction")
    if isinstance(target, str) and target:
        return target[:MAX_ID]
    if isinstance(degrees, bool) or not isinstance(degrees, int | float):
        return None
    return float(degrees) % 360 if abs(degrees) <= _MOST_DEGREES else None


def _spot(place: Place) -> str:
    return f"({place.x:.0f}, {place.y:.0f})"


def _far(distance: float) -> str:
    if distance <= 2 * BESIDE:
        return "beside you"
    if distance <= _NEAR:
        return "near you"
    return "some way off" if distance <= _IN_SIGHT else "across the room"
