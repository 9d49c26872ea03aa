"""What a node lets in: one gate for both meshes. No I/O; the bytes come with their signed author.

Decoded once; checked against the roster (a bound peer speaks only as its own id, an unbound one only
as a `user_…`); held for a moment when the author's id is not known yet; delivered once.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from functools import partial

import trio

from ..wire import Decoded, Presence, State, WireError, decode, derived_id
from .base import Received
from .held import Held, WaitingRoom
from .roster import Roster

__all__ = ["HELD_FOR", "USER", "Inbound", "Learn"]

USER = "user_"
"""How the id of a person begins; no companion may take one."""

HELD_FOR = 2.0
"""Seconds for which a payload waits for its author to be bound."""

_INBOX, _INBOX_BYTES = 1024, 16 << 20
_REMEMBERED = 4096

Learn = Callable[[str, Presence, bytes], bool]


class Inbound:
    """The gate of one node.

    Args:
        peer: the node's own peer id.
        roster: who is who.
        learn: told of every Presence with its author and sequence number; says whether it holds.
        clock: seconds since the epoch.
        counters: what was dropped, by reason, and ``received``.
    """

    def __init__(
        self,
        peer: str,
        roster: Roster,
        learn: Learn,
        *,
        clock: Callable[[], float],
        counters: Counter[str],
    ) -> None:
        self._peer = peer
        self._roster = roster
        self._learn = learn
        self._clock = clock
        self._counters = counters
        self._inbox, self.received = trio.open_memory_channel[Received](_INBOX)
        self._unread: deque[int] = deque()  # bytes of what is in the inbox, and of what just was
        self._unread_bytes = 0
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
        try:
            payloads = decode(topic, data, new_id=partial(derived_id, author, sequence))
        except WireError as error:
            self._counters[error.reason] += 1
            return
        self._held.review(self._settle, author)  # what it wrote before comes first
        for decoded in payloads:
            if not self._judge(decoded, author, sequence):
                self._hold(decoded, author, sequence)

    async def watch(self) -> None:
        """Deliver or drop what is held, as peers are bound and time passes; runs until cancelled."""
        while True:
            self._held.review(self._settle)
            if self._held:
                with trio.move_on_at(self._held.deadline):
                    await self._roster.changed()
            else:
                self._waiting = trio.Event()
                await self._waiting.wait()

    def close(self) -> None:
        """Nothing is delivered any more; the reader comes to the end of what it has."""
        self._inbox.close()

    def _judge(self, decoded: Decoded, author: str, sequence: bytes) -> bool:
        """Deliver or drop; False when it is too early to tell."""
        payload = decoded.payload
        if isinstance(payload, Presence):
            if author == self._peer or self._learn(author, payload, sequence):
                self._deliver(decoded, author)
            else:
                self._counters["claim-refused"] += 1
            return True
        sender: str = getattr(payload, "sender", "")  # a QueryResult, and MRTalk's Context, has none
        bound = self._roster.held_by(author)
        unbound_user = bound is None and sender.startswith(USER)
        if author == self._peer or sender in ("", bound) or unbound_user:
            self._deliver(decoded, author)
        elif bound is None and sender not in self._roster:
            return False
        else:
            self._counters["spoofed"] += 1
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
        if self._held.add(Held(trio.current_time() + HELD_FOR, author, sequence, decoded)):
            self._waiting.set()
        else:
            self._counters["held-overflow"] += 1

    def _settle(self, held: Held) -> bool:
        """Judge again; what waited too long is from somebody unknown."""
        if self._judge(held.decoded, held.author, held.sequence):
            return True
        if held.deadline > trio.current_time():
            return False
        self._counters["unbound"] += 1
        return True
