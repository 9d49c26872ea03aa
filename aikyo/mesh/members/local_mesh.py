"""What both implementations of a mesh share: a household, what is kept of it, and its tasks."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from typing import Self

import trio

from ...errors import UsageError
from ...wire import MeshStatus, Presence
from ..base import Mesh, MeshError, Node
from ..refusals import Refusals
from .household import Household
from .local import background
from .pins import is_peer_id
from .roster_file import RosterFile
from .status import Sought, mesh_status

__all__ = ["LocalMesh"]

log = logging.getLogger(__name__)

_SEEN_EVERY = 300.0  # seconds between writes when all that is new is who was seen
_GATHER = 0.5  # seconds in which what changes is written once


class LocalMesh(Mesh):
    """What both implementations of a mesh share: a household, and tasks that end with the block.

    Args:
        clock: seconds since the epoch.
        roster_file: where pinned ids and blocked peers are kept; None: in memory alone.
        name: the mesh's name, under which they are kept.

    Attributes:
        refusals: who was refused something, and why.
        trouble: what is wrong with the roster file, for people; empty when nothing is.
    """

    def __init__(
        self, clock: Callable[[], float], *, roster_file: Path | None = None, name: str = ""
    ) -> None:
        self.clock = clock
        self.counters = Counter[str]()
        self.refusals = Refusals(clock)
        self._file = RosterFile(roster_file, name)
        pins = self._file.load(clock)  # a small file, once, before anything runs
        self.trouble = self._file.trouble
        self.household = Household(clock, pins=pins, refusals=self.refusals)
        self.roster = self.household.roster
        self._name = name
        self._private = False
        self._written = b""
        self._open: AsyncExitStack | None = None

    def join(self, key: Path, me: Presence | None) -> AbstractAsyncContextManager[Node]:
        """See `Mesh.join`."""
        if self._open is None:
            raise MeshError("the mesh is not open")
        return self._join(key, me)

    def status(self) -> MeshStatus:
        """See `Mesh.status`."""
        return mesh_status(
            self._name,
            self.household,
            self.refusals,
            self._sought(),
            now=self.clock(),
            steady=trio.current_time(),
            private=self._private,
        )

    def owns(self, peer: str) -> bool:
        """See `Mesh.owns`."""
        return peer in self.household.ours

    def block(self, peer: str, note: str = "") -> None:
        """See `Mesh.block`."""
        own = {pin.peer for pin in self.household.pins.pinned().values() if pin.own}
        if self.owns(peer) or peer in own:
            raise UsageError(f"{peer} is one of your own; stop or remove the companion instead")
        if not is_peer_id(peer):
            raise UsageError(f"{peer[:128]!r} is no peer id; `aikyo peers` shows them")
        self.household.block(peer, note)
        self._shut_out(peer)

    def unblock(self, peer: str) -> bool:
        """See `Mesh.unblock`."""
        self.refusals.forget(peer)
        return self.household.pins.unblock(peer)

    def forget(self, companion: str) -> bool:
        """See `Mesh.forget`."""
        return self.household.pins.forget(companion)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            nursery = await stack.enter_async_context(background())
            nursery.start_soon(self.household.watch)
            if self._file.path is not None:
                nursery.start_soon(self._keep)
            await self._start(nursery)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        stack, self._open = self._open, None
        if stack is not None:
            await stack.aclose()  # what the block raised goes on by itself; here only the tasks end

    async def _start(self, nursery: trio.Nursery) -> None:
        """Start what the whole process needs once."""

    def _sought(self) -> Sought:
        """Whom we look for beside those who are there."""
        return Sought()

    def _shut_out(self, peer: str) -> None:
        """`peer` is blocked from now on: end what there is with it."""

    async def _keep(self) -> None:
        """Write the roster file when something has changed, now and then for who was seen, and when the
        mesh is left; runs until cancelled."""
        try:
            while True:
                with trio.move_on_after(_SEEN_EVERY):
                    await self.household.pins.changed()
                await trio.sleep(_GATHER)
                await self._write()
        finally:
            with trio.CancelScope(shield=True):
                await self._write()

    async def _write(self) -> None:
        """In a thread: a disk may take its time, and every companion of the process would wait."""
        data = self._file.prepare(self.household.pins)
        if data == self._written:
            return
        try:
            await trio.to_thread.run_sync(self._file.write, data)
        except OSError as error:
            if not self.trouble:
                self.trouble = f"{self._file.path}: who is who cannot be kept: {error}"
                log.warning("%s", self.trouble)
        else:
            self._written = data

    @abstractmethod
    def _join(self, key: Path, me: Presence | None) -> AbstractAsyncContextManager[Node]:
        """Join; see `Mesh.join`."""
