"""What people say when companions are to be quiet, or may talk again, in English and Japanese. Pure.

By rules, and careful rather than clever: a clause must be such a wish and nothing else, so that a word
about a quiet library silences nobody. What is not understood can be said with ``aikyo quiet``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from . import quiet_english, quiet_japanese
from .quiet_wishes import Clauses, QuietRequest, Rules, request_in

__all__ = ["QuietRequest", "quiet_request"]

MAX_LENGTH = 400
"""Characters of a text in which such a wish is looked for: a longer one is a story."""

MAX_CLAUSES = 12
"""Clauses of a sentence that is looked at."""

_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
_QUOTED = re.compile(
    r'"[^"]*(?:"|$)|「[^」]*(?:」|$)|『[^』]*(?:』|$)|`[^`]*(?:`|$)|“[^”]*(?:”|$)|‘[^’]*’|^>.*$'
    r"|(?<!\w)'[^']*(?:'\w+[^']*)*'(?!\w)",
    re.MULTILINE,
)
_QUOTE = '"'
"""What stands for a quotation: it is part of no wish."""

_SMILEY = re.compile(r"[:;]-?[()]|[:;]-?[DPdp](?!\w)|[\u2600-\u27bf\ufe0f\u200d\U0001f000-\U0001faff♪]")

_SENTENCE = re.compile(r"[^.!?;。\n]+(?:[.](?=\d)[^.!?;。\n]+)*[.!?;。\n]*")
_COMMA = re.compile(r"(?<![\d一二三四五六七八九十])[,、]|[,、](?![\d一二三四五六七八九十])| [-–—]+ |—")


def quiet_request(text: str, names: Collection[str] = ()) -> QuietRequest | None:
    """What `text` asks of those it is said to: to be quiet, or to talk again; None if it asks neither.

    Of several wishes the last one holds. Whom it is for is not looked at; see `turns_to`.

    Args:
        text: what a person said.
        names: what those who are there are called, which may stand before or after the wish.
    """
    if len(text) > MAX_LENGTH:
        return None
    text = _SMILEY.sub("", _QUOTED.sub(_QUOTE, text))
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    japanese = _JAPANESE.search(text) is not None
    rules: Rules = quiet_japanese if japanese else quiet_english
    known = tuple(unicodedata.normalize("NFKC", name).casefold() for name in names if name.strip())
    found = None
    for sentence in _SENTENCE.findall(text):
        said = sentence.rstrip(" .!?;。\n")
        end = sentence[len(said) :]
        clauses = tuple(filter(None, (_spaced(clause, japanese) for clause in _COMMA.split(said))))
        if len(clauses) > MAX_CLAUSES:
            continue
        heard = Clauses(clauses, asked="?" in end, loud="!" in end, names=known)
        found = request_in(heard, rules) or found
    return found


def _spaced(clause: str, japanese: bool) -> str:
    return ("" if japanese else " ").join(clause.split())
