"""The facts of one memory file."""

from __future__ import annotations

from ..storage.store import Store
from .model import Fact

__all__ = ["Facts"]


class Facts:
    """Reached as `MemoryFile.facts`.

    Args:
        store: the file.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def count(self) -> int:
        """How many facts there are, of all levels; those that have ended too."""
        return int(self._store.rows("SELECT count(*) FROM facts")[0][0])

    def all(self) -> tuple[Fact, ...]:
        """Every fact, oldest first."""
        raise NotImplementedError
