"""Pinned ids and blocked peers of a home in which no swarm runs, changed in its file."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from ..errors import UsageError
from ..mesh.identity import load_identity
from ..mesh.members.roster_file import RosterFile
from ..paths import Home
from ..wire import PeerStatus, companion_id
from .peers import find_blocked, find_peer, noted

__all__ = ["KeptPeers"]


class KeptPeers:
    """What `Peers` is for a swarm that runs. Each change is written before it returns.

    Args:
        home: held by the caller.
        mesh: the name of the mesh that is meant.
        clock: seconds since the epoch.
    """

    def __init__(self, home: Home, mesh: str, clock: Callable[[], float] = time.time) -> None:
        self._file = RosterFile(home.roster, mesh)
        self._pins = self._file.load(clock)
        self._own: set[str] = {pin.peer for pin in self._pins.pinned().values() if pin.own}
        for key in home.keys.glob("*.key"):
            with suppress(UsageError):  # that one is damaged matters when it is used
                self._own.add(load_identity(key).peer)

    def block(self, who: str, note: str = "") -> str:
        """Shut out whom a person calls `who`, from the next start on; returns its peer id.

        Raises:
            UsageError: it is nobody, or not one alone, or one of this home's.
        """
        known = (*self._pinned(), *self._blocked())
        peer = find_peer(who, known)
        if peer in self._own:
            raise UsageError(f"{peer} is one of this home's own")
        self._pins.block(peer, noted(peer, known, note))
        return self._saved(peer)

    def unblock(self, who: str) -> str:
        """Let in again whom a person calls `who`; returns its peer id.

        Raises:
            UsageError: nobody of that name is blocked, or not one alone.
        """
        peer = find_blocked(who, self._blocked())
        if not self._pins.unblock(peer):
            raise UsageError(f"{peer} is not blocked")
        return self._saved(peer)

    def forget(self, name: str) -> str:
        """Free the id of the companion that a person calls `name`; returns the id.

        Raises:
            UsageError: there is no such id.
        """
        for ident in (name, companion_id(name)):
            if self._pins.forget(ident):
                return self._saved(ident)
        raise UsageError(f"the id {name[:80]!r} is kept for nobody")

    def _pinned(self) -> tuple[PeerStatus, ...]:
        pinned = self._pins.pinned().items()
        return tuple(PeerStatus(peer=pin.peer, state="away", companion=ident) for ident, pin in pinned)

    def _blocked(self) -> tuple[PeerStatus, ...]:
        return tuple(
            PeerStatus(peer=peer, state="blocked", reason=block.note)
            for peer, block in self._pins.blocked().items()
        )

    def _saved(self, done: str) -> str:
        try:
            self._file.save(self._pins)
        except OSError as error:
            what = (error.strerror or str(error)).lower()
            raise UsageError(f"cannot write {self._file.path} ({what}); nothing was changed") from None
        return done
