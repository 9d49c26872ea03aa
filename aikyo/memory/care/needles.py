"""Finds many texts in much text. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import AnyStr, Generic

__all__ = ["LONG", "Needles"]

LONG = 12
"""Characters (or bytes); a shorter text is met by chance."""

_FEW = 32


class Needles(Generic[AnyStr]):
    """Texts that are looked for, however many.

    Args:
        texts: which; those that are not `LONG` are left out.
    """

    def __init__(self, texts: Collection[AnyStr]) -> None:
        self._texts: tuple[AnyStr, ...] = tuple({text for text in texts if len(text) >= LONG})
        self._heads: dict[AnyStr, list[AnyStr]] = {}
        if len(self._texts) > _FEW:
            for text in self._texts:
                self._heads.setdefault(text[:LONG], []).append(text)

    def are_in(self, data: AnyStr) -> bool:
        """Whether any of them stands in `data`."""
        return next(self.spans(data), None) is not None

    def spans(self, data: AnyStr) -> Iterator[tuple[int, int]]:
        """From where to where they stand in `data`."""
        if not self._heads:
            for text in self._texts:
                at = data.find(text)
                while at >= 0:
                    yield at, at + len(text)
                    at = data.find(text, at + 1)
            return
        # One look a place, where looking for one after the other would take so many passes
        for at in range(len(data) - LONG + 1):
            for text in self._heads.get(data[at : at + LONG], ()):
                if data.startswith(text, at):
                    yield at, at + len(text)
