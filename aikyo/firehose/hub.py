"""What happens in the swarm, handed to everyone who watches; nobody who watches can hold it up."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import msgspec
import trio
from msgspec import Raw

from ..wire import Delta, Envelope, Event
from .frames import Frame

__all__ = ["DELTAS", "EVENTS", "Hub", "Subscription"]

EVENTS = "events"
"""The topic of `Event`, which is the firehose's own and never on the mesh."""

DELTAS = "deltas"
"""The topic of `Delta`, likewise; only who asks for it has it."""

_MAX_FRAMES = 1024
_MAX_BYTES = 16 << 20
_BATCH_BYTES = 256 << 10
_MAX_DRAFTS = 32


class Hub:
    """Fan-out within the process: publishing never waits, each subscriber has a queue of its own.

    Args:
        clock: seconds since the epoch.
        epoch: names this run of `seq`; another run has another.

    Attributes:
        counters: ``dropped``, the frames that slow subscribers have missed; ``deltas-dropped``, those of
            what is being composed.
    """

    def __init__(self, clock: Callable[[], float], epoch: str) -> None:
        self.epoch = epoch
        self.counters: Counter[str] = Counter()
        self._clock = clock
        self._seq = 0
        self._subscribers: dict[Subscription, None] = {}  # in order of arrival

    @property
    def seq(self) -> int:
        """The number of the last thing that happened; the first is 1."""
        return self._seq

    def publish(self, topic: str, body: Raw, peer: str | None = None, *, sender: str = "") -> None:
        """Hand out what came over the mesh.

        Args:
            topic: the mesh's topic.
            body: the payload as JSON in the plain dialect.
            peer: peer id of its signed author.
            sender: id of whom it is from, where it says so.
        """
        self._seq += 1
        envelope = Envelope(seq=self._seq, time=self._clock(), topic=topic, peer=peer, body=body)
        frame = Frame(envelope, sender)
        for subscriber in self._subscribers:
            self.counters["dropped"] += subscriber.offer(frame)

    def emit(self, event: Event) -> None:
        """Hand out something that happened in this swarm, on the topic `events`."""
        if event.reason is not None:  # may be of an error of somebody else's, half a surrogate and all
            reason = event.reason.encode(errors="replace").decode()
            event = msgspec.structs.replace(event, reason=reason)
        self.publish(EVENTS, Raw(msgspec.json.encode(event)), event.peer, sender=event.companion or "")

    def draft(self, delta: Delta) -> None:
        """Hand out more of what is being composed, on the topic `deltas` and without a seq, to those who
        want it."""
        frame: Frame | None = None
        for subscriber in self._subscribers:
            if subscriber.deltas:
                frame = frame or _frame(delta, self._clock())
                self.counters["deltas-dropped"] += subscriber.offer_draft(frame, delta)

    @contextmanager
    def subscribe(
        self,
        topics: Iterable[str] | None = None,
        sender: str | None = None,
        limit: int = _MAX_FRAMES,
        *,
        deltas: bool = False,
    ) -> Iterator[Subscription]:
        """Watch while the context is open, from now on.

        Args:
            topics: only these; None is all.
            sender: only what is from this id or bare name.
            limit: frames that wait at the most; older ones are dropped for newer.
            deltas: also what is being composed, whatever the topics; while the reader is behind, all of
                one draft waits as one frame.
        """
        subscription = Subscription(topics, sender, limit, deltas=deltas)
        self._subscribers[subscription] = None
        try:
            yield subscription
        finally:
            del self._subscribers[subscription]


class Subscription:
    """One subscriber's bounded queue. It has one reader, which iterates over it or calls `take`.

    Attributes:
        deltas: whether it wants what is being composed; may be changed.
        dropped: how many frames this reader has missed so far, for being slow.
    """

    def __init__(
        self, topics: Iterable[str] | None, sender: str | None, limit: int, *, deltas: bool = False
    ) -> None:
        self.deltas = deltas
        self.dropped = 0
        self._topics = None if topics is None else frozenset(topics)
        self._sender = sender
        self._limit = limit
        self._queue: deque[Frame | str] = deque()
        self._drafts: dict[str, tuple[Frame, Delta]] = {}  # by id, where that is in the queue
        self._bytes = 0
        self._reader = trio.lowlevel.ParkingLot()

    def offer(self, frame: Frame) -> int:
        """Queue `frame` if it is wanted; returns how many older ones it has pushed out."""
        if self._topics is not None and frame.envelope.topic not in self._topics:
            return 0
        if self._sender is not None and not frame.is_from(self._sender):
            return 0
        self._queue.append(frame)
        self._bytes += frame.size
        missed = 0
        while len(self._queue) - len(self._drafts) > self._limit or self._bytes > _MAX_BYTES:
            self._drop_oldest()
            missed += 1
        self.dropped += missed
        self._reader.unpark()
        return missed

    def offer_draft(self, frame: Frame, delta: Delta) -> int:
        """Queue `delta`, whose frame this is, if it is wanted; returns 1 where too many drafts wait
        already, otherwise 0. It pushes out nothing."""
        if self._sender is not None and not frame.is_from(self._sender):
            return 0
        if waiting := self._drafts.get(delta.id):
            whole = msgspec.structs.replace(delta, text=waiting[1].text + delta.text)
            self._drafts[delta.id] = _frame(whole, frame.envelope.time), whole
            return 0
        if len(self._drafts) == _MAX_DRAFTS:
            return 1
        self._drafts[delta.id] = frame, delta
        self._queue.append(delta.id)
        self._reader.unpark()
        return 0

    async def take(self) -> list[Frame]:
        """Wait for frames and take what is there, up to about 256 KiB; cancelled, it takes nothing."""
        await self._wait()
        taken = [self._pop()]
        size = taken[0].size
        while self._queue and (size := size + self._first.size) <= _BATCH_BYTES:
            taken.append(self._pop())
        return taken

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Envelope:
        await self._wait()
        return self._pop().envelope

    async def _wait(self) -> None:
        await trio.lowlevel.checkpoint()
        while not self._queue:
            await self._reader.park()

    @property
    def _first(self) -> Frame:
        first = self._queue[0]
        return self._drafts[first][0] if isinstance(first, str) else first

    def _drop_oldest(self) -> None:
        """Drop the oldest frame; drafts before it, which are few, stay."""
        drafts = []
        while isinstance(self._queue[0], str):
            drafts.append(self._queue.popleft())
        self._pop()
        self._queue.extendleft(reversed(drafts))

    def _pop(self) -> Frame:
        first = self._queue.popleft()
        if isinstance(first, str):
            return self._drafts.pop(first)[0]
        self._bytes -= first.size
        return first


def _frame(delta: Delta, time: float) -> Frame:
    body = Raw(msgspec.json.encode(delta))
    return Frame(Envelope(time=time, topic=DELTAS, body=body), delta.sender)
