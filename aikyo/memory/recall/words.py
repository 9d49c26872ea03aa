"""Text → the words that full-text search indexes and looks for. Pure.

SQLite's own tokenizers cannot find 猫: `unicode61` takes a whole Japanese sentence for one word, and
`trigram` finds nothing shorter than three characters. So words are made here: those of scripts that
put spaces between words as they are, runs of the others as overlapping pairs of characters. A run's
last character stands alone as well, so that every character begins some word and is found by prefix.

What is indexed and what is looked for go through the same normalization, and every word in a MATCH
expression is letters and digits in quotes: no text can be an operator or a syntax error in it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from .stopwords import STOP_PAIRS, STOP_WORDS

__all__ = ["MAX_TERMS", "folded", "index_text", "match_expression", "query_terms"]

MAX_TERMS = 32
"""Terms of one query; the rest of a long text adds much work and little meaning."""

# Beside the underscore, letters in which SQLite's tokenizer, of an older Unicode, parts words: two words
# between quotes are a phrase, which an index that keeps no places cannot look for.
_WORD = re.compile(r"[^\W_\u19b0-\u19c0\u19c8\u19c9\u1cf2\u1cf3]+")
_HAN = r"\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_UNSPACED = re.compile(rf"([{_HAN}\u3040-\u30ff\u31f0-\u31ff\u1100-\u11ff\uac00-\ud7af]+)")
_LONE_HAN = re.compile(rf"(?<![{_HAN}])[{_HAN}](?![{_HAN}])")


def index_text(text: str) -> str:
    """All words of `text`, in order, with spaces between them."""
    words: list[str] = []
    for run, unspaced in _runs(text):
        if unspaced:
            words += _pairs(run)
            words.append(run[-1])
        else:
            words.append(run)
    return " ".join(words)


def query_terms(query: str) -> tuple[str, ...]:
    """The words of `query`, each as FTS5's MATCH takes it: always valid, and one word of the index.

    Words that say nothing of what is sought are left out, unless there are no others.
    """
    terms = tuple(islice(dict.fromkeys(_telling_terms(query)), MAX_TERMS))
    return terms or tuple(islice(dict.fromkeys(_terms(query)), MAX_TERMS))


def match_expression(query: str) -> str | None:
    """What finds rows with any of the words of `query`, as FTS5's MATCH takes it.

    Returns:
        An expression that is always valid, or None when `query` has no words.
    """
    return " OR ".join(query_terms(query)) or None


def folded(text: str) -> str:
    """`text` without what makes no difference in a search: case, width."""
    return unicodedata.normalize("NFKC", text).casefold()


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Words, and runs of characters of scripts without spaces (True)."""
    for word in _WORD.findall(folded(text)):
        for place, run in enumerate(_UNSPACED.split(word)):
            if run:
                yield run, place % 2 == 1


def _pairs(run: str) -> list[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)]


def _telling_terms(query: str) -> Iterator[str]:
    for run, unspaced in _runs(query):
        if not unspaced:
            if run not in STOP_WORDS:
                yield f'"{run}"'
            continue
        # 猫は好き: 猫 is a word of its own here, and met elsewhere with other particles.
        yield from (f'"{han}"*' for han in _LONE_HAN.findall(run))
        yield from (f'"{pair}"' for pair in _pairs(run) if pair not in STOP_PAIRS)


def _terms(query: str) -> Iterator[str]:
    for run, unspaced in _runs(query):
        if not unspaced:
            yield f'"{run}"'
        elif len(run) == 1:
            yield f'"{run}"*'
        else:
            yield from (f'"{pair}"' for pair in _pairs(run))
