"""The digests of one memory file."""

from __future__ import annotations

from ..storage.store import Store

__all__ = ["Digests"]


class Digests:
    """Reached as `MemoryFile.digests`.

    Args:
        store: the file.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self) -> int:
        """How many there are."""
        return int(self._store.rows("SELECT count(*) FROM digests")[0][0])
