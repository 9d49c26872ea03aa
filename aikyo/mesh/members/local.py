"""What a node of this process is, whatever carries its payloads: its id, its presence, its gate."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio
from msgspec import Raw
from msgspec.structs import replace

from ...wire import (
    MAX_RECIPIENTS,
    Dialect,
    Message,
    Payload,
    Presence,
    State,
    WireError,
    encode,
    encode_all,
)
from ..base import MeshError, Node
from .inbound import USER, Gatekeeper, Inbound

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
        house: who knows whom; shared by all nodes of the process.
        clock: seconds since the epoch.
        dialect: how payloads are written when they are sent.

    Attributes:
        settled: set once it is known what the node speaks as.
        settled_at: when that was, in trio's seconds.
        scope: around the life of the node; `fail` cancels it.
        inbound: the gate of what comes in.
    """

    def __init__(
        self, peer: str, house: Gatekeeper, *, clock: Callable[[], float], dialect: Dialect
    ) -> None:
        self.peer = peer
        self.me: Presence | None = None
        self.roster = house.roster
        self.counters = Counter[str]()
        self.inbound = Inbound(peer, house, clock=clock, counters=self.counters)
        self.received = self.inbound.received
        self.settled = trio.Event()
        self.settled_at = 0.0
        self.scope = trio.CancelScope()
        self._clock = clock
        self.dialect = dialect
        self._anew = trio.Event()
        self._anew_in = 0.0
        self._failure: MeshError | None = None
        self._closed = False

    async def publish(self, payload: Payload, *, body: Raw | None = None) -> None:
        """See `Node.publish`."""
        self.check()
        sender = str(getattr(payload, "sender", ""))
        if not self._speaks_as(sender):
            known_as = self.me.id if self.me else "a user"
            raise MeshError(f"this node speaks as {known_as}, not as {sender}")
        to_all = self.dialect is Dialect.JSONRPC and isinstance(payload, Message) and not payload.to
        everybody = [ident for ident in self.roster if ident != sender] if to_all else []
        topic, data = encode(payload, self.dialect, body=body, everybody=everybody[:MAX_RECIPIENTS])
        await self._send(topic, data)
        self.counters["sent"] += 1

    async def publish_all(self, states: Sequence[State]) -> None:
        """See `Node.publish_all`."""
        self.check()
        if self.dialect is not Dialect.JSONRPC or self.me is None:
            raise MeshError("only a companion in a JSON-RPC mesh speaks for others")
        topic, data = encode_all(states)
        await self._send(topic, data)
        self.counters["sent"] += 1

    def present_as(self, me: Presence) -> None:
        """See `Node.present_as`."""
        self.check()
        if self.me is None:
            raise MeshError("this node is no companion's")
        self.me = replace(me, id=self.me.id)
        self.roster.bind(self.peer, self.me, own=True)
        self.present_again()

    def judge_leaders(self, leads: Callable[[str, str], bool | None]) -> None:
        """See `Node.judge_leaders`."""
        self.inbound.leads = leads
        self.inbound.review()

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
        self.present_again(_INSIST_AFTER)

    def present_again(self, after: float = 0.0) -> None:
        """Say the presence anew in `after` seconds, or sooner when it is its time; asked for several
        times meanwhile, it is said once."""
        if not self._anew.is_set():
            self._anew_in = after
            self._anew.set()

    def reachable_at(self) -> tuple[str, ...]:
        """The multiaddrs, without ``/p2p/…``, that the presence tells others to reach us at."""
        return ()

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
            self._anew = trio.Event()
            try:
                await self.publish(self._presence(self.me))
            except MeshError:  # the node is ending, and tells its own reader why
                return
            with trio.move_on_after(_PRESENT_EVERY):
                await self._anew.wait()
                await trio.sleep(self._anew_in)

    def _presence(self, me: Presence, **more: Any) -> Presence:
        return replace(me, addresses=self.reachable_at(), sent=self._clock(), **more)

    async def _say_goodbye(self) -> None:
        if self.me is None:
            return
        topic, data = encode(self._presence(self.me, gone=True), self.dialect)
        try:
            await self._send(topic, data)
        except (MeshError, WireError):
            self.counters["goodbye-failed"] += 1
