"""What is kept beside a fact's text so that it is found by its sense: a vector, and concepts.

Without an embedder facts have no vectors, and are found by words and concepts.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from ...embeddings import Embedder
from ..recall.words import folded
from .lexicon import lexicon

__all__ = ["Outdated", "Sense", "embeddable", "name_of", "names_in", "sense_of", "without"]


class Outdated(NamedTuple):
    """A fact that has not the sense that it would have if it were new.

    Attributes:
        number: of the fact.
        text: of the fact.
        names: of whom it is about.
    """

    number: int
    text: str
    names: tuple[str, ...]


class Sense(NamedTuple):
    """As it is kept: the vector (half precision, or None), what made it, and the concepts after the
    lexicon's version."""

    vector: bytes | None
    embedder: str
    concepts: str


def name_of(embedder: Embedder | None) -> str:
    """What is kept beside vectors that are made now: nothing where none can be made."""
    return embedder.name if embedder and embedder.ready() else ""


def sense_of(text: str, names: Collection[str], embedder: Embedder | None) -> Sense:
    """The sense of a fact.

    Args:
        text: of the fact.
        names: of whom it is about: left out, since they are looked for by themselves and would make all
            that is said of one person alike.
        embedder: what makes the vector; None: there is to be none, or not yet.
    """
    bare = without(text, names)
    words = lexicon()
    concepts = " ".join([words.version, *sorted(words.concepts(bare))])
    embed = embedder.ready() if embedder else None
    if embedder is None or embed is None:
        return Sense(None, "", concepts)
    import numpy as np

    return Sense(np.asarray(embed(embeddable(bare)), np.float16).tobytes(), embedder.name, concepts)


def embeddable(text: str) -> str:
    """`text` as an embedder understands it: in English, where it is Japanese."""
    return lexicon().in_english(text) or text


def without(text: str, names: Collection[str]) -> str:
    """`text` in plain form, without these names."""
    text = folded(text)
    for name in sorted(map(folded, names), key=len, reverse=True):
        if name:
            text = re.sub(_spoken(name), " ", text)
    return text


def names_in(text: str, names: Collection[str]) -> tuple[str, ...]:
    """Those of `names` (folded) that occur in `text` (folded), the longest first; a name within another
    that was found is none."""
    found: list[str] = []
    for name in sorted(names, key=lambda name: (-len(name), name)):
        if name in text and re.search(_spoken(name), text):
            found.append(name)
            text = without(text, [name])
    return tuple(found)


def _spoken(name: str) -> str:
    return rf"\b{re.escape(name)}\b(?:'s)?" if name.isascii() else re.escape(name)
