"""Tells what says again what memory had brought up, in English and Japanese. Pure.

What a companion recalls and says is in its journal once more. Were that learned from like anything else,
a single remark would become the better attested the oftener it is spoken of.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Collection, Iterable
from itertools import islice

from ...conversation import asks
from ...memory.recall.stopwords import STOP_WORDS
from ..asker import is_of_oneself

__all__ = ["OwnWords", "repeats"]

_SHARE, _SHARE_OF_LINE = 0.6, 0.75
"""How much of what was known, or of a sentence that somebody said, has to be there again."""

_LONGEST = 2_000  # characters of a text that are compared
_SENTENCES = 12  # of a text
_KEPT = 64  # utterances of one's own
_ENDINGS = ("ing", "ed", "es", "s", "e")
_LEAST_STEM = 3

_SENTENCE = re.compile(r"[^.!?。！？\n]+")
_WORD = re.compile(
    r"[^\W_\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"  # of scripts with spaces
    r"|[\u30a1-\u30fa\u30fc]+"  # a word in katakana
    r"|[\u3005-\u3007\u3400-\u9fff\uf900-\ufaff]"  # a character of Chinese; hiragana is mostly grammar
)


def repeats(
    text: str, known: Iterable[str] = (), said: Iterable[str] = (), *, names: Collection[str] = ()
) -> bool:
    """Whether a text says again what was brought up, whatever else it says.

    Args:
        text: what is said.
        known: sentences that were known: one is said again where most of its words are there.
        said: what somebody had said: one of its sentences is, where nearly all its words are there.
        names: what those who talk are called; in another's mouth they are "you" and "I".
    """
    here = _words(text[:_LONGEST])
    if not here:
        return False
    called = frozenset().union(*map(_words, names))
    for sentence in known:
        words = _words(sentence[:_LONGEST]) - called
        if words and len(words & here) >= _SHARE * len(words):
            return True
    for line in said:
        for words in _sentences(line):
            left = words - called
            if len(left) > 1 and len(left & here) >= _SHARE_OF_LINE * len(left):
                return True
    return False


class OwnWords:
    """What a companion has said of late, to know it again in others' mouths. Bounded."""

    def __init__(self) -> None:
        self._said: deque[str] = deque(maxlen=_KEPT)

    def add(self, text: str) -> None:
        """It has said this."""
        self._said.append(text[:_LONGEST])

    def forget(self) -> None:
        """Keep nothing of it."""
        self._said.clear()

    def are_in(self, text: str, *, by_person: bool, names: Collection[str] = ()) -> bool:
        """Whether somebody only repeats them: tells the world nothing, and nothing of themselves.

        A person who says the same confirms it, unless it is word for word, and was no question.
        """
        if is_of_oneself(text):
            return False
        if by_person:
            plain = _plain(text)
            return bool(plain) and any(plain == _plain(said) for said in self._said if not asks(said))
        return repeats(text, said=self._said, names=names)


def _sentences(text: str) -> list[frozenset[str]]:
    """The words of each sentence."""
    found = islice(_SENTENCE.findall(text[:_LONGEST]), _SENTENCES)
    return [words for words in map(_words, found) if words]


def _words(text: str) -> frozenset[str]:
    """The words that say something, without their endings."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return frozenset(_stem(word) for word in _WORD.findall(folded) if word not in STOP_WORDS)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return word.removesuffix(ending)
    return word


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    return "".join(character for character in folded if character.isalnum())
