"""What a node lets in: one gate for both meshes. No I/O; the bytes come with their signed author.

Nothing of who is shut out; put in the author's order; decoded once; no recordings; checked against the
roster (a bound peer speaks only as its own id, an unbound one only as a `user_…`); held for a moment
when it is too early to tell; delivered once. What is dropped is counted, and noted by peer where one is
to blame.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

import trio

from ...wire import Decoded, Payload, Presence, State, Topic, WireError, decode, derived_id
from ..base import Received
from ..roster import Roster
from .held import Held, WaitingRoom
from .order import Arrival, Order
from .replays import is_counting

__all__ = ["HELD_FOR", "USER", "Gatekeeper", "Inbound"]

USER = "user_"
"""How the id of a person begins; no companion may take one."""

HELD_FOR = 2.0
"""Seconds for which a payload waits for its author to be bound, or for its message to be known."""

_INBOX, _INBOX_BYTES = 1024, 16 << 20
_REMEMBERED = 4096
_TOLD = 200  # characters of what is wrong with a payload


class Gatekeeper(Protocol):
    """Who knows whom; shared by all nodes of the process. See `Household`."""

    @property
    def roster(self) -> Roster:
        """Who is who."""

    def is_blocked(self, peer: str) -> bool:
        """Whether `peer` is shut out."""

    def is_replay(self, author: str, sequence: bytes, payload: Payload) -> bool:
        """Whether what `author` signed is a recording."""

    def hear(self, peer: str, presence: Presence, sequence: bytes) -> str | None:
        """Take in a presence; why it does not hold, or None."""

    def recall(self, peer: str, sender: str, sequence: bytes) -> bool:
        """Whether `peer`, whose connection was lost, is bound again, as it still speaks as `sender`."""

    def note(self, author: str, sequence: bytes, counter: str, reason: str = "") -> None:
        """`author` was refused something."""


class Inbound:
    """The gate of one node.

    Args:
        peer: the node's own peer id.
        house: who knows whom.
        clock: seconds since the epoch.
        counters: what was dropped, by reason, and ``received``.

    Attributes:
        leads: says whether a companion (an id) was elected to judge for all on a message (an id), None
            when it is too early to tell. Without it, nobody speaks for others.
    """

    def __init__(
        self, peer: str, house: Gatekeeper, *, clock: Callable[[], float], counters: Counter[str]
    ) -> None:
        self.leads: Callable[[str, str], bool | None] | None = None
        self._peer = peer
        self._house = house
        self._clock = clock
        self._counters = counters
        self._inbox, self.received = trio.open_memory_channel[Received](_INBOX)
        self._unread: deque[int] = deque()  # bytes of what is in the inbox, and of what just was
        self._unread_bytes = 0
        self._order = Order()
        self._held = WaitingRoom()
        self._waiting = trio.Event()
        self._delivered: dict[tuple[str, str, str], None] = {}

    def take(self, topic: str, data: bytes, author: str, sequence: bytes) -> None:
        """Take in what `author` signed; never raises, whatever the bytes.

        Args:
            topic: the mesh's topic, without a mesh's name.
            data: the payload, in either dialect.
            author: the peer id that signed it.
            sequence: the author's sequence number, as it was signed.
        """
        if self._is_shut_out(author, sequence):
            return
        arrival = Arrival(topic, data, author, sequence)
        number = int.from_bytes(sequence, "big")
        if author == self._peer or not is_counting(number, self._clock()):
            self._read(arrival)
            return
        if topic == Topic.STATES:  # these need no order, and a claim that is held back is no claim
            self._read(arrival)
            arrival = Arrival("", b"", author, sequence)  # its number counts, for the rest
        waited = bool(self._order)
        self._read_all(self._order.put(arrival, trio.current_time()))
        if self._order and not waited:  # who came first has waited long enough first
            self._waiting.set()

    async def watch(self) -> None:
        """Deliver or drop what waits, as peers are bound and time passes; runs until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch_roster)
            while True:
                self._read_all(self._order.overdue(trio.current_time()))
                self.review()
                self._waiting = trio.Event()
                deadlines = [waits.deadline for waits in (self._order, self._held) if waits]
                with trio.move_on_at(min(deadlines, default=math.inf)):
                    await self._waiting.wait()

    def review(self) -> None:
        """Judge anew what it was too early to judge."""
        self._held.review(self._settle)

    def close(self) -> None:
        """Nothing is delivered any more; the reader comes to the end of what it has."""
        self._inbox.close()

    async def _watch_roster(self) -> None:
        while True:
            await self._house.roster.changed()
            self.review()

    def _is_shut_out(self, author: str, sequence: bytes) -> bool:
        if not self._house.is_blocked(author):
            return False
        self._drop(author, sequence, "blocked")
        return True

    def _read_all(self, arrivals: Iterable[Arrival]) -> None:
        for arrival in arrivals:
            if arrival.topic:
                self._read(arrival)

    def _read(self, arrival: Arrival) -> None:
        topic, data, author, sequence = arrival
        try:
            payloads = decode(topic, data, new_id=partial(derived_id, author, sequence))
        except WireError as error:
            self._drop(author, sequence, error.reason, error.detail[:_TOLD])
            return
        if payloads and self._house.is_replay(author, sequence, payloads[0].payload):
            self._drop(author, sequence, "replayed", "it was said before, and is sent again")
            return
        self._held.review(self._settle, author)  # what it wrote before comes first
        for decoded in payloads:
            if not self._judge(decoded, author, sequence):
                self._hold(decoded, author, sequence)

    def _judge(self, decoded: Decoded, author: str, sequence: bytes) -> bool:
        """Deliver or drop; False when it is too early to tell."""
        payload = decoded.payload
        if isinstance(payload, Presence):
            refused = None if author == self._peer else self._house.hear(author, payload, sequence)
            if refused is None:
                self._deliver(decoded, author)
            else:
                self._counters[refused] += 1  # who knows whom has noted it
            return True
        sender: str = getattr(payload, "sender", "")  # a QueryResult, and MRTalk's Context, has none
        bound = self._house.roster.held_by(author)
        if bound is None and self._house.recall(author, sender, sequence):
            bound = sender
        may = (
            author == self._peer or sender in ("", bound) or (bound is None and sender.startswith(USER))
        )
        if not may and bound is None and sender not in self._house.roster:
            return False
        if self.leads and bound is not None and decoded.listed and isinstance(payload, State):
            leads = author == self._peer or self.leads(bound, payload.message_id)
            if leads is None:  # nor is its own State delivered yet: the order in an array counts
                return False
            may = may or leads
        if may:
            self._deliver(decoded, author)
        else:
            self._drop(author, sequence, "spoofed", f"it spoke as {sender!a}")
        return True

    def _deliver(self, decoded: Decoded, author: str) -> None:
        payload = decoded.payload
        if not isinstance(payload, State | Presence):  # these have no id of their own
            key = (author, decoded.topic.value, str(getattr(payload, "id", "")))
            if key in self._delivered:
                self._counters["duplicate"] += 1
                return
            self._delivered[key] = None
            if len(self._delivered) > _REMEMBERED:
                del self._delivered[next(iter(self._delivered))]
        own = author == self._peer
        received = Received(decoded.topic, payload, decoded.body, author, own, self._clock())
        try:
            self._put(received)
        except trio.WouldBlock:
            self._counters["inbox-overflow"] += 1
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            self._counters["inbox-closed"] += 1
        else:
            self._counters["received"] += 1

    def _put(self, received: Received) -> None:
        """Put into the inbox, whose bytes are bounded too: pictures are a thousand times as large as
        words. The channel tells nobody when it is read from, only how much is left in it."""
        size = memoryview(received.body).nbytes
        while len(self._unread) > self.received.statistics().current_buffer_used:
            self._unread_bytes -= self._unread.popleft()
        if self._unread_bytes + size > _INBOX_BYTES:
            raise trio.WouldBlock
        self._inbox.send_nowait(received)
        self._unread.append(size)
        self._unread_bytes += size

    def _hold(self, decoded: Decoded, author: str, sequence: bytes) -> None:
        waited = bool(self._held)
        if not self._held.add(Held(trio.current_time() + HELD_FOR, author, sequence, decoded)):
            self._counters["held-overflow"] += 1
        elif not waited:
            self._waiting.set()

    def _settle(self, held: Held) -> bool:
        """Judge again; what waited too long is from somebody unknown, or about nothing known."""
        if self._is_shut_out(held.author, held.sequence):
            return True
        if self._judge(held.decoded, held.author, held.sequence):
            return True
        if held.deadline > trio.current_time():
            return False
        if held.decoded.listed and self._house.roster.held_by(held.author) is not None:
            self._drop(held.author, held.sequence, "unknown-message")
        else:
            self._drop(held.author, held.sequence, "unbound", "it spoke as one that it did not present")
        return True

    def _drop(self, author: str, sequence: bytes, counter: str, reason: str = "") -> None:
        self._counters[counter] += 1
        if author != self._peer:
            self._house.note(author, sequence, counter, reason)
