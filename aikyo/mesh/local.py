"""What a node of this process is, whatever carries its payloads: its id, its presence, its gate."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import trio
from msgspec import Raw

from ..wire import Dialect, Payload, Presence, WireError, encode
from .base import MeshError, Node
from .inbound import USER, Inbound, Learn
from .roster import Roster

__all__ = ["LocalNode", "background"]

_PRESENT_EVERY = 30.0
_INSIST_AFTER = 2.0


@asynccontextmanager
async def background() -> AsyncIterator[trio.Nursery]:
    """A nursery whose tasks are cancelled when the block ends.

    What the block raises comes out as it is, not in a group, so that a caller can catch it by name.
    """
    raised: Exception | None = None
    async with trio.open_nursery() as nursery:
        try:
            yield nursery
        except Exception as error:
            raised = error
        nursery.cancel_scope.cancel()
    if raised is not None:
        raise raised


class LocalNode(Node):
    """The part of a node that both meshes share. A mesh gives it `_send`, `ready` and `peers`.

    Args:
        peer: own peer id.
        roster: shared by all nodes of the process.
        learn: told of every Presence that comes in; see `Inbound`.
        clock: seconds since the epoch.
        dialect: how payloads are written when they are sent.

    Attributes:
        settled: set once it is known what the node speaks as.
        settled_at: when that was, in trio's seconds.
        contested_at: when another peer first claimed the same id, in trio's seconds.
        scope: around the life of the node; `fail` cancels it.
        inbound: the gate of what comes in.
    """

    def __init__(
        self, peer: str, roster: Roster, learn: Learn, *, clock: Callable[[], float], dialect: Dialect
    ) -> None:
        self.peer = peer
        self.me: Presence | None = None
        self.roster = roster
        self.counters = Counter[str]()
        self.inbound = Inbound(peer, roster, learn, clock=clock, counters=self.counters)
        self.received = self.inbound.received
        self.settled = trio.Event()
        self.settled_at = 0.0
        self.contested_at: float | None = None
        self.scope = trio.CancelScope()
        self._dialect = dialect
        self._insisting = trio.Event()
        self._failure: MeshError | None = None
        self._closed = False

    async def publish(self, payload: Payload, *, body: Raw | None = None) -> None:
        """See `Node.publish`."""
        self.check()
        sender = str(getattr(payload, "sender", ""))
        if not self._speaks_as(sender):
            known_as = self.me.id if self.me else "a user"
            raise MeshError(f"this node speaks as {known_as}, not as {sender}")
        topic, data = encode(payload, self._dialect, body=body)
        await self._send(topic, data)
        self.counters["sent"] += 1

    def settle(self, me: Presence | None) -> None:
        """From now on the node speaks as `me`; a firehose as users only."""
        self.me = me
        self.settled_at = trio.current_time()
        self.settled.set()

    def fail(self, error: MeshError) -> None:
        """End the node: the block that joined is cancelled and raises `error`."""
        self._failure = self._failure or error
        self._closed = True
        self.scope.cancel()

    def insist(self) -> None:
        """Somebody else claims our id: say again, in a moment, that it is ours."""
        self._insisting.set()

    @asynccontextmanager
    async def living(self) -> AsyncIterator[None]:
        """The node's life, once its id is settled: there for others, until the block or the node ends.

        Raises:
            MeshError: the node failed (`IdTakenError`: its id is another's).
        """
        async with background() as nursery:
            nursery.start_soon(self.inbound.watch)
            if self.me is not None:
                nursery.start_soon(self._be_present)
            try:
                with self.scope:
                    yield
                if self._failure is not None:
                    raise self._failure
            finally:
                self._closed = True
                self.inbound.close()
                with trio.CancelScope(shield=True), trio.move_on_after(0.5):
                    await self._say_goodbye()

    @abstractmethod
    async def _send(self, topic: str, data: bytes) -> None:
        """Queue to every peer. Raises `MeshError` when it cannot."""

    def check(self) -> None:
        """Raise what ended the node, if it has ended."""
        if self._failure is not None:
            raise self._failure
        if self._closed:
            raise MeshError("this node has left the mesh")

    def _speaks_as(self, sender: str) -> bool:
        """What has no sender is anybody's; see `Inbound` for the other side of this rule."""
        if self.me is None:
            return sender == "" or sender.startswith(USER)
        return sender in ("", self.me.id)

    async def _be_present(self) -> None:
        while self.me is not None and not self._closed:
            self._insisting = trio.Event()
            try:
                await self.publish(self.me)
            except MeshError:  # the node is ending, and tells its own reader why
                return
            with trio.move_on_after(_PRESENT_EVERY):
                await self._insisting.wait()
                await trio.sleep(_INSIST_AFTER)

    async def _say_goodbye(self) -> None:
        if self.me is None:
            return
        topic, data = encode(msgspec.structs.replace(self.me, gone=True), self._dialect)
        try:
            await self._send(topic, data)
        except (MeshError, WireError):
            self.counters["goodbye-failed"] += 1
