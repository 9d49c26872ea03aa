"""Which language an answer is in."""

from __future__ import annotations

import re
from functools import cache

from ..moment import Moment
from .book import load_book
from .english import English
from .japanese import Japanese, count_japanese
from .tongue import Tongue

__all__ = ["tongue_for", "tongue_named", "tongues"]

_LATIN_WORDS = re.compile(r"[A-Za-z]{2,}")


def tongue_for(moment: Moment) -> Tongue:
    """The language to answer in: the one that is spoken to me, names aside; else the moment's own."""
    text = moment.message.text if moment.message else ""
    for name in (moment.me.name, *(someone.name for someone in moment.present)):
        if name:
            text = text.replace(name, " ")
    latin = len(_LATIN_WORDS.findall(text))
    japanese = count_japanese(text)
    if japanese and japanese >= latin:
        return tongue_named("ja")
    if latin >= 2 and not japanese:
        return tongue_named("en")
    return tongue_named(moment.language)


@cache
def _tongue(language: str) -> Tongue:
    return Japanese(load_book("ja")) if language == "ja" else English(load_book("en"))


def tongue_named(tag: str) -> Tongue:
    """The language of a tag like ``ja`` or ``en-GB``; English where there is no other."""
    return _tongue("ja" if tag.lower().startswith("ja") else "en")


def tongues() -> tuple[Tongue, ...]:
    """All languages that are spoken here."""
    return _tongue("en"), _tongue("ja")
