"""Embedders that need nothing and are quick to tell apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aikyo.embeddings import Embedder
from aikyo.errors import AikyoError
from aikyo.memory import MemoryFile

_SENSES = (("sea", "ocean"), ("cat", "kitten"), ("boat", "ship"))


@dataclass
class Listing:
    """Makes vectors with a dimension for each group of words that mean the same, and lists the texts."""

    texts: list[str] = field(default_factory=list)
    meanwhile: Callable[[], Any] = lambda: None

    def __call__(self, text: str) -> Sequence[float]:
        self.texts.append(text)
        self.meanwhile()
        found = [float(any(word in text.lower() for word in words)) for words in _SENSES]
        length = sum(found) ** 0.5
        return [one / length for one in found] if length else found

    def as_embedder(self, name: str = "listing", *, is_quick: bool = False) -> Embedder:
        return Embedder(name, len(_SENSES), lambda: self, is_quick=is_quick)


def broken(name: str = "broken") -> Embedder:
    """One that is installed and cannot be loaded."""

    def load() -> Callable[[str], Sequence[float]]:
        raise AikyoError("no embeddings: it does not run here")

    return Embedder(name, len(_SENSES), load)


def renew(memory: MemoryFile) -> int:
    """Give all facts their sense, as it is done in the background; how many had another."""
    count = 0
    while outdated := memory.facts.outdated(2):
        memory.facts.renew(memory.facts.senses_of(outdated))
        count += len(outdated)
    return count


def vectors(memory: MemoryFile) -> list[tuple[bytes | None, str]]:
    """The vector of each fact, and what made it."""
    rows = memory.store.rows("SELECT vector, embedder FROM facts ORDER BY number")
    return [(row[0], row[1]) for row in rows]
