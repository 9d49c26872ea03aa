"""Notices when a profile's file is saved. By looking: there is no other way that works on every disk."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import trio

__all__ = ["UNSEEN", "Sight", "settled", "sight"]

LOOKS_EVERY = 1.0
"""Seconds from one look to the next, and for which a file must have stayed as it is."""


class Sight(NamedTuple):
    """How a file looks from outside: when it was modified (in nanoseconds), its size in bytes, and which
    one it is on its disk. All nothing where there is no such file, or none that can be seen."""

    modified: int
    size: int
    inode: int


UNSEEN = Sight(-1, -1, -1)
"""How a file looks that nobody has looked at yet."""


async def settled(file: Path, last: Sight) -> Sight:
    """Wait until `file` looks otherwise than at `last`, and has stayed so from one look to the next.

    What is half written, or away for a moment while an editor puts the new in its place, is waited out.

    Returns:
        How it looks now.
    """
    before = last
    while True:
        now = await sight(file)
        if now == before != last:
            return now
        before = now
        await trio.sleep(LOOKS_EVERY)


async def sight(file: Path) -> Sight:
    """How `file` looks now."""
    return await trio.to_thread.run_sync(_look, file, abandon_on_cancel=True)


def _look(file: Path) -> Sight:
    try:
        found = file.stat()
    except OSError:
        return Sight(0, 0, 0)
    return Sight(found.st_mtime_ns, found.st_size, found.st_ino)
