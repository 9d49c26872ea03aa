"""When packets can flow between two processes, worked out from what was up and what was joined. Pure.

Others are a way only once they have been there for `SEASON` seconds: who has just come is nobody's
neighbour yet. All times are in seconds on one clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise, zip_longest

__all__ = ["SEASON", "Interval", "State", "breaks", "paths"]

SEASON = 5.0
_THROUGH = "way through others"


@dataclass(frozen=True, slots=True)
class State:
    """How things are from `at` on.

    Attributes:
        cause: what has just happened, a word.
        awake: by process that is up and awake, what changes when its connections cannot have survived
            (its life, its address).
        joined: pairs of machines (named as their processes) that frames pass between directly.
    """

    at: float
    cause: str
    awake: Mapping[str, object]
    joined: frozenset[frozenset[str]]

    def edges(self) -> dict[frozenset[str], object]:
        """The pairs of processes that reach each other directly, and what it changes with."""
        return {
            pair: tuple(self.awake[name] for name in sorted(pair))
            for pair in self.joined
            if pair <= self.awake.keys()
        }


@dataclass(frozen=True, slots=True)
class Interval:
    """A time during which there is a path, and what it began with and ended by."""

    since: float
    until: float
    began: str
    ended: str = ""


def paths(states: Sequence[State], end: float) -> dict[frozenset[str], list[Interval]]:
    """The intervals during which there is a path between two processes, in order, by pair."""
    found: dict[frozenset[str], list[Interval]] = defaultdict(list)
    open_since: dict[frozenset[str], tuple[float, str, object]] = {}
    for state, seasoned in _seasons(states, end):
        there = dict(_reaching(state, seasoned))
        for pair, (since, cause, tokens) in list(open_since.items()):
            if there.get(pair) != tokens:
                found[pair].append(Interval(since, state.at, cause, state.cause))
                del open_since[pair]
        for pair, tokens in there.items():
            open_since.setdefault(pair, (state.at, state.cause, tokens))
    for pair, (since, cause, _) in open_since.items():
        found[pair].append(Interval(since, end, cause))
    return found


def breaks(states: Sequence[State], noticeable: float) -> Iterator[tuple[float, float, set[str]]]:
    """When two processes, awake all the while, could not pass frames directly for so long."""
    pairs = {pair for state in states for pair in map(frozenset, combinations(state.awake, 2))}
    for pair in pairs:
        began: tuple[float, object] | None = None
        for before, state in pairwise(states):
            tokens = [state.awake.get(name) for name in sorted(pair)]
            cut = pair not in state.joined and None not in tokens
            if began is not None and (not cut or tokens != began[1]):
                if state.at - began[0] >= noticeable:
                    yield began[0], state.at, set(pair)
                began = None
            elif began is None and cut and pair in before.joined:
                began = (state.at, tokens)


def _seasons(states: Sequence[State], end: float) -> Iterator[tuple[State, frozenset[frozenset[str]]]]:
    """The states, and where others have become a way since, with the pairs that may be part of one."""
    since: dict[frozenset[str], tuple[float, object]] = {}
    for state, following in zip_longest(states, states[1:]):
        edges = state.edges()
        since = {
            pair: known if (known := since.get(pair)) and known[1] == token else (state.at, token)
            for pair, token in edges.items()
        }
        until = following.at if following else end
        ripe = {at + SEASON for at, _ in since.values() if state.at < at + SEASON < until}
        for now in sorted({state.at, *ripe}):
            seasoned = frozenset(pair for pair, (at, _) in since.items() if at + SEASON <= now)
            yield (state if now == state.at else replace(state, at=now, cause=_THROUGH)), seasoned


def _reaching(
    state: State, seasoned: frozenset[frozenset[str]]
) -> Iterator[tuple[frozenset[str], object]]:
    """The pairs with a path, directly or through others, and what it changes with."""
    yield from state.edges().items()
    left = set(state.awake)
    while left:
        group, edge = set[str](), [left.pop()]
        while edge:
            here = edge.pop()
            group.add(here)
            near = {there for there in left if frozenset((here, there)) in seasoned}
            left -= near
            edge += near
        for pair in combinations(sorted(group), 2):
            yield frozenset(pair), tuple(state.awake[name] for name in pair)
