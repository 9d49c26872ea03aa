"""What became of every message, worked out from what happened. Pure; times are seconds of one clock.

A pair of companions has a *path* while packets can flow between their processes, directly or through
others: both processes are up and awake, and the network joins their machines (`paths`). Within one such
interval, a message of one of them belongs, for the other, to one of these classes:

`connected`
    From the moment at which each has heard something that the other said in this very interval, to its
    end. Nothing of it may be missing. That the mesh itself loses somebody meanwhile is no excuse.
`in flight`
    Said in the last `FLIGHT` seconds before the end of the interval (a kill, a cut): nobody can tell.
`reconnecting`
    Said before that moment. How long it took is the reconnect time; how much arrived is told, too.
`apart`
    Said where there is no path. May arrive late (TCP sends again, gossip replays), but not twice.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, permutations
from typing import Literal

from .paths import Interval, State, breaks, paths

__all__ = ["FLIGHT", "Apart", "Class", "Life", "Lost", "Verdict", "judge"]

FLIGHT = 5.0  # a host that is flooded, or a lossy network, may take seconds

Class = Literal["connected", "in flight", "reconnecting", "apart"]


@dataclass(slots=True)
class Life:
    """One companion in one run of its process.

    Attributes:
        host: the companion.
        process: whose process it lives in; companions of one process always reach each other.
        since: when the process began to join.
        until: when it was ended.
        said: id → when.
        heard: what was delivered, in order: when, sender, id.
        links: neighbours that came (True) and went, in order: when, who, which.
    """

    host: str
    process: str
    since: float
    until: float = math.inf
    said: dict[str, float] = field(default_factory=dict)
    heard: list[tuple[float, str, str]] = field(default_factory=list)
    links: list[tuple[float, str, bool]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lost:
    """A message that should have arrived."""

    at: float
    sender: str
    receiver: str
    id: str
    since: float  # of the interval, until when, and from when they were connected
    until: float
    connected: float


@dataclass(frozen=True, slots=True)
class Apart:
    """How long a host went on taking another for its neighbour that no packet came from."""

    host: str
    peer: str
    noticed: float


@dataclass
class Verdict:
    """The findings.

    Attributes:
        expected: messages said, times those who should have heard them, by class.
        arrived: those of them that were heard.
        lost: those of class `connected` that were not.
        doubles: receiver, sender, id: heard twice in one life.
        disorder: the same, heard after a later one of that sender, by class of the late one.
        reconnects: seconds, by what the interval began with; infinity for never.
        notices: of cut links.
        strangers: pairs of survivors that have not exchanged a message at the end.
        latencies: seconds from said to heard, of class `connected`.
    """

    expected: dict[Class, int] = field(default_factory=lambda: defaultdict(int))
    arrived: dict[Class, int] = field(default_factory=lambda: defaultdict(int))
    lost: list[Lost] = field(default_factory=list)
    doubles: list[tuple[str, str, str]] = field(default_factory=list)
    disorder: dict[Class, list[tuple[str, str, str]]] = field(default_factory=lambda: defaultdict(list))
    reconnects: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    notices: list[Apart] = field(default_factory=list)
    strangers: list[tuple[str, str]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)


def judge(
    lives: Sequence[Life],
    states: Sequence[State],
    end: float,
    *,
    calm: float,
    noticeable: float = 15.0,
    given: float = 20.0,
) -> Verdict:
    """Find what went wrong.

    Args:
        lives: all of them.
        states: in order.
        end: when the talk ended; what was said before has had time to arrive.
        calm: since when everything was whole again.
        noticeable: seconds of a cut after which both sides have to know.
        given: seconds of an interval after which who has not reconnected never did.
    """
    verdict = Verdict()
    index = [_Index(life) for life in lives]
    for one in index:
        verdict.doubles += one.doubles
    between = paths(states, end)
    for one, other in combinations(index, 2):
        if one.life.host == other.life.host:
            continue
        _judge_pair(one, other, between, verdict, end=end, given=given)
    for one, other in permutations(index, 2):
        survivors = one.life.until > end and other.life.until > end
        if survivors and not any(
            one.life.said[ident] >= calm for ident in one.said_to(other) if ident in other.heard
        ):
            verdict.strangers.append((one.life.host, other.life.host))
    verdict.notices = list(_notices(lives, states, noticeable))
    return verdict


class _Index:
    """A life, made quick to search."""

    def __init__(self, life: Life) -> None:
        self.life = life
        self.said = sorted((at, ident) for ident, at in life.said.items())
        self.heard: dict[str, float] = {}
        self.late: set[str] = set()  # after a later one of the same sender
        self.doubles: list[tuple[str, str, str]] = []
        latest: dict[str, str] = {}
        for at, sender, ident in life.heard:
            if ident in self.heard:
                self.doubles.append((life.host, sender, ident))
                continue
            self.heard[ident] = at
            if ident < latest.get(sender, ""):
                self.late.add(ident)
            latest[sender] = max(ident, latest.get(sender, ""))

    def said_to(self, other: _Index) -> Iterator[str]:
        """Ids of what was said while the other lived."""
        for at, ident in self.said_within(other.life.since, other.life.until):
            if at <= other.life.until:
                yield ident

    def said_within(self, since: float, until: float) -> list[tuple[float, str]]:
        """What was said then: when, id."""
        return self.said[bisect_left(self.said, (since, "")) : bisect_left(self.said, (until, ""))]


def _judge_pair(
    one: _Index,
    other: _Index,
    between: Mapping[frozenset[str], Sequence[Interval]],
    verdict: Verdict,
    *,
    end: float,
    given: float,
) -> None:
    since = max(one.life.since, other.life.since)
    until = min(one.life.until, other.life.until, end)
    if since >= until:
        return
    own = one.life.process == other.life.process
    if own:
        intervals = [Interval(since, until, "")]
    else:
        pair = frozenset((one.life.process, other.life.process))
        intervals = [
            interval for interval in between[pair] if interval.since < until and interval.until > since
        ]
    sides = ((one, other), (other, one))
    kinds: dict[str, Class] = {}
    for interval in intervals:
        met = max(_first(said, heard, interval) for said, heard in sides)
        if not own and interval.began != "start" and (met < math.inf or _long(interval, given)):
            verdict.reconnects[interval.began].append(met - interval.since)
        for said, heard in sides:
            for at, ident in said.said_within(interval.since, interval.until):
                kind = kinds[ident] = _kind(at, interval, met, end)
                if kind == "connected" and ident not in heard.heard:
                    lost = (interval.since, interval.until, met)
                    verdict.lost.append(Lost(at, said.life.host, heard.life.host, ident, *lost))
    for said, heard in sides:
        for _, ident in said.said_within(since, until):
            kind = kinds.get(ident, "apart")
            verdict.expected[kind] += 1
            verdict.arrived[kind] += ident in heard.heard
            if kind == "connected" and ident in heard.heard:
                verdict.latencies.append(heard.heard[ident] - said.life.said[ident])
            if ident in heard.late:
                verdict.disorder[kind].append((heard.life.host, said.life.host, ident))


def _kind(at: float, interval: Interval, met: float, end: float) -> Class:
    if interval.until < end and at >= interval.until - FLIGHT:
        return "in flight"
    return "reconnecting" if at < met else "connected"


def _long(interval: Interval, given: float) -> bool:
    return interval.until - interval.since >= given


def _first(said: _Index, heard: _Index, interval: Interval) -> float:
    """When something said in the interval was first heard in it."""
    times = (heard.heard.get(ident) for _, ident in said.said_within(interval.since, interval.until))
    return min((at for at in times if at is not None and at < interval.until), default=math.inf)


def _notices(lives: Iterable[Life], states: Sequence[State], noticeable: float) -> Iterator[Apart]:
    """For every silent break that lasted, how long each side took the other for a neighbour."""
    lives = list(lives)
    for began, ended, pair in breaks(states, noticeable):
        there = [
            life for life in lives if life.process in pair and life.since < began < ended < life.until
        ]
        for one, other in permutations(there, 2):
            if one.process == other.process:
                continue
            at_first = [up for at, peer, up in one.links if peer == other.host and at <= began]
            if at_first and at_first[-1]:
                gone = (at for at, peer, up in one.links if peer == other.host and not up and at > began)
                yield Apart(one.host, other.host, next(gone, math.inf) - began)
