"""Tells what was recorded and is sent again from what is new. Pure; bounded.

Gossip knows a message it has seen for 120 s; what somebody recorded can be sent again afterwards, with
a signature as good as ever. What gives it away is the author's own order: our nodes (and go-libp2p's)
number what they publish, on all topics together, from the nanoseconds at their start upward. What is
numbered no higher than what was heard of its author 120 s ago is older than that. This takes no clock
of anybody's, so a wrong one does no harm.

Clocks are asked for one thing: of an author of whom nothing newer is known, what is ten minutes in the
past is taken for a recording, unless the author is connected to us. Nothing is too far in the future:
nobody can record what is yet to be said. Whose clock is really behind, or was set back before it started
again, is believed once its presence has gone on for a while at the pace of our own clock.

js-libp2p numbers at random, which now and then looks like counting; of an author that once did not
count there is only the memory of its ids.
"""

from __future__ import annotations

import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from ...wire import Payload, Presence, QueryResult, State

__all__ = ["WINDOW", "Replays", "is_counting", "time_of"]

WINDOW = 120.0
"""Seconds after which what is heard again is a recording; gossip's own memory is as long."""

_TOO_OLD = 600.0
_FORGOTTEN = 3600.0
_AUTHORS, _SUSPECTS, _VERDICTS = 4096, 256, 1024
_SAME = 5.0
_GRAIN = 20.0
_GOES_ON, _GIVEN_UP = 35.0, 300.0  # longer than from one presence to the next
_OFF_BEAT = 10.0

_FIRST_START = 1_577_836_800 * 10**9  # 2020, in nanoseconds: nobody counts from before
_AHEAD = 86400.0

K = TypeVar("K")
V = TypeVar("V")


class _Mark(NamedTuple):
    time: float
    sequence: int


class _Suspect(NamedTuple):
    time: float
    sequence: int
    sent: float


class _Verdict(NamedTuple):
    time: float
    replay: bool


@dataclass(slots=True)
class _Author:
    highest: int
    heard: float  # when the highest was
    marks: deque[_Mark] = field(default_factory=deque)

    def advance(self, sequence: int, now: float) -> None:
        self.highest, self.heard = sequence, now
        if not self.marks or now - self.marks[-1].time >= _GRAIN:
            self.marks.append(_Mark(now, sequence))
        while len(self.marks) > 1 and self.marks[1].time <= now - WINDOW:
            self.marks.popleft()

    def known_for(self, now: float) -> float:
        return now - self.marks[0].time

    def before_the_window(self, now: float) -> int:
        """The highest number that had been heard when the window began."""
        if self.heard <= now - WINDOW:
            return self.highest
        return max((mark.sequence for mark in self.marks if mark.time <= now - WINDOW), default=-1)


class Replays:
    """What is known of each author's numbers: of 4096 authors, for an hour after each was last heard."""

    def __init__(self) -> None:
        self._authors: OrderedDict[str, _Author] = OrderedDict()
        self._suspects: OrderedDict[str, _Suspect] = OrderedDict()
        self._verdicts: OrderedDict[tuple[str, int], _Verdict] = OrderedDict()
        self._random: OrderedDict[str, None] = OrderedDict()

    def is_replay(
        self, author: str, sequence: int, payload: Payload, *, clock: float, now: float, linked: bool
    ) -> bool:
        """Whether `payload` is a recording. To be asked of all that is heard, in the order it is heard;
        of the copy that another node of ours has heard, the answer is the same.

        Args:
            author: the peer id that signed it.
            sequence: its number, as it was signed.
            payload: what was said.
            clock: our own clock, seconds since the epoch.
            now: trio's clock, in seconds.
            linked: whether `author` is a neighbour, and so surely there.
        """
        if not is_counting(sequence, clock):
            _put(self._random, author, None, _AUTHORS)
        if author in self._random:
            return False
        last = self._verdicts.get((author, sequence))
        if last is not None and now - last.time < _SAME:
            return last.replay
        replay = self._judge(author, sequence, payload, clock=clock, now=now, linked=linked)
        _put(self._verdicts, (author, sequence), _Verdict(now, replay), _VERDICTS)
        return replay

    def counts(self, author: str) -> bool:
        """Whether `author` has numbered nothing at random, as far as is known."""
        return author not in self._random

    def _judge(
        self, author: str, sequence: int, payload: Payload, *, clock: float, now: float, linked: bool
    ) -> bool:
        known = self._authors.get(author)
        if known is not None and now - known.heard > _FORGOTTEN:
            known = None
        if known is not None and sequence > known.highest:
            known.advance(sequence, now)
            self._authors.move_to_end(author)
            self._suspects.pop(author, None)
            return False
        said = time_of(payload)
        if known is not None and known.known_for(now) >= WINDOW:
            is_old = sequence <= known.before_the_window(now)
        else:
            is_old = not linked and said is not None and said < clock - _TOO_OLD
        believed = (
            is_old
            and isinstance(payload, Presence)
            and (linked or known is None)
            and self._goes_on(author, sequence, payload.sent, now)
        )
        if believed or (known is None and not is_old and said is not None):
            fresh = _Author(sequence, now)
            fresh.advance(sequence, now)
            _put(self._authors, author, fresh, _AUTHORS)
        return is_old and not believed

    def _goes_on(self, author: str, sequence: int, sent: float, now: float) -> bool:
        """Whether the presences of one whom we took for a recording come at the pace of our clock."""
        first = self._suspects.get(author)
        elapsed = now - first.time if first else 0.0
        if first is None or elapsed > _GIVEN_UP or sequence < first.sequence:
            _put(self._suspects, author, _Suspect(now, sequence, sent), _SUSPECTS)
            return False
        if elapsed < _GOES_ON or sequence == first.sequence:
            return False
        if abs(sent - first.sent - elapsed) > _OFF_BEAT:
            _put(self._suspects, author, _Suspect(now, sequence, sent), _SUSPECTS)
            return False
        del self._suspects[author]
        return True


def is_counting(sequence: int, clock: float) -> bool:
    """Whether an author with this number counts from the nanoseconds at its start, as far as one can
    tell: of random numbers, one in a hundred looks like it."""
    return _FIRST_START <= sequence <= (clock + _AHEAD) * 1e9


def time_of(payload: Payload) -> float | None:
    """When its author made it, in seconds since the epoch by the author's clock: told by a presence, and
    by ids that are a UUIDv7 (RFC 9562, 5.7); None for all else."""
    if isinstance(payload, Presence):
        return payload.sent or None
    if isinstance(payload, State | QueryResult):  # their ids are of what they answer
        return None
    try:
        ident = uuid.UUID(str(getattr(payload, "id", ""))[-36:])
    except ValueError:
        return None
    return (ident.int >> 80) / 1000 if ident.version == 7 else None


def _put(table: OrderedDict[K, V], key: K, value: V, most: int) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > most:
        table.popitem(last=False)
