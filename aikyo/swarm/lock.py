"""One swarm a home: a lock that ends with its process, and the file that says where the swarm is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from ..errors import UsageError
from ..paths import Home
from ..wire import SwarmFile

__all__ = ["announce", "hold_home"]


@contextmanager
def hold_home(home: Home) -> Iterator[None]:
    """Hold the home for this process; what an ended swarm left behind is cleared away.

    Raises:
        UsageError: another swarm holds it (says which process), or it cannot be written to.
    """
    home.create()
    with _told(home):
        descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _try_lock(descriptor):
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise UsageError(
                f"the home {home.root} is held by another swarm (process {holder}); end it with "
                "'aikyo stop', or choose another home with --home DIR"
            )
        with _told(home):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
            home.swarm.unlink(missing_ok=True)
        try:
            yield
        finally:
            with suppress(OSError):
                home.swarm.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def announce(home: Home, swarm: SwarmFile) -> None:
    """Write `HOME/swarm.json` (mode 0600), whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    draft = home.swarm.with_suffix(".tmp")
    with _told(home):
        _write_private(draft, msgspec.json.encode(swarm))
        draft.replace(home.swarm)


@contextmanager
def _told(home: Home) -> Iterator[None]:
    """What goes wrong with a file of the home, as a line for its owner."""
    try:
        yield
    except OSError as error:
        what = (error.strerror or str(error)).lower()
        raise UsageError(
            f"cannot write {error.filename or home.root} ({what}); mend that, or choose another home "
            "with --home DIR"
        ) from None


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _try_lock(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
