"""What words mean, as far as it takes to find facts: concepts (`concepts.toml`) and a glossary.

Who asks for somebody's pet finds the cat, in English and Japanese, without a model. The embedder's table
knows English well and Japanese hardly, so that Japanese is put into English for it, word by word
(`glossary.txt`).
"""

from __future__ import annotations

import re
import tomllib
import zlib
from collections import defaultdict
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files

from msgspec import Struct, convert

from ..recall.words import folded
from .model import FactKind

__all__ = ["Lexicon", "lexicon"]

_WORD = re.compile(r"[a-z]+")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_ENDINGS = ("ing", "ed", "es", "s", "e", "y")
_SHORTEST = 3  # letters that a word keeps when its ending is taken off


class _Concept(Struct, forbid_unknown_fields=True):
    en: str
    ja: str
    kinds: tuple[FactKind, ...] = ()


class Lexicon:
    """The concepts, their words, and the glossary.

    Args:
        written: what `concepts.toml` holds.
        glossary: what `glossary.txt` holds.

    Attributes:
        version: changes when anything of it does.
        names: of all concepts, sorted.
    """

    def __init__(self, written: str, glossary: str = "") -> None:
        concepts = convert(tomllib.loads(written), dict[str, _Concept])
        self.version = f"{zlib.crc32((written + glossary).encode()):08x}"
        self._english = _read(glossary)
        self._longest = max(map(len, self._english), default=0)
        self.names = tuple(sorted(concepts))
        self._kinds = {name: concept.kinds for name, concept in concepts.items()}
        self._words: dict[str, set[str]] = {}
        self._phrases: dict[str, set[str]] = {}
        self._unspaced: dict[str, dict[str, set[str]]] = {}  # by first character
        for name, concept in concepts.items():
            for word in concept.en.split():
                if "_" in word:
                    self._phrases.setdefault(f" {word.replace('_', ' ')} ", set()).add(name)
                else:
                    self._words.setdefault(_stem(word), set()).add(name)
            for word in map(folded, concept.ja.split()):
                if not word.isascii():
                    self._unspaced.setdefault(word[0], {}).setdefault(word, set()).add(name)

    def concepts(self, text: str) -> frozenset[str]:
        """Names of the concepts that `text` has words of."""
        text = folded(text)
        found: set[str] = set()
        words = _WORD.findall(text.replace("'s", " "))
        for word in words:
            found |= self._words.get(_stem(word), set())
        spoken = f" {' '.join(words)} "
        for phrase, names in self._phrases.items():
            if phrase in spoken:
                found |= names
        for place, first in enumerate(text):
            for word, names in self._unspaced.get(first, {}).items():
                if text.startswith(word, place):
                    found |= names
        return frozenset(found)

    def in_english(self, text: str) -> str:
        """The words of a Japanese text in English, as far as the glossary has them, and what is English
        in it; nothing of a text that is not Japanese."""
        text = folded(text)
        if not _JAPANESE.search(text):
            return ""
        found: list[str] = []
        place = 0
        while place < len(text):
            if word := _WORD.match(text, place):
                found.append(word.group())
                place = word.end()
                continue
            taken = self._taken(text, place)
            found += [self._english[taken]] if taken else []
            place += len(taken) or 1
        return " ".join(found)

    def _taken(self, text: str, place: int) -> str:
        """The longest word of the glossary that begins here: 運転免許 is a licence, not driving."""
        for length in range(self._longest, 0, -1):
            if (word := text[place : place + length]) in self._english:
                return word
        return ""

    def kinds(self, concepts: Iterable[str]) -> dict[FactKind, float]:
        """Which kinds of facts these concepts ask for, each with its share; 1 in all, or nothing."""
        votes: defaultdict[FactKind, float] = defaultdict(float)
        for name in sorted(concepts):
            for kind in self._kinds[name]:
                votes[kind] += 1 / len(self._kinds[name])
        total = sum(votes.values())
        return {kind: vote / total for kind, vote in votes.items()}


@cache
def lexicon() -> Lexicon:
    """The one that comes with aikyo, read once a process (20 ms)."""
    here = files(__package__)
    return Lexicon(
        here.joinpath("concepts.toml").read_text("utf-8"),
        here.joinpath("glossary.txt").read_text("utf-8"),
    )


def _read(glossary: str) -> dict[str, str]:
    """Japanese word → English."""
    lines = [line.split() for line in glossary.splitlines() if not line.startswith("#")]
    return {
        folded(word): english.replace("_", " ").casefold()
        for english, *words in filter(None, lines)
        for word in words
    }


@lru_cache(4096)
def _stem(word: str) -> str:
    """A word without its ending: rough, and the same for all forms of most words."""
    if word.endswith("ies") and len(word) > _SHORTEST + 1:
        return word[:-3]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    if len(word) > _SHORTEST and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word[:-1] if word.endswith("e") and len(word) > _SHORTEST else word
