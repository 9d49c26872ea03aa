"""What is kept beside a fact's text so that it is found by its sense: a vector, and concepts.

Without an embedder facts have no vectors, and are found by words and concepts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import NamedTuple

from ...embeddings import load_embedder
from ...errors import AikyoError
from ..recall.words import folded
from .lexicon import lexicon

__all__ = ["EMBEDDER", "Sense", "embeddable", "embedder", "names_in", "sense_of", "without"]

EMBEDDER = "wordllama"
"""The name of what makes vectors."""


class Sense(NamedTuple):
    """As it is kept: the vector (half precision, or None), what made it, and the concepts after the
    lexicon's version."""

    vector: bytes | None
    embedder: str
    concepts: str


def embedder() -> Callable[[str], tuple[float, ...]] | None:
    """The embedder of this process, or None where it has none."""
    try:
        return load_embedder()
    except AikyoError:
        return None


def sense_of(text: str, names: Collection[str]) -> Sense:
    """The sense of a fact.

    Args:
        text: of the fact.
        names: of whom it is about: left out, since they are looked for by themselves and would make all
            that is said of one person alike.
    """
    bare = without(text, names)
    words = lexicon()
    concepts = " ".join([words.version, *sorted(words.concepts(bare))])
    embed = embedder()
    if embed is None:
        return Sense(None, "", concepts)
    import numpy as np

    return Sense(np.asarray(embed(embeddable(bare)), np.float16).tobytes(), EMBEDDER, concepts)


def embeddable(text: str) -> str:
    """`text` as the embedder understands it: in English, where it is Japanese."""
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
